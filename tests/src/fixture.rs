//! Fixtures made with PyTorch: safetensors files of float64 answers, with metadata that say what was asked.

use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A fixture file.
pub struct Fixture {
    /// The file's name without its ending.
    pub name: String,
    bytes: Vec<u8>,
    metadata: HashMap<String, String>,
}

impl Fixture {
    /// Every fixture of a folder under `reference`, by name.
    ///
    /// # Panics
    /// When there is none, or one cannot be read.
    pub fn all(folder: &str) -> Vec<Fixture> {
        let entries = std::fs::read_dir(Path::new("reference").join(folder)).expect("a folder of fixtures");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "safetensors"));
        paths.sort();
        assert!(!paths.is_empty(), "no fixture in {folder}");
        paths.iter().map(|path| Fixture::read(path)).collect()
    }

    fn read(path: &Path) -> Fixture {
        let bytes = std::fs::read(path).expect("a fixture");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let metadata = header.metadata().clone().unwrap_or_default();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        Fixture { name, bytes, metadata }
    }

    /// A text of the metadata.
    ///
    /// # Panics
    /// When it is not there.
    pub fn text(&self, key: &str) -> &str {
        self.metadata.get(key).unwrap_or_else(|| panic!("{} has no `{key}`", self.name))
    }

    /// A text of the metadata as JSON.
    ///
    /// # Panics
    /// When it is not there, or no JSON.
    pub fn json(&self, key: &str) -> serde_json::Value {
        serde_json::from_str(self.text(key)).unwrap_or_else(|error| panic!("{}, {key}: {error}", self.name))
    }

    /// Sizes in the metadata.
    ///
    /// # Panics
    /// When they are not there.
    pub fn shape(&self, key: &str) -> Vec<usize> {
        sizes(&self.json(key))
    }

    /// A tensor's sizes and values.
    ///
    /// # Panics
    /// When it is not there, or not in float64.
    pub fn tensor(&self, key: &str) -> (Vec<usize>, Vec<f64>) {
        let file = SafeTensors::deserialize(&self.bytes).expect("a fixture");
        let view = file.tensor(key).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!(view.dtype(), Dtype::F64, "{}: {key}", self.name);
        let values = view.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        (view.shape().to_vec(), values)
    }
}

/// A JSON list of sizes.
///
/// # Panics
/// When it is something else.
pub fn sizes(value: &serde_json::Value) -> Vec<usize> {
    let size = |value: &serde_json::Value| value.as_u64().and_then(|size| size.try_into().ok()).expect("a size");
    value.as_array().expect("sizes").iter().map(size).collect()
}
