//! Shapes with symbolic sizes: what the checker computes with before any symbol has a value.
//!
//! A [`Dim`] is a number or an expression over symbols such as `N` and `H`; a [`Shape`] is a list of them. A question that
//! symbols leave open ("is H//2·2 equal to H?") is not guessed: it becomes a [`Requirement`] in [`Requirements`], and
//! `sizes.rs` works out afterwards for which sizes all of them hold.

mod dim;
mod exact;
mod requirement;

pub use dim::{Arithmetic, Dim, TooLarge};
pub use exact::{Residue, greatest_common_divisor};
pub use requirement::{Relation, Requirement, Requirements};

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The sizes of a tensor's axes, outermost first: `[N, C, H, W]`. A copy shares them, so that a layer which keeps its input's
/// shape costs no memory for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape(Arc<[Dim]>);

impl Shape {
    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The product of all sizes.
    pub fn elements(&self) -> Result<Dim, TooLarge> {
        self.0.iter().try_fold(Dim::Number(1), |product, dim| product.times(dim))
    }

    /// Every symbol replaced by what `value` says; `None` when a symbol has no value or a size does not fit.
    pub fn at(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<Vec<usize>> {
        self.0.iter().map(|dim| dim.at(value).and_then(|size| usize::try_from(size).ok())).collect()
    }

    /// Every size as [`Dim::exact`] has it.
    pub fn exact(&self, residue: &dyn Fn(&str) -> Option<Residue>) -> Shape {
        let exact: Shape = self.iter().map(|dim| dim.exact(residue)).collect();
        if exact == *self { self.clone() } else { exact }
    }

    /// All sizes as numbers; `None` while there is a symbol.
    pub fn numbers(&self) -> Option<Vec<usize>> {
        self.at(&|_| None)
    }
}

impl Deref for Shape {
    type Target = [Dim];
    fn deref(&self) -> &[Dim] {
        &self.0
    }
}

impl From<Vec<Dim>> for Shape {
    fn from(sizes: Vec<Dim>) -> Self {
        Shape(sizes.into())
    }
}

impl FromIterator<Dim> for Shape {
    fn from_iter<I: IntoIterator<Item = Dim>>(sizes: I) -> Self {
        Shape(sizes.into_iter().collect())
    }
}

impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        sizes.iter().map(|&size| Dim::from(size)).collect()
    }
}

impl<const RANK: usize> From<[usize; RANK]> for Shape {
    fn from(sizes: [usize; RANK]) -> Self {
        Shape::from(sizes.as_slice())
    }
}

/// `[N, 16, (H - 1)//2 + 1, W]`
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, dim) in self.0.iter().enumerate() {
            write!(f, "{}{dim}", if index == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}
