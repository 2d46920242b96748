//! A recipe's text to a [`Recipe`]: the keys of its sections, each asked for once.

use super::beginning;
use super::data::data;
use super::section::{Pair, Reader, Section, choice, count, count_up_to, number, text};
use super::settings::{self, Setting};
use super::yaml::{self, Node, NodeContent};
use super::{Answer, DataChoice, EarlyStopping, Entry, ModelChoice, Monitor, Print, PrintValue, Recipe};
use super::{MOST_EPOCHS, MOST_SAMPLES};
use super::{loss, options, schedule};
use crate::DeviceName;
use crate::MOST_THREADS;
use crate::data::Source;
use crate::failure::{failure, file_failure};
use crate::files;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::training::{Average, Optimiser, Sgd, Training};
use cnnc_grammar::span::{FileId, Span};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The longest recipe, in bytes.
const LONGEST: usize = 1 << 20;

/// The text of a recipe's file.
///
/// # Errors
/// E601 when it cannot be read, E605 when it is too large or no text; both name it.
pub fn load(path: &Path) -> crate::Result<String> {
    let mut bytes = Vec::new();
    let read = files::open(path)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| file_failure("read", path, &error))?;
    if bytes.len() > LONGEST {
        let message = format!("the recipe `{}` is larger than {LONGEST} bytes", path.display());
        return Err(failure(Code::E605, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let whole = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = whole.iter().filter(|&&byte| byte == b'\n').count() + 1;
        failure(Code::E605, format!("the recipe `{}` is not UTF-8 text (line {line})", path.display()))
    })
}

/// Reads the text of a recipe, which is that file; `path` is where it lies: its paths are relative to it, and its stem names the
/// output folder.
///
/// # Errors
/// Everything that is wrong with it, by place.
pub fn read(text: &str, file: FileId, path: &Path) -> Result<Recipe, Vec<Diagnostic>> {
    read_with(text, file, path, &[])
}

/// As [`read`], with keys that are set from outside in the place of the recipe's.
///
/// # Errors
/// As [`read`]; what is wrong with a setting points into it.
pub fn read_with(text: &str, file: FileId, path: &Path, settings: &[Setting<'_>]) -> Result<Recipe, Vec<Diagnostic>> {
    if text.len() > LONGEST {
        let message = format!("the recipe is larger than {LONGEST} bytes: it has {}", text.len());
        let place = Span { file, start: 0, end: 1 };
        return Err(vec![Diagnostic::new(Code::E605, message, place, "it begins here")]);
    }
    let mut root = yaml::parse(text, file).map_err(|unreadable| {
        let message = format!("the recipe cannot be read as YAML: {}", unreadable.reason);
        let mut wrong = Diagnostic::new(Code::E605, message, unreadable.place, "here");
        wrong.help.extend(unreadable.help);
        vec![wrong]
    })?;
    let reader = Reader::default();
    for setting in settings {
        if let Err(wrong) = settings::apply(&mut root, *setting) {
            reader.report(*wrong);
        }
    }
    let recipe = Section::new(&reader, "", &root).and_then(|top| recipe(top, path));
    match (recipe, reader.into_problems()) {
        (Some(recipe), problems) if problems.is_empty() => Ok(Recipe { keys: settings::flattened(&root), ..recipe }),
        (_, problems) => Err(problems),
    }
}

fn recipe(mut top: Section<'_>, path: &Path) -> Option<Recipe> {
    let reader = top.reader;
    let beside = path.parent().unwrap_or(Path::new(""));
    let model = top.need("model", "the spec, such as `lenet.cnn`").and_then(|node| model(reader, node, beside));
    let data = top.need("data", "`format` and `path` of the data set").and_then(|node| data(reader, node, beside));
    let init = top.get("init").map(|node| initialisers(reader, node)).unwrap_or_default();
    let weights = top.get("weights").map(|node| beginning::weights(reader, node, beside));
    let freeze_node = top.get("freeze");
    let freeze = freeze_node.map(|node| beginning::frozen(reader, node)).unwrap_or_default();
    let answer = data.as_ref().map_or(Answer::Class, DataChoice::answer);
    let (loss, class_weights) = loss::loss(reader, top.get("loss"), answer);
    if let (Some(data), Some(node)) = (&data, top.get("loss")) {
        loss::check_beside(reader, node, &loss, class_weights.as_ref(), data);
    }
    let optimiser = top.need("optimizer", "such as `{name: sgd, lr: 0.1}`");
    let optimiser_place = optimiser.map(|node| node.place);
    let optimiser = optimiser.and_then(|node| options::optimiser(reader, node));
    let (optimiser, learning_rate, groups) = optimiser.unwrap_or((Optimiser::Sgd(Sgd::default()), 1e-3, Vec::new()));
    let max_gradient_norm = top.optional_number("clip_grad_norm", "a number above 0", |number| number > 0.0);
    let average = top.get("ema").map(|node| average(reader, node));
    let recompute = top.flag("recompute", false);
    let batch_size = top.need("batch_size", "samples of a step");
    let batch_size_place = batch_size.map(|node| node.place);
    let batch_size = batch_size.and_then(|node| count_up_to(reader, "batch_size", node, 1, MOST_SAMPLES));
    let accumulate = accumulate(&mut top, batch_size);
    let epochs = top.need("epochs", "times to go through the data");
    let epochs = epochs.and_then(|node| count_up_to(reader, "epochs", node, 1, MOST_EPOCHS));
    if let (Some(node), Some(epochs)) = (freeze_node, epochs) {
        beginning::check_frozen(reader, node, &freeze, epochs);
    }
    let seed = top.count("seed", 0, 0) as u64;
    let data = data.map(|data| DataChoice { source: Source { seed, ..data.source }, ..data });
    let device = top.get("device").and_then(|node| device(reader, node)).unwrap_or_default();
    let threads = top.count_within("threads", 0, 0..=MOST_THREADS);
    let monitor = monitor(&mut top, answer);
    let schedule = schedule::schedule(reader, top.get("schedule"), monitor);
    let scheduled_momentum = schedule.changes_momentum();
    let print = top.get("print").and_then(|node| print(reader, node));
    let early_stopping = top.get("early_stopping").and_then(|node| early_stopping(reader, node));
    let checkpoint_batches = top.optional_count("checkpoint_every", 1);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    // What nobody named lies under the current folder: a recipe may be one that came with cnnc.
    let output = top.text("output", "a folder");
    let output = output.map_or_else(|| Path::new("runs").join(&*stem), |output| beside.join(output));
    top.finish();
    Some(Recipe {
        model: model?,
        data: data?,
        init,
        weights: match weights {
            None => None,
            Some(weights) => Some(weights?),
        },
        freeze,
        groups,
        class_weights,
        training: Training {
            loss,
            optimiser,
            max_gradient_norm,
            recompute,
            average: average.flatten(),
            scheduled_momentum,
        },
        optimiser_place: optimiser_place?,
        learning_rate,
        schedule,
        batch_size: batch_size?,
        batch_size_place: batch_size_place?,
        accumulate,
        epochs: epochs?,
        seed,
        device,
        threads,
        early_stopping,
        monitor,
        checkpoint_batches,
        print,
        output,
        keys: BTreeMap::new(),
    })
}

/// In how many parts a step's batch is computed; each has a sample.
fn accumulate(top: &mut Section<'_>, batch_size: Option<usize>) -> usize {
    let accumulate = top.count("accumulate", 1, 1);
    match (top.get("accumulate"), batch_size) {
        (Some(node), Some(samples)) if accumulate > samples => {
            let message =
                format!("`accumulate` is {accumulate} parts of a batch of {samples}, and a part has a sample");
            let help = format!("make `accumulate` {samples} or less; `batch_size` counts all samples of a step");
            top.reader.conflict(node, &message, &help);
            1
        }
        _ => accumulate,
    }
}

/// What makes weights the best; of numbers there is no accuracy, and a mean average precision of several classes alone.
fn monitor(top: &mut Section<'_>, answer: Answer) -> Monitor {
    let Some(node) = top.get("monitor") else {
        return match answer {
            Answer::Class => Monitor::ValidationAccuracy,
            Answer::Classes => Monitor::ValidationMap,
            Answer::Numbers => Monitor::ValidationLoss,
        };
    };
    let monitor = match choice(top.reader, "monitor", node, &["val_accuracy", "val_loss", "val_map"]) {
        Some(0) => Monitor::ValidationAccuracy,
        Some(2) => Monitor::ValidationMap,
        _ => Monitor::ValidationLoss,
    };
    let what = match (monitor, answer) {
        (Monitor::ValidationAccuracy, Answer::Numbers) => {
            "an accuracy, and numbers are learnt, which are never right or wrong"
        }
        (Monitor::ValidationMap, Answer::Numbers) => "a mean average precision of classes, and numbers are learnt",
        (Monitor::ValidationMap, Answer::Class) => {
            "a mean average precision, which is measured where pictures may have several classes (`format: multi_label`)"
        }
        _ => return monitor,
    };
    top.reader.conflict(node, &format!("`monitor` is {what}"), "leave it out, or write `monitor: val_loss`");
    Monitor::ValidationLoss
}

/// `print: 2`, or a section.
fn print(reader: &Reader, node: &Node) -> Option<Print> {
    if !matches!(node.content, NodeContent::Map(_)) {
        return count(reader, "print", node, 1).map(|every| Print { every, values: vec![PrintValue::Loss] });
    }
    const WANTED: &str = "`loss` and keys of parameters, such as `[loss, 0.weight]`";
    let mut section = Section::new(reader, "print", node)?;
    let every = section.need("every", "steps from one line to the next");
    let every = every.and_then(|node| count(reader, "print.every", node, 1));
    let values = match section.get("values").map(|node| (node, &node.content)) {
        None => vec![PrintValue::Loss],
        Some((_, NodeContent::List(nodes))) if !nodes.is_empty() => {
            let value = |node: &Node| match text(reader, "print.values", node, WANTED)? {
                "loss" => Some(PrintValue::Loss),
                key => Some(PrintValue::Parameter(key.to_owned(), node.place)),
            };
            nodes.iter().filter_map(value).collect()
        }
        Some((node, _)) => {
            reader.refuse("print.values", node, WANTED);
            Vec::new()
        }
    };
    section.finish();
    Some(Print { every: every?, values })
}

/// `cpu`, `cuda`, `cuda:1`
fn device(reader: &Reader, node: &Node) -> Option<DeviceName> {
    let names = ["cpu", "cuda", "cuda:1"];
    let name = text(reader, "device", node, &format!("one of {}", names.join(", ")))?;
    let device = name.parse().ok();
    if device.is_none() {
        reader.refuse_name("device", node, name, &names);
    }
    device
}

/// `model: lenet.cnn`, or a section.
fn model(reader: &Reader, node: &Node, beside: &Path) -> Option<ModelChoice> {
    if let NodeContent::Text(file) = &node.content {
        let place = node.place;
        return Some(ModelChoice { file: beside.join(file), place, name: None, set: Vec::new(), output: None });
    }
    let mut section = Section::new(reader, "model", node)?;
    let file = section.need("file", "the spec, such as `lenet.cnn`");
    let place = file.map(|node| node.place);
    let file = file.and_then(|node| text(reader, "model.file", node, "the path of a spec"));
    let name = section.text("name", "the name of a model").map(str::to_owned);
    let set = section.get("set").map(|node| settings(reader, node)).unwrap_or_default();
    let output = section.get("output");
    let output = output
        .and_then(|node| Some((text(reader, "model.output", node, "the name of an output")?.to_owned(), node.place)));
    section.finish();
    Some(ModelChoice { file: beside.join(file?), place: place?, name, set, output })
}

/// The pairs of a section whose keys are free.
fn pairs<'n>(reader: &Reader, path: &str, node: &'n Node) -> Vec<Pair<'n>> {
    let NodeContent::Map(pairs) = &node.content else {
        reader.refuse(path, node, "keys with values, `key: value`");
        return Vec::new();
    };
    reader.keys(&format!("a key of {path}"), &format!("{path}."), pairs)
}

/// Model parameters: each value becomes the language's own syntax, and a text is taken as such.
fn settings(reader: &Reader, node: &Node) -> Vec<Entry> {
    let entry = |(name, key, value): (&str, &Node, &Node)| match spelled(value) {
        Some(text) => Some(Entry { key: name.to_owned(), value: text, places: [key.place, value.place] }),
        None => {
            reader.refuse(&format!("model.set.{name}"), value, "a value of the language");
            None
        }
    };
    pairs(reader, "model.set", node).into_iter().filter_map(entry).collect()
}

/// A value in the language's syntax.
fn spelled(node: &Node) -> Option<String> {
    Some(match &node.content {
        NodeContent::Null | NodeContent::Map(_) => return None,
        NodeContent::Bool(value) => value.to_string(),
        NodeContent::Int(value) => value.to_string(),
        NodeContent::Float(value) => format!("{value:?}"),
        NodeContent::Text(text) => text.clone(),
        NodeContent::List(nodes) => {
            let parts: Option<Vec<String>> = nodes.iter().map(spelled).collect();
            format!("[{}]", parts?.join(", "))
        }
    })
}

/// `Conv2d, Linear: xavier_uniform`, `0.weight: constant(42)`
fn initialisers(reader: &Reader, node: &Node) -> Vec<Entry> {
    let entry = |(targets, key, value): (&str, &Node, &Node)| {
        let scheme = text(reader, &format!("init.{targets}"), value, "a scheme, such as `xavier_uniform`")?;
        let targets: Vec<String> = targets.split(',').map(|target| target_of(target.trim())).collect();
        let places = [key.place, value.place];
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

/// `ema: 0.999`, or a section.
fn average(reader: &Reader, node: &Node) -> Option<Average> {
    let decay = |path: &str, node: &Node| {
        let decay = number(node).filter(|decay| (0.0..1.0).contains(decay));
        if decay.is_none() {
            reader.refuse(path, node, "a number from 0 to 1, without 1");
        }
        decay
    };
    if !matches!(node.content, NodeContent::Map(_)) {
        return decay("ema", node).map(|decay| Average { decay, use_buffers: true });
    }
    let mut section = Section::new(reader, "ema", node)?;
    let decay =
        section.need("decay", "the share of the mean that a step leaves").and_then(|node| decay("ema.decay", node));
    let use_buffers = section.flag("use_buffers", true);
    section.finish();
    Some(Average { decay: decay?, use_buffers })
}

/// `early_stopping: 5`, or a section.
fn early_stopping(reader: &Reader, node: &Node) -> Option<EarlyStopping> {
    if !matches!(node.content, NodeContent::Map(_)) {
        return count(reader, "early_stopping", node, 1).map(|patience| EarlyStopping { patience, min_delta: 0.0 });
    }
    let mut section = Section::new(reader, "early_stopping", node)?;
    let patience = section.need("patience", "epochs in a row without a better one");
    let patience = patience.and_then(|node| count(reader, "early_stopping.patience", node, 1));
    let min_delta = section.number("min_delta", 0.0, "a number of at least 0", |number| number >= 0.0);
    section.finish();
    Some(EarlyStopping { patience: patience?, min_delta })
}
