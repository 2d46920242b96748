//! Kernels over bytes against plain sums of whole numbers, to the bit, on every set of instructions that this machine has and by
//! both kinds of products.

use super::ending::{Endings, Scales};
use super::vector::{IntegerKernel, Integers, Products, entry_by};
use super::windowed::WindowedBytes;
use crate::cpu::blocked::buffer::Buffer;
use crate::cpu::blocked::call::{Images, ImagesMut, KernelCall};
use crate::cpu::blocked::direct::Direct;
use crate::cpu::blocked::linear::{FeatureOrder, Linear, LinearShape};
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::{ConvolutionShape, Window};
use crate::cpu::blocked::vector::InstructionSet;
use crate::cpu::blocked::window::PoolShape;
use cnnc_compiler::element::Quantisation;
use cnnc_compiler::kernels::{AxisWindow, Divisor, PoolAxis, Pooling};

/// Numbers that look drawn, the same for the same seed.
fn drawn(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 20
    })
}

fn bytes(count: usize, seed: u64) -> Vec<u8> {
    drawn(seed).take(count).map(|number| [0, 255, number as u8, number as u8][(number >> 9) as usize % 4]).collect()
}

/// Whole numbers from -127 to 127, one of which is -127 in every channel of so many.
fn whole(count: usize, channel: usize, seed: u64) -> Vec<i32> {
    let mut made: Vec<i32> = drawn(seed).take(count).map(|number| (number % 255) as i32 - 127).collect();
    made.iter_mut().step_by(channel.max(1)).for_each(|first| *first = -127);
    made
}

/// Scales of channels, powers of two: weights are whole numbers times these, and packing finds both again.
fn scale(channel: usize) -> f32 {
    [0.125, 0.0625, 0.25][channel % 3]
}

/// A case: sizes, operands, and what bytes stand for.
struct Case {
    shape: ConvolutionShape,
    input: Vec<u8>,
    weights: Vec<i32>,
    bias: Vec<f32>,
    residual: Option<Vec<u8>>,
    scales: Scales,
    limits: [f32; 2],
}

impl Case {
    fn new(shape: ConvolutionShape, [zero, written]: [u8; 2], adds: bool, seed: u64) -> Case {
        let filter = shape.in_channels / shape.groups * shape.window.area();
        let outputs = shape.batch * shape.out_channels * shape.window.output_pixels();
        let residual = adds.then(|| bytes(outputs, seed + 3));
        let of = |scale, zero| Quantisation::new(scale, zero).unwrap();
        let spread = 0.02 * (filter as f32).sqrt();
        Case {
            input: bytes(shape.batch * shape.in_channels * shape.window.input_pixels(), seed),
            weights: whole(shape.out_channels * filter, filter, seed + 1),
            bias: drawn(seed + 2).take(shape.out_channels).map(|number| (number % 1000) as f32 / 37.0 - 13.0).collect(),
            scales: Scales {
                input: of(0.031, zero),
                output: (written > 0).then(|| of(60.0 * spread, written)),
                residual: residual.is_some().then(|| of(1.7, 77)),
            },
            residual,
            limits: if seed.is_multiple_of(2) { [0.0, f32::INFINITY] } else { KernelCall::UNLIMITED },
            shape,
        }
    }

    /// The weights as floats.
    fn floats(&self) -> Vec<f32> {
        let filter = self.weights.len() / self.shape.out_channels;
        self.weights.iter().enumerate().map(|(at, &number)| number as f32 * scale(at / filter)).collect()
    }

    /// What is answered, `[N, C, H, W]`: bytes, or the bits of floats.
    fn expected(&self) -> Vec<u32> {
        let ConvolutionShape { batch, in_channels, out_channels, groups, window } = self.shape;
        let [[height, width], [rows, columns]] = [window.input, window.output];
        let (ins, outs) = (in_channels / groups, out_channels / groups);
        let zero = i64::from(self.scales.input.zero());
        let mut made = Vec::new();
        for (image, channel, y, x) in places([batch, out_channels, rows, columns]) {
            let (mut sum, mut all) = (0i64, 0i64);
            for (inner, ky, kx) in
                places([1, ins, window.axes[0].kernel, window.axes[1].kernel]).map(|(_, a, b, c)| (a, b, c))
            {
                let at = |axis: usize, place: usize, k: usize| {
                    let AxisWindow { stride, dilation, before, .. } = window.axes[axis];
                    (place * stride + k * dilation).checked_sub(before).filter(|at| *at < window.input[axis])
                };
                let plane = (image * in_channels + channel / outs * ins + inner) * height * width;
                let byte = match (at(0, y, ky), at(1, x, kx)) {
                    (Some(y), Some(x)) => i64::from(self.input[plane + y * width + x]),
                    _ => zero,
                };
                let weight = i64::from(
                    self.weights[((channel * ins + inner) * window.axes[0].kernel + ky) * window.axes[1].kernel + kx],
                );
                sum += byte * weight;
                all += weight;
            }
            let residual = self.residual.as_ref().map(|residual| residual[made.len()]);
            made.push(self.ended(channel, sum, all, residual));
        }
        made
    }

    /// How a sum ends, in float32, each operation rounded once.
    fn ended(&self, channel: usize, sum: i64, all: i64, residual: Option<u8>) -> u32 {
        let Scales { input, output, residual: added } = self.scales;
        let (step, zero) = output.map_or((1.0, 0.0), |of| (of.scale(), f32::from(of.zero())));
        let factor = input.scale() * scale(channel);
        let shift = f32::from(input.zero()) * all as f32 * factor;
        let below = added.map_or(0.0, |of| f32::from(of.zero()) * of.scale());
        let mut value = (sum as f32).mul_add(factor / step, (self.bias[channel] - shift - below) / step + zero);
        if let (Some(byte), Some(of)) = (residual, added) {
            value = f32::from(byte).mul_add(of.scale() / step, value);
        }
        let [low, high] = self.limits.map(|limit| limit / step + zero);
        let value = value.max(low).min(high);
        match output {
            Some(_) => u32::from(value.clamp(0.0, 255.0).round_ties_even() as u8),
            None => value.to_bits(),
        }
    }

    /// Holds a kernel to the case: words of packed weights and floats of scratch, how it packs, and how it runs.
    fn hold(
        &self,
        set: InstructionSet,
        narrow: bool,
        [packed, scratch]: [usize; 2],
        pack: impl Fn(&Pool, &[f32], &mut [f32]),
        run: impl Fn(&Pool, &KernelCall<'_>),
    ) {
        let ConvolutionShape { batch, in_channels, out_channels, window, .. } = self.shape;
        let (lanes, pixels) = (set.lanes(), window.output_pixels());
        let of_bytes = self.scales.output.is_some();
        let input = blocked(if narrow { 4 } else { lanes }, [batch, in_channels, window.input_pixels()], &self.input);
        let residual = self.residual.as_ref().map(|bytes| blocked(lanes, [batch, out_channels, pixels], bytes));
        let mut bias = Buffer::zeros(out_channels.next_multiple_of(lanes));
        bias[..out_channels].copy_from_slice(&self.bias);
        let endings = Endings::new(set, self.scales);
        let expected = self.expected();
        for threads in [1, 3] {
            let pool = Pool::new(threads).unwrap();
            let mut weights = Buffer::zeros(packed);
            pack(&pool, &self.floats(), &mut weights);
            let words = out_channels.next_multiple_of(lanes) * pixels / if of_bytes { 4 } else { 1 };
            let mut output = Buffer::zeros(batch * words);
            output.fill(f32::NAN);
            let mut workspace = Buffer::zeros(threads * scratch);
            workspace.fill(f32::NAN);
            let images = |buffer: &Buffer| Images { first: buffer.as_ptr(), step: buffer.len() / batch };
            let call = KernelCall {
                weights: weights.as_ptr(),
                bias: bias.as_ptr(),
                residual: residual.as_ref().map(images),
                limits: self.limits,
                bytes: Some(&endings),
                workspace: workspace.as_mut_ptr(),
                ..KernelCall::new(images(&input), ImagesMut { first: output.as_mut_ptr(), step: words })
            };
            run(&pool, &call);
            let found: Vec<u32> = places([batch, out_channels, pixels, 1])
                .map(|(image, channel, pixel, _)| {
                    let at = ((channel / lanes) * pixels + pixel) * lanes + channel % lanes;
                    match of_bytes {
                        true => u32::from(byte_of(&output[image * words..], at)),
                        false => output[image * words + at].to_bits(),
                    }
                })
                .collect();
            assert!(found == expected, "{set:?} {:?} {:?} on {threads}", self.shape, self.scales);
        }
    }

    fn hold_direct(&self, narrow: bool) {
        for set in InstructionSet::available() {
            let kernel = Direct::of_bytes(set, self.shape, narrow);
            let lengths = [kernel.packed_length(), kernel.workspace_length()];
            let pack = |pool: &Pool, weights: &[f32], into: &mut [f32]| kernel.pack(pool, weights, into);
            // SAFETY: the case lays everything out as its shape says.
            self.hold(set, narrow, lengths, pack, |pool, call| unsafe { kernel.run(pool, call) });
        }
    }
}

fn places([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..a * b * c * d).map(move |at| (at / (b * c * d), at / (c * d) % b, at / d % c, at % d))
}

fn byte_of(words: &[f32], at: usize) -> u8 {
    words[at / 4].to_bits().to_ne_bytes()[at % 4]
}

/// Plain images of bytes in blocks; what fills up the last one is anything.
fn blocked(lanes: usize, [images, channels, pixels]: [usize; 3], plain: &[u8]) -> Buffer {
    let all = channels.next_multiple_of(lanes);
    let mut made = vec![201u8; images * all * pixels];
    for (image, channel, pixel, _) in places([images, channels, pixels, 1]) {
        let at = ((image * all + channel / lanes * lanes) * pixels) + pixel * lanes + channel % lanes;
        made[at] = plain[(image * channels + channel) * pixels + pixel];
    }
    let mut buffer = Buffer::zeros(made.len() / 4);
    for (word, bytes) in buffer.iter_mut().zip(made.chunks_exact(4)) {
        *word = f32::from_bits(u32::from_ne_bytes(bytes.try_into().unwrap()));
    }
    buffer
}

fn shape(batch: usize, [ins, outs]: [usize; 2], groups: usize, window: Window) -> ConvolutionShape {
    ConvolutionShape { batch, in_channels: ins, out_channels: outs, groups, window }
}

const SIZES: [(usize, usize, usize, usize); 8] = [
    (1, 1, 1, 0),
    (7, 3, 1, 1),
    (13, 3, 2, 1),
    (14, 1, 2, 0),
    (29, 1, 1, 0),
    (12, 5, 1, 2),
    (17, 5, 3, 4),
    (9, 4, 1, 0),
];

#[test]
fn convolutions_are_exact() {
    let mut seed = 0u64;
    for (size, kernel, stride, padding) in SIZES {
        for (channels, groups) in
            [([16, 32], 1), ([20, 9], 1), ([3, 17], 1), ([48, 48], 3), ([64, 64], 16), ([6, 6], 3)]
        {
            seed += 1;
            let window = Window::square(size, kernel, stride, padding);
            let zeros = [[0, 0], [0, 3], [128, 255], [7, 128]][seed as usize % 4];
            Case::new(shape(2, channels, groups, window), zeros, seed.is_multiple_of(3) && zeros[1] > 0, seed)
                .hold_direct(false);
        }
    }
}

#[test]
fn images_of_few_channels_are_exact() {
    for (seed, (size, kernel, stride, padding)) in (0..).zip(SIZES) {
        for ins in [1, 2, 3, 4] {
            let window = Window::square(size, kernel, stride, padding);
            Case::new(shape(2, [ins, 24], 1, window), [114, 5], false, seed).hold_direct(true);
        }
    }
}

#[test]
fn dilated_windows_are_exact() {
    let axis = |kernel, stride, dilation, before| AxisWindow { kernel, stride, dilation, before };
    let window = Window { input: [11, 14], output: [5, 12], axes: [axis(3, 2, 2, 1), axis(2, 1, 3, 1)] };
    Case::new(shape(1, [24, 40], 1, window), [31, 64], true, 4).hold_direct(false);
}

#[test]
fn depthwise_convolutions_are_exact() {
    for (seed, (size, kernel, stride, padding)) in (0..).zip(SIZES) {
        for (channels, zeros, adds) in [(16, [0, 1], false), (20, [128, 9], true), (35, [3, 0], false)] {
            let window = Window::square(size, kernel, stride, padding);
            let case = Case::new(shape(2, [channels; 2], channels, window), zeros, adds, seed);
            for set in InstructionSet::available() {
                let kernel = WindowedBytes::depthwise(set, [2, channels], &window);
                let lengths = [kernel.packed_length(), kernel.workspace_length()];
                let pack = |pool: &Pool, weights: &[f32], into: &mut [f32]| kernel.pack(pool, weights, into);
                // SAFETY: the case lays everything out as its shape says.
                case.hold(set, false, lengths, pack, |pool, call| unsafe { kernel.run(pool, call) });
            }
        }
    }
}

#[test]
fn pooling_is_exact() {
    let of = |scale, zero| Quantisation::new(scale, zero).unwrap();
    for (size, kernel, stride, before) in [(12, 3, 2, 1), (7, 7, 7, 0), (9, 2, 2, 0), (5, 3, 1, 1)] {
        let output = (size + 2 * before - kernel) / stride + 1;
        let axes = [PoolAxis::Sliding(AxisWindow { kernel, stride, dilation: 1, before }); 2];
        let pooled = PoolShape { batch: 2, channels: 19, input: [size; 2], output: [output; 2], axes };
        let plain = bytes(2 * 19 * size * size, 5);
        let input_of = of(0.5, 40);
        for (pooling, output_of) in [
            (Pooling::Max, input_of),
            (Pooling::Mean(Divisor::Elements), of(0.25, 3)),
            (Pooling::Mean(Divisor::Fixed(9.0)), of(1.0, 0)),
        ] {
            let expected: Vec<u8> = places([2, 19, output, output])
                .map(|(image, channel, y, x)| {
                    let rows = axes[0].elements(y, output, size);
                    let columns = axes[1].elements(x, output, size);
                    let plane = &plain[(image * 19 + channel) * size * size..];
                    let numbers = (0..rows.2)
                        .flat_map(|row| (0..columns.2).map(move |column| (rows.0 + row, columns.0 + column)));
                    let numbers: Vec<u8> = numbers.map(|(row, column)| plane[row * size + column]).collect();
                    match pooling {
                        Pooling::Mean(divisor) => {
                            let sum: f32 = numbers.iter().map(|&byte| f32::from(byte)).sum();
                            let factor =
                                input_of.scale() / divisor.of(&axes, [y, x], [size; 2], [rows, columns]) as f32;
                            let shift = f32::from(input_of.zero()) * numbers.len() as f32 * factor;
                            let addend = f32::from(output_of.zero()) - shift / output_of.scale();
                            sum.mul_add(factor / output_of.scale(), addend).clamp(0.0, 255.0).round_ties_even() as u8
                        }
                        _ => numbers.into_iter().max().unwrap(),
                    }
                })
                .collect();
            for set in InstructionSet::available() {
                let lanes = set.lanes();
                let kernel = WindowedBytes::pooling(set, pooled, pooling).unwrap();
                let input = blocked(lanes, [2, 19, size * size], &plain);
                let endings = Endings::new(set, Scales { input: input_of, output: Some(output_of), residual: None });
                let words = 19usize.next_multiple_of(lanes) * output * output / 4;
                let mut made = Buffer::zeros(2 * words);
                let images = Images { first: input.as_ptr(), step: input.len() / 2 };
                let call = KernelCall {
                    bytes: Some(&endings),
                    ..KernelCall::new(images, ImagesMut { first: made.as_mut_ptr(), step: words })
                };
                // SAFETY: the images are those of the shape.
                unsafe { kernel.run(&Pool::new(2).unwrap(), &call) };
                let found: Vec<u8> = places([2, 19, output * output, 1])
                    .map(|(image, channel, pixel, _)| {
                        let at = (channel / lanes * output * output + pixel) * lanes + channel % lanes;
                        byte_of(&made[image * words..], at)
                    })
                    .collect();
                assert!(found == expected, "{set:?} {pooling:?} {size}");
            }
        }
    }
}

#[test]
fn fully_connected_layers_are_exact() {
    for (rows, channels, pixels, outs) in [(1, 40, 1, 10), (3, 64, 1, 37), (2, 20, 9, 16), (17, 512, 1, 33)] {
        let features = channels * pixels;
        let window = Window::square(1, 1, 1, 0);
        let of = ConvolutionShape { batch: rows, in_channels: features, out_channels: outs, groups: 1, window };
        let case = Case::new(of, [90, 0], false, rows as u64);
        for set in InstructionSet::available() {
            let lanes = set.lanes();
            let order = if pixels == 1 { FeatureOrder::Plain } else { FeatureOrder::Blocked { pixels } };
            let shape = LinearShape { rows, in_features: features, out_features: outs, order, of_bytes: true };
            let kernel = Linear::new(set, shape);
            let input = match pixels {
                1 => blocked(4, [1, 4, rows * features / 4], &unblocked(&case.input)),
                _ => blocked(lanes, [rows, channels, pixels], &case.input),
            };
            let endings = Endings::new(set, case.scales);
            let mut bias = Buffer::zeros(outs.next_multiple_of(lanes));
            bias[..outs].copy_from_slice(&case.bias);
            for threads in [1, 2] {
                let pool = Pool::new(threads).unwrap();
                let mut weights = Buffer::zeros(kernel.packed_length());
                kernel.pack(&pool, &case.floats(), &mut weights);
                let mut output = Buffer::zeros(rows * outs);
                let mut workspace = Buffer::zeros(threads * kernel.workspace_length());
                let images = Images { first: input.as_ptr(), step: input.len() / rows };
                let call = KernelCall {
                    weights: weights.as_ptr(),
                    bias: bias.as_ptr(),
                    limits: case.limits,
                    bytes: Some(&endings),
                    workspace: workspace.as_mut_ptr(),
                    ..KernelCall::new(images, ImagesMut { first: output.as_mut_ptr(), step: outs })
                };
                // SAFETY: the rows are those of the shape.
                unsafe { kernel.run(&pool, &call) };
                let found: Vec<u32> = output[..rows * outs].iter().map(|value| value.to_bits()).collect();
                assert!(found == case.expected(), "{set:?} {shape:?}");
            }
        }
    }
}

/// Bytes in the order of a plane each for the four bytes of a word, so that `blocked` lays them out as they were.
fn unblocked(bytes: &[u8]) -> Vec<u8> {
    let words = bytes.len() / 4;
    (0..bytes.len()).map(|at| bytes[at % words * 4 + at / words]).collect()
}

/// Sums of products of all bytes with all weights, one word each.
struct Sums;

/// Words of bytes, words of weights, and where the sums go: as many as there are lanes.
struct SumArguments {
    bytes: *const f32,
    weights: *const f32,
    to: *mut f32,
}

impl IntegerKernel for Sums {
    type Arguments = SumArguments;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &SumArguments) {
        // SAFETY: the caller promises a vector each.
        unsafe { I::splat(1000).add_products(I::load(a.bytes), I::load(a.weights)).store(a.to) }
    }
}

/// Sums of two products of bytes may be past 16 bits, and a product of 255 and -128 is the farthest: none of it is cut off.
#[test]
fn both_kinds_of_products_are_whole() {
    let extremes: [([u8; 4], [i8; 4]); 4] = [
        ([255; 4], [-128; 4]),
        ([255; 4], [127; 4]),
        ([255, 0, 255, 1], [127, -128, -127, -1]),
        ([1, 128, 0, 254], [-1, 64, 3, 127]),
    ];
    for set in InstructionSet::available() {
        let mut kinds = vec![Products::Halves];
        kinds.extend(super::vector::has_words(set).then_some(Products::Words));
        for products in kinds {
            for (bytes, weights) in extremes {
                let word = |bytes: [u8; 4]| f32::from_bits(u32::from_ne_bytes(bytes));
                let (left, right) = ([word(bytes); 16], [word(weights.map(|weight| weight as u8)); 16]);
                let mut sums = [0.0f32; 16];
                let arguments = SumArguments { bytes: left.as_ptr(), weights: right.as_ptr(), to: sums.as_mut_ptr() };
                // SAFETY: there are as many words as any vector has.
                unsafe { entry_by::<Sums>(set, products)(&arguments) };
                let expected: i32 =
                    bytes.iter().zip(weights).map(|(&byte, weight)| i32::from(byte) * i32::from(weight)).sum();
                assert!(
                    sums[..set.lanes()].iter().all(|sum| sum.to_bits() as i32 == 1000 + expected),
                    "{set:?} {products:?}"
                );
            }
        }
    }
}
