//! A training step in parts: the gradients of a few samples at a time, gathered in states, and then one update.
//!
//! A batch that is too large for the memory is computed so, one part after another; so may several devices compute parts of one
//! batch and add up what each has gathered. The sums lie beside the parameters, under [`names::GRADIENT`], and are weighted by
//! samples, so that they are the gradients of the whole batch, but for rounding and for what a layer makes of a batch as a whole.

use super::{Backward, Training, backward, learn, names, optimiser, planned};
use crate::diagnostic::Diagnostic;
use crate::element::ElementType;
use crate::graph::{NodeId, ParameterId, ShapedGraph};
use crate::kernels::{Expression, Kernel, KernelGraph, Update, fault, verify};
use crate::plan::{Plan, Target};
use crate::write_kernels::Bindings;

/// A step in two halves over one state. With one part, whose share is 1, they do what [`super::training_step`] does.
pub struct Halves {
    /// Gives `loss` and `correct` of a part, and adds its gradients, times the input `share`, to the sums by every parameter that
    /// is trained and that the loss depends on; the part of number 0 begins them anew. Running statistics move.
    pub gradients: KernelGraph,
    /// Reads the sums, and takes the learning rate and the step's number. Writes parameters and the optimiser's states.
    pub update: KernelGraph,
}

/// Both halves of a step; the sizes of the bindings are those of a part.
///
/// # Errors
/// As [`super::training_step`].
pub fn training_halves(
    network: &ShapedGraph,
    bindings: &Bindings,
    training: &Training,
) -> Result<Halves, Box<Diagnostic>> {
    let Backward { graph: mut gradients, gradients: found } = backward(network, bindings, &training.loss, 0)?;
    let part = gradients.add_input(names::PART, ElementType::Uint64, &[]);
    let share = gradients.add_input(names::SHARE, ElementType::Float32, &[]);
    let moved: Vec<ParameterId> = gradients.updates.iter().map(|moved| moved.parameter).collect();
    let mut sums = Vec::new();
    for (leaf, gradient) in found {
        let Some(gradient) = gradient else { continue };
        if let Some(Kernel::Parameter(id)) = gradients.dag.get(leaf).map(|node| node.kernel.clone()) {
            gradients.changing.insert(id);
            sums.push((id, gathered(&mut gradients, leaf, gradient, [part, share])));
        }
    }
    let mut update = KernelGraph { parameters: gradients.parameters.clone(), ..KernelGraph::default() };
    let handed = sums.into_iter().map(|(parameter, sum)| {
        update.changing.insert(sum);
        (parameter_node(&mut update, parameter), parameter_node(&mut update, sum))
    });
    let handed = handed.collect();
    // The gradients' half has moved them.
    let moved = moved.into_iter().map(|buffer| {
        update.changing.insert(buffer);
        (buffer, parameter_node(&mut update, buffer))
    });
    let moved: Vec<(ParameterId, NodeId)> = moved.collect();
    update.add_input(names::STEP, ElementType::Uint64, &[]);
    learn(network, &mut update, training, handed, &moved)?;
    verify(&gradients).map_err(|text| fault(&text))?;
    Ok(Halves { gradients, update })
}

/// The plan of a part's gradients.
///
/// # Errors
/// As [`super::compile_step`].
pub fn compile_gradients(
    network: &ShapedGraph,
    bindings: &Bindings,
    training: &Training,
    target: &Target,
) -> Result<Plan, Box<Diagnostic>> {
    let Halves { gradients, .. } = training_halves(network, bindings, training)?;
    planned(gradients, training.recompute, target).map(|(plan, _)| plan)
}

/// The plan of an update, which is the same for parts of any size.
///
/// # Errors
/// As [`super::compile_step`].
pub fn compile_update(
    network: &ShapedGraph,
    bindings: &Bindings,
    training: &Training,
    target: &Target,
) -> Result<Plan, Box<Diagnostic>> {
    let Halves { update, .. } = training_halves(network, bindings, training)?;
    planned(update, false, target).map(|(plan, _)| plan)
}

/// The state that gathers the gradient by a leaf.
fn gathered(graph: &mut KernelGraph, leaf: NodeId, gradient: NodeId, [part, share]: [NodeId; 2]) -> ParameterId {
    let key = graph.label(leaf);
    let shape = graph.dag.get(leaf).map(|node| node.shape.clone()).unwrap_or_default();
    let (id, before) = optimiser::state(graph, names::state_key(names::GRADIENT, &key), shape.clone(), 0.0);
    let mut builder = optimiser::builder(graph, format!("sum of gradients of {key}"));
    let [part, share] = [part, share].map(|scalar| builder.with_rank(scalar, shape.len()));
    let [before_of, gradient_of, part_of, share_of] = [0, 1, 2, 3].map(Expression::operand);
    let sum = part_of.select(before_of, 0.0) + gradient_of * share_of;
    let node = builder.map(&[before, gradient, part, share], sum);
    graph.updates.push(Update { parameter: id, node });
    id
}

fn parameter_node(graph: &mut KernelGraph, id: ParameterId) -> NodeId {
    let shape = graph.parameters.get(id.0 as usize).map(|parameter| parameter.shape.clone()).unwrap_or_default();
    graph.add(Kernel::Parameter(id), shape, &[], Vec::new())
}
