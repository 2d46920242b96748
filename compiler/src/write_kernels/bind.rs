//! Symbols to numbers: every symbol of the inputs gets its size, and what inference left open is asked again.

use super::Bindings;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::ShapedGraph;
use crate::shape::{Dim, Requirement, Shape};
use std::sync::Arc;

/// Sizes for which the network is valid.
pub(super) struct BoundSizes<'a> {
    bindings: &'a Bindings,
}

impl<'a> BoundSizes<'a> {
    /// Checks that every symbol has a size, and that the sizes meet every requirement.
    pub(super) fn new(graph: &ShapedGraph, bindings: &'a Bindings) -> Result<Self, Box<Diagnostic>> {
        let sizes = BoundSizes { bindings };
        for input in &graph.graph.inputs {
            for symbol in input.shape.iter().flat_map(Dim::symbols) {
                match bindings.get(&*symbol) {
                    None => return Err(missing(graph, &symbol, input)),
                    Some(0) => return Err(empty(&symbol, input)),
                    Some(_) => {}
                }
            }
        }
        let holds = |requirement: &Requirement| requirement.holds(&|name| sizes.value(name)) == Some(true);
        match graph.graph.requirements.open.iter().find(|requirement| !holds(requirement)) {
            Some(requirement) => Err(Box::new(graph.unfit(requirement, &|name| sizes.value(name)))),
            None => Ok(sizes),
        }
    }

    /// A shape in numbers; E401 when one of them does not fit 64 bits.
    pub(super) fn shape(&self, shape: &Shape) -> Result<Vec<usize>, Box<Diagnostic>> {
        shape.at(&|name| self.value(name)).ok_or_else(|| {
            let message = format!("the shape {shape} has more elements than any memory holds");
            Box::new(Diagnostic::without_place(Code::E401, message))
        })
    }

    fn value(&self, name: &str) -> Option<i64> {
        self.bindings.get(name).and_then(|&size| i64::try_from(size).ok())
    }
}

/// E402, with an example that would do.
fn missing(graph: &ShapedGraph, symbol: &Arc<str>, input: &crate::graph::Input) -> Box<Diagnostic> {
    let message = format!("the size of `{symbol}` is not known");
    let label = format!("`{symbol}` is left open here");
    let help = format!("give the input's sizes, for example `--input-shape {}`", graph.sizes.example(&input.shape));
    Box::new(Diagnostic::new(Code::E402, message, input.span, label).help(help))
}

/// E308 for a size of nothing.
fn empty(symbol: &Arc<str>, input: &crate::graph::Input) -> Box<Diagnostic> {
    let message = format!("the network does not work with {symbol} = 0");
    Box::new(Diagnostic::new(Code::E308, message, input.span, format!("`{symbol}` must be at least 1")))
}
