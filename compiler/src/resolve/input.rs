//! `input [N, C, H, W]`: the sizes of what comes in, by name.
//!
//! In the model itself it makes an input of the network, whose new names are symbols. In a block, and in a model called as one,
//! it looks at the current value: a new name is bound to that size, a known one is checked.

use super::arithmetic::from_size;
use super::error::InputError;
use super::expand::Cursor;
use super::state::{Expander, Frame};
use super::value::Flow;
use crate::graph::{ImageTransform, Input, Node, NodeId, NodeKind};
use crate::infer::axis_name;
use crate::shape::{Dim, Relation, Shape};
use cnnc_grammar::ast::{Call, DeclarationKind, Expr, ExprKind, Name, Statement, StatementKind};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// The parts of an `input` statement.
#[derive(Clone, Copy)]
struct InputStatement<'a> {
    name: Option<&'a Name>,
    shape: &'a [Expr],
    shape_span: Span,
    image: Option<&'a Call>,
    span: Span,
}

impl<'a> Expander<'a, '_> {
    /// Reads an `input` statement.
    pub fn input(&mut self, frame: &mut Frame<'a>, statement: &'a Statement, cursor: &mut Cursor) {
        let StatementKind::Input { name, shape, shape_span, image } = &statement.kind else { return };
        let (shape_span, span) = (*shape_span, statement.span);
        let input = InputStatement { name: name.as_ref(), shape, shape_span, image: image.as_ref(), span };
        if !cursor.top || (frame.begun && input.name.is_none()) {
            self.report(InputError::Late { span, nested: !cursor.top }.diagnostic());
            self.bind_unknown(frame, input.shape);
            return;
        }
        if input.name.is_none()
            && let Some(first) = frame.unnamed_input.replace(span)
        {
            self.report(InputError::TwoUnnamed { first, second: span }.diagnostic());
            self.bind_unknown(frame, input.shape);
            return;
        }
        if !self.expanding {
            self.check_input(frame, &input, cursor);
        } else if frame.is_root {
            self.network_input(frame, &input, cursor);
        } else {
            self.block_input(frame, &input, cursor);
        }
    }

    /// Binds the names of a shape of which nothing is known.
    fn bind_unknown(&mut self, frame: &mut Frame<'a>, shape: &'a [Expr]) {
        for size in shape {
            match &size.kind {
                ExprKind::Name(name) if self.is_new(frame, name) => frame.scope.bind(name, None),
                ExprKind::Name(name) if name == "_" => {}
                _ => {
                    self.evaluate_size(frame, size);
                }
            }
        }
    }

    /// Whether a name in an input's shape is bound by it.
    fn is_new(&self, frame: &Frame<'a>, name: &str) -> bool {
        name != "_" && frame.scope.get(name).is_none()
    }

    /// An input of a declaration that is only checked.
    fn check_input(&mut self, frame: &mut Frame<'a>, input: &InputStatement<'a>, cursor: &mut Cursor) {
        self.refuse_in_block(frame, input);
        self.bind_unknown(frame, input.shape);
        if let Some(image) = input.image {
            self.image(frame, image, None);
        }
        if let Some(name) = input.name {
            self.keep_input(frame, name, Flow::Unknown);
        }
        cursor.value = Flow::Unknown;
    }

    /// What only a model's input may have.
    fn refuse_in_block(&mut self, frame: &Frame<'a>, input: &InputStatement<'a>) {
        if frame.kind == DeclarationKind::Block {
            if let Some(name) = input.name {
                self.report(
                    InputError::NamedInBlock { name: &name.text, span: name.span, declared: frame.header }.diagnostic(),
                );
            }
            if let Some(image) = input.image {
                self.report(InputError::ImageInBlock { span: image.span, declared: frame.header }.diagnostic());
            }
        }
    }

    /// An input of the network.
    fn network_input(&mut self, frame: &mut Frame<'a>, input: &InputStatement<'a>, cursor: &mut Cursor) {
        let place = self.inputs_seen;
        self.inputs_seen += 1;
        let wanted = self.input_shapes.get(place).cloned();
        let shape = self.network_shape(frame, input, wanted.as_deref());
        let image = input.image.and_then(|image| self.image(frame, image, Some(input.shape.len())));
        let flow = match shape.and_then(|shape| self.of_possible_size(shape, "input", input.span)) {
            Some(shape) => Flow::Node(self.add_input(input, shape, image)),
            None => Flow::Unknown,
        };
        match input.name {
            Some(name) => {
                frame.inputs.push(&name.text);
                self.keep_input(frame, name, flow);
                if frame.unnamed_input.is_none() {
                    // One input flows by itself; of several, `from` has to say which.
                    cursor.value = if frame.inputs.len() == 1 { flow } else { Flow::Absent };
                }
            }
            None => cursor.value = flow,
        }
    }

    fn add_input(&mut self, input: &InputStatement<'a>, shape: Shape, image: Option<ImageTransform>) -> NodeId {
        let name: Arc<str> = input.name.map_or("input", |name| &name.text).into();
        let (path, span) = (name.clone(), input.span);
        let kind = NodeKind::Input(self.graph.inputs.len());
        let node = Node { kind, path, parameters: Vec::new(), shape: shape.clone(), span, trace: None };
        let node = self.graph.dag.add(node, &[]);
        self.graph.inputs.push(Input { name, shape, node, image, span });
        node
    }

    /// The shape of a network's input; new names become symbols, or the sizes that are wanted.
    fn network_shape(
        &mut self,
        frame: &mut Frame<'a>,
        input: &InputStatement<'a>,
        wanted: Option<&[usize]>,
    ) -> Option<Shape> {
        if let Some(wanted) = wanted
            && wanted.len() != input.shape.len()
        {
            self.report(InputError::WantedRank { wanted, span: input.shape_span }.diagnostic());
            self.bind_unknown(frame, input.shape);
            return None;
        }
        let sizes: Vec<Option<Dim>> = input
            .shape
            .iter()
            .enumerate()
            .map(|(axis, size)| {
                let wanted = wanted.and_then(|wanted| wanted.get(axis)).map(|size| Dim::from(*size));
                self.network_size(frame, size, wanted)
            })
            .collect();
        sizes.into_iter().collect::<Option<Vec<Dim>>>().map(Shape::from)
    }

    fn network_size(&mut self, frame: &mut Frame<'a>, expr: &'a Expr, wanted: Option<Dim>) -> Option<Dim> {
        let size = match &expr.kind {
            ExprKind::Name(name) if name == "_" => {
                self.report(InputError::Nameless { span: expr.span }.diagnostic());
                return None;
            }
            ExprKind::Name(name) if self.is_new(frame, name) => {
                self.symbols.entry(name.as_str().into()).or_insert(expr.span);
                let size = wanted.unwrap_or_else(|| Dim::symbol(name));
                frame.scope.bind(name, Some(from_size(size.clone())));
                size
            }
            ExprKind::Name(name) if wanted.is_some() && self.symbols.contains_key(name.as_str()) => {
                let known = self.evaluate_size(frame, expr)?;
                if wanted.as_ref() != Some(&known) {
                    let wanted = wanted.unwrap_or(Dim::Number(0));
                    self.report(InputError::WantedTwice { name, known, wanted, span: expr.span }.diagnostic());
                    return None;
                }
                known
            }
            _ => {
                let written = self.evaluate_size(frame, expr);
                wanted.or(written)?
            }
        };
        if let Dim::Number(number @ ..1) = size {
            self.report(InputError::NoSize { size: number, span: expr.span }.diagnostic());
            return None;
        }
        Some(size)
    }

    /// The input of a block, or of a model called as one: names for the current value's sizes.
    fn block_input(&mut self, frame: &mut Frame<'a>, input: &InputStatement<'a>, cursor: &mut Cursor) {
        self.refuse_in_block(frame, input);
        if frame.kind == DeclarationKind::Model && input.name.is_some() && !frame.inputs.is_empty() {
            self.report(InputError::SeveralInCall { span: input.span, declared: frame.header }.diagnostic());
        }
        let flow =
            if cursor.value == Flow::Absent { self.current(frame, cursor, "input", input.span) } else { cursor.value };
        if let Some(name) = input.name {
            frame.inputs.push(&name.text);
            self.keep_input(frame, name, flow);
        }
        let Some(shape) = self.flow_shape(flow) else { return self.bind_unknown(frame, input.shape) };
        let origin = match flow {
            Flow::Node(node) => self.node_span(node),
            Flow::Absent | Flow::Unknown => input.span,
        };
        if shape.rank() != input.shape.len() {
            let (rank, span) = (input.shape.len(), input.shape_span);
            self.report(InputError::Rank { shape: &shape, rank, span, origin }.diagnostic());
            self.bind_unknown(frame, input.shape);
            cursor.value = Flow::Unknown;
            return;
        }
        for (axis, (size, expr)) in shape.iter().zip(input.shape).enumerate() {
            if !self.block_size(frame, expr, size, (axis, &shape, origin)) {
                cursor.value = Flow::Unknown;
            }
        }
    }

    /// Binds or checks one size of a block's input. Whether it fits.
    fn block_size(
        &mut self,
        frame: &mut Frame<'a>,
        expr: &'a Expr,
        size: &Dim,
        (axis, shape, origin): (usize, &Shape, Span),
    ) -> bool {
        match &expr.kind {
            ExprKind::Name(name) if name == "_" => return true,
            ExprKind::Name(name) if self.is_new(frame, name) => {
                frame.scope.bind(name, Some(from_size(size.clone())));
                return true;
            }
            _ => {}
        }
        let Some(expected) = self.evaluate_size(frame, expr) else { return true };
        self.graph.requirements.span = expr.span;
        let reason = "the block's `input` must have this size";
        match self.graph.requirements.require(size, Relation::Equal, &expected, reason) {
            Ok(true) => true,
            Ok(false) | Err(_) => {
                let axis = axis_name(axis, shape.rank());
                self.report(
                    InputError::Size { axis: &axis, expected, size, shape, span: expr.span, origin }.diagnostic(),
                );
                false
            }
        }
    }
}
