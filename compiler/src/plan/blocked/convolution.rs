//! A convolution over images in blocks, with its whole geometry: what a step says of it, and what its weights are packed for.

use super::{Method, Scheme};
use crate::kernels::{AxisWindow, Conv, ConvData, Convolution, Kernel};

/// A convolution with all its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SizedConvolution {
    /// Images.
    pub batch: usize,
    /// Channels in and out, over all groups.
    pub channels: [usize; 2],
    /// Parts that channels are divided into.
    pub groups: usize,
    /// Height and width of the input, then of the output.
    pub sizes: [[usize; 2]; 2],
    /// Height, then width.
    pub window: [AxisWindow; 2],
    /// Whether it is the transposed one, `ConvData`.
    pub transposed: bool,
}

impl SizedConvolution {
    /// That of a kernel which takes an image of the first shape to one of the second; `None` of a kernel that is no convolution.
    pub fn of(kernel: &Kernel, input: &[usize], output: &[usize]) -> Option<SizedConvolution> {
        let (window, groups, transposed) = match *kernel {
            Kernel::Conv(Conv(Convolution { window, groups })) => (window, groups, false),
            Kernel::ConvData(ConvData(Convolution { window, groups })) => (window, groups, true),
            _ => return None,
        };
        let (&[batch, ins, height, width], &[_, outs, rows, columns]) = (input, output) else { return None };
        let sizes = [[height, width], [rows, columns]];
        Some(SizedConvolution { batch, channels: [ins, outs], groups, sizes, window, transposed })
    }

    /// The kernel that it is.
    pub fn kernel(&self) -> Kernel {
        let SizedConvolution { window, groups, transposed, .. } = *self;
        match transposed {
            true => Kernel::ConvData(ConvData(Convolution { window, groups })),
            false => Kernel::Conv(Conv(Convolution { window, groups })),
        }
    }

    /// The key under which measured choices are kept.
    pub fn key(&self) -> String {
        let SizedConvolution {
            batch, channels: [ins, outs], groups, sizes: [[height, width], [rows, columns]], ..
        } = *self;
        let window = self.window.map(|axis| {
            let AxisWindow { kernel, stride, dilation, before } = axis;
            format!("{kernel}s{stride}d{dilation}p{before}")
        });
        format!("{batch}x{ins}x{height}x{width} {} g{groups} {outs}x{rows}x{columns}", window.join("x"))
    }

    /// The shape of its weights, as parameters have them.
    pub fn weights(&self) -> [usize; 4] {
        let ([ins, outs], groups, [rows, columns]) = (self.channels, self.groups.max(1), self.window);
        let [first, second] = if self.transposed { [ins, outs / groups] } else { [outs, ins / groups] };
        [first, second, rows.kernel, columns.kernel]
    }

    /// Elements of a window.
    pub fn area(&self) -> usize {
        self.window.iter().map(|axis| axis.kernel).product()
    }

    /// Multiply-adds of the definition, padding counted as if it were multiplied.
    pub fn multiply_adds(&self) -> usize {
        let ([input, output], [ins, outs]) = (self.sizes, self.channels);
        let over = if self.transposed { input } else { output };
        self.batch * over.iter().product::<usize>() * self.area() * (ins / self.groups.max(1)) * outs
    }

    /// Whether every channel is convolved by itself.
    pub fn is_depthwise(&self) -> bool {
        !self.transposed && self.channels == [self.groups; 2]
    }
}

/// A convolution by a method, of packed weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedConv {
    /// What is computed.
    pub convolution: SizedConvolution,
    /// The method that computes it.
    pub method: Method,
    /// Elements of a vector, channels of a block.
    pub lanes: usize,
}

impl PackedConv {
    /// The elements of the packed weights; `None` when they are past counting.
    pub fn elements(&self) -> Option<usize> {
        let (PackedConv { lanes, .. }, SizedConvolution { channels: [ins, outs], .. }) = (*self, self.convolution);
        let (blocks, area) = (outs.div_ceil(lanes), self.convolution.area());
        match self.method {
            Method::Winograd(scheme) => super::product(&[blocks, lanes, ins, scheme.frequencies()]),
            Method::Depthwise => super::product(&[blocks, lanes, area]),
            Method::Rows => super::product(&[outs, ins, area]),
            Method::Direct | Method::Stem => {
                let groups = self.merged_groups();
                super::product(&[groups, (outs / groups).div_ceil(lanes), lanes, ins / groups, area])
            }
            // Behind the weights of all channels lie the scale of each and the sum of its weights.
            Method::Int8 | Method::Int8Stem => {
                let groups = self.merged_groups();
                let words = (ins / groups).div_ceil(Method::WORD).checked_mul(area)?.checked_add(2)?;
                super::product(&[groups, (outs / groups).div_ceil(lanes), lanes, words])
            }
            Method::Int8Depthwise => super::product(&[blocks, lanes, area.checked_add(2)?]),
        }
    }

    fn merged_groups(&self) -> usize {
        merged_groups(self.convolution.groups, self.convolution.channels, self.lanes)
    }

    /// Whether a step by it takes an image of the first shape, and as many packed weights, to an image of the last. Any numbers
    /// may stand in its fields, but for those that are past counting.
    pub fn fits(&self, x: &[usize], weights: &[usize], output: &[usize]) -> bool {
        let PackedConv { convolution, method, lanes } = *self;
        let SizedConvolution { batch, channels: [ins, outs], groups, sizes: [input, made], .. } = convolution;
        let image = |planes: bool, channels: usize, [height, width]: [usize; 2]| match planes {
            true => vec![batch, channels, height, width],
            false => vec![batch, channels.div_ceil(lanes), height, width, lanes],
        };
        let read = match method {
            Method::Int8Stem => {
                vec![batch, ins.div_ceil(Method::WORD), input[0], input[1], Method::WORD]
            }
            other => image(other.reads_planes(), ins, input),
        };
        let by_method = match method {
            Method::Direct => true,
            Method::Stem => !convolution.transposed,
            Method::Rows => !convolution.transposed && groups == 1 && convolution.window[1].stride == 1,
            Method::Winograd(_) => Scheme::computes(groups, &convolution.window),
            Method::Depthwise | Method::Int8Depthwise => convolution.is_depthwise(),
            // A padded last word of one group would hold channels of the next.
            Method::Int8 | Method::Int8Stem => !convolution.transposed && (groups == 1 || method == Method::Int8),
        };
        lanes > 0
            && groups > 0
            && [ins, outs].iter().all(|channels| channels.is_multiple_of(groups))
            && by_method
            && convolution.kernel().fits(&image(true, outs, made), &[&image(true, ins, input), &convolution.weights()])
            && read == x
            && image(method.writes_planes(), outs, made) == output
            && self.elements().is_some_and(|elements| weights == [elements])
    }

    /// Multiply-adds of the method: fewer than the definition's by Winograd's.
    pub fn arithmetic(&self) -> usize {
        let SizedConvolution { batch, channels, sizes: [_, output], .. } = self.convolution;
        match self.method {
            Method::Winograd(scheme) => scheme.multiply_adds(scheme.count(batch, output), channels),
            _ => self.convolution.multiply_adds(),
        }
    }
}

/// The groups of a convolution whose groups are joined, with weights of zero between them, until each fills whole blocks in and
/// out; 1 where no joining of equally many does.
pub fn merged_groups(groups: usize, channels: [usize; 2], lanes: usize) -> usize {
    let groups = groups.max(1);
    let [ins, outs] = channels.map(|channels| lanes / divisor(channels / groups, lanes));
    let joined = ins / divisor(ins, outs) * outs;
    if groups.is_multiple_of(joined) { groups / joined } else { 1 }
}

/// The greatest common divisor; at least 1.
fn divisor(a: usize, b: usize) -> usize {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::{AxisWindow, Method, PackedConv, Scheme, SizedConvolution};

    fn packed(method: Method, channels: [usize; 2], groups: usize, kernel: usize) -> PackedConv {
        let window = [AxisWindow { kernel, stride: 1, dilation: 1, before: 0 }; 2];
        let convolution =
            SizedConvolution { batch: 1, channels, groups, sizes: [[9; 2], [9; 2]], window, transposed: false };
        PackedConv { convolution, method, lanes: 16 }
    }

    #[test]
    fn what_packed_weights_take() {
        assert_eq!(packed(Method::Direct, [64, 64], 1, 3).elements(), Some(64 * 64 * 9));
        assert_eq!(packed(Method::Direct, [6, 20], 1, 5).elements(), Some(32 * 6 * 25));
        assert_eq!(packed(Method::Winograd(Scheme::F4), [64, 60], 1, 3).elements(), Some(64 * 64 * 36));
        assert_eq!(packed(Method::Depthwise, [20, 20], 20, 3).elements(), Some(32 * 9));
        assert_eq!(packed(Method::Direct, [usize::MAX, 2], 1, 3).elements(), None);
    }

    #[test]
    fn narrow_groups_are_joined_to_whole_blocks() {
        assert_eq!(packed(Method::Direct, [128, 128], 32, 3).merged_groups(), 8);
        assert_eq!(packed(Method::Direct, [64, 128], 2, 3).merged_groups(), 2);
        assert_eq!(packed(Method::Direct, [32, 64], 32, 3).merged_groups(), 2);
        assert_eq!(packed(Method::Direct, [6, 6], 3, 3).merged_groups(), 1);
        assert_eq!(packed(Method::Direct, [128, 128], 32, 3).elements(), Some(8 * 16 * 16 * 9));
    }
}
