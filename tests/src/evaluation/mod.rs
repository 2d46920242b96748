//! What a network means, by the plainest loops written from PyTorch's definitions: the judge of everything between a spec and
//! its answer.
//!
//! Comes in: the graph of layers, before any of them is written in kernels, with parameters and inputs. Goes out: every output,
//! what
//! buffers become, and the derivative of a loss by every leaf. Kernels, passes, planner and gradient code have no part in it,
//! and no
//! shape is taken from inference: sizes follow from the inputs alone. PyTorch's fixtures hold it to its word
//! (`tests/evaluation.rs`).
//!
//! Layers are one small function each, found by one `match`, so that a new layer does not compile without one.

mod array;
mod chance;
pub mod learn;
mod movement;
mod norm;
pub mod number;
mod pointwise;
pub mod rounded;
mod window;

pub use array::Array;

use chance::{Chance, dropped};
use cnnc_compiler::graph::{NodeId, NodeKind, ParameterUse, ShapedGraph};
use cnnc_compiler::ops::{Argument, Factors, Op, Pair};
use cnnc_runtime::{Parameters, Tensor};
use number::{Number, start};
use std::collections::{BTreeMap, HashMap};
use window::{Divisor, adaptive_pooling, axes, convolution_axes, largest, mean};

/// What a network is evaluated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its answers.
    Inference,
    /// Its answers in training, with derivatives.
    Training {
        /// What dropout draws with.
        seed: u32,
        /// The number of the step.
        step: u32,
    },
}

/// What an evaluation found.
pub struct Evaluation {
    /// The outputs, in order.
    pub outputs: Vec<Array>,
    /// Inputs and trainable parameters by name, to derive by.
    pub leaves: BTreeMap<String, Array>,
    /// What buffers become, by name.
    pub updates: BTreeMap<String, Array>,
}

/// Evaluates a network on inputs, in their order.
///
/// # Panics
/// When inputs or parameters are not the network's.
pub fn evaluate(network: &ShapedGraph, parameters: &Parameters, inputs: &[Tensor], mode: Mode) -> Evaluation {
    start(mode != Mode::Inference);
    let graph = &network.graph;
    let mut leaves = BTreeMap::new();
    let mut read = |name: &str, tensor: &Tensor, is_leaf: bool| {
        let number = |value: f64| if is_leaf { Number::leaf(value) } else { Number::exact(value) };
        let array = Array { shape: tensor.shape().to_vec(), elements: tensor.numbers().map(number).collect() };
        if is_leaf {
            leaves.insert(name.to_owned(), array.clone());
        }
        array
    };
    let mut values: HashMap<NodeId, Array> = HashMap::new();
    for (input, tensor) in graph.inputs.iter().zip(inputs) {
        values.insert(input.node, read(&input.name, tensor, true));
    }
    let tensor = |path: &str| parameters.get(path).unwrap_or_else(|failure| panic!("{failure:?}"));
    let known: Vec<Array> = graph
        .parameters
        .iter()
        .map(|parameter| read(&parameter.path, &tensor(&parameter.path), parameter.trainable))
        .collect();
    let mut state = State { mode, chance: Chance { key: [0; 2], uses: HashMap::new() }, updates: BTreeMap::new() };
    if let Mode::Training { seed, step } = mode {
        state.chance.key = [seed, step].map(u64::from);
    }
    for id in graph.dag.order().expect("no circle") {
        let Some(node) = graph.dag.get(id) else { continue };
        let NodeKind::Operator(operator) = &node.kind else { continue };
        let taken = |used: &ParameterUse| {
            let parameter = &known[used.parameter.0 as usize];
            if used.transposed { movement::permuted(parameter, &[1, 0]) } else { parameter.clone() }
        };
        let own: Vec<Array> = node.parameters.iter().map(taken).collect();
        let inputs: Vec<Array> = graph.dag.arguments(id).iter().map(|argument| values[argument].clone()).collect();
        let name = |index: usize| graph.parameters[node.parameters[index].parameter.0 as usize].path.to_string();
        let stream = state.chance.stream(&node.path);
        values.insert(id, layer(operator, &inputs, &own, &mut state, stream, &name));
    }
    let outputs = graph.outputs.iter().map(|output| values[&output.node].clone()).collect();
    Evaluation { outputs, leaves, updates: state.updates }
}

/// What layers know beside their inputs, and leave behind.
struct State {
    mode: Mode,
    chance: Chance,
    updates: BTreeMap<String, Array>,
}

fn layer(
    operator: &Op,
    inputs: &[Array],
    own: &[Array],
    state: &mut State,
    stream: u64,
    name: &dyn Fn(usize) -> String,
) -> Array {
    let nothing = Array { shape: vec![0], elements: Vec::new() };
    let x = inputs.first().unwrap_or(&nothing);
    let (weight, bias) = (own.first().unwrap_or(&nothing), own.get(1));
    let channel = |place: &[usize]| vec![place[1]];
    let key = state.chance.key;
    let chance = |p: f64, together: &dyn Fn(usize) -> bool| match state.mode {
        Mode::Inference => x.clone(),
        Mode::Training { .. } => dropped(x, p, key, stream, together),
    };
    match operator {
        Op::Conv2d(conv) => {
            let axes = convolution_axes(conv.kernel_size, conv.stride, conv.padding, conv.dilation);
            window::convolution(x, weight, bias, axes, conv.groups)
        }
        Op::ConvTranspose2d(conv) => {
            let axes = axes(conv.kernel_size, conv.stride, conv.padding, conv.dilation);
            window::transposed_convolution(x, weight, bias, axes, conv.output_padding, conv.groups)
        }
        Op::Linear(_) => linear(x, weight, bias),
        Op::MaxPool2d(pool) => {
            let stride = pool.stride.unwrap_or(pool.kernel_size);
            window::max_pooling(x, axes(pool.kernel_size, stride, pool.padding, pool.dilation), pool.ceil_mode)
        }
        Op::AvgPool2d(pool) => {
            let stride = pool.stride.unwrap_or(pool.kernel_size);
            let axes = axes(pool.kernel_size, stride, pool.padding, Pair(1, 1));
            let divisor = match pool.divisor_override {
                Some(number) => Divisor::Fixed(number),
                None if pool.count_include_pad => Divisor::ElementsAndPadding,
                None => Divisor::Elements,
            };
            window::mean_pooling(x, axes, pool.ceil_mode, &divisor)
        }
        Op::SoftPool2d(pool) => {
            let stride = pool.stride.unwrap_or(pool.kernel_size);
            window::softmax_pooling(x, axes(pool.kernel_size, stride, pool.padding, Pair(1, 1)), pool.ceil_mode)
        }
        Op::AdaptiveAvgPool2d(pool) => adaptive_pooling(x, pool.output_size, mean),
        Op::AdaptiveMaxPool2d(pool) => adaptive_pooling(x, pool.output_size, largest),
        Op::BatchNorm1d(norm) => {
            let learned = [norm.affine, norm.affine && norm.bias];
            BatchNorm::new(norm.eps, norm.momentum, learned, norm.track_running_stats).evaluate(x, own, state, name)
        }
        Op::BatchNorm2d(norm) => {
            let learned = [norm.affine, norm.affine && norm.bias];
            BatchNorm::new(norm.eps, norm.momentum, learned, norm.track_running_stats).evaluate(x, own, state, name)
        }
        Op::GroupNorm(norm) => {
            let (groups, of_group) = (norm.num_groups, x.shape[1] / norm.num_groups);
            let group = |place: &[usize]| place[0] * groups + place[1] / of_group;
            norm::scaled(&norm::by_groups(x, x.shape[0] * groups, group, norm.eps), own, channel)
        }
        Op::LayerNorm(norm) => {
            let kept = x.shape.len() - norm.normalized_shape.as_ref().map_or(1, |sizes| sizes.0.len());
            let outer = &x.shape[..kept];
            let group = |place: &[usize]| array::number_of(&place[..kept], outer);
            let normal = norm::by_groups(x, outer.iter().product(), group, norm.eps);
            norm::scaled(&normal, own, |place| place[kept..].to_vec())
        }
        Op::LayerNorm2d(norm) => {
            let [batch, _, height, width] = x.image();
            let group = |place: &[usize]| (place[0] * height + place[2]) * width + place[3];
            norm::scaled(&norm::by_groups(x, batch * height * width, group, norm.eps), own, channel)
        }
        Op::LocalResponseNorm(norm) => norm::local_response(x, norm.size, norm.alpha, norm.beta, norm.k),
        Op::ReLU(_) => x.each(pointwise::relu),
        Op::ReLU6(_) => x.each(pointwise::relu6),
        Op::LeakyReLU(relu) => x.each(|x| pointwise::leaky_relu(x, relu.negative_slope)),
        Op::PReLU(_) => pointwise::prelu(x, weight),
        Op::ELU(elu) => x.each(|x| pointwise::elu(x, elu.alpha)),
        Op::GELU(gelu) => x.each(|x| pointwise::gelu(x, gelu.approximate.write() == "\"tanh\"")),
        Op::SiLU(_) => x.each(pointwise::silu),
        Op::Hardswish(_) => x.each(pointwise::hardswish),
        Op::Hardsigmoid(_) => x.each(pointwise::hardsigmoid),
        Op::Sigmoid(_) => x.each(Number::sigmoid),
        Op::Tanh(_) => x.each(Number::tanh),
        Op::Softmax(softmax) => norm::softmax(x, softmax.dim, false),
        Op::LogSoftmax(softmax) => norm::softmax(x, softmax.dim, true),
        Op::Dropout(drop) => chance(drop.p.0, &|_| false),
        Op::Dropout2d(drop) => chance(drop.p.0, &|axis| axis > 1),
        Op::StochasticDepth(drop) => {
            let whole = drop.mode.write() == "\"batch\"";
            chance(drop.p.0, &|axis| whole || axis > 0)
        }
        Op::Flatten(flatten) => movement::flattened(x, flatten.start_dim, flatten.end_dim),
        Op::Identity(_) => x.clone(),
        Op::ZeroPad2d(pad) => movement::zero_padded(x, pad.padding),
        Op::Upsample(up) => {
            let factors = up.scale_factor.map(|Factors(height, width)| (height, width));
            let readings = movement::Reading::axis(up.size, factors, x);
            if up.mode.write() == "\"nearest\"" {
                movement::read_nearest(x, &readings)
            } else {
                movement::read_between(x, &readings, up.align_corners == Some(true))
            }
        }
        Op::PixelShuffle(shuffle) => movement::pixels_shuffled(x, shuffle.upscale_factor),
        Op::ChannelShuffle(shuffle) => movement::channels_shuffled(x, shuffle.groups),
        Op::Narrow(narrow) => movement::narrowed(x, narrow.dim, narrow.start, narrow.length),
        Op::Permute(permute) => movement::permuted(x, &permute.dims.0),
        Op::Parameter(_) => weight.clone(),
        Op::Sum(_) => movement::combined(inputs, |a, b| a + b),
        Op::Product(_) => movement::combined(inputs, |a, b| a * b),
        Op::Concat(concat) => movement::concatenated(inputs, concat.dim),
        Op::Difference(_) => movement::combined(inputs, |a, b| a - b),
        Op::Quotient(_) => movement::combined(inputs, |a, b| a / b),
        Op::Maximum(_) => movement::combined(inputs, pointwise::larger),
        Op::Minimum(_) => movement::combined(inputs, |a, b| -pointwise::larger(-a, -b)),
        Op::Stack(stack) => movement::stacked(inputs, stack.dim),
        Op::Numbers(numbers) => {
            let all = Array { shape: vec![numbers.numbers.len()], elements: Vec::new() };
            let all = Array { elements: numbers.numbers.iter().copied().map(Number::exact).collect(), ..all };
            if numbers.sizes.is_empty() { all } else { all.reshaped(&numbers.sizes) }
        }
    }
}

/// `x · weightᵀ + bias` over the last axis.
fn linear(x: &Array, weight: &Array, bias: Option<&Array>) -> Array {
    let (last, features) = (x.shape.len() - 1, weight.shape[0]);
    let shape = [&x.shape[..last], &[features]].concat();
    Array::of(&shape, |place| {
        let out = place[last];
        let products = (0..x.shape[last]).map(|feature| {
            let from = [&place[..last], &[feature]].concat();
            x.at(&from) * weight.at(&[out, feature])
        });
        let sum = products.sum::<Number>();
        bias.map_or(sum, |bias| sum + bias.at(&[out]))
    })
}

/// A batch norm of any number of axes.
struct BatchNorm {
    eps: f64,
    momentum: f64,
    /// How many of weight and bias there are.
    learned: usize,
    /// Whether there are running statistics.
    tracked: bool,
}

impl BatchNorm {
    /// With a weight and a bias or without, each by itself.
    fn new(eps: f64, momentum: f64, learned: [bool; 2], tracked: bool) -> BatchNorm {
        BatchNorm { eps, momentum, learned: learned.into_iter().filter(|&is_there| is_there).count(), tracked }
    }

    fn evaluate(&self, x: &Array, own: &[Array], state: &mut State, name: &dyn Fn(usize) -> String) -> Array {
        let channels = x.shape[1];
        let channel = |place: &[usize]| place[1];
        let (learned, buffers) = own.split_at(self.learned);
        let statistics = match (state.mode, buffers) {
            (Mode::Inference, [mean, variance, _]) => {
                (0..channels).map(|channel| [mean.at(&[channel]), variance.at(&[channel])]).collect()
            }
            _ => norm::statistics_of(x, channels, channel),
        };
        if state.mode != Mode::Inference && self.tracked {
            self.track(&statistics, x.elements.len() / channels, buffers, state, name);
        }
        norm::scaled(&norm::normalised(x, &statistics, channel, self.eps), learned, |place| vec![place[1]])
    }

    /// Moves the running statistics towards the batch's, the variance as that of a sample, and counts the batch.
    fn track(
        &self,
        statistics: &[[Number; 2]],
        count: usize,
        buffers: &[Array],
        state: &mut State,
        name: &dyn Fn(usize) -> String,
    ) {
        let sample = count as f64 / (count as f64 - 1.0);
        for (index, before) in buffers.iter().enumerate() {
            let path = name(self.learned + index);
            let before = state.updates.get(&path).unwrap_or(before);
            let moved = Array::of(&before.shape, |place| match index {
                2 => before.at(place) + 1.0,
                _ => {
                    let batch = statistics[place[0]][index].fixed() * if index == 1 { sample } else { 1.0 };
                    before.at(place).fixed() * (1.0 - self.momentum) + batch * self.momentum
                }
            });
            state.updates.insert(path, moved);
        }
    }
}
