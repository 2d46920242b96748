//! How a file of weights is read: which of its states, and under which keys.

use super::rename::Rename;

/// What to read of a file of weights, and what its keys become.
///
/// ```
/// use cnnc_runtime::WeightsOptions;
///
/// let options = WeightsOptions::default().under("ema").without_prefix("net.").rename(r"^features\.=backbone.".parse()?);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct WeightsOptions {
    pub(crate) key: Option<String>,
    pub(crate) prefix: String,
    pub(crate) renames: Vec<Rename>,
}

impl WeightsOptions {
    /// Of several states in a checkpoint of PyTorch, reads the one that lies under this key: `ema`, or `model.net` where it lies
    /// in another.
    pub fn under(self, key: impl Into<String>) -> WeightsOptions {
        WeightsOptions { key: Some(key.into()), ..self }
    }

    /// Takes a prefix off the front of every key that has it; the dot behind it may be left out.
    pub fn without_prefix(self, prefix: impl Into<String>) -> WeightsOptions {
        WeightsOptions { prefix: prefix.into(), ..self }
    }

    /// Renames keys, once the prefix is gone, in the order in which renames are given.
    pub fn rename(mut self, rename: Rename) -> WeightsOptions {
        self.renames.push(rename);
        self
    }

    /// Whether anything is asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.key.is_some() || !self.prefix.is_empty() || !self.renames.is_empty()
    }
}
