//! Part of a drawing, which is moved as a whole.

use super::super::facts::Facts;
use super::{Area, Picture, View};
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use std::collections::HashMap;

/// What is drawn, and how.
pub struct Drawing<'a> {
    /// The network.
    pub shaped: &'a ShapedGraph,
    /// What is said of its layers.
    pub facts: &'a Facts,
    /// What is open.
    pub view: View,
}

/// A part of a drawing, from its upper left corner on.
#[derive(Default)]
pub struct Fragment {
    /// What is in it.
    pub picture: Picture,
    /// How wide it is.
    pub width: f64,
    /// How high its own box or frame is: labels are below it.
    pub height: f64,
    /// How far from its left edge values come in, where that is not in the middle.
    pub entries: HashMap<NodeId, f64>,
    /// How far from its left edge values leave.
    pub exits: HashMap<NodeId, f64>,
    /// How far from its left edge the middle is that stands in the middle of its column.
    pub middle: f64,
    /// Whether lines that come in end here.
    pub is_box: bool,
}

impl Fragment {
    /// Where a value comes in.
    pub fn entry(&self, value: NodeId) -> f64 {
        self.entries.get(&value).copied().unwrap_or(self.middle)
    }

    /// Where a value leaves.
    pub fn exit(&self, value: NodeId) -> f64 {
        self.exits.get(&value).copied().unwrap_or(self.middle)
    }
}

impl Fragment {
    /// Makes a box at least so wide, with what is in it in its middle.
    pub fn widen(&mut self, width: f64) {
        let more = width - self.width;
        let Some(one) = self.picture.boxes.first_mut().filter(|_| more > 0.0) else { return };
        one.area.width += more;
        one.texts.iter_mut().for_each(|text| text.at[0] += more / 2.0);
        self.width += more;
        self.middle += more / 2.0;
    }
}

impl Area {
    fn moved(self, [x, y]: [f64; 2]) -> Area {
        Area { x: self.x + x, y: self.y + y, ..self }
    }
}

impl Picture {
    /// Takes in a picture, moved.
    pub fn add(&mut self, other: Picture, by: [f64; 2]) {
        let point = |[x, y]: [f64; 2]| [x + by[0], y + by[1]];
        let text = |mut text: super::Text| {
            text.at = point(text.at);
            text
        };
        self.frames.extend(other.frames.into_iter().map(|frame| super::Frame {
            area: frame.area.moved(by),
            title: text(frame.title),
            ..frame
        }));
        self.edges.extend(
            other
                .edges
                .into_iter()
                .map(|edge| super::Edge { points: edge.points.into_iter().map(point).collect(), ..edge }),
        );
        self.boxes.extend(other.boxes.into_iter().map(|one| super::Box {
            area: one.area.moved(by),
            texts: one.texts.into_iter().map(text).collect(),
            ..one
        }));
        self.texts.extend(other.texts.into_iter().map(|label| super::Label { text: text(label.text), ..label }));
    }
}
