//! What is in a block, with coordinates: the places of its grid become rows and columns as wide as what stands in them.
//!
//! A line leaves a box at its lower edge, passes its row upright, and turns aside only between two rows, so that no line
//! crosses a box. Below a box stand the shapes that leave it, on their line. A body that would be far higher than wide is cut
//! where one value passes, and goes on beside itself (`turns.rs`).

use super::super::layout::{Cell, Grid, lay_out};
use super::super::outline::{Body, End, Flow};
use super::boxes::item;
use super::fragment::{Drawing, Fragment};
use super::turns::{Strip, Turns};
use super::{Anchor, Edge, Label, Picture, Style, Text};
use cnnc_compiler::graph::NodeId;
use std::collections::HashSet;

/// The most that the shapes below a box take side by side.
const WIDEST: f64 = 900.0;
/// From one line of shapes to the next.
const LINE: f64 = 15.0;
/// Below the last one.
const BELOW: f64 = 4.0;
/// Beside every box, and every line.
const BESIDE: f64 = 9.0;
/// Between two rows where lines run straight, and where they turn aside.
const STRAIGHT: f64 = 16.0;
const ASIDE: f64 = 28.0;
/// Below the last row.
const LAST: f64 = 2.0;

/// A body in a block of that path; `None` where it has more than is drawn.
pub fn body(drawing: &Drawing<'_>, body: &Body, path: &str, level: usize) -> Option<Fragment> {
    let grid = lay_out(body)?;
    let items: Option<Vec<Fragment>> = body.items.iter().map(|one| item(drawing, one, path, level)).collect();
    let mut items = items?;
    let leaving = grid.leaving(body);
    let tags: Vec<Vec<Tag>> =
        items.iter_mut().zip(&leaving).map(|(item, leaving)| tags(drawing, item, leaving)).collect();
    let mut steps: Vec<HashSet<(NodeId, [Cell; 2])>> = vec![HashSet::new(); grid.rows];
    for (flow, way) in body.flows.iter().zip(&grid.ways) {
        for pair in way.windows(2) {
            if let Some(steps) = steps.get_mut(pair[0].row.min(pair[1].row)) {
                steps.insert((flow.value, [pair[0], pair[1]]));
            }
        }
    }
    let pictures = items.iter_mut().map(|item| std::mem::take(&mut item.picture)).collect();
    let sized = Sized { body, grid: &grid, items: &items, tags: &tags, steps };
    let turns = Turns::of(&sized, level);
    Some(sized.placed(&turns, level, pictures))
}

/// The shape of a value on its line, below the item that gives it.
struct Tag {
    text: Text,
    /// How far from the item's left edge its middle is.
    x: f64,
    /// In which line below the item it stands, from 1.
    line: usize,
}

/// The shapes that leave a closed item, side by side on a line each where there is room; an open one has them within.
fn tags(drawing: &Drawing<'_>, item: &mut Fragment, leaving: &[NodeId]) -> Vec<Tag> {
    if !item.is_box {
        return Vec::new();
    }
    let text = |value: &NodeId| Text::of([(Style::Small, drawing.shaped.shape(*value).to_string())]);
    let texts: Vec<Text> = leaving.iter().map(text).collect();
    let room: f64 = texts.iter().map(|text| text.width() + 2.0 * BESIDE).sum();
    if texts.len() < 2 || room > WIDEST {
        return texts.into_iter().zip(1..).map(|(text, line)| Tag { text, x: item.middle, line }).collect();
    }
    item.widen(room);
    let mut x = item.middle - room / 2.0;
    let tag = |(text, &value): (Text, &NodeId)| {
        let half = text.width() / 2.0 + BESIDE;
        x += half;
        item.exits.insert(value, x);
        let tag = Tag { text, x, line: 1 };
        x += half;
        tag
    };
    texts.into_iter().zip(leaving).map(tag).collect()
}

/// A body whose items are sized and not placed.
pub struct Sized<'a> {
    body: &'a Body,
    grid: &'a Grid,
    items: &'a [Fragment],
    tags: &'a [Vec<Tag>],
    /// What passes from each row to the next, each line once.
    steps: Vec<HashSet<(NodeId, [Cell; 2])>>,
}

impl Sized<'_> {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.grid.rows
    }

    /// The height of each row without what is between.
    pub fn heights(&self) -> Vec<f64> {
        let mut heights = vec![0.0f64; self.grid.rows];
        for ((cell, item), tags) in self.grid.items.iter().zip(self.items).zip(self.tags) {
            if let Some(height) = heights.get_mut(cell.row) {
                let below = tags.iter().map(|tag| tag.line as f64 * LINE + BELOW).fold(0.0, f64::max);
                *height = height.max(item.height + below);
            }
        }
        heights
    }

    /// The middles of all tracks' right edges among these rows, and how wide all is together.
    pub fn middles(&self, rows: &std::ops::Range<usize>) -> (Vec<f64>, f64) {
        let mut tracks = vec![0.0f64; self.grid.tracks];
        let mut need = |cell: &Cell, [left, right]: [f64; 2]| {
            for (track, wide) in [(cell.track, left), (cell.track + 1, right)] {
                if let Some(track) = tracks.get_mut(track) {
                    *track = track.max(wide + BESIDE);
                }
            }
        };
        for ((cell, item), tags) in self.grid.items.iter().zip(self.items).zip(self.tags) {
            if rows.contains(&cell.row) {
                let left = tags.iter().map(|tag| item.middle - tag.x + tag.text.width() / 2.0);
                let right = tags.iter().map(|tag| tag.x - item.middle + tag.text.width() / 2.0);
                need(cell, [left.fold(item.middle, f64::max), right.fold(item.width - item.middle, f64::max)]);
            }
        }
        let ports = self.grid.inputs.iter().chain(&self.grid.outputs);
        for cell in ports.chain(self.grid.ways.iter().flatten()).filter(|cell| rows.contains(&cell.row)) {
            need(cell, [0.0, 0.0]);
        }
        let mut edge = 0.0;
        let middles = tracks
            .iter()
            .map(|track| {
                edge += track;
                edge
            })
            .collect();
        (middles, edge)
    }

    /// Between a row and the next: what their lines need, with these middles.
    pub fn gap(&self, row: usize, middles: &[f64]) -> f64 {
        let x = |cell: &Cell| middles.get(cell.track).copied().unwrap_or_default();
        let steps = self.steps.get(row).into_iter().flatten();
        let aside = steps.map(|(_, [a, b])| (x(a) - x(b)).abs()).fold(0.0, f64::max);
        if aside < 1.0 && self.is_port(row + 1) {
            LAST
        } else if aside < 1.0 {
            STRAIGHT
        } else {
            ASIDE + (aside * 0.05).min(24.0)
        }
    }

    /// Whether just one value passes from a row to the next, from one place, so that the body can be cut there.
    pub fn can_be_cut(&self, row: usize) -> bool {
        let mut steps = self.steps.get(row).into_iter().flatten();
        let Some((value, [first, _])) = steps.next() else { return false };
        // Neither right after values come in nor right before they leave.
        let is_one = first.row == row && steps.all(|(other, [from, _])| (other, from) == (value, first));
        is_one && !self.is_port(row) && !self.is_port(row + 1)
    }

    /// Whether values come in or leave in a row.
    fn is_port(&self, row: usize) -> bool {
        self.grid.inputs.iter().chain(&self.grid.outputs).any(|cell| cell.row == row)
    }

    /// All of it in its place.
    fn placed(&self, turns: &Turns, level: usize, pictures: Vec<Picture>) -> Fragment {
        let mut picture = Picture::default();
        for (((place, drawn), cell), item) in pictures.into_iter().enumerate().zip(&self.grid.items).zip(self.items) {
            let [middle, top] = turns.place(cell);
            picture.add(drawn, [middle - item.middle, top]);
            for tag in &self.tags[place] {
                let at = [middle - item.middle + tag.x, top + item.height + LINE * tag.line as f64];
                picture.texts.push(Label { text: tag.text.clone().at(at, Anchor::Middle), level });
            }
        }
        let mut drawn: HashSet<(NodeId, [Cell; 2])> = HashSet::new();
        for (flow, way) in self.body.flows.iter().zip(&self.grid.ways) {
            // What is one line with a line that is there already is not drawn again.
            let shared = way.windows(2).take_while(|pair| !drawn.insert((flow.value, [pair[0], pair[1]]))).count();
            drawn.extend(way.windows(2).map(|pair| (flow.value, [pair[0], pair[1]])));
            let is_up = way.first().zip(way.last()).is_some_and(|(first, last)| first.row > last.row);
            let ends_at_box = match flow.to {
                End::Item(place) => self.items[place].is_box,
                End::Input(_) | End::Output(_) => false,
            };
            let points = if is_up {
                let back = Flow { value: flow.value, from: flow.to, to: flow.from };
                let down: Vec<Cell> = way.iter().rev().copied().collect();
                let mut points = self.points(&back, &down, 0, turns);
                points.reverse();
                points
            } else {
                self.points(flow, way, shared, turns)
            };
            if points.len() > 1 {
                picture.edges.push(Edge { points, arrow: ends_at_box });
            }
        }
        let port = |(value, cell): (&NodeId, &Cell)| (*value, turns.place(cell)[0]);
        let entries = self.body.inputs.iter().zip(&self.grid.inputs).map(port);
        let exits = self.body.outputs.iter().zip(&self.grid.outputs).map(port);
        let first = self.grid.inputs.first().or(self.grid.items.first()).map(|cell| turns.place(cell)[0]);
        let middle = first.filter(|_| turns.strips.len() < 2).unwrap_or(turns.size[0] / 2.0);
        Fragment {
            width: turns.size[0],
            height: turns.size[1],
            picture,
            entries: entries.collect(),
            exits: exits.collect(),
            middle,
            is_box: false,
        }
    }

    /// The corners of a flow's line downwards, from the cell on up to which another line is the same.
    fn points(&self, flow: &Flow, way: &[Cell], shared: usize, turns: &Turns) -> Vec<[f64; 2]> {
        let mut points: Vec<[f64; 2]> = Vec::new();
        let mut push = |point: [f64; 2]| {
            if points.last() != Some(&point) {
                points.push(point);
            }
        };
        for (number, cell) in way.iter().enumerate().skip(shared) {
            let [middle, top] = turns.place(cell);
            let at = |end: End, entry: bool| match end {
                End::Item(place) => {
                    let item = &self.items[place];
                    let offset = if entry { item.entry(flow.value) } else { item.exit(flow.value) };
                    (middle - item.middle + offset, if entry { top } else { top + item.height })
                }
                End::Input(_) => (middle, top),
                End::Output(_) => (middle, turns.size[1]),
            };
            let is_last = number + 1 == way.len();
            let (mut x, mut y) = if number == 0 { at(flow.from, false) } else { (middle, top) };
            if is_last {
                (x, y) = at(flow.to, true);
                // A line that leaves runs on to the lower edge.
                if matches!(flow.to, End::Output(_)) && number > 0 {
                    push([x, top]);
                }
                push([x, y]);
                break;
            }
            if number > shared || number == 0 {
                push([x, y]);
            }
            let bottom = turns.bottom(cell.row);
            push([x, bottom]);
            if let Some(next) = way.get(number + 1).filter(|next| turns.strip(next.row) != turns.strip(cell.row)) {
                let entry = match flow.to {
                    End::Item(_) if number + 2 == way.len() => at_entry(self, flow, turns, next),
                    _ => turns.place(next)[0],
                };
                turns.corners([x, bottom], [entry, turns.place(next)[1]], cell.row).into_iter().for_each(&mut push);
            }
        }
        points
    }
}

/// Where a flow comes into the item that it ends at.
fn at_entry(sized: &Sized<'_>, flow: &Flow, turns: &Turns, cell: &Cell) -> f64 {
    let middle = turns.place(cell)[0];
    match flow.to {
        End::Item(place) => sized.items.get(place).map_or(middle, |item| middle - item.middle + item.entry(flow.value)),
        End::Input(_) | End::Output(_) => middle,
    }
}

impl Strip {
    /// The rows from one to another of a body.
    pub fn of(sized: &Sized<'_>, rows: std::ops::Range<usize>, heights: &[f64]) -> Strip {
        let (middles, width) = sized.middles(&rows);
        let (mut tops, mut y) = (Vec::new(), 0.0);
        for row in rows.clone() {
            tops.push(y);
            y += heights.get(row).copied().unwrap_or_default();
            if row + 1 < rows.end {
                y += sized.gap(row, &middles);
            }
        }
        Strip { rows, middles, tops, width, height: y }
    }
}
