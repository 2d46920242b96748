//! Direct convolution over blocked channels, and from plain `[N, C, H, W]` for the stem (few input channels).
//!
//! A task is a band of output rows times some blocks of output channels. It first copies the input rows that it needs
//! into a scratch band with the padding written out and, for strides, columns sorted by their remainder: then every tap
//! of every pixel is a fixed offset from the pixel, and the hot loop has no branch and no stride. The copy is one
//! vector for every `LANES × window × output blocks` multiply-adds. Unpadded convolutions of stride 1 read the input itself.

use crate::cpu::blocked::band::Band;
use crate::cpu::blocked::buffer::{Buffer, Shared};
use crate::cpu::blocked::cost;
use crate::cpu::blocked::epilogue::Epilogue;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::tile::{Segment, TileArguments, tilings};
use crate::cpu::blocked::vector::InstructionSet;

/// Multiply-adds below which a convolution is not worth handing to other threads.
const ALONE_MACS: usize = 500_000;

/// How the input's channels lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputLayout {
    /// `[N, C / LANES, H, W, LANES]`.
    Blocked,
    /// `[N, C, H, W]`; one group only.
    Plain,
}

/// A convolution with its weights packed, ready to run any number of times.
pub struct Direct {
    shape: ConvolutionShape,
    lanes: usize,
    /// Weights `[groups][output blocks][input units][kernel height][kernel width][channels of the unit][LANES]`.
    weights: Buffer,
    bias: Buffer,
    band: Band,
    /// Where each tap lies from its pixel, in the band or, unpacked, in the input.
    taps: Vec<usize>,
    tilings: Vec<Vec<Segment>>,
    split: Split,
}

/// How the work of one image and group is cut into tasks.
struct Split {
    /// Rows of output in a band, and bands.
    rows: usize,
    bands: usize,
    /// Blocks of output channels in a task, and how many such tasks a band has.
    blocks: usize,
    chunks: usize,
}

impl Direct {
    /// Packs `weights` `[out_channels, in_channels / groups, kernel height, kernel width]` and `bias` `[out_channels]`.
    ///
    /// # Panics
    /// If `groups > 1` and a group's channels are no multiple of the lanes, in or out, or the input is plain.
    pub fn new(
        set: InstructionSet,
        shape: ConvolutionShape,
        layout: InputLayout,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let lanes = set.lanes();
        let (ins, outs) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
        let whole = ins.is_multiple_of(lanes) && outs.is_multiple_of(lanes) && layout == InputLayout::Blocked;
        assert!(shape.groups == 1 || whole, "a group's channels fill whole blocks");
        let plain = layout == InputLayout::Plain;
        let unit = if plain { 1 } else { lanes };
        let flat = shape.window.area() == 1 && shape.window.is_unpadded() && shape.window.stride == [1; 2] && !plain;
        let mut window = shape.window;
        if flat {
            window.input = flatten(window.input[0] * window.input[1]);
        }
        let [height, width] = window.output();
        let blocks = outs.div_ceil(lanes);
        let split =
            Split::choose(&shape, lanes, height, |rows| Band::new(&window, ins.div_ceil(unit), unit, rows).length());
        let band = Band::new(&window, ins.div_ceil(unit), unit, split.rows);
        Self {
            lanes,
            weights: pack_weights(&shape, lanes, unit, weights),
            bias: pack_bias(shape.out_channels, lanes, bias),
            taps: band.taps(),
            tilings: tilings(set, width, blocks, plain),
            band,
            split,
            shape,
        }
    }

    /// Floats of scratch that `run` needs with `threads` threads.
    pub fn workspace_length(&self, threads: usize) -> usize {
        threads * self.band.length()
    }

    /// Bytes that the packed weights take.
    pub fn packed_bytes(&self) -> usize {
        4 * self.weights.len()
    }

    /// Convolves. `input` is laid out as `new` was told, `output` is blocked.
    pub fn run(&self, pool: &Pool, input: &[f32], output: &mut [f32], epilogue: &Epilogue<'_>, workspace: &mut [f32]) {
        let unit = self.band.unit();
        assert_eq!(input.len(), self.shape.input_length(unit));
        assert_eq!(output.len(), self.shape.output_length(self.lanes));
        assert!(workspace.len() >= self.workspace_length(pool.threads()));
        epilogue.check(output.len());
        let (output, workspace) = (Shared::new(output), Shared::new(workspace));
        let Split { bands, chunks, .. } = self.split;
        let per_group = bands * chunks;
        let body = |task: usize, worker: usize| {
            let place = Place {
                image: task / per_group / self.shape.groups,
                group: task / per_group % self.shape.groups,
                first_row: task % per_group / chunks * self.split.rows,
                chunk: task % chunks,
            };
            // SAFETY: the workspace has a band for every worker, and a worker runs one task at a time.
            let scratch = unsafe {
                std::slice::from_raw_parts_mut(workspace.at(worker * self.band.length()), self.band.length())
            };
            self.run_task(&place, input, output, epilogue, scratch);
        };
        let tasks = self.shape.batch * self.shape.groups * per_group;
        if self.shape.macs() < ALONE_MACS { (0..tasks).for_each(|task| body(task, 0)) } else { pool.run(tasks, &body) }
    }

    fn run_task(&self, place: &Place, input: &[f32], output: Shared, epilogue: &Epilogue<'_>, scratch: &mut [f32]) {
        let lanes = self.lanes;
        let units = self.band.units();
        let image = input.len() / self.shape.batch;
        let group = units * self.band.unit() * self.band.plane();
        let input = &input[place.image * image + place.group * group..][..group];
        let [height, width] = self.band.output();
        let rows = self.split.rows.min(height - place.first_row);
        let source = self.band.fill(input, place.first_row, rows, scratch);
        let blocks = (self.shape.out_channels / self.shape.groups).div_ceil(lanes);
        let first = place.chunk * self.split.blocks;
        let ins = self.shape.in_channels / self.shape.groups;
        let area = self.shape.window.area();
        let weights_per_block = ins * area * lanes;
        let mut block = first;
        while block < blocks.min(first + self.split.blocks) {
            let count = 2.min(blocks.min(first + self.split.blocks) - block);
            let in_group = place.group * blocks + block;
            let out =
                ((place.image * self.shape.groups * blocks + in_group) * height + place.first_row) * width * lanes;
            let mut row = 0;
            while row < rows {
                let tall = self.tilings.len().min(rows - row);
                let at = out + row * width * lanes;
                let mut arguments = TileArguments {
                    input: source[row * self.band.row_step()..].as_ptr(),
                    input_row_stride: self.band.row_step(),
                    taps: self.taps.as_ptr(),
                    tap_count: self.taps.len(),
                    full_taps: ins / self.band.unit() * area,
                    partial: ins % self.band.unit(),
                    weights: self.weights[in_group * weights_per_block..].as_ptr(),
                    weight_block_stride: weights_per_block,
                    prefetch: 0,
                    // SAFETY: the row lies in the output, whose length `run` checked.
                    output: unsafe { output.at(at) },
                    output_row_stride: width * lanes,
                    output_block_stride: height * width * lanes,
                    bias: self.bias[in_group * lanes..].as_ptr(),
                    residual: epilogue.residual_at(at),
                    limits: epilogue.limits,
                    tiles: 0,
                };
                for segment in &self.tilings[tall - 1] {
                    arguments.tiles = segment.tiles;
                    // SAFETY: taps and strides are the band's own, so all reads stay in `source` for the pixels of the
                    // row; weights and bias hold `count` blocks from here; no other task writes these rows and blocks.
                    unsafe { segment.entries[count - 1](&arguments) };
                    arguments.step(segment.tiles * segment.pixels, self.band.unit(), lanes);
                }
                for finished in 0..count {
                    let at = at + finished * height * width * lanes;
                    let block = place.image * self.shape.groups * blocks + in_group + finished;
                    // SAFETY: the rows were written above, by this task alone.
                    unsafe { epilogue.run_finish(block, at, output.at(at), tall * width * lanes) };
                }
                row += tall;
            }
            block += count;
        }
    }
}

/// What a task is about.
struct Place {
    image: usize,
    group: usize,
    first_row: usize,
    chunk: usize,
}

impl Split {
    /// The cheapest cut, in multiply-add instructions or what takes as long: what threads wait for each other at the
    /// end, the copies of bands, weights that no longer fit the cache and are read again for every band, and the start
    /// of tasks. The cut never depends on the number of threads. `band` gives the floats of a band of so many rows.
    fn choose(shape: &ConvolutionShape, lanes: usize, height: usize, band: impl Fn(usize) -> usize) -> Self {
        let blocks = (shape.out_channels / shape.groups).div_ceil(lanes);
        let parts = shape.batch * shape.groups;
        let weights = 4 * shape.weight_count() / shape.groups;
        let cost = |split: &Self| {
            let tasks = parts * split.bands * split.chunks;
            let copies = (tasks * band(split.rows) / lanes) as f64 * cost::COPY;
            let kept = weights / split.chunks + 4 * band(split.rows) < cost::CACHE_BYTES;
            let reads = if kept { 0.0 } else { cost::reads(weights, parts * split.bands) };
            let work = (shape.macs() / lanes) as f64 + copies + reads;
            work * (1.0 + cost::waiting(tasks)) + tasks as f64 * cost::TASK
        };
        let halves = |most: usize| std::iter::successors(Some(most), |n| (*n > 1).then(|| n.div_ceil(2)));
        halves(height)
            .flat_map(|rows| halves(blocks).map(move |blocks| (rows, blocks)))
            .map(|(rows, per_task)| {
                let per_task = per_task.next_multiple_of(2).min(blocks);
                Self { rows, bands: height.div_ceil(rows), blocks: per_task, chunks: blocks.div_ceil(per_task) }
            })
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(Self { rows: height, bands: 1, blocks, chunks: 1 })
    }
}

/// Pixels of an image whose rows do not matter, as rows long enough for several tiles and enough of them for several tasks.
fn flatten(pixels: usize) -> [usize; 2] {
    let rows = (1..=16).rev().find(|rows| pixels.is_multiple_of(*rows) && pixels / rows >= 98).unwrap_or(1);
    [rows, pixels / rows]
}

/// Weights `[outs, ins / groups, kernel]` as `[groups][output blocks][input units][kernel][channels of the unit][lanes]`,
/// zeros beyond the output channels.
fn pack_weights(shape: &ConvolutionShape, lanes: usize, unit: usize, weights: &[f32]) -> Buffer {
    let (ins, outs) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    assert_eq!(weights.len(), shape.weight_count());
    let (blocks, area) = (outs.div_ceil(lanes), shape.window.area());
    let mut packed = Buffer::zeros(shape.groups * blocks * ins * area * lanes);
    for (channel, filter) in weights.chunks_exact(ins * area).enumerate() {
        let (group, out) = (channel / outs, channel % outs);
        let block = (group * blocks + out / lanes) * ins * area;
        for (input, taps) in filter.chunks_exact(area).enumerate() {
            let first = input / unit * unit;
            let channels = unit.min(ins - first);
            for (tap, weight) in taps.iter().enumerate() {
                let at = block + first * area + tap * channels + input - first;
                packed[at * lanes + out % lanes] = *weight;
            }
        }
    }
    packed
}

/// The bias, zeros beyond the channels.
pub(crate) fn pack_bias(channels: usize, lanes: usize, bias: &[f32]) -> Buffer {
    assert_eq!(bias.len(), channels);
    let mut packed = Buffer::zeros(channels.next_multiple_of(lanes));
    packed[..channels].copy_from_slice(bias);
    packed
}
