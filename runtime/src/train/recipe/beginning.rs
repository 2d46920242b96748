//! What a training begins from and what of it may change: `weights` and `freeze` of a recipe, and the groups of its optimiser.

use super::section::{Reader, Section, text};
use super::yaml::{Node, NodeContent};
use crate::{Rename, WeightsOptions};
use cnnc_compiler::graph::{Parameter, fits_pattern};
use cnnc_grammar::span::Span;
use std::path::{Path, PathBuf};

/// What messages want where keys of parameters are named.
const PATTERNS: &str = "keys of parameters, in which `*` stands for any characters, such as `[\"fc.*\"]`";
/// The word for all that is commonly left out of a weight decay.
const BIAS_AND_NORM: &str = "bias_and_norm";

/// Weights that a training begins from.
#[derive(Clone, Debug)]
pub struct WeightsChoice {
    /// The file.
    pub file: PathBuf,
    /// Where the recipe names it.
    pub place: Span,
    /// How it is read.
    pub options: WeightsOptions,
    /// What of it is left out, and of the model drawn anew.
    pub ignore: Vec<Pattern>,
}

/// Keys of parameters.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// A key, in which `*` stands for any characters.
    pub text: String,
    /// Where the recipe says it.
    pub place: Span,
}

/// Parameters and buffers that nothing changes, for the whole run or for its first epochs.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// Which.
    pub parameters: Vec<Pattern>,
    /// The first epochs of the run, so many, in which nothing changes them; `None` is all.
    pub epochs: Option<usize>,
}

/// Which parameters a group has.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Those whose keys fit.
    Keys(Vec<Pattern>),
    /// All of at most one axis, and all biases: those of normalisations among them.
    BiasAndNorm,
}

/// Parameters that the optimiser treats otherwise than the rest.
#[derive(Clone, Debug)]
pub struct Group {
    /// Which.
    pub parameters: Selection,
    /// What their learning rate is, as a multiple of the optimiser's.
    pub rate: Option<f64>,
    /// Their weight decay.
    pub weight_decay: Option<f64>,
}

impl Pattern {
    /// Whether a parameter has such a key.
    pub fn fits(&self, parameter: &Parameter) -> bool {
        std::iter::once(&parameter.path).chain(&parameter.aliases).any(|key| fits_pattern(&self.text, key))
    }
}

impl Selection {
    /// Whether a parameter is one of them.
    pub fn has(&self, parameter: &Parameter) -> bool {
        match self {
            Selection::Keys(patterns) => patterns.iter().any(|pattern| pattern.fits(parameter)),
            Selection::BiasAndNorm => parameter.shape.len() <= 1 || parameter.path.ends_with(".bias"),
        }
    }
}

/// One pattern, or a list of them.
pub fn patterns(reader: &Reader, path: &str, node: &Node) -> Vec<Pattern> {
    texts(reader, path, node, PATTERNS).into_iter().map(|(text, place)| Pattern { text, place }).collect()
}

/// What is frozen: keys, sections that say for how many epochs, or a list of both.
pub fn frozen(reader: &Reader, node: &Node) -> Vec<Frozen> {
    let nodes = match &node.content {
        NodeContent::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let one = |node: &Node| {
        if !matches!(node.content, NodeContent::Map(_)) {
            let parameters = patterns(reader, "freeze", node);
            return Some(Frozen { parameters, epochs: None });
        }
        let mut section = Section::new(reader, "freeze", node)?;
        let parameters = section.need("parameters", "the keys of what is frozen");
        let parameters = parameters.map(|node| patterns(reader, "freeze.parameters", node));
        let epochs = section.optional_count("epochs", 1);
        section.finish();
        Some(Frozen { parameters: parameters?, epochs })
    };
    nodes.iter().filter_map(one).collect()
}

/// Refuses what would be free only after a run of so many epochs.
pub fn check_frozen(reader: &Reader, node: &Node, frozen: &[Frozen], run: usize) {
    if let Some(epochs) = never_free(frozen, run) {
        let message = format!("something is frozen for {epochs} epochs, and the run has {run}: it would never learn");
        reader.conflict(node, &message, "freeze it for fewer, or leave `epochs` out and freeze it for the whole run");
    }
}

/// For how many epochs something is frozen that becomes free only after a run of so many, where there is such.
pub fn never_free(frozen: &[Frozen], run: usize) -> Option<usize> {
    frozen.iter().filter_map(|one| one.epochs).find(|&epochs| epochs >= run)
}

/// A text, or a list of texts, each with its place.
fn texts(reader: &Reader, path: &str, node: &Node, wanted: &str) -> Vec<(String, Span)> {
    let nodes = match &node.content {
        NodeContent::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let one = |node: &Node| Some((text(reader, path, node, wanted)?.to_owned(), node.place));
    nodes.iter().filter_map(one).collect()
}

/// `weights: trained.safetensors`, or a section.
pub fn weights(reader: &Reader, node: &Node, beside: &Path) -> Option<WeightsChoice> {
    if let NodeContent::Text(file) = &node.content {
        let (file, place, options) = (beside.join(file), node.place, WeightsOptions::default());
        return Some(WeightsChoice { file, place, options, ignore: Vec::new() });
    }
    let mut section = Section::new(reader, "weights", node)?;
    let file = section.need("file", "a file of weights, such as `trained.safetensors`");
    let place = file.map(|node| node.place);
    let file = file.and_then(|node| text(reader, "weights.file", node, "the path of a file of weights"));
    let mut options = WeightsOptions::default();
    if let Some(key) = section.text("key", "the key of a state in the file") {
        options = options.under(key);
    }
    if let Some(prefix) = section.text("prefix", "what stands in front of the keys") {
        options = options.without_prefix(prefix);
    }
    if let Some(node) = section.get("rename") {
        for (written, place) in texts(reader, "weights.rename", node, "`expression=text`, or a list of such") {
            match written.parse::<Rename>() {
                Ok(rename) => options = options.rename(rename),
                Err(wrong) => reader.refuse_for(place, &format!("`weights.rename` cannot be `{written}`"), &wrong),
            }
        }
    }
    let ignore = section.get("ignore").map(|node| patterns(reader, "weights.ignore", node)).unwrap_or_default();
    section.finish();
    Some(WeightsChoice { file: beside.join(file?), place: place?, options, ignore })
}

/// The groups of an optimiser: what has no weight decay, and the list `groups`. `rate` is the rate of all others.
pub fn groups(section: &mut Section<'_>, rate: f64) -> Vec<Group> {
    let reader = section.reader;
    let mut groups = Vec::new();
    if let Some(node) = section.get("groups") {
        match &node.content {
            NodeContent::List(nodes) => groups.extend(nodes.iter().filter_map(|node| group(reader, node, rate))),
            _ => reader.refuse("optimizer.groups", node, "a list of groups, `[{parameters: \"fc.*\", lr: 0.1}]`"),
        }
    }
    if let Some(node) = section.get("no_decay") {
        let parameters = selection(reader, "optimizer.no_decay", node);
        groups.push(Group { parameters, rate: None, weight_decay: Some(0.0) });
    }
    groups
}

fn selection(reader: &Reader, path: &str, node: &Node) -> Selection {
    match &node.content {
        NodeContent::Text(word) if word == BIAS_AND_NORM => Selection::BiasAndNorm,
        _ => Selection::Keys(patterns(reader, path, node)),
    }
}

fn group(reader: &Reader, node: &Node, rate: f64) -> Option<Group> {
    let mut section = Section::new(reader, "optimizer.groups", node)?;
    let parameters = section.need("parameters", "the keys of the group's parameters");
    let parameters = parameters.map(|node| selection(reader, "optimizer.groups.parameters", node));
    let own = section.optional_number("lr", "a number of at least 0", |number| number >= 0.0);
    if own.is_some_and(|own| own > 0.0) && rate == 0.0 {
        let message = "a group has a learning rate, and `optimizer.lr`, which the schedule changes it with, is 0";
        reader.conflict(node, message, "give `optimizer.lr` a number above 0, and the other parameters a group of 0");
    }
    let weight_decay = section.optional_number("weight_decay", "a number of at least 0", |number| number >= 0.0);
    section.finish();
    let rate = own.map(|own| if own == 0.0 { 0.0 } else { own / rate });
    Some(Group { parameters: parameters?, rate, weight_decay })
}
