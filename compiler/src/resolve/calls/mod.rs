//! Declarations and calls: the blocks and models of all files, what a name calls, and arguments bound to parameters.
//!
//! Nothing is written out here. A call becomes a recipe; its arguments become a layer with its weights ([`bind_layer`]), the
//! values of a declaration's parameters ([`matching`]) or the scheme of an `init` ([`scheme()`]).

mod bind;
mod circles;
mod count;
mod declarations;
mod lookup;
pub(in crate::resolve) mod matching;
mod positional;
mod scheme;

pub(in crate::resolve) use bind::{BoundLayer, GivenWeight, bind_layer};
pub(in crate::resolve) use count::Count;
pub(in crate::resolve) use declarations::Declarations;
pub use scheme::schemes;
pub(in crate::resolve) use scheme::{Scheme, scheme};
