//! Convolutions: forward, by data and by weight; as products, or directly where groups have few channels.

use super::product::{Problem, calls};
use super::{Call, Entry, elementwise, finished};
use crate::cuda::program::Options;
use crate::cuda::source::{Ending, argument, index_type_of, sizes};
use crate::cuda::tiles::Product;
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::{Step, View};

/// Groups of fewer channels than these, in the result or in the sums, are computed directly.
const FEW: usize = 8;

/// An image's sizes, `[N, C, H, W]`.
fn image(view: &View) -> [usize; 4] {
    let mut sizes = [1; 4];
    sizes.iter_mut().zip(&view.shape).for_each(|(size, &found)| *size = found);
    sizes
}

/// Elements from one image to the next; of a single one, any number will do.
fn apart(view: &View) -> usize {
    if view.shape.first() == Some(&1) { 0 } else { view.strides.first().copied().unwrap_or(0) }
}

/// What all three have in common: `x` is what the window moves over, `places` what it moves to; channels are those of a group.
fn common(
    window: &[AxisWindow; 2],
    groups: usize,
    channels: [usize; 2],
    x: [usize; 4],
    places: [usize; 4],
) -> Vec<(&'static str, usize)> {
    let [h, w] = window;
    vec![
        ("images", x[0]),
        ("groups", groups),
        ("in_channels", channels[0]),
        ("out_channels", channels[1]),
        ("height", x[2]),
        ("width", x[3]),
        ("out_height", places[2]),
        ("out_width", places[3]),
        ("kernel_h", h.kernel),
        ("kernel_w", w.kernel),
        ("stride_h", h.stride),
        ("stride_w", w.stride),
        ("dilation_h", h.dilation),
        ("dilation_w", w.dilation),
        ("before_h", h.before),
        ("before_w", w.before),
    ]
}

/// Whether groups have too few channels for tiles.
fn is_direct(groups: usize, channels: [usize; 2]) -> bool {
    groups > 1 && channels.into_iter().any(|count| count < FEW)
}

/// `Conv`.
pub fn conv(step: &Step, window: &[AxisWindow; 2], groups: usize, options: &Options) -> Vec<Call> {
    let (x, y) = (image(&step.operands[0]), image(&step.output));
    let channels = [x[1] / groups, y[1] / groups];
    let (ints, indices) = (common(window, groups, channels, x, y), vec![("image", apart(&step.operands[0]))]);
    if is_direct(groups, channels) {
        return direct("depthwise", step, &ints, &indices);
    }
    let area = window[0].kernel * window[1].kernel;
    let product = Product { rows: channels[1], columns: x[0] * y[2] * y[3], depth: channels[0] * area, groups };
    calls(&Problem { family: "conv", step, names: ["x", "weight"], product, ints, indices }, options)
}

/// `ConvData`.
pub fn conv_data(step: &Step, window: &[AxisWindow; 2], groups: usize, options: &Options) -> Vec<Call> {
    let (x, y) = (image(&step.operands[0]), image(&step.output));
    let channels = [x[1] / groups, y[1] / groups];
    let (ints, indices) = (common(window, groups, channels, x, y), vec![("image", apart(&step.operands[0]))]);
    if is_direct(groups, channels) {
        return direct("depthwise_data", step, &ints, &indices);
    }
    let phases = [0, 1].map(|axis| if window[axis].dilation == 1 { window[axis].stride } else { 1 });
    let area: usize = [0, 1].iter().map(|&axis: &usize| window[axis].kernel.div_ceil(phases[axis])).product();
    let places: usize = [0, 1].iter().map(|&axis: &usize| y[2 + axis].div_ceil(phases[axis])).product();
    let (depth, groups) = (channels[0] * area, groups * phases[0] * phases[1]);
    let product = Product { rows: channels[1], columns: x[0] * places, depth, groups };
    calls(&Problem { family: "conv_data", step, names: ["x", "weight"], product, ints, indices }, options)
}

/// `ConvWeight`.
pub fn conv_weight(step: &Step, window: &[AxisWindow; 2], groups: usize, options: &Options) -> Vec<Call> {
    let (x, g) = (image(&step.operands[0]), image(&step.operands[1]));
    let channels = [x[1] / groups, g[1] / groups];
    let ints = common(window, groups, channels, x, g);
    let indices = vec![("image", apart(&step.operands[0])), ("gradient", apart(&step.operands[1]))];
    if is_direct(groups, channels) {
        return direct_weight(step, &ints, &indices);
    }
    let area = window[0].kernel * window[1].kernel;
    let product = Product { rows: channels[1], columns: channels[0] * area, depth: x[0] * g[2] * g[3], groups };
    calls(&Problem { family: "conv_weight", step, names: ["x", "gradient"], product, ints, indices }, options)
}

/// A thread an element.
fn direct(family: &'static str, step: &Step, ints: &[(&str, usize)], indices: &[(&str, usize)]) -> Vec<Call> {
    let index = index_type_of(step, 1);
    let structs = sizes(index, ints, indices, &[]);
    elementwise(family, structs, &["x", "weight"], step, index, |sink| format!("{family}<@_sizes>(x, weight, {sink})"))
}

/// A block an element of the weight.
fn direct_weight(step: &Step, ints: &[(&str, usize)], indices: &[(&str, usize)]) -> Vec<Call> {
    let index = index_type_of(step, 1);
    let ending = Ending::of(step, index);
    let entry = Entry::new(sizes(index, ints, indices, &[]) + &ending.text).operands(&["x", "gradient"], step);
    let entry = entry.ending(&ending).write("out", argument(&step.output));
    let body = format!("depthwise_weight<@_sizes>(x, gradient, {})", finished(&ending));
    vec![entry.call("depthwise_weight", &body, [step.output.elements(), 1, 1], 128)]
}
