//! The mean of every channel over the whole image: blocked `[N, C / LANES, H, W, LANES]` to `[N, C / LANES, LANES]`.

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::vector::{InstructionSet, Kernel, Vector};

/// Sums that are added up side by side, to hide the latency of the addition.
const CHAINS: usize = 8;
/// Floats below which the work stays on the calling thread.
const ALONE: usize = 64 * 1024;

struct Arguments {
    image: *const f32,
    pixels: usize,
    output: *mut f32,
}

struct Mean;

impl Kernel for Mean {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        let mut sums = [V::zero(); CHAINS];
        let whole = a.pixels / CHAINS * CHAINS;
        // SAFETY: the caller promises `pixels` vectors of input and one of output.
        unsafe {
            for pixel in (0..whole).step_by(CHAINS) {
                for chain in 0..CHAINS {
                    sums[chain] = sums[chain].add(V::load(a.image.add((pixel + chain) * V::LANES)));
                }
            }
            for pixel in whole..a.pixels {
                sums[0] = sums[0].add(V::load(a.image.add(pixel * V::LANES)));
            }
            let mut total = V::zero();
            for chain in 0..CHAINS {
                total = total.add(sums[chain]);
            }
            total.mul(V::splat(1.0 / a.pixels as f32)).store(a.output);
        }
    }
}

/// Averages `[planes][pixels][LANES]` to `[planes][LANES]`; a plane is a block of channels of an image.
pub fn mean(set: InstructionSet, pool: &Pool, pixels: usize, input: &[f32], output: &mut [f32]) {
    let lanes = set.lanes();
    let planes = output.len() / lanes;
    assert_eq!(output.len(), planes * lanes);
    assert_eq!(input.len(), planes * pixels * lanes);
    let entry = set.entry::<Mean>();
    let target = Shared::new(output);
    let body = |plane: usize, _: usize| {
        let image = input[plane * pixels * lanes..][..pixels * lanes].as_ptr();
        // SAFETY: the plane is whole, and each task writes the vector of its own plane.
        unsafe { entry(&Arguments { image, pixels, output: target.at(plane * lanes) }) }
    };
    if input.len() < ALONE { (0..planes).for_each(|plane| body(plane, 0)) } else { pool.run(planes, &body) }
}
