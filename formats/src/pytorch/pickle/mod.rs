//! Pickles: a stream of instructions for a stack comes in, the values that they build go out as data in a [`Heap`].
//!
//! Protocols 0 to 5, as Python's `pickletools` describes them. Nothing that a pickle names is run. What it may ask for is what
//! PyTorch's own `weights_only` allows, and a few plain kinds of data beside (`globals`); a call of anything else is refused by
//! name. An object of a class is kept as what it is made of, which is how the state of a whole module is found.
//!
//! Values refer to each other by number, so that what is used twice is there once, however often it is copied; their number is
//! bounded, texts are held against the bytes that are left, and nothing here calls itself.

mod calls;
mod globals;
mod heap;
mod machine;
mod text;

pub use calls::persistent;
pub use heap::{Heap, Id, Storage, Tensor, Value};
pub use machine::load;
