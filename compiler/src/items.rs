//! A network as a tree of items, each with a fingerprint of what it is: the modules, and in them the joins and numbers that have
//! no name.

use crate::graph::{Graph, ModuleId, ModuleKind, NodeId, NodeKind, ShapedGraph};
use crate::ops::Op;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The number of an item in its tree; 0 is the model.
pub(crate) type ItemId = usize;

/// A module, or a join without a name.
pub(crate) struct Item<'g> {
    /// Its path; a join without a name has that of the module around it.
    pub path: Arc<str>,
    /// What it is.
    pub kind: Kind<'g>,
    /// What it stands in.
    pub parent: Option<ItemId>,
    /// Its value.
    pub output: Option<NodeId>,
    /// What stands in it, in the order of the text.
    pub children: Vec<ItemId>,
    /// The same of two items that are the same, whatever they are called themselves and wherever they stand.
    pub fingerprint: u64,
    /// The fingerprints of its layers and joins, sorted.
    pub leaves: Vec<u64>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind<'g> {
    /// A block's call, `Sequential` or a named join, under that word.
    Group(&'g str),
    /// A layer or a join without a name.
    Leaf(NodeId, &'g Op),
}

impl Item<'_> {
    /// The last part of its path; nothing for a join without a name.
    pub fn name(&self) -> &str {
        match self.kind {
            Kind::Leaf(_, operator) if operator.is_nameless() => "",
            _ => self.path.rsplit('.').next().unwrap_or_default(),
        }
    }

    /// Whether it is called by its position, or not at all.
    pub fn is_unnamed(&self) -> bool {
        self.name().bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The node of a layer or join.
    pub fn node(&self) -> Option<NodeId> {
        match self.kind {
            Kind::Leaf(node, _) => Some(node),
            Kind::Group(_) => None,
        }
    }
}

/// All items of a network.
pub(crate) struct Tree<'g> {
    pub items: Vec<Item<'g>>,
    /// By node.
    pub of_node: HashMap<NodeId, ItemId>,
}

impl<'g> Tree<'g> {
    pub fn new(shaped: &'g ShapedGraph) -> Self {
        let graph = &shaped.graph;
        let mut tree = Tree { items: Vec::new(), of_node: HashMap::new() };
        let mut joins: HashMap<Arc<str>, Vec<NodeId>> = HashMap::new();
        for (id, node) in graph.dag.iter() {
            if let NodeKind::Operator(operator) = &node.kind
                && operator.is_nameless()
            {
                joins.entry(node.path.clone()).or_default().push(id);
            }
        }
        tree.add(graph, ModuleId(0), None, &mut joins);
        tree.describe();
        tree
    }

    /// Adds a module and all in it, not deeper than specs may nest; gives its number and the last node of it.
    fn add(
        &mut self,
        graph: &'g Graph,
        module: ModuleId,
        parent: Option<ItemId>,
        joins: &mut HashMap<Arc<str>, Vec<NodeId>>,
    ) -> Option<(ItemId, usize)> {
        let module = graph.module(module)?;
        let kind = match &module.kind {
            ModuleKind::Call(name) => Kind::Group(name),
            ModuleKind::Sequential => Kind::Group("Sequential"),
            ModuleKind::Join(word) => Kind::Group(word),
            ModuleKind::Layer(node) => Kind::Leaf(*node, operator(graph, *node)?),
        };
        let id = self.push(module.path.clone(), kind, parent, module.output);
        let mut last = module.output.map_or(0, NodeId::index);
        let mut children: Vec<(usize, ItemId)> = Vec::new();
        for child in &module.children {
            children.extend(self.add(graph, *child, Some(id), joins).map(|(child, last)| (last, child)));
        }
        for node in joins.remove(&module.path).filter(|_| matches!(kind, Kind::Group(_))).into_iter().flatten() {
            let Some(operator) = operator(graph, node) else { continue };
            let join = self.push(module.path.clone(), Kind::Leaf(node, operator), Some(id), Some(node));
            children.push((node.index(), join));
        }
        children.sort_by_key(|(last, _)| *last);
        last = children.last().map_or(last, |(behind, _)| last.max(*behind));
        if let Some(item) = self.items.get_mut(id) {
            item.children = children.into_iter().map(|(_, child)| child).collect();
        }
        Some((id, last))
    }

    fn push(&mut self, path: Arc<str>, kind: Kind<'g>, parent: Option<ItemId>, output: Option<NodeId>) -> ItemId {
        let id = self.items.len();
        if let Kind::Leaf(node, _) = kind {
            self.of_node.insert(node, id);
        }
        self.items.push(Item { path, kind, parent, output, children: Vec::new(), fingerprint: 0, leaves: Vec::new() });
        id
    }

    /// Fingerprints, from the leaves up: children come behind their parents.
    fn describe(&mut self) {
        for id in (0..self.items.len()).rev() {
            let Some(item) = self.items.get(id) else { continue };
            let mut hasher = DefaultHasher::new();
            let mut leaves = Vec::new();
            match item.kind {
                Kind::Group(word) => word.hash(&mut hasher),
                Kind::Leaf(_, operator) => format!("{operator:?}").hash(&mut hasher),
            }
            for child in item.children.iter().filter_map(|child| self.items.get(*child)) {
                (child.fingerprint, if child.is_unnamed() { "" } else { child.name() }).hash(&mut hasher);
                leaves.extend_from_slice(&child.leaves);
            }
            let fingerprint = hasher.finish();
            if matches!(item.kind, Kind::Leaf(..)) {
                leaves.push(fingerprint);
            }
            leaves.sort_unstable();
            if let Some(item) = self.items.get_mut(id) {
                (item.fingerprint, item.leaves) = (fingerprint, leaves);
            }
        }
    }

    /// All items in the order of the text, those in an item behind it.
    pub fn in_order(&self) -> Vec<ItemId> {
        let (mut order, mut open) = (Vec::with_capacity(self.items.len()), vec![0]);
        while let Some(id) = open.pop() {
            let Some(item) = self.items.get(id) else { continue };
            order.push(id);
            open.extend(item.children.iter().rev());
        }
        order
    }

    /// The layers and joins in an item, itself among them.
    pub fn nodes(&self, id: ItemId) -> Vec<NodeId> {
        let (mut nodes, mut open) = (Vec::new(), vec![id]);
        while let Some(item) = open.pop().and_then(|id| self.items.get(id)) {
            nodes.extend(item.node());
            open.extend(item.children.iter().rev());
        }
        nodes
    }
}

fn operator(graph: &Graph, node: NodeId) -> Option<&Op> {
    match &graph.dag.get(node)?.kind {
        NodeKind::Operator(operator) => Some(operator),
        NodeKind::Input(_) => None,
    }
}
