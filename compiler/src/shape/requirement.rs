//! What must hold of symbols for a spec to be valid, collected while shapes are inferred.
//!
//! Whoever asks gets one of three answers: it holds always, it never holds (an error at once), or it depends on a symbol, and
//! then the requirement is kept with the place that asked. Symbols are sizes, so each is at least 1.

use super::{Dim, TooLarge};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// The most questions that symbols may leave open; no network comes near it.
const MAX_OPEN: usize = 100_000;

/// How two sizes must stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `left == right`
    Equal,
    /// `left >= right`
    AtLeast,
    /// `left` is a multiple of `right`
    MultipleOf,
}

/// One open question: whether it holds depends on symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The left side.
    pub left: Dim,
    /// How it must stand to the right side.
    pub relation: Relation,
    /// The right side.
    pub right: Dim,
    /// Why, in words for the person who reads the error: "the branches of `sum` must have the same height".
    pub reason: &'static str,
    /// The layer or contract that asks.
    pub span: Span,
}

impl Requirement {
    /// The symbols of both sides, sorted, each once.
    pub fn symbols(&self) -> Vec<Arc<str>> {
        let mut names = self.left.symbols();
        names.extend(self.right.symbols());
        names.sort();
        names.dedup();
        names
    }

    /// Whether it holds once symbols have values; `None` when one has none or a number does not fit.
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<bool> {
        let (left, right) = (self.left.at(value)?, self.right.at(value)?);
        Some(match self.relation {
            Relation::Equal => left == right,
            Relation::AtLeast => left >= right,
            Relation::MultipleOf => left.checked_rem(right) == Some(0),
        })
    }

    /// Whether, holding for some sizes, it holds for all larger ones too.
    pub fn grows(&self) -> bool {
        self.relation == Relation::AtLeast && self.left.is_increasing() && self.right.number().is_some()
    }
}

/// All requirements of one graph, each once, and the place on whose behalf questions are asked now.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// The open ones, in the order in which they were first asked.
    pub open: Vec<Requirement>,
    seen: std::collections::HashSet<(Dim, Relation, Dim)>,
    /// The place that new requirements get.
    pub span: Span,
}

impl Requirements {
    /// Asks. `Ok(false)` means that it never holds; `Ok(true)` that it does, or was kept.
    pub fn require(
        &mut self,
        left: &Dim,
        relation: Relation,
        right: &Dim,
        reason: &'static str,
    ) -> Result<bool, TooLarge> {
        let decided = match relation {
            Relation::Equal => left.minus(right)?.number().map(|difference| difference == 0),
            Relation::AtLeast => left.minus(right)?.number().map(|difference| difference >= 0),
            Relation::MultipleOf => match (left.number(), right.number()) {
                (Some(_), Some(0)) => Some(false),
                (Some(a), Some(b)) => Some(a.checked_rem(b) == Some(0)),
                _ => None,
            },
        };
        if let Some(holds) = decided {
            return Ok(holds);
        }
        if self.seen.insert((left.clone(), relation, right.clone())) {
            if self.open.len() >= MAX_OPEN {
                return Err(TooLarge);
            }
            let (left, right) = (left.clone(), right.clone());
            self.open.push(Requirement { left, relation, right, reason, span: self.span });
        }
        Ok(true)
    }

    /// Asks whether two sizes are equal; see [`Requirements::require`].
    pub fn equal(&mut self, left: &Dim, right: &Dim, reason: &'static str) -> Result<bool, TooLarge> {
        self.require(left, Relation::Equal, right, reason)
    }
}
