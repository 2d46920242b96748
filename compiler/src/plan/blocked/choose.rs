//! Which method computes a convolution: the one that the target's figures say is fastest, or the one that was measured to be.
//!
//! Costs are counted in vector multiply-adds of one thread. A method's time is the larger of its arithmetic and of reading its
//! packed weights from memory, and a fifth of the smaller, since they overlap but not wholly. Weights come from memory when those
//! of the whole net do not fit the last-level cache. The choice is the same for any number of threads, because results must be.

use super::{Blocks, Method, PackedConv, Scheme, SizedConvolution};
use crate::element::ElementType;

/// Plain images of at most so many channels are convolved as they lie; others are brought into blocks first.
const STEM_CHANNELS: usize = 8;
/// The share of the peak that direct convolution reaches.
const DIRECT_SHARE: f64 = 0.96;
/// The share of the peak that the products of Winograd's method reach.
const PRODUCT_SHARE: f64 = 0.9;
/// Seconds that one thread takes to pack one element.
const PACK_SECONDS: f64 = 0.5e-9;

/// What a choice goes by besides sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// Whether the input lies in blocks.
    pub input_is_blocked: bool,
    /// Whether weights are packed in every run, as those are that a run changes.
    pub packs_each_run: bool,
    /// Whether the net's weights, all together, do not stay in the last-level cache from run to run.
    pub cold: bool,
}

/// Whether an image is convolved as it lies, in planes: the first of a network.
pub(super) fn is_stem(is_blocked: bool, groups: usize, channels: usize) -> bool {
    !is_blocked && groups == 1 && channels <= STEM_CHANNELS
}

impl SizedConvolution {
    /// The methods that can compute it, the plainest first.
    pub(super) fn methods(&self, blocks: &Blocks, input_is_blocked: bool) -> Vec<Method> {
        if self.is_depthwise() && self.groups > 1 {
            return vec![Method::Depthwise];
        }
        if self.stays_plain(input_is_blocked, blocks.lanes) {
            return vec![Method::Rows];
        }
        if !self.transposed && is_stem(input_is_blocked, self.groups, self.channels[0]) {
            return vec![Method::Stem];
        }
        let mut methods = vec![Method::Direct];
        if blocks.winograd && Scheme::computes(self.groups, &self.window) {
            methods.extend([Scheme::F2, Scheme::F4].map(Method::Winograd));
        }
        methods
    }

    /// Whether a plain input gives a plain output: rows of pixels fill vectors better than few channels do.
    pub(super) fn stays_plain(&self, input_is_blocked: bool, lanes: usize) -> bool {
        let ([_, outs], [_, [_, width]]) = (self.channels, self.sizes);
        let filled = |count: usize| count as f64 / count.next_multiple_of(lanes.max(1)).max(1) as f64;
        let is_possible = !input_is_blocked && !self.transposed && self.groups == 1 && self.window[1].stride == 1;
        is_possible && outs <= STEM_CHANNELS && filled(width) >= 1.5 * filled(outs)
    }

    /// Seconds that a method takes on the target.
    fn seconds(&self, method: Method, blocks: &Blocks, circumstances: Circumstances) -> f64 {
        let packed = PackedConv { convolution: *self, method, lanes: blocks.lanes };
        let elements = packed.elements().unwrap_or(usize::MAX) as f64;
        let bytes = ElementType::Float32.size_bytes() as f64 * elements;
        let work = match method {
            Method::Winograd(scheme) => self.winograd(scheme, bytes, blocks.lanes),
            _ => {
                let filled = self.channels[1].next_multiple_of(blocks.lanes) as f64 / self.channels[1].max(1) as f64;
                self.multiply_adds() as f64 / blocks.lanes as f64 * filled / DIRECT_SHARE
            }
        };
        let arithmetic = work / blocks.multiply_adds_per_second / blocks.threads.max(1) as f64;
        let memory = if circumstances.cold { bytes / blocks.bytes_per_second } else { 0.0 };
        let packs = circumstances.packs_each_run || blocks.once;
        let packing = if packs { elements * PACK_SECONDS / blocks.threads.max(1) as f64 } else { 0.0 };
        arithmetic.max(memory) + 0.2 * arithmetic.min(memory) + packing
    }

    /// Vector multiply-adds, or what takes as long, of F(m×m, 3×3).
    fn winograd(&self, scheme: Scheme, weight_bytes: f64, lanes: usize) -> f64 {
        let tiles = scheme.count(self.batch, self.sizes[1]);
        let [ins, outs] = self.channels;
        let (in_blocks, out_blocks) = (ins.div_ceil(lanes) as f64, outs.div_ceil(lanes) as f64);
        let (input, output) = scheme.transform_cost();
        // Fewer than four pixels of a register tile wait for their own sums.
        let products = tiles.max(4) as f64 * scheme.frequencies() as f64 * ins as f64 * out_blocks / PRODUCT_SHARE;
        let transforms = tiles as f64 * (in_blocks * input as f64 + out_blocks * output as f64);
        let lines = (Blocks::LINE_FROM_MEMORY - tiles as f64).max(0.0) * weight_bytes / 64.0;
        products + transforms + lines
    }

    /// The method of bytes: only one can compute it.
    pub(super) fn of_bytes(&self, input_lanes: usize, lanes: usize) -> Method {
        match self.is_depthwise() && self.groups > 1 {
            true => Method::Int8Depthwise,
            false if input_lanes < lanes => Method::Int8Stem,
            false => Method::Int8,
        }
    }

    /// The method to use: the measured one if there is one and it fits, else the cheapest.
    pub(super) fn choose(&self, blocks: &Blocks, circumstances: Circumstances) -> Method {
        let methods = self.methods(blocks, circumstances.input_is_blocked);
        if let Some(chosen) = blocks.chosen.get(&self.key()).filter(|chosen| methods.contains(chosen)) {
            return *chosen;
        }
        let seconds = |method: &Method| self.seconds(*method, blocks, circumstances);
        methods.into_iter().min_by(|a, b| seconds(a).total_cmp(&seconds(b))).unwrap_or(Method::Direct)
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocks, Circumstances, Method, Scheme, SizedConvolution};
    use crate::kernels::AxisWindow;

    const FOUR: Method = Method::Winograd(Scheme::F4);
    const BLOCKED: Circumstances = Circumstances { input_is_blocked: true, packs_each_run: false, cold: true };
    const PLAIN: Circumstances = Circumstances { input_is_blocked: false, ..BLOCKED };

    fn three_by_three(channels: usize, size: usize) -> SizedConvolution {
        let axis = AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 };
        let (sizes, window) = ([[size; 2]; 2], [axis; 2]);
        SizedConvolution { batch: 1, channels: [channels; 2], groups: 1, sizes, window, transposed: false }
    }

    #[test]
    fn large_images_are_worth_the_larger_tiles() {
        let blocks = Blocks::reference();
        assert_eq!(three_by_three(64, 56).choose(&blocks, BLOCKED), FOUR);
        assert_eq!(three_by_three(128, 28).choose(&blocks, BLOCKED), FOUR);
        assert_eq!(three_by_three(512, 7).choose(&blocks, BLOCKED), Method::Winograd(Scheme::F2));
        assert_eq!(three_by_three(512, 3).choose(&blocks, BLOCKED), Method::Direct);
    }

    #[test]
    fn what_only_one_method_can_do_is_done_by_it() {
        let blocks = Blocks::reference();
        let conv = three_by_three(64, 56);
        assert_eq!(SizedConvolution { groups: 64, ..conv }.choose(&blocks, BLOCKED), Method::Depthwise);
        assert_eq!(SizedConvolution { groups: 2, ..conv }.choose(&blocks, BLOCKED), Method::Direct);
        let strided = conv.window.map(|axis| AxisWindow { stride: 2, ..axis });
        assert_eq!(
            SizedConvolution { transposed: true, window: strided, ..conv }.choose(&blocks, BLOCKED),
            Method::Direct
        );
        assert_eq!(SizedConvolution { transposed: true, groups: 64, ..conv }.choose(&blocks, BLOCKED), Method::Direct);
        assert_eq!(SizedConvolution { transposed: true, ..conv }.choose(&blocks, BLOCKED), FOUR);
        let stem = SizedConvolution { channels: [3, 64], ..conv };
        assert_eq!(stem.choose(&blocks, PLAIN), Method::Stem);
        let narrow = SizedConvolution { channels: [1, 6], ..stem };
        assert_eq!(narrow.choose(&blocks, PLAIN), Method::Rows);
        let short = SizedConvolution { sizes: [[4; 2]; 2], ..narrow };
        assert_eq!(short.choose(&blocks, PLAIN), Method::Stem);
        let exact = Blocks { winograd: false, ..blocks };
        assert_eq!(conv.choose(&exact, BLOCKED), Method::Direct);
    }

    #[test]
    fn weights_that_change_are_packed_anew_by_the_method_that_packs_least() {
        let (blocks, conv) = (Blocks::reference(), three_by_three(512, 7));
        assert_eq!(conv.choose(&blocks, BLOCKED), Method::Winograd(Scheme::F2));
        assert_eq!(conv.choose(&blocks, Circumstances { packs_each_run: true, ..BLOCKED }), Method::Direct);
    }

    #[test]
    fn a_plan_that_runs_once_counts_packing_too() {
        let once = Blocks { once: true, ..Blocks::reference() };
        assert_eq!(three_by_three(512, 7).choose(&once, BLOCKED), Method::Direct);
        assert_eq!(three_by_three(64, 56).choose(&once, BLOCKED), FOUR, "few weights, many pixels");
    }

    #[test]
    fn a_measured_choice_counts_more_than_an_estimate() {
        let (conv, mut blocks) = (three_by_three(64, 56), Blocks::reference());
        blocks.chosen.insert(conv.key(), Method::Winograd(Scheme::F2));
        assert_eq!(conv.choose(&blocks, BLOCKED), Method::Winograd(Scheme::F2));
        blocks.chosen.insert(conv.key(), Method::Depthwise);
        assert_eq!(conv.choose(&blocks, BLOCKED), FOUR, "it cannot do that");
        assert_eq!(conv.key(), "1x64x56x56 3s1d1p1x3s1d1p1 g1 64x56x56");
    }
}
