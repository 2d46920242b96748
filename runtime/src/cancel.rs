//! Stopping work from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A way to stop what another thread does. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(pub(crate) Arc<AtomicBool>);

impl Cancel {
    /// Stops the work that asks it, at the next place where that can be stopped, for good.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether work is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
