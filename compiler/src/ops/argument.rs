//! How a layer declares its arguments and gets them from a spec.
//!
//! A layer is a struct whose documented fields are its arguments, declared inside [`layer!`](crate::layer); the macro derives the
//! signature (for binding, for "nearest name" mends and for the reference manual) and the constructor. Values come as
//! [`Constant`]s, the plain values of the language; a field's type says which it accepts and in which words it refuses.

use std::fmt;

/// A plain value of the language, as a layer receives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A whole number.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A string.
    Text(String),
    /// `(a, b)`
    Tuple(Vec<Constant>),
    /// `[a, b]`
    List(Vec<Constant>),
}

/// A type that a layer's argument can have.
pub trait Argument: Sized + fmt::Debug {
    /// What is accepted, as the end of "expected …": "an int of at least 1".
    const ACCEPTS: &'static str;
    /// The value, when it is one of these.
    fn read(value: &Constant) -> Option<Self>;
    /// As it is written in a spec; the manual shows defaults with it.
    fn write(&self) -> String;
}

/// One argument of a layer, as the resolver and the manual see it.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentSpec {
    /// Its name, PyTorch's.
    pub name: &'static str,
    /// What it accepts, in words.
    pub accepts: &'static str,
    /// The default as it would be written; `None` when the argument must be given. An empty string stands for "not given".
    pub default: Option<fn() -> String>,
    /// The field's documentation, a line an entry.
    pub documentation: &'static [&'static str],
}

/// What a layer can be called with, in PyTorch's order without the lazy arguments.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The layer's name.
    pub name: &'static str,
    /// Its documentation, a line an entry.
    pub documentation: &'static [&'static str],
    /// Its arguments.
    pub arguments: &'static [ArgumentSpec],
}

/// The arguments of one call: name and value, each name at most once and all of them in the signature.
pub type Arguments = std::collections::BTreeMap<&'static str, Constant>;

/// Why a layer cannot be made from its arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum BindError {
    /// An argument without a default was not given.
    Missing {
        /// Its name.
        argument: &'static str,
        /// What it would accept.
        accepts: &'static str,
    },
    /// A value of the wrong type or out of range.
    Refused {
        /// Its name.
        argument: &'static str,
        /// What it would accept.
        accepts: &'static str,
    },
    /// Arguments that do not go together.
    Conflict {
        /// The argument to point at.
        argument: &'static str,
        /// The whole sentence, lower-case.
        message: String,
        /// A value of that argument that would do, as it is written in a spec.
        mend: Option<String>,
    },
}

/// Declares a layer: `layer! { /// doc  Name { /// doc  field: Type = default, ... } }`. A field without a default must be given
/// in a spec. The struct's fields are public; [`Signature`] and constructor come with it.
#[macro_export]
macro_rules! layer {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $field_doc:literal])* $field:ident: $ty:ty $(= $default:expr)?),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[doc = $field_doc])* pub $field: $ty),* }

        impl $crate::ops::Layer for $name {
            const SIGNATURE: $crate::ops::Signature = $crate::ops::Signature {
                name: stringify!($name),
                documentation: &[$($doc),*],
                arguments: &[$($crate::ops::ArgumentSpec {
                    name: stringify!($field),
                    accepts: <$ty as $crate::ops::Argument>::ACCEPTS,
                    default: $crate::layer!(@default_text $ty $(, $default)?),
                    documentation: &[$($field_doc),*],
                }),*],
            };

            #[allow(unused_variables, reason = "a layer may have no arguments")]
            fn bind(arguments: &$crate::ops::Arguments) -> Result<Self, $crate::ops::BindError> {
                Ok($name { $($field: $crate::layer!(@read arguments, $field, $ty $(, $default)?)),* })
            }
        }
    };
    (@default_text $ty:ty) => { None };
    (@default_text $ty:ty, $default:expr) => {
        Some(|| { let value: $ty = $default; $crate::ops::Argument::write(&value) })
    };
    (@read $arguments:ident, $field:ident, $ty:ty $(, $default:expr)?) => {
        match $arguments.get(stringify!($field)) {
            Some(value) => <$ty as $crate::ops::Argument>::read(value).ok_or($crate::ops::BindError::Refused {
                argument: stringify!($field),
                accepts: <$ty as $crate::ops::Argument>::ACCEPTS,
            })?,
            None => $crate::layer!(@missing $field, $ty $(, $default)?),
        }
    };
    (@missing $field:ident, $ty:ty) => {
        return Err($crate::ops::BindError::Missing {
            argument: stringify!($field),
            accepts: <$ty as $crate::ops::Argument>::ACCEPTS,
        })
    };
    (@missing $field:ident, $ty:ty, $default:expr) => { $default };
}

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
