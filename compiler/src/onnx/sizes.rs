//! Open sizes: computed in the file, from the sizes of its inputs, each once.

use super::{Nodes, Value};
use crate::shape::{Arithmetic, Dim};

impl Nodes {
    /// Sizes in a row of whole numbers.
    pub fn dims(&mut self, dims: &[Dim]) -> Value {
        if let Some(numbers) = dims.iter().map(Dim::number).collect::<Option<Vec<i64>>>() {
            return self.ints(&numbers);
        }
        let parts: Vec<Value> = dims
            .chunk_by(|a, b| a.number().is_some() && b.number().is_some())
            .map(|run| match run.iter().map(Dim::number).collect::<Option<Vec<i64>>>() {
                Some(numbers) => self.ints(&numbers),
                None => self.open_size(&run[0]),
            })
            .collect();
        match parts.as_slice() {
            [single] => *single,
            several => self.node("Concat", several, vec![("axis", super::Attribute::Int(0))]),
        }
    }

    /// A size as a number of float32, a row of one.
    pub fn real(&mut self, dim: &Dim) -> Value {
        let whole = self.dims(std::slice::from_ref(dim));
        const FLOAT: i64 = 1;
        self.node("Cast", &[whole], vec![("to", super::Attribute::Int(FLOAT))])
    }

    fn open_size(&mut self, dim: &Dim) -> Value {
        if let Some(&known) = self.open.get(dim) {
            return known;
        }
        let layer = std::mem::take(&mut self.layer);
        self.layer.path = "sizes".into();
        let value = dim.compute(&mut InFile { nodes: self });
        self.layer = layer;
        self.open.insert(dim.clone(), value);
        value
    }
}

/// The arithmetic of a file: rows of one whole number.
struct InFile<'n> {
    nodes: &'n mut Nodes,
}

impl Arithmetic for InFile<'_> {
    type Value = Value;

    fn number(&mut self, number: i64) -> Value {
        self.nodes.ints(&[number])
    }

    fn symbol(&mut self, name: &str) -> Value {
        let symbol = Dim::symbol(name);
        if let Some(&known) = self.nodes.open.get(&symbol) {
            return known;
        }
        // A symbol is that of some input's axis: nothing else makes one.
        let Some(&(input, axis)) = self.nodes.symbols.get(name) else { return self.number(1) };
        let shape = self.nodes.node("Shape", &[input], Vec::new());
        let axis = self.nodes.ints(&[axis as i64]);
        let size = self.nodes.node("Gather", &[shape, axis], Vec::new());
        self.nodes.open.insert(symbol, size);
        size
    }

    fn add(&mut self, a: Value, b: Value) -> Value {
        self.nodes.node("Add", &[a, b], Vec::new())
    }

    fn multiply(&mut self, a: Value, b: Value) -> Value {
        self.nodes.node("Mul", &[a, b], Vec::new())
    }

    /// What is divided is never negative in a network that fits, so that ONNX's division towards zero is this one.
    fn floor_divide(&mut self, a: Value, divisor: i64) -> Value {
        let divisor = self.number(divisor);
        self.nodes.node("Div", &[a, divisor], Vec::new())
    }

    fn minimum(&mut self, a: Value, b: Value) -> Value {
        self.nodes.node("Min", &[a, b], Vec::new())
    }
}
