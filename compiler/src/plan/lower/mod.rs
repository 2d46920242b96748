//! Kernel graph to draft: the order of steps, views instead of moved data, and copies where a view will not do.
//!
//! Nodes come in the graph's order, arguments first, otherwise as layers were written; those that no output needs are left out. Reshape,
//! Permute and Slice become views. A kernel that cannot read a view (the rules are in `plan/mod.rs`) gets a copy, made once however many
//! kernels want it (`operand.rs`). Where the target holds channels in blocks, heavy kernels get a method and packed weights (`packed.rs`).

mod operand;
mod packed;

use super::draft::{Draft, DraftStep, Located};
use super::layout::{self, Layout};
use super::places::{Place, find_places, parts};
use super::{Blocks, PlanParameter, Step, Storage, View};
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelGraph, KernelNode, elements};
use crate::passes::Note;
use operand::Density;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A draft, the parameters that it reads, and what had to be copied and why.
pub(super) struct Lowered {
    /// Steps and buffers.
    pub draft: Draft,
    /// By `Storage::Parameter`.
    pub parameters: Vec<PlanParameter>,
    /// One a copy, one a choice of a method.
    pub notes: Vec<Note>,
}

/// Writes the steps of a verified graph.
pub(super) fn lower(graph: &KernelGraph, blocks: Option<&Blocks>) -> Lowered {
    let live = graph.live();
    let order: Vec<NodeId> = graph.dag.order().unwrap_or_default().into_iter().filter(|id| live.contains(id)).collect();
    let constants = graph.constants();
    let lanes = blocks.map_or(1, |blocks| blocks.lanes);
    let blocked = layout::blocked(graph, &order, &constants, lanes);
    let layout = |id: NodeId| if blocked.contains(&id) { Layout::Blocked { lanes } } else { Layout::Plain };
    let places = find_places(graph, &order, &constants, &layout);
    let lowering = Lowering {
        graph,
        blocks,
        layouts: order.iter().map(|&id| (id, layout(id))).collect(),
        constants,
        places,
        located: HashMap::new(),
        owners: HashMap::new(),
        copies: HashMap::new(),
        packs: HashMap::new(),
        lowered: Lowered { draft: Draft::default(), parameters: Vec::new(), notes: Vec::new() },
    };
    lowering.run(&order)
}

struct Lowering<'a> {
    graph: &'a KernelGraph,
    blocks: Option<&'a Blocks>,
    /// How each value is held.
    layouts: HashMap<NodeId, Layout>,
    constants: HashSet<NodeId>,
    places: HashMap<NodeId, Place>,
    /// Where each value lies.
    located: HashMap<NodeId, Located>,
    /// The buffers of concatenations, by the outermost one.
    owners: HashMap<NodeId, usize>,
    /// Copies of values that lie otherwise, by the layout of the copy.
    copies: HashMap<(NodeId, Layout), Located>,
    /// Packed weights, by what they are packed for.
    packs: HashMap<(NodeId, String), Located>,
    lowered: Lowered,
}

impl Lowering<'_> {
    fn run(mut self, order: &[NodeId]) -> Lowered {
        for &id in order {
            if let Some(node) = self.graph.dag.get(id) {
                let located = self.node(id, node);
                self.located.insert(id, located);
            }
        }
        let outputs = self.graph.outputs.iter();
        self.lowered.draft.outputs =
            outputs.map(|port| self.in_layout(port.node, Layout::Plain, &["output".into()])).collect();
        self.lowered.draft.mark_what_stays();
        self.lowered
    }

    fn layout(&self, id: NodeId) -> Layout {
        self.layouts.get(&id).copied().unwrap_or(Layout::Plain)
    }

    /// The sizes of a value in the graph.
    fn shape(&self, id: NodeId) -> &[usize] {
        self.graph.dag.get(id).map_or(&[], |node| &node.shape)
    }

    /// Where a node's value lies once its steps, if it needs any, are written.
    fn node(&mut self, id: NodeId, node: &KernelNode) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let first = arguments.first().copied().unwrap_or(NodeId::end());
        let layout = self.layout(id);
        match &node.kernel {
            Kernel::Input(index) => Located { buffer: None, view: View::dense(Storage::Input(*index), 0, &node.shape) },
            Kernel::Parameter(parameter) => self.parameter(parameter.0 as usize, &node.shape),
            Kernel::Reshape if self.is_read_as_image(id) => self.location(first),
            Kernel::Reshape => self.reshape(first, node),
            Kernel::Slice { axis, start } => {
                let length = node.shape.get(*axis).copied().unwrap_or(0);
                let (start, length) = (layout.along(*axis, *start), layout.along(*axis, length));
                self.view_of(first, layout, &node.origins, |view| view.sliced(*axis, start, length))
            }
            Kernel::Permute { axes } => self.view_of(first, layout, &node.origins, |view| view.permuted(axes)),
            Kernel::Concat { axis } => self.concat(id, node, *axis),
            Kernel::Conv { .. } | Kernel::ConvData { .. } if layout != Layout::Plain => self.convolution(id, node),
            Kernel::Gemm { transpose_a: false, transpose_b: true } if self.blocks.is_some() => self.linear(id, node),
            kernel => self.compute(id, node, kernel),
        }
    }

    fn parameter(&mut self, number: usize, shape: &[usize]) -> Located {
        let path = self.graph.parameters.get(number).map(|parameter| parameter.path.clone()).unwrap_or_default();
        self.lowered.parameters.push(PlanParameter { path, shape: shape.to_vec() });
        let storage = Storage::Parameter(self.lowered.parameters.len() - 1);
        Located { buffer: None, view: View::dense(storage, 0, shape) }
    }

    fn view_of(
        &mut self,
        argument: NodeId,
        layout: Layout,
        origins: &[Arc<str>],
        change: impl FnOnce(&View) -> View,
    ) -> Located {
        let located = self.in_layout(argument, layout, origins);
        Located { view: change(&located.view), ..located }
    }

    fn reshape(&mut self, argument: NodeId, node: &KernelNode) -> Located {
        let located = self.in_layout(argument, Layout::Plain, &node.origins);
        if let Some(view) = located.view.reshaped(&node.shape) {
            return Located { view, ..located };
        }
        let why = "its elements do not follow each other as the new shape needs";
        let dense = self.dense_copy(argument, Layout::Plain, &node.origins, why);
        let view = View::dense(dense.view.storage, dense.view.offset, &node.shape);
        Located { view, ..dense }
    }

    /// Copies what does not lie in its place yet.
    fn concat(&mut self, id: NodeId, node: &KernelNode, axis: usize) -> Located {
        let layout = self.layout(id);
        let whole = self.target(id);
        for (part, place) in parts(self.graph, id, axis, layout, &whole.view) {
            let from = self.in_layout(part, layout, &node.origins);
            if from.buffer != whole.buffer || !from.view.is_same_place(&place) {
                let into = Located { view: place, ..whole.clone() };
                self.copy(from, into, self.constants.contains(&id), &node.origins);
                self.note(
                    &node.origins,
                    format!("`{}` is copied into the concatenation: {}", self.graph.label(part), self.why_copied(part)),
                );
            }
        }
        whole
    }

    fn why_copied(&self, part: NodeId) -> &'static str {
        match self.graph.dag.get(part).map(|node| &node.kernel) {
            Some(Kernel::Input(_)) => "an input stays where the caller has it",
            Some(Kernel::Parameter(_)) => "a parameter stays where it was loaded",
            Some(Kernel::Slice { .. } | Kernel::Permute { .. }) => "it is a view of another value",
            _ if self.places.contains_key(&part) => "it already lies in another concatenation",
            _ => "its kernel cannot write there",
        }
    }

    /// A kernel by its definition.
    fn compute(&mut self, id: NodeId, node: &KernelNode, kernel: &Kernel) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let (own, others) = arguments.split_at_checked(node.own_arguments).unwrap_or((&arguments, &[]));
        let layout = self.layout(id);
        let mut operands: Vec<Located> = Vec::with_capacity(arguments.len());
        for (index, &argument) in own.iter().enumerate() {
            operands.push(match kernel {
                Kernel::Map(_) => self.broadcast(argument, id, &node.origins),
                _ => self.operand(argument, layout, Density::of(kernel, index), &node.origins),
            });
        }
        for &argument in others {
            operands.push(self.broadcast(argument, id, &node.origins));
        }
        self.step(id, node, layout.kernel(kernel), operands, None)
    }

    /// Writes the step of a node.
    fn step(
        &mut self,
        id: NodeId,
        node: &KernelNode,
        kernel: Kernel,
        operands: Vec<Located>,
        packing: Option<crate::kernels::Packing>,
    ) -> Located {
        let output = self.target(id);
        let step = Step {
            kernel,
            operands: operands.iter().map(|operand| operand.view.clone()).collect(),
            own_operands: node.own_arguments,
            epilogue: node.epilogue.clone(),
            packing,
            output: output.view.clone(),
            origins: node.origins.clone(),
        };
        self.push(step, &operands, &output, self.constants.contains(&id));
        output
    }

    fn push(&mut self, step: Step, operands: &[Located], output: &Located, constant: bool) {
        let Some(buffer) = output.buffer else { return };
        let operands = operands.iter().map(|operand| operand.buffer).collect();
        let list = if constant { &mut self.lowered.draft.prepare } else { &mut self.lowered.draft.run };
        list.push(DraftStep { step, operands, output: buffer });
    }

    /// Where a node writes: its place in a concatenation, or a buffer of its own.
    fn target(&mut self, id: NodeId) -> Located {
        let constant = self.constants.contains(&id);
        let Some(Place { owner, view }) = self.places.get(&id).cloned() else {
            return self.fresh(&self.layout(id).shape(self.shape(id)), constant);
        };
        let buffer = match self.owners.get(&owner) {
            Some(&buffer) => buffer,
            None => {
                let size = elements(&self.layout(owner).shape(self.shape(owner))).unwrap_or(0);
                let buffer = self.lowered.draft.add_buffer(storage(constant), size, true);
                self.owners.insert(owner, buffer);
                buffer
            }
        };
        Located { buffer: Some(buffer), view: View { storage: storage(constant), ..view } }
    }

    fn fresh(&mut self, shape: &[usize], constant: bool) -> Located {
        let view = View::dense(storage(constant), 0, shape);
        let buffer = self.lowered.draft.add_buffer(storage(constant), view.elements(), false);
        Located { buffer: Some(buffer), view }
    }

    fn note(&mut self, origins: &[Arc<str>], text: String) {
        let place = origins.first().cloned().unwrap_or_default();
        self.lowered.notes.push(Note { pass: "plan", place, done: false, text });
    }
}

fn storage(constant: bool) -> Storage {
    if constant { Storage::Prepared } else { Storage::Arena }
}
