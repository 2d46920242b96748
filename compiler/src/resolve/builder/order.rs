//! Parameters in the order of PyTorch's `state_dict`.
//!
//! Expansion declares parameters in text order. PyTorch lists a module's own tensors before those of its children, so bare
//! tensors (`layer_scale: Parameter(...)`) move in front of the layers beside them; without any, the order is that of the text
//! already.

use crate::graph::{Graph, ModuleId, ModuleKind, NodeId, ParameterId};

/// Renumbers the parameters.
pub(in crate::resolve) fn order_parameters(graph: &mut Graph) {
    let is_bare = |module: &ModuleId| bare_tensor(graph, *module).is_some();
    if !graph.modules.iter().any(|module| module.children.iter().any(is_bare)) {
        return;
    }
    let order = state_dict_order(graph);
    let mut numbers = vec![ParameterId(0); graph.parameters.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(number) = numbers.get_mut(old.0 as usize) {
            *number = ParameterId(new as u32);
        }
    }
    let ids: Vec<NodeId> = graph.dag.iter().map(|(id, _)| id).collect();
    for id in ids {
        for used in graph.dag.get_mut(id).into_iter().flat_map(|node| &mut node.parameters) {
            used.parameter = numbers.get(used.parameter.0 as usize).copied().unwrap_or(used.parameter);
        }
    }
    graph.parameters = order.iter().filter_map(|old| graph.parameter(*old).cloned()).collect();
}

/// Every parameter once, in the new order.
fn state_dict_order(graph: &Graph) -> Vec<ParameterId> {
    let mut order = Vec::with_capacity(graph.parameters.len());
    let mut seen = vec![false; graph.parameters.len()];
    let mut take = |id: ParameterId, order: &mut Vec<ParameterId>| {
        if let Some(seen) = seen.get_mut(id.0 as usize)
            && !std::mem::replace(seen, true)
        {
            order.push(id);
        }
    };
    let mut open = vec![ModuleId(0)];
    while let Some(module) = open.pop().and_then(|id| graph.module(id)) {
        if let ModuleKind::Layer(node) = module.kind {
            for used in graph.dag.get(node).into_iter().flat_map(|node| &node.parameters) {
                take(used.parameter, &mut order);
            }
        }
        for child in &module.children {
            if let Some(id) = bare_tensor(graph, *child) {
                take(id, &mut order);
            }
        }
        open.extend(module.children.iter().rev());
    }
    for id in 0..graph.parameters.len() {
        take(ParameterId(id as u32), &mut order);
    }
    order
}

/// The parameter that a module is, if its key is its own path.
fn bare_tensor(graph: &Graph, module: ModuleId) -> Option<ParameterId> {
    let module = graph.module(module)?;
    let ModuleKind::Layer(node) = module.kind else { return None };
    let used = graph.dag.get(node)?.parameters.first()?;
    (graph.parameter(used.parameter)?.path == module.path).then_some(used.parameter)
}
