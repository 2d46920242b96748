//! Built-in layers as nodes: the operator is asked for its shape and its parameters, and what it refuses is reported.

use super::bind::BoundLayer;
use super::error::{LimitError, ShapeReport, StructureError};
use super::item::Item;
use super::site::LayerSite;
use super::state::{Expander, Frame};
use super::value::{Flow, Recipe};
use crate::graph::{ModuleId, ModuleKind, Node, NodeId, NodeKind, ParameterUse};
use crate::kernels::MAX_ELEMENTS;
use crate::ops::{LayerEntry, Op, ShapeError};
use crate::shape::Shape;
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// What a node takes: a value, and the branch that made it where a join takes several.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    /// The value.
    pub node: NodeId,
    /// The item of the branch; `None` for the flow itself.
    pub branch: Option<Span>,
}

impl<'a> Expander<'a, '_> {
    /// Writes out a built-in layer as an item.
    pub fn layer_item(
        &mut self,
        frame: &Frame<'a>,
        entry: &'static LayerEntry,
        recipe: &Recipe<'a>,
        item: &Item<'a>,
    ) -> Flow {
        let module = self.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        if !self.spend_layer(item.span) {
            return Flow::Unknown;
        }
        let Some(bound) = self.bind_layer(entry, &recipe.arguments, recipe.site) else { return Flow::Unknown };
        let value = self.with_sharing(recipe.tied, module, |expander| expander.layer_node(frame, bound, module, item));
        if let (Flow::Node(node), Some(module)) = (value, self.graph.modules.get_mut(module.0 as usize)) {
            module.kind = ModuleKind::Layer(node);
            module.output = Some(node);
        }
        value
    }

    fn layer_node(&mut self, frame: &Frame<'a>, bound: BoundLayer<'a>, module: ModuleId, item: &Item<'a>) -> Flow {
        let taken = match (bound.op.takes_input(), item.flow) {
            (false, _) => Vec::new(),
            (true, Flow::Node(node)) => vec![Taken { node, branch: None }],
            (true, Flow::Unknown) => return Flow::Unknown,
            (true, Flow::Absent) => {
                let what = bound.op.name();
                self.report(StructureError::NoCurrent { what, span: item.span, inputs: &frame.inputs }.diagnostic());
                return Flow::Unknown;
            }
        };
        if !self.expanding {
            return Flow::Unknown;
        }
        let path = self.graph.module(module).map(|module| module.path.clone()).unwrap_or_default();
        let Some(shape) = self.infer(&bound.op, &taken, &bound.site, item) else { return Flow::Unknown };
        let Some(parameters) = self.layer_parameters(&bound, &taken, &path, item) else { return Flow::Unknown };
        self.add_node(bound.op, path, parameters, shape, &taken, item.span)
    }

    /// The shape that an operator gives, or a report of why it has none.
    pub fn infer(&mut self, op: &Op, taken: &[Taken], site: &LayerSite<'a>, item: &Item<'a>) -> Option<Shape> {
        let inputs: Vec<Shape> = taken.iter().map(|taken| self.shape(taken.node)).collect();
        self.graph.requirements.span = item.span;
        match op.infer(&inputs, &mut self.graph.requirements) {
            Ok(shape) => self.of_possible_size(shape, op.name(), item.span),
            Err(error) => {
                self.report_shape(&error, taken, site, item);
                None
            }
        }
    }

    /// Reports why a layer cannot be.
    pub fn report_shape(&mut self, error: &ShapeError, taken: &[Taken], site: &LayerSite<'a>, item: &Item<'a>) {
        let inputs =
            taken.iter().map(|taken| (taken.branch.unwrap_or(self.node_span(taken.node)), self.shape(taken.node)));
        let inputs = inputs.collect();
        let report = ShapeReport { error, site, item: item.span, inputs };
        self.report(report.diagnostic());
    }

    /// The parameters of a layer, declared or shared.
    fn layer_parameters(
        &mut self,
        bound: &BoundLayer<'a>,
        taken: &[Taken],
        path: &Arc<str>,
        item: &Item<'a>,
    ) -> Option<Vec<ParameterUse>> {
        let inputs: Vec<Shape> = taken.iter().map(|taken| self.shape(taken.node)).collect();
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
            self.of_possible_size(shape, bound.op.name(), item.span)?;
            let given = bound.weights.iter().find(|weight| weight.name == declaration.name);
            match self.declare(path, declaration, given, item.span) {
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
            self.report(LimitError::Elements { name, shape: &shape, span }.diagnostic());
            return None;
        }
        Some(shape)
    }

    /// Adds a node.
    pub fn add_node(
        &mut self,
        op: Op,
        path: Arc<str>,
        parameters: Vec<ParameterUse>,
        shape: Shape,
        taken: &[Taken],
        span: Span,
    ) -> Flow {
        let trace = self.trace();
        let node = Node { kind: NodeKind::Operator(op), path, parameters, shape, span, trace };
        let arguments: Vec<NodeId> = taken.iter().map(|taken| taken.node).collect();
        Flow::Node(self.graph.dag.add(node, &arguments))
    }
}
