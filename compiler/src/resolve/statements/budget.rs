//! `assert`: budgets of a model, read where they stand, and tied to the network's values once all of it is written out.
//!
//! A budget speaks of the model in whose outermost braces it stands, as a whole, so that it may stand anywhere in them. Of a
//! model that is called as a block, and of presets alike, those of the network that is asked for are held, and none of others.

use crate::graph::{AssertedSize, Budget, Measure, ModuleId, NodeId};
use crate::resolve::builder::{Builder, Cursor, Frame, Network};
use crate::resolve::error::BudgetError;
use crate::resolve::expression::Flow;
use crate::resolve::report::KEPT;
use cnnc_grammar::ast::{Argument, BinaryOperator, Call, DeclarationKind, Expr, ExprKind};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// The budgets of a network, until it is written out.
#[derive(Default)]
pub(in crate::resolve) struct Budgets<'a> {
    read: Vec<(Budget, Option<Place<'a>>)>,
}

/// The value that a receptive field is asked of, as it is written.
struct Place<'a> {
    path: Arc<str>,
    written: &'a Expr,
}

/// A statement as it was read.
pub(in crate::resolve) struct Assertion<'a> {
    /// The measure, with its sizes and its place.
    pub measure: &'a Call,
    /// The comparison.
    pub relation: BinaryOperator,
    /// What it is held against.
    pub bound: &'a Expr,
    /// All of it.
    pub span: Span,
}

impl<'a> Budgets<'a> {
    /// Reads an `assert` statement.
    pub fn read(
        &mut self,
        builder: &mut Builder<'a, '_>,
        frame: &Frame<'a>,
        assertion: &Assertion<'a>,
        cursor: &Cursor,
    ) {
        let Assertion { measure, relation, bound, span } = *assertion;
        if frame.kind == DeclarationKind::Block {
            let error = BudgetError::InBlock { span, declared: frame.header };
            return builder.reporter.report(error.diagnostic());
        }
        if frame.open.len() > 1 || cursor.branches.is_some() {
            return builder.reporter.report(BudgetError::Nested { span }.diagnostic());
        }
        let bound_span = bound.span;
        let bound = builder.at(frame, |evaluator, _| evaluator.evaluate_number(bound, "the bound of a budget"));
        let Some((kind, sizes, place)) = read_measure(builder, frame, measure) else { return };
        let (Some(bound), true, true) = (bound, frame.is_root, builder.network.expanding) else { return };
        // A loop repeats what it asserts.
        if self.read.iter().any(|(known, _)| known.span == span && known.bound == bound) {
            return;
        }
        builder.reporter.spend(KEPT, span);
        let budget = Budget { measure: kind, sizes, relation, bound, span, measure_span: measure.span, bound_span };
        self.read.push((budget, place));
    }

    /// Finds the values that budgets speak of, and hands all to the graph.
    pub fn apply(&mut self, builder: &mut Builder<'a, '_>) {
        for (mut budget, place) in std::mem::take(&mut self.read) {
            if let Measure::ReceptiveField { node, .. } = &mut budget.measure {
                let found = match &place {
                    Some(place) => node_at(builder, place),
                    None => builder.network.graph.outputs.last().map(|output| output.node),
                };
                let Some(found) = found else { continue };
                *node = found;
            }
            builder.network.graph.budgets.push(budget);
        }
    }
}

/// What is measured, at which sizes and of which value; `None` after an error.
fn read_measure<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &Frame<'a>,
    call: &'a Call,
) -> Option<(Measure, Vec<AssertedSize>, Option<Place<'a>>)> {
    let name = call.callee.text.as_str();
    let measure = match name {
        "params" => Measure::Parameters,
        "macs" => Measure::Macs,
        "memory" => Measure::Memory,
        "receptive_field" => Measure::ReceptiveField { node: NodeId::new(0), path: "".into() },
        _ => {
            let near = builder.reporter.near(name, || Measure::WORDS.to_vec());
            let error = BudgetError::UnknownMeasure { name, near: near.as_deref(), span: call.callee.span };
            builder.reporter.report(error.diagnostic());
            return None;
        }
    };
    let (mut sizes, mut place) = (Vec::<AssertedSize>::new(), None);
    for argument in call.arguments.iter().flatten() {
        match (&argument.key, &measure) {
            (None, Measure::ReceptiveField { .. }) if place.is_none() => {
                place = Some(read_place(builder, frame, argument)?)
            }
            (Some(key), Measure::Macs | Measure::Memory | Measure::ReceptiveField { .. })
                if !sizes.iter().any(|known| *known.name == *key.text) =>
            {
                let size = builder.at(frame, |evaluator, _| evaluator.evaluate_int(&argument.value, "a size"))?;
                let span = argument.span;
                match usize::try_from(size).ok().filter(|size| *size > 0) {
                    Some(size) => sizes.push(AssertedSize { name: key.text.as_str().into(), size, span }),
                    None => {
                        builder.reporter.report(BudgetError::NoSize { size, span }.diagnostic());
                        return None;
                    }
                }
            }
            _ => {
                builder.reporter.report(BudgetError::Argument { measure: name, span: argument.span }.diagnostic());
                return None;
            }
        }
    }
    let measure = match (measure, &place) {
        (Measure::ReceptiveField { node, .. }, Some(place)) => {
            Measure::ReceptiveField { node, path: place.path.clone() }
        }
        (measure, _) => measure,
    };
    Some((measure, sizes, place))
}

/// A path as names and dots, or as a string.
fn read_place<'a>(builder: &mut Builder<'a, '_>, frame: &Frame<'a>, argument: &'a Argument) -> Option<Place<'a>> {
    let written = &argument.value;
    let path = match &written.kind {
        ExprKind::String(parts) => builder.at(frame, |evaluator, _| evaluator.text_of(parts))?,
        _ => match words(written) {
            Some(path) => path.join(".").into(),
            None => {
                builder.reporter.report(BudgetError::NoPath { span: written.span }.diagnostic());
                return None;
            }
        },
    };
    Some(Place { path, written })
}

/// `layer4.conv1` as its words.
fn words(path: &Expr) -> Option<Vec<&str>> {
    match &path.kind {
        ExprKind::Name(name) => Some(vec![name]),
        ExprKind::Field(value, name) => {
            let mut words = words(value)?;
            words.push(&name.text);
            Some(words)
        }
        _ => None,
    }
}

/// The value of an item, or one that is kept; an error where there is none, or two that differ.
fn node_at(builder: &mut Builder<'_, '_>, place: &Place<'_>) -> Option<NodeId> {
    let network = &builder.network;
    let (around, name) = place.path.rsplit_once('.').unwrap_or(("", &place.path));
    let owner = if around.is_empty() { Some(ModuleId(0)) } else { network.module_at(around) };
    let item = owner.and_then(|owner| network.child(owner, name));
    let kept = owner.and_then(|owner| network.kept(owner, name));
    let of_item = item.and_then(|item| network.graph.module(item)?.output);
    let of_kept = kept.and_then(|(flow, _)| if let Flow::Node(node) = flow { Some(node) } else { None });
    let span = place.written.span;
    let declared = item.map(|item| network.item_span(item)).or(kept.map(|(_, declared)| declared));
    let found = match (of_item, of_kept) {
        (Some(item), Some(kept)) if item != kept => {
            let (item, kept) = (network.node_span(item), network.node_span(kept));
            builder.reporter.report(BudgetError::TwoValues { path: &place.path, span, item, kept }.diagnostic());
            return None;
        }
        (item, kept) => item.or(kept),
    };
    match (found, declared) {
        (Some(node), Some(declared)) => {
            if matches!(place.written.kind, ExprKind::Name(_)) {
                builder.reporter.note_use(name, span, declared);
            }
            Some(node)
        }
        _ => {
            let near = builder.reporter.near(&place.path, || paths(&builder.network));
            let error = BudgetError::NoPlace { path: &place.path, near: near.as_deref(), span };
            builder.reporter.report(error.diagnostic());
            None
        }
    }
}

/// All paths that a budget could name, but for numbers alone.
fn paths(network: &Network<'_>) -> Vec<String> {
    let items = network.graph.modules.iter().map(|module| module.path.to_string());
    let kept = network.kept_names(ModuleId(0)).into_iter().map(|name| name.to_string());
    items.chain(kept).filter(|path| !path.is_empty()).collect()
}
