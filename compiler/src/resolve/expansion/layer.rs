//! Built-in layers as items: a module and, where the flow is known, a node.

use super::Expander;
use super::item::Item;
use crate::graph::{ModuleId, ModuleKind};
use crate::ops::LayerEntry;
use crate::resolve::builder::{Frame, Taken};
use crate::resolve::calls::{BoundLayer, bind_layer};
use crate::resolve::error::StructureError;
use crate::resolve::expression::{Flow, Recipe};

impl<'a> Expander<'a, '_> {
    /// Writes out a built-in layer as an item.
    pub(super) fn layer_item(
        &mut self,
        frame: &Frame<'a>,
        entry: &'static LayerEntry,
        recipe: &Recipe<'a>,
        item: &Item<'a>,
    ) -> Flow {
        let builder = &mut self.builder;
        let module = builder.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
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
        let value = self.layer_node(frame, bound, module, item);
        let network = &mut self.builder.network;
        network.tied.leave(recipe.tied);
        if let (Flow::Node(node), Some(module)) = (value, network.graph.modules.get_mut(module.0 as usize)) {
            module.kind = ModuleKind::Layer(node);
            module.output = Some(node);
        }
        value
    }

    fn layer_node(&mut self, frame: &Frame<'a>, bound: BoundLayer<'a>, module: ModuleId, item: &Item<'a>) -> Flow {
        let builder = &mut self.builder;
        let taken = match (bound.op.takes_input(), item.flow) {
            (false, _) => Vec::new(),
            (true, Flow::Node(node)) => vec![Taken { node, branch: None }],
            (true, Flow::Unknown) => return Flow::Unknown,
            (true, Flow::Absent) => {
                let error = StructureError::NoCurrent { what: bound.op.name(), span: item.span, inputs: &frame.inputs };
                builder.reporter.report(error.diagnostic());
                return Flow::Unknown;
            }
        };
        if !builder.network.expanding {
            return Flow::Unknown;
        }
        let path = builder.network.path(module);
        builder.add_layer(bound, &taken, path, item.span)
    }
}
