//! Optimisers in kernels, as PyTorch computes them: a parameter's new value, and those of its states, are a `Map` each.
//!
//! An optimiser is one file: its options and its [`Rule`]. The list below has a line of each.

mod adam;
mod lamb;
mod nadam;
mod one;
mod rmsprop;
mod sgd;

pub use adam::Adam;
pub use lamb::Lamb;
pub use nadam::NAdam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use super::{Average, Training, average, names};
use crate::diagnostic::Diagnostic;
use crate::graph::{NodeId, ParameterId, ShapedGraph};
use crate::kernels::{Expression, Kernel, KernelBuilder, KernelGraph, LayerContext, Reduction, fault};
pub(super) use one::state;
use one::{One, decayed};

/// Makes the enum of optimisers of their list: name, options, and what makes a rule of these.
macro_rules! optimisers {
    ($($(#[$about:meta])* $name:ident($options:ident) => $rule:path),* $(,)?) => {
        /// How a parameter follows its gradient.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Optimiser {
            $($(#[$about])* $name($options)),*
        }

        impl Optimiser {
            fn rule(self) -> Box<dyn Rule> {
                match self {
                    $(Optimiser::$name(options) => $rule(options)),*
                }
            }

            /// The weight decay.
            pub fn weight_decay(self) -> f64 {
                match self {
                    $(Optimiser::$name(options) => options.weight_decay),*
                }
            }

            /// The same with another weight decay, where one is given.
            pub fn with_weight_decay(self, weight_decay: Option<f64>) -> Optimiser {
                let weight_decay = weight_decay.unwrap_or(self.weight_decay());
                match self {
                    $(Optimiser::$name(options) => Optimiser::$name($options { weight_decay, ..options })),*
                }
            }
        }
    };
}

optimisers! {
    /// `torch.optim.SGD`.
    Sgd(Sgd) => Box::new,
    /// `torch.optim.Adam`: weight decay is part of the gradient.
    Adam(Adam) => Box::new,
    /// `torch.optim.AdamW`: weight decay shrinks the parameter itself.
    AdamW(Adam) => adam::decoupled,
    /// `torch.optim.NAdam`.
    NAdam(NAdam) => Box::new,
    /// `torch.optim.RMSprop`.
    RmsProp(RmsProp) => Box::new,
    /// LAMB, as timm and NVIDIA have it.
    Lamb(Lamb) => Box::new,
}

impl Optimiser {
    /// The momentum, or the first beta, by its options.
    pub fn momentum(self) -> f64 {
        self.rule().momentum()
    }
}

/// How an optimiser is written in kernels.
trait Rule {
    /// What its kernels say that they come from.
    fn name(&self) -> &'static str;

    /// The share of the past that its options keep: the momentum, or the first beta.
    fn momentum(&self) -> f64;

    /// What is the same for all parameters that began to learn after as many steps, `[]` each.
    fn once(&self, _step: &mut Step<'_>) -> Vec<NodeId> {
        Vec::new()
    }

    /// What is the same for all of those that learn at that rate, `[]` each.
    fn scalars(&self, step: &mut Step<'_>, rate: NodeId, once: &[NodeId]) -> Vec<NodeId>;

    /// One parameter's update.
    fn update(&self, one: &mut One<'_>);
}

/// What a step is told, `[]` each.
struct Step<'g> {
    graph: &'g mut KernelGraph,
    /// Its number, counted from where its parameters begin to learn.
    number: NodeId,
    /// The steps of the run before that.
    since: u64,
    /// The momentum, where a schedule changes it.
    momentum: Option<NodeId>,
}

impl Step<'_> {
    /// The share of the past that is kept: the usual one or, where it is told, that operand.
    fn kept(&self, usual: f64, operand: usize) -> Expression {
        kept(self.momentum, usual, operand)
    }

    /// What stands at that operand; any node where the momentum is not told, since nothing reads it.
    fn told(&self) -> NodeId {
        self.momentum.unwrap_or(self.number)
    }

    /// A `Map` that leaves out operands which the expression does not name.
    fn map(&mut self, origin: &str, operands: &[NodeId], expression: Expression) -> NodeId {
        map_used(&mut builder(self.graph, origin.into()), operands, &expression)
    }
}

fn kept(told: Option<NodeId>, usual: f64, operand: usize) -> Expression {
    told.map_or(Expression::Constant(usual), |_| Expression::operand(operand))
}

/// 1 − x
fn rest(share: Expression) -> Expression {
    match share {
        Expression::Constant(share) => Expression::Constant(1.0 - share),
        share => Expression::Constant(1.0) - share,
    }
}

/// A `Map` that leaves out operands which the expression does not name.
fn map_used(builder: &mut KernelBuilder<'_>, operands: &[NodeId], expression: &Expression) -> NodeId {
    let used = expression.operands();
    let kept: Vec<NodeId> = used.iter().filter_map(|&index| operands.get(index).copied()).collect();
    let number = |index: usize| used.iter().position(|&other| other == index).unwrap_or(0);
    builder.map(&kept, expression.substitute(&|index| Expression::operand(number(index))))
}

/// Numbers that one `Map` adds up.
const MAX_TERMS: usize = 32;

/// Adds the updates of parameters, each given with its gradient. `momentum` is told to the step where a schedule changes it;
/// `moved` are the buffers that the step moves, each with its value after it.
///
/// # Errors
/// E499 when the graph has no step input.
pub(super) fn update(
    network: &ShapedGraph,
    graph: &mut KernelGraph,
    training: &Training,
    gradients: &[(NodeId, NodeId)],
    rate: NodeId,
    momentum: Option<NodeId>,
    moved: &[(ParameterId, NodeId)],
) -> Result<(), Box<Diagnostic>> {
    let step = graph.inputs.iter().find(|port| &*port.name == names::STEP).map(|port| port.node);
    let number = step.ok_or_else(|| fault("the training step does not know its number"))?;
    let share = training.average.map(|average| average::share(graph, average.decay, number));
    let rule = training.optimiser.rule();
    let mut by_beginning: Vec<(u64, NodeId, Vec<NodeId>)> = Vec::new();
    let mut by_rate: Vec<((f64, u64), Vec<NodeId>)> = Vec::new();
    for &(parameter, gradient) in gradients {
        let Some(&Kernel::Parameter(id)) = graph.dag.get(parameter).map(|node| &node.kernel) else { continue };
        // Ids of the network's own parameters are the kernel graph's too; states come behind them.
        let learning = network.graph.parameter(id).map(|parameter| parameter.learning).unwrap_or_default();
        let (alike, since) = ((learning.rate, learning.since), learning.since);
        let known = by_rate.iter().position(|(other, _)| *other == alike);
        let known = known.unwrap_or_else(|| {
            let begun = by_beginning.iter().position(|(other, ..)| *other == since).unwrap_or_else(|| {
                let number = counted(graph, number, since);
                let once = rule.once(&mut Step { graph, number, since, momentum });
                by_beginning.push((since, number, once));
                by_beginning.len() - 1
            });
            let begun = by_beginning.get(begun).map(|(_, number, once)| (*number, once.as_slice()));
            let (number, once) = begun.unwrap_or((number, &[]));
            let rate = times(graph, rate, learning.rate);
            let scalars = rule.scalars(&mut Step { graph, number, since, momentum }, rate, once);
            by_rate.push((alike, scalars));
            by_rate.len() - 1
        });
        let scalars = by_rate.get(known).map(|(_, scalars)| scalars.as_slice()).unwrap_or_default();
        let rule = training.optimiser.with_weight_decay(learning.weight_decay).rule();
        let mut one = One::new(graph, rule.name(), id, [parameter, gradient], scalars, momentum);
        rule.update(&mut one);
        if let Some(share) = share {
            let learned = graph.updates.iter().rev().find(|update| update.parameter == id).map(|update| update.node);
            learned.into_iter().for_each(|learned| average::keep(graph, id, learned, share));
        }
    }
    if let (Some(share), Some(Average { use_buffers: true, .. })) = (share, training.average) {
        average::keep_buffers(graph, moved, share);
    }
    Ok(())
}

/// The step's number for parameters that begin to learn after so many steps, as PyTorch counts those of each.
fn counted(graph: &mut KernelGraph, number: NodeId, since: u64) -> NodeId {
    match since {
        0 => number,
        _ => builder(graph, names::STEP.into()).map(&[number], Expression::operand(0) - since as f64),
    }
}

/// A learning rate for parameters of which it is multiplied.
fn times(graph: &mut KernelGraph, rate: NodeId, factor: f64) -> NodeId {
    match factor {
        1.0 => rate,
        _ => builder(graph, "lr".into()).map(&[rate], Expression::operand(0) * factor),
    }
}

/// Parameters with gradients, these shortened so that all of them together are no longer than `most`.
pub(super) fn clipped(graph: &mut KernelGraph, gradients: Vec<(NodeId, NodeId)>, most: f64) -> Vec<(NodeId, NodeId)> {
    let mut builder = builder(graph, "clip_grad_norm".into());
    let mut sums: Vec<NodeId> = gradients.iter().map(|&(_, gradient)| sum_of_squares(&mut builder, gradient)).collect();
    while sums.len() > 1 {
        let some: Vec<NodeId> = sums.drain(..sums.len().min(MAX_TERMS)).collect();
        let terms = (1..some.len()).map(Expression::operand);
        sums.insert(0, builder.map(&some, terms.fold(Expression::operand(0), |sum, term| sum + term)));
    }
    let Some(sum) = sums.pop() else { return gradients };
    let factor = Expression::Constant(most) / (Expression::operand(0).sqrt() + 1e-6);
    let factor = builder.map(&[sum], factor.minimum(1.0));
    let shorten = |(parameter, gradient)| {
        let factor = builder.with_rank(factor, builder.shape(gradient).len());
        (parameter, builder.map(&[gradient, factor], Expression::operand(0) * Expression::operand(1)))
    };
    gradients.into_iter().map(shorten).collect()
}

/// The sum of a value's squares, `[]`.
fn sum_of_squares(builder: &mut KernelBuilder<'_>, value: NodeId) -> NodeId {
    let axes: Vec<usize> = (0..builder.shape(value).len()).collect();
    let squares = builder.map(&[value], Expression::operand(0) * Expression::operand(0));
    let sum = builder.reduce(squares, Reduction::Sum, &axes);
    builder.reshape(sum, &[])
}

/// A builder of kernels that come from there.
pub(super) fn builder(graph: &mut KernelGraph, origin: String) -> KernelBuilder<'_> {
    let context = LayerContext { origin: origin.into(), inputs: vec![], parameters: vec![], output: vec![] };
    KernelBuilder::new(graph, context)
}
