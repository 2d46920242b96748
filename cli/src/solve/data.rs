//! What `cnnc solve` says, for programs. `docs/json.md` describes it; what is there keeps its name and meaning.

use super::{Answer, At, Symbol};
use crate::console::{Console, Outcome};
use crate::shapes::{Port, ports};
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::sizes::Besides;
use cnnc_compiler::unread::Unread;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

#[derive(Serialize)]
struct Data<'a> {
    model: &'a str,
    inputs: Vec<Port>,
    fixed: BTreeMap<&'a str, i64>,
    why_not_open: Option<&'a str>,
    sizes: Vec<Rule<'a>>,
    conditions: &'a [String],
    examples: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<AtData<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    symbol: &'a str,
    start: i64,
    step: i64,
    last: Option<i64>,
    smallest: i64,
    besides: Option<&'a [i64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rests: Option<&'a [i64]>,
}

#[derive(Serialize)]
struct AtData<'a> {
    sizes: BTreeMap<&'a str, i64>,
    outputs: Vec<Port>,
    dropped: Vec<UnreadData<'a>>,
    unseen: Vec<UnreadData<'a>>,
}

#[derive(Serialize)]
struct UnreadData<'a> {
    value: &'a str,
    readers: Vec<&'a str>,
    axis: usize,
    size: usize,
    elements: &'a [usize],
}

/// Prints one object.
pub fn json(answer: &Answer, graph: &ShapedGraph, console: &mut Console<'_>) -> Outcome {
    let data = Data {
        model: &answer.model,
        inputs: ports(&answer.inputs),
        fixed: answer.fixed.iter().map(|(name, size)| (&**name, *size)).collect(),
        why_not_open: answer.why_not.as_deref(),
        sizes: answer.symbols.iter().map(rule).collect(),
        conditions: &answer.together,
        examples: &answer.examples,
        at: answer.at.as_ref().map(|at| at_data(at, graph)),
    };
    console.print_data(|writer| {
        serde_json::to_writer_pretty(&mut *writer, &data).map_err(io::Error::from)?;
        writeln!(writer)
    })
}

fn rule(symbol: &Symbol) -> Rule<'_> {
    let Symbol { sizes, smallest, besides } = symbol;
    let (start, step, last) = (sizes.start, sizes.step, sizes.last);
    let (besides, rests) = match besides {
        Besides::Sizes(sizes) => (Some(sizes.as_slice()), None),
        Besides::Rests { rests, .. } => (None, Some(rests.as_slice())),
        Besides::Many => (None, None),
    };
    Rule { symbol: &sizes.name, start, step, last, smallest: *smallest, besides, rests }
}

fn at_data<'a>(at: &'a At, graph: &'a ShapedGraph) -> AtData<'a> {
    let path = |node: NodeId| graph.graph.dag.get(node).map_or("", |node| &*node.path);
    let unread = |unread: &'a Unread| UnreadData {
        value: path(unread.value),
        readers: unread.readers.iter().map(|&reader| path(reader)).collect(),
        axis: unread.axis,
        size: unread.size,
        elements: &unread.elements,
    };
    AtData {
        sizes: at.values.iter().map(|(name, size)| (&**name, *size)).collect(),
        outputs: ports(&at.outputs),
        dropped: at.coverage.dropped.iter().map(unread).collect(),
        unseen: at.coverage.unseen.iter().map(unread).collect(),
    }
}
