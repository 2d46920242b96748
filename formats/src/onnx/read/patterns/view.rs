//! Where the elements of a value come from, through layers that only move them: how a pattern sees past reshapes, turns, parts
//! and turns back, in whatever order an exporter wrote them.
//!
//! A [`View`] says of each axis which axes of the value where it began it goes along, and in which steps.

use crate::spec::{Network, ValueId};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::{Dim, Shape};
use std::collections::VecDeque;

/// An axis, or a part of one: `size` elements of axis `axis` of where the view began, `step` of that axis apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub axis: usize,
    pub size: Dim,
    pub step: i64,
}

/// A value as moved elements of another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// What each axis goes along, the slowest part first; nothing of size 1.
    pub axes: Vec<Vec<Part>>,
    /// The place of its first element along each axis of where it began.
    pub starts: Vec<i64>,
}

impl View {
    /// A value as it is.
    pub fn of(shape: &Shape) -> View {
        let whole = |(axis, size): (usize, &Dim)| joined(vec![Part { axis, size: size.clone(), step: 1 }]);
        View { axes: shape.iter().enumerate().map(whole).collect(), starts: vec![0; shape.rank()] }
    }

    /// What a layer makes of it that only moves elements, or takes some of an axis; `None` of any other layer.
    pub fn through(&self, network: &Network, value: ValueId) -> Option<View> {
        let node = network.node(value);
        let int = |name: &str, otherwise: Option<i64>| match node.argument(name) {
            None => otherwise,
            Some(Constant::Int(number)) => Some(*number),
            Some(_) => None,
        };
        let size_of = |axis: usize| network.shape(value).get(axis).and_then(Dim::number);
        let axis = |otherwise| {
            let axis = int("dim", otherwise)?;
            usize::try_from(if axis < 0 { axis + self.axes.len() as i64 } else { axis }).ok()
        };
        match node.layer()? {
            "Reshape" | "Flatten" | "Unflatten" | "Squeeze" | "Unsqueeze" | "Identity" => {
                self.formed(network.shape(value))
            }
            "Permute" => {
                let Constant::Tuple(order) = node.argument("dims")? else { return None };
                let place = |axis: &Constant| match axis {
                    Constant::Int(axis) => self.axes.get(usize::try_from(*axis).ok()?).cloned(),
                    _ => None,
                };
                let axes = order.iter().map(place).collect::<Option<_>>()?;
                Some(View { axes, starts: self.starts.clone() })
            }
            "Narrow" if int("step", Some(1)) == Some(1) => {
                let axis = axis(None)?;
                self.narrowed(axis, int("start", None)?, size_of(axis)?)
            }
            "Chunk" => {
                let (axis, index) = (axis(Some(1))?, int("index", None)?);
                let before = network.shape(*node.inputs.first()?).get(axis)?.number()?;
                let chunks = int("chunks", None).filter(|&chunks| chunks > 0)?;
                self.narrowed(axis, index * ((before + chunks - 1) / chunks), size_of(axis)?)
            }
            "Split" => {
                let (axis, index) = (axis(Some(1))?, int("index", None)?);
                let start = match node.argument("split_size")? {
                    Constant::Int(size) => index * size,
                    Constant::Tuple(sizes) => {
                        let size = |size: &Constant| if let Constant::Int(size) = size { Some(*size) } else { None };
                        sizes.iter().take(usize::try_from(index).ok()?).map(size).sum::<Option<i64>>()?
                    }
                    _ => return None,
                };
                self.narrowed(axis, start, size_of(axis)?)
            }
            _ => None,
        }
    }

    /// What several layers make of it, one after the other.
    pub fn through_all(&self, network: &Network, values: &[ValueId]) -> Option<View> {
        values.iter().try_fold(self.clone(), |view, &value| view.through(network, value))
    }

    /// The same elements under another shape.
    fn formed(&self, shape: &Shape) -> Option<View> {
        let mut parts: VecDeque<Part> = self.axes.iter().flatten().cloned().collect();
        let axes = shape.iter().map(|size| taken(&mut parts, size)).collect::<Option<_>>()?;
        parts.is_empty().then(|| View { axes, starts: self.starts.clone() })
    }

    /// So many elements of an axis from one on.
    fn narrowed(&self, axis: usize, start: i64, length: i64) -> Option<View> {
        let mut view = self.clone();
        let Some((first, inner)) = view.axes.get_mut(axis)?.split_first_mut() else {
            return (start == 0 && length == 1).then_some(view);
        };
        let inner = inner.iter().map(|part| part.size.number()).product::<Option<i64>>().filter(|&inner| inner > 0)?;
        if start % inner != 0 || length % inner != 0 {
            return None;
        }
        *view.starts.get_mut(first.axis)? += start / inner * first.step;
        first.size = Dim::Number(length / inner);
        let axis = view.axes.get_mut(axis)?;
        *axis = joined(std::mem::take(axis));
        Some(view)
    }
}

/// The parts that make an axis of a size, taken from the front.
fn taken(parts: &mut VecDeque<Part>, size: &Dim) -> Option<Vec<Part>> {
    let (mut left, mut found) = (size.clone(), Vec::new());
    while left != Dim::Number(1) {
        let part = parts.pop_front()?;
        if left == part.size {
            found.push(part);
            break;
        }
        if let Some(rest) = left.evenly_divided(&part.size).ok()? {
            left = rest;
            found.push(part);
            continue;
        }
        let (wanted, there) = (left.number()?, part.size.number()?);
        let inner = there.checked_div(wanted).filter(|_| there % wanted == 0)?;
        found.push(Part { size: left, step: part.step.checked_mul(inner)?, ..part });
        parts.push_front(Part { size: Dim::Number(inner), ..part });
        break;
    }
    Some(joined(found))
}

/// Parts that lie in each other as one, and none of size 1.
pub(super) fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts.into_iter().filter(|part| part.size != Dim::Number(1)) {
        let last = all.last_mut().filter(|last| last.axis == part.axis);
        let one = last.and_then(|last| {
            let reach = part.size.number()?.checked_mul(part.step)?;
            let size = last.size.times(&part.size).ok().filter(|_| reach == last.step)?;
            Some((last, size))
        });
        match one {
            Some((last, size)) => (last.size, last.step) = (size, part.step),
            None => all.push(part),
        }
    }
    all
}

/// The layers before a value that only move elements, the first of them first, and what they begin with; `also` goes on past
/// others.
pub(super) fn moved(
    network: &Network,
    mut value: ValueId,
    also: &mut dyn FnMut(ValueId) -> Option<ValueId>,
) -> (ValueId, Vec<ValueId>) {
    let mut steps = Vec::new();
    while steps.len() < MOST_STEPS {
        let node = network.node(value);
        let moves = node.layer().is_some_and(|layer| MOVING.contains(&layer));
        if moves && let Some(&before) = node.inputs.first() {
            steps.push(value);
            value = before;
        } else if let Some(before) = also(value) {
            value = before;
        } else {
            break;
        }
    }
    steps.reverse();
    (value, steps)
}

/// Layers between two that compute, at most.
const MOST_STEPS: usize = 16;

/// Layers that only move elements, or take some.
const MOVING: [&str; 10] =
    ["Reshape", "Flatten", "Unflatten", "Squeeze", "Unsqueeze", "Identity", "Permute", "Narrow", "Chunk", "Split"];

#[cfg(test)]
mod tests {
    use super::*;

    fn network(sizes: &[Dim]) -> (Network, ValueId) {
        let mut network = Network::default();
        let x = network.input("x", Shape::from(sizes.to_vec()));
        (network, x)
    }

    fn ints(numbers: &[i64]) -> Constant {
        Constant::Tuple(numbers.iter().map(|&number| Constant::Int(number)).collect())
    }

    #[test]
    fn elements_are_followed_through_shapes_turns_and_parts() {
        let (mut network, x) = network(&[Dim::symbol("N"), Dim::Number(7), Dim::Number(24)]);
        let layer = |network: &mut Network, name, arguments, from| network.layer(name, arguments, &[from], vec![]);
        let apart = layer(&mut network, "Reshape", vec![("shape", ints(&[-1, 7, 3, 2, 4]))], x).unwrap();
        let turned = layer(&mut network, "Permute", vec![("dims", ints(&[2, 0, 3, 1, 4]))], apart).unwrap();
        let part = vec![("dim", Constant::Int(0)), ("start", Constant::Int(2)), ("length", Constant::Int(1))];
        let part = layer(&mut network, "Narrow", part, turned).unwrap();
        let heads = layer(&mut network, "Reshape", vec![("shape", ints(&[-1, 7, 4]))], part).unwrap();
        let (from, steps) = moved(&network, heads, &mut |_| None);
        assert_eq!((from, steps.as_slice()), (x, &[apart, turned, part, heads][..]));
        let view = View::of(network.shape(x)).through_all(&network, &steps).unwrap();
        let own = |axis, size: Dim, step| Part { axis, size, step };
        let batch = vec![own(0, Dim::symbol("N"), 1), own(2, Dim::Number(2), 4)];
        let places = vec![own(1, Dim::Number(7), 1)];
        assert_eq!(view.axes, [batch, places, vec![own(2, Dim::Number(4), 1)]]);
        assert_eq!(view.starts, [0, 0, 16]);
    }

    #[test]
    fn what_does_not_keep_its_parts_together_is_no_view() {
        let (mut network, x) = network(&[Dim::Number(4), Dim::Number(6)]);
        let turned = network.layer("Permute", vec![("dims", ints(&[1, 0]))], &[x], vec![]).unwrap();
        let mixed = network.layer("Reshape", vec![("shape", ints(&[3, 8]))], &[turned], vec![]).unwrap();
        let view = View::of(network.shape(x)).through(&network, turned).unwrap();
        // 6·4 as 3·8: the parts are 3 of the 6, and 2 of them with the 4.
        let back = view.through(&network, mixed).unwrap();
        assert_eq!(back.axes[1].len(), 2);
        let odd = network.layer("Reshape", vec![("shape", ints(&[8, 3]))], &[turned], vec![]).unwrap();
        assert!(view.through(&network, odd).is_none(), "8 is no part of 6");
    }
}
