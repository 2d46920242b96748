//! The keys of a file as a model has them: a prefix is taken off, names are changed as asked, and what wrappers put in is found.
//!
//! Nothing is guessed in silence: two keys that would become one are an error, a rename that finds nothing is one, and what is
//! taken off without being asked for is said.

use super::options::WeightsOptions;
use super::stored::StoredTensor;
use crate::Result;
use crate::failure::{failure, note};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::training::names::is_state;
use std::collections::HashMap;
use std::path::Path;

/// Names that wrappers of PyTorch put in front of the keys of what they wrap: `DataParallel` and its kin, `torch.compile`, FSDP,
/// checkpointing of activations.
const WRAPPERS: [&str; 5] =
    ["module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
/// What `AveragedModel` counts beside the parameters that it wraps.
const AVERAGED: &str = "n_averaged";

/// A tensor of a file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its key in the file.
    pub stored: String,
    /// Its key in the model.
    pub key: String,
    /// Where its values are.
    pub tensor: StoredTensor,
}

/// The tensors of a file by their keys in the model, in the file's order.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    list: Vec<Entry>,
    places: HashMap<String, usize>,
}

impl Entries {
    /// The tensor of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.list.get(*self.places.get(key)?)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The same under other keys, without those that get none; the first two that would have one key, if any would.
    pub fn mapped(&self, key: impl Fn(&str) -> Option<String>) -> std::result::Result<Entries, [String; 2]> {
        let mut mapped = Entries::default();
        for entry in &self.list {
            let Some(key) = key(&entry.key) else { continue };
            if let Some(first) = mapped.get(&key) {
                return Err([first.stored.clone(), entry.stored.clone()]);
            }
            mapped.places.insert(key.clone(), mapped.list.len());
            mapped.list.push(Entry { key, ..entry.clone() });
        }
        Ok(mapped)
    }
}

/// The tensors of a file under the keys that are asked for. The optimiser's state is passed over.
///
/// # Errors
/// E602 when two would have one key, or a rename finds nothing.
pub fn entries(path: &Path, tensors: Vec<(String, StoredTensor)>, options: &WeightsOptions) -> Result<Entries> {
    let prefix = &options.prefix;
    let file = path.display();
    let mut entries = Entries::default();
    for (stored, tensor) in tensors.into_iter().filter(|(key, _)| !is_state(key)) {
        // The dot behind a prefix may be left out.
        let short = stored.strip_prefix(prefix.as_str());
        let key = short.map_or(stored.as_str(), |short| short.strip_prefix('.').unwrap_or(short)).to_owned();
        if entries.places.insert(key.clone(), entries.list.len()).is_some() {
            let message = format!("`{file}` has both `{prefix}{key}` and `{key}`: without `{prefix}` they are one");
            return Err(failure(Code::E602, message));
        }
        entries.list.push(Entry { stored, key, tensor });
    }
    for rename in &options.renames {
        if !entries.iter().any(|entry| rename.matches(&entry.key)) {
            let mut nothing = failure(Code::E602, format!("the rename `{rename}` finds no key of `{file}`"));
            nothing.notes.extend(first_keys(&entries));
            return Err(nothing);
        }
        entries = entries.mapped(|key| Some(rename.apply(key))).map_err(|[one, other]| {
            failure(Code::E602, format!("the rename `{rename}` makes one key of `{one}` and `{other}` of `{file}`"))
        })?;
    }
    Ok(entries)
}

/// Some keys, to be looked at.
fn first_keys(entries: &Entries) -> Option<String> {
    const SHOWN: usize = 6;
    let keys: Vec<String> = entries.iter().take(SHOWN).map(|entry| format!("`{}`", entry.key)).collect();
    let more = if entries.len() > SHOWN { ", …" } else { "" };
    (!keys.is_empty()).then(|| format!("its keys are {}{more}", keys.join(", ")))
}

/// Another reading of the keys, and what is to be said of it.
pub struct Reading {
    /// The tensors under these keys.
    pub entries: Entries,
    /// What was done, in words.
    pub words: String,
}

/// The readings of keys that wrappers may have changed, the simplest first.
pub fn readings(entries: &Entries) -> Vec<Reading> {
    let prefixes = |entries: &Entries, before: &str| -> Vec<Reading> {
        shared_prefixes(entries).iter().filter_map(|prefix| without_prefix(entries, prefix, before)).collect()
    };
    let mut readings = prefixes(entries, "");
    let has = |name: &&str| entries.iter().any(|entry| entry.key.split('.').any(|part| part == *name));
    let wrappers: Vec<&str> = WRAPPERS.into_iter().filter(has).collect();
    let without =
        |key: &str| Some(key.split('.').filter(|part| !wrappers.contains(part)).collect::<Vec<_>>().join("."));
    if let (false, Ok(unwrapped)) = (wrappers.is_empty(), entries.mapped(without)) {
        let names: Vec<String> = wrappers.iter().map(|name| format!("`{name}.`")).collect();
        let words = format!("{} is taken out of its keys", names.join(" and "));
        readings.push(Reading { entries: unwrapped.clone(), words: words.clone() });
        readings.extend(prefixes(&unwrapped, &format!("{words}, and ")));
    }
    readings
}

/// The keys without what wrappers alone put in front of all of them, which needs no model to be seen.
pub fn unwrapped(entries: &Entries) -> Option<Reading> {
    let is_wrapper = |part: &str| WRAPPERS.contains(&part);
    let is_wrappers = |prefix: &String| prefix.split('.').filter(|part| !part.is_empty()).all(is_wrapper);
    let longest = shared_prefixes(entries).into_iter().rfind(is_wrappers)?;
    without_prefix(entries, &longest, "")
}

/// The keys without a prefix that all have, but for a counter of averages, which goes.
fn without_prefix(entries: &Entries, prefix: &str, before: &str) -> Option<Reading> {
    let stripped = entries.mapped(|key| key.strip_prefix(prefix).map(str::to_owned)).ok()?;
    let is_counted = stripped.len() < entries.len();
    let counter = if is_counted { format!(", and `{AVERAGED}` is left out") } else { String::new() };
    Some(Reading { entries: stripped, words: format!("{before}`{prefix}` is taken off every key{counter}") })
}

/// Prefixes that are tried.
const MOST_PREFIXES: usize = 8;

/// What all keys begin with, up to a dot, the shortest first; a counter of averages may stand beside them.
pub fn shared_prefixes(entries: &Entries) -> Vec<String> {
    let keys = || entries.iter().map(|entry| entry.key.as_str()).filter(|&key| key != AVERAGED);
    let Some(first) = keys().next() else { return Vec::new() };
    let length = |key: &str| first.bytes().zip(key.bytes()).take_while(|(one, other)| one == other).count();
    let shared = keys().map(length).min().unwrap_or(0);
    let ends = first.match_indices('.').map(|(place, dot)| place + dot.len()).filter(|&end| end <= shared);
    ends.take(MOST_PREFIXES).map(|end| first[..end].to_owned()).collect()
}

/// The note of a reading that was chosen.
pub fn said(path: &Path, reading: &Reading) -> Diagnostic {
    note(Code::E602, format!("`{}`: {}", path.display(), reading.words))
}
