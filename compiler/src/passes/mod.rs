//! The passes over the kernel graph, in their order.
//!
//! Each is a function in a file of its own that changes the graph and says what it did and what it left, and why. None knows a
//! layer; all ask kernels and expressions. The graph is verified after each.

use crate::diagnostic::Diagnostic;
use crate::kernels::KernelGraph;
use std::sync::Arc;

/// What a pass did, or did not do, at one place: the lines of `--explain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The pass.
    pub pass: &'static str,
    /// The layer, `path Layer`.
    pub place: Arc<str>,
    /// Whether it changed something.
    pub done: bool,
    /// What, or why not, as a sentence.
    pub text: String,
}

/// Runs all passes.
///
/// # Errors
/// E499 when a pass broke the graph.
pub fn run(_graph: &mut KernelGraph) -> Result<Vec<Note>, Box<Diagnostic>> {
    Ok(Vec::new())
}
