//! The expression language: values, what operators and functions make of them, and the evaluation of expressions.
//!
//! It knows nothing of the network that is written out. What a name means that no value in scope has, it asks of [`Names`]: the
//! declarations of the files, the items before this one, the values that are kept.

mod arithmetic;
mod evaluate;
mod functions;
mod made;
mod names;
mod operations;
mod power;
mod recipe;
mod scope;
mod slice;
mod tensors;
mod types;
mod value;

pub(in crate::resolve) use arithmetic::from_size;
pub(in crate::resolve) use evaluate::Evaluator;
pub use functions::functions;
pub(in crate::resolve) use made::bind_pattern;
pub(in crate::resolve) use names::Names;
pub(in crate::resolve) use recipe::{Braces, Callable, Callee, Given, Recipe};
pub(in crate::resolve) use scope::Scope;
pub(in crate::resolve) use tensors::shape as tensor_shape;
pub(in crate::resolve) use types::{Misfit, NAMED_TYPES, fit, written};
pub(in crate::resolve) use value::{Flow, MAX_LEAVES, Value};
