//! The parameters of a network: one tensor for each entry of the layer graph, found by key; of whole numbers for what counts,
//! else of float32.
//!
//! They are drawn from the graph's initialisers, or lie in a file that `weights` has opened; either way a tensor is made when
//! somebody asks for it and goes when they are done with it, so that an engine which packs its weights one after the other never
//! holds all of them twice. What cannot be read by then is an error. Tensors that were put in are held, and shared by all who
//! ask.

use crate::cpu::blocked::pool::Pool;
use crate::failure::{failure, fault, note};
use crate::initialise::Drawn;
use crate::{Error, Result, Tensor, host};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::{Graph, Initialiser, Parameter};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Parameters and buffers by key, in `state_dict` order.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    entries: Vec<Entry>,
    places: HashMap<Arc<str>, usize>,
}

/// A parameter.
#[derive(Clone, Debug)]
struct Entry {
    path: Arc<str>,
    value: TensorSource,
}

/// A tensor that is here, or a way to make it.
#[derive(Clone)]
pub(crate) enum TensorSource {
    /// It is here.
    Held(Arc<Tensor>),
    /// What makes it.
    Made(Arc<dyn Make>),
}

/// A way to make a tensor: the same values each time.
pub(crate) trait Make: Send + Sync {
    /// Its sizes.
    fn shape(&self) -> &[usize];

    /// What its elements are.
    fn element(&self) -> ElementType;

    /// The tensor.
    fn make(&self, room: Room<'_>) -> Result<Tensor>;

    /// It in parts; `None` when a part costs more than its share.
    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>>;
}

/// A tensor of float32 that comes in parts.
pub(crate) trait Parts: Send + Sync {
    /// Its values from `start` on, row by row, in `into`.
    fn part(&self, start: usize, into: &mut [f32]) -> Result<()>;
}

impl Parts for Tensor {
    fn part(&self, start: usize, into: &mut [f32]) -> Result<()> {
        into.copy_from_slice(&self.data()[start..][..into.len()]);
        Ok(())
    }
}

/// What a tensor is made with.
#[derive(Default)]
pub(crate) struct Room<'p> {
    /// Memory that it may lie in, of any length and content: pages that the system made before cost less than new ones.
    pub memory: Vec<f32>,
    /// Threads that may help.
    pub pool: Option<&'p Pool>,
}

impl Room<'_> {
    /// Memory of exactly so many floats, of any value.
    pub fn floats(self, count: usize) -> Vec<f32> {
        let mut memory = self.memory;
        if memory.capacity() < count {
            return vec![0.0; count];
        }
        memory.resize(count, 0.0);
        memory
    }
}

impl TensorSource {
    /// A tensor that is here.
    pub fn held(tensor: Tensor) -> TensorSource {
        TensorSource::Held(Arc::new(tensor))
    }

    /// A tensor that is made whenever it is asked for.
    pub fn made(make: impl Make + 'static) -> TensorSource {
        TensorSource::Made(Arc::new(make))
    }

    fn shape(&self) -> &[usize] {
        match self {
            TensorSource::Held(tensor) => tensor.shape(),
            TensorSource::Made(make) => make.shape(),
        }
    }

    fn element(&self) -> ElementType {
        match self {
            TensorSource::Held(tensor) => tensor.element(),
            TensorSource::Made(make) => make.element(),
        }
    }

    fn tensor<'p>(&self, room: impl FnOnce() -> Room<'p>) -> Result<Arc<Tensor>> {
        match self {
            TensorSource::Held(tensor) => Ok(tensor.clone()),
            TensorSource::Made(make) => make.make(room()).map(Arc::new),
        }
    }
}

impl fmt::Debug for TensorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TensorSource::Held(tensor) => tensor.fmt(f),
            TensorSource::Made(make) => write!(f, "{:?} to be made", make.shape()),
        }
    }
}

impl Parameters {
    /// A note that [`Parameters::draw`] draws, where the spec does not give all values.
    pub fn drawn_note(graph: &Graph, seed: u64) -> Option<Diagnostic> {
        let is_drawn = |one: &Parameter| !matches!(one.initialiser, Initialiser::Values(_));
        let message =
            format!("the parameters are drawn as the spec says, from seed {seed}; --weights loads trained ones");
        graph.parameters.iter().any(is_drawn).then(|| note(Code::E602, message))
    }

    /// Every parameter of a graph as its initialiser draws it. The numbers depend on seed, key and shape alone.
    ///
    /// # Errors
    /// E401 when the parameters are larger than this machine's memory.
    pub fn draw(graph: &Graph, seed: u64) -> Result<Parameters> {
        let bytes = graph.parameters.iter().map(|parameter| parameter.element().tensor_bytes(&parameter.shape));
        let bytes = bytes.fold(0, u64::saturating_add);
        let available = host::available_memory_bytes();
        if bytes > available {
            let message = format!("the parameters take {}, and {} are free", megabytes(bytes), megabytes(available));
            return Err(failure(Code::E401, message));
        }
        let mut parameters = Parameters::default();
        for parameter in graph.parameters.iter().cloned() {
            parameters.put(parameter.path.clone(), TensorSource::made(Drawn { parameter, seed }));
        }
        Ok(parameters)
    }

    /// Adds a tensor, or puts it in the place of the one of that key.
    pub fn insert(&mut self, path: impl Into<Arc<str>>, tensor: Tensor) {
        self.put(path.into(), TensorSource::held(tensor));
    }

    /// As [`Parameters::insert`], of a tensor that may not be here yet.
    pub(crate) fn put(&mut self, path: Arc<str>, value: TensorSource) {
        if let Some(&place) = self.places.get(&path) {
            self.entries[place].value = value;
            return;
        }
        self.places.insert(path.clone(), self.entries.len());
        self.entries.push(Entry { path, value });
    }

    /// The tensor of a key. One that is not held is made anew each time.
    ///
    /// # Errors
    /// E602 when there is none of that key; E601 and E603 when it cannot be read, or its file has changed since it was opened.
    pub fn get(&self, path: &str) -> Result<Arc<Tensor>> {
        self.get_in(path, Room::default)
    }

    /// As [`Parameters::get`]; where the tensor has to be made, with what `room` gives.
    pub(crate) fn get_in<'p>(&self, path: &str, room: impl FnOnce() -> Room<'p>) -> Result<Arc<Tensor>> {
        self.entry(path).ok_or_else(|| self.missing(path))?.value.tensor(room)
    }

    /// The tensor of a key in parts, which are made when they are asked for where that is possible.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub(crate) fn parts(&self, path: &str) -> Result<Arc<dyn Parts>> {
        match &self.entry(path).ok_or_else(|| self.missing(path))?.value {
            TensorSource::Held(tensor) => Ok(tensor.clone()),
            TensorSource::Made(make) => match make.clone().parts() {
                Some(parts) => Ok(parts),
                None => Ok(Arc::new(make.make(Room::default())?)),
            },
        }
    }

    /// The shape of the tensor of a key; `None` when there is none.
    pub fn shape(&self, path: &str) -> Option<&[usize]> {
        self.entry(path).map(|entry| entry.value.shape())
    }

    /// What the elements of the tensor of a key are: its layer says so, not its name. `None` when there is none.
    pub fn element(&self, path: &str) -> Option<ElementType> {
        self.entry(path).map(|entry| entry.value.element())
    }

    /// The tensor of a key, held from now on, to be changed; copied first when something else holds it too, such as a checkpoint
    /// that is being written.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn get_mut(&mut self, path: &str) -> Result<&mut Tensor> {
        let Some(&place) = self.places.get(path) else { return Err(self.missing(path)) };
        let value = &mut self.entries[place].value;
        if let TensorSource::Made(make) = value {
            *value = TensorSource::held(make.make(Room::default())?);
        }
        match value {
            TensorSource::Held(tensor) => Ok(Arc::make_mut(tensor)),
            TensorSource::Made(..) => Err(fault(format!("`{path}` is not held"))),
        }
    }

    /// The same parameters, all of them made and held.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn held(&self) -> Result<Parameters> {
        let held = |entry: &Entry| {
            Ok(Entry { value: TensorSource::Held(entry.value.tensor(Room::default)?), ..entry.clone() })
        };
        Ok(Parameters { entries: self.entries.iter().map(held).collect::<Result<_>>()?, places: self.places.clone() })
    }

    /// The same, with others in the place of those of their keys.
    pub(crate) fn with(mut self, others: &Parameters) -> Parameters {
        for Entry { path, value } in &others.entries {
            self.put(path.clone(), value.clone());
        }
        self
    }

    /// Those whose key is wanted.
    pub fn filtered(&self, is_wanted: impl Fn(&str) -> bool) -> Parameters {
        let mut parameters = Parameters::default();
        for Entry { path, value } in self.entries.iter().filter(|entry| is_wanted(&entry.path)) {
            parameters.put(path.clone(), value.clone());
        }
        parameters
    }

    /// All of them, in order, each made when its turn comes.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Result<Arc<Tensor>>)> {
        self.entries.iter().map(|entry| (&entry.path, entry.value.tensor(Room::default)))
    }

    /// Their keys and shapes, in order.
    pub fn shapes(&self) -> impl Iterator<Item = (&Arc<str>, &[usize])> {
        self.entries.iter().map(|entry| (&entry.path, entry.value.shape()))
    }

    fn entry(&self, path: &str) -> Option<&Entry> {
        self.places.get(path).map(|&place| &self.entries[place])
    }

    /// The failure to say that there is no such parameter.
    pub(crate) fn missing(&self, path: &str) -> Error {
        let mut missing = failure(Code::E602, format!("the parameter `{path}` is missing"));
        if let Some(near) = nearest(path, self.shapes().map(|(path, _)| path.as_ref())) {
            missing.help.push(format!("there is one named `{near}`"));
        }
        missing
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
            is_counter: false,
            learning: cnnc_compiler::graph::Learning::default(),
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
        assert_eq!(alone.get("1.weight").unwrap(), both.get("1.weight").unwrap());
        assert_ne!(alone.get("1.weight").unwrap().data()[..4], both.get("0.weight").unwrap().data()[..4]);
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn parameters_past_memory_are_refused_before_any_is_drawn() {
        let huge = graph(&[("a", &[usize::MAX, usize::MAX], Initialiser::Constant(0.0))]);
        assert_eq!(Parameters::draw(&huge, 0).unwrap_err().code, Code::E401);
    }
}
