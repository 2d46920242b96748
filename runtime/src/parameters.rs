//! The parameters of a network: one float32 tensor for each entry of the layer graph, found by key.
//!
//! They are drawn from the graph's initialisers here, or read by `weights.rs`. Tensors are shared, so that several engines (other
//! batch sizes, other devices) hold the same ones.

use crate::draw::draw;
use crate::failure::failure;
use crate::{Result, Tensor, host};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{Graph, Parameter};
use std::collections::HashMap;
use std::sync::Arc;

/// Parameters and buffers by key, in `state_dict` order.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    entries: Vec<(Arc<str>, Arc<Tensor>)>,
    places: HashMap<Arc<str>, usize>,
}

impl Parameters {
    /// Draws every parameter of a graph by its initialiser. The numbers depend on seed, key and shape alone.
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
        let draw = |parameter: &Parameter| (parameter.path.clone(), draw(parameter, seed));
        Ok(graph.parameters.iter().map(draw).collect())
    }

    /// Adds a tensor, or puts it in the place of the one of that key.
    pub fn insert(&mut self, path: impl Into<Arc<str>>, tensor: Tensor) {
        let (path, tensor) = (path.into(), Arc::new(tensor));
        if let Some(&place) = self.places.get(&path) {
            self.entries[place].1 = tensor;
            return;
        }
        self.places.insert(path.clone(), self.entries.len());
        self.entries.push((path, tensor));
    }

    /// The tensor of a key.
    pub fn get(&self, path: &str) -> Option<&Arc<Tensor>> {
        self.places.get(path).map(|&place| &self.entries[place].1)
    }

    /// The tensor of a key, to be changed; copied first when something else holds it too, such as a checkpoint that is being written.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Tensor> {
        self.places.get(path).map(|&place| Arc::make_mut(&mut self.entries[place].1))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Tensor>)> {
        self.entries.iter().map(|(path, tensor)| (path, tensor))
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
    if bytes < 10 << 30 { format!("{} MB", bytes / 1_000_000) } else { format!("{} GB", bytes / 1_000_000_000) }
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
