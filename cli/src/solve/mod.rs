//! `cnnc solve FILE`: which sizes a model accepts, and what becomes of given ones.
//!
//! Of a spec that fixes its sizes it is asked too which others there are, by leaving them open; where that cannot be, the reason
//! is told. `--at` says of given sizes why they do not fit and which are next, or what they leave unread.

mod data;
mod text;

use crate::arguments::{self, Report};
use crate::console::{Console, Outcome};
use crate::model;
use crate::opened::{Opened, opened};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::shape::{Dim, Shape};
use cnnc_compiler::sizes::{Besides, SymbolSizes};
use cnnc_compiler::unread::{Coverage, unread};
use cnnc_runtime::Model;
use std::sync::Arc;

/// Answers.
pub fn solve(arguments: &arguments::Solve, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let opened = opened(&model, &arguments.file, &arguments.model, console)?;
    let answer = Answer::of(&model, &opened, arguments, console)?;
    let solved = &opened.model;
    match arguments.format {
        Report::Table => console.print(&text::text(&answer, solved)),
        Report::Json => data::json(&answer, solved.graph(), console),
    }
}

/// What is said.
struct Answer {
    model: Arc<str>,
    /// The inputs as the spec has them.
    inputs: Vec<(Arc<str>, Shape)>,
    /// The sizes that the spec fixes and that were left open, by the symbols that they became.
    fixed: Vec<(Arc<str>, i64)>,
    /// Why what is fixed cannot be left open.
    why_not: Option<String>,
    symbols: Vec<Symbol>,
    /// What must hold of several together.
    together: Vec<String>,
    /// Sizes of the inputs that fit.
    examples: Vec<String>,
    at: Option<At>,
}

/// The sizes of one symbol.
struct Symbol {
    sizes: SymbolSizes,
    /// The smallest of all.
    smallest: i64,
    /// Valid ones that the rule does not cover.
    besides: Besides,
}

/// What becomes of given sizes.
struct At {
    /// Each symbol's.
    values: Vec<(Arc<str>, i64)>,
    outputs: Vec<(Arc<str>, Shape)>,
    coverage: Coverage,
}

impl Answer {
    fn of(model: &Model, opened: &Opened, arguments: &arguments::Solve, console: &mut Console<'_>) -> Outcome<Answer> {
        let Opened { model: solved, why_not, fixed } = opened;
        let graph = solved.graph();
        let symbol = |sizes: &SymbolSizes| Symbol {
            smallest: graph.smallest(&sizes.name).unwrap_or(sizes.start),
            besides: graph.besides(sizes),
            sizes: sizes.clone(),
        };
        let examples = solved.inputs().iter().map(|input| graph.sizes.example(&input.shape)).collect();
        let at = match arguments.at.as_slice() {
            [] => None,
            given => Some(at(solved, given, fixed, console)?),
        };
        Ok(Answer {
            model: model.name().into(),
            inputs: model.inputs().iter().map(|input| (input.name.clone(), input.shape.clone())).collect(),
            fixed: fixed.clone(),
            why_not: why_not.clone(),
            symbols: graph.sizes.symbols.iter().map(symbol).collect(),
            together: graph.sizes.together.clone(),
            examples,
            at,
        })
    }
}

/// What becomes of given sizes; an error with everything that they break, and what is next.
fn at(model: &Model, given: &[(String, i64)], fixed: &[(Arc<str>, i64)], console: &mut Console<'_>) -> Outcome<At> {
    let graph = model.graph();
    let symbols = &graph.sizes.symbols;
    if let Some((name, _)) = given.iter().find(|(name, _)| !symbols.iter().any(|symbol| *symbol.name == **name)) {
        let known: Vec<&str> = symbols.iter().map(|symbol| &*symbol.name).collect();
        let message = match known.as_slice() {
            [] => format!("no size of this network is open, so `{name}` is none"),
            known => format!("`{name}` is no open size of this network: {} are", known.join(", ")),
        };
        return Err(console.fail(&Diagnostic::without_place(Code::E402, message), model.files()));
    }
    for (place, (name, size)) in given.iter().enumerate() {
        if let Some((_, first)) = given.iter().take(place).find(|(other, _)| other == name) {
            let message = format!("`{name}` is given twice, as {first} and as {size}");
            return Err(console.fail(&Diagnostic::without_place(Code::E402, message), model.files()));
        }
    }
    let value = |symbol: &SymbolSizes| {
        let asked = given.iter().find(|(name, _)| **name == *symbol.name).map(|(_, size)| *size);
        let known = || fixed.iter().find(|(name, _)| *name == symbol.name).map(|(_, size)| *size);
        (symbol.name.clone(), asked.or_else(known).unwrap_or(symbol.start))
    };
    let values: Vec<(Arc<str>, i64)> = symbols.iter().map(value).collect();
    let at = |name: &str| values.iter().find(|(known, _)| **known == *name).map(|(_, size)| *size);
    let broken = graph.broken_at(&at);
    if !broken.is_empty() {
        let told: Vec<_> = broken.iter().take(MOST_TOLD).map(|one| graph.unfit(one, &at)).collect();
        return Err(console.report(&told, model.files()));
    }
    let outputs = graph.graph.outputs.iter();
    let outputs = outputs.map(|output| (output.name.clone(), numbers(graph, output.node, &at))).collect();
    Ok(At { coverage: unread(graph, &at).unwrap_or_default(), outputs, values })
}

/// Requirements that are told one by one; those after them follow from the same sizes.
const MOST_TOLD: usize = 3;

fn numbers(graph: &ShapedGraph, node: NodeId, at: &dyn Fn(&str) -> Option<i64>) -> Shape {
    let shape = graph.shape(node);
    shape.iter().map(|size| size.at(at).map_or_else(|| size.clone(), Dim::Number)).collect()
}
