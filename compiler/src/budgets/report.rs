//! What is said of budgets: what cannot be measured, and what is not kept, with the places that cost most.

use super::measure::Found;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::graph::{AssertedSize, Budget, Graph, Measure, NodeId, ShapedGraph};
use crate::summary::{Cost, ReceptiveField, Seen, costs, grouped};
use crate::write_kernels::Bindings;
use cnnc_grammar::ast::BinaryOperator;
use cnnc_grammar::span::{Files, Span};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// Places that are labelled as the most costly.
const LABELLED: usize = 3;

/// E226: an answer that depends on sizes which nothing says.
pub(super) fn open_sizes(budget: &Budget, shaped: &ShapedGraph, open: &[Arc<str>]) -> Diagnostic {
    let message = format!("what is asserted depends on {}, which the spec leaves open", names(open));
    let usual: Vec<String> = open.iter().map(|name| format!("{name}={}", shaped.sizes.usual(name))).collect();
    let word = word(&budget.measure);
    let arguments = match &budget.measure {
        Measure::ReceptiveField { path, .. } if !path.is_empty() => format!("\"{path}\", {}", usual.join(", ")),
        _ => usual.join(", "),
    };
    let given = budget.sizes.iter().map(|asserted| format!(", {}={}", asserted.name, asserted.size));
    let mend = format!("{word}({arguments}{})", given.collect::<String>());
    Diagnostic::new(Code::E226, message, budget.measure_span, "at no size of the input")
        .help(format!("say at which: `{mend}`"))
        .guess(budget.measure_span, mend)
}

/// E226: a size of a symbol that the network does not have.
pub(super) fn not_open(asserted: &AssertedSize, symbols: &[Arc<str>]) -> Diagnostic {
    let name = &asserted.name;
    let message = match symbols {
        [] => format!("`{name}` is no open size: the inputs have none"),
        symbols => format!("`{name}` is no open size of the inputs: {} can be given", names(symbols)),
    };
    let diagnostic = Diagnostic::new(Code::E226, message, asserted.span, "no size of an input");
    match nearest(name, symbols.iter().map(|symbol| &**symbol)) {
        Some(near) => {
            diagnostic.help(format!("did you mean `{near}`?")).guess(asserted.span, format!("{near}={}", asserted.size))
        }
        None => diagnostic,
    }
}

/// E226: a receptive field where no input has a plane.
pub(super) fn without_plane(budget: &Budget) -> Diagnostic {
    let message = "there is no receptive field, since no input that it depends on has rows and columns";
    Diagnostic::new(Code::E226, message, budget.measure_span, "of a value without a plane")
}

/// E311: what is found, what is asserted, and by how much it is past it.
pub(super) fn broken(budget: &Budget, shaped: &ShapedGraph, found: &Found, files: &Files) -> Diagnostic {
    let (graph, asserted) = (&shaped.graph, files.text(budget.bound_span));
    let sizes = budget.sizes.iter().map(|size| format!(" {} = {}", size.name, size.size)).collect::<Vec<_>>();
    let at = if sizes.is_empty() { String::new() } else { format!(" at{}", sizes.join(",")) };
    let what = in_words(found, budget);
    let message = match &budget.measure {
        Measure::ReceptiveField { path, .. } if !path.is_empty() => format!("an element of `{path}` sees {what}{at}"),
        Measure::ReceptiveField { .. } => format!("an element of the output sees {what}{at}"),
        Measure::Memory => format!("`{}` needs {what}{at}", graph.name),
        Measure::Parameters | Measure::Macs => format!("`{}` has {what}{at}", graph.name),
    };
    let message = format!("{message}, and {} {asserted} is asserted", relation(budget.relation));
    let diagnostic = Diagnostic::new(Code::E311, message, budget.span, past(budget, found));
    let diagnostic = match found {
        Found::Memory(needed) => diagnostic.note(format!(
            "{} of parameters and buffers + {} of inputs + {} of values at once",
            grouped(needed.parameter_bytes),
            grouped(needed.input_bytes),
            grouped(needed.value_bytes)
        )),
        Found::Count(_) | Found::Field(_) => diagnostic,
    };
    let diagnostic = match difference(budget, found) {
        Some(arithmetic) => diagnostic.note(arithmetic),
        None => diagnostic,
    };
    labelled(diagnostic, budget, shaped)
}

/// A measure in a sentence: `11,689,512 parameters`, `291×291 of the input`.
pub(super) fn in_words(found: &Found, budget: &Budget) -> String {
    match (found, &budget.measure) {
        (Found::Count(count), Measure::Macs) => format!("{} MACs", grouped(*count)),
        (Found::Count(count), _) => format!("{} parameters", grouped(*count)),
        (Found::Memory(needed), _) => format!("{} bytes", grouped(needed.bytes())),
        (Found::Field(ReceptiveField { height: Seen::Whole, width: Seen::Whole }), _) => "all of the input".into(),
        (Found::Field(field), _) => format!("{field} of the input"),
    }
}

/// `11,689,512 − 5,000,000 = 6,689,512 too many`
fn difference(budget: &Budget, found: &Found) -> Option<String> {
    let excess = found.excess(budget);
    if !excess.is_finite() || budget.relation == BinaryOperator::Equal {
        return None;
    }
    let (bound, excess) = (grouped(budget.bound.round().max(0.0) as u64), grouped(excess.ceil() as u64));
    Some(match is_least(budget) {
        true => format!("{bound} − {} = {excess} too few", grouped(least(found))),
        false => format!("{} − {bound} = {excess} too many", grouped(most(found))),
    })
}

/// `3,510 under the budget`
pub(super) fn margin(found: &Found, budget: &Budget) -> String {
    let excess = found.excess(budget);
    match (grouped(excess.abs() as u64), found.keeps(budget)) {
        _ if !excess.is_finite() => "whatever the bound is".into(),
        _ if excess == 0.0 => "just the budget".into(),
        (number, true) if is_least(budget) => format!("{number} over the budget"),
        (number, true) => format!("{number} under the budget"),
        (number, false) => format!("{number} past the budget"),
    }
}

/// How far past its bound it is, as a multiple where it is one.
fn past(budget: &Budget, found: &Found) -> String {
    let number = if is_least(budget) { least(found) } else { most(found) } as f64;
    match budget.relation {
        _ if !found.excess(budget).is_finite() => "more than any number".into(),
        BinaryOperator::Equal => "another number".into(),
        _ if budget.bound <= 0.0 => "past it".into(),
        _ => format!("is {:.1}% of it", 100.0 * number / budget.bound),
    }
}

fn least(found: &Found) -> u64 {
    found.numbers().into_iter().fold(f64::INFINITY, f64::min) as u64
}

fn most(found: &Found) -> u64 {
    found.numbers().into_iter().fold(0.0, f64::max) as u64
}

/// Whether more is asked for, and not less.
pub(super) fn is_least(budget: &Budget) -> bool {
    matches!(budget.relation, BinaryOperator::GreaterEqual | BinaryOperator::Greater)
}

fn relation(relation: BinaryOperator) -> &'static str {
    match relation {
        BinaryOperator::Less => "less than",
        BinaryOperator::Greater => "more than",
        BinaryOperator::GreaterEqual => "at least",
        BinaryOperator::Equal => "exactly",
        _ => "at most",
    }
}

/// The word of a measure.
fn word(measure: &Measure) -> &'static str {
    let [parameters, macs, memory, field] = Measure::WORDS;
    match measure {
        Measure::Parameters => parameters,
        Measure::Macs => macs,
        Measure::Memory => memory,
        Measure::ReceptiveField { .. } => field,
    }
}

/// With labels on what costs most, or on the value that sees too little or too much.
fn labelled(diagnostic: Diagnostic, budget: &Budget, shaped: &ShapedGraph) -> Diagnostic {
    if let Measure::ReceptiveField { node, .. } = budget.measure {
        let span = shaped.graph.dag.get(node).map(|node| node.span);
        return match span {
            Some(span) if span != Span::default() => diagnostic.label(span, "the value that is meant"),
            _ => diagnostic,
        };
    }
    let shares = shares(budget, shaped);
    let total = shares.iter().fold(0u64, |sum, (_, share, _)| sum.saturating_add(*share));
    let costly = shares.into_iter().take(LABELLED).filter(|(_, share, _)| share.saturating_mul(20) >= total);
    costly.fold(diagnostic, |diagnostic, (span, share, uses)| {
        let noun = if budget.measure == Measure::Memory { "bytes of parameters and outputs" } else { "of them" };
        let part = 100.0 * share as f64 / total.max(1) as f64;
        let times = if uses == 1 { String::new() } else { format!(", in {uses} uses") };
        diagnostic.label(span, format!("{} {noun}, {part:.0}%{times}", grouped(share)))
    })
}

/// What each place of the text costs of what a budget measures, in how many layers, the most first.
fn shares(budget: &Budget, shaped: &ShapedGraph) -> Vec<(Span, u64, usize)> {
    let mut shares: HashMap<Span, (u64, usize)> = HashMap::new();
    for (node, cost) in node_costs(budget, shaped) {
        let Some(node) = shaped.graph.dag.get(node).filter(|_| cost > 0) else { continue };
        let share = shares.entry(node.span).or_default();
        *share = (share.0.saturating_add(cost), share.1 + 1);
    }
    let mut shares: Vec<(Span, u64, usize)> =
        shares.into_iter().map(|(span, (cost, uses))| (span, cost, uses)).collect();
    shares.sort_by_key(|(span, cost, _)| (Reverse(*cost), *span));
    shares
}

/// What each layer costs of what a budget measures.
fn node_costs(budget: &Budget, shaped: &ShapedGraph) -> Vec<(NodeId, u64)> {
    let bindings: Bindings = budget.sizes.iter().map(|asserted| (asserted.name.to_string(), asserted.size)).collect();
    let of = |cost: Cost| match budget.measure {
        Measure::Parameters => cost.parameters,
        Measure::Macs => cost.macs.unwrap_or(0),
        Measure::Memory => {
            let kept = cost.parameters.saturating_add(cost.buffers).saturating_mul(4);
            kept.saturating_add(cost.activation_bytes.unwrap_or(0))
        }
        Measure::ReceptiveField { .. } => 1,
    };
    costs(shaped, &bindings).into_iter().map(|(node, cost)| (node, of(cost))).collect()
}

/// What each place of the text costs, with all that the calls and loops there lead to.
pub(super) fn weights(budget: &Budget, shaped: &ShapedGraph) -> HashMap<Span, u64> {
    let mut weights: HashMap<Span, u64> = HashMap::new();
    let graph: &Graph = &shaped.graph;
    for (node, cost) in node_costs(budget, shaped) {
        let Some(node) = graph.dag.get(node) else { continue };
        let mut add = |span: Span| {
            let weight = weights.entry(span).or_default();
            *weight = weight.saturating_add(cost);
        };
        add(node.span);
        let mut trace = node.trace;
        while let Some(step) = trace.and_then(|id| graph.traces.get(id.0 as usize)) {
            add(step.span);
            trace = step.parent;
        }
    }
    weights
}

/// `H`, `H and W`
fn names(names: &[Arc<str>]) -> String {
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    match names.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.join(", "),
    }
}
