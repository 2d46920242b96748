//! The network while it is written out: nodes, modules and their names, parameters, tied layers, kept values.
//!
//! A [`Builder`] adds to the graph and reports what cannot be added; a [`Network`] is the graph so far with the names in it,
//! among which expressions look by way of [`Visible`].

mod frame;
mod kept;
mod modules;
mod network;
mod nodes;
mod order;
mod parameter;
mod tied;
mod visible;
mod visits;

pub(in crate::resolve) use frame::{Cursor, Frame};
pub(in crate::resolve) use network::Network;
pub(in crate::resolve) use nodes::Taken;
pub(in crate::resolve) use order::order_parameters;
pub(in crate::resolve) use parameter::numbers_of;
pub(in crate::resolve) use visible::Visible;

use super::calls::Declarations;
use super::expression::{Evaluator, Value};
use super::report::Reporter;
use cnnc_grammar::ast::Expr;

/// What adds to a network.
pub(in crate::resolve) struct Builder<'a, 'p> {
    /// Where errors go.
    pub reporter: Reporter<'p>,
    /// All blocks and models.
    pub declarations: &'p Declarations<'a>,
    /// What is made.
    pub network: Network<'a>,
}

impl<'a, 'p> Builder<'a, 'p> {
    /// Evaluates at a place: expressions see the values of the frame, and what is written out so far.
    pub fn at<T>(
        &mut self,
        frame: &Frame<'a>,
        look: impl FnOnce(&mut Evaluator<'_, 'a, 'p>, &Visible<'_, 'a>) -> T,
    ) -> T {
        let Builder { reporter, declarations, network } = self;
        let visible = Visible { declarations, network, open: &frame.open };
        look(&mut Evaluator { reporter, scope: &frame.scope, names: &visible }, &visible)
    }

    /// The value of an expression.
    pub fn evaluate(&mut self, frame: &Frame<'a>, expr: &'a Expr) -> Option<Value<'a>> {
        self.at(frame, |evaluator, _| evaluator.evaluate(expr))
    }
}
