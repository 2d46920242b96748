//! Expansion: bodies read statement by statement, into every call and every turn of a loop.
//!
//! One [`Expander`] writes out one model, or checks one declaration without expanding what it calls. Items become modules and
//! nodes here; what the other statements mean stands in `statements/`.

mod body;
mod call;
mod constant;
mod item;
mod join;
mod layer;
mod loops;

use super::Sources;
use super::builder::{Builder, Network};
use super::calls::Declarations;
use super::report::Reporter;
use super::statements::{Budgets, Initialisers, Inputs, Labels, Outputs};
use cnnc_grammar::ast::Declaration;

/// One expansion.
pub(super) struct Expander<'a, 'p> {
    /// What is made.
    pub builder: Builder<'a, 'p>,
    /// `input` statements of the network.
    pub inputs: Inputs<'p>,
    /// `output` statements of the network.
    pub outputs: Outputs,
    /// `assert` statements of the network.
    pub budgets: Budgets<'a>,
    /// The names of its classes.
    pub labels: Labels<'p>,
    /// `init` statements.
    pub initialisers: Initialisers<'a>,
    /// The blocks and models that are being written out, the outermost first.
    open_calls: Vec<&'a Declaration>,
}

impl<'a, 'p> Expander<'a, 'p> {
    /// An expansion that has made nothing yet; without `expanding` one declaration is checked by itself.
    pub fn new(
        reporter: Reporter<'p>,
        declarations: &'p Declarations<'a>,
        sources: &'p dyn Sources,
        expanding: bool,
    ) -> Self {
        Expander {
            builder: Builder { reporter, declarations, network: Network::new(expanding) },
            inputs: Inputs::default(),
            outputs: Outputs::default(),
            budgets: Budgets::default(),
            labels: Labels::new(sources),
            initialisers: Initialisers::default(),
            open_calls: Vec::new(),
        }
    }
}
