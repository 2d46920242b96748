//! Running means of what a step changes (`torch.optim.swa_utils.get_ema_multi_avg_fn`): a state each, which the first step sets
//! and every other one moves by a share towards the new value.

use super::names;
use super::optimiser::{builder, state};
use crate::element::ElementType;
use crate::graph::{NodeId, ParameterId};
use crate::kernels::{Expression, KernelGraph, KernelParameter, Update};

/// What a mean takes of a new value, `[]`: all of it in the first step.
pub(super) fn share(graph: &mut KernelGraph, decay: f64, step: NodeId) -> NodeId {
    let is_first = Expression::Constant(1.5).greater(Expression::operand(0));
    builder(graph, names::AVERAGE.into()).map(&[step], is_first.select(1.0, 1.0 - decay))
}

/// Keeps the mean of a parameter or buffer, whose value after the step is `new`.
pub(super) fn keep(graph: &mut KernelGraph, of: ParameterId, new: NodeId, share: NodeId) {
    let Some(KernelParameter { path, shape, .. }) = graph.parameters.get(of.0 as usize).cloned() else { return };
    let (id, mean) = state(graph, names::state_key(names::AVERAGE, &path), shape.clone(), 0.0);
    let mut builder = builder(graph, format!("{} of {path}", names::AVERAGE));
    let share = builder.with_rank(share, shape.len());
    let [old, value, part] = [0, 1, 2].map(Expression::operand);
    let node = builder.map(&[mean, new, share], old.clone() + (value - old) * part);
    graph.updates.push(Update { parameter: id, node });
}

/// Keeps the means of buffers that a step moves, such as a batch norm's running statistics, each with its value after the step.
/// What counts has no mean.
pub(super) fn keep_buffers(graph: &mut KernelGraph, moved: &[(ParameterId, NodeId)], share: NodeId) {
    for &(buffer, new) in moved {
        let is_real = graph.parameters.get(buffer.0 as usize).is_some_and(|one| one.element == ElementType::Float32);
        if is_real {
            keep(graph, buffer, new, share);
        }
    }
}
