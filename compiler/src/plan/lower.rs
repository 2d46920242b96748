//! Kernel graph to draft: the order of steps, views instead of moved data, and copies where a view will not do.
//!
//! Nodes come in the graph's order, arguments first, otherwise as layers were written; those that no output needs are left out. Reshape, Permute and Slice become views. A
//! kernel that cannot read a view (the rules are in `plan/mod.rs`) gets a dense copy, made once however many kernels want it.

use super::draft::{Draft, DraftStep, Located};
use super::places::{Place, find_places, parts};
use super::{PlanParameter, Step, Storage, View};
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelGraph, KernelNode, elements};
use crate::passes::Note;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A draft, the parameters that it reads, and what had to be copied and why.
pub(super) struct Lowered {
    /// Steps and buffers.
    pub draft: Draft,
    /// By `Storage::Parameter`.
    pub parameters: Vec<PlanParameter>,
    /// One a copy.
    pub notes: Vec<Note>,
}

/// Writes the steps of a verified graph.
pub(super) fn lower(graph: &KernelGraph) -> Lowered {
    let live = graph.live();
    let order: Vec<NodeId> = graph.dag.order().unwrap_or_default().into_iter().filter(|id| live.contains(id)).collect();
    let constants = graph.constants();
    let places = find_places(graph, &order, &constants);
    let lowering = Lowering {
        graph,
        constants,
        places,
        located: HashMap::new(),
        owners: HashMap::new(),
        copies: HashMap::new(),
        lowered: Lowered { draft: Draft::default(), parameters: Vec::new(), notes: Vec::new() },
    };
    lowering.run(&order)
}

/// How a view must lie for a kernel to read it.
#[derive(Clone, Copy, PartialEq)]
enum Density {
    /// Any strides.
    Any,
    /// Without gaps from axis 1 on.
    FromAxis1,
    /// Without gaps.
    Whole,
}

impl Density {
    /// What the rules of `plan/mod.rs` ask of a kernel's own operand.
    fn of(kernel: &Kernel, operand: usize) -> Density {
        match kernel {
            Kernel::Map(_) => Density::Any,
            Kernel::Conv { .. } | Kernel::ConvData { .. } if operand == 1 => Density::Whole,
            _ => Density::FromAxis1,
        }
    }

    fn holds(self, view: &View) -> bool {
        match self {
            Density::Any => true,
            Density::FromAxis1 => view.is_dense_from(1),
            Density::Whole => view.is_dense(),
        }
    }
}

struct Lowering<'a> {
    graph: &'a KernelGraph,
    constants: HashSet<NodeId>,
    places: HashMap<NodeId, Place>,
    /// Where each value lies.
    located: HashMap<NodeId, Located>,
    /// The buffers of concatenations, by the outermost one.
    owners: HashMap<NodeId, usize>,
    /// Dense copies of values that lie otherwise.
    copies: HashMap<NodeId, Located>,
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
        self.lowered.draft.outputs = self.graph.outputs.iter().map(|port| self.location(port.node)).collect();
        self.lowered.draft.mark_what_stays();
        self.lowered
    }

    fn location(&self, id: NodeId) -> Located {
        let nowhere = || Located { buffer: None, view: View::dense(Storage::Arena, 0, &[0]) };
        self.located.get(&id).cloned().unwrap_or_else(nowhere)
    }

    /// Where a node's value lies once its steps, if it needs any, are written.
    fn node(&mut self, id: NodeId, node: &KernelNode) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let first = arguments.first().copied().unwrap_or(NodeId::end());
        match &node.kernel {
            Kernel::Input(index) => Located { buffer: None, view: View::dense(Storage::Input(*index), 0, &node.shape) },
            Kernel::Parameter(parameter) => self.parameter(parameter.0 as usize, &node.shape),
            Kernel::Reshape => self.reshape(first, node),
            Kernel::Slice { axis, start } => {
                let length = node.shape.get(*axis).copied().unwrap_or(0);
                self.view_of(first, |view| view.sliced(*axis, *start, length))
            }
            Kernel::Permute { axes } => self.view_of(first, |view| view.permuted(axes)),
            Kernel::Concat { axis } => self.concat(id, node, *axis),
            kernel => self.compute(id, node, kernel, &arguments),
        }
    }

    fn parameter(&mut self, number: usize, shape: &[usize]) -> Located {
        let path = self.graph.parameters.get(number).map(|parameter| parameter.path.clone()).unwrap_or_default();
        self.lowered.parameters.push(PlanParameter { path, shape: shape.to_vec() });
        let storage = Storage::Parameter(self.lowered.parameters.len() - 1);
        Located { buffer: None, view: View::dense(storage, 0, shape) }
    }

    fn view_of(&self, argument: NodeId, change: impl FnOnce(&View) -> View) -> Located {
        let located = self.location(argument);
        Located { view: change(&located.view), ..located }
    }

    fn reshape(&mut self, argument: NodeId, node: &KernelNode) -> Located {
        let located = self.location(argument);
        if let Some(view) = located.view.reshaped(&node.shape) {
            return Located { view, ..located };
        }
        let why = "its elements do not follow each other as the new shape needs";
        let dense = self.dense_copy(argument, &node.origins, why);
        let view = View::dense(dense.view.storage, dense.view.offset, &node.shape);
        Located { view, ..dense }
    }

    /// Copies what does not lie in its place yet.
    fn concat(&mut self, id: NodeId, node: &KernelNode, axis: usize) -> Located {
        let whole = self.target(id, &node.shape);
        for (part, place) in parts(self.graph, id, axis, &whole.view) {
            let from = self.location(part);
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

    fn compute(&mut self, id: NodeId, node: &KernelNode, kernel: &Kernel, arguments: &[NodeId]) -> Located {
        let (own, others) = arguments.split_at_checked(node.own_arguments).unwrap_or((arguments, &[]));
        let mut operands: Vec<Located> = Vec::with_capacity(arguments.len());
        for (index, &argument) in own.iter().enumerate() {
            operands.push(self.operand(argument, Density::of(kernel, index), &node.origins));
        }
        operands.extend(others.iter().map(|&argument| self.location(argument)));
        let repeated = if matches!(kernel, Kernel::Map(_)) { 0 } else { own.len() };
        for operand in operands.iter_mut().skip(repeated) {
            operand.view = operand.view.broadcast(&node.shape);
        }
        let output = self.target(id, &node.shape);
        let step = Step {
            kernel: kernel.clone(),
            operands: operands.iter().map(|operand| operand.view.clone()).collect(),
            own_operands: own.len(),
            epilogue: node.epilogue.clone(),
            output: output.view.clone(),
            origins: node.origins.clone(),
        };
        self.push(step, &operands, &output, self.constants.contains(&id));
        output
    }

    /// A value as a kernel can read it.
    fn operand(&mut self, argument: NodeId, density: Density, origins: &[Arc<str>]) -> Located {
        let located = self.location(argument);
        if density.holds(&located.view) {
            return located;
        }
        self.dense_copy(argument, origins, "the kernel reads only values without gaps")
    }

    fn dense_copy(&mut self, id: NodeId, origins: &[Arc<str>], why: &str) -> Located {
        if let Some(copy) = self.copies.get(&id) {
            return copy.clone();
        }
        let from = self.location(id);
        let constant = self.constants.contains(&id);
        let into = self.fresh(&from.view.shape, constant);
        self.copy(from, into.clone(), constant, origins);
        self.note(origins, format!("`{}` is copied: {why}", self.graph.label(id)));
        self.copies.insert(id, into.clone());
        into
    }

    fn copy(&mut self, from: Located, into: Located, constant: bool, origins: &[Arc<str>]) {
        let step = Step {
            kernel: Kernel::Map(Expression::operand(0)),
            operands: vec![from.view.clone()],
            own_operands: 1,
            epilogue: None,
            output: into.view.clone(),
            origins: origins.to_vec(),
        };
        self.push(step, &[from], &into, constant);
    }

    fn push(&mut self, step: Step, operands: &[Located], output: &Located, constant: bool) {
        let Some(buffer) = output.buffer else { return };
        let operands = operands.iter().map(|operand| operand.buffer).collect();
        let list = if constant { &mut self.lowered.draft.prepare } else { &mut self.lowered.draft.run };
        list.push(DraftStep { step, operands, output: buffer });
    }

    /// Where a node writes: its place in a concatenation, or a buffer of its own.
    fn target(&mut self, id: NodeId, shape: &[usize]) -> Located {
        let constant = self.constants.contains(&id);
        let Some(Place { owner, view }) = self.places.get(&id).cloned() else { return self.fresh(shape, constant) };
        let buffer = match self.owners.get(&owner) {
            Some(&buffer) => buffer,
            None => {
                let size = self.graph.dag.get(owner).and_then(|node| elements(&node.shape)).unwrap_or(0);
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
