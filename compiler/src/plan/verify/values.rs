//! Whether every element that is read was written before, and not over since; and by which steps.

use super::ensure;
use crate::plan::{Storage, View};
use std::collections::{BTreeMap, BTreeSet};

/// Views of more pieces than this are not followed element by element: a batch of so many in a concatenation.
const MAX_PIECES: usize = 4096;

/// What was written where.
#[derive(Default)]
pub(in crate::plan) struct Storages {
    scratch: Written,
    prepared: BTreeMap<usize, Written>,
    arena: Written,
    outputs: BTreeMap<usize, Written>,
}

impl Storages {
    /// Forgets what `prepare` made for itself.
    pub fn forget_scratch(&mut self) {
        self.scratch = Written::default();
    }

    /// Marks what a step writes.
    ///
    /// # Errors
    /// When it writes over what `prepare` made for runs.
    pub fn write(&mut self, view: &View, step: usize) -> Result<(), String> {
        let is_new = match view.storage {
            Storage::Input(_) | Storage::Parameter(_) => true,
            Storage::Scratch => self.scratch.write(view, step),
            Storage::Prepared(number) => self.prepared.entry(number).or_default().write(view, step),
            Storage::Arena => self.arena.write(view, step),
            Storage::Output(number) => self.outputs.entry(number).or_default().write(view, step),
        };
        ensure(is_new || !matches!(view.storage, Storage::Prepared(_)), || "it writes over what was prepared".into())
    }

    /// The steps that wrote what a view shows of what is made; `None` when that is not known of every element.
    pub fn writers(&self, view: &View) -> Option<BTreeSet<usize>> {
        self.of(view.storage).map_or(Some(BTreeSet::new()), |written| written.writers(view))
    }

    /// What was written to a storage; `None` of what nobody makes.
    fn of(&self, storage: Storage) -> Option<&Written> {
        match storage {
            Storage::Input(_) | Storage::Parameter(_) => None,
            Storage::Scratch => Some(&self.scratch),
            Storage::Prepared(number) => Some(self.prepared.get(&number).unwrap_or(&NOTHING)),
            Storage::Arena => Some(&self.arena),
            Storage::Output(number) => Some(self.outputs.get(&number).unwrap_or(&NOTHING)),
        }
    }

    /// Whether what a view shows was written, and is whole still.
    ///
    /// # Errors
    /// Which byte was not, or whose value is not.
    pub fn read(&self, view: &View) -> Result<(), String> {
        self.of(view.storage).map_or(Ok(()), |written| written.read(view))
    }
}

/// A storage that no step has written to.
static NOTHING: Written = Written { pieces: BTreeMap::new(), whole: Vec::new(), lost: false };

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
    /// Whether nothing was there before.
    fn write(&mut self, view: &View, step: usize) -> bool {
        self.whole.resize(self.whole.len().max(step + 1), true);
        let Some(pieces) = pieces(view) else {
            self.lost = true;
            return true;
        };
        let mut is_new = true;
        for (start, end) in pieces {
            is_new &= self.cut(start, end);
            self.pieces.insert(start, (end, step));
        }
        is_new
    }

    /// Where the pieces begin that lie between, in part or whole.
    fn hit(&self, start: usize, end: usize) -> Vec<usize> {
        let from = self.pieces.range(..start).next_back().filter(|&(_, &(until, _))| until > start).map(|(&at, _)| at);
        from.into_iter().chain(self.pieces.range(start..end).map(|(&at, _)| at)).collect()
    }

    fn writers(&self, view: &View) -> Option<BTreeSet<usize>> {
        let pieces = pieces(view).filter(|_| !self.lost)?;
        let hit = pieces.into_iter().flat_map(|(start, end)| self.hit(start, end));
        Some(hit.filter_map(|at| self.pieces.get(&at)).map(|&(_, step)| step).collect())
    }

    /// Takes out what lies between, and marks whose value it was; whether nothing was there.
    fn cut(&mut self, start: usize, end: usize) -> bool {
        let hit = self.hit(start, end);
        let is_new = hit.is_empty();
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
        is_new
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
