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
mod batch_norm;
mod chance;
pub mod learn;
mod movement;
mod norm;
pub mod number;
mod pointwise;
mod product;
pub mod rounded;
mod window;

pub use array::Array;

use batch_norm::BatchNorm;
use chance::{Chance, dropped};
use cnnc_compiler::graph::{NodeId, NodeKind, ParameterUse, ShapedGraph};
use cnnc_compiler::ops::{Argument, Extents, Factors, Filling, Margins, NewShape, Op, Pair, Parts, PerAxis};
use cnnc_compiler::shape::Dim;
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
    let chance = Chance { key: [0; 2], uses: HashMap::new() };
    let mut state = State { mode, chance, updates: BTreeMap::new(), symbols: HashMap::new() };
    for (input, tensor) in graph.inputs.iter().zip(inputs) {
        for (size, &number) in input.shape.iter().zip(tensor.shape()) {
            if size.number().is_none() {
                state.symbols.insert(size.to_string(), number as i64);
            }
        }
    }
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
    /// What the symbols of the inputs' shapes stand for.
    symbols: HashMap<String, i64>,
}

impl State {
    /// A size that a layer was given.
    fn size(&self, size: &Dim) -> usize {
        size.at(&|name| self.symbols.get(name).copied()).expect("a size of known symbols") as usize
    }

    /// The sizes that a layer was given, but for those that it is to find.
    fn sizes(&self, shape: &NewShape) -> Vec<Option<usize>> {
        shape.0.iter().map(|size| size.0.as_ref().map(|size| self.size(size))).collect()
    }
}

/// A convolution of any number of axes, what its padding is filled with laid around first.
macro_rules! convolved {
    ($conv:expr, $x:expr, $weight:expr, $bias:expr) => {{
        let conv = $conv;
        let mut axes = convolution_axes(&conv.kernel_size, &conv.stride, &conv.padding, &conv.dilation);
        let filling = match conv.padding_mode.write().as_str() {
            "\"reflect\"" => Filling::Reflection,
            "\"replicate\"" => Filling::Replication,
            "\"circular\"" => Filling::Circular,
            _ => Filling::Zeros,
        };
        let sides: Vec<[i64; 2]> = axes.iter().rev().map(|axis| [axis.before as i64, axis.after as i64]).collect();
        for axis in &mut axes {
            (axis.before, axis.after) = (0, 0);
        }
        window::convolution(&movement::padded($x, &sides, filling), $weight, $bias, &axes, conv.groups)
    }};
}

/// A transposed convolution of any number of axes.
macro_rules! transposed {
    ($conv:expr, $x:expr, $weight:expr, $bias:expr) => {{
        let conv = $conv;
        let axes = axes(&conv.kernel_size, &conv.stride, &conv.padding, &conv.dilation);
        window::transposed_convolution($x, $weight, $bias, &axes, &conv.output_padding.per_axis(), conv.groups)
    }};
}

/// A batch norm or, `alone`, one of each image by itself.
macro_rules! batch_norm {
    ($norm:expr, $x:expr, $own:expr, $state:expr, $name:expr, $alone:expr) => {{
        let norm = $norm;
        let learned = [norm.affine, norm.affine && norm.bias];
        let momentum = norm.momentum.write().parse().ok();
        BatchNorm::new(norm.eps, momentum, learned, norm.track_running_stats, $alone).evaluate($x, $own, $state, $name)
    }};
}

macro_rules! largest_of_windows {
    ($pool:expr, $x:expr) => {{
        let stride = $pool.stride.unwrap_or($pool.kernel_size);
        let axes = axes(&$pool.kernel_size, &stride, &$pool.padding, &$pool.dilation);
        window::max_pooling($x, &axes, $pool.ceil_mode)
    }};
}

macro_rules! norm_of_windows {
    ($pool:expr, $x:expr, $ones:expr, $none:expr) => {{
        let axes = axes(&$pool.kernel_size, &$pool.stride.unwrap_or($pool.kernel_size), &$none, &$ones);
        window::norm_pooling($x, &axes, $pool.ceil_mode, $pool.norm_type)
    }};
}

macro_rules! mean_of_windows {
    ($pool:expr, $x:expr, $ones:expr, $divisor:expr) => {{
        let stride = $pool.stride.unwrap_or($pool.kernel_size);
        let axes = axes(&$pool.kernel_size, &stride, &$pool.padding, &$ones);
        window::mean_pooling($x, &axes, $pool.ceil_mode, &Divisor::of($divisor, $pool.count_include_pad))
    }};
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
    let zero = Number::exact(0.0);
    let thrown =
        |p: f64, floor: Number, keep: &dyn Fn(Number) -> Number, together: &dyn Fn(usize) -> bool| match state.mode {
            Mode::Inference => x.clone(),
            Mode::Training { .. } => dropped(x, (p, floor, keep), key, stream, together),
        };
    let chance = |p: f64, together: &dyn Fn(usize) -> bool| thrown(p, zero, &|x| x * (1.0 / (1.0 - p)), together);
    match operator {
        Op::Conv1d(conv) => convolved!(conv, x, weight, bias),
        Op::Conv2d(conv) => convolved!(conv, x, weight, bias),
        Op::Conv3d(conv) => convolved!(conv, x, weight, bias),
        Op::ConvTranspose1d(conv) => transposed!(conv, x, weight, bias),
        Op::ConvTranspose2d(conv) => transposed!(conv, x, weight, bias),
        Op::ConvTranspose3d(conv) => transposed!(conv, x, weight, bias),
        Op::Linear(_) => product::linear(x, weight, bias),
        Op::Embedding(_) => Array::of(&[&x.shape[..], &weight.shape[1..]].concat(), |place| {
            let (feature, place) = place.split_last().unwrap_or((&0, &[]));
            weight.at(&[x.at(place).value() as usize, *feature])
        }),
        Op::MultiheadAttention(attention) => {
            assert!(attention.dropout.0 == 0.0 || state.mode == Mode::Inference, "its chances are not judged");
            product::attended(x, own, attention.num_heads, attention.bias, attention.batch_first)
        }
        Op::MaxPool1d(pool) => largest_of_windows!(pool, x),
        Op::MaxPool2d(pool) => largest_of_windows!(pool, x),
        Op::MaxPool3d(pool) => largest_of_windows!(pool, x),
        Op::AvgPool1d(pool) => mean_of_windows!(pool, x, Extents([1]), None),
        Op::AvgPool2d(pool) => mean_of_windows!(pool, x, Pair(1, 1), pool.divisor_override),
        Op::AvgPool3d(pool) => mean_of_windows!(pool, x, Extents([1; 3]), pool.divisor_override),
        Op::LPPool1d(pool) => norm_of_windows!(pool, x, Extents([1]), Margins([0])),
        Op::LPPool2d(pool) => norm_of_windows!(pool, x, Pair(1, 1), Margins([0; 2])),
        Op::LPPool3d(pool) => norm_of_windows!(pool, x, Extents([1; 3]), Margins([0; 3])),
        Op::MaxUnpool2d(unpool) => {
            let stride = unpool.stride.unwrap_or(unpool.kernel_size);
            window::unpooled(x, &inputs[1], &axes(&unpool.kernel_size, &stride, &unpool.padding, &Pair(1, 1)))
        }
        Op::SoftPool2d(pool) => {
            let stride = pool.stride.unwrap_or(pool.kernel_size);
            let axes = axes(&pool.kernel_size, &stride, &pool.padding, &Pair(1, 1));
            window::softmax_pooling(x, &axes, pool.ceil_mode)
        }
        Op::AdaptiveAvgPool1d(pool) => adaptive_pooling(x, &pool.output_size.0, mean),
        Op::AdaptiveAvgPool2d(pool) => adaptive_pooling(x, &pool.output_size.0, mean),
        Op::AdaptiveAvgPool3d(pool) => adaptive_pooling(x, &pool.output_size.0, mean),
        Op::AdaptiveMaxPool1d(pool) => adaptive_pooling(x, &pool.output_size.0, largest),
        Op::AdaptiveMaxPool2d(pool) => adaptive_pooling(x, &pool.output_size.0, largest),
        Op::AdaptiveMaxPool3d(pool) => adaptive_pooling(x, &pool.output_size.0, largest),
        Op::BatchNorm1d(norm) => batch_norm!(norm, x, own, state, name, false),
        Op::BatchNorm2d(norm) => batch_norm!(norm, x, own, state, name, false),
        Op::BatchNorm3d(norm) => batch_norm!(norm, x, own, state, name, false),
        Op::InstanceNorm1d(norm) => batch_norm!(norm, x, own, state, name, true),
        Op::InstanceNorm2d(norm) => batch_norm!(norm, x, own, state, name, true),
        Op::InstanceNorm3d(norm) => batch_norm!(norm, x, own, state, name, true),
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
        Op::RMSNorm(norm) => {
            let kept = x.shape.len() - norm.normalized_shape.as_ref().map_or(1, |sizes| sizes.0.len());
            let normal = norm::by_mean_square(x, kept, norm.eps.unwrap_or(f64::from(f32::EPSILON)));
            norm::scaled(&normal, own, |place| place[kept..].to_vec())
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
        Op::SELU(_) => x.each(pointwise::selu),
        Op::CELU(celu) => x.each(|x| pointwise::celu(x, celu.alpha)),
        Op::Mish(_) => x.each(pointwise::mish),
        Op::Softplus(plus) => x.each(|x| pointwise::softplus(x, plus.beta, plus.threshold)),
        Op::Softsign(_) => x.each(pointwise::softsign),
        Op::LogSigmoid(_) => x.each(pointwise::log_sigmoid),
        Op::Hardtanh(tanh) => x.each(|x| pointwise::hardtanh(x, tanh.min_val, tanh.max_val)),
        Op::Hardshrink(shrink) => x.each(|x| pointwise::hardshrink(x, shrink.lambd)),
        Op::Softshrink(shrink) => x.each(|x| pointwise::softshrink(x, shrink.lambd)),
        Op::Tanhshrink(_) => x.each(|x| x - x.tanh()),
        Op::Threshold(layer) => x.each(|x| pointwise::threshold(x, layer.threshold, layer.value)),
        Op::Abs(_) => x.each(pointwise::size),
        Op::Exp(_) => x.each(Number::exp),
        Op::Log(_) => x.each(Number::ln),
        Op::Sqrt(_) => x.each(Number::sqrt),
        Op::Pow(pow) => x.each(|x| pointwise::power(x, pow.exponent)),
        Op::Erf(_) => x.each(Number::erf),
        Op::GLU(glu) => pointwise::glu(x, glu.dim),
        Op::Softmax(softmax) => norm::softmax(x, softmax.dim, false),
        Op::Softmax2d(_) => norm::softmax(x, 1, false),
        Op::Softmin(softmin) => norm::softmax(&x.each(|x| -x), softmin.dim, false),
        Op::LogSoftmax(softmax) => norm::softmax(x, softmax.dim, true),
        Op::Dropout(drop) => chance(drop.p.0, &|_| false),
        Op::Dropout1d(drop) => chance(drop.p.0, &|axis| axis > 1),
        Op::Dropout2d(drop) => chance(drop.p.0, &|axis| axis > 1),
        Op::Dropout3d(drop) => chance(drop.p.0, &|axis| axis > 1),
        Op::StochasticDepth(drop) => {
            let whole = drop.mode.write() == "\"batch\"";
            chance(drop.p.0, &|axis| whole || axis > 0)
        }
        Op::DropPath(drop) => {
            let kept = if drop.scale_by_keep { 1.0 - drop.drop_prob.0 } else { 1.0 };
            thrown(drop.drop_prob.0, zero, &|x| x * (1.0 / kept), &|axis| axis > 0)
        }
        Op::AlphaDropout(drop) => {
            let (p, alpha) = (drop.p.0, 1.758_099_340_847_376_6);
            let a = if p < 1.0 { 1.0 / ((alpha * alpha * p + 1.0) * (1.0 - p)).sqrt() } else { 0.0 };
            let floor = Number::exact(-alpha * a + alpha * a * p);
            thrown(p, floor, &|x| x * a + alpha * a * p, &|_| false)
        }
        Op::Flatten(flatten) => movement::flattened(x, flatten.start_dim, flatten.end_dim),
        Op::Identity(_) => x.clone(),
        Op::ZeroPad1d(pad) => movement::padded(x, &pad.padding.0, Filling::Zeros),
        Op::ZeroPad2d(pad) => movement::padded(x, &pad.padding.0, Filling::Zeros),
        Op::ZeroPad3d(pad) => movement::padded(x, &pad.padding.0, Filling::Zeros),
        Op::ConstantPad1d(pad) => movement::padded(x, &pad.padding.0, Filling::Constant(pad.value)),
        Op::ConstantPad2d(pad) => movement::padded(x, &pad.padding.0, Filling::Constant(pad.value)),
        Op::ConstantPad3d(pad) => movement::padded(x, &pad.padding.0, Filling::Constant(pad.value)),
        Op::ReflectionPad1d(pad) => movement::padded(x, &pad.padding.0, Filling::Reflection),
        Op::ReflectionPad2d(pad) => movement::padded(x, &pad.padding.0, Filling::Reflection),
        Op::ReflectionPad3d(pad) => movement::padded(x, &pad.padding.0, Filling::Reflection),
        Op::ReplicationPad1d(pad) => movement::padded(x, &pad.padding.0, Filling::Replication),
        Op::ReplicationPad2d(pad) => movement::padded(x, &pad.padding.0, Filling::Replication),
        Op::ReplicationPad3d(pad) => movement::padded(x, &pad.padding.0, Filling::Replication),
        Op::CircularPad1d(pad) => movement::padded(x, &pad.padding.0, Filling::Circular),
        Op::CircularPad2d(pad) => movement::padded(x, &pad.padding.0, Filling::Circular),
        Op::CircularPad3d(pad) => movement::padded(x, &pad.padding.0, Filling::Circular),
        Op::Upsample(up) => {
            let factors = up.scale_factor.map(|Factors(height, width)| (height, width));
            let size = up.size.as_ref().map(|size| Pair(state.size(&size.0), state.size(&size.1)));
            let readings = movement::Reading::axis(size, factors, x);
            let align = up.align_corners == Some(true);
            match up.mode.write().as_str() {
                "\"nearest\"" => movement::read_nearest(x, &readings, false),
                "\"nearest-exact\"" => movement::read_nearest(x, &readings, true),
                "\"bicubic\"" => movement::read_cubic(x, &readings, align),
                _ => movement::read_between(x, &readings, align),
            }
        }
        Op::PixelShuffle(shuffle) => movement::pixels_shuffled(x, shuffle.upscale_factor),
        Op::PixelUnshuffle(shuffle) => movement::pixels_unshuffled(x, shuffle.downscale_factor),
        Op::Unfold(unfold) => {
            let axes = axes(&unfold.kernel_size, &unfold.stride, &unfold.padding, &unfold.dilation);
            window::unfolded(x, &axes)
        }
        Op::Fold(fold) => {
            let axes = axes(&fold.kernel_size, &fold.stride, &fold.padding, &fold.dilation);
            window::folded(x, &axes, &fold.output_size.per_axis())
        }
        Op::ChannelShuffle(shuffle) => movement::channels_shuffled(x, shuffle.groups),
        Op::Narrow(narrow) => {
            let length = narrow.length.as_ref().map(|length| state.size(length));
            movement::narrowed(x, narrow.dim, narrow.start, length, narrow.step)
        }
        Op::Chunk(chunk) => {
            let size = x.shape[x.axis(chunk.dim)].div_ceil(chunk.chunks);
            movement::part(x, chunk.dim, std::iter::repeat(size), chunk.index.0)
        }
        Op::Split(split) => match &split.split_size {
            Parts::Of(size) => movement::part(x, split.dim, std::iter::repeat(*size), split.index.0),
            Parts::Each(sizes) => movement::part(x, split.dim, sizes.iter().copied(), split.index.0),
        },
        Op::Reshape(reshape) => x.reshaped(&movement::relaid(&state.sizes(&reshape.shape), &x.shape)),
        Op::Unflatten(unflatten) => {
            let axis = x.axis(unflatten.dim);
            let parts = movement::relaid(&state.sizes(&unflatten.unflattened_size), &x.shape[axis..=axis]);
            x.reshaped(&[&x.shape[..axis], &parts, &x.shape[axis + 1..]].concat())
        }
        Op::Unsqueeze(unsqueeze) => {
            let mut shape = x.shape.clone();
            let rank = shape.len() as i64 + 1;
            shape.insert((if unsqueeze.dim < 0 { unsqueeze.dim + rank } else { unsqueeze.dim }) as usize, 1);
            x.reshaped(&shape)
        }
        Op::Squeeze(squeeze) => movement::reduced(x, &squeeze.dim.0, false, |numbers| numbers[0]),
        Op::Expand(expand) => {
            let new = expand.shape.0.len() - x.shape.len();
            let sizes = state.sizes(&expand.shape);
            let own = (0..sizes.len()).map(|axis| axis.checked_sub(new).map_or(1, |axis| x.shape[axis]));
            let repeats: Vec<usize> =
                own.zip(&sizes).map(|(own, size)| size.filter(|_| own == 1).unwrap_or(1)).collect();
            movement::repeated(x, &repeats)
        }
        Op::Repeat(repeat) => movement::repeated(x, &repeat.repeats.0),
        Op::Roll(roll) => {
            let shifts = roll.shifts.0.iter().zip(&roll.dims.0);
            shifts.fold(x.clone(), |x, (&shift, &dim)| movement::rolled(&x, shift, dim))
        }
        Op::Mean(over) => movement::reduced(x, &over.dim.0, over.keepdim, mean),
        Op::Total(over) => movement::reduced(x, &over.dim.0, over.keepdim, |all| all.iter().copied().sum()),
        Op::Max(over) => movement::reduced(x, &over.dim.0, over.keepdim, pointwise::largest_of),
        Op::Min(over) => {
            movement::reduced(&x.each(|x| -x), &over.dim.0, over.keepdim, pointwise::largest_of).each(|x| -x)
        }
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
        Op::Matmul(_) => product::multiplied(inputs),
        Op::Numbers(numbers) => {
            let all = Array { shape: vec![numbers.numbers.len()], elements: Vec::new() };
            let all = Array { elements: numbers.numbers.iter().copied().map(Number::exact).collect(), ..all };
            if numbers.sizes.is_empty() { all } else { all.reshaped(&numbers.sizes) }
        }
    }
}
