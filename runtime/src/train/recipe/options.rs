//! Optimiser and schedule of a recipe: a name, or a section with `name` and options. Names and defaults are PyTorch's.

use super::beginning::{Group, groups};
use super::section::{Reader, Section, choice, count};
use super::yaml::{Node, NodeContent};
use crate::train::schedule::{Curve, Schedule, Unit, Warmup};
use cnnc_compiler::training::{Adam, Optimiser, Sgd};

pub(super) const NOT_NEGATIVE: &str = "a number of at least 0";
const POSITIVE: &str = "a number above 0";
pub(super) const SHARE: &str = "a number from 0 to 1";
const BELOW_ONE: &str = "a number from 0 to 1, without 1";

pub(super) fn not_negative(number: f64) -> bool {
    number >= 0.0
}

fn positive(number: f64) -> bool {
    number > 0.0
}

pub(super) fn is_share(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

fn below_one(number: f64) -> bool {
    (0.0..1.0).contains(&number)
}

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

/// Reads the optimiser, its learning rate and its groups.
pub fn optimiser(reader: &Reader, node: &Node) -> Option<(Optimiser, f64, Vec<Group>)> {
    let (name, section) = named(reader, "optimizer", node, &["sgd", "adam", "adamw"])?;
    let Some(mut section) = section else {
        return Some(match name {
            0 => (Optimiser::Sgd(Sgd::default()), 1e-3, Vec::new()),
            1 => (Optimiser::Adam(Adam::default()), 1e-3, Vec::new()),
            _ => (Optimiser::AdamW(Adam { weight_decay: 0.01, ..Adam::default() }), 1e-3, Vec::new()),
        });
    };
    let learning_rate = section.number("lr", 1e-3, NOT_NEGATIVE, not_negative);
    let optimiser = match name {
        0 => Optimiser::Sgd(sgd(reader, &mut section)),
        1 => Optimiser::Adam(adam(reader, &mut section, 0.0)),
        _ => Optimiser::AdamW(adam(reader, &mut section, 0.01)),
    };
    let groups = groups(&mut section, learning_rate);
    section.finish();
    Some((optimiser, learning_rate, groups))
}

fn sgd(reader: &Reader, section: &mut Section<'_>) -> Sgd {
    let momentum = section.number("momentum", 0.0, BELOW_ONE, below_one);
    let nesterov = section.flag("nesterov", false);
    if nesterov
        && momentum == 0.0
        && let Some(node) = section.get("nesterov")
    {
        reader.conflict(node, "`optimizer.nesterov` needs a momentum", "add `momentum: 0.9`, or leave nesterov out");
    }
    Sgd { momentum, nesterov, weight_decay: section.number("weight_decay", 0.0, NOT_NEGATIVE, not_negative) }
}

fn adam(reader: &Reader, section: &mut Section<'_>, weight_decay: f64) -> Adam {
    let mut betas = Adam::default().betas;
    if let Some(node) = section.get("betas") {
        let found = match &node.content {
            NodeContent::List(nodes) => nodes.iter().map(super::section::number).collect::<Option<Vec<f64>>>(),
            _ => None,
        };
        match found.as_deref() {
            Some(&[first, second]) if below_one(first) && below_one(second) => betas = [first, second],
            _ => reader.refuse("optimizer.betas", node, "two numbers from 0 to 1, without 1"),
        }
    }
    let eps = section.number("eps", 1e-8, POSITIVE, positive);
    Adam { betas, eps, weight_decay: section.number("weight_decay", weight_decay, NOT_NEGATIVE, not_negative) }
}

/// Reads the schedule.
pub fn schedule(reader: &Reader, node: Option<&Node>) -> Schedule {
    const NAMES: &[&str] = &[
        "constant",
        "step",
        "multi_step",
        "exponential",
        "polynomial",
        "cosine",
        "cosine_warm_restarts",
        "linear",
        "one_cycle",
    ];
    let Some(node) = node else { return Schedule::constant() };
    let Some((name, section)) = named(reader, "schedule", node, NAMES) else { return Schedule::constant() };
    let unit_of = |name: usize| if NAMES[name] == "one_cycle" { Unit::Batch } else { Unit::Epoch };
    let Some(mut section) = section else {
        let needs = match NAMES[name] {
            "step" => "step_size: 10",
            "multi_step" => "milestones: [30, 60]",
            "exponential" => "gamma: 0.9",
            "cosine_warm_restarts" => "t_0: 10",
            _ => "",
        };
        if !needs.is_empty() {
            let message = format!("`schedule` {} needs options", NAMES[name]);
            reader.conflict(node, &message, &format!("write `schedule: {{name: {}, {needs}}}`", NAMES[name]));
        }
        return Schedule { curve: curve_alone(NAMES[name]), unit: unit_of(name), warmup: None };
    };
    let curve = curve(reader, &mut section, NAMES[name]);
    let unit = match section.get("unit") {
        None => unit_of(name),
        Some(node) => match choice(reader, "schedule.unit", node, &["epoch", "batch"]) {
            Some(1) => Unit::Batch,
            _ => Unit::Epoch,
        },
    };
    let warmup = section.get("warmup").and_then(|node| warmup(reader, node));
    section.finish();
    Schedule { curve, unit, warmup }
}

/// A curve of which only the name is given.
fn curve_alone(name: &str) -> Curve {
    match name {
        "cosine" => Curve::Cosine { t_max: None, eta_min: 0.0 },
        "polynomial" => Curve::Polynomial { power: 1.0, total_iters: None },
        "linear" => Curve::Linear { start_factor: 1.0 / 3.0, end_factor: 1.0, total_iters: Some(5) },
        "one_cycle" => Curve::OneCycle { total_steps: None, pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4 },
        _ => Curve::Constant,
    }
}

fn curve(reader: &Reader, section: &mut Section<'_>, name: &str) -> Curve {
    match name {
        "step" => Curve::Step { step_size: needed_count(section, "step_size"), gamma: gamma(section) },
        "multi_step" => Curve::MultiStep { milestones: milestones(reader, section), gamma: gamma(section) },
        "exponential" => {
            section.need("gamma", "the factor of each time");
            Curve::Exponential { gamma: gamma(section) }
        }
        "polynomial" => Curve::Polynomial {
            power: section.number("power", 1.0, POSITIVE, positive),
            total_iters: section.optional_count("total_iters", 1),
        },
        "cosine_warm_restarts" => Curve::CosineWarmRestarts {
            t_0: needed_count(section, "t_0"),
            t_mult: section.count("t_mult", 1, 1),
            eta_min: section.number("eta_min", 0.0, NOT_NEGATIVE, not_negative),
        },
        "cosine" => Curve::Cosine {
            t_max: section.optional_count("t_max", 1),
            eta_min: section.number("eta_min", 0.0, NOT_NEGATIVE, not_negative),
        },
        "linear" => Curve::Linear {
            start_factor: section.number("start_factor", 1.0 / 3.0, SHARE, is_share),
            end_factor: section.number("end_factor", 1.0, SHARE, is_share),
            total_iters: Some(section.count("total_iters", 5, 1)),
        },
        "one_cycle" => Curve::OneCycle {
            total_steps: section.optional_count("total_steps", 1),
            pct_start: section.number("pct_start", 0.3, SHARE, is_share),
            div_factor: section.number("div_factor", 25.0, POSITIVE, positive),
            final_div_factor: section.number("final_div_factor", 1e4, POSITIVE, positive),
        },
        _ => Curve::Constant,
    }
}

fn gamma(section: &mut Section<'_>) -> f64 {
    section.number("gamma", 0.1, POSITIVE, positive)
}

fn needed_count(section: &mut Section<'_>, key: &'static str) -> usize {
    let path = section.path(key);
    let node = section.need(key, "a whole number of at least 1");
    node.and_then(|node| count(section.reader, &path, node, 1)).unwrap_or(1)
}

fn milestones(reader: &Reader, section: &mut Section<'_>) -> Vec<usize> {
    let Some(node) = section.need("milestones", "a list of whole numbers in rising order") else { return Vec::new() };
    let NodeContent::List(nodes) = &node.content else {
        reader.refuse("schedule.milestones", node, "a list of whole numbers in rising order");
        return Vec::new();
    };
    let found: Vec<usize> = nodes.iter().filter_map(|node| count(reader, "schedule.milestones", node, 1)).collect();
    if !found.is_sorted() {
        reader.refuse("schedule.milestones", node, "in rising order");
    }
    found
}

fn warmup(reader: &Reader, node: &Node) -> Option<Warmup> {
    if let NodeContent::Int(_) = node.content {
        let length = count(reader, "schedule.warmup", node, 1)?;
        return Some(Warmup { length, start_factor: 1.0 / 3.0 });
    }
    let mut section = Section::new(reader, "schedule.warmup", node)?;
    let length = needed_count(&mut section, "length");
    let start_factor = section.number("start_factor", 1.0 / 3.0, SHARE, is_share);
    section.finish();
    Some(Warmup { length, start_factor })
}
