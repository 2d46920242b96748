//! `input` in a block, in a model that is called as one, and in a declaration that is only checked.
//!
//! It looks at the current value: a new name is bound to that size, a known one is checked.

use super::image::image;
use super::input::InputStatement;
use crate::infer::axis_name;
use crate::resolve::builder::{Builder, Cursor, Frame};
use crate::resolve::error::InputError;
use crate::resolve::expression::{Flow, from_size};
use crate::shape::{Dim, Relation, Shape};
use cnnc_grammar::ast::{DeclarationKind, Expr, ExprKind};
use cnnc_grammar::span::Span;

/// Whether a name in an input's shape is bound by it.
pub(super) fn is_new(frame: &Frame<'_>, name: &str) -> bool {
    name != "_" && frame.scope.get(name).is_none()
}

/// Binds the names of a shape of which nothing is known.
pub(super) fn bind_unknown<'a>(builder: &mut Builder<'a, '_>, frame: &mut Frame<'a>, shape: &'a [Expr]) {
    for size in shape {
        match &size.kind {
            ExprKind::Name(name) if is_new(frame, name) => frame.scope.bind_at(name, size.span, None),
            ExprKind::Name(name) if name == "_" => {}
            _ => {
                builder.at(frame, |evaluator, _| evaluator.evaluate_size(size));
            }
        }
    }
}

/// An input of a declaration that is only checked.
pub(super) fn check_input<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &mut Frame<'a>,
    input: &InputStatement<'a>,
    cursor: &mut Cursor,
) {
    refuse_in_block(builder, frame, input);
    bind_unknown(builder, frame, input.shape);
    if let Some(call) = input.image {
        builder.at(frame, |evaluator, _| image(evaluator, call, None, None));
    }
    if let Some(name) = input.name {
        builder.keep(frame, name.text.as_str().into(), Flow::Unknown, name.span);
    }
    cursor.value = Flow::Unknown;
}

/// What only a model's input may have.
fn refuse_in_block(builder: &mut Builder<'_, '_>, frame: &Frame<'_>, input: &InputStatement<'_>) {
    if frame.kind == DeclarationKind::Block {
        let declared = frame.header;
        if let Some(name) = input.name {
            let error = InputError::NamedInBlock { name: &name.text, span: name.span, declared };
            builder.reporter.report(error.diagnostic());
        }
        if let Some(image) = input.image {
            builder.reporter.report(InputError::ImageInBlock { span: image.span, declared }.diagnostic());
        }
    }
}

/// The input of a block, or of a model called as one: names for the current value's sizes.
pub(super) fn block_input<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &mut Frame<'a>,
    input: &InputStatement<'a>,
    cursor: &mut Cursor,
) {
    refuse_in_block(builder, frame, input);
    if frame.kind == DeclarationKind::Model && input.name.is_some() && !frame.inputs.is_empty() {
        let error = InputError::SeveralInCall { span: input.span, declared: frame.header };
        builder.reporter.report(error.diagnostic());
    }
    let flow = match cursor.value {
        Flow::Absent => cursor.current(&mut builder.reporter, frame, "input", input.span),
        value => value,
    };
    if let Some(name) = input.name {
        frame.inputs.push(&name.text);
        builder.keep(frame, name.text.as_str().into(), flow, name.span);
    }
    let Some(shape) = builder.network.flow_shape(flow) else { return bind_unknown(builder, frame, input.shape) };
    let origin = match flow {
        Flow::Node(node) => builder.network.node_span(node),
        Flow::Absent | Flow::Unknown => input.span,
    };
    if shape.rank() != input.shape.len() {
        let (rank, span) = (input.shape.len(), input.shape_span);
        builder.reporter.report(InputError::Rank { shape: &shape, rank, span, origin }.diagnostic());
        bind_unknown(builder, frame, input.shape);
        cursor.value = Flow::Unknown;
        return;
    }
    for (axis, (size, expr)) in shape.iter().zip(input.shape).enumerate() {
        if !block_size(builder, frame, expr, size, (axis, &shape, origin)) {
            cursor.value = Flow::Unknown;
        }
    }
}

/// Binds or checks one size of a block's input. Whether it fits.
fn block_size<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &mut Frame<'a>,
    expr: &'a Expr,
    size: &Dim,
    (axis, shape, origin): (usize, &Shape, Span),
) -> bool {
    match &expr.kind {
        ExprKind::Name(name) if name == "_" => return true,
        ExprKind::Name(name) if is_new(frame, name) => {
            frame.scope.bind_at(name, expr.span, Some(from_size(size.clone())));
            return true;
        }
        _ => {}
    }
    let Some(expected) = builder.at(frame, |evaluator, _| evaluator.evaluate_size(expr)) else { return true };
    let requirements = &mut builder.network.graph.requirements;
    requirements.span = expr.span;
    match requirements.require(size, Relation::Equal, &expected, "the block's `input` must have this size") {
        Ok(true) => true,
        Ok(false) | Err(_) => {
            let axis = axis_name(axis, shape.rank());
            let error = InputError::Size { axis: &axis, expected, size, shape, span: expr.span, origin };
            builder.reporter.report(error.diagnostic());
            false
        }
    }
}
