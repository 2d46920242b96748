//! What the steps of a plan do: the kernels that compute, and what only plans have.
//!
//! Nothing that a view does is here: no reshape, permutation, slice or concatenation. Over blocks of channels a kernel of the
//! vocabulary moves along the same axes, and those that read packed weights carry their whole geometry, as do the steps that pack
//! weights for them and bring images into blocks; so an engine knows what to do of each step alone.

use super::blocked::{PackedConv, PackedLinear, Packing, Reorder};
use crate::kernels::reference::{Operand, Real};
use crate::kernels::{self, AxisWindow, Definition, Kernel, vocabulary};
use std::ops::RangeInclusive;

/// The kernels that compute are operations; what only moves data is none.
macro_rules! operations {
    ({ $($computed:ident),* } { $($moved:ident),* }) => {
        /// What a step does.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Operation {
            $(#[doc = concat!("See [`", stringify!($computed), "`](kernels::", stringify!($computed), ").")]
            $computed(kernels::$computed),)*
            /// A convolution, or a transposed one, over images in blocks, of packed weights.
            PackedConv(PackedConv),
            /// Rows, or images in blocks laid flat, times packed weights.
            PackedLinear(PackedLinear),
            /// An image brought into blocks, or out of them.
            Reorder(Reorder),
            /// Weights brought into the order in which such a step reads them: `[elements]`.
            Pack(Packing),
        }

        impl Operation {
            /// The operation that computes a kernel of the graph; `None` where a view does it, and of what is given.
            pub fn of(kernel: &Kernel) -> Option<Operation> {
                match kernel {
                    $(Kernel::$computed(one) => Some(Operation::$computed(one.clone())),)*
                    Kernel::Input(_) | Kernel::Parameter(_) => None,
                    $(Kernel::$moved(_) => None,)*
                }
            }
        }

        /// Asks the kernel of the vocabulary that the operation is; else answers as the expression says.
        macro_rules! ask {
            ($operation:expr, $definition:ident => $answer:expr, $other:expr) => {
                match $operation {
                    $(Operation::$computed($definition) => $answer,)*
                    Operation::PackedConv(_) | Operation::PackedLinear(_) => $other,
                    Operation::Reorder(_) | Operation::Pack(_) => $other,
                }
            };
        }

        /// The same operation by another kernel of its kind.
        macro_rules! change {
            ($operation:expr, $definition:ident => $changed:expr) => {
                match $operation {
                    $(Operation::$computed($definition) => Operation::$computed($changed),)*
                    other => other,
                }
            };
        }
    };
}
vocabulary!(operations);

impl Operation {
    /// Its name in prints, profiles and messages; that of the kernel where it computes one.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::PackedConv(packed) => packed.convolution.kernel().name(),
            Operation::PackedLinear(_) => PackedLinear::KERNEL.name(),
            Operation::Reorder(_) => "reorder",
            Operation::Pack(_) => "pack",
            kernel => ask!(kernel, one => one.name(), ""),
        }
    }

    /// What the name does not say, with a space before it.
    pub fn details(&self) -> String {
        match self {
            Operation::PackedConv(packed) => packed.convolution.kernel().details(),
            Operation::PackedLinear(_) => PackedLinear::KERNEL.details(),
            Operation::Reorder(_) => String::new(),
            Operation::Pack(packing) => format!(" {}", packing.method()),
            kernel => ask!(kernel, one => one.details(), String::new()),
        }
    }

    /// What its weights are packed for, where it reads packed ones.
    pub fn packing(&self) -> Option<Packing> {
        match self {
            Operation::PackedConv(packed) => Some(Packing::Conv(*packed)),
            Operation::PackedLinear(packed) => Some(Packing::Linear(*packed)),
            _ => None,
        }
    }

    /// Whether it may read an operand of that number, of so many that are its own, as bytes.
    pub fn reads_bytes(&self, operand: usize, own: usize) -> bool {
        match self {
            Operation::PackedConv(_) | Operation::PackedLinear(_) => {
                self.packing().is_some_and(|packing| packing.of_bytes()) && (operand == 0 || operand >= own)
            }
            Operation::Reorder(_) | Operation::Pack(_) => false,
            kernel => ask!(kernel, one => one.takes_bytes() && one.arity() == (1..=1) && operand == 0, false),
        }
    }

    /// Whether it may write bytes, where its first operand is bytes or not.
    pub fn writes_bytes(&self, of_bytes: bool) -> bool {
        match self {
            Operation::PackedConv(_) | Operation::PackedLinear(_) => of_bytes,
            Operation::Reorder(reorder) => reorder.into_blocks,
            Operation::Pack(_) => false,
            kernel => ask!(kernel, one => one.takes_bytes() && one.arity() == (1..=1) && of_bytes, false),
        }
    }

    /// Whether its value is made of numbers of its first operand alone, none of them changed.
    pub fn selects(&self) -> bool {
        ask!(self, one => one.selects(), false)
    }

    /// How many operands are its own.
    pub fn arity(&self) -> RangeInclusive<usize> {
        match self {
            Operation::PackedConv(_) | Operation::PackedLinear(_) => 2..=2,
            Operation::Reorder(_) | Operation::Pack(_) => 1..=1,
            kernel => ask!(kernel, one => one.arity(), 0..=0),
        }
    }

    /// Whether a result of that shape follows from own operands of these shapes, as many as it takes. Any numbers may stand in
    /// its fields and in the shapes.
    pub fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let in_blocks = own.iter().chain([&shape]).any(|shape| shape.len() == 5);
        match (self, own) {
            (Operation::PackedConv(packed), [x, weights]) => packed.fits(x, weights, shape),
            (Operation::PackedLinear(packed), [x, weights]) => packed.fits(x, weights, shape),
            (Operation::Reorder(reorder), [x]) => reorder.fits(x, shape),
            (Operation::Pack(packing), [weights]) => {
                let elements = weights.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
                elements == packing.weights() && packing.elements().is_some_and(|elements| shape == [elements])
            }
            (kernel, own) if in_blocks => ask!(kernel, one => one.fits_in_blocks(shape, own), false),
            (kernel, own) => ask!(kernel, one => one.fits(shape, own), false),
        }
    }

    /// The windows that it moves over its input.
    pub fn windows(&self) -> Vec<AxisWindow> {
        match self {
            Operation::PackedConv(PackedConv { convolution, .. })
            | Operation::Pack(Packing::Conv(PackedConv { convolution, .. })) => convolution.window.to_vec(),
            kernel => ask!(kernel, one => one.windows(), Vec::new()),
        }
    }

    /// The other numbers in its fields.
    pub fn counts(&self) -> Vec<usize> {
        match self {
            Operation::Reorder(reorder) => vec![reorder.channels],
            Operation::Pack(packing) => packing.counts(),
            other => match other.packing() {
                Some(packing) => packing.counts(),
                None => ask!(other, one => one.counts(), Vec::new()),
            },
        }
    }

    /// Channels of a block, where it says so.
    pub fn lanes(&self) -> Option<usize> {
        match self {
            Operation::Reorder(reorder) => Some(reorder.lanes),
            Operation::Pack(packing) => Some(packing.lanes()),
            other => other.packing().map(|packing| packing.lanes()),
        }
    }

    /// Whether one of its own operands must lie without any gap.
    pub fn reads_whole(&self, operand: usize) -> bool {
        match self {
            Operation::PackedConv(_) | Operation::PackedLinear(_) => operand == 1,
            Operation::Pack(_) => true,
            kernel => ask!(kernel, one => one.reads_whole(operand), false),
        }
    }

    /// The operation over images in blocks: what is said of every axis is said of the lanes too.
    pub fn over_blocks(self) -> Operation {
        change!(self, one => one.over_blocks())
    }

    /// Multiply-adds of the definition, padding counted as if it were multiplied; 0 for what is no product.
    pub fn multiply_adds(&self, shape: &[usize], own: &[&[usize]]) -> usize {
        match self {
            Operation::PackedConv(packed) => packed.convolution.multiply_adds(),
            Operation::PackedLinear(packed) => packed.multiply_adds(),
            kernel => ask!(kernel, one => one.multiply_adds(shape, own), 0),
        }
    }

    /// The result by the reference's plain loops, dense; `None` of what only plans with blocks have.
    pub fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Option<Vec<T>> {
        ask!(self, one => Some(one.reference(own, shape)), None)
    }
}
