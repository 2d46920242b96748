//! Why a shape is impossible, as facts; the resolver makes prose of them, since it knows the places.
//!
//! A fact carries every number that the sentence, the arithmetic and the mend need, and the name of the argument at
//! fault, so that the resolver can underline it and the editor can change it.

use crate::diagnostic::Code;
use crate::shape::{Dim, Shape, TooLarge};

/// Why a layer refuses its input.
#[derive(Clone, Debug, PartialEq)]
pub enum ShapeError {
    /// The input has the wrong number of axes.
    Rank {
        /// What came.
        found: Shape,
        /// What is needed, such as "[N, C, H, W]".
        expected: &'static str,
        /// What is missing or too much, such as "height and width are missing".
        help: Option<&'static str>,
        /// The layer that does the same for this number of axes, to be written in its place: `BatchNorm1d`.
        instead: Option<&'static str>,
    },
    /// A size must be a number here and is a symbol.
    Unknown {
        /// The axis, such as "channels".
        axis: &'static str,
        /// Its size.
        size: Dim,
    },
    /// A size that is not divisible as the layer needs.
    NotDivisible {
        /// What is divided, such as "input channels".
        what: &'static str,
        /// Its size.
        size: Dim,
        /// The divisor.
        divisor: usize,
        /// The argument that holds the divisor.
        argument: &'static str,
        /// Values of that argument that would do, the nearest first.
        mends: Vec<usize>,
    },
    /// A window larger than its padded input.
    WindowTooLarge {
        /// "height" or "width".
        axis: &'static str,
        /// The formula with its numbers: `(5 + 2·0 − 1·(7 − 1) − 1) / 1 + 1 = −1`.
        arithmetic: String,
        /// What the window needs at least, such as "7×7".
        needs: String,
        /// The least `padding` that fits; `None` where the layer has no such argument or may not have so much.
        least_padding: Option<String>,
        /// The `padding` that keeps the size, likewise.
        same_padding: Option<String>,
    },
    /// An axis that the input does not have.
    NoSuchAxis {
        /// The argument that names it.
        argument: &'static str,
        /// The axis asked for.
        axis: i64,
        /// The input.
        input: Shape,
    },
    /// Branches whose shapes do not go together.
    Mismatch {
        /// The shape of the earlier branch.
        left: Shape,
        /// The shape of the later branch.
        right: Shape,
        /// The positions of both among the inputs.
        branches: [usize; 2],
        /// The axis at fault, of the longer of the two shapes when they are aligned at the last axis.
        axis: usize,
        /// Why: "`sum` adds element by element".
        reason: &'static str,
    },
    /// A rule of one layer alone.
    Other {
        /// The code.
        code: Code,
        /// The sentence, lower-case.
        message: String,
        /// The argument at fault, if one is.
        argument: Option<&'static str>,
        /// The arithmetic.
        note: Option<String>,
        /// An argument's new value that mends it: (argument, value as written).
        mend: Option<(&'static str, String)>,
    },
    /// A size past 64 bits.
    TooLarge,
}

impl From<TooLarge> for ShapeError {
    fn from(_: TooLarge) -> Self {
        ShapeError::TooLarge
    }
}
