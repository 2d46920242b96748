//! Sizes that somebody has in mind: whether a network takes them, what they break, and which are next that it takes.
//!
//! Asked of the requirements themselves and not of the words that [`Sizes`](super::Sizes) has for them, so that sizes which no
//! rule covers are found too.

use super::{LARGEST, LARGEST_AT_ALL, SymbolSizes};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::ShapedGraph;
use crate::shape::{Dim, Relation, Requirement};

/// The sizes of symbols; `None` for one that has none yet, or none that fits 64 bits.
pub type Values<'v> = &'v dyn Fn(&str) -> Option<i64>;

/// The valid sizes next to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The largest below.
    pub below: Option<i64>,
    /// The smallest above.
    pub above: Option<i64>,
}

/// Valid sizes of a symbol that its rule does not cover, up to where rules are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Besides {
    /// These, and none other.
    Sizes(Vec<i64>),
    /// From `first` on all that leave one of these rests by the rule's step.
    Rests {
        /// The step.
        step: i64,
        /// The rests, ascending.
        rests: Vec<i64>,
        /// The smallest such size.
        first: i64,
    },
    /// Many, of no simple order.
    Many,
}

/// The most that is tried for neighbours: sizes times the weights of the expressions that they are put into.
const MOST_WEIGHED: u64 = 10_000_000;

/// Sizes outside of a rule that are listed one by one.
const MOST_LISTED: usize = 16;

impl ShapedGraph {
    /// What these sizes break, in the order of the text's layers; requirements of symbols without a value are left out.
    pub fn broken_at(&self, values: Values<'_>) -> Vec<&Requirement> {
        self.graph.requirements.open.iter().filter(|one| one.holds(values) == Some(false)).collect()
    }

    /// E308: the requirement that these sizes break, with its arithmetic and the sizes that are next.
    pub fn unfit(&self, requirement: &Requirement, values: Values<'_>) -> Diagnostic {
        let symbols = requirement.symbols();
        let given = symbols.iter().map(|name| match values(name) {
            Some(size) => format!("{name} = {size}"),
            None => format!("{name} = a number past counting"),
        });
        let message = format!("the network does not work with {}", given.collect::<Vec<_>>().join(" and "));
        let relation = match requirement.relation {
            Relation::Equal => "equal",
            Relation::AtLeast => "be at least",
            Relation::MultipleOf => "be a multiple of",
        };
        // `2*(H//2) = 30`, or the number alone.
        let in_numbers = |dim: &Dim| match (dim.number(), dim.at(values)) {
            (None, Some(value)) => format!("{dim} = {value}"),
            _ => dim.to_string(),
        };
        let (left, right) = (in_numbers(&requirement.left), in_numbers(&requirement.right));
        let diagnostic = Diagnostic::new(Code::E308, message, requirement.span, requirement.reason)
            .note(format!("{left} must {relation} {right}"));
        let next = symbols.iter().filter_map(|name| {
            let Neighbours { below, above } = self.neighbours(name, values(name)?, values);
            let sizes: Vec<String> = [below, above].into_iter().flatten().map(|size| size.to_string()).collect();
            (!sizes.is_empty()).then(|| format!("{name} = {}", sizes.join(" or ")))
        });
        let next: Vec<String> = next.collect();
        let diagnostic =
            if next.is_empty() { diagnostic } else { diagnostic.help(format!("next is {}", next.join("; or "))) };
        diagnostic.help(format!("sizes that work are {}", self.sizes))
    }

    /// The sizes of a symbol next to `size` that fit all that is asked of it, the others being as `values` has them. Looked for
    /// as far as a fraction of a second leads: there may be others further away.
    pub fn neighbours(&self, name: &str, size: i64, values: Values<'_>) -> Neighbours {
        let asked: Vec<&Requirement> = self.asked_of(name).collect();
        let fits = |&size: &i64| {
            let at = |symbol: &str| if symbol == name { Some(size) } else { values(symbol) };
            asked.iter().all(|requirement| requirement.holds(&at) != Some(false))
        };
        let weight: u64 = asked.iter().map(|one| (one.left.weight() + one.right.weight()) as u64).sum();
        let steps =
            usize::try_from(MOST_WEIGHED / weight.max(1)).unwrap_or(usize::MAX).clamp(1, LARGEST_AT_ALL as usize);
        let above = (size.saturating_add(1)..=i64::MAX).take(steps);
        Neighbours { below: (1..size).rev().take(steps).find(fits), above: above.into_iter().find(fits) }
    }

    /// The smallest size of a symbol, whatever the others are.
    pub fn smallest(&self, name: &str) -> Option<i64> {
        self.neighbours(name, 0, &|_| None).above
    }

    /// The sizes of a symbol that its rule does not cover.
    pub fn besides(&self, sizes: &SymbolSizes) -> Besides {
        let asked: Vec<&Requirement> = self.asked_of(&sizes.name).filter(|one| one.symbols().len() == 1).collect();
        let covered = |size: i64| {
            let steps = (size - sizes.start).checked_rem(sizes.step.max(1));
            size >= sizes.start && steps == Some(0) && sizes.last.is_none_or(|last| size <= last)
        };
        let fits = |size: i64| {
            asked.iter().all(|one| one.holds(&|symbol| (*symbol == *sizes.name).then_some(size)) == Some(true))
        };
        let others: Vec<i64> = (1..=LARGEST).filter(|&size| !covered(size) && fits(size)).collect();
        if others.len() <= MOST_LISTED {
            return Besides::Sizes(others);
        }
        let mut rests: Vec<i64> = others.iter().map(|size| size.rem_euclid(sizes.step.max(1))).collect();
        rests.sort_unstable();
        rests.dedup();
        let has_rest = |size: i64| rests.binary_search(&size.rem_euclid(sizes.step.max(1))).is_ok();
        let first = others.first().copied().unwrap_or(1);
        // The rests say all of it where each of their sizes, from the first on, fits.
        let is_all = (first..=LARGEST).filter(|&size| has_rest(size)).all(|size| covered(size) || fits(size));
        if is_all { Besides::Rests { step: sizes.step, rests, first } } else { Besides::Many }
    }

    /// What is asked of a symbol, alone or with others.
    fn asked_of<'g>(&'g self, name: &str) -> impl Iterator<Item = &'g Requirement> {
        let has = |dim: &Dim| dim.symbols().iter().any(|symbol| **symbol == *name);
        let asked: Vec<&Requirement> =
            self.graph.requirements.open.iter().filter(|one| has(&one.left) || has(&one.right)).collect();
        asked.into_iter()
    }
}
