//! The `data` of a recipe: how they lie on the disk, or that they stand in the recipe, and what is done to pictures.

use super::section::{Reader, Section, choice, count_up_to, text};
use super::tensors::pair;
use super::transforms::transforms;
use super::yaml::{Node, NodeContent};
use super::{DataChoice, MOST_WORKERS};
use crate::data::{ClassChoice, Format, Mix, Source};
use std::collections::HashSet;
use std::path::Path;

/// The formats that lie on the disk, by the names that recipes have for them.
const FORMATS: [(&str, Format); 8] = [
    ("idx", Format::Idx),
    ("cifar10", Format::Cifar10),
    ("cifar100", Format::Cifar100),
    ("folder", Format::Folder),
    ("list", Format::List),
    ("multi_label", Format::MultiLabel),
    ("csv", Format::Csv),
    ("npy", Format::Npy),
];
/// The one that stands in the recipe.
const INLINE: &str = "inline";
/// The largest number of a first class.
const LARGEST_FIRST: usize = 255;

/// Reads the section.
pub fn data(reader: &Reader, node: &Node, beside: &Path) -> Option<DataChoice> {
    let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).chain([INLINE]).collect();
    let mut section = Section::new(reader, "data", node)?;
    let format = section.need("format", &format!("one of {}", names.join(", ")));
    let format = format.and_then(|node| choice(reader, "data.format", node, &names));
    if format == Some(FORMATS.len()) {
        return inline(section, beside);
    }
    let path = section.need("path", "the folder of the data set");
    let path = path.and_then(|node| text(reader, "data.path", node, "a folder"));
    let split_node = section.get("split");
    let split = section.optional_number("split", "a number between 0 and 1", |share| share > 0.0 && share < 1.0);
    let first_label = section.count_within("first_label", 0, 0..=LARGEST_FIRST);
    let classes_node = section.get("classes");
    let classes = classes_node.map(|node| classes(reader, node));
    let train = section.get("train").and_then(|node| transforms(reader, "data.train", node));
    let validation = section.get("validation").and_then(|node| transforms(reader, "data.validation", node));
    let sampler_node = section.get("sampler");
    let balanced = section.choice("sampler", &["shuffle", "balanced"]) == 1;
    let mix_node = section.get("mixup").or(section.get("cutmix"));
    let [mixup, cutmix] = ["mixup", "cutmix"]
        .map(|key| section.optional_number(key, "a number above 0, up to 1000", |alpha| alpha > 0.0 && alpha <= 1e3));
    let skip_corrupt = section.choice("corrupt", &["stop", "skip"]) == 1;
    let check = section.flag("check", false);
    let workers = section.get("workers");
    let workers = workers.map_or(Some(1), |node| count_up_to(reader, "data.workers", node, 1, MOST_WORKERS));
    let drop_last = section.flag("drop_last", false);
    section.finish();
    let (_, format) = FORMATS.get(format?)?;
    if let Some(node) = split_node
        && *format == Format::Npy
    {
        reader.conflict(node, "arrays have no classes to be split by", "save a part of them as validation_inputs.npy");
    }
    if let Some(node) = mix_node
        && matches!(format, Format::Csv | Format::Npy)
    {
        reader.conflict(node, "`mixup` and `cutmix` mix classes, and these data have numbers", "leave them out");
    }
    if let Some(node) = sampler_node.filter(|_| balanced) {
        let what = match format {
            Format::Csv | Format::Npy => Some("these data have numbers"),
            Format::MultiLabel => Some("these pictures may have several"),
            _ => None,
        };
        if let Some(what) = what {
            reader.conflict(node, &format!("`sampler` draws each class as often, and {what}"), "leave it out");
        }
    }
    if let Some(node) = classes_node {
        let what = match format {
            Format::Csv | Format::Npy => Some("these data have numbers"),
            Format::MultiLabel => Some("these pictures may have several"),
            _ => None,
        };
        if let Some(what) = what {
            reader.conflict(node, &format!("`classes` takes some classes, and {what}"), "leave it out");
        }
        if first_label > 0 {
            let message = "`classes` counts the classes that it names from 0, and `first_label` says otherwise";
            reader.conflict(node, message, "leave `first_label` out: the numbers of `classes` are those of the files");
        }
    }
    let mix = mix_node.map(|_| Mix { mixup, cutmix, classes: 0 });
    let source = Source { split, first_label, classes, ..Source::new(*format, &beside.join(path?)) };
    let workers = workers?;
    Some(DataChoice {
        source,
        tensors: None,
        train,
        validation,
        balanced,
        mix,
        skip_corrupt,
        check,
        workers,
        drop_last,
    })
}

/// The classes that are taken alone, by name or by number.
fn classes(reader: &Reader, node: &Node) -> Vec<ClassChoice> {
    const WANTED: &str = "a list of classes, by name or by number, such as `[cat, dog]` or `[0, 3, 5]`";
    let nodes = match &node.content {
        NodeContent::List(nodes) if !nodes.is_empty() => nodes.as_slice(),
        _ => {
            reader.refuse("data.classes", node, WANTED);
            return Vec::new();
        }
    };
    let mut seen = HashSet::new();
    let one = |node: &Node| {
        let name = match &node.content {
            NodeContent::Text(text) => text.clone(),
            NodeContent::Int(number) if *number >= 0 => number.to_string(),
            _ => {
                reader.refuse("data.classes", node, WANTED);
                return None;
            }
        };
        if !seen.insert(name.clone()) {
            reader.conflict(node, &format!("`data.classes` has `{name}` twice"), "leave it out once");
        }
        Some(ClassChoice { name, place: Some(node.place) })
    };
    nodes.iter().filter_map(one).collect()
}

/// Data that stand in the recipe.
fn inline(mut section: Section<'_>, beside: &Path) -> Option<DataChoice> {
    let train = section.need("train", "`inputs` and `targets`");
    let train = train.and_then(|node| pair(section.reader, "data.train", node));
    let validation = section.get("validation").map(|node| pair(section.reader, "data.validation", node));
    let drop_last = section.flag("drop_last", false);
    section.finish();
    let validation = match validation {
        None => None,
        Some(pair) => Some(pair?),
    };
    Some(DataChoice {
        source: Source::new(Format::Npy, beside),
        tensors: Some((train?, validation)),
        train: None,
        validation: None,
        balanced: false,
        mix: None,
        skip_corrupt: false,
        check: false,
        workers: 1,
        drop_last,
    })
}
