//! A network in the terminal: a line a layer, and left of it a rail for every value that is still needed, which part where a value
//! is used again and meet where one layer takes several.

use super::facts::Facts;
use super::flat::{Closed, Flat};
use super::outline::{Content, Item, name_in};
use super::picture::{cost_in_words, rounded, short_arguments};
use crate::console::Console;
use crate::numbers::padded;
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use std::collections::HashMap;

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

/// A value that is still needed.
struct Rail {
    value: NodeId,
    /// How many boxes will still take it.
    uses: usize,
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
            (_, "") => format!("{blanks}  {}", console.faint(shown.trim_end())),
            (_, cost) => format!("{blanks}  {}  {cost}", console.faint(&shown)),
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

/// The rails as they go down.
struct Rails {
    rails: Vec<Option<Rail>>,
    /// The values that each box takes, and those that it gives, with how many take them.
    takes: Vec<Vec<NodeId>>,
    gives: Vec<Vec<(NodeId, usize)>>,
    /// What a box takes of one that comes after it.
    unreached: HashMap<usize, Vec<usize>>,
}

/// The rails around a box.
struct Around {
    before: Vec<String>,
    beside: Vec<String>,
    after: Vec<String>,
}

impl Rails {
    fn of(flat: &Flat<'_>) -> Rails {
        let mut takes = vec![Vec::new(); flat.boxes.len()];
        let mut gives: Vec<Vec<(NodeId, usize)>> = vec![Vec::new(); flat.boxes.len()];
        let mut unreached: HashMap<usize, Vec<usize>> = HashMap::new();
        for &(value, from, to) in &flat.lines {
            if from > to {
                unreached.entry(to).or_default().push(from);
                continue;
            }
            takes[to].push(value);
            match gives[from].iter_mut().find(|(known, _)| *known == value) {
                Some((_, uses)) => *uses += 1,
                None => gives[from].push((value, 1)),
            }
        }
        Rails { rails: Vec::new(), takes, gives, unreached }
    }

    fn unreached(&self, place: usize) -> impl Iterator<Item = usize> {
        self.unreached.get(&place).cloned().unwrap_or_default().into_iter()
    }

    /// The first column right of one that is free.
    fn free(&mut self, after: Option<usize>) -> usize {
        let start = after.map_or(0, |column| column + 1);
        let free = (start..self.rails.len()).find(|&column| self.rails[column].is_none());
        free.unwrap_or_else(|| {
            self.rails.resize_with(self.rails.len().max(start) + 1, || None);
            self.rails.len() - 1
        })
    }

    /// Goes by a box of so many lines.
    fn step(&mut self, place: usize, lines: usize) -> Around {
        let mut before = Vec::new();
        let takes = self.takes[place].clone();
        let on = |rail: &Option<Rail>| rail.as_ref().is_some_and(|rail| takes.contains(&rail.value));
        let columns: Vec<usize> = (0..self.rails.len()).filter(|&column| on(&self.rails[column])).collect();
        let column = columns.first().copied().unwrap_or_else(|| self.free(None));
        for &column in &columns {
            self.rails[column].iter_mut().for_each(|rail| rail.uses -= 1);
        }
        // What is needed again parts from the line that leads here.
        if self.rails[column].as_ref().is_some_and(|rail| rail.uses > 0) {
            let kept = self.rails[column].take();
            let aside = self.free(Some(column));
            before.push(self.across(column, &[(aside, '╮')]));
            self.rails[aside] = kept;
        }
        let meeting: Vec<(usize, char)> = columns
            .iter()
            .skip(1)
            .map(|&other| {
                if self.rails[other].as_ref().is_some_and(|rail| rail.uses > 0) {
                    (other, '┤')
                } else {
                    (other, '╯')
                }
            })
            .collect();
        if !meeting.is_empty() {
            before.push(self.across(column, &meeting));
        }
        for (other, _) in meeting.iter().filter(|(_, end)| *end == '╯') {
            self.rails[*other] = None;
        }
        self.rails[column] = None;
        let mut beside = vec![self.row(column, '●')];
        let gives = std::mem::take(&mut self.gives[place]);
        let mut after = Vec::new();
        for (number, (value, uses)) in gives.into_iter().enumerate() {
            let own = if number == 0 { column } else { self.free(Some(column)) };
            if number > 0 {
                after.push(self.across(column, &[(own, '╮')]));
            }
            self.rails[own] = Some(Rail { value, uses });
        }
        while self.rails.last().is_some_and(Option::is_none) {
            self.rails.pop();
        }
        let passing = self.passing();
        beside.extend(std::iter::repeat_n(passing, lines.saturating_sub(1)));
        Around { before, beside, after }
    }

    /// All rails as they pass.
    fn passing(&self) -> String {
        self.row(usize::MAX, ' ')
    }

    /// All rails, with something in one column.
    fn row(&self, column: usize, mark: char) -> String {
        let count = self.rails.len().max(if column == usize::MAX { 0 } else { column + 1 });
        let cell = |place: usize| match self.rails.get(place) {
            _ if place == column => mark,
            Some(Some(_)) => '│',
            _ => ' ',
        };
        (0..count).flat_map(|place| [cell(place), ' ']).collect::<String>().trim_end().to_owned()
    }

    /// All rails, and a line from a column to others right of it, which goes below what passes.
    fn across(&self, column: usize, ends: &[(usize, char)]) -> String {
        let last = ends.iter().map(|(end, _)| *end).max().unwrap_or(column);
        let mut row = String::new();
        for place in 0..self.rails.len().max(last + 1) {
            let is_last = place == last;
            row.push(match ends.iter().find(|(end, _)| *end == place) {
                _ if place == column => '├',
                Some((_, '╯')) if !is_last => '┴',
                Some((_, '┤')) if !is_last => '┼',
                Some((_, end)) => *end,
                None if self.rails.get(place).is_some_and(Option::is_some) => '│',
                None if place > column && place < last => '─',
                None => ' ',
            });
            row.push(if place >= column && place < last { '─' } else { ' ' });
        }
        row.trim_end().to_owned()
    }
}
