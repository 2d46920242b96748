//! Kernel graph to draft: the order of steps, views instead of moved data, and copies where a view will not do.
//!
//! Nodes come in the graph's order, arguments first, otherwise as layers were written; those that no output needs are left out.
//! Reshape, Permute and Slice become views. A kernel that cannot read a view (the rules are in `plan/mod.rs`) gets a copy, made
//! once however many kernels want it (`operand.rs`). Where the target holds channels in blocks, heavy kernels get a method and
//! packed weights (`blocked/lower.rs`).

mod operand;

use super::blocked::{self, Blocks, Layout, Method, PackedOrder};
use super::concatenations::{Part, find_parts, parts};
use super::draft::{Draft, DraftStep, Located};
use super::operation::Operation;
use super::order::{self, Order};
use super::{PlanParameter, Step, Storage, View};
use crate::element::ElementType;
use crate::graph::{NodeId, ParameterId};
use crate::kernels::{Concat, Expression, Kernel, KernelGraph, KernelNode, KernelParameter, Permute, Slice, Update};
use crate::passes::{Note, Saved};
pub(super) use operand::Density;
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
    let lanes = blocks.map_or(1, |blocks| blocks.lanes);
    let found = order::order(graph);
    let constants = graph.constants();
    let blocked = match blocked::blocked(graph, &found, &constants, lanes) {
        Ok(blocked) => blocked,
        Err(unfinished) => {
            let mut graph = graph.clone();
            blocked::apart(&mut graph, &unfinished);
            let mut lowered = lower(&graph, blocks);
            let text =
                "the epilogue is a step of its own: what it makes of a block's lanes without a channel may be infinite";
            let places = unfinished.iter().filter_map(|&id| graph.dag.get(id)).map(KernelNode::place);
            lowered.notes.extend(places.map(|place| Note {
                pass: "plan",
                place,
                done: false,
                text: text.into(),
                saved: Saved::default(),
            }));
            return lowered;
        }
    };
    let Order { order, in_place } = found;
    let layout = |id: NodeId| match blocked.contains(&id) {
        true if blocked::narrow(graph, id, lanes) => Layout::Blocked { lanes: Method::WORD },
        true => Layout::Blocked { lanes },
        false => Layout::Plain,
    };
    let found_parts = find_parts(graph, &order, &constants, &layout);
    let lowering = Lowering {
        graph,
        blocks,
        weights_are_cold: blocks.is_some_and(|blocks| blocked::weights_are_cold(graph, blocks)),
        layouts: order.iter().map(|&id| (id, layout(id))).collect(),
        constants,
        parts: found_parts,
        in_place,
        located: HashMap::new(),
        owners: HashMap::new(),
        copies: HashMap::new(),
        packs: HashMap::new(),
        numbers: HashMap::new(),
        lowered: Lowered { draft: Draft::default(), parameters: Vec::new(), notes: Vec::new() },
    };
    lowering.run(&order)
}

/// A draft in the making.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a KernelGraph,
    pub(super) blocks: Option<&'a Blocks>,
    /// Whether the net's weights do not stay in the last-level cache from run to run.
    pub(super) weights_are_cold: bool,
    /// How each value is held.
    layouts: HashMap<NodeId, Layout>,
    pub(super) constants: HashSet<NodeId>,
    parts: HashMap<NodeId, Part>,
    /// The nodes that write their parameter's storage.
    in_place: HashMap<NodeId, ParameterId>,
    /// Where each value lies.
    located: HashMap<NodeId, Located>,
    /// The buffers of concatenations, and their storages, by the outermost one.
    owners: HashMap<NodeId, (usize, Storage)>,
    /// Copies of values that lie otherwise, by the layout of the copy.
    copies: HashMap<(NodeId, Layout), Located>,
    /// Packed weights, by their order.
    pub(super) packs: HashMap<(NodeId, PackedOrder), Located>,
    /// The numbers in the plan of the parameters met so far.
    numbers: HashMap<ParameterId, usize>,
    pub(super) lowered: Lowered,
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
        self.lowered.draft.outputs = outputs.map(|port| self.shown(port.node)).collect();
        self.write_back();
        self.lowered.draft.mark_what_stays();
        self.lowered.draft.order_preparation();
        self.lowered
    }

    /// Where an output lies; the old value of a parameter that a run writes is kept for it.
    fn shown(&mut self, id: NodeId) -> Located {
        let origins = ["output".into()];
        let updated = |id| self.graph.updates.of_parameter(id).is_some();
        if order::root(self.graph, id).is_some_and(updated) {
            return self.dense_copy(id, Layout::Plain, &origins, "the run changes the parameter that is shown");
        }
        self.in_layout(id, Layout::Plain, &origins)
    }

    /// New values of parameters that could not be written in place, once nothing needs the old ones.
    fn write_back(&mut self) {
        let updates: Vec<Update> =
            self.graph.updates.iter().copied().filter(|update| !self.in_place.contains_key(&update.node)).collect();
        let mut values = Vec::with_capacity(updates.len());
        for update in &updates {
            let origins = self.graph.dag.get(update.node).map(|node| node.origins.clone()).unwrap_or_default();
            let mut value = self.in_layout(update.node, Layout::Plain, &origins);
            if matches!(value.view.storage, Storage::Parameter(_)) {
                let why = "another parameter gets its old value";
                value = self.dense_copy(update.node, Layout::Plain, &origins, why);
            }
            values.push((value, origins));
        }
        for (update, (value, origins)) in updates.into_iter().zip(values) {
            let into = self.storage_of(update.parameter);
            self.copy(value, into, false, &origins);
        }
    }

    pub(super) fn layout(&self, id: NodeId) -> Layout {
        self.layouts.get(&id).copied().unwrap_or(Layout::Plain)
    }

    /// The sizes of a value in the graph.
    pub(super) fn shape(&self, id: NodeId) -> &[usize] {
        self.graph.dag.get(id).map_or(&[], |node| &node.shape)
    }

    /// What the elements of a value are.
    pub(super) fn element(&self, id: NodeId) -> ElementType {
        self.graph.element(id).unwrap_or(ElementType::Float32)
    }

    /// Where a node's value lies once its steps, if it needs any, are written.
    fn node(&mut self, id: NodeId, node: &KernelNode) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let first = arguments.first().copied().unwrap_or(NodeId::end());
        let layout = self.layout(id);
        match &node.kernel {
            Kernel::Input(index) => {
                Located { buffer: None, view: View::dense(Storage::Input(*index), node.element, 0, &node.shape) }
            }
            Kernel::Parameter(parameter) => self.storage_of(*parameter),
            Kernel::Reshape(_) if self.is_read_as_image(id) => self.location(first),
            Kernel::Reshape(_) => self.reshape(first, node),
            Kernel::Slice(Slice { axis, start }) => {
                let length = node.shape.get(*axis).copied().unwrap_or(0);
                let (start, length) = (layout.along(*axis, *start), layout.along(*axis, length));
                self.view_of(first, layout, &node.origins, |view| view.sliced(*axis, start, length))
            }
            Kernel::Permute(Permute { axes }) => self.view_of(first, layout, &node.origins, |view| view.permuted(axes)),
            Kernel::Concat(Concat { axis }) => self.concat(id, node, *axis),
            Kernel::Map(expression) if *expression == Expression::operand(0) && self.is_laid_out_anew(id, first) => {
                self.lay_out_anew(id, first, node)
            }
            _ => match self.in_a_way_of_blocks(id, node) {
                Some(located) => located,
                None => self.by_definition(id, node),
            },
        }
    }

    /// All of a parameter, which the plan lists from its first use on.
    fn storage_of(&mut self, id: ParameterId) -> Located {
        let number = match self.numbers.get(&id) {
            Some(&number) => number,
            None => {
                let known = self.graph.parameters.get(id.0 as usize).cloned();
                let Some(KernelParameter { path, shape, element, start }) = known else {
                    return self.location(NodeId::end());
                };
                let (updated, changes) = (self.graph.updates.of_parameter(id).is_some(), self.graph.changes(id));
                self.lowered.parameters.push(PlanParameter { path, shape, element, start, updated, changes });
                self.numbers.insert(id, self.lowered.parameters.len() - 1);
                self.lowered.parameters.len() - 1
            }
        };
        let Some(PlanParameter { shape, element, .. }) = self.lowered.parameters.get(number) else {
            return self.location(NodeId::end());
        };
        Located { buffer: None, view: View::dense(Storage::Parameter(number), *element, 0, shape) }
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
        let view = View::dense(dense.view.storage, dense.view.element, dense.view.offset_bytes, &node.shape);
        Located { view, ..dense }
    }

    /// Whether a conversion of a plain image makes one in blocks.
    fn is_laid_out_anew(&self, id: NodeId, argument: NodeId) -> bool {
        self.shape(id).len() == 4
            && self.shape(id) == self.shape(argument)
            && (self.layout(argument), self.layout(id)) != (Layout::Plain, Layout::Plain)
            && self.layout(argument) == Layout::Plain
            && self.element(id).quantisation().is_some()
    }

    /// Converts a plain image and brings it into blocks at once.
    fn lay_out_anew(&mut self, id: NodeId, argument: NodeId, node: &KernelNode) -> Located {
        let from = self.operand(argument, Layout::Plain, Density::FromAxis1, &node.origins);
        let channels = self.shape(id).get(1).copied().unwrap_or(0);
        match self.layout(id).reorder(Layout::Plain, channels) {
            Some(reorder) => self.step(id, node, Operation::Reorder(reorder), vec![from]),
            None => from,
        }
    }

    /// Copies what does not lie in its place yet.
    fn concat(&mut self, id: NodeId, node: &KernelNode, axis: usize) -> Located {
        let layout = self.layout(id);
        let whole = self.target(id);
        for (part, place) in parts(self.graph, id, axis, layout, &whole.view) {
            let from = self.in_layout(part, layout, &node.origins);
            if from.buffer != whole.buffer || from.view != place {
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
            Some(kernel) if kernel.is_view() => "it is a view of another value",
            _ if self.parts.contains_key(&part) => "it already lies in another concatenation",
            _ => "its kernel cannot write there",
        }
    }

    /// A kernel by its definition.
    fn by_definition(&mut self, id: NodeId, node: &KernelNode) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let (own, others) = arguments.split_at_checked(node.own_arguments).unwrap_or((&arguments, &[]));
        let layout = self.layout(id);
        let mut operands: Vec<Located> = Vec::with_capacity(arguments.len());
        for (index, &argument) in own.iter().enumerate() {
            operands.push(match &node.kernel {
                Kernel::Map(_) => self.broadcast(argument, id, &node.origins),
                kernel => self.operand(argument, layout, Density::of(kernel, index), &node.origins),
            });
        }
        for &argument in others {
            operands.push(self.broadcast(argument, id, &node.origins));
        }
        self.computed(id, node, operands)
    }

    /// The step of a kernel over such operands, in the layout of its value.
    pub(super) fn computed(&mut self, id: NodeId, node: &KernelNode, operands: Vec<Located>) -> Located {
        let in_blocks = self.layout(id) != Layout::Plain;
        match Operation::of(&node.kernel) {
            Some(operation) if in_blocks => self.step(id, node, operation.over_blocks(), operands),
            Some(operation) => self.step(id, node, operation, operands),
            None => self.location(NodeId::end()),
        }
    }

    /// Writes the step of a node.
    pub(super) fn step(
        &mut self,
        id: NodeId,
        node: &KernelNode,
        operation: Operation,
        operands: Vec<Located>,
    ) -> Located {
        let output = self.target(id);
        let step = Step {
            operation,
            operands: operands.iter().map(|operand| operand.view.clone()).collect(),
            own_operands: node.own_arguments,
            compute: node.compute,
            epilogue: node.epilogue.clone(),
            output: output.view.clone(),
            origins: node.origins.clone(),
        };
        self.push(step, &operands, &output, self.constants.contains(&id));
        output
    }

    fn push(&mut self, step: Step, operands: &[Located], output: &Located, constant: bool) {
        let operands = operands.iter().map(|operand| operand.buffer).collect();
        let list = if constant { &mut self.lowered.draft.prepare } else { &mut self.lowered.draft.run };
        list.push(DraftStep { step, operands, output: output.buffer });
    }

    /// Where a node writes: its parameter, its place in a concatenation, or a buffer of its own.
    fn target(&mut self, id: NodeId) -> Located {
        if let Some(&parameter) = self.in_place.get(&id) {
            return self.storage_of(parameter);
        }
        let constant = self.constants.contains(&id);
        let Some(Part { owner, view }) = self.parts.get(&id).cloned() else {
            return self.fresh(&self.layout(id).shape(self.shape(id)), self.element(id), constant);
        };
        let whole = match self.owners.get(&owner) {
            Some(&whole) => whole,
            None => {
                let bytes = self.element(owner).tensor_bytes(&self.layout(owner).shape(self.shape(owner)));
                let storage = self.lowered.draft.next_storage(constant);
                let buffer = self.lowered.draft.add_buffer(constant, bytes as usize, true);
                self.owners.insert(owner, (buffer, storage));
                (buffer, storage)
            }
        };
        Located { buffer: Some(whole.0), view: View { storage: whole.1, ..view } }
    }

    pub(super) fn fresh(&mut self, shape: &[usize], element: ElementType, constant: bool) -> Located {
        let view = View::dense(self.lowered.draft.next_storage(constant), element, 0, shape);
        let buffer = self.lowered.draft.add_buffer(constant, view.size_bytes() as usize, false);
        Located { buffer: Some(buffer), view }
    }

    fn note(&mut self, origins: &[Arc<str>], text: String) {
        let place = origins.first().cloned().unwrap_or_default();
        self.lowered.notes.push(Note { pass: "plan", place, done: false, text, saved: Saved::default() });
    }
}
