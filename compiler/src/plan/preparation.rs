//! What `prepare` makes, told by what it depends on: which steps are behind each value, and a key that two plans' values share
//! exactly if they are made alike.
//!
//! A plan comes in that was verified. Its steps are read as engines run them, so a key cannot say what the steps do not. It
//! holds a line of text for each step behind the value: the operation with all its numbers and constants, the epilogue, what is
//! computed in, sizes and strides, which parameters by their paths, and which earlier lines; offsets in scratch, origins and
//! what packed weights do not depend on are left out. Keys are compared line by line, so that none is ever taken for another: a
//! hash of the text would find what is alike as well, but the day two of them met, a network would answer with another one's
//! weights, and nobody could tell. The hash that each line has besides says only what need not be compared. All keys of a plan
//! share its lines.
//!
//! A value that is several parts of a concatenation is one storage and has one key, behind which are the steps of all parts. No
//! element of it is written twice, and so a step that reads a part finds it in the whole, whoever made that.

#[cfg(test)]
mod tests;

use super::verify::values::Storages;
use super::{Operation, Plan, Step, Storage, View};
use crate::element::ElementType;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a plan's `prepare` makes.
pub struct Preparation {
    /// One for each step, then one for each value that runs read.
    lines: Arc<[Line]>,
    /// For each step the value that it writes, where it is one that runs read.
    written: Vec<Option<usize>>,
}

/// A step, or the whole of a value.
struct Line {
    /// Everything but the earlier lines that it reads, which are named by their places in `from`.
    text: String,
    /// The lines that it reads, in order.
    from: Vec<usize>,
    /// Of text and earlier lines.
    hash: u64,
}

impl Line {
    fn new(text: String, from: Vec<usize>, lines: &[Line]) -> Line {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        from.iter().filter_map(|&line| lines.get(line)).for_each(|line| line.hash.hash(&mut hasher));
        Line { text, from, hash: hasher.finish() }
    }
}

impl Preparation {
    /// That of a verified plan.
    pub fn of(plan: &Plan) -> Preparation {
        let mut sources = Sources { plan, written: Storages::default() };
        let mut lines = Vec::with_capacity(plan.prepare.len() + plan.prepared.len());
        for (number, step) in plan.prepare.iter().enumerate() {
            let line = sources.line(number, step, &lines);
            lines.push(line);
            // What a plan writes twice it was not verified for.
            let _ = sources.written.write(&step.output, number);
        }
        let value = |step: &Step| match step.output.storage {
            Storage::Prepared(value) => Some(value),
            _ => None,
        };
        let written: Vec<Option<usize>> = plan.prepare.iter().map(value).collect();
        for (value, bytes) in plan.prepared.iter().enumerate() {
            let steps =
                plan.prepare.iter().enumerate().filter(|(_, step)| step.output.storage == Storage::Prepared(value));
            let (from, parts): (Vec<usize>, Vec<_>) =
                steps.map(|(number, step)| (number, shown(&step.output, 0))).unzip();
            lines.push(Line::new(format!("{bytes} bytes {parts:?}"), from, &lines));
        }
        Preparation { lines: lines.into(), written }
    }

    /// The key of each value that runs read, by the number of its storage.
    pub fn keys(&self) -> impl Iterator<Item = PreparedKey> {
        (self.written.len()..self.lines.len()).map(|line| PreparedKey { lines: self.lines.clone(), line })
    }

    /// For each step whether it has to be done where these values are missing, by the numbers of their storages.
    pub fn steps(&self, is_missing: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut needed = vec![false; self.written.len()];
        let values = self.lines.iter().skip(self.written.len()).enumerate();
        let missing = values.filter(|(value, _)| is_missing(*value));
        let mut rest: Vec<usize> = missing.flat_map(|(_, line)| line.from.iter().copied()).collect();
        while let Some(number) = rest.pop() {
            let is_there = self.written.get(number).copied().flatten().is_some_and(|value| !is_missing(value));
            if let Some(needed) = needed.get_mut(number).filter(|needed| !**needed && !is_there) {
                *needed = true;
                rest.extend(self.lines.get(number).into_iter().flat_map(|line| &line.from));
            }
        }
        needed
    }
}

/// Which steps wrote what a step reads.
struct Sources<'p> {
    plan: &'p Plan,
    written: Storages,
}

impl Sources<'_> {
    fn line(&self, number: usize, step: &Step, lines: &[Line]) -> Line {
        let read: Vec<Vec<usize>> = step.operands.iter().map(|view| self.writers(view, number)).collect();
        let mut from = read.concat();
        from.sort_unstable();
        from.dedup();
        let operands: Vec<String> =
            step.operands.iter().zip(&read).map(|(view, writers)| self.operand(view, writers, &from)).collect();
        let Step { operation, own_operands, compute, epilogue, output, .. } = step;
        let operation = match operation {
            Operation::Pack(packing) => format!("{:?}", packing.order()),
            other => format!("{other:?}"),
        };
        let made = (own_operands, compute, epilogue, shown(output, output.offset_bytes));
        Line::new(format!("{operation} {made:?} {operands:?}"), from, lines)
    }

    /// The steps before that one which wrote what a view shows. Where a view has too many pieces to be followed, these are all
    /// whose values it meets: then fewer values are found to be alike.
    fn writers(&self, view: &View, before: usize) -> Vec<usize> {
        let meet = || {
            let steps = self.plan.prepare.iter().enumerate().take(before);
            steps.filter(|(_, step)| step.output.meets(view)).map(|(number, _)| number).collect()
        };
        self.written.writers(view).map_or_else(meet, |writers| writers.into_iter().collect())
    }

    /// An operand: of a parameter, or counted from where those begin that wrote it, by their places in `from`.
    fn operand(&self, view: &View, writers: &[usize], from: &[usize]) -> String {
        if let Storage::Parameter(index) = view.storage {
            let parameter = self.plan.parameters.get(index);
            return format!("{:?} {:?}", parameter.map(|one| (&one.path, &one.shape, one.element)), shown(view, 0));
        }
        let places = writers.iter().filter_map(|&writer| {
            let place = from.binary_search(&writer).ok()?;
            Some((place, shown(view, self.plan.prepare.get(writer)?.output.offset_bytes)))
        });
        format!("{:?}", places.collect::<Vec<_>>())
    }
}

/// A view for the text of a line: where it begins, counted from a byte of its storage, its sizes, its strides and its elements.
fn shown(view: &View, byte: usize) -> (i128, &[usize], &[usize], ElementType) {
    (view.offset_bytes as i128 - byte as i128, &view.shape, &view.strides, view.element)
}

/// All that a prepared value depends on. Equal ones, of plans for one target and over the same parameters, are the same bits.
#[derive(Clone)]
pub struct PreparedKey {
    lines: Arc<[Line]>,
    /// That of the value.
    line: usize,
}

impl PreparedKey {
    fn hash(&self) -> Option<u64> {
        self.lines.get(self.line).map(|line| line.hash)
    }
}

impl Hash for PreparedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash().hash(state);
    }
}

impl PartialEq for PreparedKey {
    /// Compares each pair of lines once, however many ways lead to it.
    fn eq(&self, other: &PreparedKey) -> bool {
        if Arc::ptr_eq(&self.lines, &other.lines) && self.line == other.line {
            return true;
        }
        let (mut rest, mut seen) = (vec![(self.line, other.line)], HashSet::new());
        while let Some(pair) = rest.pop() {
            if !seen.insert(pair) {
                continue;
            }
            let (Some(one), Some(other)) = (self.lines.get(pair.0), other.lines.get(pair.1)) else { return false };
            if one.hash != other.hash || one.text != other.text || one.from.len() != other.from.len() {
                return false;
            }
            rest.extend(one.from.iter().copied().zip(other.from.iter().copied()));
        }
        true
    }
}

impl Eq for PreparedKey {}

/// The lines of the key, those that are read before those that read them.
impl fmt::Debug for PreparedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut needed, mut rest) = (BTreeSet::new(), vec![self.line]);
        while let Some(line) = rest.pop() {
            if needed.insert(line) {
                rest.extend(self.lines.get(line).into_iter().flat_map(|line| &line.from));
            }
        }
        f.debug_list()
            .entries(needed.into_iter().filter_map(|line| self.lines.get(line)).map(|line| &line.text))
            .finish()
    }
}
