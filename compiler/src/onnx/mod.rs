//! A network as nodes of ONNX: what operators say of themselves to other programs, and what exporters fill in.
//!
//! [`Nodes`] is to a file of ONNX what [`KernelBuilder`](crate::kernels::KernelBuilder) is to a kernel graph. A layer that has a
//! counterpart there writes it ([`Operator::onnx`](crate::ops::Operator::onnx)); any other goes through its kernels. Nodes are
//! plain data, and what of a parameter is needed is its number: no weight is seen here.
//!
//! Names are what people see in a viewer: a layer's result and the node that gives it bear the layer's path, whatever else it
//! needs stands under that path. Sizes that are open are computed in the file from the sizes of its inputs (`sizes.rs`).

mod operators;
mod sets;
mod sizes;

pub use sets::{OPERATOR_SETS, format_version, since};

use crate::graph::{NodeId, ParameterId};
use crate::shape::{Dim, Shape};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A value of the network that is being written: what an input, an initialiser or a node gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(usize);

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// A number.
    Float(f64),
    /// A word.
    Text(&'static str),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The operator, of ONNX's own set.
    pub operator: &'static str,
    /// Its arguments; `None` is one left out.
    pub inputs: Vec<Option<Value>>,
    /// Its results; `None` is one that nobody wants.
    pub outputs: Vec<Option<Value>>,
    /// Its attributes.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// Where the numbers of an initialiser come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// From here.
    Floats(Vec<f32>),
    /// From here, as whole numbers.
    Ints(Vec<i64>),
    /// From a parameter, as it is.
    Parameter(ParameterId),
    /// From a node of the kernel graph that depends on parameters alone.
    Computed(NodeId),
}

/// A tensor of the file.
#[derive(Clone, Debug)]
pub struct Initialiser {
    /// The value that it is.
    pub value: Value,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub content: Content,
}

/// What a layer writes itself with.
#[derive(Clone, Debug, Default)]
struct Layer {
    path: String,
    inputs: Vec<Value>,
    parameters: Vec<Value>,
    output: Shape,
    /// The number of nodes before it.
    first: usize,
}

/// What is known of a value.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    shape: Shape,
    /// The node that gives it.
    source: Option<usize>,
}

/// Nodes that are being written, in an order in which each comes after its arguments.
#[derive(Clone, Debug)]
pub struct Nodes {
    set: i64,
    nodes: Vec<Node>,
    initialisers: Vec<Initialiser>,
    values: Vec<Known>,
    taken: HashSet<String>,
    layer: Layer,
    /// The first operator of the layer that a later set brought, with that set.
    too_new: Option<(&'static str, i64)>,
    /// Small tensors by what they hold, each there once.
    small: HashMap<String, Value>,
    /// Open sizes that are computed already.
    open: HashMap<Dim, Value>,
    /// Where the symbols are found: an input and its axis.
    symbols: HashMap<Arc<str>, (Value, usize)>,
}

/// What was written, without what nothing needs.
#[derive(Clone, Debug)]
pub struct Written {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The tensors.
    pub initialisers: Vec<Initialiser>,
    /// Names of all values.
    names: Vec<String>,
}

impl Written {
    /// The name of a value.
    pub fn name(&self, value: Value) -> &str {
        self.names.get(value.0).map_or("", String::as_str)
    }
}

impl Nodes {
    /// Nothing yet, for an operator set.
    pub fn new(set: i64) -> Nodes {
        Nodes {
            set,
            nodes: Vec::new(),
            initialisers: Vec::new(),
            values: Vec::new(),
            taken: HashSet::new(),
            layer: Layer::default(),
            too_new: None,
            small: HashMap::new(),
            open: HashMap::new(),
            symbols: HashMap::new(),
        }
    }

    /// The operator set.
    pub fn set(&self) -> i64 {
        self.set
    }

    /// Begins a layer, or a part of one: what follows stands under its path.
    pub fn begin(&mut self, path: &str, inputs: Vec<Value>, parameters: Vec<Value>, output: Shape) {
        self.layer = Layer { path: path.to_owned(), inputs, parameters, output, first: self.nodes.len() };
        self.too_new = None;
    }

    /// Makes a value, which was there before the layer began, the layer's own.
    pub fn adopt(&mut self) {
        self.layer.first = 0;
    }

    /// Ends it: the value that it made gets its shape and its path as names.
    ///
    /// # Errors
    /// The operator that the set does not have, and the set that brought it. What was written so far is then nobody's.
    pub fn end(&mut self, value: Value) -> Result<Value, (&'static str, i64)> {
        if let Some(missing) = self.too_new.take() {
            return Err(missing);
        }
        let Layer { path, output, first, .. } = std::mem::take(&mut self.layer);
        let Some(known) = self.values.get_mut(value.0) else { return Ok(value) };
        // What was there before keeps its name.
        if let Some(source) = known.source.filter(|source| *source >= first && !path.is_empty()) {
            known.shape = output;
            let name = self.unused(&path);
            if let (Some(node), Some(known)) = (self.nodes.get_mut(source), self.values.get_mut(value.0)) {
                self.taken.remove(&known.name);
                known.name.clone_from(&name);
                node.name = name;
            }
        }
        Ok(value)
    }

    /// Gives a value its shape, in the midst of a layer.
    ///
    /// # Errors
    /// As [`Nodes::end`].
    pub fn shaped(&mut self, value: Value, shape: &Shape) -> Result<Value, (&'static str, i64)> {
        if let Some(known) = self.values.get_mut(value.0) {
            known.shape = shape.clone();
        }
        self.too_new.take().map_or(Ok(value), Err)
    }

    /// Keeps names for what goes out.
    pub fn reserve<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.taken.extend(names.map(str::to_owned));
    }

    /// Input `index` of the layer.
    pub fn input(&self, index: usize) -> Option<Value> {
        self.layer.inputs.get(index).copied()
    }

    /// All inputs of the layer.
    pub fn inputs(&self) -> Vec<Value> {
        self.layer.inputs.clone()
    }

    /// Parameter `index` of the layer.
    pub fn parameter(&self, index: usize) -> Option<Value> {
        self.layer.parameters.get(index).copied()
    }

    /// The shape of the layer's output.
    pub fn output(&self) -> Shape {
        self.layer.output.clone()
    }

    /// The shape of a layer's input, of an initialiser, or of what a layer gave.
    pub fn shape(&self, value: Value) -> Shape {
        self.values.get(value.0).map(|known| known.shape.clone()).unwrap_or_default()
    }

    /// The name of a value so far.
    pub fn name(&self, value: Value) -> &str {
        self.values.get(value.0).map_or("", |known| known.name.as_str())
    }

    /// Whether sizes can be computed from those of the inputs so far.
    pub fn can_compute(&self, shape: &Shape) -> bool {
        shape.iter().flat_map(Dim::symbols).all(|symbol| self.symbols.contains_key(&symbol))
    }

    /// Adds an input of the network.
    pub fn add_input(&mut self, name: &str, shape: &Shape) -> Value {
        let value = self.value(name, shape.clone(), None);
        for (axis, dim) in shape.iter().enumerate() {
            if let [symbol] = dim.symbols().as_slice()
                && *dim == Dim::symbol(symbol)
            {
                self.symbols.entry(symbol.clone()).or_insert((value, axis));
            }
        }
        value
    }

    /// What was written and the outputs need. A value that is no node's, an input or a tensor, goes out through one that does
    /// nothing; so does one that goes out twice.
    pub fn finish(mut self, outputs: &[(String, Value)]) -> Written {
        self.layer = Layer::default();
        for (name, value) in outputs {
            let source = self.values.get(value.0).and_then(|known| known.source);
            let is_given_out = |other: &(String, Value)| self.name(*value) == other.0;
            let given = match source {
                Some(_) if !outputs.iter().any(is_given_out) => *value,
                _ => self.node("Identity", &[*value], Vec::new()),
            };
            if let Some(known) = self.values.get_mut(given.0) {
                known.name.clone_from(name);
            }
        }
        let names: HashSet<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
        let mut needed: HashSet<Value> = HashSet::new();
        let mut kept = vec![false; self.nodes.len()];
        for (place, node) in self.nodes.iter().enumerate().rev() {
            let mut given = node.outputs.iter().flatten();
            if given.any(|value| needed.contains(value) || names.contains(self.name(*value))) {
                needed.extend(node.inputs.iter().flatten());
                kept[place] = true;
            }
        }
        let mut kept = kept.into_iter();
        self.nodes.retain(|_| kept.next() == Some(true));
        self.initialisers.retain(|one| needed.contains(&one.value));
        let names = self.values.into_iter().map(|known| known.name).collect();
        Written { nodes: self.nodes, initialisers: self.initialisers, names }
    }

    fn value(&mut self, name: &str, shape: Shape, source: Option<usize>) -> Value {
        let name = self.unused(name);
        self.values.push(Known { name, shape, source });
        Value(self.values.len() - 1)
    }

    /// A name that nothing has yet, and has from now on.
    fn unused(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Content, Nodes, Value};
    use crate::graph::ParameterId;
    use crate::shape::{Dim, Shape};

    fn image() -> Shape {
        Shape::from(vec![Dim::symbol("N"), Dim::Number(3), Dim::symbol("H"), Dim::Number(8)])
    }

    /// Nodes with an input, in a layer.
    fn begun(set: i64) -> (Nodes, Value) {
        let mut nodes = Nodes::new(set);
        let x = nodes.add_input("input", &image());
        nodes.begin("stem", vec![x], Vec::new(), image());
        (nodes, x)
    }

    #[test]
    fn a_layer_s_result_bears_its_path() {
        let (mut nodes, x) = begun(13);
        let turned = nodes.node("Neg", &[x], Vec::new());
        let y = nodes.node("Neg", &[turned], Vec::new());
        assert_eq!(nodes.end(y), Ok(y));
        nodes.begin("stem", vec![y], Vec::new(), image());
        let again = nodes.node("Neg", &[y], Vec::new());
        assert_eq!(nodes.end(again), Ok(again));
        // What was there before keeps its name.
        nodes.begin("nothing", vec![again], Vec::new(), image());
        assert_eq!(nodes.end(again), Ok(again));
        let names = [turned, y, again].map(|value| nodes.name(value).to_owned());
        assert_eq!(names, ["stem.Neg", "stem", "stem_2"]);
    }

    #[test]
    fn what_nothing_needs_is_left_out() {
        let (mut nodes, x) = begun(13);
        let weight = nodes.initialiser("weight", &[3], Content::Parameter(ParameterId(0)));
        let _ = nodes.node("Mul", &[x, weight], Vec::new());
        let y = nodes.node("Neg", &[x], Vec::new());
        let outputs = [("first", y), ("second", y), ("third", x)].map(|(name, value)| (name.to_owned(), value));
        let written = nodes.finish(&outputs);
        let made: Vec<(&str, &str)> = written
            .nodes
            .iter()
            .map(|node| (node.operator, written.name(node.outputs[0].expect("a result"))))
            .collect();
        assert_eq!(made, [("Neg", "first"), ("Identity", "second"), ("Identity", "third")]);
        assert!(written.initialisers.is_empty());
    }

    #[test]
    fn a_set_lacks_what_came_later() {
        let (mut nodes, x) = begun(19);
        let y = nodes.node("Gelu", &[x], Vec::new());
        assert_eq!(nodes.end(y), Err(("Gelu", 20)));
        let (mut nodes, x) = begun(20);
        let y = nodes.node("Gelu", &[x], Vec::new());
        assert_eq!(nodes.end(y), Ok(y));
    }

    #[test]
    fn axes_are_an_attribute_before_they_are_an_argument() {
        for (set, operator, inputs) in [(17, "ReduceMean", 1), (18, "ReduceMean", 2), (13, "ReduceSum", 2)] {
            let (mut nodes, x) = begun(set);
            let _ = nodes.reduce(operator, x, &[2, 3], true);
            let node = nodes.nodes.last().expect("a node");
            let has_axes = node.attributes.contains(&("axes", Attribute::Ints(vec![2, 3])));
            assert_eq!((node.inputs.len(), has_axes), (inputs, inputs == 1), "{operator} of set {set}");
        }
    }

    #[test]
    fn a_new_shape_keeps_what_it_can() {
        let [batch, height] = ["N", "H"].map(Dim::symbol);
        let twice = |dim: &Dim| dim.times_number(2).expect("small");
        let shapes = [
            (vec![batch.clone(), Dim::Number(-1)], "ints::[0, -1]"),
            (vec![batch.clone(), twice(&height), Dim::Number(12)], "ints::[0, -1, 12]"),
            (vec![batch.clone(), Dim::Number(3), height.clone(), Dim::Number(8)], "ints::[0, 3, 0, 8]"),
            (vec![twice(&batch), twice(&height), Dim::Number(6)], "stem.Concat"),
        ];
        for (shape, wanted) in shapes {
            let (mut nodes, x) = begun(13);
            let _ = nodes.reshape(x, &shape);
            let given = nodes.nodes.last().and_then(|node| node.inputs[1]).expect("a shape");
            assert_eq!(nodes.name(given), wanted);
        }
    }

    #[test]
    fn open_sizes_are_computed_from_those_of_the_input() {
        let (mut nodes, _) = begun(13);
        let half = Dim::symbol("H").plus_number(-1).and_then(|size| size.floor_divided(2)).expect("small");
        let size = half.plus_number(1).expect("small");
        assert!(nodes.can_compute(&Shape::from(vec![size.clone()])));
        assert!(!nodes.can_compute(&Shape::from(vec![Dim::symbol("W")])));
        let first = nodes.dims(std::slice::from_ref(&size));
        let operators: Vec<&str> = nodes.nodes.iter().map(|node| node.operator).collect();
        assert_eq!(operators, ["Shape", "Gather", "Add", "Div", "Add"]);
        assert_eq!(nodes.dims(&[size]), first);
        assert_eq!(nodes.nodes.len(), 5);
    }
}
