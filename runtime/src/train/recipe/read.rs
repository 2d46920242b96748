//! A recipe's text to a [`Recipe`]: the keys of its sections, each asked for once.

use super::section::{Reader, Section, choice, count, text};
use super::transforms::transforms;
use super::yaml::{self, Node, Value};
use super::{DataChoice, Device, EarlyStopping, Entry, ModelChoice, Monitor, Recipe, options};
use crate::MOST_THREADS;
use crate::data::Format;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::training::{Optimiser, Sgd, Training};
use cnnc_grammar::span::{FileId, Span};
use std::path::Path;

/// The longest recipe, in bytes.
const LONGEST: usize = 1 << 20;

/// Reads the text of a recipe, which is that file; `path` is where it lies: its paths are relative to it, and its stem names the output folder.
///
/// # Errors
/// Everything that is wrong with it, by place.
pub fn read(text: &str, file: FileId, path: &Path) -> Result<Recipe, Vec<Diagnostic>> {
    if text.len() > LONGEST {
        return Err(vec![Diagnostic::without_place(Code::E605, "the recipe is larger than 1 MB")]);
    }
    let root = yaml::parse(text).map_err(|unreadable| {
        let message = format!("the recipe cannot be read as YAML: {}", unreadable.reason);
        let start = unreadable.start.filter(|&start| start < text.len()).unwrap_or(0) as u32;
        let place = Span { file, start, end: start + 1 };
        vec![Diagnostic::new(Code::E605, message, place, "here")]
    })?;
    let reader = Reader::new(text, file);
    let recipe = Section::new(&reader, "", &root).and_then(|top| recipe(top, path));
    match (recipe, reader.into_problems()) {
        (Some(recipe), problems) if problems.is_empty() => Ok(recipe),
        (_, problems) => Err(problems),
    }
}

fn recipe(mut top: Section<'_, '_>, path: &Path) -> Option<Recipe> {
    let reader = top.reader;
    let beside = path.parent().unwrap_or(Path::new(""));
    let model = top.need("model", "the spec, such as `lenet.cnn`").and_then(|node| model(reader, node, beside));
    let data = top.need("data", "`format` and `path` of the data set").and_then(|node| data(reader, node, beside));
    let init = top.get("init").map(|node| initialisers(reader, node)).unwrap_or_default();
    let loss = options::loss(reader, top.get("loss"));
    let optimiser = top.need("optimizer", "such as `{name: sgd, lr: 0.1}`");
    let optimiser = optimiser.and_then(|node| options::optimiser(reader, node));
    let (optimiser, learning_rate) = optimiser.unwrap_or((Optimiser::Sgd(Sgd::default()), 1e-3));
    let schedule = options::schedule(reader, top.get("schedule"));
    let max_gradient_norm = top.optional_number("clip_grad_norm", "a number above 0", |number| number > 0.0);
    let recompute = top.flag("recompute", false);
    let batch_size = top.need("batch_size", "samples of a step").and_then(|node| count(reader, "batch_size", node, 1));
    let epochs = top.need("epochs", "times to go through the data").and_then(|node| count(reader, "epochs", node, 1));
    let seed = top.count("seed", 0, 0) as u64;
    let device = [Device::Cpu, Device::Cuda][top.choice("device", &["cpu", "cuda"])];
    let threads = top.count_within("threads", 0, 0..=MOST_THREADS);
    let monitor =
        [Monitor::ValidationAccuracy, Monitor::ValidationLoss][top.choice("monitor", &["val_accuracy", "val_loss"])];
    let early_stopping = top.get("early_stopping").and_then(|node| early_stopping(reader, node));
    let checkpoint_batches = top.optional_count("checkpoint_every", 1);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let output = top.text("output", "a folder").map_or_else(|| format!("runs/{stem}"), str::to_owned);
    top.finish();
    Some(Recipe {
        model: model?,
        data: data?,
        init,
        training: Training { loss, optimiser, max_gradient_norm, recompute },
        learning_rate,
        schedule,
        batch_size: batch_size?,
        epochs: epochs?,
        seed,
        device,
        threads,
        early_stopping,
        monitor,
        checkpoint_batches,
        output: beside.join(output),
    })
}

/// `model: lenet.cnn`, or a section.
fn model(reader: &Reader<'_>, node: &Node, beside: &Path) -> Option<ModelChoice> {
    if let Value::Text(file) = &node.value {
        let place = reader.place(node);
        return Some(ModelChoice { file: beside.join(file), place, name: None, set: Vec::new() });
    }
    let mut section = Section::new(reader, "model", node)?;
    let file = section.need("file", "the spec, such as `lenet.cnn`");
    let place = file.map(|node| reader.place(node));
    let file = file.and_then(|node| text(reader, "model.file", node, "the path of a spec"));
    let name = section.text("name", "the name of a model").map(str::to_owned);
    let set = section.get("set").map(|node| settings(reader, node)).unwrap_or_default();
    section.finish();
    Some(ModelChoice { file: beside.join(file?), place: place?, name, set })
}

/// The pairs of a section whose keys are free.
fn pairs<'n>(reader: &Reader<'_>, path: &str, node: &'n Node) -> Vec<(&'n str, &'n Node, &'n Node)> {
    let Value::Map(pairs) = &node.value else {
        reader.refuse(path, node, "keys with values, `key: value`");
        return Vec::new();
    };
    let text = |(key, value): &'n (Node, Node)| match &key.value {
        Value::Text(name) => Some((name.as_str(), key, value)),
        _ => {
            reader.refuse(&format!("a key of {path}"), key, "a text");
            None
        }
    };
    pairs.iter().filter_map(text).collect()
}

/// Model parameters: each value becomes the language's own syntax, and a text is taken as such.
fn settings(reader: &Reader<'_>, node: &Node) -> Vec<Entry> {
    let entry = |(name, key, value): (&str, &Node, &Node)| match spelled(value) {
        Some(text) => {
            Some(Entry { key: name.to_owned(), value: text, places: [reader.place(key), reader.place(value)] })
        }
        None => {
            reader.refuse(&format!("model.set.{name}"), value, "a value of the language");
            None
        }
    };
    pairs(reader, "model.set", node).into_iter().filter_map(entry).collect()
}

/// A value in the language's syntax.
fn spelled(node: &Node) -> Option<String> {
    Some(match &node.value {
        Value::Null | Value::Map(_) => return None,
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Text(text) => text.clone(),
        Value::List(nodes) => {
            let parts: Option<Vec<String>> = nodes.iter().map(spelled).collect();
            format!("[{}]", parts?.join(", "))
        }
    })
}

/// `Conv2d, Linear: xavier_uniform`, `0.weight: constant(42)`
fn initialisers(reader: &Reader<'_>, node: &Node) -> Vec<Entry> {
    let entry = |(targets, key, value): (&str, &Node, &Node)| {
        let scheme = text(reader, &format!("init.{targets}"), value, "a scheme, such as `xavier_uniform`")?;
        let targets: Vec<String> = targets.split(',').map(|target| target_of(target.trim())).collect();
        let places = [reader.place(key), reader.place(value)];
        Some(Entry { key: targets.join(", "), value: scheme.to_owned(), places })
    };
    pairs(reader, "init", node).into_iter().filter_map(entry).collect()
}

/// A target of the language: a word that begins with a capital is a layer type or block, anything else a path.
fn target_of(target: &str) -> String {
    let is_type = target.starts_with(|first: char| first.is_ascii_uppercase())
        && target.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if is_type || target.starts_with('"') { target.to_owned() } else { format!("\"{target}\"") }
}

fn data(reader: &Reader<'_>, node: &Node, beside: &Path) -> Option<DataChoice> {
    const FORMATS: &[&str] = &["idx", "cifar10", "folder"];
    let mut section = Section::new(reader, "data", node)?;
    let format = section.need("format", "one of idx, cifar10, folder");
    let format = format.and_then(|node| choice(reader, "data.format", node, FORMATS));
    let path = section.need("path", "the folder of the data set");
    let path = path.and_then(|node| text(reader, "data.path", node, "a folder"));
    let train = section.get("train").and_then(|node| transforms(reader, "data.train", node));
    let validation = section.get("validation").and_then(|node| transforms(reader, "data.validation", node));
    let skip_corrupt = section.choice("corrupt", &["stop", "skip"]) == 1;
    let workers = section.count("workers", 1, 1);
    let drop_last = section.flag("drop_last", false);
    section.finish();
    let format = [Format::Idx, Format::Cifar10, Format::Folder][format?];
    Some(DataChoice { format, path: beside.join(path?), train, validation, skip_corrupt, workers, drop_last })
}

/// `early_stopping: 5`, or a section.
fn early_stopping(reader: &Reader<'_>, node: &Node) -> Option<EarlyStopping> {
    if !matches!(node.value, Value::Map(_)) {
        return count(reader, "early_stopping", node, 1).map(|patience| EarlyStopping { patience, min_delta: 0.0 });
    }
    let mut section = Section::new(reader, "early_stopping", node)?;
    let patience = section.need("patience", "epochs in a row without a better one");
    let patience = patience.and_then(|node| count(reader, "early_stopping.patience", node, 1));
    let min_delta = section.number("min_delta", 0.0, "a number of at least 0", |number| number >= 0.0);
    section.finish();
    Some(EarlyStopping { patience: patience?, min_delta })
}
