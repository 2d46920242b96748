//! Which tensor of a file is which parameter, and the report when they do not fit together.

use super::contents::Contents;
use super::convert;
use super::keys::{self, Entries, Entry};
use super::options::WeightsOptions;
use super::proposals;
use super::source::Source;
use super::tensor;
use crate::failure::{failure, note};
use crate::parameters::Room;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
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

/// Keys that fit a graph.
pub struct Fit {
    /// The tensor of every parameter, in the graph's order; `None` for a counter that the file lacks.
    pub tensors: Vec<Option<Entry>>,
    /// What was found and chosen, to be said.
    pub notes: Vec<Diagnostic>,
}

/// The tensors of a file that are a graph's parameters. What wrappers put into the keys of a checkpoint of PyTorch is found, and
/// said.
///
/// # Errors
/// E602 with everything that does not fit; as [`tensor`] where those of two keys are compared.
pub fn fit(
    source: &dyn Source,
    graph: &Graph,
    found: &Entries,
    contents: &Contents,
    options: &WeightsOptions,
) -> Result<Fit> {
    let (differences, tensors) = match_keys(source, graph, found)?;
    if differences.is_none() {
        return Ok(Fit { tensors, notes: Vec::new() });
    }
    if let Some(left_out) = without_prefix(graph, found, &options.prefix).filter(|_| differences.is_surplus()) {
        let said = note(Code::E602, format!("`{}`: {left_out}", source.path().display()));
        return Ok(Fit { tensors, notes: vec![said] });
    }
    if contents.is_pytorch && options.prefix.is_empty() {
        for reading in keys::readings(found) {
            if !fits(graph, &reading.entries) {
                continue;
            }
            let (differences, tensors) = match_keys(source, graph, &reading.entries)?;
            if differences.is_none() {
                return Ok(Fit { tensors, notes: vec![keys::said(source.path(), &reading)] });
            }
            return Err(report(source, graph, &reading.entries, contents, options, differences));
        }
    }
    Err(report(source, graph, found, contents, options, differences))
}

/// The tensors that no parameter has, in words, if the prefix that was asked for stands before none of them: they are not meant.
fn without_prefix(graph: &Graph, found: &Entries, prefix: &str) -> Option<String> {
    let known: HashSet<&str> = graph.parameters.iter().flat_map(keys_of).collect();
    let surplus = || found.iter().filter(|entry| !known.contains(entry.key.as_str()));
    let is_other = |entry: &Entry| !prefix.is_empty() && !entry.stored.starts_with(prefix);
    let first = surplus().next()?;
    surplus().all(is_other).then(|| match surplus().count() - 1 {
        0 => format!("`{}`, without `{prefix}` in front, is left out", first.stored),
        more => format!("`{}` and {more} more, without `{prefix}` in front, are left out", first.stored),
    })
}

/// Whether every parameter has a tensor and every tensor a parameter, by their keys alone.
pub fn fits(graph: &Graph, found: &Entries) -> bool {
    let has = |parameter: &Parameter| parameter.is_counter || keys_of(parameter).any(|key| found.get(key).is_some());
    let known: HashSet<&str> = graph.parameters.iter().flat_map(keys_of).collect();
    graph.parameters.iter().all(has) && found.iter().all(|entry| known.contains(entry.key.as_str()))
}

impl Differences {
    fn is_none(&self) -> bool {
        self.unexpected.is_empty() && self.is_surplus()
    }

    /// Nothing is missing or wrong; there may be more than is needed.
    fn is_surplus(&self) -> bool {
        self.missing.is_empty() && self.wrong.is_empty()
    }
}

fn match_keys(source: &dyn Source, graph: &Graph, found: &Entries) -> Result<(Differences, Vec<Option<Entry>>)> {
    let mut differences = Differences::default();
    let matched = |parameter| match_one(source, parameter, found, &mut differences);
    let tensors = graph.parameters.iter().map(matched).collect::<Result<_>>()?;
    let known: HashSet<&str> = graph.parameters.iter().flat_map(keys_of).collect();
    let absent: Vec<&str> = differences.missing.iter().map(String::as_str).collect();
    for Entry { key, tensor, .. } in found.iter().filter(|entry| !known.contains(entry.key.as_str())) {
        // Only those that are written out are looked at closely: a file may hold millions.
        let near = nearest(key, absent.iter().copied().filter(|_| differences.unexpected.len() < SHOWN));
        let hint = near.map_or(String::new(), |near| format!("; the model has `{near}`, which the file lacks"));
        differences.unexpected.push(format!("`{key}` {:?}{hint}", tensor.shape));
    }
    Ok((differences, tensors))
}

/// All keys under which a file may hold a parameter.
pub fn keys_of(parameter: &Parameter) -> impl Iterator<Item = &str> {
    std::iter::once(&parameter.path).chain(&parameter.aliases).map(|key| key.as_ref())
}

/// Where a parameter comes from: its own key, or that of another use of it. Several must hold the same numbers.
fn match_one(
    source: &dyn Source,
    parameter: &Parameter,
    found: &Entries,
    differences: &mut Differences,
) -> Result<Option<Entry>> {
    let mut held = keys_of(parameter).filter_map(|key| found.get(key));
    let Some(entry) = held.next() else {
        if !parameter.is_counter {
            differences.missing.push(parameter.path.to_string());
        }
        return Ok(None);
    };
    let Entry { key, tensor: stored, .. } = entry;
    if !convert::is_readable(stored.dtype) {
        let types = "floats of 8 to 64 bits and whole numbers can";
        differences.wrong.push(format!("`{key}` holds {:?}, which cannot be read; {types}", stored.dtype));
        return Ok(None);
    }
    if stored.shape != parameter.shape {
        let (file, model) = (&stored.shape, &parameter.shape);
        differences.wrong.push(format!("`{key}` is {file:?} in the file and {model:?} in the model"));
        return Ok(None);
    }
    let read = |stored| tensor(source, stored, parameter.element(), Room::default());
    for other in held {
        let also = &other.tensor;
        // Where both lie in one place there is nothing to compare.
        let is_comparable = also.shape == stored.shape && convert::is_readable(also.dtype);
        let is_same = also == stored || (is_comparable && read(also)? == read(stored)?);
        if !is_same {
            differences
                .wrong
                .push(format!("`{key}` and `{}` are one parameter here and differ in the file", other.key));
        }
    }
    Ok(Some(entry.clone()))
}

fn report(
    source: &dyn Source,
    graph: &Graph,
    found: &Entries,
    contents: &Contents,
    options: &WeightsOptions,
    differences: Differences,
) -> Error {
    let (file, model) = (source.path().display(), &graph.name);
    let mut report = failure(Code::E602, format!("the weights in `{file}` do not fit the model `{model}`"));
    if let Some(common) = common_prefix(graph, found).filter(|_| options.prefix.is_empty()) {
        report.notes.push(format!("all that the model needs is there, with `{common}` in front of every key"));
        report.help.push(format!("without `{common}` in front, the keys fit: `--prefix {common}`"));
        return report;
    }
    let unread = |key: &String| match contents.left_out.iter().find(|(other, _)| other == key) {
        Some((_, what)) => format!("`{key}`: there it is {what}, which is not read"),
        None => format!("`{key}`"),
    };
    let missing: Vec<String> = differences.missing.iter().take(SHOWN).map(unread).collect();
    for (kind, entries, count) in [
        ("the file lacks", &missing, differences.missing.len()),
        ("the model has no", &differences.unexpected, differences.unexpected.len()),
        ("the sizes or numbers differ:", &differences.wrong, differences.wrong.len()),
    ] {
        report.notes.extend(entries.iter().take(SHOWN).map(|entry| format!("{kind} {entry}")));
        if count > SHOWN {
            report.notes.push(format!("… and {} more of this kind", count - SHOWN));
        }
    }
    report.help.extend(proposals::help(graph, found));
    report
}

/// What stands in front of the file's keys, if without it every missing key is found.
fn common_prefix<'a>(graph: &Graph, found: &'a Entries) -> Option<&'a str> {
    let first = graph.parameters.first()?;
    let is_longer = |key: &&str| key.ends_with(first.path.as_ref()) && key.len() > first.path.len();
    let key = found.iter().map(|entry| entry.key.as_str()).find(is_longer)?;
    let prefix = &key[..key.len() - first.path.len()];
    let fits = |parameter: &Parameter| {
        keys_of(parameter).any(|key| found.get(&format!("{prefix}{key}")).is_some()) || parameter.is_counter
    };
    graph.parameters.iter().all(fits).then_some(prefix)
}
