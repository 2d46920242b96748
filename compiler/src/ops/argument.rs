//! How a layer declares its arguments and gets them from a spec.
//!
//! A layer is a struct whose documented fields are its arguments, declared inside [`layer!`](crate::layer); the macro
//! derives the signature (for binding, for "nearest name" mends and for the reference manual) and the constructor.
//! Values come as [`Constant`]s, the plain values of the language; a field's type says which it accepts and in which
//! words it refuses.

use crate::shape::Dim;
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
    /// A size that holds a symbol.
    Size(Dim),
    /// `(a, b)`
    Tuple(Vec<Constant>),
    /// `[a, b]`
    List(Vec<Constant>),
}

impl Constant {
    /// The first size in it that is left open.
    pub fn open_size(&self) -> Option<&Dim> {
        match self {
            Constant::Size(size) => Some(size),
            Constant::Tuple(members) | Constant::List(members) => members.iter().find_map(Constant::open_size),
            _ => None,
        }
    }
}

/// A type that a layer's argument can have.
pub trait Argument: Sized + fmt::Debug {
    /// What is accepted, as the end of "expected …": "an int of at least 1".
    const ACCEPTS: &'static str;
    /// The value, when it is one of these.
    fn read(value: &Constant) -> Option<Self>;
    /// As it is written in a spec; the manual shows defaults with it.
    fn write(&self) -> String;
    /// As PyTorch prints it.
    fn python(&self) -> String {
        self.write()
    }
}

/// One argument of a layer, as the resolver and the manual see it.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentSpec {
    /// Its name, PyTorch's.
    pub name: &'static str,
    /// What it accepts, in words.
    pub accepts: &'static str,
    /// The default as it would be written; `None` when the argument must be given. An empty string stands for "not
    /// given".
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

/// Declares a layer: `layer! { /// doc  Name { /// doc  field: Type = default, ... } }`. A field without a default
/// must be given in a spec. The struct's fields are public; [`Signature`] and constructor come with it. `Name as
/// "word" { ... }` declares one that specs know by another word than the type's name: a join.
#[macro_export]
macro_rules! layer {
    (@declare $word:expr, $(#[doc = $doc:literal])* $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident: $ty:ty $(= $default:expr)?),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[doc = $field_doc])* pub $field: $ty),* }

        impl $crate::ops::Layer for $name {
            const SIGNATURE: $crate::ops::Signature = $crate::ops::Signature {
                name: $word,
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

            fn keywords(&self) -> String {
                let all: &[String] =
                    &[$(format!("{}={}", stringify!($field), $crate::ops::Argument::python(&self.$field))),*];
                all.join(", ")
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
    ($(#[doc = $doc:literal])* $name:ident as $word:literal { $($fields:tt)* }) => {
        $crate::layer! { @declare $word, $(#[doc = $doc])* $name { $($fields)* } }
    };
    ($(#[doc = $doc:literal])* $name:ident { $($fields:tt)* }) => {
        $crate::layer! { @declare stringify!($name), $(#[doc = $doc])* $name { $($fields)* } }
    };
}
