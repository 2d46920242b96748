//! How sums of products of bytes end: made floats, residual added, clamped, and stored as bytes or as floats.
//!
//! With `s` the sum over a window of (byte · weight), `z` the input's zero and `w` the sum of the weights, the number is
//! `(s − z·w) · input scale · weight scale + bias`. Where bytes are stored, everything is divided by the output's scale
//! beforehand, so that a sum costs one multiplication and one addition.

use super::vector::{IntegerKernel, Integers, entry};
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Vector};
use cnnc_compiler::element::Quantisation;

/// Lanes of the widest vector, twice: two blocks of channels.
const MOST: usize = 32;

/// What bytes of a step stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Of what is read.
    pub input: Quantisation,
    /// Of what is written; floats where there is none.
    pub output: Option<Quantisation>,
    /// Of the residual, where that is bytes.
    pub residual: Option<Quantisation>,
}

impl Scales {
    /// Words that a pixel's block of `lanes` channels takes in the output.
    pub(crate) fn output_words(&self, lanes: usize) -> usize {
        if self.output.is_some() { lanes / 4 } else { lanes }
    }
}

/// What bytes of a step stand for, and what is done to rows of sums that are finished apart.
pub struct Endings {
    pub(crate) scales: Scales,
    clamp: Compiled<RowArguments>,
    store: Compiled<RowArguments>,
}

impl Endings {
    /// For an instruction set.
    pub fn new(set: InstructionSet, scales: Scales) -> Self {
        Endings { scales, clamp: entry::<Clamp>(set), store: entry::<Store>(set) }
    }

    /// Adds a residual of bytes, unless it is null, to bare sums, and clamps them.
    ///
    /// # Safety
    /// Sums and residual hold a block of every pixel.
    pub(crate) unsafe fn clamp(&self, sums: *mut f32, residual: *const f32, limits: [f32; 2], pixels: usize) {
        let of = self.scales.residual.filter(|_| !residual.is_null());
        let [scale, zero] = of.map_or([0.0; 2], |of| [of.scale(), f32::from(of.zero())]);
        // SAFETY: the caller promises a block of every pixel.
        unsafe { (self.clamp)(&RowArguments { sums, bytes: residual.cast_mut().cast(), scale, zero, limits, pixels }) }
    }

    /// Stores finished sums as bytes.
    ///
    /// # Safety
    /// Sums and output hold a block of every pixel.
    pub(crate) unsafe fn store(&self, sums: *mut f32, output: *mut f32, pixels: usize) {
        let of = self.scales.output;
        let [scale, zero] = of.map_or([1.0, 0.0], |of| [1.0 / of.scale(), f32::from(of.zero())]);
        let limits = KernelCall::UNLIMITED;
        // SAFETY: the caller promises a block of every pixel.
        unsafe { (self.store)(&RowArguments { sums, bytes: output.cast(), scale, zero, limits, pixels }) }
    }
}

/// A row of sums, and bytes that are added to them or made of them.
struct RowArguments {
    sums: *mut f32,
    bytes: *mut u8,
    scale: f32,
    zero: f32,
    limits: [f32; 2],
    pixels: usize,
}

struct Clamp;

impl IntegerKernel for Clamp {
    type Arguments = RowArguments;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &RowArguments) {
        let [low, high] = a.limits.map(I::Floats::splat);
        for at in (0..a.pixels).map(|pixel| pixel * I::LANES) {
            // SAFETY: the caller promises a block of every pixel.
            unsafe {
                let mut value = I::Floats::load(a.sums.add(at));
                if !a.bytes.is_null() {
                    let number = I::widen(a.bytes.add(at)).floats().sub(I::Floats::splat(a.zero));
                    value = I::fused(number, I::Floats::splat(a.scale), value);
                }
                value.max(low).min(high).store(a.sums.add(at));
            }
        }
    }
}

struct Store;

impl IntegerKernel for Store {
    type Arguments = RowArguments;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &RowArguments) {
        let (factor, zero) = (I::Floats::splat(a.scale), I::Floats::splat(a.zero));
        for at in (0..a.pixels).map(|pixel| pixel * I::LANES) {
            // SAFETY: the caller promises a block of every pixel.
            unsafe { I::store_bytes(I::fused(I::Floats::load(a.sums.add(at)), factor, zero), a.bytes.add(at)) }
        }
    }
}

/// The ending of one or two blocks of channels: `clamp(sum · factor + addend + residual · residual factor)`.
#[repr(C, align(64))]
pub(crate) struct BlockEnding {
    factors: [f32; MOST],
    addends: [f32; MOST],
    residual_factor: f32,
    limits: [f32; 2],
    /// Whether bytes are stored, and whether the residual is bytes.
    pub(crate) stores_bytes: bool,
    pub(crate) adds_bytes: bool,
}

impl BlockEnding {
    /// For `count` blocks of `lanes` channels. `scales` and `sums` are what is packed behind the weights, `bias` the call's or
    /// null. With `bare` sums become floats, and nothing else is done to them yet.
    ///
    /// # Safety
    /// All of them hold `count · lanes` values.
    pub(crate) unsafe fn new(
        of: &Scales,
        [weight_scales, weight_sums]: [*const f32; 2],
        bias: *const f32,
        limits: [f32; 2],
        count: usize,
        bare: bool,
    ) -> Self {
        let output = of.output.filter(|_| !bare);
        let (step, zero) = output.map_or((1.0, 0.0), |output| (output.scale(), f32::from(output.zero())));
        let input = of.input.scale();
        let (mut factors, mut addends) = ([0.0; MOST], [0.0; MOST]);
        let residual = of.residual.filter(|_| !bare);
        let residual_shift = residual.map_or(0.0, |residual| f32::from(residual.zero()) * residual.scale());
        for lane in 0..count.min(MOST) {
            // SAFETY: the caller promises as many values.
            let (scale, sum, bias) = unsafe {
                let bias = if bias.is_null() { 0.0 } else { *bias.add(lane) };
                (*weight_scales.add(lane), (*weight_sums.add(lane)).to_bits() as i32, bias)
            };
            let factor = input * scale;
            let shift = f32::from(of.input.zero()) * (sum as f32) * factor;
            factors[lane] = factor / step;
            addends[lane] = (bias - shift - residual_shift) / step + zero;
        }
        let bound = |limit: f32| if bare { limit } else { limit / step + zero };
        let range = if output.is_some() { [0.0, 255.0] } else { KernelCall::UNLIMITED };
        let limits = if bare { KernelCall::UNLIMITED } else { limits };
        BlockEnding {
            factors,
            addends,
            residual_factor: residual.map_or(1.0, Quantisation::scale) / step,
            limits: [bound(limits[0]).max(range[0]), bound(limits[1]).min(range[1])],
            stores_bytes: output.is_some(),
            adds_bytes: residual.is_some(),
        }
    }

    /// How sums of a block become floats, in registers.
    #[inline(always)]
    pub(crate) fn of_block<I: Integers>(&self, block: usize) -> Scaled<I> {
        let first = block * I::LANES;
        // SAFETY: there are values for two blocks of any vector.
        unsafe {
            let (factor, addend) = (self.factors.as_ptr().add(first), self.addends.as_ptr().add(first));
            Scaled { factor: I::Floats::load(factor), addend: I::Floats::load(addend) }
        }
    }

    /// The clamp, in registers; where bytes are stored it is one to bytes.
    #[inline(always)]
    pub(crate) fn limits<I: Integers>(&self) -> [I::Floats; 2] {
        self.limits.map(I::Floats::splat)
    }

    /// With the residual that lies there added.
    ///
    /// # Safety
    /// A block of a pixel lies there.
    #[inline(always)]
    pub(crate) unsafe fn with_residual<I: Integers>(&self, value: I::Floats, residual: *const f32) -> I::Floats {
        // SAFETY: the caller promises a block of a pixel.
        let number =
            unsafe { if self.adds_bytes { I::widen(residual.cast()).floats() } else { I::Floats::load(residual) } };
        I::fused(number, I::Floats::splat(self.residual_factor), value)
    }

    /// Clamps and stores.
    ///
    /// # Safety
    /// There is room for a block of a pixel.
    #[inline(always)]
    pub(crate) unsafe fn store<I: Integers>(&self, value: I::Floats, to: *mut f32) {
        let value = value.max(I::Floats::splat(self.limits[0])).min(I::Floats::splat(self.limits[1]));
        // SAFETY: the caller promises room for a block of a pixel.
        unsafe { if self.stores_bytes { I::store_bytes(value, to.cast()) } else { value.store(to) } }
    }
}

/// How sums of a block of channels become floats.
#[derive(Clone, Copy)]
pub(crate) struct Scaled<I: Integers> {
    factor: I::Floats,
    addend: I::Floats,
}

impl<I: Integers> Scaled<I> {
    /// A sum as a float.
    #[inline(always)]
    pub(crate) fn number(&self, sum: I) -> I::Floats {
        I::fused(sum.floats(), self.factor, self.addend)
    }
}
