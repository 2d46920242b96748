//! The kernel vocabulary, and the graph that is written in it.
//!
//! Every layer writes itself in these few kernels (`Operator::lower`), so that passes, gradients, planner and back ends know
//! nothing else. A kernel is a file: what it takes, what it means, its gradient, its work ([`Definition`]), and how a layer
//! writes it ([`KernelBuilder`]). The list below makes them one type.
//!
//! Nodes that depend on parameters alone are constants at inference: the planner puts them into the plan's `prepare` list. So
//! folding a batch norm is an ordinary rewrite of the graph, and a compiler that sees no weights can still do it.
//!
//! In a training step a parameter is no constant when the graph updates it ([`Update`]).
//!
//! The whole vocabulary:
//!
//! | kernel | at inference | in training |
//! |---|---|---|
//! | `Conv`, `ConvData` | convolution; transposed convolution | gradient by data of each is the other |
//! | `ConvWeight` | | gradient by weight of both |
//! | `Gemm` | fully connected | both its gradients, by transposition |
//! | `Pool`, `PoolGrad` | pooling: max, mean, softmax | its gradient |
//! | `Reduce` | softmax, normalisation | sums over broadcast axes, batch statistics, losses |
//! | `Map` | everything element by element | derivatives, optimisers, masks, losses |
//! | `Resample`, `ResampleGrad` | enlarging | its gradient |
//! | `Permute`, `Pad`, `Slice`, `Concat`, `Reshape` | moving data; the planner makes views of them where it can, copies else | each other's gradients |

mod builder;
mod concat;
mod conv;
mod conv_data;
mod conv_weight;
mod convolution;
mod definition;
mod edit;
#[cfg(test)]
pub(crate) mod evaluate;
mod expression;
mod gemm;
mod graph;
pub mod map;
mod pad;
mod permute;
mod pool;
mod pool_grad;
mod print;
pub mod random;
mod reduce;
pub mod reference;
mod resample;
mod resample_grad;
mod reshape;
mod results;
mod slice;
mod terms;
#[cfg(test)]
pub(crate) mod test_graph;
mod verify;
mod window;

pub use builder::{KernelBuilder, LayerContext, Randomness};
pub use concat::Concat;
pub use conv::Conv;
pub use conv_data::ConvData;
pub use conv_weight::ConvWeight;
pub use convolution::Convolution;
pub use definition::{Definition, Layouts};
pub(crate) use edit::{elements, fault};
pub use expression::{Binary, ElementPosition, Expression, Unary};
pub use gemm::Gemm;
pub use graph::{ClassInput, KernelGraph, KernelNode, KernelParameter, Port, Start, Update};
pub use map::Map;
pub use pad::Pad;
pub use permute::Permute;
pub use pool::{Divisor, Pool, PoolAxis, Pooling};
pub use pool_grad::PoolGrad;
pub(crate) use print::named;
pub use print::print;
pub use reduce::{Reduce, Reduction};
pub use resample::{Resample, Resampling, Source};
pub use resample_grad::ResampleGrad;
pub use reshape::Reshape;
pub use results::{Results, RunResult};
pub use slice::Slice;
pub use terms::{Terms, index_of, number_of};
pub use verify::{MAX_DEPTH, MAX_ELEMENTS, verify};
pub use window::AxisWindow;

use crate::gradient::{Backward, Handed};
use crate::graph::ParameterId;
use reference::{Operand, Real};
use std::ops::RangeInclusive;

/// The list of kernels, handed to a macro: those that compute, and then those that planners make views and copies of.
macro_rules! vocabulary {
    ($into:ident) => {
        $into! {
            {
                Conv, ConvData, ConvWeight, Gemm, Pool, PoolGrad, Reduce, Map, Resample, ResampleGrad, Pad
            }
            { Reshape, Permute, Slice, Concat }
        }
    };
}
pub(crate) use vocabulary;

/// One type of all kernels, which asks each what it says of itself.
macro_rules! kernels {
    ({ $($computed:ident),* } { $($moved:ident),* }) => {
        /// A kernel: what a node computes from its arguments.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Kernel {
            /// The graph's input of that number.
            Input(usize),
            /// A parameter as the store holds it.
            Parameter(ParameterId),
            $(#[doc = concat!("See [`", stringify!($computed), "`](self::", stringify!($computed), ").")]
            $computed($computed),)*
            $(#[doc = concat!("See [`", stringify!($moved), "`](self::", stringify!($moved), ").")]
            $moved($moved),)*
        }

        impl Kernel {
            /// Whether it only moves elements, of whatever type, and leaves them as they are. (`Pad` adds zeros.)
            pub fn moves(&self) -> bool {
                matches!(self, $(Kernel::$moved(_))|*)
            }

            /// Whether it is given, and computed by nobody: an input or a parameter.
            pub fn is_given(&self) -> bool {
                matches!(self, Kernel::Input(_) | Kernel::Parameter(_))
            }
        }

        /// Asks the kernel; what is given answers as the expression says.
        macro_rules! ask {
            ($kernel:expr, $definition:ident => $answer:expr, $given:expr) => {
                match $kernel {
                    Kernel::Input(_) | Kernel::Parameter(_) => $given,
                    $(Kernel::$computed($definition) => $answer,)*
                    $(Kernel::$moved($definition) => $answer,)*
                }
            };
        }

        /// The same kernel, changed by its own definition.
        macro_rules! change {
            ($kernel:expr, $definition:ident => $changed:expr, $given:expr) => {
                match $kernel {
                    Kernel::Input(_) | Kernel::Parameter(_) => $given,
                    $(Kernel::$computed($definition) => ($changed).map(Kernel::$computed),)*
                    $(Kernel::$moved($definition) => ($changed).map(Kernel::$moved),)*
                }
            };
        }
    };
}
vocabulary!(kernels);

impl Kernel {
    /// [`Definition::name`].
    pub fn name(&self) -> &'static str {
        match self {
            Kernel::Input(_) => "input",
            Kernel::Parameter(_) => "parameter",
            kernel => ask!(kernel, one => one.name(), ""),
        }
    }

    /// [`Definition::details`].
    pub fn details(&self) -> String {
        ask!(self, one => one.details(), String::new())
    }

    /// [`Definition::arity`].
    pub fn arity(&self) -> RangeInclusive<usize> {
        ask!(self, one => one.arity(), 0..=0)
    }

    /// [`Definition::fits`]. What is given has the shape of where it lies, which its graph knows.
    pub fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        ask!(self, one => one.fits(shape, own), true)
    }

    /// [`Definition::reference`]; `None` of what is given.
    pub fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Option<Vec<T>> {
        ask!(self, one => Some(one.reference(own, shape)), None)
    }

    /// [`Definition::terms`].
    pub fn terms(&self, index: &[usize], own: &[&[usize]], shape: &[usize]) -> Option<Terms> {
        ask!(self, one => one.terms(index, own, shape), None)
    }

    /// [`Definition::gradient`].
    pub(crate) fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        ask!(self, one => one.gradient(backward, handed), ())
    }

    /// [`Definition::is_view`].
    pub fn is_view(&self) -> bool {
        ask!(self, one => one.is_view(), false)
    }

    /// [`Definition::takes_epilogue`].
    pub fn takes_epilogue(&self) -> bool {
        ask!(self, one => one.takes_epilogue(), false)
    }

    /// [`Definition::output_channels`].
    pub fn output_channels(&self, weight: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        ask!(self, one => one.output_channels(weight), None)
    }

    /// Whether it has a weight whose output channels may be scaled in place of the result's.
    pub fn is_weighted(&self) -> bool {
        self.output_channels(&[]).is_some()
    }

    /// [`Definition::reading_transposed`].
    pub fn reading_transposed(&self, argument: usize) -> Option<Kernel> {
        change!(self, one => one.reading_transposed(argument), None)
    }

    /// [`Definition::takes_bytes`].
    pub fn takes_bytes(&self) -> bool {
        ask!(self, one => one.takes_bytes(), false)
    }

    /// [`Definition::selects`]; what only moves elements does too.
    pub fn selects(&self) -> bool {
        self.moves() || ask!(self, one => one.selects(), false)
    }

    /// [`Definition::reads_whole`].
    pub fn reads_whole(&self, argument: usize) -> bool {
        ask!(self, one => one.reads_whole(argument), false)
    }

    /// [`Definition::in_blocks`].
    pub fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        ask!(self, one => one.in_blocks(layouts), false)
    }

    /// [`Definition::keeps_zeros`].
    pub fn keeps_zeros(&self) -> bool {
        ask!(self, one => one.keeps_zeros(), false)
    }
}
