//! Whether every element that is read was written before, and not over since.

use super::ensure;
use crate::plan::{Storage, View};
use std::collections::BTreeMap;

/// Views of more pieces than this are not followed element by element: a batch of so many in a concatenation.
const MAX_PIECES: usize = 4096;

/// What was written where.
#[derive(Default)]
pub(super) struct Storages {
    scratch: Written,
    prepared: Written,
    arena: Written,
}

impl Storages {
    /// Forgets what `prepare` made for itself.
    pub fn forget_scratch(&mut self) {
        self.scratch = Written::default();
    }

    /// Marks what a step writes.
    pub fn write(&mut self, view: &View, step: usize) {
        match view.storage {
            Storage::Input(_) | Storage::Parameter(_) => {}
            Storage::Scratch => self.scratch.write(view, step),
            Storage::Prepared => self.prepared.write(view, step),
            Storage::Arena => self.arena.write(view, step),
        }
    }

    /// Whether what a view shows was written, and is whole still.
    ///
    /// # Errors
    /// Which byte was not, or whose value is not.
    pub fn read(&self, view: &View) -> Result<(), String> {
        match view.storage {
            Storage::Input(_) | Storage::Parameter(_) => Ok(()),
            Storage::Scratch => self.scratch.read(view),
            Storage::Prepared => self.prepared.read(view),
            Storage::Arena => self.arena.read(view),
        }
    }
}

/// Which step wrote which bytes of a storage.
#[derive(Default)]
struct Written {
    /// From the first byte to one past the last, and the step.
    pieces: BTreeMap<usize, (usize, usize)>,
    /// Whether each step's value is whole still.
    whole: Vec<bool>,
    /// Set once a view has too many pieces; nothing is checked from then on.
    lost: bool,
}

impl Written {
    fn write(&mut self, view: &View, step: usize) {
        self.whole.resize(self.whole.len().max(step + 1), true);
        let Some(pieces) = pieces(view) else {
            self.lost = true;
            return;
        };
        for (start, end) in pieces {
            self.cut(start, end);
            self.pieces.insert(start, (end, step));
        }
    }

    /// Takes out what lies between, and marks whose value it was.
    fn cut(&mut self, start: usize, end: usize) {
        let from = self.pieces.range(..start).next_back().filter(|&(_, &(until, _))| until > start).map(|(&at, _)| at);
        let hit: Vec<usize> = from.into_iter().chain(self.pieces.range(start..end).map(|(&at, _)| at)).collect();
        for at in hit {
            let Some((until, step)) = self.pieces.remove(&at) else { continue };
            if let Some(whole) = self.whole.get_mut(step) {
                *whole = false;
            }
            if at < start {
                self.pieces.insert(at, (start, step));
            }
            if until > end {
                self.pieces.insert(end, (until, step));
            }
        }
    }

    fn read(&self, view: &View) -> Result<(), String> {
        let Some(pieces) = pieces(view).filter(|_| !self.lost) else { return Ok(()) };
        for (start, end) in pieces {
            let mut at = start;
            while at < end {
                let piece = self.pieces.range(..=at).next_back().filter(|&(_, &(until, _))| until > at);
                let Some((_, &(until, step))) = piece else { return Err(format!("byte {at} was never written")) };
                ensure(self.whole.get(step) == Some(&true), || format!("what step {step} wrote is written over"))?;
                at = until;
            }
        }
        Ok(())
    }
}

/// The bytes of a view as ranges; `None` when there are too many.
fn pieces(view: &View) -> Option<Vec<(usize, usize)>> {
    if view.shape.contains(&0) {
        return Some(Vec::new());
    }
    let mut axes: Vec<(usize, usize)> = view
        .strides
        .iter()
        .copied()
        .zip(view.shape.iter().copied())
        .filter(|&(stride, size)| stride > 0 && size > 1)
        .collect();
    axes.sort_unstable();
    let size_bytes = view.element.size_bytes();
    let mut length = size_bytes;
    let mut starts = vec![view.offset_bytes];
    for (stride, size) in axes {
        let stride = stride * size_bytes;
        if stride <= length {
            length += (size - 1) * stride;
        } else {
            let count = starts.len().checked_mul(size).filter(|&count| count <= MAX_PIECES)?;
            let mut all = Vec::with_capacity(count);
            all.extend((0..size).flat_map(|index| starts.iter().map(move |start| start + index * stride)));
            starts = all;
        }
    }
    Some(starts.into_iter().map(|start| (start, start + length)).collect())
}
