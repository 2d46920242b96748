//! Keys of a recipe that are set from outside: `optimizer.lr=0.9` stands in the place of what the recipe says.
//!
//! The path is dotted, the value is YAML. Both go into the tree before it is read, with their places in the argument: what is
//! wrong with them is told as of any other key, and points there.

use super::yaml::{self, Node, NodeContent};
use crate::random::fnv1a;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::{FileId, Span};
use std::collections::BTreeMap;

/// `KEY=VALUE`, and the file that messages know it as.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'t> {
    /// What was given.
    pub text: &'t str,
    /// The file.
    pub file: FileId,
}

/// Keys of the optimiser, which may be named without it.
const OF_OPTIMISER: [&str; 8] = ["lr", "momentum", "nesterov", "betas", "eps", "weight_decay", "alpha", "centered"];
/// Characters of a value past which a digest stands for the rest.
const LONGEST: usize = 60;

/// The key that a section's value stands for where it is no section: `optimizer: adam` is `optimizer.name`.
fn main_key(section: &str) -> Option<&'static str> {
    match section {
        "model" | "weights" => Some("file"),
        "loss" | "optimizer" | "schedule" => Some("name"),
        "early_stopping" => Some("patience"),
        "print" => Some("every"),
        _ => None,
    }
}

/// A part of a path, and where it stands.
struct Part {
    name: String,
    place: Span,
}

/// Puts a value into a recipe.
///
/// # Errors
/// E605 when it is no `KEY=VALUE` or its value no YAML, E606 when the key leads into a value that has none.
pub fn apply(root: &mut Node, setting: Setting<'_>) -> Result<(), Box<Diagnostic>> {
    let Setting { text, file } = setting;
    let whole = Span { file, start: 0, end: text.len() as u32 };
    let Some((path, value)) = text.split_once('=').filter(|(path, _)| !path.trim().is_empty()) else {
        let wrong = Diagnostic::new(Code::E605, "a key of the recipe is set by `KEY=VALUE`", whole, "no such");
        return Err(Box::new(wrong.help("such as `optimizer.lr=0.9` or `schedule={name: cosine, warmup: 5}`")));
    };
    let start = path.len() + 1;
    let content = match value.trim() {
        "" | "~" | "null" => NodeContent::Null,
        // Behind as many spaces the places of what is read are those of the argument.
        _ => yaml::parse(&format!("{}{value}", " ".repeat(start)), file).map(|node| node.content).map_err(
            |unreadable| {
                let message = format!("the value of `{}` cannot be read as YAML: {}", path.trim(), unreadable.reason);
                Box::new(Diagnostic::new(Code::E605, message, unreadable.place, "here"))
            },
        )?,
    };
    let blanks = value.len() - value.trim_start().len();
    let value_start = (start + blanks).min(text.len());
    let place = Span { file, start: value_start as u32, end: text.trim_end().len().max(value_start) as u32 };
    put(root, "", &parts(path, file), Node { content, place })
}

/// The parts of a path. Behind `init` all is one: layer types, and paths with points of their own.
fn parts(path: &str, file: FileId) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    let mut rest = path;
    loop {
        let is_whole = parts.last().is_some_and(|part: &Part| part.name == "init" && parts.len() == 1);
        let length = rest.find('.').filter(|_| !is_whole).unwrap_or(rest.len());
        let name = rest[..length].trim();
        let start = at + rest[..length].len() - rest[..length].trim_start().len();
        let place = Span { file, start: start as u32, end: (start + name.len()) as u32 };
        if parts.is_empty() && OF_OPTIMISER.contains(&name) && length == rest.len() {
            parts.push(Part { name: "optimizer".into(), place });
        }
        parts.push(Part { name: name.to_owned(), place });
        let Some(behind) = rest.get(length + 1..) else { return parts };
        at += length + 1;
        rest = behind;
    }
}

/// Puts a value under a path of a section, which is called so.
fn put(node: &mut Node, section: &str, path: &[Part], value: Node) -> Result<(), Box<Diagnostic>> {
    let Some((Part { name, place }, inner)) = path.split_first() else {
        *node = value;
        return Ok(());
    };
    match (&mut node.content, main_key(section)) {
        (NodeContent::Map(_), _) => {}
        (NodeContent::Null, _) => node.content = NodeContent::Map(Vec::new()),
        (content, Some(main)) if !matches!(content, NodeContent::List(_)) => {
            let alone = Node { content: std::mem::replace(content, NodeContent::Null), place: node.place };
            let key = Node { content: NodeContent::Text(main.into()), place: node.place };
            *content = NodeContent::Map(vec![(key, alone)]);
        }
        _ => {
            let message = format!("`{section}` has no keys, and none `{name}`");
            return Err(Box::new(Diagnostic::new(Code::E606, message, *place, "unknown key")));
        }
    }
    let NodeContent::Map(pairs) = &mut node.content else { return Ok(()) };
    let is_it = |pair: &&mut (Node, Node)| matches!(&pair.0.content, NodeContent::Text(text) if text == name);
    if let Some((_, found)) = pairs.iter_mut().find(is_it) {
        return put(found, name, inner, value);
    }
    let key = Node { content: NodeContent::Text(name.clone()), place: *place };
    let mut new = Node { content: NodeContent::Null, place: *place };
    put(&mut new, name, inner, value)?;
    pairs.push((key, new));
    Ok(())
}

/// Every value of a recipe under its dotted path, as text: what runs are told apart by.
pub fn flattened(root: &Node) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    flatten(root, "", &mut keys);
    keys
}

fn flatten(node: &Node, path: &str, keys: &mut BTreeMap<String, String>) {
    match &node.content {
        NodeContent::Null => {}
        NodeContent::Map(pairs) => {
            for (key, value) in pairs {
                let key = written(key);
                flatten(value, &if path.is_empty() { key } else { format!("{path}.{key}") }, keys);
            }
        }
        _ => {
            let path = main_key(path).map_or_else(|| path.to_owned(), |main| format!("{path}.{main}"));
            let text = written(node);
            let short = match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}… (digest {:016x})", &text[..end], fnv1a(&text)),
                None => text,
            };
            keys.insert(path, short);
        }
    }
}

/// A value in a line.
fn written(node: &Node) -> String {
    match &node.content {
        NodeContent::Null => "null".into(),
        NodeContent::Bool(value) => value.to_string(),
        NodeContent::Int(value) => value.to_string(),
        NodeContent::Float(value) => value.to_string(),
        NodeContent::Text(text) => text.clone(),
        NodeContent::List(nodes) => format!("[{}]", nodes.iter().map(written).collect::<Vec<_>>().join(", ")),
        NodeContent::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", written(key), written(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = "model: ../lenet.cnn\ninit: {Linear: zeros}\noptimizer: {name: sgd, lr: 0.1}\nepochs: 10\n";

    fn set(settings: &[&str]) -> Result<BTreeMap<String, String>, Box<Diagnostic>> {
        let mut root = yaml::parse(RECIPE, FileId(0)).expect("a tree");
        for (number, text) in settings.iter().enumerate() {
            apply(&mut root, Setting { text, file: FileId(1 + number as u32) })?;
        }
        Ok(flattened(&root))
    }

    #[test]
    fn values_stand_in_the_place_of_the_recipe_s() {
        let found =
            set(&["optimizer.lr=0.9", "momentum = 0.5", "schedule={name: cosine, warmup: 5}", "schedule.eta_min=1e-3"])
                .expect("a tree");
        let value = |key: &str| found.get(key).map_or("absent", String::as_str);
        assert_eq!(["optimizer.lr", "optimizer.name", "optimizer.momentum"].map(value), ["0.9", "sgd", "0.5"]);
        assert_eq!(["schedule.name", "schedule.warmup", "schedule.eta_min"].map(value), ["cosine", "5", "0.001"]);
        assert_eq!(["model.file", "epochs", "init.Linear"].map(value), ["../lenet.cnn", "10", "zeros"]);
        let found =
            set(&["model.set.width=2", "optimizer=adam", "lr=1", "init.0.weight=ones", "epochs=null"]).expect("a tree");
        let value = |key: &str| found.get(key).map_or("absent", String::as_str);
        assert_eq!(["model.file", "model.set.width", "init.0.weight"].map(value), ["../lenet.cnn", "2", "ones"]);
        assert_eq!(["optimizer.name", "optimizer.lr", "epochs"].map(value), ["adam", "1", "absent"]);
    }

    #[test]
    fn what_is_no_setting_is_told_with_its_place() {
        let refused = |text: &str| {
            let wrong = set(&[text]).expect_err("a refusal");
            let place = wrong.labels[0].span;
            (wrong.code, text[place.start as usize..place.end as usize].to_owned(), place.file.0)
        };
        assert_eq!(refused("lr"), (Code::E605, "lr".into(), 1));
        assert_eq!(refused("=3"), (Code::E605, "=3".into(), 1));
        assert_eq!(refused("epochs.many=3"), (Code::E606, "many".into(), 1));
        assert_eq!(refused("loss={name: mse").0, Code::E605);
    }

    #[test]
    fn places_of_values_are_those_of_the_argument() {
        let mut root = yaml::parse(RECIPE, FileId(0)).expect("a tree");
        let text = "optimizer={name: sgd, lr: high}";
        apply(&mut root, Setting { text, file: FileId(1) }).expect("a tree");
        let NodeContent::Map(pairs) = &root.content else { panic!("no map") };
        let NodeContent::Map(optimizer) = &pairs[2].1.content else { panic!("no map") };
        let place = optimizer[1].1.place;
        assert_eq!((&text[place.start as usize..place.end as usize], place.file), ("high", FileId(1)));
    }
}
