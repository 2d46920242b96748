//! Random numbers without a state: every tensor's numbers are a function of a seed and the tensor's name alone.
//!
//! So a layer that is added changes no other layer's numbers, and any part of a tensor can be drawn by itself, on any thread.
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011) with
//! key = (seed low, seed high) and counter = (block low, block high, h low, h high), `h` the FNV-1a hash of the name. Element `i`
//! takes word `i % 4` of block `i / 4`. Fixtures made with PyTorch use the same rule (`tests/reference/formula.py`).

use crate::{Tensor, threads};
use cnnc_compiler::kernels::random::{block, unit};
pub use cnnc_compiler::kernels::random::{fnv1a, fnv1a_of, philox};

/// Elements that one task draws; a multiple of four, so that no block is cut.
const ELEMENTS_AT_ONCE: usize = 1 << 16;

/// The numbers of one name under one seed.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    key: [u32; 2],
    hash: u64,
}

impl Stream {
    /// The stream of a tensor's name.
    pub fn new(seed: u64, name: &str) -> Stream {
        Stream { key: [seed as u32, (seed >> 32) as u32], hash: fnv1a(name) }
    }

    /// Four numbers in `[0, 1)`, multiples of 2⁻²⁴: elements `4·number` to `4·number + 3`.
    pub fn uniform01(&self, number: u64) -> [f64; 4] {
        block(number, self.hash, self.key).map(unit)
    }

    /// Four numbers in `[−1, 1)`.
    pub fn symmetric(&self, block: u64) -> [f64; 4] {
        self.uniform01(block).map(|u| 2.0 * u - 1.0)
    }

    /// Four normally distributed numbers of mean 0 and deviation 1, by Box and Muller: each two uniform ones make two.
    pub fn normal(&self, block: u64) -> [f64; 4] {
        let [a, b, c, d] = self.uniform01(block);
        let pair = |u: f64, v: f64| {
            // 1 − u lies in (0, 1], where the logarithm is finite.
            let radius = (-2.0 * libm::log(1.0 - u)).sqrt();
            let (sine, cosine) = libm::sincos(std::f64::consts::TAU * v);
            [radius * cosine, radius * sine]
        };
        let ([a, b], [c, d]) = (pair(a, b), pair(c, d));
        [a, b, c, d]
    }

    /// Fills a tensor's values with what `four` makes of each block of four.
    pub fn fill(&self, values: &mut [f32], four: impl Fn(&Stream, u64) -> [f64; 4] + Sync) {
        if values.len() <= ELEMENTS_AT_ONCE {
            return self.fill_from(0, values, four);
        }
        threads::for_each(values.chunks_mut(ELEMENTS_AT_ONCE).enumerate(), |(part, values)| {
            self.fill_from(part * ELEMENTS_AT_ONCE, values, &four);
        });
    }

    /// As [`Stream::fill`], of the values from `start` on, on this thread.
    pub fn fill_from(&self, start: usize, values: &mut [f32], four: impl Fn(&Stream, u64) -> [f64; 4]) {
        let into_block = start % 4;
        let (cut, whole) = values.split_at_mut(values.len().min((4 - into_block) % 4));
        let put = |values: &mut [f32], block: usize, skipped: usize| {
            for (value, drawn) in values.iter_mut().zip(four(self, block as u64).into_iter().skip(skipped)) {
                *value = drawn as f32;
            }
        };
        put(cut, start / 4, into_block);
        for (number, values) in whole.chunks_mut(4).enumerate() {
            put(values, start.div_ceil(4) + number, 0);
        }
    }
}

/// Random numbers, one after another, of one name under one seed.
pub(crate) struct Draws {
    stream: Stream,
    four: [f64; 4],
    next: u64,
}

impl Draws {
    /// The numbers of that name.
    pub fn new(seed: u64, name: &str) -> Draws {
        Draws { stream: Stream::new(seed, name), four: [0.0; 4], next: 0 }
    }

    /// The numbers of one sample in one epoch.
    pub fn of_sample(seed: u64, epoch: usize, index: usize) -> Draws {
        Draws::new(seed, &format!("sample {index} of epoch {epoch}"))
    }

    /// A number in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        let place = (self.next % 4) as usize;
        if place == 0 {
            self.four = self.stream.uniform01(self.next / 4);
        }
        self.next += 1;
        self.four[place]
    }

    /// A number from one to another, without that.
    pub fn between(&mut self, [from, to]: [f64; 2]) -> f64 {
        from + (to - from) * self.uniform()
    }

    /// A whole number from 0 to `count − 1`, for counts below 2²⁴ or so.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f64) as usize).min(count.saturating_sub(1))
    }
}

/// An input drawn evenly from `[−1, 1)`, keyed by the input's name.
pub fn input(name: &str, shape: &[usize], seed: u64) -> Tensor {
    let mut tensor = Tensor::filled(shape, 0.0);
    Stream::new(seed, name).fill(tensor.data_mut(), Stream::symmetric);
    tensor
}

#[cfg(test)]
mod tests {
    use super::{Draws, ELEMENTS_AT_ONCE, Stream, input};

    #[test]
    fn inputs_are_those_of_the_fixtures() {
        let expected = [-0.6005682, 0.8429111, -0.48626757, 0.85695183, 0.23033988, -0.2525519, -0.7364023, 0.3233391];
        assert_eq!(input("input", &[8], 0).data(), expected);
    }

    #[test]
    fn large_tensors_are_drawn_in_parts_without_a_seam() {
        let (short, long) = (input("x", &[9], 7), input("x", &[ELEMENTS_AT_ONCE + 9], 7));
        assert_eq!(&long.data()[..9], short.data());
        let word = Stream::new(7, "x").symmetric((ELEMENTS_AT_ONCE / 4) as u64);
        assert_eq!(f64::from(long.data()[ELEMENTS_AT_ONCE]), word[0]);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut values = vec![0.0; 100_001];
        Stream::new(3, "weight").fill(&mut values, Stream::normal);
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
        let beyond = values.iter().filter(|x| x.abs() > 1.959964).count() as f64 / values.len() as f64;
        assert!((beyond - 0.05).abs() < 0.005, "a share of {beyond} lies beyond 1.96");
    }

    #[test]
    fn draws_are_even() {
        let mut draws = Draws::of_sample(1, 2, 3);
        let mut counts = [0; 5];
        (0..10_000).for_each(|_| counts[draws.below(5)] += 1);
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
    }
}
