//! The receptive field of one layer: which part of its input one element of its output depends on.
//!
//! Every layer that works on a plane answers with one formula an axis, [`Taps`], in whole numbers: windows, transposed
//! convolutions, enlarging and adaptive pooling differ in its five numbers alone. `summary::receptive_field` follows them
//! through the graph.

use crate::shape::greatest_common_divisor;

/// The part of its input that one element of the output depends on. "Plane" means the last two axes, height and width.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerField {
    /// The element at the same place; where an axis of the input has one element and the output's more, that one.
    Point,
    /// These elements of the plane, by height and width, the same place along the other axes.
    Plane([Taps; 2]),
    /// These elements along the last axis, and everything along the one before it: all channels of a sequence.
    Line(Taps),
    /// Everything along these axes of the input, the same place along the others.
    Whole(Vec<usize>),
    /// Elements go elsewhere unchanged: axis `i` of the input is axis `axes[i]` of the output, or is folded into it.
    Moved(Vec<usize>),
    /// The same, each axis of the input in its own way.
    Axes(Vec<AxisMove>),
    /// The inputs lie one after another along this axis.
    Joined(usize),
}

/// What becomes of an axis of the input: the axis of the output along which its elements lie, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisMove {
    /// They lie there in order.
    To(usize),
    /// They lie there among others, or in an order that is not said.
    Among(usize),
    /// Every element of the output may see all of them.
    Gathered(usize),
    /// Each element of the output sees these.
    Through(usize, Taps),
}

impl LayerField {
    /// What a window over the axes after the channels sees, of the plane that the last two axes are.
    pub fn of_axes(taps: impl DoubleEndedIterator<Item = Taps>) -> LayerField {
        let mut from_the_last = taps.rev();
        let [width, height] = [(); 2].map(|()| from_the_last.next().unwrap_or(Taps::POINT));
        LayerField::Plane([height, width])
    }

    /// The whole of these axes and all after them, of an input with `rank` axes.
    pub fn whole_from(axis: usize, rank: usize) -> LayerField {
        LayerField::Whole((axis..rank).collect())
    }
}

/// Which elements along one axis an element of the output depends on: of element `o`, every `i` for which
/// `by·i − (step·o + from)` lies in `0 ..= span` and is a multiple of `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// How far the input moves, in parts of an element, when the output moves by one; not negative.
    step: i128,
    /// Parts of an element of the input; positive.
    by: i128,
    /// Where the first of them lies behind element 0, in such parts.
    from: i128,
    /// How far the last lies behind the first, in such parts; not negative.
    span: i128,
    /// From one to the next, in such parts; positive.
    every: i128,
    /// Whether the formula goes on beyond the borders of the plane, as windows and enlarging do.
    unbounded: bool,
}

/// The most steps of a dilation that are searched for the first that falls onto an element.
const MOST_SEARCHED: i128 = 4096;

impl Taps {
    /// The element at the same place.
    pub const POINT: Taps = Taps { step: 1, by: 1, from: 0, span: 0, every: 1, unbounded: true };

    /// The first element, for every element of the output.
    pub const FIRST: Taps = Taps { step: 0, by: 1, from: 0, span: 0, every: 1, unbounded: true };

    /// A window of `kernel` elements, `dilation` apart, that moves by `stride`; `before` elements lie before the first, or are
    /// cut off where it is negative.
    pub fn window(kernel: usize, dilation: usize, stride: usize, before: i64) -> Taps {
        let span = (dilation as i128).saturating_mul(kernel.saturating_sub(1) as i128);
        Taps {
            step: stride as i128,
            by: 1,
            from: -i128::from(before),
            span,
            every: dilation.max(1) as i128,
            unbounded: true,
        }
    }

    /// The window of a transposed convolution: an element of the input is spread over `kernel` elements of the output.
    pub fn transposed(kernel: usize, dilation: usize, stride: usize, padding: usize) -> Taps {
        let span = (dilation as i128).saturating_mul(kernel.saturating_sub(1) as i128);
        let from = (padding as i128).saturating_sub(span);
        Taps { step: 1, by: stride.max(1) as i128, from, span, every: dilation.max(1) as i128, unbounded: true }
    }

    /// The element below `o·step`, a step of the input being a fraction; `None` when it is none of small numbers.
    pub fn below(step: f64) -> Option<Taps> {
        let (step, by) = fraction(step)?;
        Some(Taps { step, by, from: 1 - by, span: by - 1, every: 1, unbounded: true })
    }

    /// The two elements around `o·step` or, between pixel centres, `(o + ½)·step − ½`; one where that falls onto it. `None`
    /// when the step is no fraction of small numbers.
    pub fn around(step: f64, between_centres: bool) -> Option<Taps> {
        let (step, by) = fraction(step)?;
        let shift = if between_centres { step - by } else { 0 };
        Some(Taps { step: 2 * step, by: 2 * by, from: shift - 2 * by + 1, span: 4 * by - 2, every: 1, unbounded: true })
    }

    /// Part `o` of `parts` that divide `size` elements: `⌊o·size/parts⌋ .. ⌈(o + 1)·size/parts⌉`.
    pub fn parts(size: usize, parts: usize) -> Taps {
        if size == parts {
            return Taps::POINT;
        }
        let (size, parts) = (size as i128, parts.max(1) as i128);
        Taps { step: size, by: parts, from: 1 - parts, span: size + parts - 2, every: 1, unbounded: false }
    }

    /// After how many elements of the output the same elements come again, and how far on: (output, input). `None` when the
    /// formula ends at the borders.
    pub fn period(&self) -> Option<(i128, i128)> {
        let common = greatest_common_divisor(self.step, self.by);
        self.unbounded.then_some((self.by / common, self.step / common))
    }

    /// The elements that element `o` depends on, as first, last and the distance between neighbours; the inner `None` when there
    /// are none, the outer when the numbers are past all use.
    #[allow(clippy::option_option, reason = "no element and no answer are two things")]
    pub fn at(&self, o: i128) -> Option<Option<(i128, i128, i128)>> {
        let start = self.step.checked_mul(o)?.checked_add(self.from)?;
        let end = start.checked_add(self.span)?;
        let apart = self.every / greatest_common_divisor(self.every, self.by);
        let (lowest, highest) = (-(-start).div_euclid(self.by), end.div_euclid(self.by));
        if self.every > 1 && self.by > 1 && apart > MOST_SEARCHED {
            return None;
        }
        let falls = |i: i128| (self.by * i - start).rem_euclid(self.every) == 0;
        let most = apart.min(MOST_SEARCHED);
        let first = (0..most).map(|further| lowest + further).find(|&i| i <= highest && falls(i));
        Some(first.map(|first| (first, first + (highest - first).div_euclid(apart) * apart, apart)))
    }
}

/// What a float's fraction may have as denominator: scale factors of networks have small ones.
const LARGEST_DENOMINATOR: i128 = 1 << 16;

/// The fraction that a float stands for, by continued fractions; `None` when no small one does, and for one below 0.
fn fraction(number: f64) -> Option<(i128, i128)> {
    if !(0.0..1e12).contains(&number) {
        return None;
    }
    let (mut before, mut last) = ((0, 1), (1, 0));
    let mut rest = number;
    loop {
        let floor = rest.floor();
        let next = (floor as i128 * last.0 + before.0, floor as i128 * last.1 + before.1);
        if next.1 > LARGEST_DENOMINATOR {
            return None;
        }
        if (next.0 as f64 / next.1 as f64 - number).abs() <= 1e-12 * number {
            return Some(next);
        }
        (before, last) = (last, next);
        rest = 1.0 / (rest - floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taps(taps: Taps, o: i128) -> Vec<i128> {
        match taps.at(o).expect("small numbers") {
            Some((first, last, apart)) => (first..=last).step_by(apart as usize).collect(),
            None => Vec::new(),
        }
    }

    #[test]
    fn windows() {
        assert_eq!(taps(Taps::window(3, 1, 2, 1), 4), [7, 8, 9]);
        assert_eq!(taps(Taps::window(3, 2, 1, 2), 0), [-2, 0, 2]);
        assert_eq!(taps(Taps::window(1, 1, 1, -4), 0), [4]);
        assert_eq!(Taps::window(3, 1, 2, 1).period(), Some((1, 2)));
    }

    /// Spreading every element by hand gives the same.
    #[test]
    fn transposed_windows() {
        for (kernel, dilation, stride, padding) in
            [(2, 1, 2, 0), (3, 1, 2, 1), (1, 1, 3, 0), (3, 2, 2, 2), (4, 3, 2, 1)]
        {
            for o in 0..20i128 {
                let hits = |i: i128| (0..kernel).any(|k| i * stride + k * dilation - padding == o);
                let spread: Vec<i128> = (-30..30).filter(|&i| hits(i)).collect();
                let (kernel, dilation) = (kernel as usize, dilation as usize);
                let found = taps(Taps::transposed(kernel, dilation, stride as usize, padding as usize), o);
                assert_eq!(found, spread, "kernel {kernel}, dilation {dilation}, stride {stride}, element {o}");
            }
        }
    }

    #[test]
    fn enlarging_and_shrinking() {
        let doubled = Taps::below(0.5).expect("a half");
        assert_eq!([0, 1, 2, 3].map(|o| taps(doubled, o)), [[0], [0], [1], [1]]);
        assert_eq!(doubled.period(), Some((2, 1)));
        let smooth = Taps::around(0.5, true).expect("a half");
        assert_eq!([0, 1, 2].map(|o| taps(smooth, o)), [[-1, 0], [0, 1], [0, 1]]);
        let aligned = Taps::around(4.0 / 9.0, false).expect("a fraction");
        assert_eq!([0, 1, 9].map(|o| taps(aligned, o)), [vec![0], vec![0, 1], vec![4]]);
        assert_eq!(Taps::below(std::f64::consts::PI), None);
        assert_eq!(Taps::below(f64::NAN), None);
        assert_eq!(Taps::below(0.0).map(|none| taps(none, 7)), Some(vec![0]));
    }

    #[test]
    fn parts_of_an_axis() {
        for size in 1..20usize {
            for parts in 1..20 {
                for o in 0..parts {
                    let expected: Vec<i128> =
                        (o * size / parts..((o + 1) * size).div_ceil(parts)).map(|i| i as i128).collect();
                    assert_eq!(taps(Taps::parts(size, parts), o as i128), expected, "part {o} of {parts} of {size}");
                }
            }
        }
    }

    #[test]
    fn vast_numbers_give_no_answer_and_no_panic() {
        let vast = Taps::transposed(usize::MAX, usize::MAX, usize::MAX, usize::MAX);
        assert_eq!(vast.at(i128::MAX), None);
        let sparse = Taps::transposed(5, 1 << 40, 3, 0);
        assert_eq!(sparse.at(0), None);
    }
}
