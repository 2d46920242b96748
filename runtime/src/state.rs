//! A checkpoint's tensors against those that a learner has.

use crate::failure::failure;
use crate::{Parameters, Result};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::training::names::{self, is_state};
use std::path::Path;

/// The tensors that were found, once every one that is wanted is there in its shape and no other; each in the type that is
/// wanted, which older files may have otherwise.
///
/// # Errors
/// E611 with everything that does not fit.
pub fn fitting(path: &Path, wanted: &Parameters, found: &Parameters) -> Result<Parameters> {
    let mut notes = Vec::new();
    let mut found = found.clone();
    for (key, shape) in wanted.shapes() {
        match found.shape(key) {
            None => notes.push(format!("it lacks `{key}`")),
            Some(other) if other != shape => {
                notes.push(format!("`{key}` is {other:?} in it, and {shape:?} in the model"));
            }
            Some(_) if found.element(key) == wanted.element(key) => {}
            Some(_) => {
                let element = wanted.element(key).unwrap_or(ElementType::Float32);
                match found.get(key)?.converted(element) {
                    Some(tensor) => found.insert(key.clone(), tensor),
                    None => notes.push(format!("`{key}` holds numbers that are no {element}")),
                }
            }
        }
    }
    let unknown = found.shapes().filter(|(key, _)| wanted.shape(key).is_none());
    notes.extend(unknown.map(|(key, _)| format!("the run has no `{key}`")));
    if notes.is_empty() {
        return Ok(found);
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

/// The same, with the running mean in the place of each parameter of which one is kept.
///
/// # Errors
/// When one cannot be read.
pub fn averaged(state: &Parameters) -> Result<Parameters> {
    let mut parameters = parameters(state);
    let start = names::state_key(names::AVERAGE, "");
    for (key, _) in state.shapes() {
        if let Some(parameter) = key.strip_prefix(&start) {
            parameters.insert(parameter, (*state.get(key)?).clone());
        }
    }
    Ok(parameters)
}

/// A state that just began, with what another has of it. A running mean that the other lacks is the parameter itself.
///
/// # Errors
/// When one cannot be read.
pub fn carried(before: &Parameters, begun: Parameters) -> Result<Parameters> {
    let start = names::state_key(names::AVERAGE, "");
    let mut carried = begun.clone();
    for (key, _) in begun.shapes() {
        let of_mean = key.strip_prefix(&start).filter(|_| before.shape(key).is_none());
        let from = of_mean.unwrap_or(key);
        if before.shape(from).is_some() {
            carried.insert(key.clone(), (*before.get(from)?).clone());
        }
    }
    Ok(carried)
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

#[cfg(test)]
mod tests {
    use super::fitting;
    use crate::{Parameters, Tensor};
    use std::path::Path;

    #[test]
    fn counters_of_older_files_are_whole_numbers() {
        let state = |key: &str, tensor: Tensor| -> Parameters { [(key.into(), tensor)].into_iter().collect() };
        let wanted = state("bn.num_batches_tracked", Tensor::count(0));
        let fits = |found: Tensor| fitting(Path::new("x"), &wanted, &state("bn.num_batches_tracked", found));
        for found in [Tensor::count(7), Tensor::filled(&[], 7.0)] {
            assert_eq!(*fits(found).unwrap().get("bn.num_batches_tracked").unwrap(), Tensor::count(7));
        }
        let refused = fits(Tensor::filled(&[], 0.5)).unwrap_err();
        assert_eq!(refused.notes, ["`bn.num_batches_tracked` holds numbers that are no uint64"]);
    }
}
