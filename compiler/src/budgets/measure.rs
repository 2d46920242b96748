//! What a budget measures, in numbers.

use super::report::{not_open, open_sizes, without_plane};
use crate::diagnostic::Diagnostic;
use crate::graph::{Budget, Measure, ShapedGraph};
use crate::shape::Dim;
use crate::summary::{Needed, ReceptiveField, Seen, batches, costs, fields, needed};
use crate::write_kernels::Bindings;
use cnnc_grammar::ast::BinaryOperator;
use std::sync::Arc;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    /// Parameters or multiply-adds.
    Count(u64),
    /// Bytes.
    Memory(Needed),
    /// Rows and columns of the input's plane.
    Field(ReceptiveField),
}

impl Found {
    /// Its numbers: a count or both sides of a field, of which each must keep the budget.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Found::Count(count) => vec![*count as f64],
            Found::Memory(needed) => vec![needed.bytes() as f64],
            Found::Field(field) => [field.height, field.width].map(seen).to_vec(),
        }
    }

    /// How far it is past the bound on its worse side; 0 or less where the budget is kept.
    pub fn excess(&self, budget: &Budget) -> f64 {
        let excess = |number: f64| match budget.relation {
            BinaryOperator::GreaterEqual | BinaryOperator::Greater => budget.bound - number,
            BinaryOperator::Equal => (number - budget.bound).abs(),
            _ => number - budget.bound,
        };
        self.numbers().into_iter().map(excess).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Whether the budget is kept.
    pub fn keeps(&self, budget: &Budget) -> bool {
        let excess = self.excess(budget);
        let is_strict = matches!(budget.relation, BinaryOperator::Less | BinaryOperator::Greater);
        if is_strict { excess < 0.0 } else { excess <= 0.0 }
    }
}

/// Of an axis that is seen whole no number is too large to be seen.
fn seen(seen: Seen) -> f64 {
    match seen {
        Seen::Elements(count) => count as f64,
        Seen::Whole => f64::INFINITY,
    }
}

/// Measures what a budget speaks of.
pub(super) fn measure(budget: &Budget, shaped: &ShapedGraph) -> Result<Found, Box<Diagnostic>> {
    let bindings = bindings(budget, shaped)?;
    let open = open(shaped, &bindings);
    let depends = || Err(Box::new(open_sizes(budget, shaped, &open)));
    match &budget.measure {
        Measure::Parameters => {
            let parameters = costs(shaped, &bindings).into_iter().map(|(_, cost)| cost.parameters);
            Ok(Found::Count(parameters.fold(0, u64::saturating_add)))
        }
        Measure::Macs => {
            let mut macs = costs(shaped, &bindings).into_iter().map(|(_, cost)| cost.macs);
            macs.try_fold(0u64, |sum, macs| Some(sum.saturating_add(macs?))).map(Found::Count).map_or_else(depends, Ok)
        }
        Measure::Memory if !open.is_empty() => depends(),
        Measure::Memory => needed(shaped, &with_batch(shaped, &bindings)).map(Found::Memory),
        Measure::ReceptiveField { node, .. } => match fields(shaped, &bindings).get(node.index()).copied().flatten() {
            None => Err(Box::new(without_plane(budget))),
            // What depends on open sizes is called the whole.
            Some(field) if [field.height, field.width].contains(&Seen::Whole) && !open.is_empty() => depends(),
            Some(field) => Ok(Found::Field(field)),
        },
    }
}

/// The sizes of a budget; an error where the network has no such symbol, or does not take them.
fn bindings(budget: &Budget, shaped: &ShapedGraph) -> Result<Bindings, Box<Diagnostic>> {
    let symbols = symbols(shaped);
    let mut bindings = Bindings::new();
    for asserted in &budget.sizes {
        if !symbols.contains(&asserted.name) {
            return Err(Box::new(not_open(asserted, &symbols)));
        }
        bindings.insert(asserted.name.to_string(), asserted.size);
    }
    let at = |name: &str| bindings.get(name).and_then(|&size| i64::try_from(size).ok());
    match shaped.broken_at(&at).first() {
        Some(broken) => Err(Box::new(shaped.unfit(broken, &at).label(budget.measure_span, "asked for here"))),
        None => Ok(bindings),
    }
}

/// The symbols of a network's inputs, each once.
fn symbols(shaped: &ShapedGraph) -> Vec<Arc<str>> {
    let mut symbols: Vec<Arc<str>> = Vec::new();
    for symbol in shaped.graph.inputs.iter().flat_map(|input| input.shape.iter()).flat_map(Dim::symbols) {
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    symbols
}

/// The symbols that have no size: a batch without one is 1.
fn open(shaped: &ShapedGraph, bindings: &Bindings) -> Vec<Arc<str>> {
    let batches = batches(&shaped.graph);
    symbols(shaped).into_iter().filter(|name| !bindings.contains_key(&**name) && !batches.contains(name)).collect()
}

/// With a batch of the smallest size that the network takes.
fn with_batch(shaped: &ShapedGraph, bindings: &Bindings) -> Bindings {
    let mut bindings = bindings.clone();
    for batch in batches(&shaped.graph) {
        let smallest = usize::try_from(shaped.sizes.smallest(&batch)).unwrap_or(1);
        bindings.entry(batch.to_string()).or_insert(smallest);
    }
    bindings
}
