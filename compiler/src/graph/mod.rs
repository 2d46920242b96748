//! The layer graph: what a spec means once loops are written out, names are looked up and arguments are bound.
//!
//! A node is one use of one layer (or an input of the network) and has one value; joins are nodes too. Parameters are apart, so
//! that a tied one is one entry used by several nodes. The module tree says how people see the same network: which layer stands
//! in which block under which name. Nothing here is fused or reordered: passes work on the kernel graph.

mod budget;
mod dag;
mod initialiser;
mod learning;
mod partial;
mod pattern;
pub mod print;
mod trace;
pub mod verify;

pub use budget::{AssertedSize, Budget, Measure};
pub use dag::{Dag, NodeId};
pub use initialiser::{Distribution, Fan, Initialiser};
pub use learning::Learning;
pub use partial::PartialGraph;
pub use pattern::fits_pattern;
pub use trace::{Bound, Trace, TraceId, TraceKind, Visits};

use crate::element::ElementType;
use crate::ops::Op;
use crate::shape::{Requirements, Shape};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// The number of a parameter in [`Graph::parameters`], and of the same one in every later stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub u32);

/// The number of a module in [`Graph::modules`]; 0 is the model itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u32);

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// An input of the network; the number is its place in [`Graph::inputs`].
    Input(usize),
    /// A layer or a join.
    Operator(Op),
}

/// One use of a layer.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it computes.
    pub kind: NodeKind,
    /// Its path, as in a `state_dict`: `layer1.0.conv1`. An unnamed join has the path of the module around it.
    pub path: Arc<str>,
    /// Its parameters, in the order in which the operator declares them.
    pub parameters: Vec<ParameterUse>,
    /// The shape that expansion found; inference asks again and compares.
    pub shape: Shape,
    /// Where it is written.
    pub span: Span,
    /// Through which calls and repeats it came.
    pub trace: Option<TraceId>,
}

/// How a node uses a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParameterUse {
    /// Which.
    pub parameter: ParameterId,
    /// Whether its two axes are swapped first (`weight=encoder.weight.T`).
    pub transposed: bool,
}

/// A parameter or buffer, once, however many layers use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its key: the path of its first use.
    pub path: Arc<str>,
    /// Other keys under which a weight file may hold it too.
    pub aliases: Vec<Arc<str>>,
    /// Its sizes; `[]` is a single number.
    pub shape: Vec<usize>,
    /// Whether training changes it; buffers are kept and counted apart.
    pub trainable: bool,
    /// How it starts.
    pub initialiser: Initialiser,
    /// Whether it counts something that no answer depends on, such as a normalisation its batches: files hold it as whole numbers
    /// of 64 bits, and may lack it.
    pub is_counter: bool,
    /// How a training changes it, if it is trainable, or a buffer.
    pub learning: Learning,
    /// The layer that declares it first.
    pub span: Span,
}

impl Parameter {
    /// Whether it has a gradient in a training.
    pub fn is_learnt(&self) -> bool {
        self.trainable && !self.learning.frozen
    }

    /// What its elements are.
    pub fn element(&self) -> ElementType {
        if self.is_counter { ElementType::Uint64 } else { ElementType::Float32 }
    }

    /// Whether a weight file may hold it under this key.
    pub fn has_key(&self, key: &str) -> bool {
        *self.path == *key || self.aliases.iter().any(|alias| **alias == *key)
    }
}

/// An input of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name; `input` when it has none.
    pub name: Arc<str>,
    /// Its shape; symbols stand where the spec leaves a size open.
    pub shape: Shape,
    /// The node that stands for it.
    pub node: NodeId,
    /// How a picture becomes it.
    pub image: Option<ImageTransform>,
    /// Where it is written.
    pub span: Span,
}

/// How a picture is resized; names and meanings are those of torchvision and Pillow, which average over what falls together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The pixel under the centre.
    Nearest,
    /// A triangle around the centre.
    #[default]
    Bilinear,
    /// Keys' cubic around the centre, with a = −1/2; what passes 0 or 255 is cut off.
    Bicubic,
}

impl Interpolation {
    /// All, with their names.
    pub const NAMES: [(&str, Interpolation); 3] = [
        ("bilinear", Interpolation::Bilinear),
        ("bicubic", Interpolation::Bicubic),
        ("nearest", Interpolation::Nearest),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Interpolation::Nearest => "nearest",
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        }
    }
}

/// How a picture becomes an input: steps in this order, each optional but the scaling.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTransform {
    /// Resized so that the shorter side has this many pixels.
    pub resize: Option<usize>,
    /// How it is resized.
    pub interpolation: Interpolation,
    /// Cut out of the centre: height and width.
    pub crop: Option<[usize; 2]>,
    /// What a pixel of 0..=255 is multiplied with; 1/255 unless the spec says otherwise.
    pub scale: f64,
    /// Subtracted from each channel after scaling; one number serves all.
    pub mean: Vec<f64>,
    /// Divides each channel after the mean is gone; one number serves all.
    pub std: Vec<f64>,
}

/// An output of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name; `output` when it has none.
    pub name: Arc<str>,
    /// Its value.
    pub node: NodeId,
}

/// What a module is.
#[derive(Clone, Debug, PartialEq)]
pub enum ModuleKind {
    /// The model itself, a block call or a model called as a block, under the name of its declaration.
    Call(Arc<str>),
    /// `Sequential { }`, or `name: { }`.
    Sequential,
    /// A named join: `sum`, `product` or `concat`.
    Join(&'static str),
    /// One layer.
    Layer(NodeId),
}

/// A module as PyTorch knows them: a path and children.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Its path; the model's own is empty, and so is its name.
    pub path: Arc<str>,
    /// What it is.
    pub kind: ModuleKind,
    /// What it is made of, in order.
    pub children: Vec<ModuleId>,
    /// Its last value; `None` for an empty module before any input.
    pub output: Option<NodeId>,
}

/// A shape contract: `expect [shape]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The value it speaks of.
    pub node: NodeId,
    /// One size an axis; `None` is any.
    pub shape: Vec<Option<crate::shape::Dim>>,
    /// Where it is written.
    pub span: Span,
}

/// A network as layers.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The model's name.
    pub name: Arc<str>,
    /// The layers.
    pub dag: Dag<Node>,
    /// The inputs, in order.
    pub inputs: Vec<Input>,
    /// The outputs, in order.
    pub outputs: Vec<Output>,
    /// The parameters and buffers by [`ParameterId`], in `state_dict` order.
    pub parameters: Vec<Parameter>,
    /// The module tree by [`ModuleId`]; the first is the model.
    pub modules: Vec<Module>,
    /// Calls and loops by [`TraceId`].
    pub traces: Vec<Trace>,
    /// What each statement made; empty unless the request asks for an index.
    pub visits: Vec<Visits>,
    /// What each name of a value stood for; empty unless the request asks for an index.
    pub bound: Vec<Bound>,
    /// Shape contracts, in order.
    pub contracts: Vec<Contract>,
    /// What the model asserts of its cost, in order.
    pub budgets: Vec<Budget>,
    /// Names of the classes, when the spec lists them.
    pub labels: Option<Arc<[String]>>,
    /// Questions that symbols left open during expansion.
    pub requirements: Requirements,
}

impl Module {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

impl Graph {
    /// A parameter by number.
    pub fn parameter(&self, id: ParameterId) -> Option<&Parameter> {
        self.parameters.get(id.0 as usize)
    }

    /// A module by number.
    pub fn module(&self, id: ModuleId) -> Option<&Module> {
        self.modules.get(id.0 as usize)
    }
}

/// A network whose every value has a shape, inferred and equal to what expansion saw, and whose contracts hold.
/// Made by [`crate::infer`] alone.
#[derive(Clone, Debug)]
pub struct ShapedGraph {
    /// The network.
    pub graph: Graph,
    /// Shapes by node index.
    pub shapes: Vec<Shape>,
    /// What must hold of the symbols, and for which sizes it does.
    pub sizes: crate::sizes::Sizes,
}

impl ShapedGraph {
    /// The shape of a value; empty for a node that does not exist.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.shapes.get(node.index()).cloned().unwrap_or_default()
    }

    /// How a layer's sizes follow from those of its input, a line an axis; see
    /// [`Operator::arithmetic`](crate::ops::Operator::arithmetic).
    pub fn arithmetic(&self, node: NodeId) -> Vec<String> {
        let Some(Node { kind: NodeKind::Operator(operator), .. }) = self.graph.dag.get(node) else { return Vec::new() };
        let inputs: Vec<Shape> = self.graph.dag.arguments(node).iter().map(|input| self.shape(*input)).collect();
        operator.arithmetic(&inputs)
    }
}
