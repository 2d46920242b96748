//! In which order nodes are computed, and which new values of parameters are written where the old ones lie.
//!
//! Arguments come first, otherwise nodes come as layers were written; those that no output or update needs are left out. A new
//! value of a parameter is computed as soon as it can be, so that gradients do not wait for each other in memory. It is written
//! over the old one if it is a `Map` that reads the old one element for element or not at all, and comes after everything else
//! that reads the old one. Where this cannot be, for a parameter that an output shows or that two parameters exchange, values are
//! written back at the end.

use crate::graph::{NodeId, ParameterId};
use crate::kernels::{Kernel, KernelGraph, KernelNode, Update};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// The order.
pub(super) struct Order {
    /// The nodes that something needs.
    pub order: Vec<NodeId>,
    /// The nodes that write their parameter's storage.
    pub in_place: HashMap<NodeId, ParameterId>,
}

/// Finds both.
pub(super) fn order(graph: &KernelGraph) -> Order {
    let live = graph.live();
    let readers = readers(graph, &live);
    let in_place = in_place(graph, &readers);
    let mut before: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for (&node, parameter) in &in_place {
        let others = readers.get(parameter).into_iter().flatten().filter(|&&reader| reader != node);
        before.entry(node).or_default().extend(others);
    }
    match sorted(graph, &live, &before) {
        Some(order) => Order { order, in_place },
        None => Order { order: sorted(graph, &live, &HashMap::new()).unwrap_or_default(), in_place: HashMap::new() },
    }
}

/// The nodes that read each updated parameter as it lies, through whatever views.
fn readers(graph: &KernelGraph, live: &HashSet<NodeId>) -> HashMap<ParameterId, Vec<NodeId>> {
    let mut readers: HashMap<ParameterId, Vec<NodeId>> =
        graph.updates.iter().map(|update| (update.parameter, Vec::new())).collect();
    for (id, node) in graph.dag.iter() {
        let Kernel::Parameter(parameter) = node.kernel else { continue };
        let Some(list) = readers.get_mut(&parameter) else { continue };
        let mut rest = vec![id];
        while let Some(value) = rest.pop() {
            for (user, _) in graph.dag.uses(value).into_iter().filter(|(user, _)| live.contains(user)) {
                if graph.dag.get(user).is_some_and(|node| node.kernel.is_view()) {
                    rest.push(user)
                } else {
                    list.push(user)
                }
            }
        }
    }
    readers
}

/// The updates that may be written in place, as far as their own node says.
fn in_place(graph: &KernelGraph, readers: &HashMap<ParameterId, Vec<NodeId>>) -> HashMap<NodeId, ParameterId> {
    let constants = if graph.updates.is_empty() { HashSet::new() } else { graph.constants() };
    let may = |update: &&Update| {
        let Some(node) = graph.dag.get(update.node) else { return false };
        let own = |argument: &NodeId| matches!(graph.dag.get(*argument).map(|node| &node.kernel), Some(Kernel::Parameter(id)) if *id == update.parameter);
        let reads = readers.get(&update.parameter).is_some_and(|readers| readers.contains(&update.node));
        let as_it_lies = !reads
            || graph
                .dag
                .arguments(update.node)
                .iter()
                .filter(|argument| !own(argument))
                .all(|&argument| root(graph, argument) != Some(update.parameter));
        let alone = graph.updates.count(update.node) == 1;
        matches!(node.kernel, Kernel::Map(_)) && as_it_lies && alone && !constants.contains(&update.node)
    };
    let shown: HashSet<ParameterId> = graph.results().filter_map(|node| root(graph, node)).collect();
    let chosen = graph.updates.iter().filter(may).filter(|update| !shown.contains(&update.parameter));
    chosen.map(|update| (update.node, update.parameter)).collect()
}

/// The parameter of which a value is a view.
pub(super) fn root(graph: &KernelGraph, mut id: NodeId) -> Option<ParameterId> {
    loop {
        match &graph.dag.get(id)?.kernel {
            Kernel::Parameter(parameter) => return Some(*parameter),
            kernel if kernel.is_view() => id = graph.dag.arguments(id).first().copied()?,
            _ => return None,
        }
    }
}

/// Live nodes with arguments, and what must come `before`, first; of those that are ready, what is there already, single numbers
/// and new values of parameters first, so that no update waits for a learning rate that was asked for late, then the one with the
/// smallest index.
fn sorted(graph: &KernelGraph, live: &HashSet<NodeId>, before: &HashMap<NodeId, Vec<NodeId>>) -> Option<Vec<NodeId>> {
    let mut missing: HashMap<NodeId, usize> = HashMap::new();
    let mut after: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for &id in live {
        let first = graph.dag.arguments(id).into_iter().chain(before.get(&id).into_iter().flatten().copied());
        let mut count = 0;
        for other in first {
            after.entry(other).or_default().push(id);
            count += 1;
        }
        missing.insert(id, count);
    }
    let updates: HashSet<NodeId> = graph.updates.iter().map(|update| update.node).collect();
    let is_first = |node: &KernelNode| node.kernel.is_given() || node.shape.iter().all(|&size| size == 1);
    let key = |id: NodeId| Reverse((!updates.contains(&id) && !graph.dag.get(id).is_some_and(is_first), id));
    let mut ready: BinaryHeap<_> = missing.iter().filter(|&(_, &count)| count == 0).map(|(&id, _)| key(id)).collect();
    let mut order = Vec::with_capacity(live.len());
    while let Some(Reverse((_, id))) = ready.pop() {
        order.push(id);
        for user in after.get(&id).into_iter().flatten() {
            if let Some(count) = missing.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    ready.push(key(*user));
                }
            }
        }
    }
    (order.len() == live.len()).then_some(order)
}
