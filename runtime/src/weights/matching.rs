//! Which tensor of a file is which parameter, and the report when they do not fit together.

use super::stored::{Source, StoredTensor};
use super::{Entries, convert, tensor};
use crate::failure::failure;
use crate::parameters::Room;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::{Code, nearest};
use cnnc_compiler::graph::{Graph, Parameter};
use std::collections::HashSet;

/// Differences of one kind that are written out; of more, their number is.
const SHOWN: usize = 20;

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
/// E602 with everything that does not fit; as [`tensor`] where those of two keys are compared.
pub fn match_keys<'f>(
    source: &dyn Source,
    graph: &Graph,
    found: &'f Entries,
    prefix: &str,
) -> Result<Vec<Option<&'f StoredTensor>>> {
    let mut differences = Differences::default();
    let matched = |parameter| match_one(source, parameter, found, &mut differences);
    let entries = graph.parameters.iter().map(matched).collect::<Result<_>>()?;
    let known: HashSet<&str> = graph.parameters.iter().flat_map(keys).collect();
    let absent: Vec<&str> = differences.missing.iter().map(String::as_str).collect();
    for (key, entry) in found.iter().filter(|(key, _)| !known.contains(key.as_str())) {
        // Only those that are written out are looked at closely: a file may hold millions.
        let near = nearest(key, absent.iter().copied().filter(|_| differences.unexpected.len() < SHOWN));
        let hint = near.map_or(String::new(), |near| format!("; the model has `{near}`, which the file lacks"));
        differences.unexpected.push(format!("`{key}` {:?}{hint}", entry.shape));
    }
    if differences.missing.is_empty() && differences.unexpected.is_empty() && differences.wrong.is_empty() {
        return Ok(entries);
    }
    Err(report(source, graph, found, prefix, differences))
}

/// All keys under which a file may hold a parameter.
fn keys(parameter: &Parameter) -> impl Iterator<Item = &str> {
    std::iter::once(&parameter.path).chain(&parameter.aliases).map(|key| key.as_ref())
}

/// Where a parameter comes from: its own key, or that of another use of it. Several must hold the same numbers.
fn match_one<'f>(
    source: &dyn Source,
    parameter: &Parameter,
    found: &'f Entries,
    differences: &mut Differences,
) -> Result<Option<&'f StoredTensor>> {
    let mut held = keys(parameter).filter_map(|key| found.get_key_value(key));
    let Some((key, entry)) = held.next() else {
        if !parameter.is_counter {
            differences.missing.push(parameter.path.to_string());
        }
        return Ok(None);
    };
    if !convert::is_readable(entry.dtype) {
        let types = "F32, F16, BF16, F64, I64 and I32 can";
        differences.wrong.push(format!("`{key}` holds {:?}, which cannot be read; {types}", entry.dtype));
        return Ok(None);
    }
    if entry.shape != parameter.shape {
        let (file, model) = (&entry.shape, &parameter.shape);
        differences.wrong.push(format!("`{key}` is {file:?} in the file and {model:?} in the model"));
        return Ok(None);
    }
    let read = |entry| tensor(source, entry, parameter.element(), Room::default());
    for (other, also) in held {
        let is_same = also.shape == entry.shape && convert::is_readable(also.dtype) && read(also)? == read(entry)?;
        if !is_same {
            differences.wrong.push(format!("`{key}` and `{other}` are one parameter here and differ in the file"));
        }
    }
    Ok(Some(entry))
}

fn report(source: &dyn Source, graph: &Graph, found: &Entries, prefix: &str, differences: Differences) -> Error {
    let (file, model) = (source.path().display(), &graph.name);
    let mut report = failure(Code::E602, format!("the weights in `{file}` do not fit the model `{model}`"));
    if let Some(common) = common_prefix(graph, found).filter(|_| prefix.is_empty()) {
        report.notes.push(format!("all that the model needs is there, with `{common}` in front of every key"));
        report.help.push(format!("without `{common}` in front, the keys fit: `--prefix {common}`"));
        return report;
    }
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
    report
}

/// What stands in front of the file's keys, if without it every missing key is found.
fn common_prefix<'a>(graph: &Graph, found: &'a Entries) -> Option<&'a str> {
    let first = graph.parameters.first()?;
    let key = found.keys().find(|key| key.ends_with(first.path.as_ref()) && key.len() > first.path.len())?;
    let prefix = &key[..key.len() - first.path.len()];
    let fits = |parameter: &Parameter| {
        keys(parameter).any(|key| found.contains_key(&format!("{prefix}{key}"))) || parameter.is_counter
    };
    graph.parameters.iter().all(fits).then_some(prefix)
}
