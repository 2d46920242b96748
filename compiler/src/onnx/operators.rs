//! What layers and kernels write with: tensors, nodes, and the few forms that operator sets have in different ways.

use super::{Attribute, Content, Initialiser, Node, Nodes, Value, since};
use crate::shape::{Dim, Shape};

impl Nodes {
    /// Adds a tensor under a name.
    pub fn initialiser(&mut self, name: &str, shape: &[usize], content: Content) -> Value {
        let value = self.value(name, Shape::from(shape), None);
        self.initialisers.push(Initialiser { value, shape: shape.to_vec(), content });
        value
    }

    /// Numbers of a shape; those that are there already are there once.
    pub fn floats(&mut self, values: Vec<f32>, shape: &[usize]) -> Value {
        let text = match values.split_first() {
            Some((first, others)) if others.iter().all(|other| other.to_bits() == first.to_bits()) => {
                if shape.is_empty() { format!("{first:?}") } else { format!("{first:?} {shape:?}") }
            }
            _ => format!("{values:?} {shape:?}"),
        };
        self.constant(text, shape, Content::Floats(values))
    }

    /// One number.
    pub fn float(&mut self, value: f64) -> Value {
        self.floats(vec![value as f32], &[])
    }

    /// Whole numbers in a row.
    pub fn ints(&mut self, values: &[i64]) -> Value {
        self.constant(format!("{values:?}"), &[values.len()], Content::Ints(values.to_vec()))
    }

    /// A tensor named after what it holds, as far as that is short.
    fn constant(&mut self, text: String, shape: &[usize], content: Content) -> Value {
        const LONGEST: usize = 60;
        let kind = if matches!(content, Content::Ints(_)) { "ints" } else { "floats" };
        let key = format!("{kind}::{text}");
        if let Some(&known) = self.small.get(&key) {
            return known;
        }
        let name = if key.len() > LONGEST { format!("{kind}::{}", self.small.len()) } else { key.clone() };
        let value = self.initialiser(&name, shape, content);
        self.small.insert(key, value);
        value
    }

    /// A node of one result.
    pub fn node(
        &mut self,
        operator: &'static str,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Value {
        let inputs: Vec<Option<Value>> = inputs.iter().copied().map(Some).collect();
        self.results(operator, inputs, attributes, &[true])
    }

    /// A node that takes the layer's input and then all of its parameters.
    pub fn weighted(&mut self, operator: &'static str, attributes: Vec<(&'static str, Attribute)>) -> Value {
        let inputs = [&self.layer.inputs[..], &self.layer.parameters[..]].concat();
        self.node(operator, &inputs, attributes)
    }

    /// Values two by two, the result of each two with the next.
    pub fn fold(&mut self, operator: &'static str) -> Option<Value> {
        let values = self.inputs().into_iter();
        values.reduce(|left, right| self.node(operator, &[left, right], Vec::new()))
    }

    /// A node of several results, arguments among them left out: gives the last that is wanted.
    pub fn results(
        &mut self,
        operator: &'static str,
        inputs: Vec<Option<Value>>,
        attributes: Vec<(&'static str, Attribute)>,
        wanted: &[bool],
    ) -> Value {
        let first = since(operator);
        if first > self.set {
            self.too_new.get_or_insert((operator, first));
        }
        let name = match self.layer.path.is_empty() {
            true => operator.to_owned(),
            false => format!("{}.{operator}", self.layer.path),
        };
        let source = Some(self.nodes.len());
        let outputs: Vec<Option<Value>> =
            wanted.iter().map(|wanted| wanted.then(|| self.value(&name, Shape::default(), source))).collect();
        let last = outputs.iter().rev().flatten().next().copied();
        let name = last.map_or(name, |last| self.name(last).to_owned());
        self.nodes.push(Node { name, operator, inputs, outputs, attributes });
        last.unwrap_or(Value(usize::MAX))
    }

    /// The sum, the largest, … of a value along axes. Which these are is an attribute up to set 12 or 17, then an argument.
    pub fn reduce(&mut self, operator: &'static str, x: Value, axes: &[usize], keeps: bool) -> Value {
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let keep = ("keepdims", Attribute::Int(i64::from(keeps)));
        if self.set >= if operator == "ReduceSum" { 13 } else { 18 } {
            let axes = self.ints(&axes);
            return self.node(operator, &[x, axes], vec![keep]);
        }
        self.node(operator, &[x], vec![("axes", Attribute::Ints(axes)), keep])
    }

    /// A part of an axis, from its first element up to before its end.
    pub fn slice(&mut self, x: Value, axis: usize, [start, end]: [&Dim; 2], step: usize) -> Value {
        let [start, end] = [start, end].map(|place| self.dims(std::slice::from_ref(place)));
        let (axis, step) = (self.ints(&[axis as i64]), self.ints(&[step as i64]));
        self.node("Slice", &[x, start, end, axis, step], Vec::new())
    }

    /// A value under another shape. Of sizes that are open, one follows from the others, and those of the same place stay.
    pub fn reshape(&mut self, x: Value, shape: &[Dim]) -> Value {
        let before = self.shape(x);
        let kept = |(axis, dim): (usize, &Dim)| match dim {
            Dim::Number(number) => Some(*number),
            open if before.get(axis) == Some(open) => Some(0),
            _ => None,
        };
        let mut sizes: Vec<Option<i64>> = shape.iter().enumerate().map(kept).collect();
        if sizes.iter().filter(|size| size.is_none()).count() == 1 {
            sizes.iter_mut().for_each(|size| *size = size.or(Some(-1)));
        }
        let shape = match sizes.iter().copied().collect::<Option<Vec<i64>>>() {
            Some(sizes) => self.ints(&sizes),
            None => self.dims(shape),
        };
        self.node("Reshape", &[x, shape], Vec::new())
    }
}
