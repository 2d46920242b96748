//! What an operator is: the questions that the stages ask it, each answered in the operator's own file.
//!
//! A layer states its arguments ([`Layer`]) and answers for its shape, its parameters, its cost and how it is written
//! in the kernel vocabulary ([`Operator`]). Nothing after `lower` knows a layer: passes, planner, gradients and back
//! ends see kernels alone.

use super::argument::{Arguments, BindError, Signature};
use super::receptive_field::LayerField;
use super::shape_error::ShapeError;
use crate::graph::Initialiser;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
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

/// Chances that an operator answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chances {
    /// Of classes one of which is right: they are 1 together.
    OfOne,
    /// Of each class by itself.
    OfEach,
}

/// A node of the layer graph.
pub trait Operator: Sized {
    /// Whether the layer takes the current value; only a bare tensor does not.
    const TAKES_INPUT: bool = true;

    /// What a second value is, for a layer that takes one: the braces behind it give it, `MaxUnpool2d(2) { from pooled }`.
    const SECOND: Option<&'static str> = None;

    /// Names of the parameters that [`Operator::parameters`] may declare, so that `weight=` can be told from a
    /// misspelt argument.
    const PARAMETERS: &'static [&'static str] = &[];

    /// Whether it does nothing, as a branch that changes nothing.
    const IS_IDENTITY: bool = false;

    /// Whether it connects features, the last axis, so that of an image it would see each row of pixels for itself.
    const TAKES_FEATURES: bool = false;

    /// Whether its answer is chances, so that a loss which makes chances of scores would do so twice, and of which kind.
    const CHANCES: Option<Chances> = None;

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

    /// Which part of its input one element of the output depends on; the same for every input of a join. The shapes have all
    /// sizes that are known.
    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::Point
    }

    /// What PyTorch prints between the parentheses of the layer: `6, 16, kernel_size=(5, 5), stride=(1, 1)`.
    fn describe(&self, _inputs: &[Shape]) -> String {
        String::new()
    }

    /// How the output's sizes follow from the input's where a window passes over it, a line an axis, one for axes alike:
    /// `height, width: ⌊(224 + 2·3 − 1·(7 − 1) − 1) / 2⌋ + 1 = 112`. Nothing of other layers.
    fn arithmetic(&self, _inputs: &[Shape]) -> Vec<String> {
        Vec::new()
    }

    /// The layer in the kernel vocabulary; the builder holds its inputs, its parameters and the sizes of its output.
    fn lower(&self, builder: &mut KernelBuilder) -> NodeId;

    /// The layer in ONNX's own operators, where these say the same; `None` of a layer that is exported as its kernels. The nodes
    /// hold its inputs, its parameters and the shape of its output, in which sizes may be open.
    fn onnx(&self, _nodes: &mut Nodes) -> Option<Value> {
        None
    }
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
    /// Whether it counts, in whole numbers; see [`crate::graph::Parameter::is_counter`].
    pub is_counter: bool,
}

impl ParameterDeclaration {
    /// A parameter that training changes.
    pub fn trainable(name: &'static str, shape: Vec<usize>, initialiser: Initialiser) -> Self {
        ParameterDeclaration { name, shape, trainable: true, initialiser, is_counter: false }
    }

    /// A buffer, which starts as one number everywhere.
    pub fn buffer(name: &'static str, shape: Vec<usize>, value: f64) -> Self {
        let initialiser = Initialiser::Constant(value);
        ParameterDeclaration { name, shape, trainable: false, initialiser, is_counter: false }
    }

    /// A buffer that counts from 0 and that no answer depends on.
    pub fn counter(name: &'static str) -> Self {
        ParameterDeclaration { is_counter: true, ..ParameterDeclaration::buffer(name, Vec::new(), 0.0) }
    }
}
