//! What passes and planner ask of a kernel graph, the one edit that all of them make, and how a fault of theirs is told.

use super::results::{Results, RunResult};
use super::{Kernel, KernelGraph, KernelNode, Port};
use crate::diagnostic::{Code, Diagnostic};
use crate::element::ElementType;
use crate::graph::{Dag, NodeId, ParameterId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most layers that a node names. A thousand equal branches are one kernel, and nobody reads a thousand names.
const MAX_ORIGINS: usize = 32;

impl KernelGraph {
    /// Whether a parameter may have another value in the next run.
    pub fn changes(&self, parameter: ParameterId) -> bool {
        self.changing.contains(&parameter) || self.updates.of_parameter(parameter).is_some()
    }

    /// The nodes whose value depends on parameters alone that do not change: constants.
    pub fn constants(&self) -> HashSet<NodeId> {
        let mut constants = HashSet::new();
        for id in self.dag.order().unwrap_or_default() {
            let given = match self.dag.get(id).map(|node| &node.kernel) {
                Some(Kernel::Input(_)) => true,
                Some(Kernel::Parameter(parameter)) => self.changes(*parameter),
                _ => false,
            };
            if !given && self.dag.arguments(id).iter().all(|argument| constants.contains(argument)) {
                constants.insert(id);
            }
        }
        constants
    }

    /// The nodes whose values a run leaves behind: outputs and updates.
    pub fn results(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.outputs.iter().map(|port| port.node).chain(self.updates.iter().map(|update| update.node))
    }

    /// The nodes that some output or update needs.
    pub fn live(&self) -> HashSet<NodeId> {
        let mut live = HashSet::new();
        let mut rest: Vec<NodeId> = self.results().collect();
        while let Some(id) = rest.pop() {
            if live.insert(id) {
                rest.extend(self.dag.arguments(id));
            }
        }
        live
    }

    /// Whether a value leaves the graph, or becomes a parameter's.
    pub fn is_output(&self, id: NodeId) -> bool {
        self.outputs.count(id) > 0 || self.is_update(id)
    }

    /// Whether a parameter gets this value.
    pub fn is_update(&self, id: NodeId) -> bool {
        self.updates.count(id) > 0
    }

    /// Gives the nodes new indices, in order and without gaps, so that what is added from now on comes last.
    pub(crate) fn renumber(&mut self) -> Option<()> {
        let mut dag = Dag::default();
        let mut renamed: HashMap<NodeId, NodeId> = HashMap::new();
        for id in self.dag.order()? {
            let arguments: Option<Vec<NodeId>> =
                self.dag.arguments(id).iter().map(|argument| renamed.get(argument).copied()).collect();
            renamed.insert(id, dag.add(self.dag.get(id)?.clone(), &arguments?));
        }
        for port in &mut self.inputs {
            port.node = *renamed.get(&port.node)?;
        }
        self.outputs = renumbered(&self.outputs, &renamed)?;
        self.updates = renumbered(&self.updates, &renamed)?;
        self.dag = dag;
        Some(())
    }

    /// Adds an input after those that there are.
    pub fn add_input(&mut self, name: &str, element: ElementType, shape: &[usize]) -> NodeId {
        let kernel = Kernel::Input(self.inputs.len());
        let node = self.dag.add(KernelNode::new(kernel, shape.to_vec(), element, 0, Vec::new()), &[]);
        self.inputs.push(Port { name: name.into(), node });
        node
    }

    /// Adds a kernel without an epilogue. It computes in float32, unless it only moves elements, whose type it keeps.
    pub fn add(&mut self, kernel: Kernel, shape: Vec<usize>, arguments: &[NodeId], origins: Vec<Arc<str>>) -> NodeId {
        let moved = match kernel {
            Kernel::Parameter(id) => self.parameters.get(id.0 as usize).map(|parameter| parameter.element),
            _ if kernel.moves() => arguments.first().and_then(|&id| self.dag.get(id)).map(|node| node.element),
            _ => None,
        };
        let element = moved.unwrap_or(ElementType::Float32);
        self.dag.add(KernelNode::new(kernel, shape, element, arguments.len(), origins), arguments)
    }

    /// The type of a value's elements.
    pub fn element(&self, id: NodeId) -> Option<ElementType> {
        self.dag.get(id).map(|node| node.element)
    }

    /// Lets everything that uses `old` use `new` instead, outputs and updates too; `old` stays, unused.
    pub fn replace(&mut self, old: NodeId, new: NodeId) {
        self.dag.replace_uses(old, new);
        self.outputs.replace(old, new);
        self.updates.replace(old, new);
    }

    /// The one node that uses a value, if nothing else does, outputs included; it may take the value several times.
    pub fn only_user(&self, id: NodeId) -> Option<NodeId> {
        let uses = self.dag.uses(id);
        let (first, _) = *uses.first()?;
        (uses.iter().all(|&(user, _)| user == first) && !self.is_output(id)).then_some(first)
    }

    /// What to call a value in messages: the name of an input or parameter, else the layers that it came from.
    pub fn label(&self, id: NodeId) -> String {
        let Some(node) = self.dag.get(id) else { return String::new() };
        match node.kernel {
            Kernel::Input(index) => self.inputs.get(index).map(|port| port.name.to_string()).unwrap_or_default(),
            Kernel::Parameter(parameter) => {
                self.parameters.get(parameter.0 as usize).map(|entry| entry.path.to_string()).unwrap_or_default()
            }
            _ => node.label(),
        }
    }
}

impl KernelNode {
    /// A kernel without an epilogue, all of whose arguments are its own, which computes in the type of its value's elements.
    pub fn new(
        kernel: Kernel,
        shape: Vec<usize>,
        element: ElementType,
        own_arguments: usize,
        origins: Vec<Arc<str>>,
    ) -> KernelNode {
        KernelNode { kernel, epilogue: None, own_arguments, shape, element, compute: element, origins }
    }

    /// Counts layers of another node among those that this one came from, up to a limit.
    pub fn add_origins(&mut self, origins: &[Arc<str>]) {
        for origin in origins {
            if self.origins.len() < MAX_ORIGINS && !self.origins.contains(origin) {
                self.origins.push(origin.clone());
            }
        }
    }

    /// The first layer that the node came from.
    pub fn place(&self) -> Arc<str> {
        self.origins.first().cloned().unwrap_or_default()
    }

    /// The layers that the node came from, `0 Conv2d + 1 ReLU`.
    pub fn label(&self) -> String {
        self.origins.join(" + ")
    }

    /// The number of elements, unless that is past counting.
    pub fn elements(&self) -> Option<usize> {
        elements(&self.shape)
    }
}

/// The same results under their nodes' new indices.
fn renumbered<T: RunResult + Clone>(results: &Results<T>, renamed: &HashMap<NodeId, NodeId>) -> Option<Results<T>> {
    results.iter().map(|entry| Some(entry.clone().of_node(*renamed.get(&entry.node())?))).collect()
}

/// E499: the compiler made something that breaks its own rules.
pub(crate) fn fault(text: &str) -> Box<Diagnostic> {
    let message = format!("the compiler made a mistake: {text}");
    let help = "this is a fault of cnnc, not of the spec: please report it, with the spec";
    Box::new(Diagnostic::without_place(Code::E499, message).help(help))
}

/// The product of sizes, unless it is past counting.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}
