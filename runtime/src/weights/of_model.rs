//! The weights of a model: every parameter and buffer under PyTorch's key.
//!
//! They come from the spec's initialisers or a file of weights, or are put in one by one; each is held against the model, so a
//! `Weights` always has all keys that its model has, in their sizes, and no other.

use super::{Loaded, WeightsOptions, load_as, load_bytes_as, quantised, save};
use crate::answer::Scores;
use crate::failure::{failure, note};
use crate::view::AsTensorView;
use crate::{Model, Parameters, Result, Tensor};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::ops::Chances;
use cnnc_compiler::passes::Quantisations;
use std::path::Path;
use std::sync::Arc;

/// Weights of a model. Clones share what nobody changes.
#[derive(Clone)]
pub struct Weights {
    model: Model,
    parameters: Parameters,
    notes: Vec<Diagnostic>,
    /// What their file calls the classes of a model that has no `labels`.
    class_names: Arc<[String]>,
    /// Whether they were trained on samples that may have several classes.
    multi_label: bool,
    /// Which values of a run are bytes.
    quantisations: Arc<Quantisations>,
}

impl Weights {
    /// Parameters that are known to be this model's.
    pub(crate) fn of(model: &Model, parameters: Parameters) -> Weights {
        let (class_names, quantisations) = (Arc::default(), Arc::default());
        Weights { model: model.clone(), parameters, notes: Vec::new(), class_names, multi_label: false, quantisations }
    }

    /// Those of a file: safetensors, or a checkpoint of PyTorch. It stays open, and each tensor is read when it is needed.
    ///
    /// # Errors
    /// E601 when the file cannot be read, E603 when it is no file of weights, E602 with all differences when it does not fit the
    /// model.
    pub fn from_file(path: impl AsRef<Path>, model: &Model) -> Result<Weights> {
        Weights::from_file_as(&WeightsOptions::default(), path, model)
    }

    /// As [`Weights::from_file`]; the options say which state of the file is meant, and what its keys become.
    ///
    /// # Errors
    /// As [`Weights::from_file`], and E602 when the file lacks what the options name.
    pub fn from_file_as(options: &WeightsOptions, path: impl AsRef<Path>, model: &Model) -> Result<Weights> {
        let loaded = load_as(path.as_ref(), &model.graph().graph, options)?;
        Ok(Weights::loaded(path.as_ref(), model, loaded))
    }

    /// As [`Weights::from_file`], of a file whose keys begin with a prefix that the model's do not have.
    ///
    /// # Errors
    /// As [`Weights::from_file`].
    pub fn from_file_under(prefix: &str, path: impl AsRef<Path>, model: &Model) -> Result<Weights> {
        Weights::from_file_as(&WeightsOptions::default().without_prefix(prefix), path, model)
    }

    /// Those of a file whose bytes are here, such as one that the program holds; `name` is what messages call them.
    ///
    /// # Errors
    /// As [`Weights::from_file`].
    pub fn from_bytes(name: &str, bytes: &[u8], model: &Model) -> Result<Weights> {
        let options = WeightsOptions::default();
        let loaded = load_bytes_as(Path::new(name), bytes, &model.graph().graph, &options)?;
        Ok(Weights::loaded(Path::new(name), model, loaded))
    }

    /// What was read from a file. Its names of classes serve a model that has none and tells as many apart; others are said.
    fn loaded(path: &Path, model: &Model, loaded: Loaded) -> Weights {
        let Loaded { parameters, mut notes, class_names, multi_label, quantisations } = loaded;
        let quantisations = Arc::new(quantisations);
        let weights = Weights { multi_label, quantisations, ..Weights::of(model, parameters) };
        let Some(names) = class_names else { return Weights { notes, ..weights } };
        let (file, labels) = (path.display(), model.labels());
        let classes = model.classes();
        let conflict = match classes {
            Some(classes) if classes != names.len() => {
                let (model, count) = (model.name(), names.len());
                Some(format!(
                    "`{file}` names {count} classes, and {model} tells {classes} apart: the names are left out"
                ))
            }
            _ if !labels.is_empty() && labels != names.as_slice() => {
                let differing = labels.iter().zip(&names).enumerate().find(|(_, (label, name))| label != name);
                let first = differing.map_or_else(String::new, |(class, (label, name))| {
                    format!(": class {class} is `{name}` there, and `{label}` here")
                });
                Some(format!(
                    "`{file}` was trained with other names than the model's `labels`{first}; the labels count"
                ))
            }
            _ => None,
        };
        let is_taken = conflict.is_none() && labels.is_empty() && classes.is_some();
        notes.extend(conflict.map(|said| note(Code::E602, said)));
        let class_names = if is_taken { names.into() } else { Arc::default() };
        Weights { notes, class_names, ..weights }
    }

    /// With the numbers that bytes of the model's values stand for, as calibration found them: the processor computes those of
    /// bytes then.
    #[must_use]
    pub fn with_quantisations(self, quantisations: Quantisations) -> Weights {
        Weights { quantisations: Arc::new(quantisations), ..self }
    }

    /// The numbers that bytes of values stand for, by the values' names; empty where all of them are floats.
    pub fn quantisations(&self) -> &Arc<Quantisations> {
        &self.quantisations
    }

    /// What the classes are called: the model's `labels`, or the names with which these weights were trained.
    pub fn labels(&self) -> &[String] {
        match self.model.labels() {
            [] => &self.class_names,
            labels => labels,
        }
    }

    /// What the scores of classes mean: of one class or of each by itself, as these weights were trained, or as the model's last
    /// layer says.
    pub fn scores(&self) -> Scores {
        match (self.model.chances(), self.multi_label) {
            (Some(Chances::OfEach), _) => Scores::ChancesOfEach,
            (_, true) => Scores::OfEach,
            (_, false) => Scores::OfOne,
        }
    }

    /// What people should know of how their file was read: a state that was found, a prefix that was taken off, numbers that were
    /// brought to float32.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// The model whose they are.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The keys and sizes, in the order of PyTorch's `state_dict`.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.parameters.shapes().map(|(key, shape)| (&**key, shape))
    }

    /// The tensor of a key. One that is still in its file, or not drawn yet, is made now.
    ///
    /// # Errors
    /// E602 when the model has none of that key; E601 and E603 when it cannot be read any more.
    pub fn get(&self, key: &str) -> Result<Arc<Tensor>> {
        self.parameters.get(key)
    }

    /// Puts values in the place of those of a key. What was prepared before keeps the old ones.
    ///
    /// # Errors
    /// E602 when the model has none of that key, or it has other sizes or another type.
    pub fn set(&mut self, key: &str, values: &impl AsTensorView) -> Result<()> {
        let values = values.view();
        let shape = self.parameters.shape(key).ok_or_else(|| self.parameters.missing(key))?;
        let element = self.parameters.element(key);
        if shape != values.shape() || element.is_some_and(|element| element != values.element()) {
            let element = element.unwrap_or(values.element());
            let message = format!("`{key}` is to be {:?} of {}", values.shape(), values.element());
            return Err(failure(Code::E602, format!("{message}, and the model wants {shape:?} of {element}")));
        }
        self.parameters.insert(key, values.to_tensor());
        Ok(())
    }

    /// Writes them as a safetensors file, whole or not at all, under the same keys. PyTorch reads it.
    ///
    /// # Errors
    /// E601 when it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save(path.as_ref(), &self.parameters, &[])
    }

    /// As [`Weights::save`], with the weights that are multiplied as bytes as int8, rounded as a run rounds them, and the numbers
    /// that bytes of values stand for.
    ///
    /// # Errors
    /// E601 when it cannot be written, and as [`Weights::get`].
    pub fn save_quantised(&self, path: impl AsRef<Path>) -> Result<()> {
        quantised::save(path.as_ref(), &self.parameters, &self.quantisations, &self.class_names)
    }

    /// The parameters themselves.
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::Weights;
    use crate::{Model, Tensor};
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn keys_are_the_models_and_values_come_back() {
        let model = Model::from_text("a.cnn", "model A { input [N, 2]; Linear(3); BatchNorm1d }").unwrap();
        let mut weights = model.init(1).unwrap();
        let keys: Vec<&str> = weights.keys().map(|(key, _)| key).collect();
        assert_eq!(keys[..2], ["0.weight", "0.bias"]);
        let bias = Tensor::new(&[3], vec![1.0, 2.0, 3.0]).unwrap();
        let before = weights.clone();
        weights.set("0.bias", &bias).unwrap();
        assert_eq!(*weights.get("0.bias").unwrap(), bias);
        assert_ne!(*before.get("0.bias").unwrap(), bias);
        let unknown = weights.set("0.bais", &bias).unwrap_err();
        assert_eq!(
            (unknown.code(), unknown.help.as_slice()),
            (Code::E602, ["there is one named `0.bias`".to_owned()].as_slice())
        );
        let other = weights.set("0.weight", &bias).unwrap_err();
        assert_eq!(other.message, "`0.weight` is to be [3] of float32, and the model wants [3, 2] of float32");
        let counter = weights.set("1.num_batches_tracked", &Tensor::filled(&[], 1.0)).unwrap_err();
        assert!(counter.message.ends_with("[] of uint64"), "{}", counter.message);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        weights.save(&path).unwrap();
        let read = Weights::from_file(&path, &model).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let held = Weights::from_bytes("bytes", &bytes, &model).unwrap();
        for (key, _) in weights.keys() {
            assert_eq!(weights.get(key).unwrap(), read.get(key).unwrap(), "{key}");
            assert_eq!(weights.get(key).unwrap(), held.get(key).unwrap(), "{key}");
        }
    }
}
