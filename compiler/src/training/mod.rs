//! A training step as a kernel graph: forward, loss, backward and update, to be fused and planned like any other.
//!
//! What comes in is a network whose shapes are known and what to do with it ([`Training`]). What goes out takes, by name,
//! the network's inputs and those of [`names`], gives the outputs `loss` and `correct`, and lists in
//! [`KernelGraph::updates`] which parameters, running statistics and optimiser states a run writes.
//! Learning rate and step are inputs, so a schedule changes no plan; plans for batches of other sizes share one state.

mod average;
mod loss;
mod optimiser;
mod options;
mod parts;
mod recompute;

pub use loss::{BinaryCrossEntropy, BinaryFocal, ClassWeights, CrossEntropy, Loss, SumOrMean};
pub use optimiser::{Adam, Lamb, NAdam, Optimiser, RmsProp, Sgd};
pub use options::{Average, Training};
pub use parts::{Halves, compile_gradients, compile_update, training_halves};
pub use recompute::recompute;

use crate::diagnostic::{Code, Diagnostic};
use crate::element::ElementType;
use crate::gradient::gradient;
use crate::graph::{NodeId, Parameter, ParameterId, ShapedGraph};
use crate::kernels::{ClassInput, Kernel, KernelBuilder, KernelGraph, LayerContext, Port, fault, verify};
use crate::passes::{self, Note};
use crate::plan::{Plan, Target, plan_with_notes};
use crate::write_kernels::{Bindings, write_kernels, write_training_kernels};

/// What a training step calls the inputs and outputs that it adds to the network's own.
pub mod names {
    /// Input: what the network should answer. For the cross-entropy a class number each, `[N]`, or `[N, H, W]` when the network
    /// answers `[N, classes, H, W]`; for the other losses a tensor of the answer's shape.
    pub const LABELS: &str = "labels";
    /// Input `[classes]`: what each class counts, of losses that are told so; no plan depends on it.
    pub const CLASS_WEIGHTS: &str = "class_weights";
    /// Input `[]`: the learning rate, so that a schedule changes no plan.
    pub const LEARNING_RATE: &str = "learning_rate";
    /// Input `[]`, where a schedule changes it ([`super::Training::scheduled_momentum`]): the momentum, or the first beta.
    pub const MOMENTUM: &str = "momentum";
    /// Input `[]` of `uint64`: the number of this step, from 1 on: for Adam's bias correction and for random numbers.
    pub const STEP: &str = "step";
    /// Input `[]` of `uint64`: the number from which dropout draws, together with the step.
    pub const SEED: &str = "seed";
    /// Input `[]` of `uint64`, of a step in parts: the number of the part, from 0 on, which forgets what the step before left.
    pub const PART: &str = "part";
    /// Input `[]`, of a step in parts: what the part's gradients are of the step's ([`super::Loss::share`]).
    pub const SHARE: &str = "share";
    /// Output `[]`: the batch's loss.
    pub const LOSS: &str = "loss";
    /// Output `[]`: of the cross-entropy, how many of the batch's labels are the class of the highest score, the first of
    /// equals; of the binary cross-entropy, of how many samples all scores are on the right side of 0: above it for a one.
    pub const CORRECT: &str = "correct";

    /// Optimiser states are parameters too, under a [`state_key`]. This is a momentum of SGD.
    pub const MOMENTUM_BUFFER: &str = "momentum_buffer";
    /// Adam's running mean of gradients.
    pub const EXP_AVG: &str = "exp_avg";
    /// Adam's running mean of squared gradients.
    pub const EXP_AVG_SQ: &str = "exp_avg_sq";

    /// RMSprop's running mean of squared gradients.
    pub const SQUARE_AVG: &str = "square_avg";
    /// Centred RMSprop's running mean of gradients.
    pub const GRAD_AVG: &str = "grad_avg";
    /// The key of NAdam's product of the means' shares, one number for all parameters.
    pub const MU_PRODUCT: &str = ".mu_product";

    /// The sum of a step's gradients so far, where it is done in parts.
    pub const GRADIENT: &str = "gradient";

    /// The running mean of the parameter itself.
    pub const AVERAGE: &str = "ema";

    /// The key of an optimiser's state of a parameter: `.momentum_buffer.0.weight`. No parameter's key begins with a dot, since
    /// no name is empty.
    pub fn state_key(state: &str, parameter: &str) -> String {
        format!(".{state}.{parameter}")
    }

    /// Whether a key is that of an optimiser's state, and no parameter's.
    pub fn is_state(key: &str) -> bool {
        key.starts_with('.')
    }
}

/// One step of training: loss, gradients and what the optimiser makes of them.
///
/// # Errors
/// E402, E308 and E401 as [`write_kernels`]; E403 when the loss does not fit the network.
pub fn training_step(
    network: &ShapedGraph,
    bindings: &Bindings,
    training: &Training,
) -> Result<KernelGraph, Box<Diagnostic>> {
    let Backward { mut graph, gradients } = backward(network, bindings, &training.loss, 0)?;
    let gradients = gradients.into_iter().filter_map(|(leaf, gradient)| Some((leaf, gradient?))).collect();
    let moved: Vec<_> = graph.updates.iter().map(|update| (update.parameter, update.node)).collect();
    learn(network, &mut graph, training, gradients, &moved)?;
    Ok(graph)
}

/// Adds what the optimiser makes of parameters and their gradients, and as inputs the learning rate and a momentum that changes.
fn learn(
    network: &ShapedGraph,
    graph: &mut KernelGraph,
    training: &Training,
    gradients: Vec<(NodeId, NodeId)>,
    moved: &[(ParameterId, NodeId)],
) -> Result<(), Box<Diagnostic>> {
    let rate = graph.add_input(names::LEARNING_RATE, ElementType::Float32, &[]);
    let told = |graph: &mut KernelGraph| graph.add_input(names::MOMENTUM, ElementType::Float32, &[]);
    let momentum = training.scheduled_momentum.then(|| told(graph));
    let gradients = match training.max_gradient_norm {
        Some(most) => optimiser::clipped(graph, gradients, most),
        None => gradients,
    };
    optimiser::update(network, graph, training, &gradients, rate, momentum, moved)?;
    verify(graph).map_err(|text| fault(&text))
}

/// From a network whose shapes are known to the plan of its training step, with what every pass did and did not do.
///
/// # Errors
/// As [`training_step`], and E401 when there is too little memory.
pub fn compile_step(
    network: &ShapedGraph,
    bindings: &Bindings,
    training: &Training,
    target: &Target,
) -> Result<(Plan, Vec<Note>), Box<Diagnostic>> {
    planned(training_step(network, bindings, training)?, training.recompute, target)
}

/// A graph through all passes to its plan; where so, what is dear to keep is computed again.
fn planned(mut graph: KernelGraph, recomputes: bool, target: &Target) -> Result<(Plan, Vec<Note>), Box<Diagnostic>> {
    let mut notes = passes::run(&mut graph)?;
    if recomputes {
        notes.extend(recompute(&mut graph));
    }
    let (plan, copies) = plan_with_notes(&graph, target)?;
    notes.extend(copies);
    Ok((plan, notes))
}

/// The loss of a batch and its gradients by the network's inputs and every parameter that is trained, as outputs under their
/// names; those that the loss does not depend on are left out. Running statistics move as in a step.
///
/// # Errors
/// As [`training_step`].
pub fn loss_and_gradients(
    network: &ShapedGraph,
    bindings: &Bindings,
    loss: Loss,
) -> Result<KernelGraph, Box<Diagnostic>> {
    let inputs = network.graph.inputs.len();
    let Backward { mut graph, gradients } = backward(network, bindings, &loss, inputs)?;
    for (leaf, node) in gradients {
        let name = graph.label(leaf).into();
        graph.outputs.extend(node.map(|node| Port { name, node }));
    }
    verify(&graph).map_err(|text| fault(&text))?;
    Ok(graph)
}

/// The loss of a batch at inference, for validation: the network's outputs, then `loss` and, of the cross-entropy, `correct`.
///
/// # Errors
/// As [`training_step`].
pub fn evaluation(network: &ShapedGraph, bindings: &Bindings, loss: Loss) -> Result<KernelGraph, Box<Diagnostic>> {
    let mut graph = write_kernels(network, bindings)?;
    let outputs = graph.outputs.clone();
    let added = with_loss(network, &mut graph, &loss)?.1;
    graph.outputs = outputs.into_iter().chain(added).collect();
    verify(&graph).map_err(|text| fault(&text))?;
    Ok(graph)
}

/// A network with its loss, and the gradient by each leaf that is asked for, if the loss depends on it.
struct Backward {
    graph: KernelGraph,
    gradients: Vec<(NodeId, Option<NodeId>)>,
}

/// The backward half by the first so many inputs and all parameters that are trained.
fn backward(
    network: &ShapedGraph,
    bindings: &Bindings,
    loss: &Loss,
    inputs: usize,
) -> Result<Backward, Box<Diagnostic>> {
    let mut graph = write_training_kernels(network, bindings)?;
    let (loss, outputs) = with_loss(network, &mut graph, loss)?;
    graph.outputs = outputs.into_iter().collect();
    let wanted = |kernel: &Kernel| match kernel {
        Kernel::Input(index) => *index < inputs,
        Kernel::Parameter(id) => network.graph.parameter(*id).is_some_and(Parameter::is_learnt),
        _ => false,
    };
    let leaves: Vec<NodeId> = graph.dag.iter().filter(|(_, node)| wanted(&node.kernel)).map(|(leaf, _)| leaf).collect();
    let gradients = gradient(&mut graph, loss, &leaves)?;
    Ok(Backward { graph, gradients: leaves.into_iter().zip(gradients).collect() })
}

/// Adds the loss of the network's only output, and gives it and the outputs that it makes.
fn with_loss(
    network: &ShapedGraph,
    graph: &mut KernelGraph,
    loss: &Loss,
) -> Result<(NodeId, Vec<Port>), Box<Diagnostic>> {
    let reserved = [names::LABELS, names::CLASS_WEIGHTS, names::LEARNING_RATE, names::STEP, names::SEED];
    let reserved = [&reserved[..], &[names::MOMENTUM, names::PART, names::SHARE]].concat();
    if let Some(input) = network.graph.inputs.iter().find(|input| reserved.contains(&&*input.name)) {
        let message = format!("an input of the network is named `{}`, as one of the training step's", input.name);
        return Err(Box::new(Diagnostic::new(Code::E403, message, input.span, "give this input another name")));
    }
    let [output] = network.graph.outputs.as_slice() else {
        let names: Vec<String> = network.graph.outputs.iter().map(|output| format!("`{}`", output.name)).collect();
        let message = format!("a network is trained on one output, and this has {}", names.len());
        let diagnostic = Diagnostic::without_place(Code::E403, message);
        return Err(Box::new(diagnostic.note(format!("its outputs are {}", names.join(", ")))));
    };
    let answer = graph.outputs.first().map_or(NodeId::end(), |port| port.node);
    let shape = graph.dag.get(answer).map(|node| node.shape.clone()).unwrap_or_default();
    let target = loss::target_shape(loss, &shape).ok_or_else(|| {
        let message = format!(
            "the cross-entropy wants scores [N, classes] or [N, classes, …], and `{}` is {shape:?}",
            output.name
        );
        Box::new(Diagnostic::without_place(Code::E403, message))
    })?;
    let classes = shape.get(1).copied().unwrap_or(0);
    if let Loss::CrossEntropy(_) = loss {
        graph.class_input = Some(ClassInput { input: graph.inputs.len(), classes });
    }
    let labels = graph.add_input(names::LABELS, ElementType::Float32, &target);
    let mut inputs = vec![answer, labels];
    if let Some(weights) = loss.class_weights() {
        if weights.len() != classes {
            let message = format!("the loss has {} class weights, and `{}` is {shape:?}", weights.len(), output.name);
            return Err(Box::new(Diagnostic::without_place(Code::E403, message).help("give one for each class")));
        }
        inputs.push(graph.add_input(names::CLASS_WEIGHTS, ElementType::Float32, &[classes]));
    }
    let context = LayerContext { origin: names::LOSS.into(), inputs, parameters: vec![], output: shape };
    let found = loss::write(&mut KernelBuilder::new(graph, context), loss);
    let ports = [(names::LOSS, Some(found.loss)), (names::CORRECT, found.correct)];
    let ports = ports.into_iter().filter_map(|(name, node)| node.map(|node| Port { name: name.into(), node }));
    Ok((found.loss, ports.collect()))
}
