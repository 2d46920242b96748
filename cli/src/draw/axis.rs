//! Axes: round numbers that span what is shown.

/// The range of an axis and where its ticks are.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The least value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// Ticks, in rising order.
    pub ticks: Vec<f64>,
    /// Digits behind the point.
    digits: usize,
    /// Whether each tick is ten times the one before.
    of_powers: bool,
}

impl Axis {
    /// An axis over all finite values, with about `count` ticks at multiples of 1, 2 or 5 times a power of ten.
    pub fn over(values: impl Iterator<Item = f64>, count: usize) -> Axis {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), value| (l.min(value), h.max(value)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        // An axis of one value has room on both sides of it.
        let spread = if high - low > 1e-9 * high.abs().max(1e-9) { high - low } else { high.abs().max(0.1) };
        let step = step(spread / count.max(1) as f64);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let last = if last > first { last } else { first + 1.0 };
        let ticks = (0..=(last - first) as usize).map(|tick| (first + tick as f64) * step).collect();
        Axis { low: first * step, high: last * step, ticks, digits: digits(step), of_powers: false }
    }

    /// An axis of whole numbers from 1 to `last`.
    pub fn counting(last: usize, count: usize) -> Axis {
        let step = step((last as f64 / count.max(1) as f64).max(1.0)).max(1.0);
        let multiples = (1..).map(|tick| f64::from(tick) * step).take_while(|&tick| tick <= last as f64);
        let ticks = std::iter::once(1.0).chain(multiples.filter(|&tick| tick > 1.0)).collect();
        Axis { low: 1.0, high: (last as f64).max(2.0), ticks, digits: 0, of_powers: false }
    }

    /// An axis of powers of ten, from one to another.
    pub fn of_powers([low, high]: [i32; 2]) -> Axis {
        let ticks: Vec<f64> = (low..=high.max(low + 1)).map(|power| 10f64.powi(power)).collect();
        let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
        Axis { low, high, ticks, digits: 0, of_powers: true }
    }

    /// Where a value lies: 0 at the low end, 1 at the high one.
    pub fn share(&self, value: f64) -> f64 {
        let [low, high, value] = [self.low, self.high, value].map(|end| if self.of_powers { end.ln() } else { end });
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// A tick's text.
    pub fn label(&self, value: f64) -> String {
        if self.of_powers { format!("{value:.0e}") } else { format!("{:.*}", self.digits, value) }
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not less.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(|&step| step >= least * 0.999).unwrap_or(10.0 * power)
}

fn digits(step: f64) -> usize {
    (-step.log10().floor()).clamp(0.0, 9.0) as usize
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn ticks_are_round_and_span_everything() {
        let axis = Axis::over([0.31, 2.29, f64::NAN].into_iter(), 5);
        assert_eq!((axis.low, axis.high), (0.0, 2.5));
        assert_eq!(
            axis.ticks.iter().map(|&tick| axis.label(tick)).collect::<Vec<_>>(),
            ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]
        );
        assert_eq!((axis.share(0.0), axis.share(2.5), axis.share(9.0)), (0.0, 1.0, 1.0));
    }

    #[test]
    fn one_value_or_none_still_makes_an_axis() {
        for values in [vec![], vec![0.0], vec![0.7], vec![f64::INFINITY]] {
            let axis = Axis::over(values.iter().copied(), 4);
            assert!(axis.high > axis.low && axis.ticks.len() >= 2 && axis.ticks.len() < 12, "{axis:?}");
        }
    }

    #[test]
    fn powers_of_ten_are_as_far_from_each_other() {
        let axis = Axis::of_powers([-3, 1]);
        assert_eq!(
            axis.ticks.iter().map(|&tick| axis.label(tick)).collect::<Vec<_>>(),
            ["1e-3", "1e-2", "1e-1", "1e0", "1e1"]
        );
        assert!((axis.share(0.1) - 0.5).abs() < 1e-9 && axis.share(1e-9) == 0.0 && axis.share(99.0) == 1.0);
    }

    #[test]
    fn epochs_are_counted() {
        let ticks = |last| Axis::counting(last, 5).ticks;
        assert_eq!(ticks(1), [1.0]);
        assert_eq!(ticks(4), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(ticks(100), [1.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }
}
