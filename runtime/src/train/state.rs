//! A checkpoint's tensors against those that a learner has.

use crate::failure::failure;
use crate::{Parameters, Result};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::training::names::is_state;
use std::path::Path;

/// The tensors that were found, once every one that is wanted is there in its shape and no other.
///
/// # Errors
/// E611 with everything that does not fit.
pub fn fitting(path: &Path, wanted: &Parameters, found: &Parameters) -> Result<Parameters> {
    let mut notes = Vec::new();
    for (key, shape) in wanted.shapes() {
        match found.shape(key) {
            None => notes.push(format!("it lacks `{key}`")),
            Some(other) if other != shape => {
                notes.push(format!("`{key}` is {other:?} in it, and {shape:?} in the model"));
            }
            Some(_) => {}
        }
    }
    let unknown = found.shapes().filter(|(key, _)| wanted.shape(key).is_none());
    notes.extend(unknown.map(|(key, _)| format!("the run has no `{key}`")));
    if notes.is_empty() {
        return Ok(found.clone());
    }
    let mut refused = failure(Code::E611, format!("`{}` does not fit the model", path.display()));
    notes.truncate(20);
    refused.notes = notes;
    Err(refused)
}

/// The parameters of a state alone, without what the optimiser keeps.
pub fn parameters(state: &Parameters) -> Parameters {
    state.filtered(|key| !is_state(key))
}

/// A parameter that is trained and has values that are no numbers, where there is one.
///
/// # Errors
/// When one cannot be read.
pub fn without_numbers<'g>(graph: &'g ShapedGraph, state: &Parameters) -> Result<Option<&'g str>> {
    for parameter in graph.graph.parameters.iter().filter(|parameter| parameter.trainable) {
        if state.get(&parameter.path)?.data().iter().any(|value| !value.is_finite()) {
            return Ok(Some(&parameter.path));
        }
    }
    Ok(None)
}
