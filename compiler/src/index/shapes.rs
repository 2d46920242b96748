//! The shapes that one statement gives where loops and calls pass it several times.

use crate::shape::{Dim, Shape};
use std::fmt;

/// One shape or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shapes {
    /// The same every time.
    One(Shape),
    /// Of one rank; the sizes of each axis.
    Range(Vec<Sizes>),
    /// Of several ranks: every shape once, in the order in which they come.
    OfSeveralRanks(Vec<Shape>),
}

/// The sizes of an axis. Where symbols leave open which of two is less, the one that comes first is the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The least.
    pub least: Dim,
    /// The largest.
    pub most: Dim,
}

/// The most shapes of several ranks that are kept.
const MOST: usize = 8;

impl Shapes {
    /// Takes in what the same statement gives elsewhere.
    pub fn merge(&mut self, other: &Shapes) {
        let end = |sizes: &[Sizes], end: fn(&Sizes) -> &Dim| sizes.iter().map(end).cloned().collect::<Shape>();
        match other {
            Shapes::One(shape) => self.add(shape),
            Shapes::Range(sizes) => {
                self.add(&end(sizes, |sizes| &sizes.least));
                self.add(&end(sizes, |sizes| &sizes.most));
            }
            Shapes::OfSeveralRanks(shapes) => shapes.iter().for_each(|shape| self.add(shape)),
        }
    }

    /// Takes one more shape in.
    pub(super) fn add(&mut self, shape: &Shape) {
        match self {
            Shapes::One(one) if one == shape => {}
            Shapes::One(one) if one.rank() == shape.rank() => {
                let sizes = one.iter().map(|size| Sizes { least: size.clone(), most: size.clone() }).collect();
                *self = Shapes::Range(sizes);
                self.add(shape);
            }
            Shapes::One(one) => *self = Shapes::OfSeveralRanks(vec![one.clone(), shape.clone()]),
            Shapes::Range(sizes) if sizes.len() == shape.rank() => {
                sizes.iter_mut().zip(shape.iter()).for_each(|(sizes, size)| sizes.add(size));
            }
            Shapes::Range(sizes) => {
                let end = |end: fn(&Sizes) -> &Dim| Shape::from(sizes.iter().map(end).cloned().collect::<Vec<Dim>>());
                *self =
                    Shapes::OfSeveralRanks(vec![end(|sizes| &sizes.least), end(|sizes| &sizes.most), shape.clone()]);
            }
            Shapes::OfSeveralRanks(shapes) if shapes.len() < MOST && !shapes.contains(shape) => {
                shapes.push(shape.clone());
            }
            Shapes::OfSeveralRanks(_) => {}
        }
    }
}

impl Sizes {
    fn add(&mut self, size: &Dim) {
        let beyond = |end: &Dim| size.minus(end).ok().and_then(|difference| difference.number());
        if beyond(&self.least).is_some_and(|difference| difference < 0) {
            self.least = size.clone();
        } else if beyond(&self.most).is_none_or(|difference| difference > 0) {
            self.most = size.clone();
        }
    }
}

/// `[N, 64…512, 7…56, 7…56]`
impl fmt::Display for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Shapes::One(shape) => shape.to_string(),
            Shapes::Range(sizes) => {
                let sizes: Vec<String> = sizes.iter().map(Sizes::to_string).collect();
                format!("[{}]", sizes.join(", "))
            }
            Shapes::OfSeveralRanks(shapes) => {
                let shapes: Vec<String> = shapes.iter().map(Shape::to_string).collect();
                shapes.join(" or ")
            }
        };
        f.write_str(&text)
    }
}

/// `64…512`, or `64`
impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least == self.most {
            true => write!(f, "{}", self.least),
            false => write!(f, "{}…{}", self.least, self.most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(shapes: &[Vec<Dim>]) -> String {
        let mut shapes = shapes.iter().cloned().map(Shape::from);
        let mut all = Shapes::One(shapes.next().unwrap());
        shapes.for_each(|shape| all.add(&shape));
        all.to_string()
    }

    #[test]
    fn sizes_span_from_the_least_to_the_largest() {
        let shape = |channels: i64, height: i64| vec![Dim::symbol("N"), Dim::Number(channels), Dim::Number(height)];
        assert_eq!(range(&[shape(64, 56), shape(64, 56)]), "[N, 64, 56]");
        assert_eq!(range(&[shape(128, 28), shape(64, 56), shape(512, 7)]), "[N, 64…512, 7…56]");
        assert_eq!(range(&[shape(64, 56), vec![Dim::symbol("N")], shape(64, 56)]), "[N, 64, 56] or [N]");
    }

    #[test]
    fn symbols_are_compared_where_they_can_be() {
        let height = Dim::symbol("H");
        let (plus, half) = (height.plus_number(2).unwrap(), height.floor_divided(2).unwrap());
        assert_eq!(range(&[vec![plus.clone()], vec![height.clone()]]), format!("[{height}…{plus}]"));
        assert_eq!(range(&[vec![height.clone()], vec![half.clone()]]), format!("[{height}…{half}]"));
    }
}
