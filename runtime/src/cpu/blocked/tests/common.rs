//! Helpers of the tests: random tensors, layouts, and calls of kernels on owned memory.
use super::reference;
use crate::cpu::blocked::{buffer::Buffer, call::*, layout, pool::Pool, shape::*};

/// A pool of so many threads.
pub fn pool_of(threads: usize) -> Pool {
    Pool::new(threads).unwrap()
}

/// Numbers in [-1, 1), the same for the same seed.
pub fn random(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// Plain images in blocks.
pub fn block(lanes: usize, [n, c, p]: [usize; 3], input: &[f32]) -> Buffer {
    let mut out = Buffer::zeros(n * c.next_multiple_of(lanes) * p);
    let to = ImagesMut { first: out.as_mut_ptr(), step: c.next_multiple_of(lanes) * p };
    // SAFETY: both are as large as the sizes say.
    unsafe { layout::block(&pool_of(1), lanes, [n, c, p], images(input, n), to) };
    out
}

/// Blocked images, plain.
pub fn unblock(lanes: usize, [n, c, p]: [usize; 3], input: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; n * c * p];
    let to = ImagesMut { first: out.as_mut_ptr(), step: c * p };
    // SAFETY: both are as large as the sizes say.
    unsafe { layout::unblock(&pool_of(1), lanes, [n, c, p], images(input, n), to) };
    out
}

/// Values as a call sees them: whole blocks, zeros behind.
pub fn padded(lanes: usize, values: &[f32]) -> Buffer {
    let mut buffer = Buffer::zeros(values.len().next_multiple_of(lanes));
    buffer[..values.len()].copy_from_slice(values);
    buffer
}

/// Images of a buffer, dense.
pub fn images(buffer: &[f32], batch: usize) -> Images {
    Images { first: buffer.as_ptr(), step: buffer.len() / batch.max(1) }
}

/// Floats between the images that the tests write, to see that nothing is written there.
pub const GAP: usize = 48;

/// Images to write, with a gap after each: all not-a-number at first.
pub struct Written {
    pub buffer: Buffer,
    batch: usize,
    image: usize,
}

impl Written {
    pub fn new(batch: usize, image: usize) -> Self {
        let mut buffer = Buffer::zeros(batch * (image + GAP));
        buffer.fill(f32::NAN);
        Self { buffer, batch, image }
    }
    /// The same, holding `values`.
    pub fn holding(batch: usize, values: &[f32]) -> Self {
        let mut written = Self::new(batch, values.len() / batch);
        let image = written.image;
        for (to, from) in written.buffer.chunks_exact_mut(image + GAP).zip(values.chunks_exact(image)) {
            to[..image].copy_from_slice(from);
        }
        written
    }
    pub fn images(&mut self) -> ImagesMut {
        ImagesMut { first: self.buffer.as_mut_ptr(), step: self.image + GAP }
    }
    /// The images without the gaps, which nobody wrote; every float of the images is finite.
    pub fn dense(&self) -> Vec<f32> {
        let mut dense = Vec::with_capacity(self.batch * self.image);
        for image in self.buffer.chunks_exact(self.image + GAP) {
            assert!(image[self.image..].iter().all(|value| value.is_nan()), "written beyond an image");
            dense.extend_from_slice(&image[..self.image]);
        }
        dense
    }
    pub fn finite(&self) -> Vec<f32> {
        let dense = self.dense();
        assert!(dense.iter().all(|value| value.is_finite()), "not written, or not finite");
        dense
    }
}

/// Scratch for a number of threads, not-a-number at first.
pub fn workspace(threads: usize, length: usize) -> Buffer {
    let mut buffer = Buffer::zeros(threads * length);
    buffer.fill(f32::NAN);
    buffer
}

/// A reference kernel: from input, weights and bias.
type Reference = fn(&ConvolutionShape, &[f32], &[f32], &[f32]) -> Vec<f64>;

/// A convolution's plain operands and its float64 answer after bias, residual and ReLU.
pub struct Case {
    pub shape: ConvolutionShape,
    pub input: Vec<f32>,
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
    pub residual: Vec<f32>,
    pub expected: Vec<f64>,
}

impl Case {
    pub fn new(shape: ConvolutionShape) -> Self {
        Self::of(shape, reference::convolution)
    }
    pub fn transposed(shape: ConvolutionShape) -> Self {
        Self::of(shape, reference::transposed)
    }
    fn of(shape: ConvolutionShape, reference: Reference) -> Self {
        let input = random(shape.batch * shape.input_length(1), 1);
        let count = shape.in_channels * shape.out_channels / shape.groups * shape.window.area();
        let weights = random(count, 2);
        let bias = random(shape.out_channels, 3);
        let residual = random(shape.batch * shape.output_length(1), 4);
        let mut expected = reference(&shape, &input, &weights, &bias);
        expected.iter_mut().zip(&residual).for_each(|(e, r)| *e = (*e + f64::from(*r)).max(0.0));
        Self { shape, input, weights, bias, residual, expected }
    }
    pub fn in_dims(&self) -> [usize; 3] {
        [self.shape.batch, self.shape.in_channels, self.shape.window.input_pixels()]
    }
    pub fn out_dims(&self) -> [usize; 3] {
        [self.shape.batch, self.shape.out_channels, self.shape.window.output_pixels()]
    }
    /// Runs a kernel on one and three threads, its residual apart and in place, and compares bit for bit; the plain answer.
    /// `lanes` is 1 for a kernel that writes plain images.
    pub fn run(
        &self,
        lanes: usize,
        input: &Buffer,
        [packed, scratch]: [usize; 2],
        pack: impl Fn(&Pool, &[f32], &mut [f32]),
        run: impl Fn(&Pool, &KernelCall<'_>),
    ) -> Vec<f32> {
        let batch = self.shape.batch;
        let residual = block(lanes, self.out_dims(), &self.residual);
        let bias = padded(lanes, &self.bias);
        let mut answers: Vec<Vec<f32>> = Vec::new();
        for (threads, in_place) in [(1, false), (3, false), (3, true)] {
            let pool = pool_of(threads);
            let mut weights = Buffer::zeros(packed);
            weights.fill(f32::NAN);
            pack(&pool, &self.weights, &mut weights);
            let mut workspace = workspace(threads, scratch);
            let mut output = Written::new(batch, self.shape.output_length(lanes));
            if in_place {
                output = Written::holding(batch, &residual);
            }
            let images_out = output.images();
            let apart = images(&residual, batch);
            let here = Images { first: images_out.first, step: images_out.step };
            let call = KernelCall {
                weights: weights.as_ptr(),
                bias: bias.as_ptr(),
                residual: Some(if in_place { here } else { apart }),
                limits: KernelCall::RELU,
                workspace: workspace.as_mut_ptr(),
                ..KernelCall::new(images(input, batch), images_out)
            };
            run(&pool, &call);
            answers.push(unblock(lanes, self.out_dims(), &output.finite()));
        }
        assert_eq!(answers[0], answers[1], "threads, {:?}", self.shape);
        assert_eq!(answers[0], answers[2], "in place, {:?}", self.shape);
        answers.swap_remove(0)
    }
}

/// Adds one to every value, and a hundred where it is called for pixels or features that do not lie where it is told.
pub struct AddOne {
    /// Start, floats of an image, pixels of an image.
    pub output: (*const f32, usize, usize),
    pub lanes: usize,
}

// SAFETY: the pointer is only compared.
unsafe impl Sync for AddOne {}

impl Finish for AddOne {
    unsafe fn finish(&self, _: usize, image: usize, block: usize, pixel: usize, row: *mut f32, pixels: usize) {
        let (first, step, area) = self.output;
        let place = first.wrapping_add(image * step + (block * area + pixel) * self.lanes);
        // SAFETY: the caller promises these floats to this call alone.
        unsafe { self.finish_features(0, 0, if place == row { 0 } else { 1 }, row, pixels * self.lanes) }
    }
    unsafe fn finish_features(&self, _: usize, row: usize, first: usize, values: *mut f32, features: usize) {
        let wrong =
            self.output.2 == 0 && self.output.0.wrapping_add(row * self.output.1 + first) != values.cast_const();
        let wrong = wrong || self.output.2 != 0 && first != 0;
        // SAFETY: the caller promises these floats to this call alone.
        let values = unsafe { std::slice::from_raw_parts_mut(values, features) };
        values.iter_mut().for_each(|value| *value += if wrong { 100.0 } else { 1.0 });
    }
}
