//! Built-in layers as items: a module and, where the flow is known, a node.

use super::Expander;
use super::item::Item;
use crate::graph::{ModuleId, ModuleKind, NodeId, NodeKind};
use crate::ops::{LayerEntry, LayerField};
use crate::resolve::builder::{Frame, Network, Taken};
use crate::resolve::calls::{BoundLayer, bind_layer};
use crate::resolve::error::StructureError;
use crate::resolve::expression::{Flow, Recipe};
use crate::shape::Shape;
use cnnc_grammar::ast::Body;
use cnnc_grammar::span::Span;

impl<'a> Expander<'a, '_> {
    /// Writes out a built-in layer as an item; the braces behind it give its second value, and what they name is below it.
    pub(super) fn layer_item(
        &mut self,
        frame: &mut Frame<'a>,
        entry: &'static LayerEntry,
        recipe: &Recipe<'a>,
        braces: Option<&'a Body>,
        item: &Item<'a>,
    ) -> Flow {
        let module = self.builder.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        let second = braces.map(|body| {
            frame.open.push(module);
            let value = self.sequence(frame, body, item.flow, false);
            frame.open.pop();
            (value, body.span)
        });
        let builder = &mut self.builder;
        if !builder.reporter.spend_layer(item.span) {
            return Flow::Unknown;
        }
        if entry.parameters.is_empty() && entry.takes_input {
            builder.network.is_bare(module);
        }
        let incoming = match item.flow {
            Flow::Node(node) => Some(builder.network.shape(node)),
            Flow::Unknown | Flow::Absent => None,
        };
        let (arguments, site) = (&recipe.arguments, recipe.site);
        let bound = bind_layer(&mut builder.reporter, entry, arguments, site, incoming.as_ref());
        let Some(bound) = bound else { return Flow::Unknown };
        builder.share(recipe.tied, module);
        let value = self.layer_node(frame, bound, module, second, item);
        let network = &mut self.builder.network;
        network.tied.leave(recipe.tied);
        if let (Flow::Node(node), Some(module)) = (value, network.graph.modules.get_mut(module.0 as usize)) {
            module.kind = ModuleKind::Layer(node);
            module.output = Some(node);
        }
        value
    }

    fn layer_node(
        &mut self,
        frame: &Frame<'a>,
        bound: BoundLayer<'a>,
        module: ModuleId,
        second: Option<(Flow, Span)>,
        item: &Item<'a>,
    ) -> Flow {
        let builder = &mut self.builder;
        let mut taken = match (bound.op.takes_input(), item.flow) {
            (false, _) => Vec::new(),
            (true, Flow::Node(node)) => vec![Taken { node, branch: None }],
            (true, Flow::Unknown) => return Flow::Unknown,
            (true, Flow::Absent) => {
                let error = StructureError::NoCurrent { what: bound.op.name(), span: item.span, inputs: &frame.inputs };
                builder.reporter.report(error.diagnostic());
                return Flow::Unknown;
            }
        };
        match second {
            Some((Flow::Node(node), span)) => taken.push(Taken { node, branch: Some(span) }),
            Some((Flow::Unknown | Flow::Absent, _)) => return Flow::Unknown,
            None => {}
        }
        if !builder.network.expanding {
            return Flow::Unknown;
        }
        let path = builder.network.path(module);
        if let ([taken], true) = (taken.as_slice(), bound.op.takes_features()) {
            self.warn_of_image(taken.node, item);
        }
        self.builder.add_layer(bound, &taken, path, item.span)
    }

    /// Warns of a `Linear` right over planes: it sees a row of pixels, and not the whole image.
    fn warn_of_image(&mut self, node: NodeId, item: &Item<'a>) {
        let builder = &mut self.builder;
        let shape = builder.network.shape(node);
        if shape.rank() == 4 && is_image(&builder.network, node) {
            let label = item.label.map_or(item.span, |label| label.span);
            let span = Span { end: label.start, ..label };
            let origin = builder.network.node_span(node);
            let error = StructureError::LinearOverImage { shape: &shape, span: item.span, origin, before: span };
            builder.reporter.warn(error.diagnostic());
        }
    }
}

/// Whether a value of four axes is `[N, C, H, W]` for certain: an input, or what is made of windows over a plane, element by
/// element since.
fn is_image(network: &Network<'_>, node: NodeId) -> bool {
    let graph = &network.graph;
    let mut node = node;
    loop {
        let op = match graph.dag.get(node).map(|node| &node.kind) {
            Some(NodeKind::Operator(op)) => op,
            Some(NodeKind::Input(_)) => return true,
            None => return false,
        };
        let taken = graph.dag.arguments(node);
        let shapes: Vec<Shape> = taken.iter().map(|&taken| network.shape(taken)).collect();
        match (op.receptive_field(&shapes, &network.shape(node)), taken.as_slice()) {
            (LayerField::Plane(_), _) => return true,
            (LayerField::Point, [single]) => node = *single,
            _ => return false,
        }
    }
}
