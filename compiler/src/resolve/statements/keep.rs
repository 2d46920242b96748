//! Kept values and contracts: `keep`, `from`, `expect`.

use crate::graph::Contract;
use crate::resolve::builder::{Builder, Cursor, Frame, Visible};
use crate::resolve::expression::{Evaluator, Flow, Names};
use crate::resolve::report::KEPT;
use crate::shape::Dim;
use cnnc_grammar::ast::{Expr, ExprKind, Label};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// `keep NAME`
pub(in crate::resolve) fn keep<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &Frame<'a>,
    label: &'a Label,
    cursor: &Cursor,
) {
    let flow = cursor.current(&mut builder.reporter, frame, "keep", label.span);
    if let Some(name) = builder.name_of(frame, label) {
        builder.keep(frame, name, flow, label.span);
    } else if !builder.network.expanding {
        builder.network.keeps_unknown(frame.call());
    }
}

/// `from NAME` or `from call.NAME`
pub(in crate::resolve) fn from<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &Frame<'a>,
    labels: &'a [Label],
    span: Span,
) -> Flow {
    builder.at(frame, |evaluator, visible| kept_value(evaluator, visible, labels, span)).unwrap_or(Flow::Unknown)
}

fn kept_value<'a>(
    evaluator: &mut Evaluator<'_, 'a, '_>,
    visible: &Visible<'_, 'a>,
    labels: &'a [Label],
    span: Span,
) -> Option<Flow> {
    let names: Option<Vec<Arc<str>>> = labels.iter().map(|label| evaluator.name_of(label)).collect();
    let names = names?;
    let (name, calls) = names.split_last()?;
    let last_span = labels.last().map_or(span, |label| label.span);
    let Some((first, inner)) = calls.split_first() else { return Some(visible.kept_here(evaluator, name, last_span)) };
    let mut places = labels.iter().map(|label| label.span);
    let first_span = places.next().unwrap_or(span);
    let Some(mut owner) = visible.item(evaluator.reporter, first, first_span) else {
        return no_such_item(evaluator, visible, first, first_span);
    };
    for (call, span) in inner.iter().zip(places) {
        match visible.network.child(owner, call) {
            Some(child) => {
                evaluator.reporter.note_use(call, span, visible.network.item_span(child));
                owner = child;
            }
            None => return no_such_item(evaluator, visible, call, span),
        }
    }
    Some(visible.kept_there(evaluator.reporter, owner, name, last_span))
}

fn no_such_item<'a>(
    evaluator: &mut Evaluator<'_, 'a, '_>,
    visible: &Visible<'_, 'a>,
    name: &str,
    span: Span,
) -> Option<Flow> {
    match visible.network.expanding {
        true => visible.report_no_item(evaluator, name, span),
        false => evaluator.reporter.unreadable(),
    }
    None
}

/// `expect [shape]`
pub(in crate::resolve) fn expect<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &Frame<'a>,
    shape: &'a [Expr],
    span: Span,
    cursor: &Cursor,
) {
    let flow = cursor.current(&mut builder.reporter, frame, "expect", span);
    let sizes: Vec<Option<Option<Dim>>> =
        builder.at(frame, |evaluator, _| shape.iter().map(|size| expected_size(evaluator, size)).collect());
    if let (Flow::Node(node), Some(shape)) = (flow, sizes.into_iter().collect::<Option<Vec<_>>>()) {
        builder.reporter.spend(KEPT, span);
        builder.network.graph.contracts.push(Contract { node, shape, span });
    }
}

/// A size of a contract: `Some(None)` for `_`, `None` after an error.
fn expected_size<'a>(evaluator: &mut Evaluator<'_, 'a, '_>, expr: &'a Expr) -> Option<Option<Dim>> {
    match &expr.kind {
        ExprKind::Name(name) if name == "_" => Some(None),
        _ => evaluator.evaluate_size(expr).map(Some),
    }
}
