//! A file of weights that is open: what it holds is known, and models can be held against it one after the other.

use super::class_names;
use super::contents::{Contents, contents};
use super::keys::{self, Entries};
use super::options::WeightsOptions;
use super::quantised::Scaled;
use super::source::{Source, StoredFile};
use super::stored::StoredTensor;
use super::{Loaded, Unread, matched, matching, tensor};
use crate::Result;
use crate::failure::{fault, note};
use crate::parameters::{Room, TensorSource};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::{Graph, Parameter};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// A file of weights.
pub(crate) struct OpenWeights {
    file: Arc<StoredFile>,
    contents: Contents,
    found: Entries,
    options: WeightsOptions,
}

/// The tensors of a file under one reading of their keys.
pub(crate) struct Keyed(Entries);

/// Sizes that differ: those of the graph, and those of the file.
pub(crate) type Differing = Vec<(Vec<usize>, Vec<usize>)>;

impl OpenWeights {
    /// Opens a file, and finds the state in it that the options say.
    ///
    /// # Errors
    /// E601 when the file cannot be read, E603 when it is no file of weights, E602 when what the options say is not in it.
    pub fn open(path: &Path, options: &WeightsOptions) -> Result<OpenWeights> {
        let file = Arc::new(StoredFile::open(path)?);
        let mut contents = contents(&*file, options.key.as_deref())?;
        let found = keys::entries(path, std::mem::take(&mut contents.entries), options)?;
        Ok(OpenWeights { file, contents, found, options: options.clone() })
    }

    /// The parameters of a graph. Each is read when it is asked for: a file that somebody changes before that is an error then.
    ///
    /// # Errors
    /// E602 with all differences when they do not fit.
    pub fn fit(&self, graph: &Graph) -> Result<Loaded> {
        let value = |entry: &StoredTensor, element, scales: Option<Arc<[f32]>>| {
            let file = self.file.clone();
            match element {
                ElementType::Float32 | ElementType::Uint8(_) => {
                    let unread = Unread { file, entry: entry.clone(), element };
                    Ok(match scales {
                        Some(scales) => TensorSource::made(Scaled { unread, scales }),
                        None => TensorSource::made(unread),
                    })
                }
                ElementType::Uint64 => tensor(&*file, entry, element, Room::default()).map(TensorSource::held),
            }
        };
        matched(&*self.file, graph, (&self.found, &self.contents, &self.options), value)
    }

    /// As [`OpenWeights::fit`], without the keys that are ignored: the graph's have no parameter in what comes back, and the
    /// file's are left out.
    ///
    /// # Errors
    /// As [`OpenWeights::fit`].
    pub fn fit_without(self, graph: &Graph, is_ignored: impl Fn(&str) -> bool) -> Result<Loaded> {
        let is_kept = |parameter: &&Parameter| !matching::keys_of(parameter).any(&is_ignored);
        let parameters = graph.parameters.iter().filter(is_kept).cloned().collect();
        let wanted = Graph { name: graph.name.clone(), parameters, ..Graph::default() };
        let mut readings = self.readings().into_iter().map(|Keyed(entries)| {
            let left_out = entries.iter().filter(|entry| is_ignored(&entry.key)).map(|entry| entry.stored.clone());
            let left_out: Vec<String> = left_out.collect();
            let kept = entries.mapped(|key| (!is_ignored(key)).then(|| key.to_owned()));
            kept.map(|kept| (kept, left_out))
                .map_err(|[one, other]| fault(format!("`{one}` and `{other}` became one key")))
        });
        let as_it_is = readings.next().transpose()?.unwrap_or((self.found.clone(), Vec::new()));
        let fitting = readings.filter_map(Result::ok).find(|(kept, _)| matching::fits(&wanted, kept));
        let is_fit = matching::fits(&wanted, &as_it_is.0);
        let (found, others) = if is_fit { as_it_is } else { fitting.unwrap_or(as_it_is) };
        let mut loaded = OpenWeights { found, ..self }.fit(&wanted)?;
        if let Some(first) = others.first() {
            let more = match others.len() - 1 {
                0 => "is".to_owned(),
                more => format!("and {more} more are"),
            };
            loaded.notes.push(note(Code::E602, format!("`{first}` {more} left out, as `ignore` says")));
        }
        Ok(loaded)
    }

    /// The same file without the tensors that a graph has not, and their keys.
    ///
    /// # Errors
    /// E602 when two would have one key, which none has here.
    pub fn only(self, graph: &Graph) -> Result<(OpenWeights, Vec<String>)> {
        let known: HashSet<&str> = graph.parameters.iter().flat_map(matching::keys_of).collect();
        let is_known = |key: &str| known.contains(key);
        let others = self.found.iter().filter(|entry| !is_known(&entry.key)).map(|entry| entry.key.clone()).collect();
        let found = self.found.mapped(|key| is_known(key).then(|| key.to_owned()));
        let found = found.map_err(|[one, other]| fault(format!("`{one}` and `{other}` became one key")))?;
        Ok((OpenWeights { found, ..self }, others))
    }

    /// The keys as they are, and as they are without what wrappers put in, the simplest reading first.
    pub fn readings(&self) -> Vec<Keyed> {
        let mut all = vec![Keyed(self.found.clone())];
        if self.contents.is_pytorch && self.options.prefix.is_empty() {
            all.extend(keys::readings(&self.found).into_iter().map(|reading| Keyed(reading.entries)));
        }
        all
    }

    /// Keys and sizes of all tensors, in the file's order, without what wrappers put in front of all of them.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let unwrapped = keys::unwrapped(&self.found).filter(|_| self.contents.is_pytorch);
        let entries = unwrapped.map_or_else(|| self.found.clone(), |reading| reading.entries);
        entries.iter().map(|entry| (entry.key.clone(), entry.tensor.shape.clone())).collect()
    }

    /// How PyTorch makes a module of its state, in Python.
    pub fn loading(&self) -> String {
        let file = self.file.path().display();
        if self.contents.module.is_some() {
            let under = self.under();
            return format!("model = torch.load(\"{file}\", map_location=\"cpu\", weights_only=False){under}");
        }
        match self.contents.is_pytorch {
            true => format!("model.load_state_dict(torch.load(\"{file}\", map_location=\"cpu\"){})", self.under()),
            false => format!("model.load_state_dict(safetensors.torch.load_file(\"{file}\"))"),
        }
    }

    /// The keys under which the state lies, as Python writes them.
    fn under(&self) -> String {
        self.contents.under.iter().map(|key| format!("[{key:?}]")).collect()
    }

    /// Whether it is a checkpoint of PyTorch.
    pub fn is_pytorch(&self) -> bool {
        self.contents.is_pytorch
    }

    /// What the file calls the classes that its weights tell apart.
    pub fn class_names(&self) -> Option<Vec<String>> {
        class_names::read(&self.contents.about)
    }

    /// What was found and chosen, to be said.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.contents.notes
    }
}

impl Keyed {
    /// The sizes in which a graph's parameters differ from the file's, if both have the same keys.
    pub fn differing(&self, graph: &Graph) -> Option<Differing> {
        if !matching::fits(graph, &self.0) {
            return None;
        }
        let pairs = graph.parameters.iter().filter_map(|parameter| {
            let stored = matching::keys_of(parameter).find_map(|key| self.0.get(key))?;
            Some((parameter.shape.clone(), stored.tensor.shape.clone()))
        });
        Some(pairs.filter(|(graph, file)| graph != file).collect())
    }

    /// Whether the file has all parameters of a graph in their sizes, and perhaps others.
    pub fn has_all(&self, graph: &Graph) -> bool {
        graph.parameters.iter().all(|parameter| parameter.is_counter || self.holds(parameter))
    }

    fn holds(&self, parameter: &Parameter) -> bool {
        let stored = matching::keys_of(parameter).find_map(|key| self.0.get(key));
        stored.is_some_and(|entry| entry.tensor.shape == parameter.shape)
    }

    /// How many of a graph's parameters the file has, in their sizes, and how many tensors it has besides.
    pub fn shared(&self, graph: &Graph) -> (usize, usize) {
        let shared = graph.parameters.iter().filter(|parameter| self.holds(parameter)).count();
        (shared, self.0.len() - shared)
    }
}
