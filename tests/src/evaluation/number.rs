//! The numbers that the evaluation computes with: values that know how far float32 would be off ([`Rounded`]), and from what
//! they came.
//!
//! - A number stands on a tape, if one is recording: an entry an operation, with the slope by each of its operands. Going back
//!   over the tape
//!   gives the derivative by every leaf at once, each with its own variance.
//! - How large the largest was is kept ([`largest`]): what float32 cannot hold on the way to an answer, it answers with something
//!   else.
//! - Where a maximum or a kink takes one branch or another, the distance from the other is kept, in deviations ([`narrowest`]): a
//!   computation that is off by as much may take the other branch, and its gradient is then another one.

use super::rounded::{FUNCTION, Rounded, SINGLE};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// What an operation hands back to one of its operands.
#[derive(Clone, Copy)]
struct Part {
    place: u32,
    slope: Rounded,
}

/// The place of what stands on no tape.
const NOWHERE: u32 = u32::MAX;

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
    static TAPE: RefCell<Vec<[Part; 2]>> = const { RefCell::new(Vec::new()) };
    static NARROWEST: Cell<f64> = const { Cell::new(f64::INFINITY) };
    static LARGEST: Cell<f64> = const { Cell::new(0.0) };
}

/// Starts anew: an empty tape, which records or does not, and no decision so far.
pub fn start(recording: bool) {
    RECORDING.set(recording);
    TAPE.with_borrow_mut(Vec::clear);
    NARROWEST.set(f64::INFINITY);
    LARGEST.set(0.0);
}

/// The distance, in deviations, of the narrowest decision since [`start`] between two values that were not both exact.
pub fn narrowest() -> f64 {
    NARROWEST.get()
}

/// The largest size of a finite result since [`start`].
pub fn largest() -> f64 {
    LARGEST.get()
}

/// A number of the evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Its value and variance.
    pub rounded: Rounded,
    place: u32,
}

impl Number {
    /// A constant.
    pub fn exact(value: f64) -> Number {
        Number::constant(Rounded::exact(value))
    }

    /// A number that nothing is derived by.
    pub fn constant(rounded: Rounded) -> Number {
        Number { rounded, place: NOWHERE }
    }

    /// An exact number that others can be derived by.
    pub fn leaf(value: f64) -> Number {
        let nothing = Part { place: NOWHERE, slope: Rounded::default() };
        Number { rounded: Rounded::exact(value), place: record([nothing; 2]) }
    }

    /// Its value.
    pub fn value(self) -> f64 {
        self.rounded.value
    }

    /// Whether it is greater than another; the tape's reader is told how narrow that was.
    pub fn is_greater(self, other: Number) -> bool {
        let deviation = (self.rounded.variance + other.rounded.variance).sqrt();
        let same = self.place == other.place && self.place != NOWHERE;
        if deviation > 0.0 && !same {
            NARROWEST.set(NARROWEST.get().min((self.value() - other.value()).abs() / deviation));
        }
        self.value() > other.value()
    }

    /// The same number without where it came from.
    pub fn fixed(self) -> Number {
        Number::constant(self.rounded)
    }

    fn of(rounded: Rounded, parts: [(Number, Rounded); 2]) -> Number {
        if rounded.value.is_finite() {
            LARGEST.set(LARGEST.get().max(rounded.value.abs()));
        }
        if parts.iter().all(|(operand, _)| operand.place == NOWHERE) {
            return Number::constant(rounded);
        }
        Number { rounded, place: record(parts.map(|(operand, slope)| Part { place: operand.place, slope })) }
    }

    fn function(self, rounded: Rounded, slope: Rounded) -> Number {
        Number::of(rounded, [(self, slope), (Number::exact(0.0), Rounded::default())])
    }

    /// The square.
    pub fn square(self) -> Number {
        self.function(self.rounded.square(), self.rounded * Rounded::exact(2.0))
    }

    /// eˣ
    pub fn exp(self) -> Number {
        let value = self.rounded.exp();
        self.function(value, value)
    }

    /// eˣ − 1
    pub fn exp_m1(self) -> Number {
        let (value, slope) = (self.value().exp_m1(), self.rounded.exp());
        self.function(self.rounded.function(value, slope.value, FUNCTION), slope)
    }

    /// The natural logarithm.
    pub fn ln(self) -> Number {
        let slope = Rounded::exact(1.0) / self.rounded;
        self.function(self.rounded.function(self.value().ln(), slope.value, FUNCTION), slope)
    }

    /// ln(1 + x)
    pub fn ln_1p(self) -> Number {
        let slope = Rounded::exact(1.0) / (self.rounded + Rounded::exact(1.0));
        self.function(self.rounded.function(self.value().ln_1p(), slope.value, FUNCTION), slope)
    }

    /// The hyperbolic tangent.
    pub fn tanh(self) -> Number {
        let value = self.rounded.tanh();
        self.function(value, Rounded::exact(1.0) + -(value * value))
    }

    /// `1 / (1 + e⁻ˣ)`, without a power that overflows; its slope is `y·(1 − y)`, as everybody computes it.
    pub fn sigmoid(self) -> Number {
        let power = (-self.value().abs()).exp();
        let value = if self.value() > 0.0 { 1.0 } else { power } / (1.0 + power);
        let value = self.rounded.function(value, value * (1.0 - value), FUNCTION);
        self.function(value, value * (Rounded::exact(1.0) + -value))
    }

    /// The error function.
    pub fn erf(self) -> Number {
        let slope = (-(self.rounded * self.rounded)).exp() * Rounded::exact(std::f64::consts::FRAC_2_SQRT_PI);
        self.function(self.rounded.function(libm::erf(self.value()), slope.value, FUNCTION), slope)
    }

    /// The square root.
    pub fn sqrt(self) -> Number {
        let value = self.rounded.sqrt();
        self.function(value, Rounded::exact(0.5) / value)
    }

    /// The square root of what may be zero, where it has no derivative.
    pub fn sqrt_of_any(self) -> Number {
        if self.value() > 0.0 {
            return self.sqrt();
        }
        // A root's error at zero is the root of its argument's.
        let variance = self.rounded.variance.sqrt() / SINGLE;
        Number::constant(Rounded { value: 0.0, variance: if self.rounded.variance > 0.0 { variance } else { 0.0 } })
    }

    /// A constant power of a number above zero.
    pub fn power(self, exponent: f64) -> Number {
        let power = |exponent: f64| {
            let value = self.value().powf(exponent);
            self.rounded.function(value, exponent * value / self.value(), FUNCTION)
        };
        self.function(power(exponent), power(exponent - 1.0) * Rounded::exact(exponent))
    }
}

/// The place of a new entry.
fn record(parts: [Part; 2]) -> u32 {
    if !RECORDING.get() {
        return NOWHERE;
    }
    TAPE.with_borrow_mut(|tape| {
        tape.push(parts);
        (tape.len() - 1) as u32
    })
}

/// The derivatives of a number by every entry of the tape, up to its own.
pub struct Derivatives(Vec<Rounded>);

impl Derivatives {
    /// Of that number. What it does not depend on has the derivative 0.
    pub fn of(number: Number) -> Derivatives {
        let mut slopes = vec![Rounded::default(); if number.place == NOWHERE { 0 } else { number.place as usize + 1 }];
        if let Some(own) = slopes.last_mut() {
            *own = Rounded::exact(1.0);
        }
        TAPE.with_borrow(|tape| {
            for place in (0..slopes.len()).rev() {
                let slope = slopes[place];
                for part in tape[place].iter().filter(|part| part.place != NOWHERE && slope != Rounded::default()) {
                    let handed = &mut slopes[part.place as usize];
                    *handed = *handed + slope * part.slope;
                }
            }
        });
        Derivatives(slopes)
    }

    /// By a leaf.
    pub fn by(&self, leaf: Number) -> Rounded {
        self.0.get(leaf.place as usize).copied().unwrap_or_default()
    }
}

impl Add for Number {
    type Output = Number;
    fn add(self, other: Number) -> Number {
        // So that a sum of one is that one.
        if self.place == NOWHERE && self.rounded.is_exactly(0.0) {
            return other;
        }
        Number::of(self.rounded + other.rounded, [(self, Rounded::exact(1.0)), (other, Rounded::exact(1.0))])
    }
}

impl Sub for Number {
    type Output = Number;
    fn sub(self, other: Number) -> Number {
        // A number is exactly itself; its slopes, which others may take apart, cancel no better than rounding lets them.
        let same = self.place == other.place && self.place != NOWHERE;
        let rounded = if same { Rounded::exact(0.0) } else { self.rounded + -other.rounded };
        Number::of(rounded, [(self, Rounded::exact(1.0)), (other, Rounded::exact(-1.0))])
    }
}

impl Mul for Number {
    type Output = Number;
    fn mul(self, other: Number) -> Number {
        Number::of(self.rounded * other.rounded, [(self, other.rounded), (other, self.rounded)])
    }
}

impl Div for Number {
    type Output = Number;
    fn div(self, other: Number) -> Number {
        // So that a mean of one is that one.
        if other.place == NOWHERE && other.rounded.is_exactly(1.0) {
            return self;
        }
        let value = self.rounded / other.rounded;
        let slope = Rounded::exact(1.0) / other.rounded;
        Number::of(value, [(self, slope), (other, -(value * slope))])
    }
}

impl Neg for Number {
    type Output = Number;
    fn neg(self) -> Number {
        self.function(-self.rounded, Rounded::exact(-1.0))
    }
}

impl Add<f64> for Number {
    type Output = Number;
    fn add(self, other: f64) -> Number {
        self + Number::exact(other)
    }
}

impl Mul<f64> for Number {
    type Output = Number;
    fn mul(self, other: f64) -> Number {
        self * Number::exact(other)
    }
}

impl std::iter::Sum for Number {
    /// Equal numbers were made alike and are rounded alike, again and again: what that makes of their sum does not cancel as
    /// chance does, so the variance counts as often as each number stands there, on average.
    fn sum<I: Iterator<Item = Number>>(numbers: I) -> Number {
        let (mut count, mut distinct) = (0usize, HashSet::new());
        let mut sum = numbers.fold(Number::exact(0.0), |sum, number| {
            count += 1;
            distinct.insert(number.value().to_bits());
            sum + number
        });
        sum.rounded.variance *= (count.max(1) / distinct.len().max(1)) as f64;
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::{Derivatives, Number, largest, narrowest, start};

    #[test]
    fn derivatives_are_those_of_differences() {
        let functions: [fn(Number) -> Number; 12] = [
            Number::square,
            Number::sigmoid,
            Number::exp,
            Number::exp_m1,
            Number::ln,
            Number::ln_1p,
            Number::tanh,
            Number::erf,
            Number::sqrt,
            |x| x.power(-0.75),
            |x| x * x / (x + 2.0) - x * 3.0,
            |x| -(x * x) * x,
        ];
        for (index, function) in functions.into_iter().enumerate() {
            start(true);
            let x = Number::leaf(0.7);
            let slope = Derivatives::of(function(x)).by(x).value;
            let [above, below] = [0.7 + 1e-6, 0.7 - 1e-6].map(|x| function(Number::exact(x)).value());
            assert!(((above - below) / 2e-6 - slope).abs() < 1e-9, "function {index}");
        }
    }

    #[test]
    fn a_decision_is_as_narrow_as_its_rounding() {
        start(true);
        let [a, b] = [Number::leaf(1.0), Number::leaf(2.0)];
        assert!(b.is_greater(a) && narrowest() == f64::INFINITY, "both are exact");
        let third = a / Number::exact(3.0);
        assert!(!(third * 3.0).is_greater(a) && narrowest() == 0.0);
    }

    #[test]
    fn the_largest_on_the_way_is_kept() {
        start(false);
        let large = Number::exact(3.0) * Number::exact(1e20);
        assert_eq!((large / large).value(), 1.0);
        assert_eq!(largest(), 3e20);
        start(false);
        assert_eq!(largest(), 0.0);
    }

    #[test]
    fn a_square_errs_twice_as_its_root_does() {
        let third = Number::exact(1.0) / Number::exact(3.0);
        let deviation = |number: Number| number.rounded.variance.sqrt() / number.value();
        assert!((deviation(third.square()) - 5f64.sqrt()).abs() < 1e-9, "twice the root's, and its own");
    }
}
