//! Which tile a product is computed by, and into how many parts its depth is divided.
//!
//! A model of the device, by shape alone: a block's arithmetic, how many blocks there are for the multiprocessors, how many warps
//! hide each other's waiting, and what a second pass costs. The figures are those of an H100; they decide speed alone, never the
//! answer's meaning.

use super::methods::ProductMethod;
use super::program::Precision;

/// A block's part of the result, and a thread's (exact) or a warp's (tensor cores).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Rows of the result.
    pub rows: usize,
    /// Columns of the result.
    pub columns: usize,
    /// Elements of the depth that are in shared memory at once.
    pub depth: usize,
    /// In what it multiplies.
    pub precision: Precision,
    /// Rows of a thread or warp.
    pub own_rows: usize,
    /// Columns of a thread or warp.
    pub own_columns: usize,
}

const fn tile(rows: usize, columns: usize, depth: usize, own_rows: usize, own_columns: usize) -> Tile {
    Tile { rows, columns, depth, precision: Precision::Exact, own_rows, own_columns }
}

/// The tiles there are in float32.
const EXACT: [Tile; 11] = [
    tile(128, 128, 8, 8, 8),
    tile(128, 64, 8, 8, 8),
    tile(64, 128, 8, 8, 8),
    tile(64, 64, 16, 8, 4),
    tile(128, 32, 16, 8, 4),
    tile(32, 128, 16, 4, 8),
    tile(64, 32, 16, 4, 4),
    tile(32, 64, 16, 4, 4),
    tile(32, 32, 16, 4, 4),
    tile(16, 64, 16, 4, 4),
    tile(64, 16, 16, 4, 4),
];

/// Rows and columns of a block's tile on tensor cores, and of a warp's.
const TENSOR: [[usize; 4]; 9] = [
    [128, 128, 64, 32],
    [128, 64, 32, 32],
    [64, 128, 32, 32],
    [64, 64, 32, 32],
    [128, 32, 32, 32],
    [32, 64, 16, 32],
    [64, 32, 32, 16],
    [32, 32, 16, 16],
    [16, 64, 16, 16],
];

/// 32-bit words of the depth that are in shared memory at once, on tensor cores.
const WORDS: usize = 16;

/// Multiprocessors.
const PROCESSORS: usize = 132;
/// Multiply-adds of a multiprocessor in a cycle, as far as a kernel of this kind comes.
fn per_cycle(precision: Precision) -> f64 {
    match precision {
        Precision::Exact | Precision::Int8 => 128.0,
        Precision::Tf32 => 400.0,
        Precision::Fp16 | Precision::Bf16 => 800.0,
    }
}

/// Bytes of memory for each multiprocessor in a cycle.
const BYTES_PER_CYCLE: f64 = 15.0;
/// Cycles until a launch that waits for another has begun.
const LAUNCH: f64 = 2000.0;
/// Cycles of a block besides its stages: its first loads and its stores.
const BLOCK: f64 = 1500.0;
/// Cycles until what is asked of memory is there. All stages of a block but the one that is multiplied wait for it together, so
/// that a stage takes as large a share of it at the least as there are of these.
const LATENCY: f64 = 500.0;
/// Bytes of shared memory that a block may declare.
const SHARED_OF_BLOCK: usize = 48 << 10;
/// Bytes of shared memory of a multiprocessor, and what the device keeps of it for each block.
const SHARED: usize = 228 << 10;
const SHARED_KEPT: usize = 1 << 10;
/// Stages that hide the memory's delay; more would take room from other blocks.
const MOST_STAGES: usize = 4;
/// Threads that a multiprocessor has at once, as far as registers go round.
const THREADS: usize = 1024;
/// Warps on a multiprocessor that keep its arithmetic busy.
const WARPS: f64 = 6.0;

/// A product, as far as its speed depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows of the result.
    pub rows: usize,
    /// Columns of the result.
    pub columns: usize,
    /// Elements of a sum.
    pub depth: usize,
    /// Products of this shape side by side.
    pub groups: usize,
}

impl Tile {
    /// Threads of a block.
    pub fn threads(&self) -> usize {
        let parts = self.rows / self.own_rows * (self.columns / self.own_columns);
        if self.precision == Precision::Exact { parts } else { 32 * parts }
    }

    /// Its type in C.
    pub fn text(&self) -> String {
        let Tile { rows, columns, depth, precision, own_rows, own_columns } = self;
        let stages = self.stages();
        let kind = match precision {
            Precision::Exact | Precision::Int8 => {
                return format!("Tile<{rows}, {columns}, {depth}, {own_rows}, {own_columns}, {stages}>");
            }
            Precision::Tf32 => "Tf32",
            Precision::Fp16 => "Fp16",
            Precision::Bf16 => "Bf16",
        };
        format!("Tensor<{kind}, {rows}, {columns}, {own_rows}, {own_columns}, {stages}>")
    }

    /// Bytes of a stage in shared memory: runs of neighbours with four words after each.
    fn stage_bytes(&self) -> usize {
        match self.precision {
            Precision::Exact | Precision::Int8 => 4 * self.depth * (self.rows + self.columns + 8),
            _ => 4 * (WORDS + 4) * (self.rows + self.columns),
        }
    }

    /// Stages that are in shared memory at once: two where operands come through registers, else as many as find room there.
    fn stages(&self) -> usize {
        match self.precision {
            Precision::Exact | Precision::Int8 | Precision::Tf32 => {
                (SHARED_OF_BLOCK / self.stage_bytes()).clamp(2, MOST_STAGES)
            }
            Precision::Fp16 | Precision::Bf16 => 2,
        }
    }

    /// Blocks that a multiprocessor has at once.
    fn at_once(&self) -> usize {
        (THREADS / self.threads()).min(SHARED / (self.stages() * self.stage_bytes() + SHARED_KEPT))
    }

    /// The share of the peak that its loop reaches: products for each value that it reads, a thread from shared memory, or a
    /// block from memory where tensor cores multiply.
    fn share(&self) -> f64 {
        let (rows, columns) = match self.precision {
            Precision::Exact | Precision::Int8 => (self.own_rows as f64, self.own_columns as f64),
            _ => (self.rows as f64 / 16.0, self.columns as f64 / 16.0),
        };
        let products = rows * columns / (rows + columns);
        products / (products + 0.6)
    }
}

/// Every method by tiles, the one that the model finds fastest first; of equals, the one that computes the least outside the
/// result.
pub fn candidates(product: Product, precision: Precision) -> Vec<ProductMethod> {
    const PARTS: [usize; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
    let methods = tiles(precision).into_iter().flat_map(|tile| PARTS.map(|parts| (tile, parts)));
    let fits = |(tile, parts): &(Tile, usize)| *parts == 1 || product.depth >= 2 * tile.depth * parts;
    let covered =
        |tile: Tile| product.rows.next_multiple_of(tile.rows) * product.columns.next_multiple_of(tile.columns);
    let costed = methods.filter(fits).map(|(tile, parts)| (cycles(product, tile, parts), covered(tile), tile, parts));
    let mut methods: Vec<(f64, usize, Tile, usize)> = costed.collect();
    methods.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    methods
        .into_iter()
        .map(|(.., tile, parts)| ProductMethod::Tiles { rows: tile.rows, columns: tile.columns, parts })
        .collect()
}

/// The tile of so many rows and columns.
pub fn tile_of(rows: usize, columns: usize, precision: Precision) -> Option<Tile> {
    tiles(precision).into_iter().find(|tile| (tile.rows, tile.columns) == (rows, columns))
}

/// The tiles there are in a precision.
fn tiles(precision: Precision) -> Vec<Tile> {
    let elements = match precision {
        Precision::Exact | Precision::Int8 => return EXACT.to_vec(),
        Precision::Tf32 => 1,
        Precision::Fp16 | Precision::Bf16 => 2,
    };
    let depth = WORDS * elements;
    let of = |[rows, columns, own_rows, own_columns]: [usize; 4]| Tile {
        rows,
        columns,
        depth,
        precision,
        own_rows,
        own_columns,
    };
    TENSOR.map(of).to_vec()
}

/// The cycles that a method takes, by the model: arithmetic, or waiting for memory where there are too few blocks to hide it.
fn cycles(product: Product, tile: Tile, parts: usize) -> f64 {
    let blocks = product.rows.div_ceil(tile.rows) * product.columns.div_ceil(tile.columns) * product.groups * parts;
    let stages = product.depth.div_ceil(tile.depth).div_ceil(parts);
    let turns = blocks.div_ceil(PROCESSORS);
    let at_once = turns.min(tile.at_once());
    let warps = (at_once * tile.threads()) as f64 / 32.0;
    let block = (tile.rows * tile.columns * stages * tile.depth) as f64 / per_cycle(tile.precision) / tile.share();
    let arithmetic = turns as f64 * block * (WARPS / warps).max(1.0);
    let waiting = (turns.div_ceil(at_once) * stages) as f64 * LATENCY / (tile.stages() - 1) as f64;
    let results = (product.rows * product.columns * product.groups * parts) as f64;
    let second = if parts > 1 { LAUNCH + results * 8.0 / BYTES_PER_CYCLE / PROCESSORS as f64 } else { 0.0 };
    arithmetic.max(waiting) + BLOCK + second
}

#[cfg(test)]
mod tests {
    use super::{Precision, Product, ProductMethod, candidates, tile_of, tiles};

    /// Rows, columns and parts of the first method.
    fn best(rows: usize, columns: usize, depth: usize, precision: Precision) -> (usize, usize, usize) {
        match candidates(Product { rows, columns, depth, groups: 1 }, precision)[0] {
            ProductMethod::Tiles { rows, columns, parts } => (rows, columns, parts),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_large_product_has_large_tiles_and_a_long_one_many_parts() {
        assert_eq!(best(4096, 4096, 4096, Precision::Exact), (128, 128, 1));
        let (.., parts) = best(64, 64, 100_000, Precision::Exact);
        assert!(parts >= 16, "{parts}");
        let (rows, _, parts) = best(6, 784, 25, Precision::Exact);
        assert!(rows <= 32 && parts == 1, "{rows} {parts}");
        let (_, columns, parts) = best(512, 49, 4608, Precision::Tf32);
        assert!(parts >= 4 && columns <= 64, "{columns} {parts}");
    }

    #[test]
    fn a_tile_is_known_by_its_rows_and_columns() {
        for precision in Precision::OF_GPUS {
            for tile in tiles(precision) {
                assert_eq!(tile_of(tile.rows, tile.columns, precision), Some(tile));
            }
        }
    }
}
