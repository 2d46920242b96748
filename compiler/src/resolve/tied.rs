//! `tied`: one layer wherever its name stands.
//!
//! The first use declares the parameters, and each is remembered by its key behind the path of that use. Every later use finds
//! them by the same keys, so that a block can be tied as well as a layer.

use super::state::Expander;
use crate::graph::{ModuleId, ParameterId};
use std::collections::HashMap;
use std::sync::Arc;

/// The parameters of a tied layer, by key behind its path.
pub(super) struct Tied {
    parameters: HashMap<Arc<str>, ParameterId>,
}

/// A use of a tied layer that is being written out.
pub(super) struct Sharing {
    tied: usize,
    /// Length of the path of this use.
    prefix: usize,
}

impl Expander<'_, '_> {
    /// The number of a new tied layer.
    pub fn new_tied(&mut self) -> usize {
        self.tied.push(Tied { parameters: HashMap::new() });
        self.tied.len() - 1
    }

    /// Writes out a use of a layer; a tied one shares its parameters with its other uses.
    pub fn with_sharing<T>(&mut self, tied: Option<usize>, module: ModuleId, write: impl FnOnce(&mut Self) -> T) -> T {
        let Some(tied) = tied else { return write(self) };
        let prefix = self.graph.module(module).map_or(0, |module| module.path.len());
        self.sharing.push(Sharing { tied, prefix });
        let result = write(self);
        self.sharing.pop();
        result
    }

    /// The parameter that an earlier use declared under this key.
    pub fn shared_parameter(&self, key: &str) -> Option<ParameterId> {
        self.sharing.iter().find_map(|sharing| {
            let relative = key.get(sharing.prefix..)?;
            self.tied.get(sharing.tied)?.parameters.get(relative).copied()
        })
    }

    /// Remembers a parameter for later uses of the tied layers around it.
    pub fn record_shared(&mut self, key: &str, id: ParameterId) {
        for sharing in &self.sharing {
            let relative = key.get(sharing.prefix..).unwrap_or_default();
            if let Some(tied) = self.tied.get_mut(sharing.tied) {
                tied.parameters.entry(relative.into()).or_insert(id);
            }
        }
    }
}
