//! Between plain `[N, C, H, W]` and blocked `[N, C / LANES, H, W, LANES]`. The channels that fill up the last block are
//! zeros after a reorder; kernels give them weights of zero, so that any finite value there does no harm.

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::pool::Pool;

/// Pixels that a task reorders, at most: a block of them and its planes fit the first-level cache.
const PIXELS: usize = 256;

/// Writes plain `input` `[batch, channels, pixels]` as blocks of `lanes` channels.
pub fn block(pool: &Pool, lanes: usize, [batch, channels, pixels]: [usize; 3], input: &[f32], output: &mut [f32]) {
    let blocks = channels.div_ceil(lanes);
    assert_eq!(input.len(), batch * channels * pixels);
    assert_eq!(output.len(), batch * blocks * lanes * pixels);
    let target = Shared::new(output);
    pool.run(batch * blocks, &|task, _| {
        let (image, block) = (task / blocks, task % blocks);
        // SAFETY: every task has a block of its own, inside the output by the assertion above.
        let output = unsafe { std::slice::from_raw_parts_mut(target.at(task * lanes * pixels), lanes * pixels) };
        let first = block * lanes;
        let planes =
            &input[(image * channels + first) * pixels..(image * channels + channels.min(first + lanes)) * pixels];
        output.fill(0.0);
        for (start, part) in output.chunks_mut(PIXELS * lanes).enumerate().map(|(i, part)| (i * PIXELS, part)) {
            for (lane, plane) in planes.chunks_exact(pixels).enumerate() {
                for (value, pixel) in plane[start..].iter().zip(part.chunks_exact_mut(lanes)) {
                    pixel[lane] = *value;
                }
            }
        }
    });
}

/// Writes blocks of `lanes` channels as plain `[batch, channels, pixels]`.
pub fn unblock(pool: &Pool, lanes: usize, [batch, channels, pixels]: [usize; 3], input: &[f32], output: &mut [f32]) {
    let blocks = channels.div_ceil(lanes);
    assert_eq!(input.len(), batch * blocks * lanes * pixels);
    assert_eq!(output.len(), batch * channels * pixels);
    let target = Shared::new(output);
    pool.run(batch * blocks, &|task, _| {
        let (image, block) = (task / blocks, task % blocks);
        let first = block * lanes;
        let count = lanes.min(channels - first);
        // SAFETY: every task has channels of its own, inside the output by the assertion above.
        let output =
            unsafe { std::slice::from_raw_parts_mut(target.at((image * channels + first) * pixels), count * pixels) };
        let input = &input[task * lanes * pixels..][..lanes * pixels];
        for start in (0..pixels).step_by(PIXELS) {
            let part = &input[start * lanes..pixels.min(start + PIXELS) * lanes];
            for (lane, plane) in output.chunks_exact_mut(pixels).enumerate() {
                for (value, pixel) in plane[start..].iter_mut().zip(part.chunks_exact(lanes)) {
                    *value = pixel[lane];
                }
            }
        }
    });
}
