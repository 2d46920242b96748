//! A network as a spec will say it: layers and joins with their arguments, shapes, and the tensors that their parameters are.
//!
//! Values are numbered in the order in which they are added, arguments before users. Shapes are the compiler's: every layer is
//! bound and asked by the operator that the spec will name, so that an importer computes no shape of its own.

use super::refusal;
use cnnc_compiler::ops::{self, Arguments, Constant, Numbers, Op};
use cnnc_compiler::shape::{Requirements, Shape};
use cnnc_grammar::ast::JoinKind;

/// The number of a node in its network, and of the value that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// An input; the number is its place in [`Network::inputs`].
    Input(usize),
    /// A layer by its name.
    Layer(&'static str),
    /// A join.
    Join(JoinKind),
    /// Numbers that are written out.
    Numbers,
}

/// A tensor that a parameter is.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The last part of the parameter's key; empty where the key is the layer's own path.
    pub name: &'static str,
    /// The importer's number of the tensor.
    pub tensor: usize,
    /// Its sizes.
    pub shape: Vec<usize>,
}

/// A layer, a join, an input, or numbers.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub operation: Operation,
    /// Its arguments, as a spec gives them.
    pub arguments: Vec<(&'static str, Constant)>,
    /// The compiler's operator; `None` of an input.
    pub op: Option<Op>,
    /// The values that it takes.
    pub inputs: Vec<ValueId>,
    /// The shape of what it gives.
    pub shape: Shape,
    /// Its parameters.
    pub weights: Vec<Held>,
    /// The module that it would like to be, name by name; of a node without parameters the module that it stands in, as far as
    /// that is known.
    pub path: Vec<String>,
}

/// An input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in the file.
    pub name: String,
    /// Its node.
    pub value: ValueId,
}

/// An output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name in the file.
    pub name: String,
    /// What it gives.
    pub value: ValueId,
}

/// A network.
#[derive(Debug, Default)]
pub struct Network {
    /// The name of its model: a word.
    pub name: String,
    /// Its inputs, in order.
    pub inputs: Vec<Input>,
    /// Its outputs, in order.
    pub outputs: Vec<Output>,
    /// The module that nodes are added in, name by name.
    pub scope: Vec<String>,
    nodes: Vec<Node>,
    requirements: Requirements,
}

/// A node that is bound and has a shape.
struct Bound {
    op: Op,
    shape: Shape,
    weights: Vec<Held>,
}

impl Network {
    /// All nodes by [`ValueId`].
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (ValueId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (ValueId(index), node))
    }

    /// A node.
    ///
    /// # Panics
    /// For a number of another network.
    pub fn node(&self, value: ValueId) -> &Node {
        &self.nodes[value.0]
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> &Shape {
        &self.node(value).shape
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, shape: Shape) -> ValueId {
        let operation = Operation::Input(self.inputs.len());
        let value = self.push(operation, Vec::new(), None, Vec::new(), shape, Vec::new());
        self.inputs.push(Input { name: name.to_owned(), value });
        value
    }

    /// Adds a layer. `tensors` are those of its parameters in the layer's own order, without counters, each with its sizes.
    ///
    /// # Errors
    /// Why the layer cannot be, in the end of a sentence.
    pub fn layer(
        &mut self,
        name: &'static str,
        arguments: Vec<(&'static str, Constant)>,
        inputs: &[ValueId],
        tensors: Vec<(usize, Vec<usize>)>,
    ) -> Result<ValueId, String> {
        let bound = self.bound(name, &arguments, inputs, tensors)?;
        let Bound { op, shape, weights } = bound;
        Ok(self.push(Operation::Layer(name), arguments, Some(op), inputs.to_vec(), shape, weights))
    }

    /// Puts a layer, of a shape that is the same, in the place of another node.
    ///
    /// # Errors
    /// As [`Network::layer`]; nothing has changed then.
    pub fn replace(
        &mut self,
        value: ValueId,
        name: &'static str,
        arguments: Vec<(&'static str, Constant)>,
        inputs: &[ValueId],
        tensors: Vec<(usize, Vec<usize>)>,
    ) -> Result<(), String> {
        let Bound { op, shape, weights } = self.bound(name, &arguments, inputs, tensors)?;
        if inputs.iter().any(|input| input.0 >= value.0) || shape != self.node(value).shape {
            return Err(format!("`{name}` gives {shape} and not {}", self.node(value).shape));
        }
        let node = &mut self.nodes[value.0];
        (node.operation, node.op, node.arguments) = (Operation::Layer(name), Some(op), arguments);
        (node.inputs, node.weights) = (inputs.to_vec(), weights);
        Ok(())
    }

    /// The layer `name` as it would be added.
    fn bound(
        &mut self,
        name: &'static str,
        arguments: &[(&'static str, Constant)],
        inputs: &[ValueId],
        tensors: Vec<(usize, Vec<usize>)>,
    ) -> Result<Bound, String> {
        let entry = ops::layer(name).ok_or_else(|| format!("there is no layer `{name}`"))?;
        let is_sound = |value: &Constant| !matches!(value, Constant::Float(number) if !number.is_finite());
        if let Some((argument, _)) = arguments.iter().find(|(_, value)| !is_sound(value)) {
            return Err(format!("its {argument} is no finite number"));
        }
        let given: Arguments = arguments.iter().cloned().collect();
        let op = (entry.bind)(&given).map_err(|error| refusal::of_arguments(name, &error))?;
        let shapes: Vec<Shape> = inputs.iter().map(|&input| self.shape(input).clone()).collect();
        let shape = op.infer(&shapes, &mut self.requirements).map_err(|error| refusal::of_shape(name, &error))?;
        of_few_axes(&shape)?;
        let declared = op.parameters(&shapes).map_err(|error| refusal::of_shape(name, &error))?;
        let declared: Vec<_> = declared.into_iter().filter(|parameter| !parameter.is_counter).collect();
        if declared.len() != tensors.len() {
            return Err(format!("`{name}` has {} parameters here, and the file {}", declared.len(), tensors.len()));
        }
        let mut weights = Vec::with_capacity(tensors.len());
        for (parameter, (tensor, shape)) in declared.into_iter().zip(tensors) {
            if parameter.shape != shape {
                let (wanted, what) = (parameter.shape, parameter.name);
                return Err(format!("its {what} is {shape:?}, and `{name}` takes {wanted:?} here"));
            }
            weights.push(Held { name: parameter.name, tensor, shape });
        }
        Ok(Bound { op, shape, weights })
    }

    /// Adds a join of at least two values.
    ///
    /// # Errors
    /// Why the values do not go together, in the end of a sentence.
    pub fn join(
        &mut self,
        kind: JoinKind,
        arguments: Vec<(&'static str, Constant)>,
        inputs: &[ValueId],
    ) -> Result<ValueId, String> {
        let entry = ops::join(kind.word()).ok_or_else(|| format!("there is no join `{}`", kind.word()))?;
        let given: Arguments = arguments.iter().cloned().collect();
        let op = (entry.bind)(&given).map_err(|error| refusal::of_arguments(kind.word(), &error))?;
        let shapes: Vec<Shape> = inputs.iter().map(|&input| self.shape(input).clone()).collect();
        let shape =
            op.infer(&shapes, &mut self.requirements).map_err(|error| refusal::of_shape(kind.word(), &error))?;
        of_few_axes(&shape)?;
        Ok(self.push(Operation::Join(kind), arguments, Some(op), inputs.to_vec(), shape, Vec::new()))
    }

    /// Gives a join other inputs, all of them earlier, which make the same of it.
    pub fn rejoin(&mut self, value: ValueId, inputs: Vec<ValueId>) {
        if inputs.iter().all(|input| *input < value) {
            self.nodes[value.0].inputs = inputs;
        }
    }

    /// Adds numbers, `sizes` of none being one number alone.
    ///
    /// # Errors
    /// What the operator refuses, which is nothing.
    pub fn numbers(&mut self, numbers: Vec<f64>, sizes: Vec<usize>) -> Result<ValueId, String> {
        let op = Op::Numbers(Numbers { numbers, sizes });
        let shape = op.infer(&[], &mut self.requirements).map_err(|error| refusal::of_shape("numbers", &error))?;
        Ok(self.push(Operation::Numbers, Vec::new(), Some(op), Vec::new(), shape, Vec::new()))
    }

    /// Gives a node the path of the module that it is.
    pub fn name(&mut self, value: ValueId, path: Vec<String>) {
        self.nodes[value.0].path = path;
    }

    /// How often each value is used, by outputs too, as far as outputs depend on it; 0 of what nothing needs.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        for output in &self.outputs {
            uses[output.value.0] += 1;
        }
        for index in (0..self.nodes.len()).rev() {
            if uses[index] > 0 {
                for input in &self.nodes[index].inputs {
                    uses[input.0] += 1;
                }
            }
        }
        uses
    }

    fn push(
        &mut self,
        operation: Operation,
        arguments: Vec<(&'static str, Constant)>,
        op: Option<Op>,
        inputs: Vec<ValueId>,
        shape: Shape,
        weights: Vec<Held>,
    ) -> ValueId {
        let path = self.scope.clone();
        self.nodes.push(Node { operation, arguments, op, inputs, shape, weights, path });
        ValueId(self.nodes.len() - 1)
    }
}

impl Node {
    /// The name of the layer that it is.
    pub fn layer(&self) -> Option<&'static str> {
        match self.operation {
            Operation::Layer(layer) => Some(layer),
            _ => None,
        }
    }

    /// Whether it is that layer.
    pub fn is_layer(&self, name: &str) -> bool {
        self.layer() == Some(name)
    }

    /// Whether it is that join.
    pub fn is_join(&self, kind: JoinKind) -> bool {
        self.operation == Operation::Join(kind)
    }

    /// The number that it is, where it is one number.
    pub fn number(&self) -> Option<f64> {
        match &self.op {
            Some(Op::Numbers(Numbers { numbers, .. })) => match numbers.as_slice() {
                [number] => Some(*number),
                _ => None,
            },
            _ => None,
        }
    }

    /// An argument that is given.
    pub fn argument(&self, name: &str) -> Option<&Constant> {
        self.arguments.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether it takes nothing: numbers, or a bare tensor.
    pub fn is_source(&self) -> bool {
        self.inputs.is_empty() && !matches!(self.operation, Operation::Input(_))
    }
}

/// Axes of a value, at most: no network has so many.
const MOST_AXES: usize = 16;

fn of_few_axes(shape: &Shape) -> Result<(), String> {
    if shape.rank() > MOST_AXES { Err(format!("it gives a value of {} axes", shape.rank())) } else { Ok(()) }
}

/// A float32 as a spec writes it: the shortest number that is it.
pub fn number(value: f32) -> f64 {
    format!("{value:?}").parse().unwrap_or_else(|_| f64::from(value))
}
