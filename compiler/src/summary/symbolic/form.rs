//! Closed forms: sums of products of sizes with rational coefficients, `9·width² + 2·width`, `9,408·N·((H - 1)//2 + 1)`.

use crate::shape::{Dim, greatest_common_divisor};
use crate::summary::grouped;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// A rational number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    over: i128,
    /// At least 1, and without a divisor that `over` has too.
    under: i128,
}

impl Ratio {
    pub fn whole(number: i128) -> Ratio {
        Ratio { over: number, under: 1 }
    }

    fn new(over: i128, under: i128) -> Option<Ratio> {
        let common = greatest_common_divisor(over.checked_abs()?, under.checked_abs()?);
        let sign = if under < 0 { -1 } else { 1 };
        (under != 0).then(|| Ratio { over: sign * (over / common), under: sign * (under / common) })
    }

    /// As a whole number, if it is one.
    pub fn as_whole(self) -> Option<i128> {
        (self.under == 1).then_some(self.over)
    }

    pub fn plus(self, other: Ratio) -> Option<Ratio> {
        let over = self.over.checked_mul(other.under)?.checked_add(other.over.checked_mul(self.under)?)?;
        Ratio::new(over, self.under.checked_mul(other.under)?)
    }

    pub fn minus(self, other: Ratio) -> Option<Ratio> {
        self.plus(Ratio { over: other.over.checked_neg()?, ..other })
    }

    pub fn times(self, other: Ratio) -> Option<Ratio> {
        Ratio::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    pub fn over(self, other: Ratio) -> Option<Ratio> {
        self.times(Ratio::new(other.under, other.over)?)
    }
}

/// A closed form. Two that are equal are equal terms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// Coefficients, none of them zero, by the sizes that they multiply: sorted, repeated for a power.
    terms: BTreeMap<Vec<Dim>, Ratio>,
}

impl Form {
    /// A number.
    pub(super) fn number(number: u64) -> Form {
        Form::term(Vec::new(), Ratio::whole(i128::from(number)))
    }

    /// A size.
    pub(super) fn size(size: &Dim) -> Form {
        match size {
            Dim::Number(number) => Form::term(Vec::new(), Ratio::whole(i128::from(*number))),
            Dim::Symbolic(_) => {
                let (factor, rest) = size.content();
                Form::term(vec![rest], Ratio::whole(i128::from(factor)))
            }
        }
    }

    fn term(sizes: Vec<Dim>, coefficient: Ratio) -> Form {
        let mut form = Form::default();
        if coefficient.over != 0 {
            form.terms.insert(sizes, coefficient);
        }
        form
    }

    /// The coefficients by their sizes.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&Vec<Dim>, Ratio)> {
        self.terms.iter().map(|(sizes, coefficient)| (sizes, *coefficient))
    }

    pub(super) fn plus(&self, other: &Form) -> Option<Form> {
        let mut sum = self.clone();
        for (sizes, coefficient) in &other.terms {
            let before = sum.terms.remove(sizes).unwrap_or(Ratio::whole(0));
            let after = before.plus(*coefficient)?;
            if after.over != 0 {
                sum.terms.insert(sizes.clone(), after);
            }
        }
        Some(sum)
    }

    pub(super) fn times(&self, other: &Form) -> Option<Form> {
        let mut product = Form::default();
        for (first, one) in &self.terms {
            for (second, two) in &other.terms {
                let mut sizes: Vec<Dim> = first.iter().chain(second).cloned().collect();
                sizes.sort();
                product = product.plus(&Form::term(sizes, one.times(*two)?))?;
            }
        }
        Some(product)
    }

    pub(super) fn scaled(&self, factor: Ratio) -> Option<Form> {
        self.times(&Form::term(Vec::new(), factor))
    }

    /// What it comes to, once all symbols have values; `None` where one has none, or it is no whole number.
    pub fn at(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<i128> {
        let mut total = Ratio::whole(0);
        for (sizes, coefficient) in &self.terms {
            let mut term = *coefficient;
            for size in sizes {
                term = term.times(Ratio::whole(i128::from(size.at(value)?)))?;
            }
            total = total.plus(term)?;
        }
        total.as_whole()
    }
}

/// The highest powers first, factors in the order of their names, numbers with thousands apart.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut terms: Vec<(&Vec<Dim>, &Ratio)> = self.terms.iter().collect();
        terms.sort_by_key(|(sizes, _)| Reverse(sizes.len()));
        if terms.is_empty() {
            return f.write_str("0");
        }
        for (index, (sizes, coefficient)) in terms.into_iter().enumerate() {
            let (over, under) = (coefficient.over, coefficient.under);
            let sign = match (index, over < 0) {
                (0, false) => "",
                (0, true) => "−",
                (_, false) => " + ",
                (_, true) => " − ",
            };
            let size = grouped(u64::try_from(over.unsigned_abs()).unwrap_or(u64::MAX));
            let mut factors = Vec::new();
            if sizes.is_empty() || size != "1" || under != 1 {
                factors.push(if under == 1 { size } else { format!("{size}/{under}") });
            }
            let is_alone = factors.is_empty();
            factors.extend(powers(sizes, is_alone));
            write!(f, "{sign}{}", factors.join("·"))?;
        }
        Ok(())
    }
}

/// `N`, `(H//2 + 1)²`, `(H//2)`; a division that stands alone needs no parentheses.
fn powers(sizes: &[Dim], is_alone: bool) -> Vec<String> {
    let mut powers: Vec<(&Dim, usize)> = Vec::new();
    for size in sizes {
        match powers.last_mut() {
            Some((last, power)) if *last == size => *power += 1,
            _ => powers.push((size, 1)),
        }
    }
    let written = powers.into_iter().map(|(size, power)| {
        let text = size.to_string();
        let is_bare = is_alone && sizes.len() == 1;
        let text = if text.contains([' ', '/', '*']) && !is_bare { format!("({text})") } else { text };
        match power {
            1 => text,
            2 => format!("{text}²"),
            3 => format!("{text}³"),
            power => format!("{text}^{power}"),
        }
    });
    written.collect()
}
