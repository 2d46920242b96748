//! The page that draws a network: the browser lays out, the script draws lines between what stands where.
//!
//! A body is a grid, of which the places are given (`layout`), and a block a `<details>` in it.

use super::super::facts::{Fact, Facts};
use super::super::layout::{Cell, Grid, lay_out};
use super::super::outline::{Body, Content, End, Item, name_in};
use super::super::picture::{cost_in_words, shade, short_arguments};
use super::super::svg::in_lines;
use super::sizes::Sizes;
use super::{shell, told};
use crate::draw::svg::escaped;
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use std::collections::HashMap;
use std::fmt::Write;

/// The page of a network, with the blocks open whose path has fewer parts than `depth`; `None` where it is more than a page
/// holds. `what_is_fixed` says why its sizes are not open.
pub fn network(
    shaped: &ShapedGraph,
    facts: &Facts,
    outline: &Body,
    depth: usize,
    what_is_fixed: Option<&str>,
) -> Option<String> {
    let mut page = Page { shaped, facts, depth, sizes: Sizes::default(), html: String::new() };
    page.body(outline, "")?;
    let Page { sizes, html, .. } = page;
    Some(shell(shaped, facts, sizes, what_is_fixed, &html, include_str!("lines.js")))
}

/// A page that is being written.
struct Page<'a> {
    shaped: &'a ShapedGraph,
    facts: &'a Facts,
    depth: usize,
    sizes: Sizes,
    html: String,
}

impl Page<'_> {
    /// What is in a block of that path.
    fn body(&mut self, body: &Body, path: &str) -> Option<()> {
        let grid = lay_out(body)?;
        let (spots, ways) = spots(body, &grid);
        let leaving = grid.leaving(body);
        let _ = write!(self.html, "<div class=\"body\" data-ways=\"{ways}\">");
        for spot in spots {
            match spot {
                Spot::Item(place) => {
                    let (item, cell) = (body.items.get(place)?, grid.items.get(place)?);
                    let _ = write!(self.html, "<div class=\"spot item\" style=\"{}\">", place_in(cell));
                    self.item(item, path)?;
                    self.shapes(leaving.get(place)?);
                    self.html += "</div>";
                }
                Spot::Bend(cell) => {
                    let _ = write!(self.html, "<i class=\"spot\" style=\"{}\"></i>", place_in(&cell));
                }
            }
        }
        self.html += "</div>";
        Some(())
    }

    fn item(&mut self, item: &Item, around: &str) -> Option<()> {
        let shade = shade(item.cost, self.facts.cost).map_or("open".to_owned(), |shade| format!("shade{shade}"));
        match &item.content {
            Content::Input(_) | Content::Output(_) => {
                let path = escaped(&item.path);
                let _ = write!(self.html, "<div class=\"box port\" data-path=\"{path}\" tabindex=\"0\">{path}</div>");
            }
            Content::Layers(layers) => {
                let _ = write!(self.html, "<div class=\"box {shade}\">");
                for fact in layers.iter().filter_map(|&layer| self.facts.of(layer).map(|fact| (layer, fact))) {
                    self.layer(fact, around);
                }
                self.html += "</div>";
            }
            Content::Block(block) | Content::Run(block) => {
                let run = if matches!(item.content, Content::Run(_)) { " run" } else { "" };
                let words = cost_in_words(item.cost);
                let open = if block.depth < self.depth { " open" } else { "" };
                let _ = write!(
                    self.html,
                    "<details class=\"block {shade}{run}\"{open}><summary data-path=\"{}\" data-told=\"{}\" tabindex=\"0\">\
                     <span class=\"name\">{}</span> <b>{}</b><small>{words}</small></summary>",
                    escaped(&item.path),
                    in_lines(&told(item)),
                    escaped(item.name_in(around)),
                    escaped(&item.class()),
                );
                let path = if run.is_empty() { &*item.path } else { around };
                self.body(&block.body, path)?;
                self.html += "</details>";
            }
        }
        Some(())
    }

    /// A layer's line in a box.
    fn layer(&mut self, (node, fact): (NodeId, &Fact), around: &str) {
        let name = name_in(&fact.path, around);
        let value = self.sizes.value(self.shaped, node);
        let lines = [&[fact.call()], fact.arithmetic.as_slice(), &[fact.costs()]];
        let told = lines.concat().join("\n");
        let _ = write!(
            self.html,
            "<div class=\"layer\" data-path=\"{}\" data-told=\"{}\" data-value=\"{value}\" tabindex=\"0\">\
             <span class=\"name\">{}</span> <b>{}</b> {}</div>",
            escaped(&fact.path),
            in_lines(&told),
            escaped(name),
            escaped(fact.layer),
            escaped(&short_arguments(fact)),
        );
    }

    /// The shapes that leave an item, each once.
    fn shapes(&mut self, leaving: &[NodeId]) {
        let mut shown = Vec::new();
        for &node in leaving {
            let value = self.sizes.value(self.shaped, node);
            if !shown.contains(&value) {
                let shape = escaped(&self.shaped.shape(node).to_string());
                let _ = write!(self.html, "<div class=\"shape\" data-value=\"{value}\">{shape}</div>");
                shown.push(value);
            }
        }
    }
}

/// What has a place in a body's grid.
enum Spot {
    Item(usize),
    /// A line turns here, or comes in or leaves.
    Bend(Cell),
}

/// All that has a place, and the ways of values by their numbers: `7:0 3 4;7:0 4`. A way begins with `i` where its value comes
/// in, and ends with `o` where it leaves.
fn spots(body: &Body, grid: &Grid) -> (Vec<Spot>, String) {
    let mut spots: Vec<Spot> = (0..body.items.len()).map(Spot::Item).collect();
    let mut numbers: HashMap<Cell, usize> = grid.items.iter().enumerate().map(|(place, &cell)| (cell, place)).collect();
    let mut ways = Vec::new();
    for (flow, way) in body.flows.iter().zip(&grid.ways) {
        let number = |&cell: &Cell| {
            let number = *numbers.entry(cell).or_insert(spots.len());
            if number == spots.len() {
                spots.push(Spot::Bend(cell));
            }
            number.to_string()
        };
        let numbers: Vec<String> = way.iter().map(number).collect();
        let start = if matches!(flow.from, End::Input(_)) { "i " } else { "" };
        let end = if matches!(flow.to, End::Output(_)) { " o" } else { "" };
        ways.push(format!("{}:{start}{}{end}", flow.value.index(), numbers.join(" ")));
    }
    (spots, ways.join(";"))
}

/// Where a cell is, as CSS says it.
fn place_in(cell: &Cell) -> String {
    format!("grid-area:{}/{}/auto/span 2", cell.row + 1, cell.track + 1)
}
