//! `input [N, C, H, W]`: the sizes of what comes in, by name.
//!
//! In the model itself it makes an input of the network, whose new names are symbols. In a block, and in a model called as one,
//! it looks at the current value ([`block_input`]).

use super::block_input::{bind_unknown, block_input, check_input, is_new};
use super::image::image;
use crate::graph::{ImageTransform, Input, Node, NodeId, NodeKind};
use crate::resolve::Request;
use crate::resolve::builder::{Builder, Cursor, Frame};
use crate::resolve::error::InputError;
use crate::resolve::expression::{Flow, from_size};
use crate::shape::{Dim, Shape};
use cnnc_grammar::ast::{Call, Expr, ExprKind, Name, Statement, StatementKind};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// The inputs of a network.
#[derive(Default)]
pub(in crate::resolve) struct Inputs<'p> {
    /// Sizes for what the spec leaves open.
    wanted: &'p [Vec<usize>],
    /// Whether they may not stand in the place of what the spec fixes; where they may, that is a warning.
    strict: bool,
    /// Whether what the spec fixes behind the channels is open.
    open: bool,
    /// How many inputs were read.
    seen: usize,
}

/// Sizes from outside for one input, and whether they may not replace those that are fixed.
#[derive(Clone, Copy)]
struct Wanted<'p> {
    sizes: &'p [usize],
    strict: bool,
}

/// The parts of an `input` statement.
#[derive(Clone, Copy)]
pub(super) struct InputStatement<'a> {
    pub name: Option<&'a Name>,
    pub shape: &'a [Expr],
    pub shape_span: Span,
    pub image: Option<&'a Call>,
    pub span: Span,
}

impl<'p> Inputs<'p> {
    /// Inputs of the sizes that are asked for; `strict` where they may not replace any that is fixed.
    pub fn new(request: &'p Request, strict: bool) -> Self {
        Inputs { wanted: &request.input_shapes, strict, open: request.open, seen: 0 }
    }

    /// How many lists of sizes are given, and how many inputs there are for them, where those are fewer.
    pub fn left_over(&self) -> Option<(usize, usize)> {
        (self.wanted.len() > self.seen).then_some((self.wanted.len(), self.seen))
    }

    /// Reads an `input` statement.
    pub fn read<'a>(
        &mut self,
        builder: &mut Builder<'a, '_>,
        frame: &mut Frame<'a>,
        statement: &'a Statement,
        cursor: &mut Cursor,
    ) {
        let StatementKind::Input { name, shape, shape_span, image } = &statement.kind else { return };
        let (shape_span, span) = (*shape_span, statement.span);
        let input = InputStatement { name: name.as_ref(), shape, shape_span, image: image.as_ref(), span };
        if !cursor.top || (frame.begun && input.name.is_none()) {
            builder.reporter.report(InputError::Late { span, nested: !cursor.top }.diagnostic());
            return bind_unknown(builder, frame, input.shape);
        }
        if input.name.is_none()
            && let Some(first) = frame.unnamed_input.replace(span)
        {
            builder.reporter.report(InputError::TwoUnnamed { first, second: span }.diagnostic());
            return bind_unknown(builder, frame, input.shape);
        }
        if !builder.network.expanding {
            check_input(builder, frame, &input, cursor);
        } else if frame.is_root {
            self.network_input(builder, frame, &input, cursor);
        } else {
            block_input(builder, frame, &input, cursor);
        }
    }

    /// An input of the network.
    fn network_input<'a>(
        &mut self,
        builder: &mut Builder<'a, '_>,
        frame: &mut Frame<'a>,
        input: &InputStatement<'a>,
        cursor: &mut Cursor,
    ) {
        let wanted = self.wanted.get(self.seen).map(|sizes| Wanted { sizes, strict: self.strict });
        self.seen += 1;
        let shape = network_shape(builder, frame, input, wanted);
        let shape = if self.open { shape.map(|shape| opened(&shape, self.seen)) } else { shape };
        let axes = Some(input.shape.len());
        let channels = shape.as_ref().and_then(|shape| shape.get(1)).and_then(Dim::number);
        let read = |call| builder.at(frame, |evaluator, _| image(evaluator, call, axes, channels));
        let image = input.image.and_then(read);
        let flow = match shape.and_then(|shape| builder.of_possible_size(shape, "input", input.span)) {
            Some(shape) => Flow::Node(add_input(builder, input, shape, image)),
            None => Flow::Unknown,
        };
        match input.name {
            Some(name) => {
                frame.inputs.push(&name.text);
                builder.keep(frame, name.text.as_str().into(), flow, name.span);
                if frame.unnamed_input.is_none() {
                    // One input flows by itself; of several, `from` has to say which.
                    cursor.value = if frame.inputs.len() == 1 { flow } else { Flow::Absent };
                }
            }
            None => cursor.value = flow,
        }
    }
}

fn add_input(
    builder: &mut Builder<'_, '_>,
    input: &InputStatement<'_>,
    shape: Shape,
    image: Option<ImageTransform>,
) -> NodeId {
    let graph = &mut builder.network.graph;
    let name: Arc<str> = input.name.map_or("input", |name| &name.text).into();
    let (path, span) = (name.clone(), input.span);
    let kind = NodeKind::Input(graph.inputs.len());
    let node = Node { kind, path, parameters: Vec::new(), shape: shape.clone(), span, trace: None };
    let node = graph.dag.add(node, &[]);
    graph.inputs.push(Input { name, shape, node, image, span });
    node
}

/// The shape of a network's input; new names become symbols, or the sizes that are wanted.
fn network_shape<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &mut Frame<'a>,
    input: &InputStatement<'a>,
    wanted: Option<Wanted<'_>>,
) -> Option<Shape> {
    if let Some(Wanted { sizes: wanted, .. }) = wanted
        && wanted.len() != input.shape.len()
    {
        builder.reporter.report(InputError::WantedRank { wanted, span: input.shape_span }.diagnostic());
        bind_unknown(builder, frame, input.shape);
        return None;
    }
    let size = |(axis, size): (usize, &'a Expr)| {
        let one = wanted.and_then(|wanted| wanted.sizes.get(axis)).map(|size| Dim::from(*size));
        let is_strict = wanted.is_some_and(|wanted| wanted.strict);
        network_size(builder, frame, size, one, (axis, is_strict))
    };
    let sizes: Vec<Option<Dim>> = input.shape.iter().enumerate().map(size).collect();
    let shape = sizes.into_iter().collect::<Option<Vec<Dim>>>().map(Shape::from)?;
    if wanted.is_none() && is_channels_last(&shape) {
        builder.reporter.warn(
            InputError::ChannelsLast { sizes: written(builder, input.shape), span: input.shape_span }.diagnostic(),
        );
    }
    Some(shape)
}

/// The shape with its sizes behind the channels open, each under the name that people give it; a second input has its own.
fn opened(shape: &Shape, number: usize) -> Shape {
    let names: &[&str] = match shape.rank() {
        3 => &["L"],
        4 => &["H", "W"],
        5 => &["D", "H", "W"],
        _ => &[],
    };
    let open = |(axis, size): (usize, &Dim)| match (size, axis.checked_sub(2).and_then(|axis| names.get(axis))) {
        (Dim::Number(_), Some(name)) if number > 1 => Dim::symbol(&format!("{name}{number}")),
        (Dim::Number(_), Some(name)) => Dim::symbol(name),
        _ => size.clone(),
    };
    shape.iter().enumerate().map(open).collect()
}

/// Whether a shape is that of a picture with its channels last: as high as wide, or both open by their names, and few at the end.
fn is_channels_last(shape: &Shape) -> bool {
    let [_, height, width, channels] = &shape.to_vec()[..] else { return false };
    let are_sides = match (height.number(), width.number()) {
        (Some(height), Some(width)) => height == width && height >= 8,
        _ => *height == Dim::symbol("H") && *width == Dim::symbol("W"),
    };
    are_sides && matches!(channels.number(), Some(1 | 3 | 4))
}

/// The sizes of an input as they are written.
fn written(builder: &Builder<'_, '_>, sizes: &[Expr]) -> Vec<String> {
    sizes.iter().map(|size| builder.reporter.files.text(size.span).to_owned()).collect()
}

fn network_size<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &mut Frame<'a>,
    expr: &'a Expr,
    wanted: Option<Dim>,
    (axis, is_strict): (usize, bool),
) -> Option<Dim> {
    let size = match &expr.kind {
        ExprKind::Name(name) if name == "_" => {
            builder.reporter.report(InputError::Nameless { span: expr.span }.diagnostic());
            return None;
        }
        ExprKind::Name(name) if is_new(frame, name) => {
            builder.reporter.note_symbol(name, expr.span);
            let size = wanted.unwrap_or_else(|| Dim::symbol(name));
            frame.scope.bind_at(name, expr.span, Some(from_size(size.clone())));
            size
        }
        ExprKind::Name(name) if wanted.is_some() && builder.reporter.knows_symbol(name) => {
            let known = builder.at(frame, |evaluator, _| evaluator.evaluate_size(expr))?;
            if wanted.as_ref() != Some(&known) {
                let wanted = wanted.unwrap_or(Dim::Number(0));
                builder.reporter.report(InputError::WantedTwice { name, known, wanted, span: expr.span }.diagnostic());
                return None;
            }
            known
        }
        _ => {
            let written = builder.at(frame, |evaluator, _| evaluator.evaluate_size(expr));
            if let (Some(wanted), Some(fixed)) =
                (&wanted, written.as_ref().filter(|written| Some(*written) != wanted.as_ref()))
            {
                let open = ["N", "C", "H", "W"].get(axis).copied().filter(|name| *name != "C" && is_new(frame, name));
                let span = expr.span;
                let error = InputError::WantedFixed { fixed, wanted, open, is_strict, span }.diagnostic();
                if is_strict {
                    builder.reporter.report(error);
                    return None;
                }
                builder.reporter.warn(error);
            }
            wanted.or(written)?
        }
    };
    if let Dim::Number(number @ ..1) = size {
        builder.reporter.report(InputError::NoSize { size: number, span: expr.span }.diagnostic());
        return None;
    }
    Some(size)
}
