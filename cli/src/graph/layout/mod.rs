//! Where the items of one body stand: a row and a column each, whatever their sizes turn out to be.
//!
//! A body comes in, a [`Grid`] goes out. It is the layered layout of Sugiyama: every item gets a row below all that it takes
//! (`rows.rs`), a value that passes rows gets a bend in each, the order within rows is sought in which fewest lines cross
//! (`crossings.rs`), and columns are found in which lines run straight (`columns.rs`). Coordinates are nobody's business here:
//! a picture adds up widths and heights (`picture/`), and the page leaves that to the browser's grid, so that a block can be
//! opened there without another layout. A layout that is given sizes, such as the port of dagre (which takes seconds for
//! ResNet-152 with its blocks, and a minute where 48 layers take each other's values), would have to be made anew in the page.

mod columns;
mod crossings;
mod rows;

use super::outline::{Body, End};
use cnnc_compiler::graph::NodeId;
use rows::Layered;
use std::collections::HashSet;

/// The most items and bends of one body. What has more is no picture that anybody could read.
pub const MOST_SPOTS: usize = 100_000;

/// The places of one body.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    /// Rows, from the top.
    pub rows: usize,
    /// Half columns; an item has two next to each other.
    pub tracks: usize,
    /// Where the items are.
    pub items: Vec<Cell>,
    /// Where values come in: in the first row, where there are any.
    pub inputs: Vec<Cell>,
    /// Where values leave: in the last row.
    pub outputs: Vec<Cell>,
    /// The way of every flow, a cell a row, both ends too; upwards where it closes a circle.
    pub ways: Vec<Vec<Cell>>,
}

/// A place: a row, and the first of two tracks, between which its middle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// From 0 at the top.
    pub row: usize,
    /// The left one.
    pub track: usize,
}

/// Lays out a body; `None` where it has more items and bends than are drawn.
pub fn lay_out(body: &Body) -> Option<Grid> {
    let mut layered = Layered::of(body)?;
    crossings::reduce(&mut layered);
    let tracks = columns::columns(&layered);
    let row_of = |spot: usize| layered.spots.get(spot).map_or(0, |spot| spot.row);
    let cell = |spot: usize| Cell { row: row_of(spot), track: tracks.get(spot).copied().unwrap_or_default() };
    let ends = |end: fn(usize) -> End, count: usize| (0..count).map(|place| cell(layered.spot(end(place)))).collect();
    Some(Grid {
        rows: layered.rows.len(),
        tracks: tracks.iter().max().map_or(0, |last| last + 2),
        items: ends(End::Item, body.items.len()),
        inputs: ends(End::Input, body.inputs.len()),
        outputs: ends(End::Output, body.outputs.len()),
        ways: layered.ways.iter().map(|way| way.iter().map(|&spot| cell(spot)).collect()).collect(),
    })
}

impl Grid {
    /// The values that leave each item of the body that was laid out, from left to right as they go on.
    pub fn leaving(&self, body: &Body) -> Vec<Vec<NodeId>> {
        let mut found: Vec<Vec<(usize, NodeId)>> = vec![Vec::new(); body.items.len()];
        for (flow, way) in body.flows.iter().zip(&self.ways) {
            if let End::Item(place) = flow.from {
                found[place].push((way.get(1).map_or(0, |next| next.track), flow.value));
            }
        }
        let ordered = |mut values: Vec<(usize, NodeId)>| {
            values.sort_unstable();
            let mut seen = HashSet::new();
            values.into_iter().map(|(_, value)| value).filter(|value| seen.insert(*value)).collect()
        };
        found.into_iter().map(ordered).collect()
    }
}
