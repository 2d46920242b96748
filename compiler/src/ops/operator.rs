//! What an operator is: the questions that the stages ask it, each answered in the operator's own file.
//!
//! A layer states its arguments ([`Layer`]) and answers for its shape, its parameters, its cost and how it is written
//! in the kernel vocabulary ([`Operator`]). Nothing after `lower` knows a layer: passes, planner, gradients and back
//! ends see kernels alone.

use super::argument::{Arguments, BindError, Signature};
use super::shape_error::ShapeError;
use crate::graph::Initialiser;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

/// An operator that a spec can call by name. Implemented by [`layer!`](crate::layer).
pub trait Layer: Operator {
    /// Name, documentation and arguments.
    const SIGNATURE: Signature;
    /// The layer with these arguments.
    fn bind(arguments: &Arguments) -> Result<Self, BindError>;
    /// All arguments as PyTorch prints them: `negative_slope=0.01`.
    fn keywords(&self) -> String;
}

/// A node of the layer graph.
pub trait Operator: Sized {
    /// Whether the layer takes the current value; only a bare tensor does not.
    const TAKES_INPUT: bool = true;

    /// Names of the parameters that [`Operator::parameters`] may declare, so that `weight=` can be told from a
    /// misspelt argument.
    const PARAMETERS: &'static [&'static str] = &[];

    /// Whether the arguments go together; asked once, after binding.
    fn validate(&self) -> Result<(), BindError> {
        Ok(())
    }

    /// The shape of the output, the only shape rule there is. Questions that symbols leave open go to `requirements`.
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError>;

    /// The parameters and buffers, in PyTorch's order; asked after `infer` has accepted the inputs.
    fn parameters(&self, _inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        Ok(Vec::new())
    }

    /// Multiply-adds for these sizes; other work is not counted.
    fn macs(&self, _inputs: &[Vec<usize>], _output: &[usize]) -> u64 {
        0
    }

    /// Which part of its input one element of the output depends on; the same for every input of a join.
    fn reach(&self, _inputs: &[Shape]) -> Reach {
        Reach::Point
    }

    /// What PyTorch prints between the parentheses of the layer: `6, 16, kernel_size=(5, 5), stride=(1, 1)`.
    fn describe(&self, _inputs: &[Shape]) -> String {
        String::new()
    }

    /// The layer in the kernel vocabulary; the builder holds its inputs, its parameters and the sizes of its output.
    fn lower(&self, builder: &mut KernelBuilder) -> NodeId;
}

/// One parameter or buffer that a layer has.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDeclaration {
    /// The last part of its key: `weight`, `running_mean`. Empty when the key is the layer's own path.
    pub name: &'static str,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Whether training changes it; a buffer is kept and counted apart.
    pub trainable: bool,
    /// How it starts when the spec does not say: PyTorch's default.
    pub initialiser: Initialiser,
}

impl ParameterDeclaration {
    /// A parameter that training changes.
    pub fn trainable(name: &'static str, shape: Vec<usize>, initialiser: Initialiser) -> Self {
        ParameterDeclaration { name, shape, trainable: true, initialiser }
    }

    /// A buffer, which starts as one number everywhere.
    pub fn buffer(name: &'static str, shape: Vec<usize>, value: f64) -> Self {
        ParameterDeclaration { name, shape, trainable: false, initialiser: Initialiser::Constant(value) }
    }
}

/// The part of its input that one element of the output depends on. "Plane" means the last two axes, height and width.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// The element at the same place of the plane.
    Point,
    /// A window of the plane: element `o` sees `o·stride − before` to `o·stride − before + extent − 1`.
    Window {
        /// Height and width of the window, dilation included.
        extent: [usize; 2],
        /// Steps.
        stride: [usize; 2],
        /// Padding before the first row and column; negative where some are cut off.
        before: [i64; 2],
    },
    /// A window of the plane whose step is no whole number: enlarging, and adaptive pooling.
    Resampled {
        /// Height and width seen at most, in input elements.
        extent: [usize; 2],
        /// Output elements an input element.
        factor: [f64; 2],
    },
    /// Everything along these axes of the input, the same place along the others.
    Whole(Vec<usize>),
    /// Elements go elsewhere unchanged: axis `i` of the input is axis `axes[i]` of the output, or is folded into it.
    Moved(Vec<usize>),
}

impl Reach {
    /// The whole of these axes and all after them, of an input with `rank` axes.
    pub fn whole_from(axis: usize, rank: usize) -> Reach {
        Reach::Whole((axis..rank).collect())
    }
}
