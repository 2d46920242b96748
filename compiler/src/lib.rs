//! From AST to plan: what a spec means, whether it is possible, and the kernel calls that compute it.
//!
//! Pure: no files, no device, no printing. Source text comes through [`resolve::Sources`], the machine through
//! [`plan::Target`], and what is wrong goes to [`diagnostic::Problems`]. [`check::check`] is the first half as one
//! function. Each stage is a type and each arrow one function:
//!
//! ```text
//! text -parse-> Ast -resolve-> Graph -infer-> ShapedGraph -write_kernels-> KernelGraph -passes-> KernelGraph -plan-> Plan
//! ```

use diagnostic::Diagnostic;
use graph::ShapedGraph;
use passes::Note;
use plan::{Plan, Target};
use write_kernels::Bindings;

pub mod budgets;
pub mod check;
pub mod diagnostic;
pub mod diff;
pub mod element;
pub mod explain;
pub mod gradient;
pub mod graph;
pub mod index;
pub mod infer;
mod items;
pub mod kernels;
mod meeting;
pub mod onnx;
pub mod ops;
pub mod passes;
pub mod plan;
pub mod resolve;
pub mod shape;
pub mod sizes;
pub mod summary;
pub mod training;
mod trial;
pub mod unread;
pub mod watch;
pub mod write_kernels;

/// From a network whose shapes are known to the plan that computes it, with what every pass did and did not do.
///
/// # Errors
/// E402 and E308 when sizes are missing or do not fit, E401 when there is too little memory.
pub fn compile(
    graph: &ShapedGraph,
    bindings: &Bindings,
    target: &Target,
) -> Result<(Plan, Vec<Note>), Box<Diagnostic>> {
    let mut kernels = write_kernels::write_kernels(graph, bindings)?;
    let mut notes = passes::run(&mut kernels)?;
    let (plan, copies) = plan::plan_with_notes(&kernels, target)?;
    notes.extend(copies);
    Ok((plan, notes))
}
