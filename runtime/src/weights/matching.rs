//! Which tensor of a file is which parameter, and the report when they do not fit together.

use super::{Found, convert};
use crate::failure::failure;
use crate::{Failure, Result};
use cnnc_compiler::diagnostic::{Code, nearest};
use cnnc_compiler::graph::{Graph, Parameter};
use safetensors::tensor::TensorView;
use std::collections::HashSet;
use std::path::Path;

/// Differences of one kind that are written out; of more, their number is.
const SHOWN: usize = 20;

/// A counter of PyTorch's that no answer depends on; older files lack it.
const OPTIONAL: &str = "num_batches_tracked";

/// All that does not fit.
#[derive(Default)]
struct Differences {
    missing: Vec<String>,
    unexpected: Vec<String>,
    wrong: Vec<String>,
}

/// The tensor of every parameter, in the graph's order; `None` for a counter that the file lacks.
///
/// # Errors
/// E602 with everything that does not fit.
pub fn match_keys<'a>(
    path: &Path,
    graph: &Graph,
    found: &'a Found<'a>,
    prefix: &str,
) -> Result<Vec<Option<&'a TensorView<'a>>>> {
    let mut differences = Differences::default();
    let sources = graph.parameters.iter().map(|parameter| source(parameter, found, &mut differences)).collect();
    let known: HashSet<&str> = graph.parameters.iter().flat_map(keys).collect();
    let absent: Vec<&str> = differences.missing.iter().map(String::as_str).collect();
    for (key, tensor) in found.iter().filter(|(key, _)| !known.contains(key.as_str())) {
        let near = nearest(key, absent.iter().copied());
        let hint = near.map_or(String::new(), |near| format!("; the model has `{near}`, which the file lacks"));
        differences.unexpected.push(format!("`{key}` {:?}{hint}", tensor.shape()));
    }
    if differences.missing.is_empty() && differences.unexpected.is_empty() && differences.wrong.is_empty() {
        return Ok(sources);
    }
    Err(report(path, graph, found, prefix, differences))
}

/// All keys under which a file may hold a parameter.
fn keys(parameter: &Parameter) -> impl Iterator<Item = &str> {
    std::iter::once(&parameter.path).chain(&parameter.aliases).map(|key| key.as_ref())
}

/// Where a parameter comes from: its own key, or that of another use of it. Several must hold the same numbers.
fn source<'a>(
    parameter: &Parameter,
    found: &'a Found<'a>,
    differences: &mut Differences,
) -> Option<&'a TensorView<'a>> {
    let mut held = keys(parameter).filter_map(|key| found.get_key_value(key));
    let Some((key, tensor)) = held.next() else {
        if !parameter.path.ends_with(OPTIONAL) {
            differences.missing.push(parameter.path.to_string());
        }
        return None;
    };
    if !convert::is_readable(tensor.dtype()) {
        let types = "F32, F16, BF16, F64, I64 and I32 can";
        differences.wrong.push(format!("`{key}` holds {:?}, which cannot be read; {types}", tensor.dtype()));
    } else if tensor.shape() != parameter.shape {
        let (file, model) = (tensor.shape(), &parameter.shape);
        differences.wrong.push(format!("`{key}` is {file:?} in the file and {model:?} in the model"));
    }
    let values = |tensor: &TensorView| convert::to_f32(tensor.dtype(), tensor.data());
    for (other, also) in held {
        if also.shape() != tensor.shape() || values(also) != values(tensor) {
            differences.wrong.push(format!("`{key}` and `{other}` are one parameter here and differ in the file"));
        }
    }
    Some(tensor)
}

fn report(path: &Path, graph: &Graph, found: &Found, prefix: &str, differences: Differences) -> Failure {
    let (file, model) = (path.display(), &graph.name);
    let mut report = failure(Code::E602, format!("the weights in `{file}` do not fit the model `{model}`"));
    let missing: Vec<String> = differences.missing.iter().map(|key| format!("`{key}`")).collect();
    for (kind, entries) in [
        ("the file lacks", &missing),
        ("the model has no", &differences.unexpected),
        ("the sizes or numbers differ:", &differences.wrong),
    ] {
        report.notes.extend(entries.iter().take(SHOWN).map(|entry| format!("{kind} {entry}")));
        if entries.len() > SHOWN {
            report.notes.push(format!("… and {} more of this kind", entries.len() - SHOWN));
        }
    }
    if let Some(common) = common_prefix(graph, found).filter(|_| prefix.is_empty()) {
        report.help.push(format!("without `{common}` in front, the keys fit: `--prefix {common}`"));
    }
    report
}

/// What stands in front of the file's keys, if without it every missing key is found.
fn common_prefix<'a>(graph: &Graph, found: &'a Found) -> Option<&'a str> {
    let first = graph.parameters.first()?;
    let key = found.keys().find(|key| key.ends_with(first.path.as_ref()) && key.len() > first.path.len())?;
    let prefix = &key[..key.len() - first.path.len()];
    let fits = |parameter: &Parameter| {
        keys(parameter).any(|key| found.contains_key(&format!("{prefix}{key}"))) || parameter.path.ends_with(OPTIONAL)
    };
    graph.parameters.iter().all(fits).then_some(prefix)
}
