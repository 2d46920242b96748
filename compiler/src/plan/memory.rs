//! Where in a storage each value lies: values whose lives overlap get places that do not.
//!
//! Finding the smallest storage is as hard as bin packing (it is dynamic storage allocation), so two greedy orders are tried and
//! the smaller result is kept: largest value first, each into the tightest gap among those that live at the same time (as
//! TensorFlow Lite's planner does), and first use first, as an allocator would see them. The first is near the lower bound for
//! convolutional networks, but looks at every pair of values that meet; past [`MAX_MEETINGS`] of them the second must do.

use std::collections::BTreeMap;

/// The most pairs of values alive together for which the largest-first order is tried.
const MAX_MEETINGS: usize = 4_000_000;

/// A value's size and life, both ends included, counted in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// The step that writes it first.
    pub first: usize,
    /// The last step that reads it.
    pub last: usize,
    /// Its bytes.
    pub bytes: usize,
}

/// An offset for every value, each a multiple of `alignment`, and the bytes of the whole storage.
pub(super) fn assign(lives: &[Life], alignment: usize) -> (Vec<usize>, usize) {
    let alignment = alignment.max(1);
    let lives: Vec<Life> =
        lives.iter().map(|life| Life { bytes: life.bytes.next_multiple_of(alignment), ..*life }).collect();
    let (by_use, total) = by_first_use(&lives);
    match meetings(&lives) {
        Some(meetings) => {
            let (by_size, smaller) = by_size(&lives, &meetings);
            if smaller < total { (by_size, smaller) } else { (by_use, total) }
        }
        None => (by_use, total),
    }
}

/// The values by their first step; of those that begin together, the largest first.
fn by_start(lives: &[Life]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&index| lives.get(index).map(|life| (life.first, usize::MAX - life.bytes)));
    order
}

/// For every value the values that live at the same time; `None` when they are too many.
fn meetings(lives: &[Life]) -> Option<Vec<Vec<usize>>> {
    let mut meetings = vec![Vec::new(); lives.len()];
    let mut alive: Vec<usize> = Vec::new();
    let mut count = 0usize;
    for index in by_start(lives) {
        let life = lives.get(index)?;
        alive.retain(|&other| lives.get(other).is_some_and(|other| other.last >= life.first));
        count += alive.len();
        if count > MAX_MEETINGS {
            return None;
        }
        for &other in &alive {
            meetings.get_mut(other)?.push(index);
        }
        meetings.get_mut(index)?.extend(&alive);
        alive.push(index);
    }
    Some(meetings)
}

/// Largest first, each into the tightest gap between the values that it meets.
fn by_size(lives: &[Life], meetings: &[Vec<usize>]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&index| lives.get(index).map(|life| (usize::MAX - life.bytes, life.first)));
    let mut offsets: Vec<Option<usize>> = vec![None; lives.len()];
    let mut total = 0;
    for index in order {
        let (Some(life), Some(met)) = (lives.get(index), meetings.get(index)) else { continue };
        let place = |&other: &usize| Some((*offsets.get(other)?.as_ref()?, lives.get(other)?.bytes));
        let mut taken: Vec<(usize, usize)> = met.iter().filter_map(place).collect();
        taken.sort_unstable();
        let offset = tightest_gap(&taken, life.bytes);
        total = total.max(offset + life.bytes);
        if let Some(slot) = offsets.get_mut(index) {
            *slot = Some(offset);
        }
    }
    (offsets.into_iter().map(Option::unwrap_or_default).collect(), total)
}

/// The offset of the smallest gap that holds `bytes`, given what is taken as sorted (offset, bytes); past the end if none does.
fn tightest_gap(taken: &[(usize, usize)], bytes: usize) -> usize {
    let mut best: Option<(usize, usize)> = None;
    let mut end = 0;
    for &(offset, length) in taken {
        let gap = offset.saturating_sub(end);
        if gap >= bytes && gap > 0 && best.is_none_or(|(smallest, _)| gap < smallest) {
            best = Some((gap, end));
        }
        end = end.max(offset + length);
    }
    best.map_or(end, |(_, offset)| offset)
}

/// In the order of first use: the tightest free gap, else more storage.
fn by_first_use(lives: &[Life]) -> (Vec<usize>, usize) {
    let mut offsets = vec![0; lives.len()];
    let mut free = FreeList::default();
    let mut ends: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in by_start(lives) {
        let Some(life) = lives.get(index) else { continue };
        let alive = ends.split_off(&life.first);
        for gone in std::mem::replace(&mut ends, alive).into_values().flatten() {
            if let (Some(&offset), Some(gone)) = (offsets.get(gone), lives.get(gone)) {
                free.give(offset, gone.bytes);
            }
        }
        let offset = free.take(life.bytes);
        if let Some(slot) = offsets.get_mut(index) {
            *slot = offset;
        }
        ends.entry(life.last).or_default().push(index);
    }
    (offsets, free.end)
}

/// Gaps below `end`, by offset; neighbours are joined.
#[derive(Default)]
struct FreeList {
    gaps: BTreeMap<usize, usize>,
    end: usize,
}

impl FreeList {
    fn give(&mut self, mut offset: usize, mut bytes: usize) {
        if bytes == 0 {
            return;
        }
        if let Some((&before, &length)) = self.gaps.range(..offset).next_back()
            && before + length == offset
        {
            self.gaps.remove(&before);
            (offset, bytes) = (before, bytes + length);
        }
        if let Some(length) = self.gaps.remove(&(offset + bytes)) {
            bytes += length;
        }
        self.gaps.insert(offset, bytes);
    }

    fn take(&mut self, bytes: usize) -> usize {
        if bytes == 0 {
            return 0;
        }
        let fitting = self.gaps.iter().filter(|&(_, &length)| length >= bytes).min_by_key(|&(_, &length)| length);
        if let Some((&offset, &length)) = fitting {
            self.gaps.remove(&offset);
            if length > bytes {
                self.gaps.insert(offset + bytes, length - bytes);
            }
            return offset;
        }
        // The last gap, if it reaches the end, grows; else the storage does.
        match self.gaps.last_key_value() {
            Some((&offset, &length)) if offset + length == self.end => {
                self.gaps.remove(&offset);
                self.end = offset + bytes;
                offset
            }
            _ => {
                let offset = self.end;
                self.end += bytes;
                offset
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Life, assign, by_first_use, by_size, meetings};
    use proptest::prelude::*;

    fn life(first: usize, last: usize, bytes: usize) -> Life {
        Life { first, last, bytes }
    }

    #[test]
    fn a_chain_takes_two_values_at_a_time() {
        let lives: Vec<Life> = (0..10).map(|step| life(step, step + 1, 8)).collect();
        assert_eq!(assign(&lives, 1).1, 16);
    }

    #[test]
    fn offsets_are_aligned() {
        let (offsets, total) = assign(&[life(0, 1, 5), life(0, 1, 3)], 4);
        assert_eq!((offsets, total), (vec![0, 8], 12));
    }

    #[test]
    fn the_largest_first_wins_where_the_first_use_leaves_holes() {
        // A small value that stays splits what the first order has freed; the second puts it at the end.
        let lives = [life(0, 1, 4), life(1, 9, 2), life(2, 3, 6), life(4, 5, 8)];
        assert_eq!(assign(&lives, 1).1, 10);
        assert!(by_first_use(&lives).1 > 10);
    }

    proptest! {
        #[test]
        fn values_that_meet_never_overlap(raw in prop::collection::vec((0usize..40, 0usize..12, 0usize..50), 0..60)) {
            let lives: Vec<Life> = raw.iter().map(|&(first, length, bytes)| life(first, first + length, bytes)).collect();
            for (offsets, total) in [by_first_use(&lives), by_size(&lives, &meetings(&lives).unwrap()), assign(&lives, 16)] {
                for (index, (a, &at)) in lives.iter().zip(&offsets).enumerate() {
                    prop_assert!(at + a.bytes <= total);
                    for (b, &other) in lives.iter().zip(&offsets).take(index) {
                        let meet = a.first <= b.last && b.first <= a.last;
                        prop_assert!(!meet || a.bytes == 0 || b.bytes == 0 || at + a.bytes <= other || other + b.bytes <= at);
                    }
                }
            }
        }
    }
}
