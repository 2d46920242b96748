//! Divisions that come out even, once it is known of which numbers a symbol is a multiple: where H is a multiple of 16,
//! `16*(H//16)` is H.
//!
//! A division that comes out even takes up the factor before it, `4*((H - 1)//32) + 4` becomes `H//8`, and stays where a rest of
//! it stays, since a size has no fractions.

use super::dim::{Atom, Dim, Sum, TooLarge};

/// The numbers that a symbol stands for: all of them leave `rest` when they are divided by `step`, a positive number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residue {
    /// What is left, `0 .. step`.
    pub rest: i64,
    /// What is divided by.
    pub step: i64,
}

impl Dim {
    /// The same size for all these numbers, with divisions that leave a known rest written without it.
    pub fn exact(&self, residue: &dyn Fn(&str) -> Option<Residue>) -> Dim {
        let Dim::Symbolic(sum) = self else { return self.clone() };
        sum.exact(residue).unwrap_or_else(|TooLarge| self.clone())
    }

    /// The quotient by a product, where it comes out even whatever the symbols are: `16*H*W` by `4*W` is `4*H`. `None` where
    /// that is not certain.
    pub fn evenly_divided(&self, divisor: &Dim) -> Result<Option<Dim>, TooLarge> {
        let divisor = divisor.sum();
        let mut parts = divisor.terms.iter();
        let (Some((atoms, &factor)), None) = (parts.next(), parts.next()) else { return Ok(None) };
        let mut whole = Dim::Number(0);
        for (product, &coefficient) in &self.sum().terms {
            let mut rest = product.clone();
            for atom in atoms {
                let Some(place) = rest.iter().position(|other| other == atom) else { return Ok(None) };
                rest.remove(place);
            }
            if coefficient.checked_rem(factor) != Some(0) {
                return Ok(None);
            }
            let term = rest.into_iter().try_fold(Dim::Number(1), |term, atom| term.times(&Dim::atom(atom)?))?;
            whole = whole.plus(&term.times_number(coefficient / factor)?)?;
        }
        Ok(Some(whole))
    }
}

impl Dim {
    /// The number that all terms are multiples of, and the size divided by it: `2*H` is 2 and `H`.
    pub fn content(&self) -> (i64, Dim) {
        let Dim::Symbolic(sum) = self else { return (1, self.clone()) };
        let common =
            sum.terms.values().fold(0, |common, term| greatest_common_divisor(common, i128::from(term.unsigned_abs())));
        let common = i64::try_from(common).unwrap_or(1).max(1);
        match self.evenly_divided(&Dim::Number(common)) {
            Ok(Some(rest)) => (common, rest),
            _ => (1, self.clone()),
        }
    }
}

impl Sum {
    fn exact(&self, residue: &dyn Fn(&str) -> Option<Residue>) -> Result<Dim, TooLarge> {
        let mut whole = Dim::Number(0);
        for (product, &coefficient) in &self.terms {
            let (mut factor, mut term) = (coefficient, Dim::Number(1));
            for atom in product {
                let part = match atom {
                    Atom::FloorDivision(sum, divisor) => match sum.remainder(*divisor, residue) {
                        Some(rest) => {
                            let common =
                                greatest_common_divisor(factor.unsigned_abs().into(), (*divisor).into()) as i64;
                            factor /= common;
                            sum.exact(residue)?.plus_number(-rest)?.floor_divided(divisor / common)?
                        }
                        None => Dim::atom(atom.clone())?,
                    },
                    _ => Dim::atom(atom.clone())?,
                };
                term = term.times(&part)?;
            }
            whole = whole.plus(&term.times_number(factor)?)?;
        }
        Ok(whole)
    }

    /// What is left of the sum when it is divided, if that is the same for all numbers.
    fn remainder(&self, divisor: i64, residue: &dyn Fn(&str) -> Option<Residue>) -> Option<i64> {
        self.terms.iter().try_fold(0i64, |rest, (product, coefficient)| {
            let part = match product.as_slice() {
                [] => *coefficient,
                [Atom::Symbol(name)] => {
                    let known = residue(name)?;
                    let even = coefficient.checked_mul(known.step)? % divisor == 0;
                    even.then(|| coefficient.checked_mul(known.rest)).flatten()?
                }
                _ if coefficient % divisor == 0 => 0,
                _ => return None,
            };
            Some(rest.checked_add(part)?.rem_euclid(divisor))
        })
    }
}

/// Of two numbers that are not negative; 1 for two zeros.
pub fn greatest_common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiple(rest: i64, step: i64) -> impl Fn(&str) -> Option<Residue> {
        move |name| (name == "H").then_some(Residue { rest, step })
    }

    fn height() -> Dim {
        Dim::symbol("H")
    }

    fn divided(by: i64) -> Dim {
        height().floor_divided(by).expect("small")
    }

    #[test]
    fn what_comes_out_even_is_written_without_division() {
        let doubled = divided(16).times_number(16).expect("small");
        assert_eq!(doubled.exact(&multiple(0, 16)), height());
        assert_eq!(doubled.exact(&multiple(0, 32)), height());
        assert_eq!(doubled.exact(&multiple(0, 8)), doubled);
        assert_eq!(divided(2).exact(&multiple(0, 16)), divided(2));
        let up = height().plus_number(-1).and_then(|size| size.floor_divided(32)).and_then(|size| size.plus_number(1));
        let enlarged = up.and_then(|size| size.times_number(4)).expect("small");
        assert_eq!(enlarged.to_string(), "4*((H - 1)//32) + 4");
        assert_eq!(enlarged.exact(&multiple(0, 32)).to_string(), "H//8");
        let odd = divided(2).times_number(2).expect("small").plus_number(1).expect("small");
        assert_eq!(odd.exact(&multiple(1, 2)), height());
        let width = Dim::symbol("W").floor_divided(2).expect("small");
        let area = divided(2).times(&width).expect("small").times_number(8).expect("small");
        assert_eq!(area.exact(&multiple(0, 2)).to_string(), "4*H*(W//2)");
    }

    #[test]
    fn products_divide_products() {
        let (height, width) = (height(), Dim::symbol("W"));
        let area = height.times(&width).and_then(|area| area.times_number(16)).expect("small");
        let by = |divisor: &Dim| area.evenly_divided(divisor).expect("small").map(|size| size.to_string());
        assert_eq!(by(&width.times_number(4).expect("small")), Some("4*H".into()));
        assert_eq!(by(&Dim::Number(8)), Some("2*H*W".into()));
        assert_eq!(by(&area), Some("1".into()));
        assert_eq!(by(&Dim::Number(5)), None);
        assert_eq!(by(&Dim::Number(0)), None);
        assert_eq!(by(&height.times(&height).expect("small")), None);
        assert_eq!(by(&height.plus(&width).expect("small")), None);
        let sum = height.times(&width).and_then(|area| area.plus(&width)).expect("small");
        assert_eq!(sum.evenly_divided(&width).expect("small").map(|size| size.to_string()), Some("H + 1".into()));
        assert_eq!(Dim::Number(12).evenly_divided(&Dim::Number(4)), Ok(Some(Dim::Number(3))));
    }

    /// For every number that a symbol may stand for, the value is what it was.
    #[test]
    fn the_value_stays() {
        for (rest, step) in [(0, 4), (1, 4), (3, 6), (0, 1)] {
            for (divisor, shift, factor) in [(2, -1, 2), (4, 3, 4), (3, 1, 6), (2, 0, 3), (4, -3, 8)] {
                let inner = height().times_number(3).and_then(|size| size.plus_number(shift)).expect("small");
                let size = inner.floor_divided(divisor).and_then(|size| size.times_number(factor)).expect("small");
                let exact = size.exact(&multiple(rest, step));
                for times in 1..9 {
                    let at = |_: &str| Some(rest + step * times);
                    assert_eq!(exact.at(&at), size.at(&at), "{size} and {exact} at {rest} + {step}·{times}");
                }
            }
        }
    }
}
