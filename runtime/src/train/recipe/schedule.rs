//! The schedule of a recipe: a name, or a section with `name` and options. Names and defaults are PyTorch's.

use super::Monitor;
use super::options::{BELOW_ONE, NOT_NEGATIVE, POSITIVE, SHARE, below_one, is_share, named, not_negative, positive};
use super::section::{Reader, Section, choice, count, number};
use super::yaml::{Node, NodeContent};
use crate::train::schedule::{Curve, OneCycle, Plateau, Schedule, Unit, Warmup};

/// The schedules by name.
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
    "plateau",
];

/// Reads the schedule; `monitor` is what a plateau is one of.
pub fn schedule(reader: &Reader, node: Option<&Node>, monitor: Monitor) -> Schedule {
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
        let nothing = Node { content: NodeContent::Map(Vec::new()), place: node.place };
        let section = Section::new(reader, "schedule", &nothing).filter(|_| needs.is_empty());
        let curve = section.map_or(Curve::Constant, |mut section| curve(&mut section, NAMES[name], monitor));
        return Schedule { curve, unit: unit_of(name), warmup: None };
    };
    let curve = curve(&mut section, NAMES[name], monitor);
    let unit = match section.get("unit") {
        None => unit_of(name),
        Some(node) => match choice(reader, "schedule.unit", node, &["epoch", "batch"]) {
            Some(1) if NAMES[name] == "plateau" => {
                let message = "`schedule.unit` is batch, and a plateau is one of what is measured after an epoch";
                reader.conflict(node, message, "leave `unit` out");
                Unit::Epoch
            }
            Some(1) => Unit::Batch,
            _ => Unit::Epoch,
        },
    };
    let warmup = section.get("warmup").and_then(|node| warmup(reader, node));
    section.finish();
    Schedule { curve, unit, warmup }
}

fn curve(section: &mut Section<'_>, name: &str, monitor: Monitor) -> Curve {
    match name {
        "step" => Curve::Step { step_size: needed_count(section, "step_size"), gamma: gamma(section) },
        "multi_step" => multi_step(section),
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
        "one_cycle" => Curve::OneCycle(one_cycle(section)),
        "plateau" => Curve::Plateau(plateau(section, monitor)),
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

/// One factor for all milestones, or a list of one for each.
fn multi_step(section: &mut Section<'_>) -> Curve {
    let milestones = milestones(section);
    let Some((node, NodeContent::List(nodes))) = section.get("gamma").map(|node| (node, &node.content)) else {
        return Curve::MultiStep { milestones, gamma: gamma(section) };
    };
    let factors: Option<Vec<f64>> = nodes.iter().map(|node| number(node).filter(|&number| positive(number))).collect();
    let factors = factors.filter(|factors| factors.len() == milestones.len()).unwrap_or_default();
    if factors.is_empty() && !milestones.is_empty() {
        let wanted = format!("a number above 0, or {} of them, one a milestone", milestones.len());
        section.reader.refuse(&section.path("gamma"), node, wanted);
    }
    Curve::Scales { milestones: milestones.into_iter().zip(factors).collect() }
}

fn milestones(section: &mut Section<'_>) -> Vec<usize> {
    const WANTED: &str = "a list of whole numbers in rising order";
    let reader = section.reader;
    let Some(node) = section.need("milestones", WANTED) else { return Vec::new() };
    let NodeContent::List(nodes) = &node.content else {
        reader.refuse("schedule.milestones", node, WANTED);
        return Vec::new();
    };
    let found: Vec<usize> = nodes.iter().filter_map(|node| count(reader, "schedule.milestones", node, 1)).collect();
    if !found.is_sorted() {
        reader.refuse("schedule.milestones", node, "in rising order");
    }
    found
}

fn one_cycle(section: &mut Section<'_>) -> OneCycle {
    let usual = OneCycle::default();
    let cycles = section.flag("cycle_momentum", true);
    let [least, most] = usual.momenta.unwrap_or_default();
    let least = section.number("base_momentum", least, BELOW_ONE, below_one);
    let most = section.number("max_momentum", most, BELOW_ONE, below_one);
    if least > most
        && let Some(node) = section.get("base_momentum").or(section.get("max_momentum"))
    {
        let message = format!("`schedule.base_momentum` is {least}, and above `max_momentum`, which is {most}");
        section.reader.conflict(node, &message, "the base is the least: where the rate is highest");
    }
    for key in ["base_momentum", "max_momentum"] {
        if let Some(node) = section.get(key).filter(|_| !cycles) {
            let message =
                format!("`schedule.{key}` is given, and `cycle_momentum: false` leaves the momentum as it is");
            section.reader.conflict(node, &message, "leave one of the two out");
        }
    }
    OneCycle {
        total_steps: section.optional_count("total_steps", 1),
        pct_start: section.number("pct_start", usual.pct_start, SHARE, is_share),
        div_factor: section.number("div_factor", usual.div_factor, POSITIVE, positive),
        final_div_factor: section.number("final_div_factor", usual.final_div_factor, POSITIVE, positive),
        is_linear: section.choice("anneal_strategy", &["cos", "linear"]) == 1,
        three_phase: section.flag("three_phase", usual.three_phase),
        momenta: cycles.then_some([least, most]),
    }
}

fn plateau(section: &mut Section<'_>, monitor: Monitor) -> Plateau {
    Plateau {
        monitor,
        factor: section.number("factor", 0.1, "a number above 0 and below 1", |factor| 0.0 < factor && factor < 1.0),
        patience: section.count("patience", 10, 0),
        threshold: section.number("threshold", 1e-4, NOT_NEGATIVE, not_negative),
        is_relative: section.choice("threshold_mode", &["rel", "abs"]) == 0,
        cooldown: section.count("cooldown", 0, 0),
        min_lr: section.number("min_lr", 0.0, NOT_NEGATIVE, not_negative),
        eps: section.number("eps", 1e-8, NOT_NEGATIVE, not_negative),
    }
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
