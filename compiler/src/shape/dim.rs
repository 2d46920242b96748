//! One size: a number, or an expression over symbols in a canonical form.
//!
//! The form is a sum of products of atoms with whole coefficients; an atom is a symbol, a floor division by a positive number,
//! or the smaller of two sizes (windows that round up). Two expressions that are the same sum print and compare the same:
//! `(H + 2 - 3)//2 + 1` is `(H - 1)//2 + 1`, and nested divisions merge, `⌊(⌊a/b⌋ + c)/d⌋ = ⌊(a + bc)/(bd)⌋`, so a chain
//! of strided layers stays one term. Arithmetic is checked: what does not fit 64 bits, or grows past [`MAX_TERMS`] or
//! [`MAX_WEIGHT`], is
//! [`TooLarge`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The most terms of a sum; no network comes near it.
const MAX_TERMS: usize = 64;

/// The most terms and atoms that an expression is made of when all is written out, shared parts each time: what comparing it
/// costs. No network comes near it either.
const MAX_WEIGHT: usize = 1_000;

/// A size that does not fit 64 bits, or an expression past any use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// What sizes are computed in, where that is not in numbers here and now: whoever writes a size down for another program.
pub trait Arithmetic {
    /// What a size is there.
    type Value;
    /// A number.
    fn number(&mut self, number: i64) -> Self::Value;
    /// The size of that name.
    fn symbol(&mut self, name: &str) -> Self::Value;
    /// `a + b`
    fn add(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a · b`
    fn multiply(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `⌊a / divisor⌋`
    fn floor_divide(&mut self, a: Self::Value, divisor: i64) -> Self::Value;
    /// The smaller.
    fn minimum(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
}

/// The size of an axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// A known size. Negative ones occur only on the way to an error.
    Number(i64),
    /// An expression that holds at least one symbol.
    Symbolic(Arc<Sum>),
}

/// A canonical sum: products of atoms (sorted, repeated for a power) with their coefficients, none of them zero. The empty
/// product is the constant term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sum {
    pub(super) terms: BTreeMap<Vec<Atom>, i64>,
    /// Terms and atoms of which it is made, at all depths.
    weight: usize,
}

/// What a sum is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Atom {
    Symbol(Arc<str>),
    FloorDivision(Arc<Sum>, i64),
    Minimum(Dim, Dim),
}

impl Dim {
    /// The size called `name`.
    pub fn symbol(name: &str) -> Dim {
        let terms = BTreeMap::from([(vec![Atom::Symbol(Arc::from(name))], 1)]);
        Dim::Symbolic(Arc::new(Sum { terms, weight: 2 }))
    }

    /// The size as a number; `None` while there is a symbol.
    pub fn number(&self) -> Option<i64> {
        match self {
            Dim::Number(number) => Some(*number),
            Dim::Symbolic(_) => None,
        }
    }

    /// The sum of two sizes.
    pub fn plus(&self, other: &Dim) -> Result<Dim, TooLarge> {
        if let (Dim::Number(a), Dim::Number(b)) = (self, other) {
            return a.checked_add(*b).map(Dim::Number).ok_or(TooLarge);
        }
        let mut sum = self.sum();
        for (product, coefficient) in other.sum().terms {
            sum.add(product, coefficient)?;
        }
        sum.finish()
    }

    /// The product of two sizes.
    pub fn times(&self, other: &Dim) -> Result<Dim, TooLarge> {
        if let (Dim::Number(a), Dim::Number(b)) = (self, other) {
            return a.checked_mul(*b).map(Dim::Number).ok_or(TooLarge);
        }
        let (left, right) = (self.sum(), other.sum());
        let mut sum = Sum::default();
        for (a, x) in &left.terms {
            for (b, y) in &right.terms {
                let mut product: Vec<Atom> = a.iter().chain(b).cloned().collect();
                product.sort();
                sum.add(product, x.checked_mul(*y).ok_or(TooLarge)?)?;
            }
        }
        sum.finish()
    }

    /// `self + number`
    pub fn plus_number(&self, number: i64) -> Result<Dim, TooLarge> {
        self.plus(&Dim::Number(number))
    }

    /// `self · number`
    pub fn times_number(&self, number: i64) -> Result<Dim, TooLarge> {
        self.times(&Dim::Number(number))
    }

    /// The difference of two sizes.
    pub fn minus(&self, other: &Dim) -> Result<Dim, TooLarge> {
        self.plus(&other.times_number(-1)?)
    }

    /// `⌊self / divisor⌋`; the divisor is positive, else the result is [`TooLarge`].
    pub fn floor_divided(&self, divisor: i64) -> Result<Dim, TooLarge> {
        if divisor <= 0 {
            return Err(TooLarge);
        }
        if divisor == 1 {
            return Ok(self.clone());
        }
        if let Dim::Number(number) = self {
            return Ok(Dim::Number(number.div_euclid(divisor)));
        }
        let mut whole = Sum::default();
        let mut rest = Sum::default();
        for (product, coefficient) in self.sum().terms {
            // What is left of the constant is negative, so that windows read as their formula does: `(H - 1)//2 + 1`.
            let remainder = match coefficient.rem_euclid(divisor) {
                remainder @ 1.. if product.is_empty() => remainder - divisor,
                remainder => remainder,
            };
            whole.add(product.clone(), coefficient.checked_sub(remainder).ok_or(TooLarge)? / divisor)?;
            rest.add(product, remainder)?;
        }
        rest.terms.retain(|_, coefficient| *coefficient != 0);
        Dim::divide_rest(rest.weighed()?, divisor)?.plus(&whole.finish()?)
    }

    /// The floor division of a sum whose coefficients are all smaller than the divisor.
    fn divide_rest(rest: Sum, divisor: i64) -> Result<Dim, TooLarge> {
        let constant = rest.terms.get(&Vec::new()).copied().unwrap_or(0);
        let mut others = rest.terms.iter().filter(|(product, _)| !product.is_empty());
        match (others.next(), others.next()) {
            (None, _) => Ok(Dim::Number(constant.div_euclid(divisor))),
            (Some((product, 1)), None) => {
                if let [Atom::FloorDivision(inner, by)] = product.as_slice() {
                    let shifted =
                        Dim::Symbolic(inner.clone()).plus_number(constant.checked_mul(*by).ok_or(TooLarge)?)?;
                    return shifted.floor_divided(by.checked_mul(divisor).ok_or(TooLarge)?);
                }
                Dim::atom(Atom::FloorDivision(Arc::new(rest), divisor))
            }
            _ => Dim::atom(Atom::FloorDivision(Arc::new(rest), divisor)),
        }
    }

    /// `⌈self / divisor⌉`; the divisor is positive.
    pub fn ceiling_divided(&self, divisor: i64) -> Result<Dim, TooLarge> {
        self.plus_number(divisor.checked_sub(1).ok_or(TooLarge)?)?.floor_divided(divisor)
    }

    /// The smaller of two sizes.
    pub fn minimum(&self, other: &Dim) -> Result<Dim, TooLarge> {
        if let Some(difference) = self.minus(other)?.number() {
            return Ok(if difference <= 0 { self.clone() } else { other.clone() });
        }
        let (a, b) = if self <= other { (self, other) } else { (other, self) };
        Dim::atom(Atom::Minimum(a.clone(), b.clone()))
    }

    /// The size once symbols have values; `None` when one has none or a number does not fit.
    pub fn at(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        match self {
            Dim::Number(number) => Some(*number),
            Dim::Symbolic(sum) => sum.at(value),
        }
    }

    /// The size in another arithmetic.
    pub fn compute<A: Arithmetic>(&self, arithmetic: &mut A) -> A::Value {
        match self {
            Dim::Number(number) => arithmetic.number(*number),
            Dim::Symbolic(sum) => sum.compute(arithmetic),
        }
    }

    /// Whether it never falls when a symbol grows, as far as its form shows.
    pub fn is_increasing(&self) -> bool {
        match self {
            Dim::Number(_) => true,
            Dim::Symbolic(sum) => sum.is_increasing(),
        }
    }

    /// Whether it is a number, or a symbol and its factor.
    pub fn is_plain(&self) -> bool {
        self.weight() <= 2
    }

    /// The symbols in it, sorted, each once.
    pub fn symbols(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        self.collect_symbols(&mut names);
        names.sort();
        names.dedup();
        names
    }

    fn collect_symbols(&self, names: &mut Vec<Arc<str>>) {
        if let Dim::Symbolic(sum) = self {
            sum.collect_symbols(names);
        }
    }

    pub(super) fn atom(atom: Atom) -> Result<Dim, TooLarge> {
        Sum { terms: BTreeMap::from([(vec![atom], 1)]), weight: 0 }.finish()
    }

    /// Terms and atoms of which it is made: what putting a size into it costs.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Dim::Number(_) => 1,
            Dim::Symbolic(sum) => sum.weight,
        }
    }

    pub(super) fn sum(&self) -> Sum {
        match self {
            Dim::Number(0) => Sum::default(),
            Dim::Number(number) => Sum { terms: BTreeMap::from([(Vec::new(), *number)]), weight: 1 },
            Dim::Symbolic(sum) => Sum::clone(sum),
        }
    }
}

impl Sum {
    fn add(&mut self, product: Vec<Atom>, coefficient: i64) -> Result<(), TooLarge> {
        let entry = self.terms.entry(product).or_insert(0);
        *entry = entry.checked_add(coefficient).ok_or(TooLarge)?;
        Ok(())
    }

    fn finish(mut self) -> Result<Dim, TooLarge> {
        self.terms.retain(|_, coefficient| *coefficient != 0);
        if self.terms.len() > MAX_TERMS || self.terms.keys().any(|product| product.len() > MAX_TERMS) {
            return Err(TooLarge);
        }
        match self.terms.iter().next() {
            None => Ok(Dim::Number(0)),
            Some((product, number)) if product.is_empty() && self.terms.len() == 1 => Ok(Dim::Number(*number)),
            Some(_) => Ok(Dim::Symbolic(Arc::new(self.weighed()?))),
        }
    }

    /// With its weight, which is bounded.
    fn weighed(mut self) -> Result<Sum, TooLarge> {
        let atoms = |product: &Vec<Atom>| product.iter().map(Atom::weight).fold(1, usize::saturating_add);
        self.weight = self.terms.keys().map(atoms).fold(0, usize::saturating_add);
        if self.weight > MAX_WEIGHT { Err(TooLarge) } else { Ok(self) }
    }

    fn at(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        let mut total = 0i64;
        for (product, coefficient) in &self.terms {
            let mut term = *coefficient;
            for atom in product {
                term = term.checked_mul(atom.at(value)?)?;
            }
            total = total.checked_add(term)?;
        }
        Some(total)
    }

    /// The constant last, as people write it.
    fn compute<A: Arithmetic>(&self, arithmetic: &mut A) -> A::Value {
        let (constant, products): (Vec<_>, Vec<_>) = self.terms.iter().partition(|(product, _)| product.is_empty());
        let mut total = None;
        for (product, &coefficient) in products.into_iter().chain(constant) {
            let mut term = (coefficient != 1 || product.is_empty()).then(|| arithmetic.number(coefficient));
            for atom in product {
                let factor = atom.compute(arithmetic);
                term = Some(match term {
                    Some(term) => arithmetic.multiply(factor, term),
                    None => factor,
                });
            }
            total = match (total, term) {
                (Some(total), Some(term)) => Some(arithmetic.add(total, term)),
                (total, term) => total.or(term),
            };
        }
        total.unwrap_or_else(|| arithmetic.number(0))
    }

    /// A product of sizes grows with each as long as none is negative; of one atom that is no condition.
    fn is_increasing(&self) -> bool {
        self.terms.iter().all(|(product, coefficient)| match product.as_slice() {
            [] => true,
            [Atom::Symbol(_)] => *coefficient > 0,
            [Atom::FloorDivision(sum, _)] => *coefficient > 0 && sum.is_increasing(),
            [Atom::Minimum(a, b)] => *coefficient > 0 && a.is_increasing() && b.is_increasing(),
            product => *coefficient > 0 && product.iter().all(|atom| matches!(atom, Atom::Symbol(_))),
        })
    }

    fn collect_symbols(&self, names: &mut Vec<Arc<str>>) {
        for atom in self.terms.keys().flatten() {
            match atom {
                Atom::Symbol(name) => names.push(name.clone()),
                Atom::FloorDivision(sum, _) => sum.collect_symbols(names),
                Atom::Minimum(a, b) => {
                    a.collect_symbols(names);
                    b.collect_symbols(names);
                }
            }
        }
    }
}

impl Atom {
    fn weight(&self) -> usize {
        match self {
            Atom::Symbol(_) => 1,
            Atom::FloorDivision(sum, _) => sum.weight.saturating_add(1),
            Atom::Minimum(a, b) => a.weight().saturating_add(b.weight()).saturating_add(1),
        }
    }

    fn compute<A: Arithmetic>(&self, arithmetic: &mut A) -> A::Value {
        match self {
            Atom::Symbol(name) => arithmetic.symbol(name),
            Atom::FloorDivision(sum, divisor) => {
                let sum = sum.compute(arithmetic);
                arithmetic.floor_divide(sum, *divisor)
            }
            Atom::Minimum(a, b) => {
                let (a, b) = (a.compute(arithmetic), b.compute(arithmetic));
                arithmetic.minimum(a, b)
            }
        }
    }

    fn at(&self, value: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        match self {
            Atom::Symbol(name) => value(name),
            Atom::FloorDivision(sum, divisor) => sum.at(value).map(|number| number.div_euclid(*divisor)),
            Atom::Minimum(a, b) => Some(a.at(value)?.min(b.at(value)?)),
        }
    }
}

impl From<usize> for Dim {
    /// A size past `i64::MAX` becomes `i64::MAX`, which no later product survives.
    fn from(size: usize) -> Self {
        Dim::Number(i64::try_from(size).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Number(number) => write!(f, "{number}"),
            Dim::Symbolic(sum) => sum.fmt(f),
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The constant term, the empty product, sorts first and is read best last.
        let (constant, others): (Vec<_>, Vec<_>) = self.terms.iter().partition(|(product, _)| product.is_empty());
        for (index, (product, &coefficient)) in others.into_iter().chain(constant).enumerate() {
            let sign = match (index, coefficient < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            f.write_str(sign)?;
            let size = coefficient.unsigned_abs();
            if size != 1 || product.is_empty() {
                write!(f, "{size}{}", if product.is_empty() { "" } else { "*" })?;
            }
            match product.as_slice() {
                [Atom::FloorDivision(sum, divisor)] if size == 1 && sign != "-" => write_division(f, sum, *divisor)?,
                product => {
                    for (position, atom) in product.iter().enumerate() {
                        write!(f, "{}{atom}", if position == 0 { "" } else { "*" })?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// `(H - 1)//2`, which stands for itself wherever no product follows or precedes it.
fn write_division(f: &mut fmt::Formatter<'_>, sum: &Sum, divisor: i64) -> fmt::Result {
    if sum.terms.len() == 1 { write!(f, "{sum}//{divisor}") } else { write!(f, "({sum})//{divisor}") }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Symbol(name) => f.write_str(name),
            Atom::FloorDivision(sum, divisor) => {
                f.write_str("(")?;
                write_division(f, sum, *divisor)?;
                f.write_str(")")
            }
            Atom::Minimum(a, b) => write!(f, "min({a}, {b})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strided(size: &Dim, padding: i64, kernel: i64, stride: i64) -> Dim {
        size.plus_number(2 * padding - kernel).unwrap().floor_divided(stride).unwrap().plus_number(1).unwrap()
    }

    #[test]
    fn five_halvings_merge_into_one_division() {
        let mut size = Dim::symbol("H");
        for _ in 0..5 {
            size = strided(&size, 1, 3, 2);
        }
        assert_eq!(size.to_string(), "(H - 1)//32 + 1");
        assert_eq!(size.times_number(-2).unwrap().to_string(), "-2*((H - 1)//32) - 2");
        assert_eq!(Dim::symbol("A").minus(&size).unwrap().to_string(), "A - (H - 1)//32 - 1");
        assert_eq!(Dim::symbol("Z").minus(&size).unwrap().to_string(), "Z - (H - 1)//32 - 1");
        assert_eq!(size.times_number(-1).unwrap().to_string(), "-((H - 1)//32) - 1");
        assert_eq!(size.at(&|_| Some(224)), Some(7));
        assert_eq!(size.at(&|_| Some(225)), Some(8));
    }

    #[test]
    fn equal_divisions_are_equal() {
        let height = Dim::symbol("H");
        let halves = height.floor_divided(2).unwrap();
        let window = height.plus_number(-2).unwrap().floor_divided(2).unwrap().plus_number(1).unwrap();
        assert_eq!(window, halves);
        assert_eq!(halves.to_string(), "H//2");
        let enlarged = height.times_number(4).unwrap().plus_number(1).unwrap().floor_divided(2).unwrap();
        assert_eq!(enlarged, height.times_number(2).unwrap());
    }

    #[test]
    fn equal_sums_are_equal() {
        let (a, b) = (Dim::symbol("A"), Dim::symbol("B"));
        let left = a.plus(&b).unwrap().times(&a).unwrap();
        let right = a.times(&a).unwrap().plus(&b.times(&a).unwrap()).unwrap();
        assert_eq!(left, right);
        assert_eq!(left.minus(&right), Ok(Dim::Number(0)));
    }

    #[test]
    fn overflow_is_an_error() {
        assert_eq!(Dim::Number(i64::MAX).times_number(2), Err(TooLarge));
        assert_eq!(Dim::symbol("N").times_number(i64::MAX).unwrap().times_number(2), Err(TooLarge));
    }
}
