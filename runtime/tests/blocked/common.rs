//! Helpers of the tests: random tensors, and the layouts of a case.
use crate::reference;
use cnnc_runtime::cpu::blocked::{buffer::Buffer, layout, pool::Pool, shape::*};

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

pub fn block(lanes: usize, [n, c, p]: [usize; 3], input: &[f32]) -> Buffer {
    let mut out = Buffer::zeros(n * c.next_multiple_of(lanes) * p);
    layout::block(&Pool::new(1), lanes, [n, c, p], input, &mut out);
    out
}

pub fn unblock(lanes: usize, [n, c, p]: [usize; 3], input: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; n * c * p];
    layout::unblock(&Pool::new(1), lanes, [n, c, p], input, &mut out);
    out
}

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
        let [h, w] = shape.window.output();
        let input = random(shape.input_length(1), 1);
        let weights = random(shape.weight_count(), 2);
        let bias = random(shape.out_channels, 3);
        let residual = random(shape.batch * shape.out_channels * h * w, 4);
        let mut expected = reference::convolution(&shape, &input, &weights, &bias);
        expected.iter_mut().zip(&residual).for_each(|(e, r)| *e = (*e + f64::from(*r)).max(0.0));
        Self { shape, input, weights, bias, residual, expected }
    }
    pub fn in_dims(&self) -> [usize; 3] {
        [self.shape.batch, self.shape.in_channels, self.shape.window.input[0] * self.shape.window.input[1]]
    }
    pub fn out_dims(&self) -> [usize; 3] {
        let [h, w] = self.shape.window.output();
        [self.shape.batch, self.shape.out_channels, h * w]
    }
}
