//! Between plain `[N, C, H, W]` and blocked `[N, C / LANES, H, W, LANES]`. The channels that fill up the last block are
//! zeros after a reorder; kernels give them weights of zero, so that any finite value there does no harm.

use crate::cpu::blocked::call::{Images, ImagesMut};
use crate::cpu::blocked::pool::Pool;

/// Pixels that a task reorders at a time: a block of them and its planes fit the first-level cache.
const PIXELS: usize = 256;
/// Floats below which the work stays on the calling thread.
const ALONE: usize = 32 * 1024;

/// Writes plain images `[channels, pixels]` as blocks of `lanes` channels.
///
/// # Safety
/// Input and output are such images, and do not overlap.
pub unsafe fn block(
    pool: &Pool,
    lanes: usize,
    [batch, channels, pixels]: [usize; 3],
    input: Images,
    output: ImagesMut,
) {
    let blocks = channels.div_ceil(lanes);
    run(pool, batch * blocks, lanes * pixels, |task| {
        let (image, first) = (task / blocks, task % blocks * lanes);
        let count = lanes.min(channels - first);
        // SAFETY: the caller promises images of this shape that do not overlap; every task has a block of its own.
        let (planes, output) = unsafe {
            (
                std::slice::from_raw_parts(input.at(image, first * pixels), count * pixels),
                std::slice::from_raw_parts_mut(output.at(image, first * pixels), lanes * pixels),
            )
        };
        for (start, part) in output.chunks_mut(PIXELS * lanes).enumerate().map(|(i, part)| (i * PIXELS, part)) {
            if count < lanes {
                part.fill(0.0);
            }
            for (lane, plane) in planes.chunks_exact(pixels).enumerate() {
                for (value, pixel) in plane[start..].iter().zip(part.chunks_exact_mut(lanes)) {
                    pixel[lane] = *value;
                }
            }
        }
    });
}

/// Writes blocks of `lanes` channels as plain images `[channels, pixels]`.
///
/// # Safety
/// Input and output are such images, and do not overlap.
pub unsafe fn unblock(
    pool: &Pool,
    lanes: usize,
    [batch, channels, pixels]: [usize; 3],
    input: Images,
    output: ImagesMut,
) {
    let blocks = channels.div_ceil(lanes);
    run(pool, batch * blocks, lanes * pixels, |task| {
        let (image, first) = (task / blocks, task % blocks * lanes);
        let count = lanes.min(channels - first);
        // SAFETY: the caller promises images of this shape that do not overlap; every task has channels of its own.
        let (input, output) = unsafe {
            (
                std::slice::from_raw_parts(input.at(image, first * pixels), lanes * pixels),
                std::slice::from_raw_parts_mut(output.at(image, first * pixels), count * pixels),
            )
        };
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

/// Runs `tasks` tasks of `floats` floats each, on the calling thread where they are few.
fn run(pool: &Pool, tasks: usize, floats: usize, body: impl Fn(usize) + Sync) {
    if tasks * floats < ALONE { (0..tasks).for_each(body) } else { pool.run(tasks, &|task, _| body(task)) }
}
