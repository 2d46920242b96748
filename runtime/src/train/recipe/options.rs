//! Optimiser of a recipe: a name, or a section with `name` and options. Names and defaults are PyTorch's.

use super::beginning::{Group, groups};
use super::section::{Reader, Section, choice};
use super::yaml::{Node, NodeContent};
use cnnc_compiler::training::{Adam, Lamb, NAdam, Optimiser, RmsProp, Sgd};

pub(super) const NOT_NEGATIVE: &str = "a number of at least 0";
pub(super) const POSITIVE: &str = "a number above 0";
pub(super) const SHARE: &str = "a number from 0 to 1";
pub(super) const BELOW_ONE: &str = "a number from 0 to 1, without 1";

pub(super) fn not_negative(number: f64) -> bool {
    number >= 0.0
}

pub(super) fn positive(number: f64) -> bool {
    number > 0.0
}

pub(super) fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

pub(super) fn below_one(number: f64) -> bool {
    (0.0..1.0).contains(&number)
}

/// The optimisers by name.
const OPTIMISERS: &[&str] = &["sgd", "adam", "adamw", "nadam", "rmsprop", "lamb"];

/// A name alone, or a section whose `name` it is: the name's position, and the section where there is one. `None` after an error.
pub(super) fn named<'r>(
    reader: &'r Reader,
    path: &str,
    node: &'r Node,
    names: &[&str],
) -> Option<(usize, Option<Section<'r>>)> {
    if let NodeContent::Map(_) = node.content {
        let mut section = Section::new(reader, path, node)?;
        let name = section.need("name", &format!("one of {}", names.join(", ")))?;
        return Some((choice(reader, &section.path("name"), name, names)?, Some(section)));
    }
    Some((choice(reader, path, node, names)?, None))
}

/// Reads the optimiser, its learning rate and its groups. A name alone is a section of nothing else.
pub fn optimiser(reader: &Reader, node: &Node) -> Option<(Optimiser, f64, Vec<Group>)> {
    let nothing = Node { content: NodeContent::Map(Vec::new()), place: node.place };
    let (name, section) = named(reader, "optimizer", node, OPTIMISERS)?;
    match section {
        Some(section) => Some(options(OPTIMISERS[name], section)),
        None => Section::new(reader, "optimizer", &nothing).map(|section| options(OPTIMISERS[name], section)),
    }
}

/// The options of an optimiser of that name, its learning rate and its groups.
fn options(name: &str, mut section: Section<'_>) -> (Optimiser, f64, Vec<Group>) {
    let usual = match name {
        "rmsprop" => 1e-2,
        "nadam" => 2e-3,
        _ => 1e-3,
    };
    let learning_rate = section.number("lr", usual, NOT_NEGATIVE, not_negative);
    let optimiser = match name {
        "adam" => Optimiser::Adam(adam(&mut section, 0.0)),
        "adamw" => Optimiser::AdamW(adam(&mut section, 0.01)),
        "nadam" => Optimiser::NAdam(nadam(&mut section)),
        "rmsprop" => Optimiser::RmsProp(rmsprop(&mut section)),
        "lamb" => Optimiser::Lamb(lamb(&mut section)),
        _ => Optimiser::Sgd(sgd(&mut section)),
    };
    let groups = groups(&mut section, learning_rate);
    section.finish();
    (optimiser, learning_rate, groups)
}

fn sgd(section: &mut Section<'_>) -> Sgd {
    let momentum = section.number("momentum", 0.0, BELOW_ONE, below_one);
    let nesterov = section.flag("nesterov", false);
    if nesterov
        && momentum == 0.0
        && let Some(node) = section.get("nesterov")
    {
        let (message, help) = ("`optimizer.nesterov` needs a momentum", "add `momentum: 0.9`, or leave nesterov out");
        section.reader.conflict(node, message, help);
    }
    Sgd { momentum, nesterov, weight_decay: weight_decay(section, 0.0) }
}

fn adam(section: &mut Section<'_>, usual_decay: f64) -> Adam {
    let (betas, eps) = (betas(section), eps(section, Adam::default().eps));
    Adam { betas, eps, weight_decay: weight_decay(section, usual_decay) }
}

fn nadam(section: &mut Section<'_>) -> NAdam {
    let usual = NAdam::default();
    NAdam {
        betas: betas(section),
        eps: eps(section, usual.eps),
        momentum_decay: section.number("momentum_decay", usual.momentum_decay, NOT_NEGATIVE, not_negative),
        decoupled_weight_decay: section.flag("decoupled_weight_decay", usual.decoupled_weight_decay),
        weight_decay: weight_decay(section, usual.weight_decay),
    }
}

fn rmsprop(section: &mut Section<'_>) -> RmsProp {
    let usual = RmsProp::default();
    RmsProp {
        alpha: section.number("alpha", usual.alpha, BELOW_ONE, below_one),
        eps: eps(section, usual.eps),
        momentum: section.number("momentum", usual.momentum, BELOW_ONE, below_one),
        centered: section.flag("centered", usual.centered),
        weight_decay: weight_decay(section, usual.weight_decay),
    }
}

fn lamb(section: &mut Section<'_>) -> Lamb {
    let usual = Lamb::default();
    Lamb {
        betas: betas(section),
        eps: eps(section, usual.eps),
        weight_decay: weight_decay(section, usual.weight_decay),
        always_adapt: section.flag("always_adapt", usual.always_adapt),
    }
}

fn betas(section: &mut Section<'_>) -> [f64; 2] {
    let usual = Adam::default().betas;
    section.pair("betas", usual, "two numbers from 0 to 1, without 1", below_one)
}

fn eps(section: &mut Section<'_>, usual: f64) -> f64 {
    section.number("eps", usual, POSITIVE, positive)
}

fn weight_decay(section: &mut Section<'_>, usual: f64) -> f64 {
    section.number("weight_decay", usual, NOT_NEGATIVE, not_negative)
}
