//! The ways in which a step can be computed: which there are, which is taken, and by what key a measured one is kept.
//!
//! A product comes in, with what may be chosen for it. The first way is the model's of `tiles.rs`; `--tune` measures the others.

use super::kernels::product::Problem;
use super::program::{Options, Precision};
use super::tiles;
use crate::tuning::Candidate;
use std::fmt::Write;

/// Tiles of a product that are worth measuring: the model is off by less than the seventh best is slower.
const TILES: usize = 6;

/// How a step is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Without tiles: a thread or a warp an element.
    Direct,
    /// By a generated kernel with tiles of so many rows and columns.
    Tiles {
        /// Rows of the tile.
        rows: usize,
        /// Columns of the tile.
        columns: usize,
        /// Parts that sums are divided into.
        parts: usize,
    },
    /// By cuBLASLt.
    CublasLt,
    /// By cuDNN.
    Cudnn,
}

/// `direct`, `128x64`, `128x64 in 4`, `cublaslt`, `cudnn`
impl Candidate for Way {
    fn name(&self) -> String {
        match self {
            Way::Direct => "direct".into(),
            Way::Tiles { rows, columns, parts: 1 } => format!("{rows}x{columns}"),
            Way::Tiles { rows, columns, parts } => format!("{rows}x{columns} in {parts}"),
            Way::CublasLt => "cublaslt".into(),
            Way::Cudnn => "cudnn".into(),
        }
    }

    fn named(name: &str) -> Option<Way> {
        let fixed = [Way::Direct, Way::CublasLt, Way::Cudnn];
        if let Some(way) = fixed.into_iter().find(|way| way.name() == name) {
            return Some(way);
        }
        let (tile, parts) = name.split_once(" in ").unwrap_or((name, "1"));
        let (rows, columns) = tile.split_once('x')?;
        Some(Way::Tiles { rows: rows.parse().ok()?, columns: columns.parse().ok()?, parts: parts.parse().ok()? })
    }
}

impl Way {
    /// Those of libraries, with the libraries' names.
    pub const LIBRARIES: [(Way, &str); 2] = [(Way::CublasLt, "cuBLASLt"), (Way::Cudnn, "cuDNN")];

    /// Whether a library of NVIDIA's computes it.
    pub fn is_foreign(self) -> bool {
        Way::LIBRARIES.iter().any(|(way, _)| *way == self)
    }
}

impl Problem<'_> {
    /// What its time depends on.
    pub fn key(&self, precision: Precision) -> String {
        let mut key = format!("{} {}", self.family, precision.name());
        for (name, value) in self.ints.iter().chain(&self.indices) {
            let _ = write!(key, " {name}={value}");
        }
        key
    }

    /// All ways, the one that is taken unasked first.
    pub fn ways(&self, options: &Options) -> Vec<Way> {
        let foreign = self.operation.as_ref().filter(|_| options.libraries).map(|operation| operation.way());
        let own = match self.direct {
            Some(_) => vec![Way::Direct],
            None => tiles::candidates(self.product, options.precision),
        };
        own.into_iter().chain(foreign).collect()
    }

    /// Those of them that are worth measuring: of each tile the best, and libraries.
    pub fn worthwhile(&self, options: &Options) -> Vec<Way> {
        let mut tiles: Vec<(usize, usize)> = Vec::new();
        let mut ways = self.ways(options);
        ways.retain(|way| match *way {
            Way::Tiles { rows, columns, .. } => {
                let is_new = !tiles.contains(&(rows, columns)) && tiles.len() < TILES;
                tiles.extend(is_new.then_some((rows, columns)));
                is_new
            }
            _ => true,
        });
        ways
    }

    /// The way that is taken: the measured, or the first where nothing was measured or that cannot be.
    pub fn way(&self, options: &Options) -> Option<Way> {
        let ways = self.ways(options);
        let measured = options.tuning.0.get(&self.key(options.precision)).copied();
        measured.filter(|way| ways.contains(way)).or(ways.first().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::Way;
    use crate::tuning::Candidate;

    #[test]
    fn ways_have_names() {
        let tiles = |parts| Way::Tiles { rows: 128, columns: 64, parts };
        let ways = [Way::Direct, tiles(1), tiles(12), Way::CublasLt, Way::Cudnn];
        assert_eq!(ways.map(|way| way.name()), ["direct", "128x64", "128x64 in 12", "cublaslt", "cudnn"]);
        assert_eq!(ways.map(|way| Way::named(&way.name())), ways.map(Some));
        assert_eq!(["", "x", "8x", "8x8 in", "magic", "8x8 in x"].map(Way::named), [None; 6]);
    }
}
