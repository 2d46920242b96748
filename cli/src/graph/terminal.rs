//! A network in the terminal: a line a layer, and left of it a rail for every value that is still needed (`rails.rs`), which part
//! where a value is used again and meet where one layer takes several.

use super::facts::Facts;
use super::flat::{Closed, Flat};
use super::outline::{Content, Item, name_in};
use super::picture::{cost_in_words, rounded, short_arguments};
use super::rails::Rails;
use crate::console::Console;
use crate::numbers::padded;
use cnnc_compiler::graph::{NodeId, ShapedGraph};

/// The least columns of a name with its layer; what is wider than the terminal is cut.
const LEAST: usize = 24;

/// A line: rails, and what stands beside them.
struct Line {
    rails: String,
    indent: usize,
    name: String,
    layer: String,
    shape: String,
    cost: String,
}

/// The whole drawing.
pub fn drawing(shaped: &ShapedGraph, facts: &Facts, flat: &Flat<'_>, console: &Console<'_>) -> String {
    let mut lines = Vec::new();
    let mut rails = Rails::of(flat);
    let mut open: &[usize] = &[];
    for (place, one) in flat.boxes.iter().enumerate() {
        let shared = open.iter().zip(&one.around).take_while(|(a, b)| a == b).count();
        for &block in &one.around[shared..] {
            lines.push(head(flat, one, block, rails.passing()));
        }
        open = &one.around;
        let mut told = told(shaped, facts, flat, place);
        told.extend(rails.unreached(place).map(|from| {
            let name = flat.boxes.get(from).map_or("", |from| &from.item.path);
            Line { rails: String::new(), indent: 0, name: format!("and takes {name}"), ..blank(one.around.len()) }
        }));
        let around = rails.step(place, told.len());
        lines.extend(around.before.into_iter().map(|rails| Line { rails, ..blank(0) }));
        lines.extend(told.into_iter().zip(around.beside).map(|(line, rails)| Line { rails, ..line }));
        lines.extend(around.after.into_iter().map(|rails| Line { rails, ..blank(0) }));
    }
    let cost = cost_in_words(facts.cost);
    let sizes = facts.sizes_in_words(shaped);
    let at = if sizes.is_empty() { sizes } else { format!("  (MACs at {sizes})") };
    let cost = if cost.is_empty() { cost } else { format!("  {cost}{at}") };
    let title = format!("{}{}\n\n", console.bold(&shaped.graph.name), console.faint(&cost));
    title + &aligned(&lines, console)
}

fn blank(indent: usize) -> Line {
    let empty = String::new;
    Line { rails: empty(), indent, name: empty(), layer: empty(), shape: empty(), cost: empty() }
}

/// The head of an open block.
fn head(flat: &Flat<'_>, one: &Closed<'_>, block: usize, rails: String) -> Line {
    let item = flat.blocks.get(block).map(|block| block.item);
    let level = flat.blocks.get(block).map_or(0, |block| block.level);
    let layer = item.map(Item::class).unwrap_or_default();
    Line { rails, name: flat.block_name(&one.around, block).to_owned(), layer, ..blank(level) }
}

/// What is said of a box, a line a layer.
fn told(shaped: &ShapedGraph, facts: &Facts, flat: &Flat<'_>, place: usize) -> Vec<Line> {
    let Some(one) = flat.boxes.get(place) else { return Vec::new() };
    let indent = one.around.len();
    let shape = |node: NodeId| shaped.shape(node).to_string();
    let macs = |macs: Option<u64>| {
        macs.filter(|&macs| macs > 0).map(|macs| format!("{} MACs", rounded(macs))).unwrap_or_default()
    };
    match &one.item.content {
        Content::Input(place) => {
            let shape = shaped.graph.inputs.get(*place).map(|input| input.shape.to_string()).unwrap_or_default();
            vec![Line { layer: one.item.path.to_string(), shape, ..blank(indent) }]
        }
        Content::Output(place) => {
            let shape = shaped.graph.outputs.get(*place).map(|output| shape(output.node)).unwrap_or_default();
            vec![Line { layer: one.item.path.to_string(), shape, ..blank(indent) }]
        }
        Content::Layers(layers) => {
            let around = one.around.last().and_then(|&block| flat.blocks.get(block)).map_or("", |block| block.path);
            let line = |&node: &NodeId| {
                let fact = facts.of(node)?;
                let name = name_in(&fact.path, around).to_owned();
                let layer = format!("{} {}", fact.layer, short_arguments(fact));
                let layer = layer.trim_end().to_owned();
                Some(Line { name, layer, shape: shape(node), cost: macs(fact.cost.macs), ..blank(indent) })
            };
            layers.iter().filter_map(line).collect()
        }
        Content::Block(_) | Content::Run(_) => {
            let mut shapes: Vec<String> = Vec::new();
            for (value, ..) in flat.lines.iter().filter(|(_, from, _)| *from == place) {
                let shape = shape(*value);
                if !shapes.contains(&shape) {
                    shapes.push(shape);
                }
            }
            let name = flat.name(one).to_owned();
            let cost = macs(one.item.cost.macs);
            vec![Line { name, layer: one.item.class(), shape: shapes.join(" "), cost, ..blank(indent) }]
        }
    }
}

/// Lines as text: shapes and costs below each other. Where the terminal is too narrow costs are left out, then shapes are cut.
fn aligned(lines: &[Line], console: &Console<'_>) -> String {
    let width = |text: &str| text.chars().count();
    let most = |of: fn(&Line) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let start = most(|line| line.rails.chars().count()).min(console.width / 3);
    let room = console.width.saturating_sub(start + 1 + LEAST + 2);
    let shape = most(|line| line.shape.chars().count()).min(room);
    let cost = most(|line| line.cost.chars().count());
    let beside = if shape + 2 + cost <= room { 2 + cost } else { 0 };
    let wanted = most(|line| 2 * line.indent + line.name.chars().count() + 1 + line.layer.chars().count());
    let column = wanted.min(console.width.saturating_sub(start + 1 + 2 + shape + beside));
    let mut text = String::new();
    for line in lines {
        let rails = padded(&line.rails, start);
        let name = format!("{}{}", "  ".repeat(line.indent), line.name);
        let gap = if line.name.is_empty() || line.layer.is_empty() { "" } else { " " };
        let room = (start + column).saturating_sub(width(&rails));
        let (name, layer) = fitting(&name, gap, &line.layer, room);
        let blanks = " ".repeat(room.saturating_sub(width(&name) + width(gap) + width(&layer)));
        let shown = padded(&cut(&line.shape, shape), shape);
        let cost = if beside > 0 { &*line.cost } else { "" };
        let end = match (line.shape.is_empty(), cost) {
            (true, "") => String::new(),
            (_, "") => format!("{blanks}  {}", shown.trim_end()),
            (_, cost) => format!("{blanks}  {shown}  {cost}"),
        };
        text += &format!("{rails} {name}{gap}{}{end}", if layer.is_empty() { layer } else { console.bold(&layer) });
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// A name and a layer that fit so many columns; of the name the end is cut, then of the layer.
fn fitting(name: &str, gap: &str, layer: &str, room: usize) -> (String, String) {
    let beside = room.saturating_sub(layer.chars().count() + gap.len());
    let name = cut(name, beside.max(room / 2));
    let layer = cut(layer, room.saturating_sub(name.chars().count() + gap.len()));
    (name, layer)
}

/// A text without so much of its end that it fits so many columns.
fn cut(text: &str, room: usize) -> String {
    match text.chars().count() {
        count if count <= room => text.to_owned(),
        _ => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}
