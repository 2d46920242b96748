//! Layers with random arguments: each layer of the language has one entry that says which arguments are worth trying.
//!
//! An entry need not know what its layer makes of a shape: the layer itself is asked, and what it refuses is drawn again.

use super::dice::Dice;
use super::layer::{LayerCall, int, ints, pair};
use cnnc_compiler::ops::{Constant, LAYERS};

/// Layers that plans do most for: more than one way to compute them, work that they take up, views of what they give.
const OFTEN: [&str; 15] = [
    "Conv2d",
    "Conv2d",
    "Conv1d",
    "Conv3d",
    "ConvTranspose2d",
    "Linear",
    "MaxPool2d",
    "AvgPool2d",
    "SoftPool2d",
    "BatchNorm2d",
    "BatchNorm1d",
    "Narrow",
    "ReLU",
    "ZeroPad2d",
    "PixelShuffle",
];

/// Layers that take no value of another number of axes, beside those whose name says how many.
const OF_IMAGES: [&str; 9] = [
    "GroupNorm",
    "Upsample",
    "PixelShuffle",
    "PixelUnshuffle",
    "Unfold",
    "Fold",
    "ChannelShuffle",
    "Permute",
    "MultiheadAttention",
];

/// The layers that are drawn by themselves: all but those that want numbers of a kind, or a second value.
pub fn drawn() -> Vec<&'static str> {
    let names = LAYERS.iter().filter(|entry| entry.second.is_none()).map(|entry| entry.signature.name);
    names.filter(|name| *name != "Embedding" && BOUNDED.iter().all(|(bounded, ..)| bounded != name)).collect()
}

/// How many axes a layer's windows or sides have, from its name: `Conv1d`.
fn axes_of(name: &str) -> usize {
    match name.strip_suffix('d').and_then(|name| name.chars().last()) {
        Some('1') => 1,
        Some('3') => 3,
        _ => 2,
    }
}

/// Functions that not every number has, or that soon are too large, each behind a layer that gives it what it takes.
const BOUNDED: [(&str, &str, &str); 6] = [
    ("Exp", "Tanh", "Exp"),
    ("Log", "Sigmoid", "Log"),
    ("Sqrt", "Sigmoid", "Sqrt"),
    ("Pow", "Softsign", "Pow(2)"),
    ("Pow", "Tanh", "Pow(3)"),
    ("Pow", "Sigmoid", "Pow(1.5)"),
];

/// Layers that put elements in another order.
const MOVING: [&str; 3] = ["Permute", "PixelShuffle", "ChannelShuffle"];

/// Draws layers.
pub struct Layers<'a> {
    pub dice: &'a mut Dice,
    /// Whether the net will be trained.
    pub training: bool,
}

impl Layers<'_> {
    /// A layer that takes a value of that shape, and what it makes of it.
    pub fn any(&mut self, shape: &[usize]) -> (LayerCall, Vec<usize>) {
        loop {
            let any = self.dice.pick(&drawn());
            let name = if self.dice.percent(40) { self.dice.pick(&OFTEN) } else { any };
            if let Some(found) = self.try_layer(name, shape) {
                return found;
            }
        }
    }

    /// A layer that leaves the shape as it is.
    pub fn keeping(&mut self, shape: &[usize]) -> LayerCall {
        loop {
            let (call, output) = self.any(shape);
            if output == shape {
                return call;
            }
        }
    }

    /// A function that takes some numbers alone, behind a layer that gives those.
    pub fn bounded(&mut self) -> [&'static str; 2] {
        let (_, before, function) = self.dice.pick(&BOUNDED);
        [before, function]
    }

    /// A layer that puts the elements of a value in another order, where there is one for its shape.
    pub fn moving(&mut self, shape: &[usize]) -> Option<(LayerCall, Vec<usize>)> {
        let name = self.dice.pick(&MOVING);
        self.try_layer(name, shape)
    }

    fn try_layer(&mut self, name: &'static str, shape: &[usize]) -> Option<(LayerCall, Vec<usize>)> {
        let arguments = self.arguments(name, shape)?;
        let call = LayerCall { name, arguments };
        let (operator, output) = call.of(shape)?;
        // A channel of one value has no variance, and a training refuses it.
        let single = operator.name().starts_with("BatchNorm") && shape.iter().product::<usize>() / shape[1] < 2;
        let point = operator.name().starts_with("InstanceNorm") && shape.iter().skip(2).product::<usize>() < 2;
        (!(single || point) || !self.training).then_some((call, output))
    }

    fn channels(&mut self) -> usize {
        self.dice.pick(&[1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 12, 16, 17, 20, 24])
    }

    fn size(&mut self) -> usize {
        self.dice.pick(&[1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8])
    }

    fn divisor(&mut self, number: usize) -> usize {
        let all: Vec<usize> = (1..=number).filter(|divisor| number.is_multiple_of(*divisor)).collect();
        self.dice.pick(&all)
    }

    fn axis(&mut self, shape: &[usize]) -> Constant {
        Constant::Int(self.dice.below(2 * shape.len()) as i64 - shape.len() as i64)
    }

    fn float(&mut self, of: &[f64]) -> Constant {
        Constant::Float(self.dice.pick(of))
    }

    fn bool(&mut self) -> Constant {
        Constant::Bool(self.dice.percent(50))
    }

    /// A size for each of so many axes, half the time the same.
    fn sizes(&mut self, axes: usize, of: &[usize]) -> Constant {
        let one = self.dice.pick(of);
        if axes == 1 || self.dice.percent(60) {
            return int(one);
        }
        Constant::Tuple((0..axes).map(|_| int(self.dice.pick(of))).collect())
    }

    /// Arguments worth trying on a value of that shape; `None` where the layer takes none such.
    fn arguments(&mut self, name: &str, shape: &[usize]) -> Option<Vec<(&'static str, Constant)>> {
        let mut given = Vec::new();
        let rank = shape.len();
        let channels = shape.get(1).copied().unwrap_or(1);
        match name {
            "Unflatten" | "Unsqueeze" if rank > 4 => return None,
            "Conv1d" | "ConvTranspose1d" | "Conv2d" | "ConvTranspose2d" | "Conv3d" | "ConvTranspose3d"
                if rank == axes_of(name) + 2 =>
            {
                let axes = axes_of(name);
                let depthwise = self.dice.percent(15);
                let grouped = self.dice.percent(25);
                let groups = if depthwise {
                    channels
                } else if grouped {
                    self.divisor(channels)
                } else {
                    1
                };
                let out = if depthwise { channels * self.dice.pick(&[1, 1, 2]) } else { self.channels() };
                given.push(("out_channels", int(out.next_multiple_of(groups))));
                given.push(("kernel_size", self.sizes(axes, &[1, 1, 2, 3, 3, 3, 5])));
                if self.dice.percent(30) {
                    given.push(("stride", self.sizes(axes, &[1, 2, 2, 3])));
                }
                if self.dice.percent(15) {
                    given.push(("dilation", self.sizes(axes, &[1, 2, 3])));
                }
                if !name.starts_with("ConvT") && self.dice.percent(10) {
                    given.push(("padding", Constant::Text(self.dice.pick(&["same", "valid"]).into())));
                } else if self.dice.percent(60) {
                    given.push(("padding", self.sizes(axes, &[1, 1, 1, 2, 0])));
                }
                if name.starts_with("ConvTranspose") && self.dice.percent(25) {
                    given.push(("output_padding", self.sizes(axes, &[0, 1, 2])));
                }
                if groups > 1 {
                    given.push(("groups", int(groups)));
                }
                if !name.starts_with("ConvT") && self.dice.percent(15) {
                    let mode = self.dice.pick(&["reflect", "replicate", "circular"]);
                    given.push(("padding_mode", Constant::Text(mode.into())));
                }
                given.extend(self.dice.percent(40).then_some(("bias", Constant::Bool(false))));
            }
            "Linear" => {
                given.push(("out_features", int(self.channels())));
                given.extend(self.dice.percent(30).then_some(("bias", Constant::Bool(false))));
            }
            // What comes in may be below zero, of which only the second power has a root.
            "LPPool1d" | "LPPool2d" | "LPPool3d" if rank == axes_of(name) + 2 => {
                given.push(("norm_type", int(2)));
                given.push(("kernel_size", self.sizes(axes_of(name), &[1, 2, 2, 3])));
                given.extend(self.dice.percent(50).then(|| ("stride", self.sizes(axes_of(name), &[1, 2, 3]))));
                given.extend(self.dice.percent(30).then_some(("ceil_mode", Constant::Bool(true))));
            }
            "MaxPool1d" | "AvgPool1d" | "MaxPool2d" | "AvgPool2d" | "SoftPool2d" | "MaxPool3d" | "AvgPool3d"
                if rank == axes_of(name) + 2 =>
            {
                let axes = axes_of(name);
                given.push(("kernel_size", self.sizes(axes, &[1, 2, 2, 3, 3, 4])));
                if self.dice.percent(60) {
                    given.push(("stride", self.sizes(axes, &[1, 1, 2, 2, 3])));
                }
                // Of a window that is both padded and dilated all elements may lie outside, and the largest is minus infinity,
                // as in PyTorch.
                let dilated = name.starts_with("MaxPool") && self.dice.percent(20);
                if !dilated && self.dice.percent(40) {
                    given.push(("padding", self.sizes(axes, &[1, 1, 0])));
                }
                given.extend(self.dice.percent(30).then_some(("ceil_mode", Constant::Bool(true))));
                given.extend(dilated.then(|| ("dilation", self.sizes(axes, &[1, 2]))));
                if name.starts_with("AvgPool") {
                    given.extend(self.dice.percent(30).then_some(("count_include_pad", Constant::Bool(false))));
                    if axes > 1 && self.dice.percent(15) {
                        given.push(("divisor_override", Constant::Int(self.dice.pick(&[1, 3, -2]))));
                    }
                }
            }
            "AdaptiveAvgPool1d" | "AdaptiveMaxPool1d" | "AdaptiveAvgPool2d" | "AdaptiveMaxPool2d"
            | "AdaptiveAvgPool3d" | "AdaptiveMaxPool3d"
                if rank == axes_of(name) + 2 =>
            {
                given.push(("output_size", self.sizes(axes_of(name), &[1, 1, 1, 2, 3, 4, 5])));
            }
            "RMSNorm" => {
                given.push(("eps", Constant::Float(1e-3)));
                given.extend(self.dice.percent(30).then_some(("elementwise_affine", self.bool())));
            }
            "InstanceNorm1d" | "InstanceNorm2d" | "InstanceNorm3d" => {
                given.push(("eps", Constant::Float(1e-3)));
                given.extend(self.dice.percent(50).then_some(("affine", Constant::Bool(true))));
                given.extend(self.dice.percent(40).then_some(("track_running_stats", Constant::Bool(true))));
            }
            "BatchNorm1d" | "BatchNorm2d" | "BatchNorm3d" => {
                given.extend(self.dice.percent(30).then_some(("eps", Constant::Float(1e-3))));
                if self.dice.percent(30) {
                    let share = self.float(&[0.0, 0.3, 1.0]);
                    let cumulative = Constant::Text("cumulative".into());
                    given.push(("momentum", if self.dice.percent(20) { cumulative } else { share }));
                }
                given.extend(self.dice.percent(20).then_some(("affine", Constant::Bool(false))));
                given.extend(self.dice.percent(20).then_some(("track_running_stats", Constant::Bool(false))));
                given.extend(self.dice.percent(20).then_some(("bias", Constant::Bool(false))));
            }
            "GroupNorm" if rank >= 2 => {
                given.push(("num_groups", int(self.divisor(channels))));
                given.extend(self.dice.percent(30).then_some(("affine", self.bool())));
                given.extend(self.dice.percent(20).then_some(("bias", Constant::Bool(false))));
            }
            "LayerNorm" => {
                if self.dice.percent(50) {
                    let axes = self.dice.within(1, rank);
                    given.push(("normalized_shape", ints(shape[rank - axes..].iter().map(|&size| size as i64))));
                }
                given.extend(self.dice.percent(30).then_some(("elementwise_affine", self.bool())));
                given.extend(self.dice.percent(20).then_some(("bias", Constant::Bool(false))));
            }
            "LayerNorm2d" => {
                given.extend(self.dice.percent(30).then_some(("elementwise_affine", self.bool())));
                given.extend(self.dice.percent(20).then_some(("bias", Constant::Bool(false))));
            }
            "LocalResponseNorm" => {
                given.push(("size", int(self.dice.within(1, 5))));
                given.push(("alpha", self.float(&[1e-4, 0.5])));
                given.push(("k", self.float(&[1.0, 2.0])));
            }
            "LeakyReLU" => given.extend(self.dice.percent(50).then_some(("negative_slope", Constant::Float(0.2)))),
            "PReLU" => {
                let each = rank >= 2 && self.dice.percent(60);
                given.extend(each.then_some(("num_parameters", int(channels))));
            }
            "ELU" => given.extend(self.dice.percent(50).then_some(("alpha", Constant::Float(0.7)))),
            "GELU" => {
                given.extend(self.dice.percent(50).then_some(("approximate", Constant::Text("tanh".into()))));
            }
            "Softmax" | "Softmin" | "LogSoftmax" => given.push(("dim", self.axis(shape))),
            "Dropout" | "Dropout1d" | "Dropout2d" | "Dropout3d" | "AlphaDropout" => {
                given.push(("p", self.float(&[0.0, 0.25, 0.5])))
            }
            "StochasticDepth" => {
                given.push(("p", self.float(&[0.25, 0.5])));
                given.push(("mode", Constant::Text(self.dice.pick(&["batch", "row"]).into())));
            }
            "DropPath" => {
                given.push(("drop_prob", self.float(&[0.0, 0.25, 0.5])));
                given.extend(self.dice.percent(30).then_some(("scale_by_keep", Constant::Bool(false))));
            }
            "Flatten" if self.dice.percent(60) => {}
            "Flatten" => {
                let first = self.dice.below(rank);
                given.push(("start_dim", int(first)));
                given.push(("end_dim", Constant::Int(self.dice.within(first, rank - 1) as i64 - rank as i64)));
            }
            "ReLU" | "ReLU6" | "SiLU" | "Hardswish" | "Hardsigmoid" | "Sigmoid" | "Tanh" | "Identity" => {}
            "Abs" | "Erf" => {}
            "SELU" | "Mish" | "Softsign" | "LogSigmoid" | "Tanhshrink" | "Softmax2d" => {}
            "CELU" => given.extend(self.dice.percent(50).then_some(("alpha", Constant::Float(0.7)))),
            "Softplus" => {
                given.extend(self.dice.percent(50).then_some(("beta", Constant::Float(2.5))));
                given.extend(self.dice.percent(30).then_some(("threshold", Constant::Float(1.0))));
            }
            "Hardtanh" => given.extend(self.dice.percent(50).then_some(("max_val", Constant::Float(0.3)))),
            "Hardshrink" | "Softshrink" => {
                given.extend(self.dice.percent(50).then_some(("lambd", Constant::Float(0.2))));
            }
            "Threshold" => {
                given.push(("threshold", self.float(&[0.1, -0.5])));
                given.push(("value", self.float(&[0.0, 2.0])));
            }
            "GLU" => given.push(("dim", self.axis(shape))),
            pad if pad.contains("Pad") && rank == axes_of(name) + 2 => {
                let sides: Vec<i64> = (0..2 * axes_of(name)).map(|_| self.dice.pick(&[0, 0, 1, 2, -1, -2])).collect();
                given.push(("padding", ints(sides)));
                given.extend(pad.starts_with("Constant").then_some(("value", Constant::Float(0.75))));
            }
            "Upsample" if rank == 4 => {
                if self.dice.percent(50) {
                    let sizes = [self.size(), self.size()];
                    given.push(("size", pair(sizes[0], sizes[1])));
                } else {
                    given.push(("scale_factor", self.float(&[2.0, 2.0, 3.0, 1.5, 0.5])));
                }
                if self.dice.percent(15) {
                    given.push(("mode", Constant::Text("nearest-exact".into())));
                } else if self.dice.percent(60) {
                    let mode = self.dice.pick(&["bilinear", "bilinear", "bicubic"]);
                    given.push(("mode", Constant::Text(mode.into())));
                    given.extend(self.dice.percent(50).then_some(("align_corners", self.bool())));
                }
            }
            "PixelUnshuffle" if rank == 4 => given.push(("downscale_factor", int(self.dice.within(1, 3)))),
            "Unfold" if rank == 4 => {
                given.push(("kernel_size", self.sizes(2, &[1, 2, 3])));
                given.push(("stride", self.sizes(2, &[1, 1, 2])));
                given.extend(self.dice.percent(40).then_some(("padding", int(1))));
            }
            // Windows whose number and elements are those of the value, as a rule side by side.
            "Fold" if rank == 3 => {
                let kernel = self.divisor(channels);
                let windows = self.divisor(shape[2]);
                let (step, pad) = (self.dice.pick(&[1, 1, 2]), self.dice.pick(&[0, 0, 1]));
                let strides = if self.dice.percent(40) { [kernel, 1] } else { [step, 1] };
                let tall = ((windows - 1) * strides[0] + kernel).checked_sub(2 * pad)?;
                let wide = (shape[2] / windows).checked_sub(2 * pad)?;
                given.push(("output_size", pair(tall, wide)));
                given.push(("kernel_size", pair(kernel, 1)));
                given.push(("stride", pair(strides[0], strides[1])));
                given.push(("padding", int(pad)));
            }
            "MultiheadAttention" if rank == 3 => {
                given.push(("num_heads", int(self.divisor(shape[2]))));
                given.push(("batch_first", self.bool()));
                given.extend(self.dice.percent(30).then_some(("bias", Constant::Bool(false))));
            }
            "PixelShuffle" if rank == 4 => given.push(("upscale_factor", int(self.dice.within(1, 3)))),
            "ChannelShuffle" if rank >= 3 => given.push(("groups", int(self.divisor(channels)))),
            "Narrow" => {
                let axis = self.dice.below(rank);
                let axis = if self.dice.percent(50) { axis } else { 1.min(rank - 1) };
                let start = self.dice.below(shape[axis]);
                let length = self.dice.within(1, shape[axis] - start);
                let back = self.dice.percent(25);
                given.push(("dim", Constant::Int(if back { axis as i64 - rank as i64 } else { axis as i64 })));
                given.push((
                    "start",
                    Constant::Int(if back { start as i64 - shape[axis] as i64 } else { start as i64 }),
                ));
                let step = self.dice.pick(&[1, 1, 2, 3]);
                if self.dice.percent(75) {
                    given.push(("length", int((length - 1) / step + 1)));
                }
                given.extend((step > 1).then_some(("step", int(step))));
            }
            "Chunk" => {
                let chunks = self.dice.within(1, 4);
                given.push(("chunks", int(chunks)));
                given.push(("index", int(self.dice.below(chunks))));
                given.extend(self.dice.percent(50).then(|| ("dim", self.axis(shape))));
            }
            "Split" => {
                let axis = self.dice.below(rank);
                let first = self.dice.within(1, shape[axis]);
                let rest = shape[axis] - first;
                let parts = [first as i64, rest as i64].into_iter().filter(|&part| part > 0);
                let own = self.dice.percent(50);
                given.push(("split_size", if own { ints(parts) } else { int(first) }));
                given.push(("index", int(if rest > 0 { self.dice.below(2) } else { 0 })));
                given.push(("dim", int(axis)));
            }
            "Reshape" => {
                let mut left: usize = shape.iter().product();
                let mut sizes: Vec<i64> = (0..self.dice.within(1, 3))
                    .map(|_| {
                        let size = self.divisor(left);
                        left /= size;
                        size as i64
                    })
                    .collect();
                sizes.insert(self.dice.below(sizes.len() + 1), if self.dice.percent(50) { -1 } else { left as i64 });
                given.push(("shape", ints(sizes)));
            }
            "Unflatten" => {
                let axis = self.dice.below(rank);
                let first = self.divisor(shape[axis]);
                let rest = if self.dice.percent(50) { -1 } else { (shape[axis] / first) as i64 };
                given.push(("dim", int(axis)));
                given.push(("unflattened_size", ints([first as i64, rest])));
            }
            "Unsqueeze" => given.push(("dim", int(self.dice.below(rank + 1)))),
            "Squeeze" => {
                let axis = shape.iter().skip(1).position(|&size| size == 1).filter(|_| rank > 2)?;
                given.push(("dim", int(axis + 1)));
            }
            "Expand" => {
                let size = self.size() as i64;
                let mut sizes: Vec<i64> = shape.iter().map(|&old| if old == 1 { size } else { -1 }).collect();
                if rank < 4 && self.dice.percent(30) {
                    sizes.insert(0, self.dice.within(1, 3) as i64);
                }
                given.push(("shape", ints(sizes)));
            }
            "Repeat" => {
                let mut repeats: Vec<i64> = (0..rank).map(|_| self.dice.pick(&[1, 1, 2, 3])).collect();
                if rank < 4 && self.dice.percent(30) {
                    repeats.insert(0, self.dice.within(1, 3) as i64);
                }
                given.push(("repeats", ints(repeats)));
            }
            "Roll" => {
                given.push(("shifts", Constant::Int(self.dice.below(9) as i64 - 4)));
                given.push(("dims", self.axis(shape)));
            }
            "Mean" | "Sum" | "Max" | "Min" => {
                let first = self.dice.below(rank);
                let second = (first + 1) % rank;
                let both = first != second && rank > 2 && self.dice.percent(40);
                given.push(("dim", if both { ints([first as i64, second as i64]) } else { int(first) }));
                // A net's value keeps an axis or two.
                given.extend((self.dice.percent(50) || rank < 3).then_some(("keepdim", Constant::Bool(true))));
            }
            "Permute" if rank > 1 => {
                let mut axes: Vec<i64> = (0..rank as i64).collect();
                for index in (1..rank).rev() {
                    axes.swap(index, self.dice.below(index + 1));
                }
                given.push(("dims", ints(axes)));
            }
            "Parameter" => return None,
            other => {
                let counts = ["1d", "2d", "3d"].iter().any(|axes| other.ends_with(axes));
                assert!(counts || OF_IMAGES.contains(&other), "a layer that no net has: {other}");
                return None;
            }
        }
        Some(given)
    }
}
