//! The passes over the kernel graph, in their order.
//!
//! Each is a function in a file of its own that changes the graph and says what it did and what it left, and why. None knows a
//! layer; all ask kernels and expressions. A pass never makes a plan slower; where that has a condition, its file says which.
//! They serve training steps too: what counts as constant there is what no run changes, so nothing is folded into weights that
//! are trained.
//!
//! Why this order:
//! 1. `fold_constants`, `remove_identities`, `share_common` clear the way: fewer nodes, shorter expressions, single users.
//! 2. `move_maps_back` takes element-wise work across reshapes and permutations, nearer to the kernel that it may join.
//! 3. `hoist_constants` makes a batch norm one multiplication and one addition, so that
//! 4. `merge_maps` may write it out inside an activation even where the activation uses its argument several times, and
//! 5. `fold_channel_affine` finds the multiplication and puts it into the weights of the kernel before.
//! 6. `fuse_epilogue` gives what is left to that kernel.
//! 7. Folding and merging have brought constants together: `hoist_constants` again, `merge_maps` for those that were hoisted
//!    piece by piece, and `share_common` for what is now equal.
//! 8. `remove_dead`.

mod account;
mod affine;
mod fold_channel_affine;
mod fold_constants;
mod formula;
mod fuse_epilogue;
mod hoist_constants;
mod merge_maps;
mod move_maps_back;
mod quantise;
mod remove_dead;
mod remove_identities;
mod share_common;
#[cfg(test)]
pub(crate) mod tests;

pub use account::Saved;
pub use fold_channel_affine::fold_channel_affine;
pub use fold_constants::fold_constants;
pub(crate) use fold_constants::simplify;
pub use fuse_epilogue::fuse_epilogue;
pub use hoist_constants::hoist_constants;
pub use merge_maps::merge_maps;
pub use move_maps_back::move_maps_back;
pub use quantise::{Quantisations, observe, quantise, value_names};
pub use remove_dead::remove_dead;
pub use remove_identities::remove_identities;
pub use share_common::share_common;

use crate::diagnostic::Diagnostic;
use crate::kernels::{KernelGraph, fault, verify};
use account::Account;
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
    /// What a run is spared by it.
    pub saved: Saved,
}

/// Runs all passes, and verifies the graph after the last; after each where assertions are built in, to name the one at fault.
///
/// # Errors
/// E499 when a pass broke the graph.
pub fn run(graph: &mut KernelGraph) -> Result<Vec<Note>, Box<Diagnostic>> {
    run_with(graph, None)
}

/// As [`run`], and says in each note what a run is spared by it.
///
/// # Errors
/// As [`run`].
pub fn run_accounted(graph: &mut KernelGraph) -> Result<Vec<Note>, Box<Diagnostic>> {
    let account = Account::of(graph);
    run_with(graph, Some(account))
}

fn run_with(graph: &mut KernelGraph, mut account: Option<Account>) -> Result<Vec<Note>, Box<Diagnostic>> {
    let mut notes = Vec::new();
    let mut apply = |name: &str, pass: fn(&mut KernelGraph) -> Vec<Note>| {
        let mut made = pass(graph);
        if let Some(before) = &mut account {
            let after = Account::of(graph);
            before.settle(&after, &mut made);
            *before = after;
        }
        notes.extend(made);
        match cfg!(debug_assertions) {
            true => verify(graph).map_err(|text| fault(&format!("after {name}, {text}"))),
            false => Ok(()),
        }
    };
    apply("fold_constants", fold_constants)?;
    apply("remove_identities", remove_identities)?;
    apply("share_common", share_common)?;
    apply("move_maps_back", move_maps_back)?;
    apply("hoist_constants", hoist_constants)?;
    apply("merge_maps", merge_maps)?;
    apply("fold_channel_affine", fold_channel_affine)?;
    apply("fuse_epilogue", fuse_epilogue)?;
    apply("hoist_constants", hoist_constants)?;
    apply("merge_maps", merge_maps)?;
    apply("share_common", share_common)?;
    apply("remove_dead", remove_dead)?;
    verify(graph).map_err(|text| fault(&text))?;
    Ok(notes)
}

/// A note of something done.
fn done(pass: &'static str, place: Arc<str>, text: String) -> Note {
    Note { pass, place, done: true, text, saved: Saved::default() }
}

/// A note of something left as it was.
fn left(pass: &'static str, place: Arc<str>, text: String) -> Note {
    Note { pass, place, done: false, text, saved: Saved::default() }
}
