//! Convolutions: forward, by data and by weight; as products, or directly where groups have few channels.

use super::product::Problem;
use super::{EntryDraft, LaunchRequest, elementwise, finished};
use crate::cuda::library_operation::{Image, LibraryOperation, Part};
use crate::cuda::source::{EpilogueText, argument, index_type_of, sizes};
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
pub fn conv<'s>(step: &'s Step, window: &[AxisWindow; 2], groups: usize) -> Problem<'s> {
    let (x, y) = (image(&step.operands[0]), image(&step.output));
    let channels = [x[1] / groups, y[1] / groups];
    let area = window[0].kernel * window[1].kernel;
    let images = Image::of(&step.operands[0]).map(|x| [x, Image::dense(y)]);
    Problem {
        family: "conv",
        step,
        names: ["x", "weight"],
        product: Product { rows: channels[1], columns: x[0] * y[2] * y[3], depth: channels[0] * area, groups },
        ints: common(window, groups, channels, x, y),
        indices: vec![("image", apart(&step.operands[0]))],
        direct: is_direct(groups, channels).then_some(|problem| direct("depthwise", problem)),
        operation: operation(Part::Y, images, &step.operands[1], window, groups),
    }
}

/// `ConvData`.
pub fn conv_data<'s>(step: &'s Step, window: &[AxisWindow; 2], groups: usize) -> Problem<'s> {
    let (x, y) = (image(&step.operands[0]), image(&step.output));
    let channels = [x[1] / groups, y[1] / groups];
    let phases = [0, 1].map(|axis| if window[axis].dilation == 1 { window[axis].stride } else { 1 });
    let area: usize = [0, 1].iter().map(|&axis: &usize| window[axis].kernel.div_ceil(phases[axis])).product();
    let places: usize = [0, 1].iter().map(|&axis: &usize| y[2 + axis].div_ceil(phases[axis])).product();
    let images = Image::of(&step.operands[0]).map(|gradient| [Image::dense(y), gradient]);
    Problem {
        family: "conv_data",
        step,
        names: ["x", "weight"],
        product: Product {
            rows: channels[1],
            columns: x[0] * places,
            depth: channels[0] * area,
            groups: groups * phases[0] * phases[1],
        },
        ints: common(window, groups, channels, x, y),
        indices: vec![("image", apart(&step.operands[0]))],
        direct: is_direct(groups, channels).then_some(|problem| direct("depthwise_data", problem)),
        operation: operation(Part::X, images, &step.operands[1], window, groups),
    }
}

/// `ConvWeight`.
pub fn conv_weight<'s>(step: &'s Step, window: &[AxisWindow; 2], groups: usize) -> Problem<'s> {
    let (x, g) = (image(&step.operands[0]), image(&step.operands[1]));
    let channels = [x[1] / groups, g[1] / groups];
    let area = window[0].kernel * window[1].kernel;
    let images = Image::of(&step.operands[0]).and_then(|x| Some([x, Image::of(&step.operands[1])?]));
    let weight = View::dense(step.output.storage, step.output.element, 0, &step.output.shape);
    Problem {
        family: "conv_weight",
        step,
        names: ["x", "gradient"],
        product: Product { rows: channels[1], columns: channels[0] * area, depth: x[0] * g[2] * g[3], groups },
        ints: common(window, groups, channels, x, g),
        indices: vec![("image", apart(&step.operands[0])), ("gradient", apart(&step.operands[1]))],
        direct: is_direct(groups, channels).then_some(direct_weight),
        operation: operation(Part::Weight, images, &weight, window, groups),
    }
}

/// The same for a library.
fn operation(
    result: Part,
    images: Option<[Image; 2]>,
    weight: &View,
    window: &[AxisWindow; 2],
    groups: usize,
) -> Option<LibraryOperation> {
    let sizes: [usize; 4] = weight.shape.as_slice().try_into().ok().filter(|_| weight.is_dense())?;
    LibraryOperation::convolution(result, images?, sizes, window, groups)
}

/// A thread an element.
fn direct(family: &'static str, problem: &Problem<'_>) -> LaunchRequest {
    let step = problem.step;
    let index = index_type_of(step, 1);
    let structs = sizes(index, &problem.ints, &problem.indices, &[]);
    elementwise(family, structs, &problem.names, step, index, |sink| format!("{family}<@_sizes>(x, weight, {sink})"))
}

/// A block an element of the weight.
fn direct_weight(problem: &Problem<'_>) -> LaunchRequest {
    let step = problem.step;
    let index = index_type_of(step, 1);
    let epilogue = EpilogueText::of(step, index);
    let structs = sizes(index, &problem.ints, &problem.indices, &[]) + &epilogue.text;
    let entry = EntryDraft::new(structs).operands(&problem.names, step);
    let entry = entry.epilogue(&epilogue).write("out", argument(&step.output));
    let body = format!("depthwise_weight<@_sizes>(x, gradient, {})", finished(&epilogue));
    entry.launch("depthwise_weight", &body, [step.output.elements(), 1, 1], 128)
}
