//! Budgets: what a model asserts of its cost, or of what a value sees.

use super::NodeId;
use cnnc_grammar::ast::BinaryOperator;
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// A budget: `assert macs(H=224, W=224) <= 0.6G`.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What is measured.
    pub measure: Measure,
    /// The sizes at which it is; of symbols that are not among them, a batch is 1.
    pub sizes: Vec<AssertedSize>,
    /// How it is held against the bound; a comparison.
    pub relation: BinaryOperator,
    /// The bound.
    pub bound: f64,
    /// The whole statement.
    pub span: Span,
    /// The measure in it.
    pub measure_span: Span,
    /// The bound in it.
    pub bound_span: Span,
}

/// The size of a symbol in a budget: `H=224`.
#[derive(Clone, Debug, PartialEq)]
pub struct AssertedSize {
    /// The symbol.
    pub name: Arc<str>,
    /// Its size, at least 1.
    pub size: usize,
    /// Where it is written.
    pub span: Span,
}

/// What a budget speaks of.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The numbers that training changes.
    Parameters,
    /// Multiply-adds.
    Macs,
    /// Bytes: see [`Needed`](crate::summary::Needed).
    Memory,
    /// What an element of a value sees of the input's plane.
    ReceptiveField {
        /// The value.
        node: NodeId,
        /// How the spec calls it.
        path: Arc<str>,
    },
}

impl Measure {
    /// The words of all measures.
    pub const WORDS: [&'static str; 4] = ["params", "macs", "memory", "receptive_field"];
}
