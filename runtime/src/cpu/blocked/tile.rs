//! The one heavy loop: a tile of output pixels × output channel blocks, held in registers while every tap of every
//! input channel goes by. Direct convolution, the stem, 1×1, Winograd's products and fully connected layers all end here.
//!
//! An output vector (LANES channels of one pixel) is the sum over taps of an input value, broadcast, times a vector of
//! weights. What differs between the users is only where a tap's input lies, so that is a table of offsets.

use crate::cpu::blocked::integer::ending::BlockEnding;
use crate::cpu::blocked::integer::tile::WordTile;
use crate::cpu::blocked::integer::vector::entry;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};

/// What a run of tiles along one row of output reads and writes. Offsets and strides count floats.
pub(crate) struct TileArguments {
    /// Input of the first pixel at tap offset 0. The next pixel is `LANES` floats on (1 for [`Stem`]).
    pub(crate) input: *const f32,
    /// Floats from a row of input pixels to the next, for tiles of several rows.
    pub(crate) input_row_stride: usize,
    /// Where each tap's input lies from the pixel's own place. A tap is `LANES` consecutive input channels (1 for a stem).
    pub(crate) taps: *const usize,
    /// Number of taps.
    pub(crate) tap_count: usize,
    /// Taps before this one have all their channels, the others only `partial`: those of a last block that is not full.
    pub(crate) full_taps: usize,
    /// Channels of the taps from `full_taps` on.
    pub(crate) partial: usize,
    /// Weights `[blocks][tap][channels of the tap][LANES]`.
    pub(crate) weights: *const f32,
    /// Floats from a block of output channels to the next in `weights`.
    pub(crate) weight_block_stride: usize,
    /// Floats from the weights in use to those that are needed next and should come from memory meanwhile; 0 for none.
    pub(crate) prefetch: usize,
    /// Output of the first pixel in the first block of channels.
    pub(crate) output: *mut f32,
    /// Floats from a row of output pixels to the next.
    pub(crate) output_row_stride: usize,
    /// Floats from a pixel of output to the next: `LANES`, or more where other tiles write the pixels between.
    pub(crate) output_pixel_stride: usize,
    /// Floats from a block of output channels to the next in `output` and `residual`.
    pub(crate) output_block_stride: usize,
    /// Bias `[blocks][LANES]`; null for none.
    pub(crate) bias: *const f32,
    /// Added before the activation, laid out as the output, which may be the same place; null for none.
    pub(crate) residual: *const f32,
    /// The activation is a clamp to these limits.
    pub(crate) limits: [f32; 2],
    /// How sums of products of bytes end, instead of bias and limits; null for sums of floats.
    pub(crate) ending: *const BlockEnding,
    /// Tiles to do, one after the other along the row.
    pub(crate) tiles: usize,
}

/// What a tile multiplies, and how pixels follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TileInput {
    /// Floats in blocks of channels.
    Blocks,
    /// Floats of one channel.
    Plain,
    /// Bytes in blocks of channels, four of them a word.
    ByteBlocks,
    /// Bytes in blocks of four channels, one word a pixel.
    Words,
}

impl TileArguments {
    /// Moves on by `pixels` along the row; `input_step` floats each in the input.
    pub(crate) fn step(&mut self, pixels: usize, input_step: usize) {
        self.input = self.input.wrapping_add(pixels * input_step);
        self.output = self.output.wrapping_add(pixels * self.output_pixel_stride);
        if !self.residual.is_null() {
            self.residual = self.residual.wrapping_add(pixels * self.output_pixel_stride);
        }
    }
}

/// A tile of `ROWS` × `PIXELS` pixels and `BLOCKS` blocks of output channels; `STEM` for input in plain `[N, C, H, W]`.
pub(crate) struct Tile<const ROWS: usize, const PIXELS: usize, const BLOCKS: usize, const STEM: bool>;

impl<const ROWS: usize, const PIXELS: usize, const BLOCKS: usize, const STEM: bool> Kernel
    for Tile<ROWS, PIXELS, BLOCKS, STEM>
{
    type Arguments = TileArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &TileArguments) {
        // No more sums than there are registers: [`tilings`] asks for no other.
        if const { ROWS * PIXELS * BLOCKS > V::ACCUMULATORS } {
            return;
        }
        let pixel_stride = if STEM { 1 } else { V::LANES };
        for tile in 0..a.tiles {
            let pixel = tile * PIXELS;
            let mut bias = [V::zero(); BLOCKS];
            if !a.bias.is_null() {
                for block in 0..BLOCKS {
                    // SAFETY: the caller promises a bias for every block unless it is null.
                    bias[block] = unsafe { V::load(a.bias.add(block * V::LANES)) };
                }
            }
            let mut sums = [[bias; PIXELS]; ROWS];
            // SAFETY: the caller promises that every tap of every pixel, and every weight, can be read.
            unsafe {
                let input = a.input.add(pixel * pixel_stride);
                let mut weights = a.weights;
                for tap in 0..a.tap_count {
                    let values = input.add(*a.taps.add(tap));
                    let channels = match STEM {
                        true => 1,
                        false if tap < a.full_taps => V::LANES,
                        false => a.partial,
                    };
                    // What the next tile reads may lie in memory, where the processor does not see what comes next in so many
                    // streams.
                    let next = values.wrapping_add(PIXELS * pixel_stride);
                    for channel in 0..channels {
                        if !STEM {
                            V::prefetch(next.wrapping_add(channel * V::LANES));
                        }
                        let mut factors = [V::zero(); BLOCKS];
                        for block in 0..BLOCKS {
                            let weights = weights.add(block * a.weight_block_stride);
                            V::prefetch(weights.wrapping_add(a.prefetch));
                            factors[block] = V::load(weights);
                        }
                        weights = weights.add(V::LANES);
                        for row in 0..ROWS {
                            for pixel in 0..PIXELS {
                                let at = row * a.input_row_stride + pixel * pixel_stride + channel;
                                let value = V::splat(*values.add(at));
                                for block in 0..BLOCKS {
                                    sums[row][pixel][block] = factors[block].mul_add(value, sums[row][pixel][block]);
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

/// Adds the residual, clamps and stores a tile of sums.
///
/// One short loop after the other: a longer one over all of it is not unrolled, and then the sums are no registers in the hot
/// loop.
#[inline(always)]
unsafe fn finish<V: Vector, const ROWS: usize, const PIXELS: usize, const BLOCKS: usize>(
    a: &TileArguments,
    first: usize,
    mut sums: [[[V; BLOCKS]; PIXELS]; ROWS],
) {
    let at = |row: usize, block: usize| {
        block * a.output_block_stride + row * a.output_row_stride + first * a.output_pixel_stride
    };
    let (low, high) = (V::splat(a.limits[0]), V::splat(a.limits[1]));
    // SAFETY: the caller of the kernel promises room for the tile in the output, and a residual like it unless it is null.
    unsafe {
        if !a.residual.is_null() {
            for block in 0..BLOCKS {
                for row in 0..ROWS {
                    let mut from = a.residual.add(at(row, block));
                    for pixel in 0..PIXELS {
                        sums[row][pixel][block] = sums[row][pixel][block].add(V::load(from));
                        from = from.wrapping_add(a.output_pixel_stride);
                    }
                }
            }
        }
        for block in 0..BLOCKS {
            for row in 0..ROWS {
                let mut to = a.output.add(at(row, block));
                for pixel in 0..PIXELS {
                    sums[row][pixel][block].max(low).min(high).store(to);
                    to = to.wrapping_add(a.output_pixel_stride);
                }
            }
        }
    }
}

/// The tile kernel of the given shape. Panics on one that is not compiled; [`tilings`] asks for no other.
fn tile_entry(
    set: InstructionSet,
    rows: usize,
    pixels: usize,
    blocks: usize,
    input: TileInput,
) -> Compiled<TileArguments> {
    macro_rules! table {
        ($([$rows:literal, $floats:ident $bytes:ident $stem:literal: $($pixels:literal)*])*) => {
            match (rows, pixels, blocks, input) {
                $($(($rows, $pixels, 1, TileInput::$floats) => set.entry::<Tile<$rows, $pixels, 1, $stem>>(),
                ($rows, $pixels, 2, TileInput::$floats) => set.entry::<Tile<$rows, $pixels, 2, $stem>>(),
                ($rows, $pixels, 1, TileInput::$bytes) => entry::<WordTile<$rows, $pixels, 1, $stem>>(set),
                ($rows, $pixels, 2, TileInput::$bytes) => entry::<WordTile<$rows, $pixels, 2, $stem>>(set),)*)*
                _ => panic!("no tile of {rows}×{pixels} pixels and {blocks} blocks"),
            }
        };
    }
    table!(
        [1, Blocks ByteBlocks false: 1 2 3 4 5 6 7 8 9 10 11 12 13 14]
        [2, Blocks ByteBlocks false: 1 2 3 4 5 6 7]
        [3, Blocks ByteBlocks false: 1 2 3 4]
        [1, Plain Words true: 1 2 3 4 5 6 7 8 9 10 11 12 13 14]
    )
}

/// Equal tiles side by side.
pub(crate) struct Segment {
    /// Pixels of a tile.
    pub(crate) pixels: usize,
    /// Tiles.
    pub(crate) tiles: usize,
    /// The kernels for one block of output channels, and for two.
    pub(crate) entries: [Compiled<TileArguments>; 2],
}

/// How rows of `width` output pixels are cut into tiles: element `r - 1` cuts `r` rows at once, and the last is best.
///
/// The tiles of a row differ by one pixel at most, so that none is too small to hide the latency of the multiply-add.
/// Several rows share a tile where one is too narrow to fill the registers.
pub(crate) fn tilings(set: InstructionSet, width: usize, blocks: usize, input: TileInput) -> Vec<Vec<Segment>> {
    let most = (set.accumulators() / blocks.clamp(1, 2)).min(14);
    let is_stem = matches!(input, TileInput::Plain | TileInput::Words);
    let rows = if is_stem { 1 } else { (most / width.max(1)).clamp(1, 3) };
    let cut = |rows: usize| {
        let tiles = width.div_ceil(most).max(1);
        let (pixels, wider) = (width / tiles, width % tiles);
        [(pixels + 1, wider), (pixels, tiles - wider)]
            .into_iter()
            .filter(|(pixels, tiles)| *pixels > 0 && *tiles > 0)
            .map(|(pixels, tiles)| {
                let entries = [1, 2].map(|blocks| tile_entry(set, rows, pixels, blocks, input));
                Segment { pixels, tiles, entries }
            })
            .collect()
    };
    (1..=rows).map(cut).collect()
}
