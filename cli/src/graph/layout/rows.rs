//! The row of every item, and a bend wherever a value passes one.
//!
//! An item stands right below the lowest of what it takes; what takes nothing, right above the first that takes it. Where groups
//! lie so that one takes of another before it and gives to it too, the flow that closes the circle runs upwards.

use super::super::outline::{Body, End, Flow};
use super::MOST_SPOTS;
use cnnc_compiler::graph::NodeId;
use std::collections::HashMap;

/// The body in rows.
pub struct Layered {
    /// Everything that has a place in a row.
    pub spots: Vec<Spot>,
    /// The spots of each row, in order.
    pub rows: Vec<Vec<usize>>,
    /// The spots of each flow, from its start to its end.
    pub ways: Vec<Vec<usize>>,
    inputs: usize,
    items: usize,
}

/// What has a place in a row.
#[derive(Default)]
pub struct Spot {
    /// Its row.
    pub row: usize,
    /// Whether it is a bend of a line and no item.
    pub is_bend: bool,
    /// What it is tied to in the row above.
    pub above: Vec<usize>,
    /// What it is tied to in the row below.
    pub below: Vec<usize>,
}

impl Layered {
    /// Of a body; `None` past [`MOST_SPOTS`].
    pub fn of(body: &Body) -> Option<Layered> {
        let (inputs, items) = (body.inputs.len(), body.items.len());
        let mut layered = Layered { spots: Vec::new(), rows: Vec::new(), ways: Vec::new(), inputs, items };
        let count = inputs + items + body.outputs.len();
        let ends: Vec<[usize; 2]> =
            body.flows.iter().map(|flow| [flow.from, flow.to].map(|end| layered.spot(end))).collect();
        let downwards = downwards(count, &ends);
        let first_row = usize::from(inputs > 0);
        let mut row_of = rows_of(count, &downwards, |spot| if spot < inputs { 0 } else { first_row });
        pull_down(&mut row_of, &downwards, inputs);
        let lowest = row_of.iter().take(inputs + items).max().copied().unwrap_or(0);
        row_of.iter_mut().skip(inputs + items).for_each(|row| *row = lowest + 1);
        layered.spots = row_of.iter().map(|&row| Spot { row, ..Spot::default() }).collect();
        let mut bends = HashMap::new();
        for (flow, &[from, to]) in body.flows.iter().zip(&ends) {
            let way = layered.way(flow, from, to, &mut bends)?;
            layered.ways.push(way);
        }
        layered.rows = layered.in_order();
        Some(layered)
    }

    /// The number of an end's spot.
    pub fn spot(&self, end: End) -> usize {
        match end {
            End::Input(place) => place,
            End::Item(place) => self.inputs + place,
            End::Output(place) => self.inputs + self.items + place,
        }
    }

    /// The way of a flow. Flows of one value from one end share their bends, so that they are one line as far as they can.
    fn way(
        &mut self,
        flow: &Flow,
        from: usize,
        to: usize,
        bends: &mut HashMap<(usize, NodeId, usize), usize>,
    ) -> Option<Vec<usize>> {
        let (start, end) = (self.spots[from].row, self.spots[to].row);
        let (top, bottom) = if start <= end { (from, to) } else { (to, from) };
        let mut way = vec![top];
        for row in start.min(end) + 1..start.max(end) {
            let next = self.spots.len();
            let bend = *bends.entry((top, flow.value, row)).or_insert(next);
            if bend == next {
                self.spots.push(Spot { row, is_bend: true, ..Spot::default() });
            }
            way.push(bend);
        }
        way.push(bottom);
        if self.spots.len() > MOST_SPOTS {
            return None;
        }
        for pair in way.windows(2).filter(|_| start != end) {
            let [above, below] = [pair[0], pair[1]];
            if !self.spots[above].below.contains(&below) {
                self.spots[above].below.push(below);
                self.spots[below].above.push(above);
            }
        }
        if start > end {
            way.reverse();
        }
        Some(way)
    }

    /// The spots of each row in the order in which lines are followed from the top, branches as they are written.
    fn in_order(&self) -> Vec<Vec<usize>> {
        let last = self.spots.iter().map(|spot| spot.row).max();
        let mut rows = vec![Vec::new(); last.map_or(0, |last| last + 1)];
        let mut seen = vec![false; self.spots.len()];
        let is_start = |spot: &usize| self.spots[*spot].above.is_empty();
        for start in (0..self.spots.len()).filter(is_start) {
            let mut open = vec![start];
            while let Some(spot) = open.pop() {
                if !std::mem::replace(&mut seen[spot], true) {
                    rows[self.spots[spot].row].push(spot);
                    open.extend(self.spots[spot].below.iter().rev());
                }
            }
        }
        rows
    }
}

/// What leads down of each spot: the flows' ends, those that would close a circle turned round.
fn downwards(count: usize, ends: &[[usize; 2]]) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); count];
    for &[from, to] in ends {
        next[from].push(to);
    }
    let mut down = vec![Vec::new(); count];
    // 0 is new, 1 on the way that is followed, 2 done.
    let mut state = vec![0u8; count];
    for start in 0..count {
        if state[start] > 0 {
            continue;
        }
        state[start] = 1;
        let mut way = vec![(start, 0)];
        while let Some((spot, followed)) = way.last_mut() {
            let Some(&to) = next[*spot].get(*followed) else {
                state[*spot] = 2;
                way.pop();
                continue;
            };
            *followed += 1;
            match state[to] {
                1 if to != *spot => down[to].push(*spot),
                1 => {}
                known => {
                    down[*spot].push(to);
                    if known == 0 {
                        state[to] = 1;
                        way.push((to, 0));
                    }
                }
            }
        }
    }
    down
}

/// The row of each spot: one below the lowest that leads to it, at least the least.
fn rows_of(count: usize, down: &[Vec<usize>], least: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut missing = vec![0usize; count];
    down.iter().flatten().for_each(|&to| missing[to] += 1);
    let mut rows: Vec<usize> = (0..count).map(least).collect();
    let mut ready: Vec<usize> = (0..count).filter(|&spot| missing[spot] == 0).collect();
    while let Some(spot) = ready.pop() {
        for &to in &down[spot] {
            rows[to] = rows[to].max(rows[spot] + 1);
            missing[to] -= 1;
            if missing[to] == 0 {
                ready.push(to);
            }
        }
    }
    rows
}

/// Moves what takes nothing down to what takes it; values that come in stay on top.
fn pull_down(rows: &mut [usize], down: &[Vec<usize>], inputs: usize) {
    let mut takes = vec![false; rows.len()];
    down.iter().flatten().for_each(|&to| takes[to] = true);
    for spot in (inputs..rows.len()).filter(|&spot| !takes[spot]) {
        if let Some(first) = down[spot].iter().map(|&to| rows[to]).min() {
            rows[spot] = rows[spot].max(first.saturating_sub(1));
        }
    }
}
