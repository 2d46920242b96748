//! Numbers that are a start and a step along each axis, as a person would say them: `[[x - 0.5] for x in 0..80]`.
//!
//! What comes in are numbers of a file, what goes out those that the sentence gives, which are the same in float32; others are no
//! progression, and are listed or lie beside the spec.

use super::expressions::{expr, float, int, name_of};
use cnnc_compiler::ops::Numbers;
use cnnc_grammar::ast::{BinaryOperator, Clause, Expr, ExprKind, Pattern};
use std::collections::HashSet;

/// Numbers that a progression has at least: fewer are listed as they are.
const FEWEST: usize = 8;

/// Names of places along axes, the last axis' first.
const PLACES: [&str; 4] = ["x", "y", "z", "t"];

/// `start + i · steps[0] + j · steps[1] + …` at `[i, j, …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Progression {
    start: f64,
    steps: Vec<f64>,
}

impl Progression {
    /// Numbers that one has at most: in a network each is a kernel.
    pub const MOST: usize = 1024;

    /// That of numbers in nested lists of these sizes; `None` where they are none.
    pub fn of(numbers: &[f64], sizes: &[usize]) -> Option<Progression> {
        let &start = numbers.first()?;
        let moving = sizes.iter().filter(|size| **size > 1).count();
        if !(FEWEST..=Progression::MOST).contains(&numbers.len()) || moving > PLACES.len() {
            return None;
        }
        let mut behind = numbers.len();
        let mut steps = Vec::with_capacity(sizes.len());
        for &size in sizes {
            behind = behind.checked_div(size)?;
            steps.push(match size {
                1 => 0.0,
                // The mean of all steps has been rounded least.
                size => super::number(((numbers.get(behind * (size - 1))? - start) / (size - 1) as f64) as f32),
            });
        }
        let found = Progression { start, steps };
        let same = |(number, other): (&f64, f64)| number.is_finite() && *number as f32 == other as f32;
        numbers.iter().zip(found.numbers(sizes)).all(same).then_some(found)
    }

    /// The numbers, computed as the sentence says them.
    pub fn numbers(&self, sizes: &[usize]) -> Vec<f64> {
        let at = |mut place: usize| {
            let mut places: Vec<f64> = Vec::with_capacity(sizes.len());
            for &size in sizes.iter().rev() {
                places.push((place % size) as f64);
                place /= size;
            }
            let terms = self.steps.iter().zip(places.into_iter().rev()).filter(|(step, _)| **step != 0.0);
            let mut terms = terms.map(|(step, place)| step * place).peekable();
            // A first step down begins with the start.
            if self.steps.iter().find(|step| **step != 0.0).is_none_or(|step| *step < 0.0) {
                return terms.fold(self.start, |sum, term| sum + term);
            }
            let first = terms.next().unwrap_or(0.0);
            terms.fold(first, |sum, term| sum + term) + self.start
        };
        (0..sizes.iter().product()).map(at).collect()
    }

    /// The sentence, whose places have none of the names that are taken.
    fn said(&self, sizes: &[usize], taken: &HashSet<String>) -> Option<Expr> {
        let mut names: Vec<String> = Vec::with_capacity(sizes.len());
        let mut free = PLACES.iter();
        for step in self.steps.iter().rev() {
            names.push(match *step {
                0.0 => "_".into(),
                _ => {
                    let name = *free.next()?;
                    let others = (2..).map(|number| format!("{name}{number}"));
                    std::iter::once(name.to_owned()).chain(others).find(|name| !taken.contains(name))?
                }
            });
        }
        names.reverse();
        let mut said = self.element(&names)?;
        for (name, &size) in names.iter().zip(sizes).rev() {
            said = expr(match size {
                1 => ExprKind::List(vec![said]),
                size => {
                    let values = expr(ExprKind::Range(Box::new(int(0)), Box::new(int(size as i64))));
                    let clause = Clause { pattern: Pattern::Name(name_of(name)), values, conditions: Vec::new() };
                    ExprKind::Comprehension { element: Box::new(said), clauses: vec![clause] }
                }
            });
        }
        Some(said)
    }

    /// One number, by the names of its places.
    fn element(&self, names: &[String]) -> Option<Expr> {
        let is_whole = self.steps.iter().chain([&self.start]).all(|number| number.fract() == 0.0 && number.abs() < 1e9);
        let written = |number: f64| if is_whole { Some(int(number as i64)) } else { float(number) };
        let of = |left: Expr, operator, right: Expr| expr(ExprKind::Binary(operator, Box::new(left), Box::new(right)));
        let sum = |left: Option<Expr>, number: f64, right: Expr| match left {
            None => right,
            Some(left) => of(left, if number < 0.0 { BinaryOperator::Subtract } else { BinaryOperator::Add }, right),
        };
        let mut terms = self.steps.iter().zip(names).filter(|(step, _)| **step != 0.0).peekable();
        let begins = terms.peek().is_none_or(|(step, _)| **step < 0.0);
        let mut said = if begins { Some(written(self.start)?) } else { None };
        for (step, name) in terms {
            let place = expr(ExprKind::Name(name.clone()));
            let term =
                if step.abs() == 1.0 { place } else { of(written(step.abs())?, BinaryOperator::Multiply, place) };
            said = Some(sum(said, *step, term));
        }
        if !begins && self.start != 0.0 {
            said = Some(sum(said, self.start, written(self.start.abs())?));
        }
        said
    }
}

/// Numbers as a sentence; `None` where they are no progression.
pub(super) fn said(numbers: &Numbers, taken: &HashSet<String>) -> Option<Expr> {
    Progression::of(&numbers.numbers, &numbers.sizes)?.said(&numbers.sizes, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_and_a_step_along_each_axis() {
        let numbers = |sizes: &[usize], of: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            (0..sizes[0])
                .flat_map(|y| (0..sizes[1]).map(move |x| (y, x)))
                .map(|(y, x)| of(y as f64, x as f64))
                .collect()
        };
        let found = |sizes: &[usize], of: &dyn Fn(f64, f64) -> f64| Progression::of(&numbers(sizes, of), sizes);
        let both = found(&[3, 5], &|y, x| 8.0 * y + 0.5 * x - 2.5).unwrap();
        assert_eq!((both.start, both.steps.as_slice()), (-2.5, &[8.0, 0.5][..]));
        assert_eq!(both.numbers(&[3, 5]), numbers(&[3, 5], &|y, x| 8.0 * y + 0.5 * x - 2.5));
        assert!(found(&[3, 5], &|y, x| y * x).is_none());
        assert!(found(&[3, 2], &|y, _| y).is_none(), "few are listed");
        assert!(found(&[1, 2000], &|_, x| x).is_none(), "too many");
        assert_eq!(found(&[2, 200], &|_, _| 3.0).unwrap().steps, [0.0, 0.0]);
        // Steps that float32 rounds: the numbers are those that are said, and the same in float32.
        let tenths: Vec<f64> = (0..100).map(|x| crate::spec::number((f64::from(x) * 0.1) as f32)).collect();
        let tenth = Progression::of(&tenths, &[100]).unwrap();
        assert_eq!((tenth.steps[0], tenth.numbers(&[100])[3]), (0.1, 3.0 * 0.1));
    }
}
