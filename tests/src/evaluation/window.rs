//! Layers that look through windows: convolutions and pooling.

use super::array::{Array, each_place};
use super::number::Number;
use cnnc_compiler::ops::{PadPair, Padding, Pair};

/// A window along an axis; all in elements.
#[derive(Clone, Copy)]
pub struct Axis {
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub before: usize,
    pub after: usize,
}

impl Axis {
    /// From the first element to the last.
    fn extent(self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// How many windows there are along an axis of that size.
    fn count(self, size: usize) -> usize {
        (size + self.before + self.after - self.extent()) / self.stride + 1
    }

    /// The element that window `number` sees as its `index`-th.
    fn sees(self, number: usize, index: usize) -> isize {
        (number * self.stride + index * self.dilation) as isize - self.before as isize
    }
}

/// Both axes of a layer's window.
pub fn axes(kernel: Pair, stride: Pair, padding: PadPair, dilation: Pair) -> [Axis; 2] {
    let axis = |kernel, stride, padding, dilation| Axis { kernel, stride, dilation, before: padding, after: padding };
    [axis(kernel.0, stride.0, padding.0, dilation.0), axis(kernel.1, stride.1, padding.1, dilation.1)]
}

/// Those of a convolution, whose padding may be a word.
pub fn convolution_axes(kernel: Pair, stride: Pair, padding: Padding, dilation: Pair) -> [Axis; 2] {
    let sizes = match padding {
        Padding::Sizes(sizes) => sizes,
        Padding::Same | Padding::Valid => PadPair(0, 0),
    };
    let mut axes = axes(kernel, stride, sizes, dilation);
    if padding == Padding::Same {
        for axis in &mut axes {
            let total = axis.extent() - 1;
            axis.before = total / 2;
            axis.after = total - axis.before;
        }
    }
    axes
}

/// `y[n, o, p] = bias[o] + Σ w[o, c, k] · x[n, first channel of o's group + c, p·stride + k·dilation − padding]`
pub fn convolution(x: &Array, weight: &Array, bias: Option<&Array>, axes: [Axis; 2], groups: usize) -> Array {
    let [batch, _, height, width] = x.image();
    let [out_channels, inner, rows, columns] = weight.image();
    let of_group = out_channels / groups;
    let shape = [batch, out_channels, axes[0].count(height), axes[1].count(width)];
    Array::of(&shape, |place| {
        let &[image, out, row, column] = place else { unreachable!() };
        let mut sum = Number::exact(0.0);
        each_place(&[inner, rows, columns], |window| {
            let &[channel, i, j] = window else { unreachable!() };
            let sees = [axes[0].sees(row, i), axes[1].sees(column, j)];
            if let Some(seen) = x.pixel([image, out / of_group * inner + channel], sees) {
                sum = sum + weight.at(&[out, channel, i, j]) * seen;
            }
        });
        plus_bias(sum, bias, out)
    })
}

/// Every element adds its multiple of the kernel to the result: `x[n, c, p] · w[c, o, k]` at `p·stride + k·dilation − padding`.
pub fn transposed_convolution(
    x: &Array,
    weight: &Array,
    bias: Option<&Array>,
    axes: [Axis; 2],
    output_padding: PadPair,
    groups: usize,
) -> Array {
    let [batch, channels, height, width] = x.image();
    let [_, of_group, rows, columns] = weight.image();
    let grown = |axis: Axis, size: usize, more: usize| {
        (size - 1) * axis.stride + axis.extent() + more - axis.before - axis.after
    };
    let (tall, wide) = (grown(axes[0], height, output_padding.0), grown(axes[1], width, output_padding.1));
    let mut y = Array::of(&[batch, of_group * groups, tall, wide], |_| Number::exact(0.0));
    each_place(&[batch, channels, height, width, of_group, rows, columns], |place| {
        let &[image, channel, row, column, inner, i, j] = place else { unreachable!() };
        let out = channel / (channels / groups) * of_group + inner;
        let [down, across] = [axes[0].sees(row, i), axes[1].sees(column, j)];
        if down < 0 || across < 0 || down as usize >= tall || across as usize >= wide {
            return;
        }
        let number = ((image * of_group * groups + out) * tall + down as usize) * wide + across as usize;
        let product = x.at(&[image, channel, row, column]) * weight.at(&[channel, inner, i, j]);
        y.elements[number] = y.elements[number] + product;
    });
    Array::of(&y.shape, |place| plus_bias(y.at(place), bias, place[1]))
}

fn plus_bias(number: Number, bias: Option<&Array>, channel: usize) -> Number {
    bias.map_or(number, |bias| number + bias.at(&[channel]))
}

/// A pooling's windows: as PyTorch's `pooling_output_shape`, a last one that would start past the input and the padding before
/// it is none.
fn pooled(axis: Axis, size: usize, ceil_mode: bool) -> usize {
    if !ceil_mode {
        return axis.count(size);
    }
    let room = (size + 2 * axis.before) as isize - axis.extent() as isize;
    let count = ((room + axis.stride as isize - 1).div_euclid(axis.stride as isize) + 1) as usize;
    if (count - 1) * axis.stride >= size + axis.before { count - 1 } else { count }
}

/// What is made of each window: of the elements that it sees, first rows, and of where it lies along both axes.
fn pooling(x: &Array, axes: [Axis; 2], ceil_mode: bool, make: impl Fn(&[Number], [usize; 2]) -> Number) -> Array {
    let [batch, channels, height, width] = x.image();
    let shape = [batch, channels, pooled(axes[0], height, ceil_mode), pooled(axes[1], width, ceil_mode)];
    Array::of(&shape, |place| {
        let &[image, channel, row, column] = place else { unreachable!() };
        let mut seen = Vec::new();
        each_place(&[axes[0].kernel, axes[1].kernel], |index| {
            seen.extend(x.pixel([image, channel], [axes[0].sees(row, index[0]), axes[1].sees(column, index[1])]));
        });
        make(&seen, [row, column])
    })
}

pub fn max_pooling(x: &Array, axes: [Axis; 2], ceil_mode: bool) -> Array {
    pooling(x, axes, ceil_mode, |seen, _| largest(seen))
}

/// The first of the largest; of none, which a dilated window may see, minus infinity.
pub fn largest(numbers: &[Number]) -> Number {
    let Some(&first) = numbers.first() else { return Number::exact(f64::NEG_INFINITY) };
    let larger = |best: Number, &number: &Number| if number.is_greater(best) { number } else { best };
    numbers.iter().skip(1).fold(first, larger)
}

/// How a mean divides.
pub enum Divisor {
    Elements,
    ElementsAndPadding,
    Fixed(i64),
}

pub fn mean_pooling(x: &Array, axes: [Axis; 2], ceil_mode: bool, divisor: &Divisor) -> Array {
    let sizes = [x.shape[2], x.shape[3]];
    // The padding counts, what lies past it does not.
    let padded = |axis: usize, number: usize| {
        let (first, end) = (number * axes[axis].stride, sizes[axis] + 2 * axes[axis].before);
        axes[axis].kernel.min(end - first)
    };
    pooling(x, axes, ceil_mode, |seen, [row, column]| {
        let count = match divisor {
            Divisor::Elements => seen.len() as f64,
            Divisor::ElementsAndPadding => (padded(0, row) * padded(1, column)) as f64,
            Divisor::Fixed(number) => *number as f64,
        };
        seen.iter().copied().sum::<Number>() / Number::exact(count)
    })
}

/// `Σ x·eˣ / Σ eˣ`, against the largest element, which cancels out.
pub fn softmax_pooling(x: &Array, axes: [Axis; 2], ceil_mode: bool) -> Array {
    pooling(x, axes, ceil_mode, |seen, _| {
        let shift = largest_value(seen);
        let powers: Vec<Number> = seen.iter().map(|&number| (number - shift).exp()).collect();
        let weighted: Number = powers.iter().zip(seen).map(|(&power, &number)| power * number).sum();
        weighted / powers.iter().copied().sum()
    })
}

/// The largest as a constant: a shift that cancels out, so that it matters to nothing which one it was.
pub fn largest_value(numbers: &[Number]) -> Number {
    let larger = |best: Number, &number: &Number| if number.value() > best.value() { number } else { best };
    numbers.iter().fold(numbers[0], larger).fixed()
}

/// Part `i` of `n` is `⌊i·H/n⌋ .. ⌈(i + 1)·H/n⌉`.
pub fn adaptive_pooling(x: &Array, size: Pair, make: impl Fn(&[Number]) -> Number) -> Array {
    let [batch, channels, height, width] = x.image();
    let part = |size: usize, parts: usize, number: usize| number * size / parts..((number + 1) * size).div_ceil(parts);
    Array::of(&[batch, channels, size.0, size.1], |place| {
        let &[image, channel, row, column] = place else { unreachable!() };
        let (rows, columns) = (part(height, size.0, row), part(width, size.1, column));
        let seen = rows.flat_map(|row| columns.clone().map(move |column| [row, column]));
        make(&seen.map(|[row, column]| x.at(&[image, channel, row, column])).collect::<Vec<_>>())
    })
}

/// The mean of some numbers.
pub fn mean(numbers: &[Number]) -> Number {
    numbers.iter().copied().sum::<Number>() / Number::exact(numbers.len() as f64)
}
