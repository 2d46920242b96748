//! The transforms of a recipe: a list whose entries are a name, or a name with what it takes.

use super::section::{Reader, Section, choice, count_up_to, number};
use super::yaml::{Node, NodeContent};
use crate::data::{Resize, Transform};
use crate::pictures::MOST_PIXELS;
use cnnc_compiler::graph::Interpolation;

/// The names, as torchvision has them where it does.
const NAMES: &[&str] =
    &["resize", "center_crop", "random_crop", "random_horizontal_flip", "normalize", "cutout", "transpose"];

/// Reads a list of transforms; what is wrong is reported and left out.
pub fn transforms(reader: &Reader, path: &str, node: &Node) -> Option<Vec<Transform>> {
    let NodeContent::List(entries) = &node.content else {
        reader.refuse(path, node, "a list of transforms");
        return None;
    };
    Some(entries.iter().filter_map(|entry| transform(reader, path, entry)).collect())
}

/// `- cutout: 8` or `- random_horizontal_flip`
fn transform(reader: &Reader, path: &str, entry: &Node) -> Option<Transform> {
    let nothing = Node { content: NodeContent::Null, place: entry.place };
    let (name, given) = match &entry.content {
        NodeContent::Map(pairs) if pairs.len() == 1 => pairs.first().map(|(name, given)| (name, given))?,
        NodeContent::Text(_) => (entry, &nothing),
        _ => {
            reader.refuse(path, entry, "a list of transforms, each a name or one `name: value`");
            return None;
        }
    };
    let kind = choice(reader, path, name, NAMES)?;
    let path = format!("{path}.{}", NAMES[kind]);
    let missing = given.content == NodeContent::Null;
    let at = if missing { name } else { given };
    match NAMES[kind] {
        "resize" if matches!(given.content, NodeContent::Int(_)) => {
            side(reader, &path, at).map(|side| Transform::Resize(Resize::ShorterSide(side), Interpolation::Bilinear))
        }
        "resize" => size(reader, &path, at).map(|size| Transform::Resize(Resize::To(size), Interpolation::Bilinear)),
        "center_crop" => size(reader, &path, at).map(Transform::CenterCrop),
        "random_crop" => random_crop(reader, &path, at),
        "transpose" if missing => Some(Transform::Transpose),
        "transpose" => {
            reader.refuse(&path, at, "left without a value");
            None
        }
        "random_horizontal_flip" if missing => Some(Transform::RandomHorizontalFlip { probability: 0.5 }),
        "random_horizontal_flip" => {
            let probability = number(at).filter(|number| (0.0..=1.0).contains(number));
            if probability.is_none() {
                reader.refuse(&path, at, "a number from 0 to 1");
            }
            Some(Transform::RandomHorizontalFlip { probability: probability? })
        }
        "normalize" => normalize(reader, &path, at),
        _ => side(reader, &path, at).map(|size| Transform::Cutout { size }),
    }
}

/// The side of a picture.
fn side(reader: &Reader, path: &str, node: &Node) -> Option<usize> {
    count_up_to(reader, path, node, 1, MOST_PIXELS)
}

/// One side for both, or height and width.
fn size(reader: &Reader, path: &str, node: &Node) -> Option<[usize; 2]> {
    let sides = match &node.content {
        NodeContent::List(sides) if sides.len() == 2 => {
            let height = side(reader, path, &sides[0]);
            [height?, side(reader, path, &sides[1])?]
        }
        NodeContent::Int(_) => side(reader, path, node).map(|side| [side, side])?,
        _ => {
            reader.refuse(path, node, "a number of pixels, or [height, width]");
            return None;
        }
    };
    if sides[0] * sides[1] > MOST_PIXELS {
        reader.refuse(
            path,
            node,
            format_args!("of at most {MOST_PIXELS} pixels, and {}×{} are more", sides[0], sides[1]),
        );
        return None;
    }
    Some(sides)
}

/// `random_crop: 32` or `random_crop: {size: 32, padding: 4}`
fn random_crop(reader: &Reader, path: &str, node: &Node) -> Option<Transform> {
    if !matches!(node.content, NodeContent::Map(_)) {
        return size(reader, path, node).map(|size| Transform::RandomCrop { size, padding: 0 });
    }
    let mut section = Section::new(reader, path, node)?;
    let sides = section.need("size", "a number of pixels, or [height, width]");
    let sides = sides.and_then(|node| size(reader, &section.path("size"), node));
    let padding = section.get("padding");
    let padding = padding.map_or(Some(0), |node| count_up_to(reader, &section.path("padding"), node, 0, MOST_PIXELS));
    section.finish();
    Some(Transform::RandomCrop { size: sides?, padding: padding? })
}

/// `normalize: {mean: 0.2860, std: 0.3530}`, or a list each with a number a channel.
fn normalize(reader: &Reader, path: &str, node: &Node) -> Option<Transform> {
    let mut section = Section::new(reader, path, node)?;
    let mean = section.need("mean", "a number, or one a channel");
    let mean = mean.and_then(|node| numbers(reader, &section.path("mean"), node, |_| true));
    let std = section.need("std", "a number above 0, or one a channel");
    let std = std.and_then(|node| numbers(reader, &section.path("std"), node, |number| number > 0.0));
    section.finish();
    Some(Transform::Normalize { mean: mean?, std: std? })
}

fn numbers(reader: &Reader, path: &str, node: &Node, fits: fn(f64) -> bool) -> Option<Vec<f64>> {
    let one = |node: &Node| {
        let found = number(node).filter(|&number| fits(number));
        if found.is_none() {
            let wanted = if fits(-1.0) { "a number, or one a channel" } else { "a number above 0, or one a channel" };
            reader.refuse(path, node, wanted);
        }
        found
    };
    match &node.content {
        NodeContent::List(nodes) if !nodes.is_empty() => nodes.iter().map(one).collect(),
        _ => one(node).map(|number| vec![number]),
    }
}
