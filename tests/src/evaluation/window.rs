//! Layers that look through windows: convolutions and pooling.

use super::array::{Array, each_place, number_of};
use super::number::Number;
use cnnc_compiler::ops::{PaddingOf, PerAxis};

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

/// All axes of a layer's window.
pub fn axes(
    kernel: &impl PerAxis,
    stride: &impl PerAxis,
    padding: &impl PerAxis,
    dilation: &impl PerAxis,
) -> Vec<Axis> {
    let (kernel, stride, padding) = (kernel.per_axis(), stride.per_axis(), padding.per_axis());
    let dilation = dilation.per_axis();
    let axis = |axis: usize| Axis {
        kernel: kernel[axis],
        stride: stride[axis],
        dilation: dilation[axis],
        before: padding[axis],
        after: padding[axis],
    };
    (0..kernel.len()).map(axis).collect()
}

/// Those of a convolution, whose padding may be a word.
pub fn convolution_axes<P: PerAxis>(
    kernel: &impl PerAxis,
    stride: &impl PerAxis,
    padding: &PaddingOf<P>,
    dilation: &impl PerAxis,
) -> Vec<Axis> {
    match padding {
        PaddingOf::Sizes(sizes) => axes(kernel, stride, sizes, dilation),
        PaddingOf::Same | PaddingOf::Valid => {
            let mut axes = axes(kernel, stride, kernel, dilation);
            for axis in &mut axes {
                let total = if matches!(padding, PaddingOf::Same) { axis.extent() - 1 } else { 0 };
                axis.before = total / 2;
                axis.after = total - axis.before;
            }
            axes
        }
    }
}

/// Where each axis's window sees its element, of the windows at a place.
fn sees(axes: &[Axis], place: &[usize], index: &[usize]) -> Vec<isize> {
    axes.iter().zip(place).zip(index).map(|((axis, &place), &index)| axis.sees(place, index)).collect()
}

/// `y[n, o, p] = bias[o] + Σ w[o, c, k] · x[n, first channel of o's group + c, p·stride + k·dilation − padding]`
pub fn convolution(x: &Array, weight: &Array, bias: Option<&Array>, axes: &[Axis], groups: usize) -> Array {
    let (out_channels, inner) = (weight.shape[0], weight.shape[1]);
    let of_group = out_channels / groups;
    let counts = axes.iter().zip(&x.shape[2..]).map(|(axis, &size)| axis.count(size));
    let shape: Vec<usize> = [x.shape[0], out_channels].into_iter().chain(counts).collect();
    Array::of(&shape, |place| {
        let (image, out) = (place[0], place[1]);
        let mut sum = Number::exact(0.0);
        each_place(&weight.shape[1..], |window| {
            let channel = window[0];
            let sees = sees(axes, &place[2..], &window[1..]);
            if let Some(seen) = x.inside(image, out / of_group * inner + channel, &sees) {
                sum = sum + weight.at(&[&[out], window].concat()) * seen;
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
    axes: &[Axis],
    output_padding: &[usize],
    groups: usize,
) -> Array {
    let (channels, of_group) = (x.shape[1], weight.shape[1]);
    let grown = |(axis, (&size, &more)): (&Axis, (&usize, &usize))| {
        (size - 1) * axis.stride + axis.extent() + more - axis.before - axis.after
    };
    let sizes = axes.iter().zip(x.shape[2..].iter().zip(output_padding)).map(grown);
    let shape: Vec<usize> = [x.shape[0], of_group * groups].into_iter().chain(sizes).collect();
    let mut y = Array::of(&shape, |_| Number::exact(0.0));
    each_place(&[&x.shape[..], &weight.shape[1..]].concat(), |place| {
        let (from, kernel) = place.split_at(x.shape.len());
        let out = from[1] / (channels / groups) * of_group + kernel[0];
        let to = sees(axes, &from[2..], &kernel[1..]);
        if to.iter().zip(&shape[2..]).any(|(&to, &size)| to < 0 || to as usize >= size) {
            return;
        }
        let to: Vec<usize> = [from[0], out].into_iter().chain(to.into_iter().map(|to| to as usize)).collect();
        let number = number_of(&to, &shape);
        let product = x.at(from) * weight.at(&[&from[1..2], kernel].concat());
        y.elements[number] = y.elements[number] + product;
    });
    Array::of(&y.shape, |place| plus_bias(y.at(place), bias, place[1]))
}

fn plus_bias(number: Number, bias: Option<&Array>, channel: usize) -> Number {
    bias.map_or(number, |bias| number + bias.at(&[channel]))
}

/// Every window of a plane as a column: channel by channel, row by row.
pub fn unfolded(x: &Array, axes: &[Axis]) -> Array {
    let counts: Vec<usize> = axes.iter().zip(&x.shape[2..]).map(|(axis, &size)| axis.count(size)).collect();
    let area = axes[0].kernel * axes[1].kernel;
    Array::of(&[x.shape[0], x.shape[1] * area, counts[0] * counts[1]], |place| {
        let (channel, index) = (place[1] / area, place[1] % area);
        let index = [index / axes[1].kernel, index % axes[1].kernel];
        let window = [place[2] / counts[1], place[2] % counts[1]];
        x.inside(place[0], channel, &sees(axes, &window, &index)).unwrap_or(Number::exact(0.0))
    })
}

/// Every column added to a plane of that size, where its window lies.
pub fn folded(x: &Array, axes: &[Axis], size: &[usize]) -> Array {
    let columns = axes[1].count(size[1]);
    let area = axes[0].kernel * axes[1].kernel;
    let mut y = Array::of(&[&[x.shape[0], x.shape[1] / area], size].concat(), |_| Number::exact(0.0));
    each_place(&x.shape, |place| {
        let (channel, index) = (place[1] / area, place[1] % area);
        let index = [index / axes[1].kernel, index % axes[1].kernel];
        let to = sees(axes, &[place[2] / columns, place[2] % columns], &index);
        if to.iter().zip(size).all(|(&to, &size)| to >= 0 && (to as usize) < size) {
            let number = number_of(&[place[0], channel, to[0] as usize, to[1] as usize], &y.shape);
            y.elements[number] = y.elements[number] + x.at(place);
        }
    });
    y
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

/// What is made of each window: of the elements that it sees, the last axis fastest, and of where it lies along each axis.
fn pooling(x: &Array, axes: &[Axis], ceil_mode: bool, make: impl Fn(&[Number], &[usize]) -> Number) -> Array {
    let sizes = axes.iter().zip(&x.shape[2..]).map(|(&axis, &size)| pooled(axis, size, ceil_mode));
    let shape: Vec<usize> = x.shape[..2].iter().copied().chain(sizes).collect();
    let kernel: Vec<usize> = axes.iter().map(|axis| axis.kernel).collect();
    Array::of(&shape, |place| {
        let mut seen = Vec::new();
        each_place(&kernel, |index| seen.extend(x.inside(place[0], place[1], &sees(axes, &place[2..], index))));
        make(&seen, &place[2..])
    })
}

pub fn max_pooling(x: &Array, axes: &[Axis], ceil_mode: bool) -> Array {
    pooling(x, axes, ceil_mode, |seen, _| largest(seen))
}

/// Every element where the first of the largest of its window of `pooled` is, and zeros.
pub fn unpooled(x: &Array, pooled: &Array, axes: &[Axis]) -> Array {
    let mut y = Array::of(&pooled.shape, |_| Number::exact(0.0));
    let kernel: Vec<usize> = axes.iter().map(|axis| axis.kernel).collect();
    each_place(&x.shape, |place| {
        let mut best: Option<(Number, Vec<isize>)> = None;
        each_place(&kernel, |index| {
            let at = sees(axes, &place[2..], index);
            if let Some(number) = pooled.inside(place[0], place[1], &at)
                && best.as_ref().is_none_or(|(largest, _)| number.is_greater(*largest))
            {
                best = Some((number, at));
            }
        });
        let (_, at) = best.expect("a window sees an element");
        y.elements[number_of(&[place[0], place[1], at[0] as usize, at[1] as usize], &y.shape)] = x.at(place);
    });
    y
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

impl Divisor {
    /// From PyTorch's arguments.
    pub fn of(divisor_override: Option<i64>, count_include_pad: bool) -> Divisor {
        match divisor_override {
            Some(number) => Divisor::Fixed(number),
            None if count_include_pad => Divisor::ElementsAndPadding,
            None => Divisor::Elements,
        }
    }
}

pub fn mean_pooling(x: &Array, axes: &[Axis], ceil_mode: bool, divisor: &Divisor) -> Array {
    // The padding counts, what lies past it does not.
    let padded = |(axis, (&number, &size)): (&Axis, (&usize, &usize))| {
        let (first, end) = (number * axis.stride, size + 2 * axis.before);
        axis.kernel.min(end - first)
    };
    pooling(x, axes, ceil_mode, |seen, place| {
        let count = match divisor {
            Divisor::Elements => seen.len() as f64,
            Divisor::ElementsAndPadding => {
                axes.iter().zip(place.iter().zip(&x.shape[2..])).map(padded).product::<usize>() as f64
            }
            Divisor::Fixed(number) => *number as f64,
        };
        seen.iter().copied().sum::<Number>() / Number::exact(count)
    })
}

/// `(Σ xᵖ)^(1/p)`, of a window that sticks out as if it had as many elements as others; without a derivative at 0.
pub fn norm_pooling(x: &Array, axes: &[Axis], ceil_mode: bool, norm: f64) -> Array {
    let area: usize = axes.iter().map(|axis| axis.kernel).product();
    let raised = |&x: &Number| {
        if norm == 2.0 {
            x.square()
        } else if norm == 1.0 {
            x
        } else {
            x.power(norm)
        }
    };
    pooling(x, axes, ceil_mode, |seen, _| {
        let sum = seen.iter().map(raised).sum::<Number>() * (area as f64 / seen.len() as f64);
        match norm {
            1.0 => sum,
            _ if sum.value() == 0.0 => Number::exact(0.0),
            2.0 => sum.sqrt(),
            _ => sum.power(1.0 / norm),
        }
    })
}

/// `Σ x·eˣ / Σ eˣ`, against the largest element, which cancels out.
pub fn softmax_pooling(x: &Array, axes: &[Axis], ceil_mode: bool) -> Array {
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

/// Part `i` of `n` is `⌊i·H/n⌋ .. ⌈(i + 1)·H/n⌉`; where no number is given all elements are parts.
pub fn adaptive_pooling(x: &Array, wanted: &[Option<usize>], make: impl Fn(&[Number]) -> Number) -> Array {
    let sizes: Vec<usize> = wanted.iter().zip(&x.shape[2..]).map(|(wanted, &size)| wanted.unwrap_or(size)).collect();
    let part =
        |size: usize, parts: usize, number: usize| (number * size / parts, ((number + 1) * size).div_ceil(parts));
    Array::of(&[&x.shape[..2], &sizes].concat(), |place| {
        let parts: Vec<(usize, usize)> =
            (0..sizes.len()).map(|axis| part(x.shape[axis + 2], sizes[axis], place[axis + 2])).collect();
        let lengths: Vec<usize> = parts.iter().map(|(first, end)| end - first).collect();
        let mut seen = Vec::new();
        each_place(&lengths, |index| {
            let at = index.iter().zip(&parts).map(|(index, (first, _))| index + first);
            seen.push(x.at(&place[..2].iter().copied().chain(at).collect::<Vec<_>>()));
        });
        make(&seen)
    })
}

/// The mean of some numbers.
pub fn mean(numbers: &[Number]) -> Number {
    numbers.iter().copied().sum::<Number>() / Number::exact(numbers.len() as f64)
}
