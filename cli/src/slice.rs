//! Parts of a tensor by indices, as PyTorch writes them: `[0, :, 1:3]`, `[..., -1]`, `[1][0]`.
//!
//! Text between brackets comes in, and where it stands in the argument; a [`Part`] of a shape goes out, or why there is none.
//! A part is a way to count through values that lie elsewhere: nothing is copied. Steps go forward, as in PyTorch.

use crate::numbers::counted;
use std::ops::Range;

/// What brackets say of one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Index {
    /// One position; the axis is gone then. Below zero it counts from the end.
    At(i64),
    /// Positions from one on, before another, in steps.
    Range { start: Option<i64>, end: Option<i64>, step: usize },
    /// `...`: as many whole axes as there are besides those that are named.
    Rest,
}

/// The indices of one pair of brackets, each with its place in the text that they were read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    indices: Vec<(Index, Range<usize>)>,
    place: Range<usize>,
}

/// Why indices cannot be read, or are not there, and where in the text they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// A sentence, lower-case, without a full stop.
    pub reason: String,
    /// Bytes of the text.
    pub place: Range<usize>,
}

impl Slice {
    /// Reads what stands between brackets, at that place of a longer text.
    ///
    /// # Errors
    /// When it is no list of indices.
    pub fn read(text: &str, start: usize) -> Result<Slice, Misfit> {
        let mut indices = Vec::new();
        let mut at = start;
        for part in text.split(',') {
            let blanks = part.len() - part.trim_start().len();
            let place = at + blanks..at + blanks + part.trim().len().max(1);
            at += part.len() + 1;
            indices.push((index(part.trim(), &place)?, place));
        }
        let rests = indices.iter().filter(|(index, _)| *index == Index::Rest);
        if let Some((_, place)) = rests.clone().nth(1) {
            return Err(Misfit { reason: "`...` may stand once".into(), place: place.clone() });
        }
        Ok(Slice { indices, place: start..start + text.len().max(1) })
    }
}

/// One index.
fn index(text: &str, place: &Range<usize>) -> Result<Index, Misfit> {
    let wrong = |reason: String| Misfit { reason, place: place.clone() };
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| wrong(format!("`{text}` is no whole number"))),
    };
    if text == "..." {
        return Ok(Index::Rest);
    }
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [""] => Err(wrong("an index is missing".into())),
        [one] => one.parse().map(Index::At).map_err(|_| {
            wrong(format!("`{one}` is no index: that is a whole number, a range such as `1:3`, `:` for all, or `...`"))
        }),
        [start, end] => Ok(Index::Range { start: number(start)?, end: number(end)?, step: 1 }),
        [start, end, step] => {
            let step = number(step)?.map_or(Some(1), |step| usize::try_from(step).ok().filter(|&step| step > 0));
            let step = step.ok_or_else(|| wrong("the step of a range is at least 1".into()))?;
            Ok(Index::Range { start: number(start)?, end: number(end)?, step })
        }
        _ => Err(wrong(format!("`{text}` has more colons than `start:end:step`"))),
    }
}

/// A part of a tensor: sizes, and where its values lie among those of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    axes: Vec<Axis>,
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    size: usize,
    stride: usize,
}

impl Part {
    /// All of a tensor of this shape.
    pub fn whole(shape: &[usize]) -> Part {
        let mut axes: Vec<Axis> = shape.iter().map(|&size| Axis { size, stride: 1 }).collect();
        let mut stride = 1;
        for axis in axes.iter_mut().rev() {
            axis.stride = stride;
            stride *= axis.size;
        }
        Part { axes, offset: 0 }
    }

    /// A part of it.
    ///
    /// # Errors
    /// When it has fewer axes than there are indices, or an index is past an end.
    pub fn of(&self, slice: &Slice) -> Result<Part, Misfit> {
        let rest = slice.indices.iter().position(|(index, _)| *index == Index::Rest);
        let named = slice.indices.len() - usize::from(rest.is_some());
        let Some(free) = self.axes.len().checked_sub(named) else {
            let past = slice.indices.iter().filter(|(index, _)| *index != Index::Rest).nth(self.axes.len());
            let place = past.map_or_else(|| slice.place.clone(), |(_, place)| place.clone());
            let axes = self.axes.len();
            let of = if axes == 0 {
                "a single number has none".to_owned()
            } else {
                format!("{}: {:?}", counted(axes, "axis").replace("axiss", "axes"), self.shape())
            };
            let given = counted(named, "index").replace("indexs", "indices");
            return Err(Misfit { reason: format!("here are {given}, and {of}"), place });
        };
        let mut part = Part { axes: Vec::new(), offset: self.offset };
        let mut axes = self.axes.iter().enumerate();
        for (index, place) in &slice.indices {
            if *index == Index::Rest {
                part.axes.extend(axes.by_ref().take(free).map(|(_, axis)| *axis));
                continue;
            }
            let Some((number, axis)) = axes.next() else { continue };
            match index {
                Index::At(at) => part.offset += position(*at, axis.size, number, place)? * axis.stride,
                Index::Range { start, end, step } => {
                    let [start, end] = [start.unwrap_or(0), end.unwrap_or(i64::MAX)].map(|at| bound(at, axis.size));
                    part.axes
                        .push(Axis { size: end.saturating_sub(start).div_ceil(*step), stride: axis.stride * step });
                    part.offset += start * axis.stride;
                }
                Index::Rest => {}
            }
        }
        part.axes.extend(axes.map(|(_, axis)| *axis));
        Ok(part)
    }

    /// Its sizes.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.size).collect()
    }

    /// Where its values lie among those of the whole, in order.
    pub fn places(&self) -> Vec<usize> {
        let mut places = vec![self.offset];
        for axis in &self.axes {
            places = places
                .iter()
                .flat_map(|place| (0..axis.size).map(move |number| place + number * axis.stride))
                .collect();
        }
        places
    }
}

/// An index as a position of its axis.
fn position(at: i64, size: usize, axis: usize, place: &Range<usize>) -> Result<usize, Misfit> {
    let from_start = if at < 0 { at.checked_add_unsigned(size as u64) } else { Some(at) };
    let found = from_start.and_then(|at| usize::try_from(at).ok()).filter(|&at| at < size);
    found.ok_or_else(|| {
        let range = match size {
            0 => "is empty".to_owned(),
            _ => format!("has indices from 0 to {}, or from -{size} to -1", size - 1),
        };
        Misfit { reason: format!("there is no {at} on axis {axis}, which {range}"), place: place.clone() }
    })
}

/// A bound of a range, which may lie past either end.
fn bound(at: i64, size: usize) -> usize {
    let at = if at < 0 { at.saturating_add_unsigned(size as u64).max(0) } else { at };
    usize::try_from(at).unwrap_or(usize::MAX).min(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(shape: &[usize], text: &str) -> Result<(Vec<usize>, Vec<usize>), Misfit> {
        let part = Part::whole(shape).of(&Slice::read(text, 0)?)?;
        Ok((part.shape(), part.places()))
    }

    #[test]
    fn parts_are_those_of_pytorch() {
        let ok = |shape: &[usize], text: &str| part(shape, text).unwrap();
        assert_eq!(ok(&[2, 3], "0, 0"), (vec![], vec![0]));
        assert_eq!(ok(&[2, 3], "-1"), (vec![3], vec![3, 4, 5]));
        assert_eq!(ok(&[2, 3], ":, 1"), (vec![2], vec![1, 4]));
        assert_eq!(ok(&[2, 3], "..., 1:"), (vec![2, 2], vec![1, 2, 4, 5]));
        assert_eq!(ok(&[2, 3], "1, ..., -1"), (vec![], vec![5]));
        assert_eq!(ok(&[2, 3, 2], "..., 0, 1"), (vec![2], vec![1, 7]));
        assert_eq!(ok(&[7], "1::3"), (vec![2], vec![1, 4]));
        assert_eq!(ok(&[7], "-3:-1"), (vec![2], vec![4, 5]));
        assert_eq!(ok(&[7], "5:100"), (vec![2], vec![5, 6]));
        assert_eq!(ok(&[7], "5:2"), (vec![0], vec![]));
        assert_eq!(ok(&[7], "-9223372036854775808:9223372036854775807"), (vec![7], (0..7).collect()));
        assert_eq!(ok(&[], "..."), (vec![], vec![0]));
    }

    #[test]
    fn parts_of_parts() {
        let first = Part::whole(&[3, 4]).of(&Slice::read("1:, ::2", 0).unwrap()).unwrap();
        assert_eq!((first.shape(), first.places()), (vec![2, 2], vec![4, 6, 8, 10]));
        let second = first.of(&Slice::read("1", 0).unwrap()).unwrap();
        assert_eq!((second.shape(), second.places()), (vec![2], vec![8, 10]));
    }

    #[test]
    fn what_is_not_there_is_told_with_its_place() {
        let refused = |shape: &[usize], text: &str| {
            let Misfit { reason, place } = part(shape, text).unwrap_err();
            (reason, text.get(place).unwrap_or_default().to_owned())
        };
        let (reason, place) = refused(&[2, 3], "0, 3");
        assert_eq!(
            (reason.as_str(), place.as_str()),
            ("there is no 3 on axis 1, which has indices from 0 to 2, or from -3 to -1", "3")
        );
        assert_eq!(refused(&[2, 3], "0, 1, :").0, "here are 3 indices, and 2 axes: [2, 3]");
        assert_eq!(refused(&[2, 3], "0, 1, :").1, ":");
        assert_eq!(refused(&[], "0").0, "here are 1 index, and a single number has none");
        assert_eq!(refused(&[0], "0").0, "there is no 0 on axis 0, which is empty");
        assert_eq!(refused(&[2], "").0, "an index is missing");
        assert_eq!(refused(&[2], "::-1").0, "the step of a range is at least 1");
        assert_eq!(refused(&[2], "0:1:1:1").0, "`0:1:1:1` has more colons than `start:end:step`");
        assert_eq!(refused(&[2], "..., ...").0, "`...` may stand once");
        assert!(refused(&[2, 2], "0, one").0.starts_with("`one` is no index"));
        assert_eq!(refused(&[2], "99999999999999999999").1, "99999999999999999999");
    }
}
