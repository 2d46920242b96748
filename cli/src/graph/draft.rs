//! How a graph becomes an outline: every node is put into the block that it stands in, and every value is led through the blocks
//! between the node that gives it and the one that takes it.

use super::facts::{Facts, total};
use super::outline::{Block, Body, Content, End, Flow, Item};
use super::runs::fold_runs;
use cnnc_compiler::graph::{Graph, ModuleId, ModuleKind, NodeId, NodeKind, ShapedGraph};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most layers that stand in one box.
const MOST_IN_A_BOX: usize = 5;

/// What a body holds while it is filled: one entry an item, in the order of its first layer.
#[derive(Default)]
struct Draft {
    entries: Vec<Entry>,
    modules: HashMap<ModuleId, usize>,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    flows: Vec<Flow>,
    seen: HashSet<Flow>,
}

enum Entry {
    Input(usize),
    Output(usize),
    Layers(Vec<NodeId>),
    Module(ModuleId),
}

impl Draft {
    fn flow(&mut self, value: NodeId, from: End, to: End) {
        let flow = Flow { value, from, to };
        if self.seen.insert(flow) {
            self.flows.push(flow);
        }
    }

    /// The place of a value in a list; it is added where it is new.
    fn place(list: &mut Vec<NodeId>, value: NodeId) -> usize {
        list.iter().position(|&known| known == value).unwrap_or_else(|| {
            list.push(value);
            list.len() - 1
        })
    }
}

/// Where a node stands: the modules around it, the model first, and its entry in the last.
struct Stand {
    around: Arc<[ModuleId]>,
    entry: usize,
}

/// The outline of a network.
pub fn outline(shaped: &ShapedGraph, facts: &Facts) -> Body {
    let graph = &shaped.graph;
    let mut drafts: Vec<Draft> = graph.modules.iter().map(|_| Draft::default()).collect();
    let around = Surroundings::of(graph);
    let mut stands: HashMap<NodeId, Stand> = HashMap::new();
    for (id, node) in graph.dag.iter() {
        let modules = match node.kind {
            NodeKind::Input(_) => around.model(),
            NodeKind::Operator(_) => around.modules(&node.path),
        };
        for pair in modules.windows(2) {
            let draft = &mut drafts[pair[0].0 as usize];
            let Draft { entries, modules, .. } = draft;
            modules.entry(pair[1]).or_insert_with(|| {
                entries.push(Entry::Module(pair[1]));
                entries.len() - 1
            });
        }
        let Some(inner) = modules.last() else { continue };
        let entries = &mut drafts[inner.0 as usize].entries;
        let entry = match node.kind {
            NodeKind::Input(place) => {
                entries.push(Entry::Input(place));
                entries.len() - 1
            }
            NodeKind::Operator(_) => match followed(shaped, facts, &stands, id, &modules, entries) {
                Some(entry) => entry,
                None => {
                    entries.push(Entry::Layers(vec![id]));
                    entries.len() - 1
                }
            },
        };
        stands.insert(id, Stand { around: modules, entry });
    }
    for (id, _) in graph.dag.iter() {
        for value in graph.dag.arguments(id) {
            if let (Some(from), Some(to)) = (stands.get(&value), stands.get(&id)) {
                connect(&mut drafts, value, from, to);
            }
        }
    }
    for (place, output) in graph.outputs.iter().enumerate() {
        let Some(draft) = drafts.first_mut() else { break };
        draft.entries.push(Entry::Output(place));
        let to = Stand { around: around.model(), entry: draft.entries.len() - 1 };
        if let Some(from) = stands.get(&output.node) {
            connect(&mut drafts, output.node, from, &to);
        }
    }
    let signatures =
        facts.signatures(shaped, &|node| stands.get(&node).map(|stand| &*stand.around).unwrap_or_default());
    let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    Finish { graph, facts, signatures: &signatures, drafts: &mut drafts }.body(ModuleId(0), 0)
}

/// The entry of the box that a layer joins: the one of the layer that it follows.
fn followed(
    shaped: &ShapedGraph,
    facts: &Facts,
    stands: &HashMap<NodeId, Stand>,
    id: NodeId,
    modules: &[ModuleId],
    entries: &mut [Entry],
) -> Option<usize> {
    let dag = &shaped.graph.dag;
    let [before] = dag.arguments(id)[..] else { return None };
    let stand = stands.get(&before).filter(|stand| *stand.around == *modules)?;
    let is_output = shaped.graph.outputs.iter().any(|output| output.node == before);
    let keeps = dag.use_count(before) == 1 && !is_output && shaped.shape(before) == shaped.shape(id);
    if !keeps || facts.of(id)?.cost.macs != Some(0) {
        return None;
    }
    match entries.get_mut(stand.entry)? {
        Entry::Layers(layers) if layers.len() < MOST_IN_A_BOX => layers.push(id),
        _ => return None,
    }
    Some(stand.entry)
}

/// Lets a value pass from one node to another, through all blocks between them.
fn connect(drafts: &mut [Draft], value: NodeId, from: &Stand, to: &Stand) {
    let shared = from.around.iter().zip(to.around.iter()).take_while(|(a, b)| a == b).count();
    let leaving = through(drafts, from, shared, |draft, inner| {
        let place = Draft::place(&mut draft.outputs, value);
        draft.flow(value, inner, End::Output(place));
    });
    let entering = through(drafts, to, shared, |draft, inner| {
        let place = Draft::place(&mut draft.inputs, value);
        draft.flow(value, End::Input(place), inner);
    });
    // Within one box nothing passes that is drawn.
    if let Some(common) = shared.checked_sub(1).and_then(|last| from.around.get(last)).filter(|_| leaving != entering) {
        drafts[common.0 as usize].flow(value, leaving, entering);
    }
}

/// Walks from a node out to the block that is shared; gives its end there.
fn through(drafts: &mut [Draft], stand: &Stand, shared: usize, mut pass: impl FnMut(&mut Draft, End)) -> End {
    let mut end = End::Item(stand.entry);
    for pair in stand.around.windows(2).rev().take(stand.around.len() - shared) {
        pass(&mut drafts[pair[1].0 as usize], end);
        end = End::Item(drafts[pair[0].0 as usize].modules.get(&pair[1]).copied().unwrap_or_default());
    }
    end
}

/// Which modules stand around a path.
struct Surroundings {
    /// The blocks and groups by their paths, each with those around it, the model first.
    by_path: HashMap<Arc<str>, Arc<[ModuleId]>>,
    model: Arc<[ModuleId]>,
}

impl Surroundings {
    fn of(graph: &Graph) -> Surroundings {
        let model: Arc<[ModuleId]> = Arc::from(vec![ModuleId(0)]);
        let mut by_path: HashMap<Arc<str>, Arc<[ModuleId]>> = HashMap::new();
        let mut open: Vec<(ModuleId, Vec<ModuleId>)> = vec![(ModuleId(0), Vec::new())];
        while let Some((id, mut around)) = open.pop() {
            let Some(module) = graph.module(id).filter(|module| !matches!(module.kind, ModuleKind::Layer(_))) else {
                continue;
            };
            around.push(id);
            open.extend(module.children.iter().map(|&child| (child, around.clone())));
            by_path.insert(module.path.clone(), Arc::from(around));
        }
        Surroundings { by_path, model }
    }

    fn model(&self) -> Arc<[ModuleId]> {
        self.model.clone()
    }

    /// Those around a layer, or a join, of that path: it is the path of the block around it, or begins with it.
    fn modules(&self, path: &str) -> Arc<[ModuleId]> {
        let mut path = Some(path);
        while let Some(part) = path {
            if let Some(modules) = self.by_path.get(part) {
                return modules.clone();
            }
            path = part.rsplit_once('.').map(|(before, _)| before);
        }
        self.model()
    }
}

/// Makes bodies of drafts, from within.
struct Finish<'a> {
    graph: &'a Graph,
    facts: &'a Facts,
    signatures: &'a HashMap<ModuleId, u64>,
    drafts: &'a mut [Option<Draft>],
}

impl Finish<'_> {
    fn body(&mut self, module: ModuleId, depth: usize) -> Body {
        let Some(draft) = self.drafts.get_mut(module.0 as usize).and_then(Option::take) else { return Body::default() };
        let Draft { entries, inputs, outputs, flows, .. } = draft;
        let items = entries.into_iter().map(|entry| self.item(entry, depth)).collect();
        fold_runs(Body { items, inputs, outputs, flows })
    }

    fn item(&mut self, entry: Entry, depth: usize) -> Item {
        match entry {
            Entry::Input(place) => port(Content::Input(place), self.graph.inputs.get(place).map(|input| &input.name)),
            Entry::Output(place) => {
                port(Content::Output(place), self.graph.outputs.get(place).map(|output| &output.name))
            }
            Entry::Layers(layers) => {
                let facts = layers.iter().filter_map(|&layer| self.facts.of(layer));
                let path = facts.clone().next().map(|layer| layer.path.clone()).unwrap_or_default();
                Item { path, cost: total(facts.map(|layer| layer.cost)), content: Content::Layers(layers) }
            }
            Entry::Module(id) => {
                let body = self.body(id, depth + 1);
                let module = self.graph.module(id);
                let class: Arc<str> = match module.map(|module| &module.kind) {
                    Some(ModuleKind::Call(name)) => name.clone(),
                    Some(ModuleKind::Join(word)) => (*word).into(),
                    Some(ModuleKind::Sequential | ModuleKind::Layer(_)) | None => "Sequential".into(),
                };
                let path = module.map(|module| module.path.clone()).unwrap_or_default();
                let cost = total(body.items.iter().map(|item| item.cost));
                let signature = self.signatures.get(&id).copied().unwrap_or_default();
                Item { path, cost, content: Content::Block(Block { class, depth: depth + 1, signature, body }) }
            }
        }
    }
}

fn port(content: Content, name: Option<&Arc<str>>) -> Item {
    Item { path: name.cloned().unwrap_or_default(), content, cost: total([]) }
}
