//! Checkpoints: everything that a run is gone on from, in one safetensors file.
//!
//! Parameters stand under PyTorch's keys, the optimiser's state under keys that begin with a dot; counters, sums, settings and
//! history are metadata. A file is written beside its place, synced and moved there, so that a run which is killed at any moment
//! leaves the whole one before.

use super::exact;
use super::history::History;
use crate::failure::{failure, file_failure};
use crate::weights::{class_names, multi_label};
use crate::{Parameters, Result, weights};
use cnnc_compiler::diagnostic::Code;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The newest checkpoint of a run's folder.
pub const LAST: &str = "last.safetensors";
/// The one before.
pub const PREVIOUS: &str = "previous.safetensors";
/// The weights of the best epoch.
pub const BEST: &str = "best.safetensors";
/// The key of the metadata.
const KEY: &str = "cnnc";

/// Where a run is, and what it was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs that are over.
    pub epoch: usize,
    /// Batches of this epoch that are over.
    pub batch: usize,
    /// Steps of the run so far; the generators' counter.
    pub step: u64,
    /// What this epoch has come to so far.
    pub sums: Sums,
    /// The epochs that are over.
    pub history: History,
    /// Before which epochs something became free that was frozen, as many as were over, and the steps that were over then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub begun: BTreeMap<usize, u64>,
    /// Everything that the numbers depend on: settings of the recipe, the network's digest, the instruction set.
    pub settings: BTreeMap<String, String>,
    /// Every value of the recipe under its dotted path, as text, for people.
    #[serde(default)]
    pub recipe: BTreeMap<String, String>,
    /// What the classes are called, which files of weights say; none where they have no names.
    #[serde(skip)]
    pub class_names: Vec<String>,
    /// Whether a picture may have several of them, which files of weights say too.
    #[serde(skip)]
    pub multi_label: bool,
}

impl Progress {
    /// What files of its weights say beside their tensors.
    pub(super) fn about_weights(&self) -> Vec<(&'static str, String)> {
        let of_classes = class_names::entry(&self.class_names).into_iter().chain(multi_label::entry(self.multi_label));
        std::iter::once(("format", "pt".to_owned())).chain(of_classes).collect()
    }
}

/// What an epoch has come to so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Losses of batches, each times what it is the mean over.
    #[serde(with = "exact")]
    pub loss: f64,
    /// What these are means over, added up: the samples, or the weights of their classes.
    #[serde(with = "exact")]
    pub weight: f64,
    /// Samples that were right; `None` where the loss does not tell.
    pub correct: Option<usize>,
    /// Samples.
    pub seen: usize,
    /// Seconds that the steps took, loading included.
    #[serde(with = "exact", default)]
    pub seconds: f64,
}

impl Sums {
    /// The mean loss so far.
    pub fn mean(&self) -> f64 {
        if self.weight > 0.0 { self.loss / self.weight } else { 0.0 }
    }
}

/// Writes the newest checkpoint of a folder; the one before stays beside it.
///
/// # Errors
/// E601 when it cannot be written; what was there is there still.
pub fn save(folder: &Path, state: &Parameters, progress: &Progress) -> Result<()> {
    let path = folder.join(LAST);
    let text = serde_json::to_string(progress).map_err(|error| file_failure("write", &path, &error.into()))?;
    let about_weights = progress.about_weights();
    let about_weights = about_weights.iter().map(|(key, text)| (*key, text.as_str()));
    let about: Vec<(&str, &str)> = about_weights.chain([(KEY, text.as_str())]).collect();
    weights::save::save_keeping(&path, Some(&folder.join(PREVIOUS)), state, &about)
}

/// Reads a checkpoint.
///
/// # Errors
/// E601 when it cannot be read, E603 when it is damaged, E611 when it is a file of weights alone.
pub fn load(path: &Path) -> Result<(Parameters, Progress)> {
    let (state, mut about) = weights::load_all(path).map_err(|failure| with_previous(path, failure))?;
    let text = about.remove(KEY).ok_or_else(|| {
        let message = format!("`{}` holds weights alone, and no run to go on with", path.display());
        failure(Code::E611, message)
    })?;
    let progress = serde_json::from_str(&text).map_err(|error| {
        let message = format!("`{}` is damaged: its counters cannot be read: {error}", path.display());
        with_previous(path, failure(Code::E603, message))
    })?;
    Ok((state, progress))
}

/// Offers the checkpoint before, where there is one that can be read.
pub(super) fn with_previous(path: &Path, mut failure: crate::Error) -> crate::Error {
    let previous = path.with_file_name(PREVIOUS);
    if previous != path && weights::load_all(&previous).is_ok_and(|(_, about)| about.contains_key(KEY)) {
        failure.help.push(format!("the one before it is whole: `--resume={}`", previous.display()));
    }
    failure
}

/// The checkpoint that a folder's run is gone on from.
pub fn newest(folder: &Path) -> PathBuf {
    folder.join(LAST)
}

/// The differences between what a checkpoint was told and what is told now: in the words of the recipe, which is given by its
/// dotted keys, where these tell the difference.
///
/// # Errors
/// E611 with all of them.
pub fn compare(
    path: &Path,
    progress: &Progress,
    settings: &BTreeMap<String, String>,
    recipe: &BTreeMap<String, String>,
) -> Result<()> {
    let in_recipe = differing(&progress.recipe, recipe);
    let mut notes = Vec::new();
    for (key, note) in differing(&progress.settings, settings) {
        let says = |told: &str| told.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        // How single parameters learn is part of the network.
        let is_of_model = |told: &str| key == "model" && (told.starts_with("freeze") || told.starts_with("optimizer."));
        // A plain value says it all; of the others people know the recipe's words, and not the compiler's.
        let is_plain = !note.contains(['(', '{']);
        let told = in_recipe.iter().filter(|(told, _)| !is_plain && (says(told) || is_of_model(told)));
        let told: Vec<String> = told.map(|(_, note)| note.clone()).collect();
        if told.is_empty() || key == "model" {
            notes.push(note);
        }
        notes.extend(told);
    }
    notes.sort();
    notes.dedup();
    if notes.is_empty() {
        return Ok(());
    }
    let message = format!("`{}` is of another run, and the numbers would not be the same", path.display());
    let mut refused = failure(Code::E611, message);
    refused.notes = notes;
    refused.help.push("change it back, or start anew without --resume".into());
    Err(refused)
}

/// The keys that two maps have with other values, each with that in words.
fn differing<'k>(then: &'k BTreeMap<String, String>, now: &'k BTreeMap<String, String>) -> Vec<(&'k str, String)> {
    let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let one = |key: &'k String| {
        let [then, now] = [then, now].map(|all| all.get(key).map_or("absent", String::as_str));
        (then != now).then(|| (key.as_str(), format!("`{key}` was {then} and is {now}")))
    };
    keys.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use std::fs;

    fn state(value: f32) -> Parameters {
        let mut state = Parameters::default();
        state.insert("0.weight", Tensor::filled(&[2, 3], value));
        state.insert(".momentum_buffer.0.weight", Tensor::filled(&[2, 3], -value));
        state.insert("1.num_batches_tracked", Tensor::count((1 << 53) + 1));
        state
    }

    fn progress(step: u64) -> Progress {
        let settings = [("seed".to_owned(), "3".to_owned())].into_iter().collect();
        let sums = Sums { loss: 0.1 + 0.2, weight: 9.0, correct: Some(5), seen: 9, seconds: 0.3 };
        Progress { epoch: 1, batch: 2, step, sums, settings, ..Progress::default() }
    }

    #[test]
    fn what_is_saved_is_loaded_and_the_one_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &state(1.0), &progress(10)).unwrap();
        save(folder.path(), &state(2.0), &progress(20)).unwrap();
        let (found, at) = load(&newest(folder.path())).unwrap();
        assert_eq!(at, progress(20));
        let data = |key: &str| found.get(key).unwrap().data()[0];
        assert_eq!(["0.weight", ".momentum_buffer.0.weight"].map(data), [2.0, -2.0]);
        assert_eq!(*found.get("1.num_batches_tracked").unwrap(), Tensor::count((1 << 53) + 1));
        assert_eq!(load(&folder.path().join(PREVIOUS)).unwrap().1, progress(10));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_damaged_one_is_told_and_the_one_before_is_offered() {
        let folder = tempfile::tempdir().unwrap();
        let last = newest(folder.path());
        save(folder.path(), &state(1.0), &progress(10)).unwrap();
        save(folder.path(), &state(2.0), &progress(20)).unwrap();
        let whole = fs::read(&last).unwrap();
        for length in [0, 4, 100, whole.len() - 1] {
            fs::write(&last, &whole[..length]).unwrap();
            let failure = load(&last).unwrap_err();
            assert_eq!(failure.code, Code::E603, "{length}: {}", failure.message);
            assert!(failure.help[0].contains("previous.safetensors"), "{:?}", failure.help);
        }
        assert_eq!(load(&folder.path().join(PREVIOUS)).unwrap().1, progress(10));
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), &state(1.0), &progress(10)).unwrap();
        let failure = save(&folder.path().join("none"), &state(2.0), &progress(20)).unwrap_err();
        assert_eq!(failure.code, Code::E601);
        assert_eq!(load(&newest(folder.path())).unwrap().1, progress(10));
    }

    #[test]
    fn another_run_is_refused_with_what_differs() {
        let mut settings = progress(0).settings;
        compare(Path::new("x"), &progress(0), &settings, &BTreeMap::new()).unwrap();
        settings.insert("seed".into(), "4".into());
        settings.insert("batch_size".into(), "8".into());
        let refused = compare(Path::new("x"), &progress(0), &settings, &BTreeMap::new()).unwrap_err();
        assert_eq!(refused.code, Code::E611);
        assert_eq!(refused.notes, ["`batch_size` was absent and is 8", "`seed` was 3 and is 4"]);
        settings.insert("optimizer".into(), "Sgd(Sgd { momentum: 0.9 })".into());
        let told = [("optimizer.momentum".to_owned(), "0.9".to_owned())].into_iter().collect();
        let refused = compare(Path::new("x"), &progress(0), &settings, &told).unwrap_err();
        assert!(
            refused.notes.contains(&"`optimizer.momentum` was absent and is 0.9".to_owned()),
            "{:?}",
            refused.notes
        );
        assert!(refused.notes.iter().all(|note| !note.contains('{')), "{:?}", refused.notes);
    }

    #[test]
    fn weights_alone_are_no_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(BEST);
        weights::save(&path, &state(1.0), &[]).unwrap();
        assert_eq!(load(&path).unwrap_err().code, Code::E611);
    }
}
