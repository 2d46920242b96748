//! A drawing with coordinates: what every writer of pictures writes, whatever the form.
//!
//! [`compose`] makes it of an outline: blocks that are open are frames around what is in them, all else are boxes. Coordinates
//! are in pixels at 96 to the inch; y grows downwards.

mod body;
mod boxes;
mod fragment;
mod legend;
mod text;
mod turns;

pub use boxes::{cost_in_words, costs, rounded, short_arguments};
pub use legend::{SHADES, shade};
pub use text::{Anchor, Style, Text};

use super::facts::Facts;
use super::outline::{Body, Item};
use cnnc_compiler::graph::ShapedGraph;

/// A drawing.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Width and height.
    pub size: [f64; 2],
    /// Frames around what is in a block, the outer before the inner.
    pub frames: Vec<Frame>,
    /// Lines between boxes.
    pub edges: Vec<Edge>,
    /// Boxes.
    pub boxes: Vec<Box>,
    /// Text that stands in no box.
    pub texts: Vec<Label>,
}

/// Text that stands in no box.
#[derive(Clone, Debug)]
pub struct Label {
    /// The text.
    pub text: Text,
    /// How many frames are around it.
    pub level: usize,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// An open block.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Where it is.
    pub area: Area,
    /// How many frames are around it.
    pub level: usize,
    /// Its name, within it.
    pub title: Text,
    /// What hovering says.
    pub hint: String,
}

/// A box.
#[derive(Clone, Debug)]
pub struct Box {
    /// Where it is.
    pub area: Area,
    /// What it stands for.
    pub kind: Kind,
    /// How much it costs, from 0 for nothing to the last of [`SHADES`]; `None` where that is open.
    pub shade: Option<usize>,
    /// What stands in it.
    pub texts: Vec<Text>,
    /// What hovering says.
    pub hint: String,
}

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An input or output of the network.
    Port,
    /// Layers.
    Layers,
    /// A block that is closed.
    Block,
    /// Equal blocks that are closed.
    Run,
    /// A colour of the legend.
    Key,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Its corners, from its start to its end. Between two that lie neither below nor beside each other it is a curve.
    pub points: Vec<[f64; 2]>,
    /// Whether it ends at a box.
    pub arrow: bool,
}

/// What a picture shows of an outline.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Blocks are open whose path has fewer parts.
    pub depth: usize,
}

impl View {
    /// The body that is shown of an item in place of itself, if it is open. Of a run it is the first block's: the others equal
    /// it.
    pub fn inside<'i>(&self, item: &'i Item) -> Option<&'i Body> {
        let block = item.block()?;
        let is_open = block.depth < self.depth;
        let shown = match &item.content {
            super::outline::Content::Run(run) => run.body.items.first().and_then(Item::block)?,
            _ => block,
        };
        is_open.then_some(&shown.body)
    }

    /// How many boxes are shown of a body.
    pub fn boxes(&self, body: &Body) -> usize {
        body.items.iter().map(|item| self.inside(item).map_or(1, |inside| self.boxes(inside))).sum()
    }
}

/// The width and the height of what fits a page and a slide, and is legible there.
const PAGE: [f64; 2] = [1450.0, 1000.0];
/// The most boxes of which it is worth trying.
const MOST_ON_A_PAGE: usize = 100;

/// The picture with as many blocks open as fit a page, and to which depth that is; with none where not even those fit.
pub fn compose_a_page(shaped: &ShapedGraph, facts: &Facts, body: &Body) -> Option<(Picture, View)> {
    let view = View { depth: 1 };
    let mut best = (compose(shaped, facts, body, view)?, view);
    for depth in 2..=deepest(body) + 1 {
        let view = View { depth };
        let drawn = (view.boxes(body) <= MOST_ON_A_PAGE).then(|| compose(shaped, facts, body, view)).flatten();
        match drawn.filter(|drawn| drawn.size[0] <= PAGE[0] && drawn.size[1] <= PAGE[1]) {
            Some(drawn) => best = (drawn, view),
            None => break,
        }
    }
    Some(best)
}

/// The depth of the deepest block.
fn deepest(body: &Body) -> usize {
    body.items.iter().filter_map(Item::block).map(|block| block.depth.max(deepest(&block.body))).max().unwrap_or(0)
}

/// Draws a network; `None` where it has more than a picture shows.
pub fn compose(shaped: &ShapedGraph, facts: &Facts, body: &Body, view: View) -> Option<Picture> {
    let drawing = fragment::Drawing { shaped, facts, view };
    let network = body::body(&drawing, body, "", 0)?;
    Some(legend::framed(&drawing, network))
}
