//! The types that a layer's argument can have, each with the words in which it refuses.

use super::argument::{Argument, Constant};

/// The largest number that an argument may be: past it no tensor fits any machine, and sums of a few stay far from overflow.
const LARGEST: i64 = 1 << 40;

/// A count or a size of at least 1: channels, groups, features.
impl Argument for usize {
    const ACCEPTS: &'static str = "an int of at least 1";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Int(number @ 1..=LARGEST) => usize::try_from(*number).ok(),
            _ => None,
        }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

/// Any whole number: an axis, counted from the end when negative.
impl Argument for i64 {
    const ACCEPTS: &'static str = "an int";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Int(number) if number.abs_diff(0) <= LARGEST.unsigned_abs() => Some(*number),
            _ => None,
        }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Argument for f64 {
    const ACCEPTS: &'static str = "a number";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Int(number) => Some(*number as f64),
            Constant::Float(number) => Some(*number),
            _ => None,
        }
    }
    fn write(&self) -> String {
        format!("{self:?}")
    }
}

impl Argument for bool {
    const ACCEPTS: &'static str = "true or false";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

/// An argument that may be left out, where PyTorch has `None`.
impl<T: Argument> Argument for Option<T> {
    const ACCEPTS: &'static str = T::ACCEPTS;
    fn read(value: &Constant) -> Option<Self> {
        T::read(value).map(Some)
    }
    fn write(&self) -> String {
        self.as_ref().map(Argument::write).unwrap_or_default()
    }
}

/// Height and width, each at least 1: a kernel size, a stride, a dilation. One int means it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub usize, pub usize);

impl Argument for Pair {
    const ACCEPTS: &'static str = "an int of at least 1 or a tuple of two";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Tuple(pair) => match pair.as_slice() {
                [height, width] => Some(Pair(usize::read(height)?, usize::read(width)?)),
                _ => None,
            },
            single => usize::read(single).map(|size| Pair(size, size)),
        }
    }
    fn write(&self) -> String {
        if self.0 == self.1 { self.0.to_string() } else { format!("({}, {})", self.0, self.1) }
    }
}

/// Height and width, each at least 0: a padding. One int means it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadPair(pub usize, pub usize);

impl Argument for PadPair {
    const ACCEPTS: &'static str = "an int of at least 0 or a tuple of two";
    fn read(value: &Constant) -> Option<Self> {
        let size = |value: &Constant| match value {
            Constant::Int(number @ 0..=LARGEST) => usize::try_from(*number).ok(),
            _ => None,
        };
        match value {
            Constant::Tuple(pair) => match pair.as_slice() {
                [height, width] => Some(PadPair(size(height)?, size(width)?)),
                _ => None,
            },
            single => size(single).map(|size| PadPair(size, size)),
        }
    }
    fn write(&self) -> String {
        if self.0 == self.1 { self.0.to_string() } else { format!("({}, {})", self.0, self.1) }
    }
}

/// The padding of a convolution: sizes, or a word that asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// That much on each side of height and of width.
    Sizes(PadPair),
    /// As much as keeps the size at stride 1; an odd rest goes after, as in PyTorch.
    Same,
    /// None.
    Valid,
}

impl Argument for Padding {
    const ACCEPTS: &'static str = "an int of at least 0, a tuple of two, \"same\" or \"valid\"";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Text(word) if word == "same" => Some(Padding::Same),
            Constant::Text(word) if word == "valid" => Some(Padding::Valid),
            sizes => PadPair::read(sizes).map(Padding::Sizes),
        }
    }
    fn write(&self) -> String {
        match self {
            Padding::Sizes(sizes) => sizes.write(),
            Padding::Same => "\"same\"".into(),
            Padding::Valid => "\"valid\"".into(),
        }
    }
}
