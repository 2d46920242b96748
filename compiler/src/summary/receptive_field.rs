//! The receptive field of every value: which part of the input plane one of its elements depends on.
//!
//! The plane is the last two axes of an input of three axes or more. For both of its axes a value knows which elements the element `o` of
//! its own axis sees: `start + o·jump` up to `size` further, as exact fractions, so that branches with different paddings unite exactly
//! (Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", 2019). Padding counts, as it does in
//! the literature, so a field may be larger than the input. Where branches move over the input at different speeds (only when one
//! of them is pooled to a single element and spread out again) the field is given as the whole plane.

use super::rational::Rational;
use crate::graph::{Node, NodeId, NodeKind, ShapedGraph};
use crate::ops::Reach;
use crate::shape::Shape;
use std::collections::BTreeMap;
use std::fmt;

/// How much of one axis of the input plane an element sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// That many neighbouring elements, padding included.
    Elements(u64),
    /// All of it.
    Whole,
}

/// How much of the input plane an element sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Rows.
    pub height: Seen,
    /// Columns.
    pub width: Seen,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Elements(count) => write!(f, "{count}"),
            Seen::Whole => f.write_str("whole"),
        }
    }
}

/// `5×5`, or `whole`
impl fmt::Display for ReceptiveField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.height, self.width) {
            (Seen::Whole, Seen::Whole) => f.write_str("whole"),
            (height, width) => write!(f, "{height}×{width}"),
        }
    }
}

/// What of one axis of one input's plane a value's elements see.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Extent {
    /// All of it, or what is no simple window.
    Whole,
    /// A window that moves along an axis of the value, or stands still.
    Window(Window),
}

/// Element `o` along `axis` sees `start + o·jump` and `size` elements from there; without an axis every element sees the same.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    axis: Option<usize>,
    start: Rational,
    size: Rational,
    jump: Rational,
}

/// The extents by input and axis of its plane (0 is the height); nothing for an input on which the value does not depend.
type Field = BTreeMap<(usize, usize), Extent>;

/// The fields of all values, by node index; `None` where there is no plane.
pub(super) fn receptive_fields(shaped: &ShapedGraph, order: &[NodeId]) -> Vec<Option<ReceptiveField>> {
    let mut fields: Vec<Field> = Vec::new();
    for &id in order {
        let field = shaped.graph.dag.get(id).map(|node| field_of(shaped, id, node, &fields)).unwrap_or_default();
        if fields.len() <= id.index() {
            fields.resize(id.index() + 1, Field::new());
        }
        if let Some(slot) = fields.get_mut(id.index()) {
            *slot = field;
        }
    }
    fields.iter().map(seen).collect()
}

fn field_of(shaped: &ShapedGraph, id: NodeId, node: &Node, fields: &[Field]) -> Field {
    match &node.kind {
        NodeKind::Input(number) => input_field(*number, shaped.shape(id).rank()),
        NodeKind::Operator(operator) => {
            let arguments = shaped.graph.dag.arguments(id);
            let shapes: Vec<Shape> = arguments.iter().map(|&argument| shaped.shape(argument)).collect();
            let reach = operator.reach(&shapes);
            let rank = shaped.shape(id).rank();
            let mut united = Field::new();
            for (argument, shape) in arguments.iter().zip(&shapes) {
                let Some(field) = fields.get(argument.index()) else { continue };
                for (&plane, &extent) in field {
                    let extent = through(&reach, extent, shape.rank(), rank);
                    united.entry(plane).and_modify(|other| *other = unite(*other, extent)).or_insert(extent);
                }
            }
            united
        }
    }
}

/// An input's element sees itself.
fn input_field(number: usize, rank: usize) -> Field {
    if rank < 3 {
        return Field::new();
    }
    let own = |axis| {
        Extent::Window(Window { axis: Some(axis), start: Rational::ZERO, size: Rational::ONE, jump: Rational::ONE })
    };
    Field::from([((number, 0), own(rank - 2)), ((number, 1), own(rank - 1))])
}

/// The extent after an operator whose input has `from` axes and whose output has `to`.
fn through(reach: &Reach, extent: Extent, from: usize, to: usize) -> Extent {
    let Extent::Window(window) = extent else { return Extent::Whole };
    let Some(axis) = window.axis else { return extent };
    let moved = match reach {
        // A join with a value of more axes aligns the last ones.
        Reach::Point => Some(Window { axis: (axis + to).checked_sub(from), ..window }),
        Reach::Window { extent, stride, before } => match plane_axis(axis, from) {
            Some(plane) => slid(window, extent[plane], stride[plane], before[plane]),
            None => Some(window),
        },
        Reach::Resampled { extent, factor } => match plane_axis(axis, from) {
            Some(plane) => resampled(window, extent[plane], factor[plane]),
            None => Some(window),
        },
        Reach::Whole(axes) => (!axes.contains(&axis)).then_some(window),
        Reach::Moved(axes) => axes.get(axis).map(|&axis| Window { axis: Some(axis), ..window }),
    };
    moved.map_or(Extent::Whole, Extent::Window)
}

/// Which axis of the plane the axis of a value with `rank` axes is.
fn plane_axis(axis: usize, rank: usize) -> Option<usize> {
    (axis + 2).checked_sub(rank)
}

/// After a window of `extent` elements, `None` past 127 bits.
fn slid(window: Window, extent: usize, stride: usize, before: i64) -> Option<Window> {
    let number = |value: usize| Rational::whole(value as i128);
    Some(Window {
        start: window.start.minus(Rational::whole(before.into()).times(window.jump)?)?,
        size: window.size.plus(number(extent.saturating_sub(1)).times(window.jump)?)?,
        jump: window.jump.times(number(stride))?,
        ..window
    })
}

/// After reading between elements: half of the further ones lie before.
fn resampled(window: Window, extent: usize, factor: f64) -> Option<Window> {
    let further = Rational::whole(extent.saturating_sub(1) as i128).times(window.jump)?;
    Some(Window {
        start: window.start.minus(further.over(Rational::whole(2))?)?,
        size: window.size.plus(further)?,
        jump: window.jump.over(Rational::from_float(factor)?)?,
        ..window
    })
}

/// What two branches see together.
fn unite(left: Extent, right: Extent) -> Extent {
    let (Extent::Window(a), Extent::Window(b)) = (left, right) else { return Extent::Whole };
    if a == b {
        return left;
    }
    let together = || {
        let start = a.start.smaller(b.start)?;
        let end = a.start.plus(a.size)?.larger(b.start.plus(b.size)?)?;
        Some(Window { start, size: end.minus(start)?, ..a })
    };
    let same_speed = a.axis == b.axis && a.jump == b.jump;
    same_speed.then(together).flatten().map_or(Extent::Whole, Extent::Window)
}

/// The largest of a value's fields, when it has several inputs.
fn seen(field: &Field) -> Option<ReceptiveField> {
    let largest = |plane: usize| {
        let extents = field.iter().filter(|((_, axis), _)| *axis == plane).map(|(_, extent)| match extent {
            Extent::Whole => Seen::Whole,
            Extent::Window(window) => u64::try_from(window.size.ceiling()).map_or(Seen::Whole, Seen::Elements),
        });
        extents.max()
    };
    Some(ReceptiveField { height: largest(0)?, width: largest(1)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel() -> Extent {
        input_field(0, 4)[&(0, 0)]
    }

    fn window(extent: usize, stride: usize, before: i64) -> Reach {
        Reach::Window { extent: [extent; 2], stride: [stride; 2], before: [before; 2] }
    }

    fn after(reaches: &[Reach]) -> Extent {
        reaches.iter().fold(pixel(), |extent, reach| through(reach, extent, 4, 4))
    }

    fn size(extent: Extent) -> Seen {
        seen(&Field::from([((0, 0), extent), ((0, 1), extent)])).expect("a plane").height
    }

    #[test]
    fn strides_widen_what_later_windows_see() {
        // The stem and the first block of ResNet: 7 at stride 2, 3 at stride 2, two of 3.
        let stem = [window(7, 2, 3), window(3, 2, 1), window(3, 1, 1), window(3, 1, 1)];
        assert_eq!(size(after(&stem)), Seen::Elements(7 + 2 * 2 + 2 * 4 + 2 * 4));
    }

    #[test]
    fn branches_unite_by_where_they_lie() {
        let same = unite(after(&[window(3, 1, 1)]), after(&[window(5, 1, 2)]));
        assert_eq!(size(same), Seen::Elements(5));
        let shifted = unite(after(&[window(3, 1, 0)]), after(&[window(3, 1, 2)]));
        assert_eq!(size(shifted), Seen::Elements(5));
        assert_eq!(unite(pixel(), Extent::Whole), Extent::Whole);
        assert_eq!(unite(pixel(), after(&[window(2, 2, 0)])), Extent::Whole);
    }

    #[test]
    fn enlarging_makes_steps_smaller() {
        let double = Reach::Resampled { extent: [1; 2], factor: [2.0; 2] };
        assert_eq!(size(after(&[double.clone(), window(3, 1, 1)])), Seen::Elements(2));
        assert_eq!(size(after(&[double.clone(), window(4, 1, 1)])), Seen::Elements(3));
        let back = after(&[window(2, 2, 0), double]);
        assert_eq!(size(unite(back, pixel())), Seen::Elements(2));
    }

    #[test]
    fn axes_are_followed_where_they_go() {
        let last = through(&Reach::Moved(vec![0, 3, 1, 2]), pixel(), 4, 4);
        assert_eq!(through(&Reach::Whole(vec![3]), last, 4, 4), last);
        assert_eq!(through(&Reach::Whole(vec![1]), last, 4, 4), Extent::Whole);
        let flat = through(&Reach::Moved(vec![0, 1, 1, 1]), pixel(), 4, 2);
        assert_eq!(size(flat), Seen::Elements(1));
        assert_eq!(through(&Reach::Whole(vec![1]), flat, 2, 2), Extent::Whole);
    }

    #[test]
    fn what_grows_past_all_bounds_is_whole() {
        assert_eq!(size(after(&vec![window(3, 1 << 20, 1); 10])), Seen::Whole);
    }
}
