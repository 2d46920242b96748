//! `a ** b`, as Python has it: of an int by an int of at least 0 an int, by a negative one a float. A size that holds a symbol
//! may be raised to small numbers.

use super::arithmetic::{Fault, NOT_FINITE, OVERFLOW, Result, ZERO, from_size};
use super::value::Value;
use crate::shape::Dim;

/// The largest power of a symbol.
const SYMBOL_POWER: i64 = 16;

/// `base ** exponent` of two ints.
pub(super) fn ints<'a>(base: i64, exponent: i64) -> Result<Value<'a>> {
    if exponent < 0 {
        return floats(base as f64, exponent as f64);
    }
    let small = match base {
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent)),
    };
    small.map(Value::Int).ok_or(OVERFLOW)
}

/// `base ** exponent` of two floats.
pub(super) fn floats<'a>(base: f64, exponent: f64) -> Result<Value<'a>> {
    if base == 0.0 && exponent < 0.0 {
        return Err(ZERO);
    }
    if base < 0.0 && exponent.fract() != 0.0 {
        return Err(Fault::NoResult("a number below 0 has whole powers only"));
    }
    let power = base.powf(exponent);
    if power.is_finite() { Ok(Value::Float(power)) } else { Err(NOT_FINITE) }
}

/// `base ** exponent` where one of the two holds a symbol.
pub(super) fn sizes<'a>(base: &Dim, exponent: &Dim) -> Result<Value<'a>> {
    match exponent.number() {
        Some(exponent @ 0..=SYMBOL_POWER) => {
            let mut power = Dim::Number(1);
            for _ in 0..exponent {
                power = power.times(base).map_err(|_| OVERFLOW)?;
            }
            Ok(from_size(power))
        }
        Some(_) => Err(Fault::Symbol(base.clone())),
        None => Err(Fault::Symbol(exponent.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(result: Result<Value<'static>>) -> Option<String> {
        result.ok().map(|value| value.written())
    }

    #[test]
    fn powers_are_pythons() {
        for (base, exponent, power) in [
            (2, 10, "1024"),
            (0, 0, "1"),
            (0, i64::MAX, "0"),
            (-1, i64::MAX, "-1"),
            (-2, 63, "-9223372036854775808"),
            (2, -1, "0.5"),
        ] {
            assert_eq!(written(ints(base, exponent)).as_deref(), Some(power), "{base} ** {exponent}");
        }
        assert_eq!(written(floats(2.0, 0.5)).as_deref(), Some("1.4142135623730951"));
        assert_eq!(written(floats(-2.0, 3.0)).as_deref(), Some("-8.0"));
    }

    #[test]
    fn what_has_no_power_is_an_error() {
        for (base, exponent) in [(2, 63), (3, i64::MAX), (0, -1)] {
            assert_eq!(written(ints(base, exponent)), None, "{base} ** {exponent}");
        }
        assert_eq!(written(floats(-2.0, 0.5)), None);
        assert_eq!(written(floats(1e300, 2.0)), None);
    }

    #[test]
    fn symbols_have_small_powers() {
        let height = Dim::symbol("H");
        assert_eq!(written(sizes(&height, &Dim::Number(2))).as_deref(), Some("H*H"));
        assert_eq!(written(sizes(&height, &Dim::Number(0))).as_deref(), Some("1"));
        assert!(matches!(sizes(&height, &Dim::Number(-1)), Err(Fault::Symbol(_))));
        assert!(matches!(sizes(&Dim::Number(2), &height), Err(Fault::Symbol(_))));
    }
}
