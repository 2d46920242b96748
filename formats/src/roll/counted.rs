//! Loops that count: turns that are the same but for numbers in their names, all of which go up by the same step.
//!
//! Darknet's `layer5`, `layer6` of one turn are `layer9`, `layer10` of the next: `"layer{4 * i + 5}"`. Turns without numbers are
//! repeated.

use super::lines;
use super::loops::{Loops, Run};
use super::signature::{FIRST, Signature, put};
use crate::spec::statements::{self, Argument, Statement};
use cnnc_compiler::ops::Constant;

/// The statements of a body as turns of loops.
pub struct Turns<'b> {
    loops: &'b Loops<'b>,
    body: &'b [Statement],
    /// What each statement is; `None` of what cannot be repeated.
    signatures: Vec<Option<Counted>>,
}

/// What a statement is without the numbers in its names, and those.
struct Counted {
    text: String,
    numbers: Vec<i64>,
}

impl Counted {
    fn of(signature: &Signature) -> Counted {
        let mut text = signature.text.clone();
        let mut numbers = Vec::new();
        for (name, constant) in signature.names.iter().zip(&signature.numbers) {
            match constant {
                Constant::Int(number) if name == FIRST => numbers.push(*number),
                other => text += &format!(" {other:?}"),
            }
        }
        Counted { text, numbers }
    }
}

impl<'b> Turns<'b> {
    /// Those of a body.
    pub fn of(loops: &'b Loops<'b>, body: &'b [Statement]) -> Turns<'b> {
        let signature = |statement| loops.signature(std::slice::from_ref(statement));
        let signatures = body.iter().map(|statement| signature(statement).as_ref().map(Counted::of)).collect();
        Turns { loops, body, signatures }
    }

    /// The loop whose first turn has `length` statements, the first at `place`.
    pub fn run(&self, place: usize, length: usize) -> Option<Run> {
        let numbers = self.numbers(place, length)?;
        let next = self.numbers(place + length, length)?;
        let steps: Vec<i64> = numbers.iter().zip(&next).map(|(number, next)| next - number).collect();
        let step = steps.iter().copied().find(|step| *step != 0).unwrap_or(0);
        if step < 0 || steps.iter().any(|other| ![0, step].contains(other)) {
            return None;
        }
        let is_turn = |turn: &usize| self.is_turn(place, length, (&numbers, &steps), *turn);
        let turns = (1..).take_while(is_turn).count() + 1;
        let once = self.body.get(place..place + length)?;
        let saved = ((turns - 1) * once.iter().map(lines).sum::<usize>()).checked_sub(2).filter(|saved| *saved > 0)?;
        (turns > 1).then(|| Run { turns, saved, looped: self.looped(once, &steps, step, turns) })
    }

    /// The numbers in the names of a turn.
    fn numbers(&self, place: usize, length: usize) -> Option<Vec<i64>> {
        let turn = self.signatures.get(place..place + length)?;
        let numbers = turn.iter().map(|one| Some(one.as_ref()?.numbers.as_slice()));
        Some(numbers.collect::<Option<Vec<_>>>()?.concat())
    }

    /// Whether the statements that stand so many turns behind a turn go on with it.
    fn is_turn(&self, place: usize, length: usize, (numbers, steps): (&[i64], &[i64]), turn: usize) -> bool {
        let other = place + turn * length;
        let text = |place: usize| self.signatures.get(place).and_then(Option::as_ref).map(|one| &one.text);
        let is_same = |offset: usize| text(other + offset).is_some_and(|other| Some(other) == text(place + offset));
        let goes_on = |others: Vec<i64>| {
            let expected = numbers.iter().zip(steps).map(|(number, step)| number + turn as i64 * step);
            expected.eq(others)
        };
        (0..length).all(is_same) && self.numbers(other, length).is_some_and(goes_on)
    }

    /// The loop whose first turn this is; `steps` are those of the numbers in its names.
    fn looped(&self, once: &[Statement], steps: &[i64], step: i64, turns: usize) -> Statement {
        let mut body = once.to_vec();
        let Some(signature) = self.loops.signature(once).filter(|_| step > 0) else {
            return Statement::Repeat(turns, body);
        };
        let taken = self.loops.taken_in(once);
        let variable =
            ('i'..='n').map(String::from).find(|name| !taken.contains(name)).unwrap_or_else(|| "turn".into());
        let mut steps = steps.iter();
        let is_counted: Vec<bool> =
            signature.names.iter().map(|name| name == FIRST && steps.next().is_some_and(|step| *step > 0)).collect();
        let starts = signature.numbers.iter().zip(&is_counted).filter(|(_, counted)| **counted);
        let starts: Vec<i64> = starts.filter_map(|(number, _)| int(number)).collect();
        let start = starts.first().copied().unwrap_or(0);
        // Where all names have one number, the loop begins with it.
        let from = if step == 1 && starts.iter().all(|other| *other == start) { start } else { 0 };
        let numbers = signature.numbers.iter().zip(is_counted).map(|(number, counted)| match number {
            Constant::Int(number) if counted => of_turn(&variable, step, number - from),
            other => Argument::Constant(other.clone()),
        });
        put(&mut body, &mut numbers.collect::<Vec<_>>().into_iter());
        let end = |number: i64| Argument::Constant(Constant::Int(number));
        Statement::For(statements::Turns::Range(variable, end(from), end(from + turns as i64)), body)
    }
}

fn int(constant: &Constant) -> Option<i64> {
    match constant {
        Constant::Int(number) => Some(*number),
        _ => None,
    }
}

/// The number in a turn's name: `step * i + start`.
fn of_turn(variable: &str, step: i64, start: i64) -> Argument {
    let variable = Argument::Variable(variable.to_owned());
    let times = if step == 1 { variable } else { Argument::Times(step, Box::new(variable)) };
    match start {
        0 => times,
        start => Argument::Sum(Box::new(times), Box::new(Argument::Constant(Constant::Int(start)))),
    }
}
