//! What the elements along one axis of a value see along one axis of an input, exactly, and how operators change it.
//!
//! Everything is counted in whole elements. A value made by windows and enlargements alone repeats itself: some elements further
//! it sees the same some elements further on ([`Pattern`]), whatever its size, as if planes went on beyond their borders. Where
//! branches lie one after another, or move over the input at different speeds, nothing repeats; then each element is listed,
//! those beyond the borders seeing nothing, as long as the size is a number and not vast.

use crate::ops::Taps;
use crate::shape::greatest_common_divisor;
use std::sync::Arc;

/// First and last element seen.
pub(super) type Interval = (i128, i128);

/// The longest list, and the longest pattern; what is longer counts as seeing everything that any of its elements sees.
const LONGEST: i128 = 1024;

/// What the elements along an axis see.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Extent {
    /// Each sees everything, as far as can be said.
    Whole,
    /// Each sees what the pattern says.
    Steady(Pattern),
    /// Element `o` sees `list[o]`.
    Listed(Arc<[Option<Interval>]>),
    /// Which element sees what is not known.
    Scattered {
        /// How many elements one of them sees at most; `None` for all of the input.
        most: Option<i128>,
        /// What all of them see together; `None` for all of the input.
        together: Option<Interval>,
    },
}

/// Element `o = q·period + r` sees `intervals[r]`, moved by `q·jump`; the period is the number of intervals, `jump` is not
/// negative.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    intervals: Vec<Option<Interval>>,
    jump: i128,
}

impl Pattern {
    fn period(&self) -> i128 {
        self.intervals.len() as i128
    }

    /// What element `o` sees: the outer `None` past all use.
    #[allow(clippy::option_option, reason = "to see nothing and to have no answer are two things")]
    fn at(&self, o: i128) -> Option<Option<Interval>> {
        let further = o.div_euclid(self.period()).checked_mul(self.jump)?;
        let interval = self.intervals.get(usize::try_from(o.rem_euclid(self.period())).ok()?)?;
        match interval {
            None => Some(None),
            Some((first, last)) => Some(Some((first.checked_add(further)?, last.checked_add(further)?))),
        }
    }

    /// The pattern that repeats after `period` elements, a multiple of this one's period.
    fn stretched(&self, period: i128) -> Option<Pattern> {
        let intervals = (0..period).map(|o| self.at(o)).collect::<Option<_>>()?;
        Some(Pattern { intervals, jump: self.jump.checked_mul(period / self.period())? })
    }

    /// What an operator's elements see; it asks for the elements `taps` of this one.
    fn through(&self, taps: Taps) -> Option<Pattern> {
        let (after, on) = taps.period()?;
        let times = self.period() / greatest_common_divisor(self.period(), on);
        let period = after.checked_mul(times).filter(|&period| period <= LONGEST)?;
        let jump = on.checked_mul(times)?.checked_mul(self.jump)? / self.period();
        // All that is seen repeats after a period, so that its ends lie among the first and the last so many taps.
        let hull = |o: i128| -> Option<Option<Interval>> {
            let Some((first, last, apart)) = taps.at(o)? else { return Some(None) };
            let most = self.period().min((last - first) / apart + 1);
            let near = (0..most).map(|tap| self.at(first + tap * apart));
            let far = (0..most).map(|tap| self.at(last - tap * apart));
            near.chain(far).try_fold(None, |seen, interval| Some(joined(seen, interval?)))
        };
        Some(Pattern { intervals: (0..period).map(hull).collect::<Option<_>>()?, jump })
    }

    /// What two branches see together, if they move at the same speed.
    fn united(&self, other: &Pattern) -> Option<Pattern> {
        if self.jump.checked_mul(other.period())? != other.jump.checked_mul(self.period())? {
            return None;
        }
        let period = self.period() / greatest_common_divisor(self.period(), other.period()) * other.period();
        let (left, right) = (period <= LONGEST).then(|| self.stretched(period).zip(other.stretched(period)))??;
        let intervals =
            left.intervals.iter().zip(&right.intervals).map(|(&left, &right)| joined(left, right)).collect();
        Some(Pattern { intervals, jump: left.jump })
    }
}

impl Extent {
    /// An element of an input sees itself.
    pub(super) fn own() -> Extent {
        Extent::Steady(Pattern { intervals: vec![Some((0, 0))], jump: 1 })
    }

    /// Every element sees the same; everything if that covers all of an input of `input` elements.
    fn same(interval: Option<Interval>, input: Option<i128>) -> Extent {
        match interval {
            Some(interval) if covers(interval, input) => Extent::Whole,
            interval => Extent::Steady(Pattern { intervals: vec![interval], jump: 0 }),
        }
    }

    /// Whether all elements see the same, wherever they lie.
    pub(super) fn stands_still(&self) -> bool {
        match self {
            Extent::Whole => true,
            Extent::Steady(pattern) => pattern.jump == 0 && pattern.period() == 1,
            Extent::Listed(_) | Extent::Scattered { .. } => false,
        }
    }

    /// What each of `size` elements sees; `None` when that is not known element by element.
    fn listed(&self, size: Option<i128>, input: Option<i128>) -> Option<Vec<Option<Interval>>> {
        let size = size.filter(|size| (0..=LONGEST).contains(size))?;
        match self {
            Extent::Whole => input.map(|input| vec![Some((0, input - 1)); size as usize]),
            Extent::Steady(pattern) => (0..size).map(|o| pattern.at(o)).collect(),
            Extent::Listed(list) => Some(list.to_vec()),
            Extent::Scattered { .. } => None,
        }
    }

    /// What all of `size` elements see together: the outer `None` for everything.
    #[allow(clippy::option_option, reason = "nothing and everything are two things")]
    fn together(&self, size: Option<i128>) -> Option<Option<Interval>> {
        match self {
            Extent::Whole => None,
            Extent::Steady(pattern) => {
                let (period, size) = (pattern.period(), if self.stands_still() { 1 } else { size? });
                // Later ones lie further on by whole periods, so that the first and the last period reach furthest.
                let mut ends = (0..size.min(period)).chain((size - period).max(0)..size);
                ends.try_fold(None, |seen, o| Some(joined(seen, pattern.at(o)?)))
            }
            Extent::Listed(list) => Some(list.iter().fold(None, |seen, &interval| joined(seen, interval))),
            Extent::Scattered { together, .. } => together.map(Some),
        }
    }

    /// How many elements one of `size` sees at most; `None` for all of the input.
    pub(super) fn most(&self, size: Option<i128>, input: Option<i128>) -> Option<i128> {
        let largest = |intervals: &[Option<Interval>]| {
            intervals.iter().flatten().map(|(first, last)| last - first + 1).max().unwrap_or(0)
        };
        match self {
            Extent::Whole => None,
            Extent::Steady(Pattern { intervals, .. }) => {
                let present = size.and_then(|size| usize::try_from(size).ok()).and_then(|size| intervals.get(..size));
                Some(largest(present.unwrap_or(intervals)))
            }
            Extent::Listed(list) if list.iter().flatten().any(|&interval| covers(interval, input)) => None,
            Extent::Listed(list) => Some(largest(list)),
            Extent::Scattered { most, .. } => *most,
        }
    }

    /// What element `o` of `size` sees of an input of `input` elements; where that is not known, all that it may see.
    pub(super) fn at(&self, o: i128, size: Option<i128>, input: Option<i128>) -> Option<Interval> {
        let all = || input.filter(|&input| input > 0).map(|input| (0, input - 1));
        match self {
            Extent::Whole => all(),
            Extent::Steady(pattern) => pattern.at(o).unwrap_or_else(all),
            Extent::Listed(list) => list.get(usize::try_from(o).ok()?).copied().flatten(),
            Extent::Scattered { .. } => self.together(size).unwrap_or_else(all),
        }
    }

    /// After an operator that sees all of an axis with `size` elements.
    pub(super) fn gathered(&self, size: Option<i128>, input: Option<i128>) -> Extent {
        self.together(size).map_or(Extent::Whole, |interval| Extent::same(interval, input))
    }

    /// After an operator that puts elements into an order that is not followed.
    pub(super) fn scattered(&self, size: Option<i128>, input: Option<i128>) -> Extent {
        if self.stands_still() {
            return self.clone();
        }
        Extent::Scattered { most: self.most(size, input), together: self.together(size).flatten() }
    }

    /// After an operator whose elements see `taps` of an axis with `size` elements, and which has `to` of them.
    pub(super) fn through(&self, taps: Taps, [size, to]: [Option<i128>; 2], input: Option<i128>) -> Extent {
        if taps == Taps::POINT {
            return self.clone();
        }
        let steady = match self {
            Extent::Steady(pattern) => pattern.through(taps).map(Extent::Steady),
            Extent::Whole => Some(Extent::Whole),
            Extent::Listed(_) | Extent::Scattered { .. } => None,
        };
        let listed = || {
            let (list, to) = (self.listed(size, input)?, to.filter(|&to| to <= LONGEST)?);
            Some(Extent::Listed((0..to).map(|o| seen_in(&list, taps.at(o)?)).collect::<Option<_>>()?))
        };
        steady.or_else(listed).unwrap_or_else(|| self.gathered(size, input))
    }

    /// What an element of two branches of `size` elements sees, the one at its place in each.
    pub(super) fn united(&self, other: &Extent, size: Option<i128>, input: Option<i128>) -> Extent {
        if self == other || *self == Extent::Whole {
            return self.clone();
        }
        let steady = match (self, other) {
            (_, Extent::Whole) => Some(Extent::Whole),
            (Extent::Steady(left), Extent::Steady(right)) => left.united(right).map(Extent::Steady),
            _ => None,
        };
        let listed = || {
            let (left, right) = (self.listed(size, input)?, other.listed(size, input)?);
            Some(Extent::Listed(left.iter().zip(&right).map(|(&left, &right)| joined(left, right)).collect()))
        };
        let together = || Some(Extent::same(joined(self.together(size)?, other.together(size)?), input));
        steady.or_else(listed).or_else(together).unwrap_or(Extent::Whole)
    }

    /// Branches one after another, each with its number of elements; `None` stands for one that sees nothing.
    pub(super) fn one_after_another(branches: &[(Option<&Extent>, Option<i128>)], input: Option<i128>) -> Extent {
        let nothing = Extent::same(None, input);
        let known = || branches.iter().map(|&(extent, size)| (extent.unwrap_or(&nothing), size));
        let length = known().try_fold(0i128, |length, (_, size)| length.checked_add(size?));
        let list = || -> Option<Vec<_>> {
            length.filter(|&length| length <= LONGEST)?;
            let lists = known().map(|(extent, size)| extent.listed(size, input)).collect::<Option<Vec<_>>>()?;
            Some(lists.concat())
        };
        if let Some(list) = list() {
            return Extent::Listed(list.into());
        }
        let most = known().try_fold(0, |most, (extent, size)| Some(extent.most(size, input)?.max(most)));
        let together = known().try_fold(None, |seen, (extent, size)| Some(joined(seen, extent.together(size)?)));
        Extent::Scattered { most, together: together.flatten() }
    }
}

/// From the first to the last of what both see.
fn joined(left: Option<Interval>, right: Option<Interval>) -> Option<Interval> {
    match (left, right) {
        (Some(left), Some(right)) => Some((left.0.min(right.0), left.1.max(right.1))),
        (left, right) => left.or(right),
    }
}

/// What the taps (first, last and distance) that lie in the list see together.
#[allow(clippy::option_option, reason = "to see nothing and to have no answer are two things")]
fn seen_in(list: &[Option<Interval>], taps: Option<(i128, i128, i128)>) -> Option<Option<Interval>> {
    let Some((first, last, apart)) = taps else { return Some(None) };
    let from = if first < 0 { first.rem_euclid(apart) } else { first };
    let within = list.iter().take(usize::try_from(last + 1).unwrap_or(0)).skip(usize::try_from(from).ok()?);
    Some(within.step_by(usize::try_from(apart).ok()?).fold(None, |seen, &interval| joined(seen, interval)))
}

/// Whether a interval holds all of an input of that size.
fn covers((first, last): Interval, input: Option<i128>) -> bool {
    input.is_some_and(|input| first <= 0 && last >= input - 1)
}
