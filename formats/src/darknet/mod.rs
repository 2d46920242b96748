//! Darknet: a network as a cfg, its numbers as a `.weights` file without names or sizes.
//!
//! `cfg.rs` reads the text, `read.rs` follows its sections from first to last and `layers/` says what each is in the language;
//! `weights.rs` gives out the numbers. What they make is a [`crate::spec::Network`], which knows nothing of Darknet. What is
//! read is pjreddie's Darknet, and of AlexeyAB's what means the same there or is said here.

mod cfg;
mod keys;
mod layers;
mod read;
#[cfg(test)]
mod tests;
mod weights;

pub use cfg::is_cfg;
pub use weights::Tensor;

use crate::failure::Failure;
use crate::spec::{self, Form, Unproved, Written};
use bytes::Bytes;
use read::Reader;

/// What a cfg became.
pub struct Imported {
    /// The spec, proved.
    pub written: Written,
    /// The tensors, by the numbers that `written` has; `None` without a file of weights.
    pub tensors: Option<Vec<Tensor>>,
    /// What was done on the way, a sentence's end each.
    pub notes: Vec<String>,
    /// What the files are.
    pub origin: String,
    /// Names of what comes in and what goes out.
    pub ports: (Vec<String>, Vec<String>),
}

/// Why a cfg is not read.
#[derive(Debug)]
pub enum Refusal {
    /// It is not what it says it is.
    Cfg(Failure),
    /// Its weights are not what they say they are, or another network's.
    Weights(Failure),
    /// It holds what the language cannot say: a line a section.
    Unsaid(Vec<String>),
    /// What was written is not what was meant: a fault of the importer.
    Fault(String),
}

/// Reads a cfg, and the file of its weights.
///
/// # Errors
/// Why not, whole.
pub fn import(cfg: &[u8], weights: Option<&Bytes>, name: &str, form: Form) -> Result<Imported, Refusal> {
    let sections = cfg::sections(cfg).map_err(Refusal::Cfg)?;
    let Reader { network, wanted, outputs, mut notes, .. } = Reader::of(&sections, weights, name)?;
    let (tensors, told) = match weights {
        Some(file) => {
            let (tensors, told) = weights::tensors(file, &wanted).map_err(Refusal::Weights)?;
            (Some(tensors), format!(", {told}"))
        }
        None => (None, String::new()),
    };
    let (written, note) = spec::write_surely(&network, form).map_err(|reason| match reason {
        Unproved::Impossible(reason) => Refusal::Unsaid(vec![reason]),
        Unproved::Fault(reason) => Refusal::Fault(reason),
    })?;
    notes.extend(note.map(str::to_owned));
    let origin = format!("Darknet, {} sections{told}", sections.len());
    let inputs = network.inputs.iter().map(|input| input.name.clone()).collect();
    Ok(Imported { written, tensors, notes, origin, ports: (inputs, outputs) })
}
