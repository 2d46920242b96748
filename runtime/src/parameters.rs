//! The parameters of a network: one float32 tensor for each entry of the layer graph, found by key.
//!
//! They are drawn from the graph's initialisers, or lie in a file that `weights` has mapped; either way a tensor is made when
//! somebody asks for it and goes when they are done with it, so that an engine which packs its weights one after the other never holds
//! all of them twice. Tensors that were put in are held, and shared by all who ask.

use crate::draw::draw;
use crate::failure::failure;
use crate::{Result, Tensor, host};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::Graph;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Parameters and buffers by key, in `state_dict` order.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    entries: Vec<(Arc<str>, Value)>,
    places: HashMap<Arc<str>, usize>,
}

/// A tensor that is here, or a way to make it.
#[derive(Clone)]
pub(crate) enum Value {
    /// It is here.
    Held(Arc<Tensor>),
    /// Its shape, and what makes it: the same values each time.
    Made(Vec<usize>, Arc<dyn Fn() -> Tensor + Send + Sync>),
}

impl Value {
    /// A tensor that is here.
    pub fn held(tensor: Tensor) -> Value {
        Value::Held(Arc::new(tensor))
    }

    /// A tensor of that shape, made whenever it is asked for.
    pub fn made(shape: &[usize], make: impl Fn() -> Tensor + Send + Sync + 'static) -> Value {
        Value::Made(shape.to_vec(), Arc::new(make))
    }

    fn shape(&self) -> &[usize] {
        match self {
            Value::Held(tensor) => tensor.shape(),
            Value::Made(shape, _) => shape,
        }
    }

    fn tensor(&self) -> Arc<Tensor> {
        match self {
            Value::Held(tensor) => tensor.clone(),
            Value::Made(_, make) => Arc::new(make()),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Held(tensor) => tensor.fmt(f),
            Value::Made(shape, _) => write!(f, "{shape:?} to be made"),
        }
    }
}

impl Parameters {
    /// Every parameter of a graph as its initialiser draws it. The numbers depend on seed, key and shape alone.
    ///
    /// # Errors
    /// E401 when the parameters are larger than this machine's memory.
    pub fn draw(graph: &Graph, seed: u64) -> Result<Parameters> {
        let bytes = graph.parameters.iter().map(|parameter| size_bytes(&parameter.shape)).fold(0, u64::saturating_add);
        let available = host::available_memory_bytes();
        if bytes > available {
            let message = format!("the parameters take {}, and {} are free", megabytes(bytes), megabytes(available));
            return Err(failure(Code::E401, message));
        }
        let mut parameters = Parameters::default();
        for parameter in graph.parameters.iter().cloned() {
            let (path, shape) = (parameter.path.clone(), parameter.shape.clone());
            parameters.put(path, Value::made(&shape, move || draw(&parameter, seed)));
        }
        Ok(parameters)
    }

    /// Adds a tensor, or puts it in the place of the one of that key.
    pub fn insert(&mut self, path: impl Into<Arc<str>>, tensor: Tensor) {
        self.put(path.into(), Value::held(tensor));
    }

    /// As [`Parameters::insert`], of a tensor that may not be here yet.
    pub(crate) fn put(&mut self, path: Arc<str>, value: Value) {
        if let Some(&place) = self.places.get(&path) {
            self.entries[place].1 = value;
            return;
        }
        self.places.insert(path.clone(), self.entries.len());
        self.entries.push((path, value));
    }

    /// The tensor of a key. One that is not held is made anew each time.
    pub fn get(&self, path: &str) -> Option<Arc<Tensor>> {
        self.places.get(path).map(|&place| self.entries[place].1.tensor())
    }

    /// The shape of the tensor of a key.
    pub fn shape(&self, path: &str) -> Option<&[usize]> {
        self.places.get(path).map(|&place| self.entries[place].1.shape())
    }

    /// The tensor of a key, held from now on, to be changed; copied first when something else holds it too, such as a checkpoint that is
    /// being written.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Tensor> {
        let value = self.places.get(path).map(|&place| &mut self.entries[place].1)?;
        if let Value::Made(_, make) = value {
            *value = Value::held(make());
        }
        match value {
            Value::Held(tensor) => Some(Arc::make_mut(tensor)),
            Value::Made(..) => None,
        }
    }

    /// The same parameters, all of them made and held.
    pub fn held(&self) -> Parameters {
        let entries = self.entries.iter().map(|(path, value)| (path.clone(), Value::Held(value.tensor())));
        Parameters { entries: entries.collect(), places: self.places.clone() }
    }

    /// All of them, in order, each made when its turn comes.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Arc<Tensor>)> {
        self.entries.iter().map(|(path, value)| (path, value.tensor()))
    }

    /// Their keys and shapes, in order.
    pub fn shapes(&self) -> impl Iterator<Item = (&Arc<str>, &[usize])> {
        self.entries.iter().map(|(path, value)| (path, value.shape()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(Arc<str>, Tensor)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Tensor)>>(tensors: I) -> Self {
        let mut parameters = Parameters::default();
        for (path, tensor) in tensors {
            parameters.insert(path, tensor);
        }
        parameters
    }
}

/// The bytes of a float32 tensor.
pub(crate) fn size_bytes(shape: &[usize]) -> u64 {
    shape.iter().fold(4, |product: u64, &size| product.saturating_mul(size as u64))
}

/// A number of bytes for people.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..10_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::graph::{Graph, Initialiser, Parameter};
    use cnnc_grammar::span::Span;

    fn graph(parameters: &[(&str, &[usize], Initialiser)]) -> Graph {
        let parameter = |(path, shape, initialiser): &(&str, &[usize], Initialiser)| Parameter {
            path: (*path).into(),
            aliases: Vec::new(),
            shape: shape.to_vec(),
            trainable: true,
            initialiser: initialiser.clone(),
            span: Span::default(),
        };
        Graph { parameters: parameters.iter().map(parameter).collect(), ..Graph::default() }
    }

    #[test]
    fn another_parameter_changes_no_numbers() {
        let first = ("1.weight", [3, 5].as_slice(), Initialiser::fan_in(5));
        let alone = Parameters::draw(&graph(std::slice::from_ref(&first)), 1).unwrap();
        let other = ("0.weight", [4, 4].as_slice(), Initialiser::Normal { mean: 0.0, std: 0.01 });
        let both = Parameters::draw(&graph(&[other, first]), 1).unwrap();
        assert_eq!(alone.get("1.weight"), both.get("1.weight"));
        assert_ne!(alone.get("1.weight").unwrap().data()[..4], both.get("0.weight").unwrap().data()[..4]);
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn parameters_past_memory_are_refused_before_any_is_drawn() {
        let huge = graph(&[("a", &[usize::MAX, usize::MAX], Initialiser::Constant(0.0))]);
        assert_eq!(Parameters::draw(&huge, 0).unwrap_err().code, Code::E401);
    }
}
