//! Limits of an expansion, checked before memory, time or stack is spent.
//!
//! Before a loop turns or a declaration is written out, `count.rs` says how many layers that makes at the least; what its counting misses, a
//! budget of layers and steps stops.

use super::count::Count;
use super::error::LimitError;
use super::state::{Expander, Frame};
use cnnc_grammar::ast::{Body, Declaration};
use cnnc_grammar::span::Span;

/// The most layers of a network.
pub(super) const MAX_LAYERS: u64 = 1_000_000;

/// The most statements and turns of loops that an expansion may take.
pub(super) const MAX_STEPS: u64 = 20_000_000;

/// The deepest nesting of calls and braces while a model is expanded.
pub(super) const MAX_DEPTH: usize = 200;

/// The longest name of an item.
pub(super) const MAX_NAME_BYTES: usize = 200;

/// The most bytes of all paths together.
pub(super) const MAX_PATH_BYTES: usize = 512 << 20;

/// What an expansion has spent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Layers and joins.
    pub layers: u64,
    /// Statements and turns of loops.
    pub steps: u64,
    /// Bytes of paths.
    pub path_bytes: usize,
    /// Calls and braces around this place.
    pub depth: usize,
    /// Whether a limit was passed: nothing more is expanded then.
    pub spent: bool,
}

impl<'a> Expander<'a, '_> {
    /// Spends one statement or turn; `false` once a limit is passed.
    pub fn spend_step(&mut self, span: Span) -> bool {
        self.budget.steps += 1;
        if self.budget.steps > MAX_STEPS {
            self.exceed(LimitError::Steps { limit: MAX_STEPS, span });
        }
        !self.budget.spent
    }

    /// Spends one layer or join; `false` once a limit is passed.
    pub fn spend_layer(&mut self, span: Span) -> bool {
        self.budget.layers += 1;
        if self.budget.layers > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: None, span });
        } else if self.budget.path_bytes > MAX_PATH_BYTES {
            self.exceed(LimitError::Paths { span });
        }
        !self.budget.spent
    }

    fn exceed(&mut self, error: LimitError<'_>) {
        if !self.budget.spent {
            self.budget.spent = true;
            self.report(error.diagnostic());
        }
    }

    /// Whether calls and braces may nest deeper here.
    pub fn may_go_deeper(&mut self, span: Span) -> bool {
        if self.budget.depth >= MAX_DEPTH {
            self.exceed(LimitError::Depth { limit: MAX_DEPTH, span });
        }
        !self.budget.spent
    }

    /// Whether a loop may take that many turns.
    pub fn may_turn(&mut self, frame: &mut Frame<'a>, body: &'a Body, turns: i64, span: Span) -> bool {
        let turns = u64::try_from(turns).unwrap_or(0);
        let layers = Count::new(self).body(frame, body).saturating_mul(turns);
        if self.budget.layers.saturating_add(layers) > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: Some(layers), span });
        } else if self.budget.steps.saturating_add(turns) > MAX_STEPS {
            self.exceed(LimitError::Turns { turns, limit: MAX_STEPS, span });
        }
        !self.budget.spent
    }

    /// Whether a declaration may be written out.
    pub fn may_expand(&mut self, declaration: &'a Declaration, span: Span) -> bool {
        let layers = self.world.declarations.least_layers(&declaration.name.text);
        if self.budget.layers.saturating_add(layers) > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: Some(layers), span });
        }
        !self.budget.spent
    }
}
