//! Stopping work from outside.

use crate::failure::{Error, Result, failure};
use cnnc_compiler::diagnostic::Code;
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

    /// Whether work goes on.
    ///
    /// # Errors
    /// E508 when it is to stop; `work` says what.
    pub(crate) fn check(&self, work: &str) -> Result<()> {
        if self.is_cancelled() { Err(cancelled(work)) } else { Ok(()) }
    }
}

/// The failure to say that some work was stopped.
pub(crate) fn cancelled(work: &str) -> Error {
    failure(Code::E508, format!("{work} was cancelled"))
}
