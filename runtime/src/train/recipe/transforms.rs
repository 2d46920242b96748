//! The transforms of a recipe: a list whose entries are a name, or a name with what it takes: `- cutout: 8`,
//! `- random_crop: {size: 32, padding: 4}`. What each takes it asks itself ([`Arguments`]).

use super::section::{Reader, Section, choice, count_up_to, number};
use super::yaml::{Node, NodeContent};
use crate::data::{Size, Transform};
use crate::pictures::MOST_PIXELS;
use crate::pictures::transforms::{Arguments, NAMES, read};

/// Reads a list of transforms; what is wrong is reported and left out.
pub fn transforms(reader: &Reader, path: &str, node: &Node) -> Option<Vec<Transform>> {
    let NodeContent::List(entries) = &node.content else {
        reader.refuse(path, node, "a list of transforms");
        return None;
    };
    let mut transforms: Vec<Transform> = Vec::new();
    for entry in entries {
        let Some(transform) = transform(reader, path, entry) else { continue };
        let is_normalized = transforms.iter().any(|before| matches!(before, Transform::Normalize(_)));
        if is_normalized && transform.needs_pixels() {
            let name = transform.name();
            let message = format!("`{name}` takes pixels from 0 to 255, and these are normalised");
            reader.conflict(entry, &message, &format!("put `{name}` before `normalize`"));
        }
        if let (Transform::Normalize(normalize), false) = (&transform, is_normalized) {
            check_scale(reader, entry, &normalize.mean, &normalize.std);
        }
        transforms.push(transform);
    }
    Some(transforms)
}

/// Refuses means and deviations of pixels from 0 to 255: these are from 0 to 1 when they are normalised.
fn check_scale(reader: &Reader, entry: &Node, mean: &[f64], std: &[f64]) {
    if let Some(large) = mean.iter().chain(std).find(|number| number.abs() > 1.0) {
        let message = format!("pixels are from 0 to 1 when they are normalised, and {large} is not of that scale");
        let help = format!("divide by 255: {large} becomes {:.4}", large / 255.0);
        reader.conflict(entry, &message, &help);
    }
}

/// `- cutout: 8` or `- random_horizontal_flip`
fn transform(reader: &Reader, path: &str, entry: &Node) -> Option<Transform> {
    let (name, given) = match &entry.content {
        NodeContent::Map(pairs) if pairs.len() == 1 => pairs.first().map(|(name, given)| (name, Some(given)))?,
        NodeContent::Text(_) => (entry, None),
        _ => {
            reader.refuse(path, entry, "a list of transforms, each a name or one `name: value`");
            return None;
        }
    };
    let kind = choice(reader, path, name, NAMES)?;
    let path = format!("{path}.{}", NAMES[kind]);
    let given = given.filter(|given| given.content != NodeContent::Null);
    let section = match given {
        Some(node @ Node { content: NodeContent::Map(_), .. }) => Some(Section::new(reader, &path, node)?),
        _ => None,
    };
    let alone = given.filter(|_| section.is_none());
    let mut given = Given { reader, path, name, section, alone, main: None };
    let transform = read(NAMES[kind], &mut given);
    if let Some(section) = given.section {
        section.finish();
    }
    transform
}

/// What a transform is given: nothing, one value alone, or values by key.
struct Given<'r> {
    reader: &'r Reader,
    path: String,
    /// Where it is named.
    name: &'r Node,
    section: Option<Section<'r>>,
    alone: Option<&'r Node>,
    main: Option<&'static str>,
}

impl<'r> Given<'r> {
    /// The value of a key, where it is given, and what messages call it.
    fn value(&mut self, key: &'static str) -> (Option<&'r Node>, String) {
        match &mut self.section {
            Some(section) => (section.get(key), section.path(key)),
            None if self.main == Some(key) => (self.alone, self.path.clone()),
            None => (None, format!("{}.{key}", self.path)),
        }
    }

    /// As [`Given::value`] of what must be given; reported where it is not.
    fn needed(&mut self, key: &'static str, wanted: &str) -> Option<(&'r Node, String)> {
        let (node, path) = self.value(key);
        if node.is_none() {
            match &mut self.section {
                Some(section) => {
                    section.need(key, wanted);
                }
                None => self.reader.refuse(&path, self.name, wanted),
            }
        }
        Some((node?, path))
    }
}

impl Arguments for Given<'_> {
    fn begin(&mut self, main: Option<&'static str>) {
        self.main = main;
        if let (None, Some(node)) = (main, self.alone) {
            self.reader.refuse(&self.path, node, "keys with values, or left without any");
        }
    }

    fn count(&mut self, key: &'static str, default: Option<usize>, from: usize, to: usize) -> Option<usize> {
        let node = match default {
            None => self.needed(key, &format!("a whole number of at least {from}")),
            Some(default) => match self.value(key) {
                (None, _) => return Some(default),
                (Some(node), path) => Some((node, path)),
            },
        };
        node.and_then(|(node, path)| count_up_to(self.reader, &path, node, from, to))
    }

    fn numbers(
        &mut self,
        key: &'static str,
        default: Option<&[f64]>,
        wanted: &str,
        fits: &dyn Fn(&[f64]) -> bool,
    ) -> Option<Vec<f64>> {
        let (node, path) = match default {
            None => self.needed(key, wanted)?,
            Some(default) => match self.value(key) {
                (None, _) => return Some(default.to_vec()),
                (Some(node), path) => (node, path),
            },
        };
        let nodes = match &node.content {
            NodeContent::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let numbers: Option<Vec<f64>> = nodes.iter().map(number).collect();
        let fitting = numbers.filter(|numbers| !numbers.is_empty() && fits(numbers));
        if fitting.is_none() {
            self.reader.refuse(&path, node, wanted);
        }
        fitting
    }

    fn size(&mut self, key: &'static str) -> Option<[usize; 2]> {
        let (node, path) = self.needed(key, "a number of pixels, or [height, width]")?;
        size(self.reader, &path, node)
    }

    fn side_or_size(&mut self, key: &'static str) -> Option<Size> {
        let (node, path) = self.needed(key, "a number of pixels, or [height, width]")?;
        match node.content {
            NodeContent::Int(_) => side(self.reader, &path, node).map(Size::ShorterSide),
            _ => size(self.reader, &path, node).map(Size::To),
        }
    }

    fn choice(&mut self, key: &'static str, default: usize, names: &[&str]) -> Option<usize> {
        match self.value(key) {
            (None, _) => Some(default),
            (Some(node), path) => choice(self.reader, &path, node, names),
        }
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
