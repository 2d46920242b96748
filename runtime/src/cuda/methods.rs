//! The methods by which a step can be computed: which there are, which is taken, and by what key a measured one is kept.
//!
//! A product comes in, with what may be chosen for it. The first method is the model's of `tiles.rs`; `--tune` measures the
//! others.

use super::kernels::product::Problem;
use super::program::{Options, Precision};
use super::tiles;
use crate::tuning::Candidate;
use std::fmt::Write;

/// Tiles of a product that are worth measuring: the model is off by less than the seventh best is slower.
const TILES: usize = 6;

/// How a step is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProductMethod {
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
impl Candidate for ProductMethod {
    fn name(&self) -> String {
        match self {
            ProductMethod::Direct => "direct".into(),
            ProductMethod::Tiles { rows, columns, parts: 1 } => format!("{rows}x{columns}"),
            ProductMethod::Tiles { rows, columns, parts } => format!("{rows}x{columns} in {parts}"),
            ProductMethod::CublasLt => "cublaslt".into(),
            ProductMethod::Cudnn => "cudnn".into(),
        }
    }

    fn named(name: &str) -> Option<ProductMethod> {
        let fixed = [ProductMethod::Direct, ProductMethod::CublasLt, ProductMethod::Cudnn];
        if let Some(method) = fixed.into_iter().find(|method| method.name() == name) {
            return Some(method);
        }
        let (tile, parts) = name.split_once(" in ").unwrap_or((name, "1"));
        let (rows, columns) = tile.split_once('x')?;
        Some(ProductMethod::Tiles {
            rows: rows.parse().ok()?,
            columns: columns.parse().ok()?,
            parts: parts.parse().ok()?,
        })
    }
}

impl ProductMethod {
    /// Those of libraries, with the libraries' names.
    pub const LIBRARIES: [(ProductMethod, &str); 2] =
        [(ProductMethod::CublasLt, "cuBLASLt"), (ProductMethod::Cudnn, "cuDNN")];

    /// Whether a library of NVIDIA's computes it.
    pub fn is_foreign(self) -> bool {
        ProductMethod::LIBRARIES.iter().any(|(method, _)| *method == self)
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

    /// All methods, the one that is taken unasked first.
    pub fn methods(&self, options: &Options) -> Vec<ProductMethod> {
        let foreign = self.operation.as_ref().filter(|_| options.libraries).map(|operation| operation.method());
        let own = match self.direct {
            Some(_) => vec![ProductMethod::Direct],
            None => tiles::candidates(self.product, options.precision),
        };
        own.into_iter().chain(foreign).collect()
    }

    /// Those of them that are worth measuring: of each tile the best, and libraries.
    pub fn worthwhile(&self, options: &Options) -> Vec<ProductMethod> {
        let mut tiles: Vec<(usize, usize)> = Vec::new();
        let mut methods = self.methods(options);
        methods.retain(|method| match *method {
            ProductMethod::Tiles { rows, columns, .. } => {
                let is_new = !tiles.contains(&(rows, columns)) && tiles.len() < TILES;
                tiles.extend(is_new.then_some((rows, columns)));
                is_new
            }
            _ => true,
        });
        methods
    }

    /// The method that is taken: the measured, or the first where nothing was measured or that cannot be.
    pub fn method(&self, options: &Options) -> Option<ProductMethod> {
        let methods = self.methods(options);
        let measured = options.tuning.0.get(&self.key(options.precision)).copied();
        measured.filter(|method| methods.contains(method)).or(methods.first().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::ProductMethod;
    use crate::tuning::Candidate;

    #[test]
    fn ways_have_names() {
        let tiles = |parts| ProductMethod::Tiles { rows: 128, columns: 64, parts };
        let methods = [ProductMethod::Direct, tiles(1), tiles(12), ProductMethod::CublasLt, ProductMethod::Cudnn];
        assert_eq!(methods.map(|method| method.name()), ["direct", "128x64", "128x64 in 12", "cublaslt", "cudnn"]);
        assert_eq!(methods.map(|method| ProductMethod::named(&method.name())), methods.map(Some));
        assert_eq!(["", "x", "8x", "8x8 in", "magic", "8x8 in x"].map(ProductMethod::named), [None; 6]);
    }
}
