//! The tile of products of bytes: as the tile of floats, with words of four channels in the place of channels.

use super::ending::BlockEnding;
use super::vector::{IntegerKernel, Integers};
use crate::cpu::blocked::tile::TileArguments;
use crate::cpu::blocked::vector::Vector;

/// Words of weights that are on their way to the first-level cache: each is used for a tile alone, and a tile of few pixels is
/// done before the next would be there.
const AHEAD: usize = 8;

/// A tile of `ROWS` × `PIXELS` pixels and `BLOCKS` blocks of output channels; `STEM` for input of one word a pixel.
pub(crate) struct WordTile<const ROWS: usize, const PIXELS: usize, const BLOCKS: usize, const STEM: bool>;

impl<const ROWS: usize, const PIXELS: usize, const BLOCKS: usize, const STEM: bool> IntegerKernel
    for WordTile<ROWS, PIXELS, BLOCKS, STEM>
{
    type Arguments = TileArguments;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &TileArguments) {
        // No more sums than there are registers: what asks for a tile knows.
        if const { ROWS * PIXELS * BLOCKS > I::ACCUMULATORS } {
            return;
        }
        let unit = if STEM { 1 } else { I::LANES / 4 };
        for tile in 0..a.tiles {
            let pixel = tile * PIXELS;
            let mut sums = [[[I::splat(0); BLOCKS]; PIXELS]; ROWS];
            // SAFETY: the caller promises that every tap of every pixel, and every weight, can be read.
            unsafe {
                let input = a.input.add(pixel * unit);
                let mut weights = a.weights;
                for tap in 0..a.tap_count {
                    let values = input.add(*a.taps.add(tap));
                    let words = match STEM {
                        true => 1,
                        false if tap < a.full_taps => unit,
                        false => a.partial,
                    };
                    if !STEM {
                        I::Floats::prefetch(values.wrapping_add(PIXELS * unit));
                    }
                    for word in 0..words {
                        let mut factors = [I::splat(0); BLOCKS];
                        for block in 0..BLOCKS {
                            let weights = weights.add(block * a.weight_block_stride);
                            I::bring_near(weights.wrapping_add(AHEAD * I::LANES));
                            factors[block] = I::load(weights);
                        }
                        weights = weights.add(I::LANES);
                        for row in 0..ROWS {
                            for pixel in 0..PIXELS {
                                let at = row * a.input_row_stride + pixel * unit + word;
                                let bytes = I::splat((*values.add(at)).to_bits() as i32);
                                for block in 0..BLOCKS {
                                    sums[row][pixel][block] =
                                        sums[row][pixel][block].add_products(bytes, factors[block]);
                                }
                            }
                        }
                    }
                }
            }
            // SAFETY: the caller promises that the output, and the residual where there is one, cover the tile.
            unsafe { finish(a, pixel, sums) }
        }
    }
}

/// Ends and stores a tile of sums.
///
/// One short loop after the other: a longer one over all of it is not unrolled, and then the sums are no registers in the hot
/// loop.
#[inline(always)]
unsafe fn finish<I: Integers, const ROWS: usize, const PIXELS: usize, const BLOCKS: usize>(
    a: &TileArguments,
    first: usize,
    sums: [[[I; BLOCKS]; PIXELS]; ROWS],
) {
    let at = |row: usize, block: usize| {
        block * a.output_block_stride + row * a.output_row_stride + first * a.output_pixel_stride
    };
    // SAFETY: the caller of the kernel promises an ending, room for the tile in the output, and a residual like it unless it is
    // null.
    unsafe {
        let ending: &BlockEnding = &*a.ending;
        let mut values = [[[I::Floats::zero(); BLOCKS]; PIXELS]; ROWS];
        for block in 0..BLOCKS {
            let scaled = ending.of_block::<I>(block);
            for row in 0..ROWS {
                for pixel in 0..PIXELS {
                    values[row][pixel][block] = scaled.number(sums[row][pixel][block]);
                }
            }
        }
        if !a.residual.is_null() {
            for block in 0..BLOCKS {
                for row in 0..ROWS {
                    let mut from = a.residual.add(at(row, block));
                    for pixel in 0..PIXELS {
                        values[row][pixel][block] = ending.with_residual::<I>(values[row][pixel][block], from);
                        from = from.wrapping_add(a.output_pixel_stride);
                    }
                }
            }
        }
        let [low, high] = ending.limits::<I>();
        for block in 0..BLOCKS {
            for row in 0..ROWS {
                let mut to = a.output.add(at(row, block));
                for pixel in 0..PIXELS {
                    let value = values[row][pixel][block].max(low).min(high);
                    if ending.stores_bytes {
                        I::nearest(value).narrow(to.cast());
                    } else {
                        value.store(to);
                    }
                    to = to.wrapping_add(a.output_pixel_stride);
                }
            }
        }
    }
}
