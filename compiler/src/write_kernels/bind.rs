//! Symbols to numbers: every symbol of the inputs gets its size, and what inference left open is asked again.

use super::Bindings;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::ShapedGraph;
use crate::shape::{Dim, Relation, Requirement, Shape};
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
            Some(requirement) => Err(sizes.unfit(graph, requirement)),
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

    fn number(&self, dim: &Dim) -> Option<i64> {
        dim.at(&|name| self.value(name))
    }

    fn unfit(&self, graph: &ShapedGraph, requirement: &Requirement) -> Box<Diagnostic> {
        let given: Vec<String> = requirement.symbols().iter().map(|name| self.given(name)).collect();
        let message = format!("the network does not work with {}", given.join(" and "));
        let relation = match requirement.relation {
            Relation::Equal => "equal",
            Relation::AtLeast => "be at least",
            Relation::MultipleOf => "be a multiple of",
        };
        let (left, right) = (self.in_numbers(&requirement.left), self.in_numbers(&requirement.right));
        let diagnostic = Diagnostic::new(Code::E308, message, requirement.span, requirement.reason)
            .note(format!("{left} must {relation} {right}"));
        Box::new(diagnostic.help(format!("sizes that work are {}", graph.sizes)))
    }

    fn given(&self, name: &Arc<str>) -> String {
        format!(
            "{name} = {}",
            self.value(name).map_or_else(|| "a number past counting".into(), |size| size.to_string())
        )
    }

    /// `2*(H//2) = 30`, or the number alone.
    fn in_numbers(&self, dim: &Dim) -> String {
        match (dim.number(), self.number(dim)) {
            (None, Some(value)) => format!("{dim} = {value}"),
            _ => dim.to_string(),
        }
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
