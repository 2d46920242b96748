//! What `cnnc solve` says, for people.

use super::{Answer, At, Symbol};
use cnnc_compiler::graph::{NodeId, NodeKind, ShapedGraph};
use cnnc_compiler::sizes::Besides;
use cnnc_compiler::unread::Unread;
use cnnc_runtime::Model;

/// Values that are told one by one.
const MOST_TOLD: usize = 20;

/// The whole answer.
pub fn text(answer: &Answer, solved: &Model) -> String {
    let mut text = String::new();
    for (name, shape) in &answer.inputs {
        text += &format!("{}  takes {shape} as `{name}`\n", answer.model);
    }
    if let Some(reason) = &answer.why_not {
        text += &format!("  its sizes cannot be left open: {reason}\n");
    } else if !answer.fixed.is_empty() {
        let fixed: Vec<String> = answer.fixed.iter().map(|(name, size)| format!("{name} = {size}")).collect();
        text += &format!("  the spec fixes {}; left open, it accepts:\n", fixed.join(" and "));
    }
    for (names, rule) in rules(&answer.symbols) {
        text += &format!("  {names}: {rule}\n");
    }
    for condition in &answer.together {
        text += &format!("  together: {condition}\n");
    }
    for (example, (name, _)) in answer.examples.iter().zip(&answer.inputs) {
        let of = if answer.inputs.len() > 1 { format!(" of `{name}`") } else { String::new() };
        text += &format!("  for example{of} {example}\n");
    }
    text + &answer.at.as_ref().map(|at| at_text(at, solved.graph())).unwrap_or_default()
}

/// A line for the symbols of one rule: `H and W`, and `any multiple of 32 from 32 up`.
fn rules(symbols: &[Symbol]) -> Vec<(String, String)> {
    let mut rules: Vec<(Vec<&str>, String)> = Vec::new();
    for symbol in symbols {
        let mut rule = symbol.sizes.words();
        match &symbol.besides {
            Besides::Many => rule += ", and many others",
            Besides::Sizes(sizes) if sizes.is_empty() => {}
            Besides::Sizes(sizes) => rule += &format!(", and {}", runs(sizes)),
            Besides::Rests { step, rests, .. } => rule += &format!(", and what leaves {} by {step}", runs(rests)),
        }
        if symbol.smallest != symbol.sizes.start {
            rule += &format!("; the smallest is {}", symbol.smallest);
        }
        match rules.iter_mut().find(|(_, other)| *other == rule) {
            Some((names, _)) => names.push(&symbol.sizes.name),
            None => rules.push((vec![&symbol.sizes.name], rule)),
        }
    }
    let joined = |names: Vec<&str>| names.join(", ").replacen(", ", " and ", usize::from(names.len() == 2));
    rules.into_iter().map(|(names, rule)| (joined(names), rule)).collect()
}

/// `25 to 31, 40`
fn runs(numbers: &[i64]) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let words = runs.into_iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first} to {last}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn at_text(at: &At, graph: &ShapedGraph) -> String {
    let values: Vec<String> = at.values.iter().map(|(name, size)| format!("{name} = {size}")).collect();
    let outputs: Vec<String> = at.outputs.iter().map(|(name, shape)| format!("{shape} is `{name}`")).collect();
    let mut text = format!("at {}: fits, {}\n", values.join(", "), outputs.join(", "));
    let dropped = &at.coverage.dropped;
    for unread in dropped.iter().take(MOST_TOLD) {
        let readers: Vec<String> = unread.readers.iter().map(|&reader| name_of(graph, reader)).collect();
        let (verb, of) = (if readers.len() == 1 { "leaves" } else { "leave" }, name_of(graph, unread.value));
        text += &format!("  {} {verb} {} of {of} unread\n", readers.join(" and "), elements(unread, graph));
    }
    if let Some(more @ 1..) = dropped.len().checked_sub(MOST_TOLD) {
        text += &format!("  and so {more} more\n");
    }
    for unread in &at.coverage.unseen {
        let of = name_of(graph, unread.value);
        text += &format!("  no answer depends on {} of {of}\n", elements(unread, graph));
    }
    if dropped.is_empty() && at.coverage.unseen.is_empty() {
        text += "  every element is read\n";
    }
    text
}

/// `layer1.0.conv1` and its kind, or the input.
fn name_of(graph: &ShapedGraph, node: NodeId) -> String {
    let Some(found) = graph.graph.dag.get(node) else { return String::new() };
    match &found.kind {
        NodeKind::Input(_) => format!("the input `{}`", found.path),
        NodeKind::Operator(operator) if found.path.is_empty() => format!("a {}", operator.name()),
        NodeKind::Operator(operator) => format!("`{}` ({})", found.path, operator.name()),
    }
}

/// `the last 2 of 30 rows`
fn elements(unread: &Unread, graph: &ShapedGraph) -> String {
    let Unread { axis, size, elements, value, .. } = unread;
    let rank = graph.shape(*value).rank();
    let noun = match rank - axis {
        _ if *axis == 1 => "channel",
        1 if rank == 3 => "place",
        1 => "column",
        2 => "row",
        _ => "plane",
    };
    let (count, first) = (elements.len(), elements.first().copied().unwrap_or(0));
    let is_run = elements.last().is_some_and(|last| last - first + 1 == count);
    let plural = if *size == 1 { "" } else { "s" };
    match count {
        1 if first + 1 == *size => format!("the last of {size} {noun}{plural}"),
        _ if is_run && first + count == *size => format!("the last {count} of {size} {noun}{plural}"),
        1 => format!("{noun} {first} of {size}"),
        _ if is_run && first == 0 => format!("the first {count} of {size} {noun}{plural}"),
        _ if is_run => format!("{noun}s {first} to {} of {size}", first + count - 1),
        _ => {
            let shown: Vec<String> = elements.iter().take(3).map(usize::to_string).collect();
            let more = if count > 3 { ", …" } else { "" };
            format!("{count} of {size} {noun}s ({}{more})", shown.join(", "))
        }
    }
}
