//! A part of a tensor, as `--print '[0, :, 3:5]'` names it: a position or a range an axis, as in Python; axes left out are whole.

use cnnc_runtime::Tensor;
use std::str::FromStr;

/// All of a tensor, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// `all`
    All,
    /// `[0, :, 3:5]`
    Of(Vec<Range>),
}

/// What is taken along one axis; negative positions count from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// One position, whose axis is gone in the part.
    At(i64),
    /// From the first position to the one behind the last, by steps.
    From(Option<i64>, Option<i64>, i64),
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        let text = text.trim();
        if text == "all" {
            return Ok(Part::All);
        }
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let inside = inside.ok_or("expected `all`, or a part such as [0, :, 3:5]")?;
        let ranges: Result<Vec<Range>, String> = inside.split(',').map(Range::from_str).collect();
        ranges.map(Part::Of)
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        let refused = || format!("`{}` is no position and no range: 3, :, 2:5 or ::2", text.trim());
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| refused());
        let bound = |text: Option<&&str>| match text.map(|text| text.trim()) {
            None | Some("") => Ok(None),
            Some(text) => number(text).map(Some),
        };
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            [single] => number(single).map(Range::At),
            [_, _] | [_, _, _] => {
                let step = bound(parts.get(2))?.unwrap_or(1);
                if step < 1 {
                    return Err(format!("`{}` steps by {step}, and steps are 1 or more", text.trim()));
                }
                Ok(Range::From(bound(parts.first())?, bound(parts.get(1))?, step))
            }
            _ => Err(refused()),
        }
    }
}

impl Part {
    /// The part of that tensor.
    ///
    /// # Errors
    /// In words, where the tensor has fewer axes, or no such position.
    pub fn of(&self, tensor: &Tensor) -> Result<Tensor, String> {
        let Part::Of(ranges) = self else { return Ok(tensor.clone()) };
        let shape = tensor.shape();
        if ranges.len() > shape.len() {
            return Err(format!("{shape:?} has {} axes, and the part names {}", shape.len(), ranges.len()));
        }
        let mut sizes = Vec::new();
        let mut positions: Vec<Vec<usize>> = Vec::new();
        for (axis, &size) in shape.iter().enumerate() {
            let range = ranges.get(axis).copied().unwrap_or(Range::From(None, None, 1));
            let taken = range
                .positions(size)
                .ok_or_else(|| format!("axis {axis} of {shape:?} has the positions 0 to {}", size.saturating_sub(1)))?;
            if !matches!(range, Range::At(_)) {
                sizes.push(taken.len());
            }
            positions.push(taken);
        }
        let mut values = Vec::new();
        gather(&positions, shape, tensor.data(), &mut values);
        Tensor::new(&sizes, values).ok_or_else(|| "the part is empty".into())
    }
}

impl Range {
    /// The positions of an axis of that size; `None` where a single one lies outside.
    fn positions(self, size: usize) -> Option<Vec<usize>> {
        let count = i64::try_from(size).ok()?;
        let absolute = |position: i64| if position < 0 { position + count } else { position };
        match self {
            Range::At(position) => {
                let position = usize::try_from(absolute(position)).ok().filter(|position| *position < size)?;
                Some(vec![position])
            }
            Range::From(start, end, step) => {
                let start = start.map_or(0, absolute).clamp(0, count);
                let end = end.map_or(count, absolute).clamp(0, count);
                (start..end)
                    .step_by(usize::try_from(step).ok()?)
                    .map(|position| usize::try_from(position).ok())
                    .collect()
            }
        }
    }
}

fn gather(positions: &[Vec<usize>], shape: &[usize], data: &[f32], into: &mut Vec<f32>) {
    let (Some((taken, positions)), Some((_, inner))) = (positions.split_first(), shape.split_first()) else {
        return into.extend(data.first());
    };
    let size: usize = inner.iter().product();
    for &position in taken {
        gather(positions, inner, data.get(position * size..(position + 1) * size).unwrap_or_default(), into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
        let tensor = Tensor::new(&[2, 3, 4], (0..24).map(|number| number as f32).collect()).unwrap();
        text.parse::<Part>()?.of(&tensor).map(|part| (part.shape().to_vec(), part.data().to_vec()))
    }

    #[test]
    fn positions_and_ranges() {
        assert_eq!(part("[1, 2, 3]"), Ok((vec![], vec![23.0])));
        assert_eq!(part("[0, :, 1:3]"), Ok((vec![3, 2], vec![1.0, 2.0, 5.0, 6.0, 9.0, 10.0])));
        assert_eq!(part("[-1, -1]"), Ok((vec![4], vec![20.0, 21.0, 22.0, 23.0])));
        assert_eq!(part("[0, ::2, -1]"), Ok((vec![2], vec![3.0, 11.0])));
        assert_eq!(part("[:, 0, 0]"), Ok((vec![2], vec![0.0, 12.0])));
        assert_eq!(part("all").unwrap().0, [2, 3, 4]);
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert_eq!(part("[2]").unwrap_err(), "axis 0 of [2, 3, 4] has the positions 0 to 1");
        assert_eq!(part("[0, 0, 0, 0]").unwrap_err(), "[2, 3, 4] has 3 axes, and the part names 4");
        assert_eq!(part("0").unwrap_err(), "expected `all`, or a part such as [0, :, 3:5]");
        assert!(part("[x]").is_err() && part("[::0]").is_err() && part("[1:2:3:4]").is_err() && part("[]").is_err());
        assert_eq!(part("[0:0]").map(|(shape, _)| shape), Ok(vec![0, 3, 4]));
    }
}
