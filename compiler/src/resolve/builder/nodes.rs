//! Nodes: an operator is asked for its shape and its parameters, and what it refuses is reported.

use super::Builder;
use crate::graph::{Node, NodeId, NodeKind, ParameterUse};
use crate::kernels::MAX_ELEMENTS;
use crate::ops::{Op, ShapeError};
use crate::resolve::calls::BoundLayer;
use crate::resolve::error::{LayerSite, LimitError, ShapeReport};
use crate::resolve::expression::Flow;
use crate::shape::Shape;
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// What a node takes: a value, and the branch that made it where a join takes several.
#[derive(Clone, Copy)]
pub(in crate::resolve) struct Taken {
    /// The value.
    pub node: NodeId,
    /// The item of the branch; `None` for the flow itself.
    pub branch: Option<Span>,
}

impl<'a> Builder<'a, '_> {
    /// Adds a layer or join with its parameters; the flow is unknown after an error.
    pub fn add_layer(&mut self, bound: BoundLayer<'a>, taken: &[Taken], path: Arc<str>, item: Span) -> Flow {
        let Some(shape) = self.infer(&bound.op, taken, &bound.site, item) else { return Flow::Unknown };
        let Some(parameters) = self.layer_parameters(&bound, taken, &path, item) else { return Flow::Unknown };
        self.add_node(bound.op, path, parameters, shape, taken, item)
    }

    /// The shape that an operator gives, or a report of why it has none.
    fn infer(&mut self, op: &Op, taken: &[Taken], site: &LayerSite<'a>, item: Span) -> Option<Shape> {
        let inputs: Vec<Shape> = taken.iter().map(|taken| self.network.shape(taken.node)).collect();
        self.network.graph.requirements.span = item;
        match op.infer(&inputs, &mut self.network.graph.requirements) {
            Ok(shape) => self.of_possible_size(shape, op.name(), item),
            Err(error) => {
                self.report_shape(&error, taken, site, item);
                None
            }
        }
    }

    /// Reports why a layer cannot be.
    fn report_shape(&mut self, error: &ShapeError, taken: &[Taken], site: &LayerSite<'a>, item: Span) {
        let network = &self.network;
        let input = |Taken { node, branch }: &Taken| (branch.unwrap_or(network.node_span(*node)), network.shape(*node));
        let inputs = taken.iter().map(input).collect();
        self.reporter.report(ShapeReport { error, site, item, inputs }.diagnostic());
    }

    /// The parameters of a layer, declared or shared.
    fn layer_parameters(
        &mut self,
        bound: &BoundLayer<'a>,
        taken: &[Taken],
        path: &Arc<str>,
        item: Span,
    ) -> Option<Vec<ParameterUse>> {
        let inputs: Vec<Shape> = taken.iter().map(|taken| self.network.shape(taken.node)).collect();
        let declarations = match bound.op.parameters(&inputs) {
            Ok(declarations) => declarations,
            Err(error) => {
                self.report_shape(&error, taken, &bound.site, item);
                return None;
            }
        };
        let names: Vec<&'static str> = declarations.iter().map(|declaration| declaration.name).collect();
        let mut fits = self.weights_exist(bound, &names);
        let mut uses = Vec::with_capacity(declarations.len());
        for declaration in declarations {
            let shape = Shape::from(declaration.shape.as_slice());
            self.of_possible_size(shape, bound.op.name(), item)?;
            let given = bound.weights.iter().find(|weight| weight.name == declaration.name);
            match self.declare(path, declaration, given, item) {
                Some(used) => uses.push(used),
                None => fits = false,
            }
        }
        fits.then_some(uses)
    }

    /// Refuses a shape whose elements nothing can count.
    pub fn of_possible_size(&mut self, shape: Shape, name: &str, span: Span) -> Option<Shape> {
        let numbers = shape.iter().filter_map(|dim| dim.number());
        let elements = numbers.fold(1i64, |product, size| product.saturating_mul(size.max(1)));
        if usize::try_from(elements).is_ok_and(|elements| elements > MAX_ELEMENTS) {
            self.reporter.report(LimitError::Elements { name, shape: &shape, span }.diagnostic());
            return None;
        }
        Some(shape)
    }

    /// Adds numbers, which take nothing.
    pub fn add_constant(&mut self, op: Op, path: Arc<str>, span: Span) -> Flow {
        match op.infer(&[], &mut self.network.graph.requirements) {
            Ok(shape) => self.add_node(op, path, Vec::new(), shape, &[], span),
            Err(_) => Flow::Unknown,
        }
    }

    /// Adds a node.
    fn add_node(
        &mut self,
        op: Op,
        path: Arc<str>,
        parameters: Vec<ParameterUse>,
        shape: Shape,
        taken: &[Taken],
        span: Span,
    ) -> Flow {
        let trace = self.reporter.trace(&mut self.network.graph.traces);
        let node = Node { kind: NodeKind::Operator(op), path, parameters, shape, span, trace };
        let arguments: Vec<NodeId> = taken.iter().map(|taken| taken.node).collect();
        Flow::Node(self.network.graph.dag.add(node, &arguments))
    }
}
