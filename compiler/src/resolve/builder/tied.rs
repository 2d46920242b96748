//! `tied`: one layer wherever its name stands.
//!
//! The first use declares the parameters, and each is remembered by its key behind the path of that use. Every later use finds
//! them by the same keys, so that a block can be tied as well as a layer.

use crate::graph::ParameterId;
use std::collections::HashMap;
use std::sync::Arc;

/// The tied layers of a network.
#[derive(Default)]
pub(in crate::resolve) struct TiedLayers {
    /// The parameters of each, by key behind its path.
    parameters: Vec<HashMap<Arc<str>, ParameterId>>,
    /// The uses that are being written out, the outermost first.
    uses: Vec<Use>,
}

/// A use of a tied layer.
struct Use {
    tied: usize,
    /// Length of its path.
    prefix: usize,
}

impl TiedLayers {
    /// The number of a new tied layer.
    pub fn declare(&mut self) -> usize {
        self.parameters.push(HashMap::new());
        self.parameters.len() - 1
    }

    /// Begins to write out a layer whose path has so many bytes; a tied one shares its parameters with its other uses.
    pub fn enter(&mut self, tied: Option<usize>, prefix: usize) {
        self.uses.extend(tied.map(|tied| Use { tied, prefix }));
    }

    /// Ends what [`TiedLayers::enter`] began.
    pub fn leave(&mut self, tied: Option<usize>) {
        if tied.is_some() {
            self.uses.pop();
        }
    }

    /// The parameter that an earlier use declared under this key.
    pub fn shared(&self, key: &str) -> Option<ParameterId> {
        self.uses.iter().find_map(|used| {
            let relative = key.get(used.prefix..)?;
            self.parameters.get(used.tied)?.get(relative).copied()
        })
    }

    /// Remembers a parameter for later uses of the tied layers around it.
    pub fn record(&mut self, key: &str, id: ParameterId) {
        for used in &self.uses {
            let relative = key.get(used.prefix..).unwrap_or_default();
            if let Some(parameters) = self.parameters.get_mut(used.tied) {
                parameters.entry(relative.into()).or_insert(id);
            }
        }
    }
}
