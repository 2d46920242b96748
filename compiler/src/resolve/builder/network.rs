//! The graph while it is written out, with the names in it.

use super::kept::KeptValues;
use super::tied::TiedLayers;
use crate::diagnostic::Diagnostic;
use crate::graph::{Graph, ModuleId, ModuleKind, NodeId, ParameterId};
use crate::resolve::expression::Flow;
use crate::shape::Shape;
use cnnc_grammar::span::Span;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A network so far.
pub(in crate::resolve) struct Network<'a> {
    /// Its layers, modules and parameters.
    pub graph: Graph,
    /// Whether calls and loops are written out; otherwise one declaration is checked by itself, and the flow is unknown.
    pub expanding: bool,
    /// How many conditions or loops around this place are not decided: what stands here may not be written out, or more than
    /// once.
    pub undecided: usize,
    /// Parameters whose values the spec gives with `weight=`.
    pub constants: HashSet<ParameterId>,
    /// What is kept.
    pub(super) kept: KeptValues,
    /// Layers that share their parameters.
    pub tied: TiedLayers,
    pub(super) items: Items,
    /// Where the visits of a statement stand in the graph.
    pub(super) visited: HashMap<Span, usize>,
    /// Where the values of a name stand in the graph.
    pub(super) bound: HashMap<Span, usize>,
    /// The names of blocks and models, once each.
    callees: HashMap<&'a str, Arc<str>>,
}

/// What is known of modules besides what the graph says of them.
#[derive(Default)]
pub(super) struct Items {
    /// Those with a name by the module that they stand in, to find two of one name and to follow `encoder.weight`.
    pub named: HashMap<(ModuleId, Arc<str>), ModuleId>,
    /// Where each is written, by its number.
    pub sites: Vec<ModuleSite>,
    /// Whether some item has a number as its name, which may be the position of another.
    pub numbers_as_names: bool,
    /// Modules with items of which it is not known how many they become: those behind them have no position yet.
    pub uncounted: HashSet<ModuleId>,
    /// Items of one name of which the second is being written out: an error if both have parameters.
    pub clashes: Vec<Clash>,
}

/// Two items of one name.
pub(super) struct Clash {
    pub first: ModuleId,
    pub second: ModuleId,
    /// What a person is told if both have parameters.
    pub error: Diagnostic,
}

/// Where a module is written.
pub(super) struct ModuleSite {
    /// Its name, or the item where it has none.
    pub span: Span,
    /// Whether its name is written, and no position.
    pub named: bool,
    /// Whether it is written out for sure.
    pub decided: bool,
    /// Whether it is a layer that never has parameters.
    pub bare: bool,
}

impl Items {
    /// The item of that name in a module, and where it is written.
    pub fn named_item(&self, parent: ModuleId, name: &Arc<str>) -> Option<(ModuleId, &ModuleSite)> {
        let item = self.named.get(&(parent, name.clone()))?;
        Some((*item, self.sites.get(item.0 as usize)?))
    }

    /// The item without a name that has this position, as it is written in a path.
    pub fn at_position(&self, graph: &Graph, parent: ModuleId, position: &str) -> Option<ModuleId> {
        let child = *graph.module(parent)?.children.get(position.parse::<usize>().ok()?)?;
        let is_it = !self.sites.get(child.0 as usize)?.named && graph.module(child)?.name() == position;
        is_it.then_some(child)
    }
}

impl<'a> Network<'a> {
    /// One in which there is nothing yet.
    pub fn new(expanding: bool) -> Self {
        Network {
            graph: Graph::default(),
            expanding,
            undecided: 0,
            constants: HashSet::new(),
            kept: KeptValues::default(),
            tied: TiedLayers::default(),
            items: Items::default(),
            visited: HashMap::new(),
            bound: HashMap::new(),
            callees: HashMap::new(),
        }
    }

    /// The name of a block or model, in memory once.
    pub fn callee_name(&mut self, name: &'a str) -> Arc<str> {
        self.callees.entry(name).or_insert_with(|| name.into()).clone()
    }

    /// The shape of a node.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.dag.get(node).map(|node| node.shape.clone()).unwrap_or_default()
    }

    /// The shape of the flow, when it is known.
    pub fn flow_shape(&self, flow: Flow) -> Option<Shape> {
        match flow {
            Flow::Node(node) => Some(self.shape(node)),
            Flow::Absent | Flow::Unknown => None,
        }
    }

    /// Where a node is written.
    pub fn node_span(&self, node: NodeId) -> Span {
        self.graph.dag.get(node).map(|node| node.span).unwrap_or_default()
    }

    /// Where an item's name is written, or the item where it has none.
    pub fn item_span(&self, item: ModuleId) -> Span {
        self.items.sites.get(item.0 as usize).map(|site| site.span).unwrap_or_default()
    }

    /// Whether an item has parameters, or may have some: of one that is not written out only that is known which cannot have any.
    pub fn may_have_parameters(&self, item: ModuleId) -> bool {
        let mut open = vec![item];
        while let Some(module) = open.pop() {
            let Some(found) = self.graph.module(module) else { continue };
            match &found.kind {
                ModuleKind::Layer(node) if self.graph.dag.get(*node).is_some_and(|node| node.parameters.is_empty()) => {
                }
                ModuleKind::Layer(_) => return true,
                _ if self.items.sites.get(module.0 as usize).is_some_and(|site| site.bare) => {}
                _ if found.children.is_empty() && !self.expanding => return true,
                _ => open.extend(&found.children),
            }
        }
        false
    }

    /// Notes that an item is a layer that never has parameters.
    pub fn is_bare(&mut self, item: ModuleId) {
        if let Some(site) = self.items.sites.get_mut(item.0 as usize) {
            site.bare = true;
        }
    }

    /// The path of a module.
    pub fn path(&self, module: ModuleId) -> Arc<str> {
        self.graph.module(module).map(|module| module.path.clone()).unwrap_or_default()
    }

    /// The path of an item in a module.
    pub(super) fn path_of(&self, parent: ModuleId, name: &str) -> Arc<str> {
        match self.graph.module(parent).map(|parent| &parent.path) {
            Some(above) if !above.is_empty() => format!("{above}.{name}").into(),
            _ => name.into(),
        }
    }

    /// The child of a module.
    pub fn child(&self, parent: ModuleId, name: &str) -> Option<ModuleId> {
        let named = self.items.named.get(&(parent, Arc::from(name))).copied();
        named.or_else(|| self.items.at_position(&self.graph, parent, name))
    }

    /// The module of a path.
    pub fn module_at(&self, path: &str) -> Option<ModuleId> {
        path.split('.').try_fold(ModuleId(0), |module, name| self.child(module, name))
    }

    /// The parameter with a key, an alias too.
    pub fn parameter_at(&self, key: &str) -> Option<ParameterId> {
        let of = |path: &str| {
            let ModuleKind::Layer(node) = self.graph.module(self.module_at(path)?)?.kind else { return None };
            let mut uses = self.graph.dag.get(node)?.parameters.iter().map(|used| used.parameter);
            uses.find(|id| self.graph.parameter(*id).is_some_and(|parameter| parameter.has_key(key)))
        };
        of(key).or_else(|| of(key.rsplit_once('.')?.0))
    }
}
