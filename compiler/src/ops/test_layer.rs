//! For the operators' own tests: layers from their text, and what they answer for an input.
//!
//! A call is read by the grammar and bound to its signature, positions first, as the resolver does with constants.
//! Every accepted layer is also written in kernels, at small sizes for the symbols, and the shape that comes out is
//! compared with the inferred one.

use super::{Arguments, BindError, Constant, LayerEntry, Op, ShapeError, join, layer};
use crate::element::ElementType;
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelBuilder, KernelGraph, KernelNode, KernelParameter, LayerContext, Start};
use crate::shape::{Requirements, Shape};
use cnnc_grammar::ast::{Call, Expr, ExprKind, FlowItem, FlowKind, ItemKind, StatementKind, StringPart, UnaryOperator};
use cnnc_grammar::span::Files;

/// What a layer answers for an input that it accepts.
pub struct Answer {
    op: Op,
    inputs: Vec<Shape>,
    /// The output's shape.
    pub shape: Shape,
    /// What has to hold of symbols, in words.
    pub requirements: Vec<String>,
    /// The kernels after the inputs and parameters, in order: `conv`, `map x0 + x1`.
    pub kernels: Vec<String>,
}

impl Answer {
    /// `weight [6, 1, 5, 5], running_mean [6] (buffer)`
    pub fn parameters(&self) -> String {
        let declared = self.op.parameters(&self.inputs).unwrap();
        let one = |declared: &super::ParameterDeclaration| {
            let buffer = if declared.trainable { "" } else { " (buffer)" };
            format!("{} {}{buffer}", declared.name, Shape::from(declared.shape.as_slice()))
        };
        declared.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// What PyTorch prints.
    pub fn describe(&self) -> String {
        self.op.describe(&self.inputs)
    }

    /// The receptive field.
    pub fn receptive_field(&self) -> super::LayerField {
        self.op.receptive_field(&self.inputs, &self.shape)
    }

    /// Multiply-adds with every symbol at 1.
    pub fn macs(&self) -> u64 {
        let at = |shape: &Shape| shape.at(&|_| Some(1)).unwrap();
        self.op.macs(&self.inputs.iter().map(at).collect::<Vec<_>>(), &at(&self.shape))
    }
}

/// A layer or join from its text, such as `Conv2d(6, kernel_size=5)` or `concat(dim=2)`.
pub fn bind(text: &str) -> Result<Op, BindError> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
    let joins = join(&word);
    let entry = joins.or_else(|| layer(&word)).unwrap_or_else(|| panic!("no layer is called {word}"));
    let branches = if joins.is_some() { " { {}; {} }" } else { "" };
    (entry.bind)(&arguments(entry, &parsed(&format!("{text}{branches}"))))
}

/// The answer for inputs such as `[N, 3, 32, 32]`.
pub fn on(text: &str, inputs: &[&str]) -> Answer {
    let op = bind(text).unwrap();
    let inputs: Vec<Shape> = inputs.iter().map(|input| shape(input)).collect();
    let mut requirements = Requirements::default();
    let shape = op.infer(&inputs, &mut requirements).unwrap_or_else(|error| panic!("{text} refuses: {error:?}"));
    let kernels = lowered(&op, &inputs, &shape);
    let open = requirements.open.iter().map(|open| format!("{} {:?} {}", open.left, open.relation, open.right));
    Answer { requirements: open.collect(), op, inputs, shape, kernels }
}

/// Why a layer refuses an input.
pub fn refusal(text: &str, inputs: &[&str]) -> ShapeError {
    let op = bind(text).unwrap();
    let inputs: Vec<Shape> = inputs.iter().map(|input| shape(input)).collect();
    let refusal = op.infer(&inputs, &mut Requirements::default()).and_then(|_| op.parameters(&inputs));
    refusal.expect_err("it should refuse this input")
}

/// A shape from its text; a size is a number or a symbol.
pub fn shape(text: &str) -> Shape {
    let sizes = text.trim_matches(['[', ']']).split(", ").filter(|size| !size.is_empty());
    let size = |size: &str| size.parse().map_or_else(|_| crate::shape::Dim::symbol(size), crate::shape::Dim::Number);
    sizes.map(size).collect()
}

/// The kernels of a layer; the shape of its result must be the inferred one.
fn lowered(op: &Op, inputs: &[Shape], output: &Shape) -> Vec<String> {
    let at = |shape: &Shape| shape.at(&|symbol| Some(if symbol == "N" { 2 } else { 24 })).expect("all sizes fit");
    let mut graph = KernelGraph::default();
    let inputs_nodes: Vec<NodeId> =
        inputs.iter().map(|input| graph.add_input("input", ElementType::Float32, &at(input))).collect();
    let mut parameters = Vec::new();
    for (index, declared) in op.parameters(inputs).unwrap().into_iter().enumerate() {
        let id = crate::graph::ParameterId(index as u32);
        let (path, shape) = (declared.name.into(), declared.shape.clone());
        let element = if declared.is_counter { ElementType::Uint64 } else { ElementType::Float32 };
        graph.parameters.push(KernelParameter { path, shape, element, start: Start::Stored });
        parameters.push(graph.add(Kernel::Parameter(id), declared.shape, &[], Vec::new()));
    }
    let leaves = inputs_nodes.len() + parameters.len();
    let layer = LayerContext { origin: op.name().into(), inputs: inputs_nodes, parameters, output: at(output) };
    let result = op.lower(&mut KernelBuilder::new(&mut graph, layer));
    assert_eq!(graph.dag.get(result).expect("a result").shape, at(output), "the kernels of {op:?} give another shape");
    let written = |node: &KernelNode| match &node.kernel {
        Kernel::Map(expression) => format!("map {expression}"),
        other => other.name().to_owned(),
    };
    graph.dag.iter().skip(leaves).map(|(_, node)| written(node)).collect()
}

/// The call that a line of a model's body is.
fn parsed(text: &str) -> Call {
    let source = format!("model Test {{\n{text}\n}}");
    let file = Files::default().add("test", source.as_str());
    let (ast, errors) = cnnc_grammar::parse(&source, file);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let Some(ItemKind::Declaration(model)) = ast.items.first().map(|item| &item.kind) else {
        panic!("{text} is no item")
    };
    match model.body.statements.first().map(|statement| &statement.kind) {
        Some(StatementKind::Item(FlowItem { kind: FlowKind::Use(call) | FlowKind::Join { call, .. }, .. })) => {
            call.clone()
        }
        other => panic!("{text} is no call: {other:?}"),
    }
}

fn arguments(entry: &LayerEntry, call: &Call) -> Arguments {
    let mut arguments = Arguments::new();
    for (position, argument) in call.arguments.iter().flatten().enumerate() {
        let known = entry.signature.arguments;
        let spec = match &argument.key {
            Some(key) => known.iter().find(|spec| spec.name == key.text),
            None => known.get(position),
        };
        arguments.insert(spec.expect("a known argument").name, constant(&argument.value));
    }
    arguments
}

fn constant(value: &Expr) -> Constant {
    match &value.kind {
        ExprKind::Int(number) => Constant::Int(number.value),
        ExprKind::Float(number) => Constant::Float(number.value),
        ExprKind::Bool(truth) => Constant::Bool(*truth),
        ExprKind::Tuple(members) => Constant::Tuple(members.iter().map(constant).collect()),
        ExprKind::List(members) => Constant::List(members.iter().map(constant).collect()),
        ExprKind::Unary(UnaryOperator::Negate, operand) => match constant(operand) {
            Constant::Int(number) => Constant::Int(-number),
            Constant::Float(number) => Constant::Float(-number),
            other => panic!("{other:?} has no negative"),
        },
        ExprKind::String(parts) => match parts.as_slice() {
            [StringPart::Text(text)] => Constant::Text(text.clone()),
            other => panic!("{other:?} is no plain text"),
        },
        other => panic!("{other:?} is no constant"),
    }
}
