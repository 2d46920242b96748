//! The reference of layers, as Markdown, from the documentation that stands at their declarations.
//!
//! It is the second half of `docs/language.md`; a test fails when it is stale.

use super::{ArgumentSpec, JOINS, LAYERS, LayerEntry, Signature, join};
use std::fmt::Write;

const HEAD: &str = "\
# Layers

The layers that a spec can call, and the joins, with PyTorch's names, arguments and order of arguments. What PyTorch's
lazy layers infer is inferred here too. An argument in brackets may be left out and has no value then. How a layer's
parameters get other values is told [above](#parameters-of-ones-own). In shapes, `N` is the batch, `C` are channels, `H`
and `W` height and width.

This half of the page is generated from `compiler/src/ops/`.
";

/// The families of layers, in the list's order: each from a layer on.
const FAMILIES: [(&str, &str); 7] = [
    ("Convolutions and products", "Conv1d"),
    ("Poolings", "MaxPool1d"),
    ("Normalisations", "BatchNorm1d"),
    ("Activations", "ReLU"),
    ("Scores that become chances", "Softmax"),
    ("Dropping by chance", "Dropout"),
    ("Shapes, padding, and other forms", "Flatten"),
];

/// The text, from its heading `# Layers` on.
pub fn manual() -> String {
    let mut text = HEAD.to_owned();
    text += &families();
    for entry in LAYERS {
        text += &chapter(entry, "");
    }
    text += &format!(
        "\n# Joins\n\nEvery item between a join's braces is a branch from the same value.\n\n{}\n",
        links(JOINS)
    );
    for entry in JOINS {
        text += &chapter(entry, " { … }");
    }
    text
}

/// The links of all layers, a paragraph a family.
fn families() -> String {
    let place = |first: &str| LAYERS.iter().position(|entry| entry.signature.name == first).unwrap_or(LAYERS.len());
    let ends = FAMILIES.iter().skip(1).map(|(_, first)| place(first)).chain([LAYERS.len()]);
    let family = |((name, first), end): (&(&str, &str), usize)| {
        let entries = LAYERS.get(place(first)..end).unwrap_or_default();
        format!("\n**{name}**: {}\n", links(entries))
    };
    FAMILIES.iter().zip(ends).map(family).collect()
}

fn links(entries: &[LayerEntry]) -> String {
    let link = |entry: &LayerEntry| format!("[{}](#{})", entry.signature.name, anchor(entry));
    let line = |entries: &[LayerEntry]| entries.iter().map(link).collect::<Vec<_>>().join(", ");
    entries.chunks(4).map(line).collect::<Vec<_>>().join(",\n")
}

/// Where a chapter's heading is reached: a join that has the name of a layer, but for its case, is the second of that name.
fn anchor(entry: &LayerEntry) -> String {
    let name = entry.signature.name.to_lowercase();
    let is_second =
        name == entry.signature.name && LAYERS.iter().any(|layer| layer.signature.name.to_lowercase() == name);
    if is_second { format!("{name}-1") } else { name }
}

/// A layer's or join's chapter, from its heading on: what an editor shows of it.
pub fn page(entry: &LayerEntry) -> String {
    chapter(entry, if join(entry.signature.name).is_some() { " { … }" } else { "" })
}

fn chapter(entry: &LayerEntry, after: &str) -> String {
    let Signature { name, documentation, arguments } = entry.signature;
    let (introduction, sections) = sections(documentation);
    let mut text = format!("\n## {name}\n\n    {}{after}\n\n{introduction}\n", call(&entry.signature));
    if !arguments.is_empty() {
        text += "\n| argument | accepts | default | |\n|---|---|---|---|\n";
        for argument in arguments {
            text += &row(argument);
        }
    }
    for (heading, body) in sections {
        if heading == "Example" {
            let _ = write!(text, "\n{body}\n");
        } else {
            let _ = write!(text, "\n**{heading}.** {body}\n");
        }
    }
    text
}

/// How the layer is called, defaults written out: `Linear(out_features, bias=true)`.
fn call(signature: &Signature) -> String {
    let arguments: Vec<String> = signature.arguments.iter().map(ArgumentSpec::with_default).collect();
    if arguments.is_empty() {
        signature.name.to_owned()
    } else {
        format!("{}({})", signature.name, arguments.join(", "))
    }
}

impl ArgumentSpec {
    /// As it is called: its name, with its default where it has one, in brackets where it may be left out and has none.
    pub fn with_default(&self) -> String {
        match self.default.map(|default| default()) {
            None => self.name.to_owned(),
            Some(default) if default.is_empty() => format!("[{}]", self.name),
            Some(default) => format!("{}={default}", self.name),
        }
    }

    /// What it means, as Markdown.
    pub fn meaning(&self) -> String {
        sections(self.documentation).0
    }
}

fn row(argument: &ArgumentSpec) -> String {
    let default = match argument.default.map(|default| default()) {
        None => "must be given".to_owned(),
        Some(default) if default.is_empty() => String::new(),
        Some(default) => format!("`{default}`"),
    };
    format!("| `{}` | {} | {default} | {} |\n", argument.name, argument.accepts, argument.meaning())
}

/// A documentation's text before the first heading, and what stands under each heading.
fn sections(documentation: &[&'static str]) -> (String, Vec<(&'static str, String)>) {
    let mut parts = vec![("", Vec::new())];
    let mut fenced = false;
    for line in documentation {
        let line = line.strip_prefix(' ').unwrap_or(line);
        fenced ^= line.starts_with("```");
        match line.strip_prefix("# ") {
            Some(heading) if !fenced => parts.push((heading, Vec::new())),
            _ => parts.last_mut().into_iter().for_each(|(_, lines)| lines.push(line)),
        }
    }
    let mut texts = parts.into_iter().map(|(heading, lines)| (heading, lines.join("\n").trim().to_owned()));
    let introduction = texts.next().map(|(_, text)| text).unwrap_or_default();
    (introduction, texts.collect())
}
