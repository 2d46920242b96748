//! Rails of a drawing in the terminal: a column for every value that is still needed.

use super::flat::Flat;
use cnnc_compiler::graph::NodeId;
use std::collections::HashMap;

/// A value that is still needed.
struct Rail {
    value: NodeId,
    /// How many boxes will still take it.
    uses: usize,
}

/// The rails as they go down.
pub struct Rails {
    rails: Vec<Option<Rail>>,
    /// The values that each box takes, and those that it gives, with how many take them.
    takes: Vec<Vec<NodeId>>,
    gives: Vec<Vec<(NodeId, usize)>>,
    /// What a box takes of one that comes after it.
    unreached: HashMap<usize, Vec<usize>>,
}

/// The rails around a box.
pub struct Around {
    /// Above it, where values part or meet.
    pub before: Vec<String>,
    /// Beside its lines.
    pub beside: Vec<String>,
    /// Below it, where it gives several values.
    pub after: Vec<String>,
}

impl Rails {
    /// Before the first box.
    pub fn of(flat: &Flat<'_>) -> Rails {
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

    /// The boxes after this one of which it takes a value.
    pub fn unreached(&self, place: usize) -> impl Iterator<Item = usize> {
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
    pub fn step(&mut self, place: usize, lines: usize) -> Around {
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
    pub fn passing(&self) -> String {
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
