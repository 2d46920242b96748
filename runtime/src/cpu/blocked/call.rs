//! What a kernel is called with: where values lie in memory that the caller owns, and what is done to finished outputs.
//!
//! A kernel is described once (`new`: sizes, tables, how its work is cut) and owns neither weights nor values: an engine has all
//! of them in a few large mappings, and hands pointers over at each call. So calls are `unsafe`: each kernel says what must lie
//! where.

use super::integer::ending::Endings;

/// Images to read. An image is dense, blocked `[C / LANES, H, W, LANES]` or plain as the kernel says.
#[derive(Clone, Copy)]
pub struct Images {
    /// The first float of the first image.
    pub first: *const f32,
    /// Floats from an image to the next.
    pub step: usize,
}

/// Images to write; as [`Images`].
#[derive(Clone, Copy)]
pub struct ImagesMut {
    /// The first float of the first image.
    pub first: *mut f32,
    /// Floats from an image to the next.
    pub step: usize,
}

// SAFETY: an address and a number; the caller of a kernel promises that nobody writes what is read from there.
unsafe impl Sync for Images {}
// SAFETY: it owns nothing of the thread that made it.
unsafe impl Send for Images {}
// SAFETY: an address and a number; each task of a kernel writes a part that no other task touches.
unsafe impl Sync for ImagesMut {}
// SAFETY: it owns nothing of the thread that made it.
unsafe impl Send for ImagesMut {}
// SAFETY: tasks write parts of their own of the output and the workspace; nobody writes the rest, and `Finish` is `Sync`.
unsafe impl Sync for KernelCall<'_> {}
// SAFETY: addresses and shared references, which own nothing of the thread that made them.
unsafe impl Send for KernelCall<'_> {}

impl Images {
    /// The float at `offset` of an image.
    pub(crate) fn at(&self, image: usize, offset: usize) -> *const f32 {
        self.first.wrapping_add(image * self.step + offset)
    }
}

impl ImagesMut {
    /// The float at `offset` of an image.
    pub(crate) fn at(&self, image: usize, offset: usize) -> *mut f32 {
        self.first.wrapping_add(image * self.step + offset)
    }
}

/// Done to outputs that are complete but still in cache: what is no bias, no sum with a residual and no clamp.
pub trait Finish: Sync {
    /// `row` holds pixels `pixel..pixel + pixels`, counted row by row over the output image, of block `block` of the channels of
    /// image `image`: `pixels × LANES` floats, to be changed in place. `worker` is below the number of the pool's threads.
    ///
    /// # Safety
    /// `row` is valid for these floats, and nobody else touches them meanwhile.
    unsafe fn finish(&self, worker: usize, image: usize, block: usize, pixel: usize, row: *mut f32, pixels: usize);

    /// The same for kernels whose output is rows of plain features: `values` holds features `first..first + features` of row
    /// `row`.
    ///
    /// # Safety
    /// As for `finish`.
    unsafe fn finish_features(&self, worker: usize, row: usize, first: usize, values: *mut f32, features: usize);
}

/// A call of a kernel: `output = finish(clamp(result + bias + residual))`.
#[derive(Clone, Copy)]
pub struct KernelCall<'a> {
    /// What is read.
    pub input: Images,
    /// The packed weights; not read by a kernel without weights.
    pub weights: *const f32,
    /// One value a channel, whole blocks of `LANES`, zeros beyond the channels; null for none.
    pub bias: *const f32,
    /// What is written. Lanes that fill up the last block of channels receive finite values where those of the inputs are finite.
    pub output: ImagesMut,
    /// Added to the result, laid out as the output. It may be the output's own place, for a sum in place; otherwise they do not
    /// overlap.
    pub residual: Option<Images>,
    /// The activation as a clamp, which keeps not-a-number: `[0, ∞]` is ReLU, `[0, 6]` ReLU6, `[-∞, ∞]` none.
    pub limits: [f32; 2],
    /// Run over every finished row.
    pub finish: Option<&'a dyn Finish>,
    /// What bytes stand for, where bytes are multiplied.
    pub bytes: Option<&'a Endings>,
    /// Scratch: as many floats as the kernel's `workspace_length` says, for every thread of the pool.
    pub workspace: *mut f32,
}

impl<'a> KernelCall<'a> {
    /// No limits: the result as it is.
    pub const UNLIMITED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];
    /// The limits of ReLU.
    #[cfg(any(test, feature = "internals"))]
    pub const RELU: [f32; 2] = [0.0, f32::INFINITY];

    /// A call without weights, bias, residual, limits, finish and workspace, to be filled in.
    #[cfg(any(test, feature = "internals"))]
    pub fn new(input: Images, output: ImagesMut) -> Self {
        Self {
            input,
            weights: std::ptr::null(),
            bias: std::ptr::null(),
            output,
            residual: None,
            limits: Self::UNLIMITED,
            finish: None,
            bytes: None,
            workspace: std::ptr::null_mut(),
        }
    }

    /// What is written around an image: noughts.
    pub(crate) fn padding(&self) -> f32 {
        let zero = self.bytes.map_or(0, |bytes| bytes.scales.input.zero());
        f32::from_bits(u32::from_ne_bytes([zero; 4]))
    }

    /// Floats, or words of bytes, that a pixel's block of `lanes` channels takes in the output.
    pub(crate) fn output_words(&self, lanes: usize) -> usize {
        self.bytes.map_or(lanes, |bytes| bytes.scales.output_words(lanes))
    }

    /// Whether sums are finished as floats somewhere else before they are stored as bytes.
    pub(crate) fn is_finished_apart(&self) -> bool {
        self.finish.is_some() && self.bytes.is_some_and(|bytes| bytes.scales.output.is_some())
    }

    /// As [`KernelCall::finish`], of bare sums that lie at `sums`: the residual is added, they are clamped, finished and stored.
    ///
    /// # Safety
    /// As for `finish`; `sums` holds a block of every pixel, and nobody else touches it.
    pub(crate) unsafe fn finish_apart(
        &self,
        worker: usize,
        [image, block, pixel]: [usize; 3],
        sums: *mut f32,
        offset: usize,
        pixels: usize,
    ) {
        let (Some(finish), Some(bytes)) = (self.finish, self.bytes) else { return };
        let (residual, output) = (self.residual_at(image, offset), self.output.at(image, offset));
        // SAFETY: the caller promises the sums, and an output that holds the pixels, as does a residual that lies as it does.
        unsafe {
            bytes.clamp(sums, residual, self.limits, pixels);
            finish.finish(worker, image, block, pixel, sums, pixels);
            bytes.store(sums, output, pixels);
        }
    }

    /// The bias from channel `channel` on, or null.
    pub(crate) fn bias_at(&self, channel: usize) -> *const f32 {
        if self.bias.is_null() { self.bias } else { self.bias.wrapping_add(channel) }
    }

    /// The weights from `offset` on.
    pub(crate) fn weights_at(&self, offset: usize) -> *const f32 {
        self.weights.wrapping_add(offset)
    }

    /// The residual at `offset` of an image, or null.
    pub(crate) fn residual_at(&self, image: usize, offset: usize) -> *const f32 {
        self.residual.map_or(std::ptr::null(), |residual| residual.at(image, offset))
    }

    /// The scratch of a worker, where each has `length` floats.
    pub(crate) fn scratch(&self, worker: usize, length: usize) -> *mut f32 {
        self.workspace.wrapping_add(worker * length)
    }

    /// Calls `finish` for `pixels` pixels from `pixel` on, which lie at `offset` of the output image.
    ///
    /// # Safety
    /// The output holds the pixels, and no other task touches them meanwhile.
    pub(crate) unsafe fn finish(&self, worker: usize, [image, block, pixel]: [usize; 3], offset: usize, pixels: usize) {
        if let Some(finish) = self.finish {
            // SAFETY: the caller promises that the output holds the pixels, and that no other task touches them.
            unsafe { finish.finish(worker, image, block, pixel, self.output.at(image, offset), pixels) }
        }
    }
}
