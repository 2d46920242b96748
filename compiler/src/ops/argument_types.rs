//! The types that a layer's argument can have, each with the words in which it refuses.

use super::argument::{Argument, Constant};

/// The largest number that an argument may be: past it no tensor fits any machine, and sums of a few stay far from
/// overflow.
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
    /// Python's shortest form: `1e-05`, `0.0001`, `1.0`.
    fn python(&self) -> String {
        let scientific = format!("{self:e}");
        let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
        match exponent.parse::<i32>() {
            Ok(exponent) if exponent < -4 => format!("{digits}e-{:02}", -exponent),
            Ok(exponent) if exponent >= 16 => format!("{digits}e+{exponent:02}"),
            _ => format!("{self:?}"),
        }
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
    fn python(&self) -> String {
        if *self { "True".into() } else { "False".into() }
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
    fn python(&self) -> String {
        self.as_ref().map_or_else(|| "None".into(), Argument::python)
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
        let size = |value: &Constant| i64::read(value).and_then(|size| usize::try_from(size).ok());
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

/// Sizes of the axes of a window or of its output, in PyTorch's order: what layers of one, two and three axes share.
pub trait PerAxis {
    /// A number an axis.
    fn per_axis(&self) -> Vec<usize>;
}

impl PerAxis for Pair {
    fn per_axis(&self) -> Vec<usize> {
        vec![self.0, self.1]
    }
}

impl PerAxis for PadPair {
    fn per_axis(&self) -> Vec<usize> {
        vec![self.0, self.1]
    }
}

/// Sizes of `D` axes, each at least 1: a kernel size, a stride, a dilation. One int means it for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extents<const D: usize>(pub [usize; D]);

/// Sizes of `D` axes, each at least 0: a padding. One int means it for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins<const D: usize>(pub [usize; D]);

impl<const D: usize> PerAxis for Extents<D> {
    fn per_axis(&self) -> Vec<usize> {
        self.0.to_vec()
    }
}

impl<const D: usize> PerAxis for Margins<D> {
    fn per_axis(&self) -> Vec<usize> {
        self.0.to_vec()
    }
}

/// One number for all axes, or a tuple with one for each.
fn per_axis<T: Copy, const D: usize>(value: &Constant, read: impl Fn(&Constant) -> Option<T>) -> Option<[T; D]> {
    match value {
        Constant::Tuple(tuple) => tuple.iter().map(read).collect::<Option<Vec<T>>>()?.try_into().ok(),
        single => read(single).map(|number| [number; D]),
    }
}

impl<const D: usize> Argument for Extents<D> {
    const ACCEPTS: &'static str =
        if D == 1 { "an int of at least 1" } else { "an int of at least 1 or a tuple of three" };
    fn read(value: &Constant) -> Option<Self> {
        per_axis(value, usize::read).map(Extents)
    }
    fn write(&self) -> String {
        written(&self.0)
    }
}

impl<const D: usize> Argument for Margins<D> {
    const ACCEPTS: &'static str =
        if D == 1 { "an int of at least 0" } else { "an int of at least 0 or a tuple of three" };
    fn read(value: &Constant) -> Option<Self> {
        per_axis(value, |value| i64::read(value).and_then(|size| usize::try_from(size).ok())).map(Margins)
    }
    fn write(&self) -> String {
        written(&self.0)
    }
}

/// Sizes as a spec writes them: one number where all are the same.
pub fn written(sizes: &[usize]) -> String {
    match sizes.split_first() {
        Some((first, rest)) if rest.iter().all(|size| size == first) => first.to_string(),
        _ => tuple(sizes),
    }
}

/// The padding of a convolution: sizes, or a word that asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingOf<P> {
    /// That much on each side of each axis.
    Sizes(P),
    /// As much as keeps the size at stride 1; an odd rest goes after, as in PyTorch.
    Same,
    /// None.
    Valid,
}

/// The padding of a convolution of planes.
pub type Padding = PaddingOf<PadPair>;

macro_rules! padding_of {
    ($sizes:ty, $accepts:literal) => {
        impl Argument for PaddingOf<$sizes> {
            const ACCEPTS: &'static str = $accepts;
            fn read(value: &Constant) -> Option<Self> {
                match value {
                    Constant::Text(word) if word == "same" => Some(PaddingOf::Same),
                    Constant::Text(word) if word == "valid" => Some(PaddingOf::Valid),
                    sizes => <$sizes>::read(sizes).map(PaddingOf::Sizes),
                }
            }
            fn write(&self) -> String {
                match self {
                    PaddingOf::Sizes(sizes) => sizes.write(),
                    PaddingOf::Same => "\"same\"".into(),
                    PaddingOf::Valid => "\"valid\"".into(),
                }
            }
        }
    };
}
padding_of!(PadPair, "an int of at least 0, a tuple of two, \"same\" or \"valid\"");
padding_of!(Margins<1>, "an int of at least 0, \"same\" or \"valid\"");
padding_of!(Margins<3>, "an int of at least 0, a tuple of three, \"same\" or \"valid\"");

/// The sizes that an adaptive pooling gives: a number an axis, or `"same"` where the input's stays. One means it for all axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputSizes<const D: usize>(pub [Option<usize>; D]);

impl<const D: usize> Argument for OutputSizes<D> {
    const ACCEPTS: &'static str = match D {
        1 => "an int of at least 1",
        2 => "an int of at least 1, \"same\", or a tuple of two of them",
        _ => "an int of at least 1, \"same\", or a tuple of three of them",
    };
    fn read(value: &Constant) -> Option<Self> {
        let size = |value: &Constant| match value {
            Constant::Text(word) if word == "same" => Some(None),
            number => usize::read(number).map(Some),
        };
        per_axis(value, size).map(OutputSizes)
    }
    fn write(&self) -> String {
        self.each(|size| size.map_or_else(|| "\"same\"".into(), |size| size.to_string()))
    }
    fn python(&self) -> String {
        self.each(|size| size.map_or_else(|| "None".into(), |size| size.to_string()))
    }
}

impl<const D: usize> OutputSizes<D> {
    fn each(&self, text: impl Fn(&Option<usize>) -> String) -> String {
        match self.0.split_first() {
            Some((first, rest)) if rest.iter().all(|size| size == first) => text(first),
            _ => format!("({})", self.0.iter().map(text).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// A chance, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability(pub f64);

impl Argument for Probability {
    const ACCEPTS: &'static str = "a number from 0 to 1";
    fn read(value: &Constant) -> Option<Self> {
        f64::read(value).filter(|chance| (0.0..=1.0).contains(chance)).map(Probability)
    }
    fn write(&self) -> String {
        self.0.write()
    }
    fn python(&self) -> String {
        self.0.python()
    }
}

/// The share of a batch's statistics in the new running ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Momentum {
    /// That much.
    Share(f64),
    /// One of as many batches as there were: the mean of all of them, as PyTorch's `None` has it.
    Cumulative,
}

impl Argument for Momentum {
    const ACCEPTS: &'static str = "a number or \"cumulative\"";
    fn read(value: &Constant) -> Option<Self> {
        match value {
            Constant::Text(word) if word == "cumulative" => Some(Momentum::Cumulative),
            number => f64::read(number).map(Momentum::Share),
        }
    }
    fn write(&self) -> String {
        match self {
            Momentum::Share(share) => share.write(),
            Momentum::Cumulative => "\"cumulative\"".into(),
        }
    }
    fn python(&self) -> String {
        match self {
            Momentum::Share(share) => share.python(),
            Momentum::Cumulative => "None".into(),
        }
    }
}

/// The members of a tuple or list, all of one type.
fn members<T: Argument>(value: &Constant) -> Option<Vec<T>> {
    match value {
        Constant::Tuple(members) | Constant::List(members) => members.iter().map(T::read).collect(),
        _ => None,
    }
}

/// As a tuple is written, in Python and in a spec: `()`, `(5,)`, `(5, 6)`.
pub fn tuple<T: Argument>(members: &[T]) -> String {
    match members {
        [single] => format!("({},)", single.write()),
        _ => format!("({})", members.iter().map(Argument::write).collect::<Vec<_>>().join(", ")),
    }
}

/// The sizes of some axes, each at least 1. One int means one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes(pub Vec<usize>);

impl Argument for Sizes {
    const ACCEPTS: &'static str = "an int of at least 1, or a tuple or list of them";
    fn read(value: &Constant) -> Option<Self> {
        usize::read(value).map(|size| vec![size]).or_else(|| members(value)).map(Sizes)
    }
    fn write(&self) -> String {
        tuple(&self.0)
    }
}

/// Axes, counted from the end when negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(pub Vec<i64>);

impl Argument for Axes {
    const ACCEPTS: &'static str = "a tuple or list of ints";
    fn read(value: &Constant) -> Option<Self> {
        members(value).map(Axes)
    }
    fn write(&self) -> String {
        tuple(&self.0)
    }
}

/// What is added before and after the elements of each of `D` axes, the last axis first as in PyTorch: (left, right, top,
/// bottom, front, back); negative numbers cut off. One int means it everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides<const D: usize>(pub [[i64; 2]; D]);

impl<const D: usize> Argument for Sides<D> {
    const ACCEPTS: &'static str = match D {
        1 => "an int or a tuple (left, right)",
        2 => "an int or a tuple (left, right, top, bottom)",
        _ => "an int or a tuple (left, right, top, bottom, front, back)",
    };
    fn read(value: &Constant) -> Option<Self> {
        if let Some(side) = i64::read(value) {
            return Some(Sides([[side; 2]; D]));
        }
        let sides = members(value)?;
        let (axes, rest) = sides.as_chunks::<2>();
        if rest.is_empty() { axes.try_into().ok().map(Sides) } else { None }
    }
    fn write(&self) -> String {
        tuple(self.0.as_flattened())
    }
}

/// By how much height and width grow, each more than 0. One number means it twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors(pub f64, pub f64);

impl Argument for Factors {
    const ACCEPTS: &'static str = "a number above 0 or a tuple of two";
    fn read(value: &Constant) -> Option<Self> {
        let factor = |value: &Constant| f64::read(value).filter(|&factor| factor > 0.0 && factor <= LARGEST as f64);
        match value {
            Constant::Tuple(pair) => match pair.as_slice() {
                [height, width] => Some(Factors(factor(height)?, factor(width)?)),
                _ => None,
            },
            single => factor(single).map(|factor| Factors(factor, factor)),
        }
    }
    fn write(&self) -> String {
        if self.0 == self.1 { self.0.write() } else { format!("({}, {})", self.0.write(), self.1.write()) }
    }
}

/// Declares an argument that is one of a few words: `words! { /// doc  Mode { /// doc  Nearest = "nearest", … } }`.
macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $(#[doc = $first_doc:literal])* $first:ident = $first_word:literal
        $(, $(#[doc = $word_doc:literal])* $variant:ident = $word:literal)* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = $first_doc])* $first, $($(#[doc = $word_doc])* $variant),* }

        impl $name {
            fn word(self) -> &'static str {
                match self { $name::$first => $first_word, $($name::$variant => $word),* }
            }
        }

        impl $crate::ops::Argument for $name {
            const ACCEPTS: &'static str = concat!("\"", $first_word, "\"" $(, " or \"", $word, "\"")*);
            fn read(value: &$crate::ops::Constant) -> Option<Self> {
                match value {
                    $crate::ops::Constant::Text(text) => match text.as_str() {
                        $first_word => Some($name::$first),
                        $($word => Some($name::$variant),)*
                        _ => None,
                    },
                    _ => None,
                }
            }
            fn write(&self) -> String {
                format!("\"{}\"", self.word())
            }
            fn python(&self) -> String {
                format!("'{}'", self.word())
            }
        }
    };
}
pub(super) use words;
