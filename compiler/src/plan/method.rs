//! Which method computes a convolution: the one that the target's figures say is fastest, or the one that was measured to be.
//!
//! Costs are counted in vector multiply-adds of one thread. A method's time is the larger of its arithmetic and of reading its
//! packed weights from memory, and a fifth of the smaller, since they overlap but not wholly. Weights come from memory when those
//! of the whole net do not fit the last-level cache. The choice is the same for any number of threads, because results must be.

use super::Blocks;
use crate::element::ElementType;
use crate::kernels::{AxisWindow, Kernel, KernelNode, Method, Packing};

/// Plain images of at most so many channels are convolved as they lie; others are brought into blocks first.
const STEM_CHANNELS: usize = 8;
/// The share of the peak that direct convolution reaches.
const DIRECT_SHARE: f64 = 0.96;
/// The share of the peak that the products of Winograd's method reach.
const PRODUCT_SHARE: f64 = 0.9;
/// Seconds that one thread takes to pack one element.
const PACK_SECONDS: f64 = 0.5e-9;
/// Multiply-adds that hide the way of one line of weights from memory.
const LINE_FROM_MEMORY: f64 = 12.0;

/// Whether an image is convolved as it lies, in planes: the first of a network.
pub(super) fn is_stem(is_blocked: bool, groups: usize, channels: usize) -> bool {
    !is_blocked && groups == 1 && channels <= STEM_CHANNELS
}

/// A convolution's sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
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
    /// Whether it is the transposed one.
    pub transposed: bool,
    /// Whether its input lies in blocks.
    pub input_is_blocked: bool,
    /// Whether its weights are packed in every run, as those are that a run changes.
    pub packs_each_run: bool,
}

impl Convolution {
    /// A convolution, or a transposed one, between images of these sizes, with weights that stay.
    pub fn new(
        kernel: &Kernel,
        batch: usize,
        channels: [usize; 2],
        sizes: [[usize; 2]; 2],
        input_is_blocked: bool,
    ) -> Option<Convolution> {
        let (window, groups, transposed) = match *kernel {
            Kernel::Conv { window, groups } => (window, groups, false),
            Kernel::ConvData { window, groups } => (window, groups, true),
            _ => return None,
        };
        let packs_each_run = false;
        Some(Convolution { batch, channels, groups, sizes, window, transposed, input_is_blocked, packs_each_run })
    }

    /// That of a node whose input has the shape given.
    pub fn of(input: &[usize], node: &KernelNode, input_is_blocked: bool) -> Option<Convolution> {
        let (&[batch, ins, height, width], &[_, outs, rows, columns]) = (input, node.shape.as_slice()) else {
            return None;
        };
        Convolution::new(&node.kernel, batch, [ins, outs], [[height, width], [rows, columns]], input_is_blocked)
    }

    /// The key under which measured choices are kept.
    pub fn key(&self) -> String {
        let Convolution { batch, channels: [ins, outs], groups, sizes: [[height, width], [rows, columns]], .. } = *self;
        let window = self.window.map(|axis| {
            let AxisWindow { kernel, stride, dilation, before } = axis;
            format!("{kernel}s{stride}d{dilation}p{before}")
        });
        format!("{batch}x{ins}x{height}x{width} {} g{groups} {outs}x{rows}x{columns}", window.join("x"))
    }

    /// The packing for a method.
    pub fn packing(&self, method: Method, lanes: usize) -> Packing {
        let ([in_channels, out_channels], [rows, columns]) = (self.channels, self.window);
        Packing { method, lanes, in_channels, out_channels, groups: self.groups, area: rows.kernel * columns.kernel }
    }

    /// The methods that can compute it, the plainest first.
    pub fn methods(&self, blocks: &Blocks) -> Vec<Method> {
        let [ins, outs] = self.channels;
        if !self.transposed && self.groups > 1 && ins == self.groups && outs == self.groups {
            return vec![Method::Depthwise];
        }
        if self.stays_plain(blocks.lanes) {
            return vec![Method::Rows];
        }
        if !self.transposed && is_stem(self.input_is_blocked, self.groups, ins) {
            return vec![Method::Stem];
        }
        let is_winograd = |axis: &AxisWindow| (axis.kernel, axis.stride, axis.dilation) == (3, 1, 1) && axis.before < 3;
        let mut methods = vec![Method::Direct];
        if blocks.winograd && self.groups == 1 && self.window.iter().all(is_winograd) {
            methods.extend([Method::Winograd(2), Method::Winograd(4)]);
        }
        methods
    }

    /// Whether a plain input gives a plain output: rows of pixels fill vectors better than few channels do.
    pub fn stays_plain(&self, lanes: usize) -> bool {
        let ([_, outs], [_, [_, width]]) = (self.channels, self.sizes);
        let filled = |count: usize| count as f64 / count.next_multiple_of(lanes.max(1)).max(1) as f64;
        let is_possible = !self.input_is_blocked && !self.transposed && self.groups == 1 && self.window[1].stride == 1;
        is_possible && outs <= STEM_CHANNELS && filled(width) >= 1.5 * filled(outs)
    }

    /// Multiply-adds of the definition, padding counted as if it were multiplied.
    pub fn multiply_adds(&self) -> usize {
        let [_, output] = self.sizes;
        let over = if self.transposed { self.sizes[0] } else { output };
        let [ins, outs] = self.channels;
        let area: usize = self.window.iter().map(|axis| axis.kernel).product();
        self.batch * over.iter().product::<usize>() * area * (ins / self.groups.max(1)) * outs
    }

    /// Seconds that a method takes on the target.
    fn seconds(&self, method: Method, blocks: &Blocks, cold: bool) -> f64 {
        let elements = self.packing(method, blocks.lanes).elements().unwrap_or(usize::MAX) as f64;
        let bytes = ElementType::Float32.size_bytes() as f64 * elements;
        let work = match method {
            Method::Winograd(outputs) => self.winograd(outputs, bytes, blocks.lanes),
            _ => {
                let filled = self.channels[1].next_multiple_of(blocks.lanes) as f64 / self.channels[1].max(1) as f64;
                self.multiply_adds() as f64 / blocks.lanes as f64 * filled / DIRECT_SHARE
            }
        };
        let arithmetic = work / blocks.multiply_adds_per_second / blocks.threads.max(1) as f64;
        let memory = if cold { bytes / blocks.bytes_per_second } else { 0.0 };
        let packs = self.packs_each_run || blocks.once;
        let packing = if packs { elements * PACK_SECONDS / blocks.threads.max(1) as f64 } else { 0.0 };
        arithmetic.max(memory) + 0.2 * arithmetic.min(memory) + packing
    }

    /// Multiply-adds, or what takes as long, of F(m×m, 3×3).
    fn winograd(&self, outputs: usize, weight_bytes: f64, lanes: usize) -> f64 {
        let [_, size] = self.sizes;
        let tiles = self.batch * size.iter().map(|size| size.div_ceil(outputs)).product::<usize>();
        let [ins, outs] = self.channels;
        let (in_blocks, out_blocks) = (ins.div_ceil(lanes) as f64, outs.div_ceil(lanes) as f64);
        let frequencies = (outputs + 2).pow(2) as f64;
        // Transforms of one tile and block of channels, input and output, as measured.
        let (input, output) = if outputs == 2 { (56.0, 45.0) } else { (245.0, 200.0) };
        // Fewer than four pixels of a register tile wait for their own sums.
        let products = tiles.max(4) as f64 * frequencies * ins as f64 * out_blocks / PRODUCT_SHARE;
        let transforms = tiles as f64 * (in_blocks * input + out_blocks * output);
        let lines = (LINE_FROM_MEMORY - tiles as f64).max(0.0) * weight_bytes / 64.0;
        products + transforms + lines
    }

    /// The method to use: the measured one if there is one and it fits, else the cheapest. F(6×6) errs more than a kernel may.
    pub fn choose(&self, blocks: &Blocks, cold: bool) -> Method {
        let methods = self.methods(blocks);
        if let Some(chosen) = blocks.chosen.get(&self.key()).filter(|chosen| methods.contains(chosen)) {
            return *chosen;
        }
        let seconds = |method: &Method| self.seconds(*method, blocks, cold);
        methods.into_iter().min_by(|a, b| seconds(a).total_cmp(&seconds(b))).unwrap_or(Method::Direct)
    }
}

#[cfg(test)]
mod tests {
    use super::Convolution;
    use crate::kernels::{AxisWindow, Method};
    use crate::plan::Blocks;

    fn three_by_three(channels: usize, size: usize) -> Convolution {
        let axis = AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 };
        Convolution {
            batch: 1,
            channels: [channels; 2],
            groups: 1,
            sizes: [[size; 2]; 2],
            window: [axis; 2],
            transposed: false,
            input_is_blocked: true,
            packs_each_run: false,
        }
    }

    #[test]
    fn large_images_are_worth_the_larger_tiles() {
        let blocks = Blocks::reference();
        assert_eq!(three_by_three(64, 56).choose(&blocks, true), Method::Winograd(4));
        assert_eq!(three_by_three(128, 28).choose(&blocks, true), Method::Winograd(4));
        assert_eq!(three_by_three(512, 7).choose(&blocks, true), Method::Winograd(2));
        assert_eq!(three_by_three(512, 3).choose(&blocks, true), Method::Direct);
    }

    #[test]
    fn what_only_one_method_can_do_is_done_by_it() {
        let blocks = Blocks::reference();
        let conv = three_by_three(64, 56);
        assert_eq!(Convolution { groups: 64, ..conv }.choose(&blocks, true), Method::Depthwise);
        assert_eq!(Convolution { groups: 2, ..conv }.choose(&blocks, true), Method::Direct);
        let strided = conv.window.map(|axis| AxisWindow { stride: 2, ..axis });
        assert_eq!(Convolution { transposed: true, window: strided, ..conv }.choose(&blocks, true), Method::Direct);
        assert_eq!(Convolution { transposed: true, groups: 64, ..conv }.choose(&blocks, true), Method::Direct);
        assert_eq!(Convolution { transposed: true, ..conv }.choose(&blocks, true), Method::Winograd(4));
        let stem = Convolution { channels: [3, 64], input_is_blocked: false, ..conv };
        assert_eq!(stem.choose(&blocks, true), Method::Stem);
        let narrow = Convolution { channels: [1, 6], ..stem };
        assert_eq!(narrow.choose(&blocks, true), Method::Rows);
        let short = Convolution { sizes: [[4; 2]; 2], ..narrow };
        assert_eq!(short.choose(&blocks, true), Method::Stem);
        let exact = Blocks { winograd: false, ..blocks };
        assert_eq!(conv.choose(&exact, true), Method::Direct);
    }

    #[test]
    fn weights_that_change_are_packed_anew_by_the_method_that_packs_least() {
        let (blocks, conv) = (Blocks::reference(), three_by_three(512, 7));
        assert_eq!(conv.choose(&blocks, true), Method::Winograd(2));
        assert_eq!(Convolution { packs_each_run: true, ..conv }.choose(&blocks, true), Method::Direct);
    }

    #[test]
    fn a_plan_that_runs_once_counts_packing_too() {
        let once = Blocks { once: true, ..Blocks::reference() };
        assert_eq!(three_by_three(512, 7).choose(&once, true), Method::Direct);
        assert_eq!(three_by_three(64, 56).choose(&once, true), Method::Winograd(4), "few weights, many pixels");
    }

    #[test]
    fn a_measured_choice_counts_more_than_an_estimate() {
        let (conv, mut blocks) = (three_by_three(64, 56), Blocks::reference());
        blocks.chosen.insert(conv.key(), Method::Winograd(2));
        assert_eq!(conv.choose(&blocks, true), Method::Winograd(2));
        blocks.chosen.insert(conv.key(), Method::Depthwise);
        assert_eq!(conv.choose(&blocks, true), Method::Winograd(4), "it cannot do that");
        assert_eq!(conv.key(), "1x64x56x56 3s1d1p1x3s1d1p1 g1 64x56x56");
    }
}
