//! Statements about the flow and the network: `input`, `keep`, `from`, `output`, `expect`, `assert`, `labels`, `init`, `let`,
//! `tied`.
//!
//! None of them writes out an item. Those of which one network has one list keep it, each in a state of its own: [`Inputs`],
//! [`Outputs`], [`Budgets`], [`Labels`], [`Initialisers`].

pub(in crate::resolve) mod binding;
mod block_input;
mod budget;
mod image;
mod initialise;
mod input;
pub(in crate::resolve) mod keep;
mod labels;
mod output;

pub(in crate::resolve) use budget::{Assertion, Budgets};
pub(in crate::resolve) use initialise::Initialisers;
pub(in crate::resolve) use input::Inputs;
pub(in crate::resolve) use labels::Labels;
pub(in crate::resolve) use output::Outputs;
