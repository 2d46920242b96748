//! Which item of one network is which of another: equal subtrees first, then by name, then by what stands around.
//!
//! The children of two items that belong together are laid side by side as two texts are: in the cheapest way, where being equal
//! costs nothing, another name little, other arguments more, and a new or a missing item most. What is then left over and equal
//! elsewhere was moved.

use crate::items::{Item, ItemId, Kind, Tree};
use crate::ops::layer;
use std::collections::HashMap;

/// What it costs that an item is new, or missing.
const ALONE: u32 = 10;

/// The most pairs of siblings that are weighed against each other; of more, those of one name belong together.
const MOST_WEIGHED: usize = 4_000_000;

/// The items that belong together.
pub(super) struct Pairs {
    /// By the first tree's item.
    pub after: Vec<Option<ItemId>>,
    /// By the second's.
    pub before: Vec<Option<ItemId>>,
}

impl Pairs {
    fn pair(&mut self, one: ItemId, other: ItemId) {
        if let (Some(after), Some(before)) = (self.after.get_mut(one), self.before.get_mut(other)) {
            (*after, *before) = (Some(other), Some(one));
        }
    }

    fn is_free(&self, one: ItemId, other: ItemId) -> bool {
        let free = |pairs: &[Option<ItemId>], id: ItemId| pairs.get(id).is_some_and(Option::is_none);
        free(&self.after, one) && free(&self.before, other)
    }
}

/// Two trees, of which items are paired.
pub(super) struct Alignment<'t, 'g> {
    before: &'t Tree<'g>,
    after: &'t Tree<'g>,
    pairs: Pairs,
}

/// Pairs the items of two networks; the models themselves always belong together.
pub(super) fn align(before: &Tree<'_>, after: &Tree<'_>) -> Pairs {
    let pairs = Pairs { after: vec![None; before.items.len()], before: vec![None; after.items.len()] };
    let mut alignment = Alignment { before, after, pairs };
    alignment.pair(0, 0);
    alignment.pair_moved();
    alignment.pairs
}

impl Alignment<'_, '_> {
    /// Pairs two items and what stands in them.
    fn pair(&mut self, one: ItemId, other: ItemId) {
        let mut open = vec![(one, other)];
        while let Some((one, other)) = open.pop() {
            self.pairs.pair(one, other);
            let (Some(one), Some(other)) = (self.before.items.get(one), self.after.items.get(other)) else { continue };
            open.extend(self.siblings(&one.children, &other.children));
        }
    }

    /// Which children belong together.
    fn siblings(&self, ones: &[ItemId], others: &[ItemId]) -> Vec<(ItemId, ItemId)> {
        let same = |(one, other): &(&ItemId, &ItemId)| self.cost(**one, **other) == Some(0);
        let head = ones.iter().zip(others).take_while(same).count();
        let (ones_left, others_left) = (ones.get(head..).unwrap_or(&[]), others.get(head..).unwrap_or(&[]));
        let tail = ones_left.iter().rev().zip(others_left.iter().rev()).take_while(same).count();
        let middle = |left: &[ItemId]| left.get(..left.len() - tail).unwrap_or(&[]).to_vec();
        let (ones_middle, others_middle) = (middle(ones_left), middle(others_left));
        let mut pairs: Vec<(ItemId, ItemId)> = ones.iter().copied().zip(others.iter().copied()).take(head).collect();
        pairs.extend(ones.iter().rev().copied().zip(others.iter().rev().copied()).take(tail));
        if ones_middle.len().saturating_mul(others_middle.len()) <= MOST_WEIGHED {
            pairs.extend(self.cheapest(&ones_middle, &others_middle));
        } else {
            pairs.extend(self.of_one_name(&ones_middle, &others_middle));
        }
        pairs
    }

    /// The cheapest way to lay two lists side by side.
    fn cheapest(&self, ones: &[ItemId], others: &[ItemId]) -> Vec<(ItemId, ItemId)> {
        let width = others.len() + 1;
        // The least cost of the ends of both lists, from each pair of places on.
        let mut least = vec![0u32; (ones.len() + 1) * width];
        let at = |least: &[u32], row: usize, column: usize| least.get(row * width + column).copied().unwrap_or(0);
        for row in (0..=ones.len()).rev() {
            for column in (0..=others.len()).rev() {
                let (one, other) = (ones.get(row), others.get(column));
                let mut ways = Vec::with_capacity(3);
                ways.extend(one.map(|_| at(&least, row + 1, column).saturating_add(ALONE)));
                ways.extend(other.map(|_| at(&least, row, column + 1).saturating_add(ALONE)));
                if let (Some(one), Some(other)) = (one, other)
                    && let Some(cost) = self.cost(*one, *other)
                {
                    ways.push(at(&least, row + 1, column + 1).saturating_add(cost));
                }
                if let Some(place) = least.get_mut(row * width + column) {
                    *place = ways.into_iter().min().unwrap_or(0);
                }
            }
        }
        let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
        while let (Some(one), Some(other)) = (ones.get(row), others.get(column)) {
            let here = at(&least, row, column);
            let together = self.cost(*one, *other).map(|cost| at(&least, row + 1, column + 1).saturating_add(cost));
            if together == Some(here) {
                pairs.push((*one, *other));
                (row, column) = (row + 1, column + 1);
            } else if at(&least, row + 1, column).saturating_add(ALONE) == here {
                row += 1;
            } else {
                column += 1;
            }
        }
        pairs
    }

    /// Those that have the same name and may belong together.
    fn of_one_name(&self, ones: &[ItemId], others: &[ItemId]) -> Vec<(ItemId, ItemId)> {
        let mut named: HashMap<&str, ItemId> = HashMap::new();
        for id in others.iter().rev() {
            named.extend(self.after.items.get(*id).map(|item| (item.name(), *id)));
        }
        let pairs = ones.iter().filter_map(|one| Some((*one, named.remove(self.before.items.get(*one)?.name())?)));
        pairs.filter(|(one, other)| self.cost(*one, *other).is_some()).collect()
    }

    /// What it costs to take one item for the other; `None` where they have nothing in common.
    fn cost(&self, one: ItemId, other: ItemId) -> Option<u32> {
        let (one, other) = (self.before.items.get(one)?, self.after.items.get(other)?);
        let is_unnamed = one.is_unnamed() && other.is_unnamed();
        let has_name = !is_unnamed && one.name() == other.name();
        if one.fingerprint == other.fingerprint {
            return Some(if has_name || is_unnamed { 0 } else { 1 });
        }
        match (one.kind, other.kind) {
            (Kind::Leaf(_, first), Kind::Leaf(_, second)) => match (first.name() == second.name(), has_name) {
                (true, true) => Some(4),
                (true, false) if is_unnamed => Some(6),
                (true, false) => Some(9),
                (false, true) => Some(12),
                // Two joins without names; of layers without names, those of different kinds are not each other.
                (false, false) => (first.is_nameless() && second.is_nameless()).then_some(12),
            },
            (Kind::Group(first), Kind::Group(second)) => {
                let other_leaves = 5 - (5.0 * likeness(one, other)) as u32;
                match (has_name, first == second) {
                    (true, _) => Some(3 + other_leaves),
                    (false, true) if is_unnamed => Some(5 + other_leaves),
                    (false, true) => Some(6 + 2 * other_leaves),
                    (false, false) => (other_leaves <= 2).then_some(8 + 2 * other_leaves),
                }
            }
            (Kind::Leaf(..), Kind::Group(_)) | (Kind::Group(_), Kind::Leaf(..)) => None,
        }
    }

    /// Pairs what is left over and equal, wherever it stands, the largest first.
    fn pair_moved(&mut self) {
        let mut left: HashMap<u64, Vec<ItemId>> = HashMap::new();
        for id in self.before.in_order().into_iter().rev() {
            if let Some(item) = self.before.items.get(id).filter(|_| self.pairs.after.get(id) == Some(&None)) {
                left.entry(item.fingerprint).or_default().push(id);
            }
        }
        let mut wanted: Vec<ItemId> = self.after.in_order();
        wanted.sort_by_key(|id| self.after.items.get(*id).map(|item| std::cmp::Reverse(item.leaves.len())));
        for other in wanted {
            let Some(item) = self.after.items.get(other) else { continue };
            let Some(ones) = left.get_mut(&item.fingerprint).filter(|_| is_one_of_its_kind(item)) else { continue };
            while let Some(one) = ones.pop() {
                if self.pairs.is_free(one, other) {
                    self.pair(one, other);
                    break;
                }
            }
        }
    }
}

/// Whether it is worth to be found again elsewhere: one activation is as good as another.
fn is_one_of_its_kind(item: &Item<'_>) -> bool {
    match item.kind {
        Kind::Group(_) => !item.leaves.is_empty(),
        Kind::Leaf(_, operator) => layer(operator.name()).is_some_and(|entry| !entry.parameters.is_empty()),
    }
}

/// Which part of the leaves of two groups are equal.
fn likeness(one: &Item<'_>, other: &Item<'_>) -> f64 {
    let (mut first, mut second, mut common) = (0, 0, 0);
    while let (Some(leaf), Some(against)) = (one.leaves.get(first), other.leaves.get(second)) {
        match leaf.cmp(against) {
            std::cmp::Ordering::Less => first += 1,
            std::cmp::Ordering::Greater => second += 1,
            std::cmp::Ordering::Equal => (first, second, common) = (first + 1, second + 1, common + 1),
        }
    }
    f64::from(common) / one.leaves.len().max(other.leaves.len()).max(1) as f64
}
