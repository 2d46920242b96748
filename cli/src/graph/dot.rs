//! A network as text for Graphviz, which lays it out by itself: boxes, open blocks as clusters, shapes on the lines.

use super::facts::Facts;
use super::flat::Flat;
use super::outline::Content;
use super::picture::{cost_in_words, shade, short_arguments};
use cnnc_compiler::graph::ShapedGraph;
use std::fmt::Write;

/// The colours of shares of the cost, as in pictures.
const COLOURS: [&str; 6] = ["#ffffff", "#eaf2fd", "#d3e4fb", "#b5d1f8", "#93bbf4", "#6fa3ef"];

/// The whole text.
pub fn dot(shaped: &ShapedGraph, facts: &Facts, flat: &Flat<'_>) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&shaped.graph.name));
    text += "    graph [fontname=\"Helvetica\", compound=true]\n";
    text +=
        "    node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", fontname=\"Helvetica\", fontsize=11]\n";
    text += "    edge [fontname=\"Helvetica\", fontsize=9]\n";
    let mut open: &[usize] = &[];
    for (place, one) in flat.boxes.iter().enumerate() {
        let shared = open.iter().zip(&one.around).take_while(|(a, b)| a == b).count();
        close(&mut text, open.len(), shared);
        for (level, &block) in one.around.iter().enumerate().skip(shared) {
            let label = flat.blocks.get(block).map(|block| format!("{} {}", block.item.path, block.item.class()));
            let indent = "    ".repeat(level + 1);
            let _ = writeln!(text, "{indent}subgraph cluster_{block} {{");
            let _ = writeln!(text, "{indent}    label={}", quoted(&label.unwrap_or_default()));
        }
        open = &one.around;
        let name = flat.name(one);
        let lines: Vec<String> = match &one.item.content {
            Content::Input(_) | Content::Output(_) => vec![one.item.path.to_string()],
            Content::Layers(layers) => {
                let facts = layers.iter().filter_map(|&layer| facts.of(layer));
                facts
                    .map(|fact| format!("{} {} {}", fact.path, fact.layer, short_arguments(fact)).trim().to_owned())
                    .collect()
            }
            Content::Block(_) | Content::Run(_) => {
                vec![format!("{name} {}", one.item.class()), cost_in_words(one.item.cost)]
            }
        };
        let colour = shade(one.item.cost, facts.cost).and_then(|shade| COLOURS.get(shade)).unwrap_or(&"#ffffff");
        let indent = "    ".repeat(open.len() + 1);
        let label: Vec<String> = lines.iter().filter(|line| !line.is_empty()).map(|line| escaped(line)).collect();
        let label = label.join("\\n");
        let _ = writeln!(text, "{indent}n{place} [label=\"{label}\", fillcolor=\"{colour}\"]");
    }
    close(&mut text, open.len(), 0);
    for &(value, from, to) in &flat.lines {
        let _ = writeln!(text, "    n{from} -> n{to} [label={}]", quoted(&shaped.shape(value).to_string()));
    }
    text + "}\n"
}

/// Ends blocks, down to so many.
fn close(text: &mut String, open: usize, kept: usize) {
    for level in (kept..open).rev() {
        let _ = writeln!(text, "{}}}", "    ".repeat(level + 1));
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text between quotes; Graphviz reads what follows a backslash.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => safe.extend(['\\', letter]),
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}
