//! The kernel vocabulary, and the graph that is written in it.
//!
//! Every layer writes itself in these few kernels (`Operator::lower`), so that passes, gradients, planner and back ends know
//! nothing else. Sizes are numbers here; a node has one value, of the shape that the node states. What a kernel means, exactly,
//! is said at
//! [`Kernel`]; the reference kernels of the runtime are the same sentences as loops.
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
//! | `Window`, `WindowGrad` | pooling: max, mean, softmax | its gradient |
//! | `Reduce` | softmax, normalisation | sums over broadcast axes, batch statistics, losses |
//! | `Map` | everything element by element | derivatives, optimisers, masks, losses |
//! | `Resample`, `ResampleGrad` | enlarging | its gradient |
//! | `Permute`, `Pad`, `Slice`, `Concat`, `Reshape` | moving data; the planner makes views of them where it can, `Copy` steps else | each other's gradients |
//! | `Reorder`, `Pack` | images to blocks of channels and back, weights in the order that a method reads: written by the planner alone | |

mod builder;
mod edit;
#[cfg(test)]
pub(crate) mod evaluate;
mod expression;
mod packing;
mod print;
pub mod random;
mod results;
#[cfg(test)]
pub(crate) mod testing;
mod verify;

pub use builder::{KernelBuilder, LayerContext, Randomness};
pub(crate) use edit::{elements, fault};
pub use expression::{Binary, Expression, Place, Unary};
pub use packing::{Method, Packing};
pub use print::print;
pub(crate) use print::{details, named};
pub use results::{Results, RunResult};
pub use verify::{MAX_DEPTH, MAX_ELEMENTS, verify};

use crate::element::ElementType;
use crate::graph::{Dag, NodeId, ParameterId};
use std::sync::Arc;

/// A window along one axis of a [`Kernel::Window`], [`Kernel::Conv`] or [`Kernel::ConvData`]; how many windows there are is the
/// output's size. Elements outside the input are padding, before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AxisWindow {
    /// Elements of the window.
    pub kernel: usize,
    /// Step from window to window.
    pub stride: usize,
    /// Step from element to element within the window.
    pub dilation: usize,
    /// Padding before the first element of the input.
    pub before: usize,
}

/// How the windows of a pooling lie along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolAxis {
    /// At regular steps.
    Sliding(AxisWindow),
    /// PyTorch's adaptive windows: of `n` windows over `size` elements, window `i` is `⌊i·size/n⌋ .. ⌈(i+1)·size/n⌉`.
    Adaptive,
}

impl PoolAxis {
    /// The elements of window `index` of `count` over an input axis of `size`, as (first, step, number), padding left out.
    pub fn elements(&self, index: usize, count: usize, size: usize) -> (usize, usize, usize) {
        match *self {
            PoolAxis::Sliding(window) => {
                let start = (index * window.stride) as isize - window.before as isize;
                let step = window.dilation as isize;
                let skipped = if start < 0 { (-start + step - 1) / step } else { 0 };
                let first = start + skipped * step;
                let room = size as isize - first;
                let fits = if room <= 0 { 0 } else { (room + step - 1) / step };
                let number = fits.min(window.kernel as isize - skipped).max(0);
                (first.max(0) as usize, window.dilation, number as usize)
            }
            PoolAxis::Adaptive => {
                let first = index * size / count;
                let end = ((index + 1) * size).div_ceil(count);
                (first, 1, end - first)
            }
        }
    }
}

/// What a pooling makes of a window's elements. Padding never counts as an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// The largest; not-a-number wins.
    Max,
    /// The sum over the divisor.
    Mean(Divisor),
    /// `Σ x·eˣ / Σ eˣ`, computed against the window's largest element.
    Softmax,
}

/// What a mean divides by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divisor {
    /// The number of elements that lie in the input.
    Elements,
    /// The elements that lie in the input or its padding; `after` is the padding after it, height and width. Windows that
    /// `ceil_mode` lets reach further count only up to there (PyTorch's `count_include_pad`).
    Padded {
        /// Padding after the last row and column.
        after: [usize; 2],
    },
    /// This number, whatever the window (`divisor_override`).
    Fixed(f64),
}

/// How a reduction combines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Added up.
    Sum,
    /// The largest; not-a-number wins.
    Max,
}

/// How an enlargement reads its input along height and width. For output index `o`, the source coordinate is
/// `(o + 0.5)·scale − 0.5` (bilinear), `o·scale` with `scale = (in − 1)/(out − 1)` (bilinear with aligned corners), `⌊o·scale⌋`
/// in single precision (nearest).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resampling {
    /// The nearest element; `scale` is input over output, per axis.
    Nearest {
        /// Input elements an output element.
        scale: [f64; 2],
    },
    /// Two neighbours an axis, weighted by distance; coordinates are clamped to the input.
    Bilinear {
        /// Input elements an output element.
        scale: [f64; 2],
        /// Whether the corner elements lie on each other.
        align_corners: bool,
    },
}

/// A kernel: what a node computes from its arguments. `x` is the first argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// The graph's input of that number.
    Input(usize),
    /// A parameter as the store holds it.
    Parameter(ParameterId),
    /// `x[N, C, H, W]`, `w[C', C/groups, kh, kw]` to `[N, C', H', W']`: cross-correlation.
    Conv {
        /// Height, then width.
        window: [AxisWindow; 2],
        /// Parts that channels are divided into.
        groups: usize,
    },
    /// `x[N, C, H, W]`, `w[C, C'/groups, kh, kw]` to `[N, C', H', W']`: every input element adds its multiple of the kernel at
    /// `i·stride − before + k·dilation`; what falls outside the output is dropped. The transposed convolution, and the gradient
    /// of `Conv` by data.
    ConvData {
        /// Height, then width, of the convolution that this transposes.
        window: [AxisWindow; 2],
        /// Parts that channels are divided into.
        groups: usize,
    },
    /// `x[N, C, H, W]`, `g[N, C', H', W']` to `[C', C/groups, kh, kw]`: element `(o, c, k)` is the sum over images and places `p`
    /// of `g[n, o, p]` times the element of `x`, in channel `c` of the group of `o`, that window element `k` at place `p` sees;
    /// padding is zero. The gradient of `Conv` by weight, and of `ConvData`, whose result's gradient is then `x` and whose data
    /// is `g`.
    ConvWeight {
        /// Height, then width, of the convolution.
        window: [AxisWindow; 2],
        /// Parts that channels are divided into.
        groups: usize,
    },
    /// `a[M, K]` times `b[K, P]`, either of them transposed first (then `a` is `[K, M]`, `b` is `[P, K]`), to `[M, P]`.
    Gemm {
        /// Whether `a` is transposed.
        transpose_a: bool,
        /// Whether `b` is transposed.
        transpose_b: bool,
    },
    /// Pooling over the last two axes of `x[.., H, W]`.
    Window {
        /// Height, then width.
        axes: [PoolAxis; 2],
        /// What is made of a window.
        pooling: Pooling,
    },
    /// The gradient of `Window` by its input: every window hands its element of `g` on to its elements, which add up what they
    /// are handed; the result has the input's shape. A maximum hands all to the first of the largest, or of what is not a number,
    /// rows first; a mean hands each the divisor's part; softmax pooling hands element `x` the part `w·(1 + x − y)`, `w` its
    /// weight and `y` the window's result. Arguments are `x`, which a mean does without, then `g`.
    WindowGrad {
        /// Height, then width.
        axes: [PoolAxis; 2],
        /// What was made of a window.
        pooling: Pooling,
    },
    /// Combines over the axes marked true; these have size 1 in the result.
    Reduce {
        /// What is made of the elements: their sum or the largest.
        reduction: Reduction,
        /// One mark an axis of `x`.
        axes: Vec<bool>,
    },
    /// Element by element; every argument has the result's rank, and where its size is 1 it is repeated. There may be none at
    /// all: numbers, places and random numbers need no argument.
    Map(Expression),
    /// Height and width of `x[N, C, H, W]` enlarged (or made smaller) by reading between elements.
    Resample(Resampling),
    /// The gradient of `Resample` by its input, `g[N, C, H', W']` to `[N, C, H, W]`: every element of `g` is added to those that
    /// it was read from, times what they counted for.
    ResampleGrad(Resampling),
    /// The same elements in the same order under another shape.
    Reshape,
    /// Axis `i` of the result is axis `axes[i]` of `x`.
    Permute {
        /// A permutation.
        axes: Vec<usize>,
    },
    /// Zeros around `x`; a negative number cuts off instead.
    Pad {
        /// Before and after, one pair an axis.
        padding: Vec<(isize, isize)>,
    },
    /// Elements `start..start + length` along one axis; the length is the result's.
    Slice {
        /// The axis.
        axis: usize,
        /// The first element.
        start: usize,
    },
    /// All arguments one after another along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// An image `[N, C, H, W]` to `[N, C / lanes, H, W, lanes]`, the last block filled up with zeros, or back: which of them the
    /// ranks say. Only in plans.
    Reorder {
        /// Channels; the blocks may have room for more.
        channels: usize,
    },
    /// Weights to the elements that a method reads, in its order: `[elements]`. Only in plans.
    Pack(Packing),
}

/// What to write when a kernel is named: in plans, profiles and messages.
impl Kernel {
    /// The kernel's name in the vocabulary.
    pub fn name(&self) -> &'static str {
        match self {
            Kernel::Input(_) => "input",
            Kernel::Parameter(_) => "parameter",
            Kernel::Conv { .. } => "conv",
            Kernel::ConvData { .. } => "conv_data",
            Kernel::ConvWeight { .. } => "conv_weight",
            Kernel::Gemm { .. } => "gemm",
            Kernel::Window { pooling: Pooling::Max, .. } => "window_max",
            Kernel::Window { pooling: Pooling::Mean(_), .. } => "window_mean",
            Kernel::Window { pooling: Pooling::Softmax, .. } => "window_softmax",
            Kernel::WindowGrad { pooling: Pooling::Max, .. } => "window_max_grad",
            Kernel::WindowGrad { pooling: Pooling::Mean(_), .. } => "window_mean_grad",
            Kernel::WindowGrad { pooling: Pooling::Softmax, .. } => "window_softmax_grad",
            Kernel::Reduce { reduction: Reduction::Sum, .. } => "reduce_sum",
            Kernel::Reduce { reduction: Reduction::Max, .. } => "reduce_max",
            Kernel::Map(_) => "map",
            Kernel::Resample(_) => "resample",
            Kernel::ResampleGrad(_) => "resample_grad",
            Kernel::Reshape => "reshape",
            Kernel::Permute { .. } => "permute",
            Kernel::Pad { .. } => "pad",
            Kernel::Slice { .. } => "slice",
            Kernel::Concat { .. } => "concat",
            Kernel::Reorder { .. } => "reorder",
            Kernel::Pack(_) => "pack",
        }
    }

    /// Whether its value is its argument's memory, read otherwise.
    pub fn is_view(&self) -> bool {
        matches!(self, Kernel::Reshape | Kernel::Permute { .. } | Kernel::Slice { .. })
    }

    /// Whether it only moves elements, of whatever type, and leaves them as they are. (`Pad` adds zeros.)
    pub fn moves(&self) -> bool {
        self.is_view() || matches!(self, Kernel::Concat { .. })
    }

    /// Whether the kernel does enough work an element that what follows element by element is best done on its result at once.
    pub fn takes_epilogue(&self) -> bool {
        match self {
            Kernel::Conv { .. } | Kernel::ConvData { .. } | Kernel::Gemm { .. } => true,
            Kernel::Window { .. } | Kernel::Reduce { .. } | Kernel::Resample(_) => true,
            Kernel::ConvWeight { .. } | Kernel::WindowGrad { .. } | Kernel::ResampleGrad(_) => true,
            Kernel::Input(_) | Kernel::Parameter(_) | Kernel::Map(_) | Kernel::Reshape => false,
            Kernel::Permute { .. } | Kernel::Pad { .. } | Kernel::Slice { .. } | Kernel::Concat { .. } => false,
            Kernel::Reorder { .. } | Kernel::Pack(_) => false,
        }
    }
}

/// A node of the kernel graph.
#[derive(Clone, Debug)]
pub struct KernelNode {
    /// What it computes.
    pub kernel: Kernel,
    /// What is then done to each element: operand 0 is the kernel's result, operand `i` the node's argument
    /// `own arguments + i − 1`, broadcast to the result as in [`Kernel::Map`].
    pub epilogue: Option<Expression>,
    /// How many of the node's arguments are the kernel's own; the others are the epilogue's.
    pub own_arguments: usize,
    /// The sizes of its value.
    pub shape: Vec<usize>,
    /// What the elements of its value are stored as.
    pub element: ElementType,
    /// What its sums and expressions are computed in, its epilogue too. Operands are converted to it where they are read. No
    /// value is stored as another type than it was computed in.
    pub compute: ElementType,
    /// The layers that it came from, as `path Layer`, first the one that gave the kernel; a few dozen at most.
    pub origins: Vec<Arc<str>>,
}

/// A parameter that kernels read.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelParameter {
    /// Its key.
    pub path: Arc<str>,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// What its elements are.
    pub element: ElementType,
    /// How it starts.
    pub start: Start,
}

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// As the store has it: drawn or loaded.
    Stored,
    /// This number everywhere, unless training goes on from where it was: the state of an optimiser.
    Constant(f64),
}

/// What a run leaves in a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The parameter. Everything that reads it in the same run reads its old value.
    pub parameter: ParameterId,
    /// The node whose value it has after the run.
    pub node: NodeId,
}

/// A value that comes in or goes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name in the spec; `input` or `output` when it has none.
    pub name: Arc<str>,
    /// The node.
    pub node: NodeId,
}

/// An input of class numbers: what is no whole number from 0 and below `classes` means nothing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassInput {
    /// Which input.
    pub input: usize,
    /// How many classes there are.
    pub classes: usize,
}

/// A network in the kernel vocabulary.
#[derive(Clone, Debug, Default)]
pub struct KernelGraph {
    /// The kernels.
    pub dag: Dag<KernelNode>,
    /// The inputs, in order: `Kernel::Input(i)` is `inputs[i]`.
    pub inputs: Vec<Port>,
    /// The input that says a class of every sample, where there is one.
    pub class_input: Option<ClassInput>,
    /// The outputs, in order.
    pub outputs: Results<Port>,
    /// The parameters by [`ParameterId`]; states of an optimiser after those of the network.
    pub parameters: Vec<KernelParameter>,
    /// The parameters that a run writes, each at most once.
    pub updates: Results<Update>,
}
