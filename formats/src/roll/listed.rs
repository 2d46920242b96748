//! Loops through a list: turns of several lines that are built alike, and the numbers by which they differ.
//!
//! `for (first, count, channels) in [(9, 8, 128), (44, 36, 256)] { … }` is the table of a paper. What can be said by another
//! number is, as with the parameters of a block.

use super::lines;
use super::loops::{Loops, Run};
use super::parameters::parameters;
use super::signature::{Signature, put};
use crate::spec::statements::{self, Argument, Statement};
use cnnc_compiler::ops::Constant;

/// Turns of a loop, at most: a longer table is none that is read.
const MOST_TURNS: usize = 64;

/// Numbers of a turn, at most.
const MOST_NUMBERS: usize = 5;

/// Lines that a turn has at least: where each is one line, a list says no more than the calls themselves.
const FEWEST_LINES: usize = 2;

/// Lines that have to be saved: a list is more to understand than what it saves otherwise, most of all one of two turns.
const FEWEST_SAVED: [usize; 2] = [3, 6];

/// Characters of a list that stand on the line of their `for`, about.
const ONE_LINE: usize = 70;

/// The statements of a body as turns of loops.
pub struct Turns<'b> {
    loops: &'b Loops<'b>,
    body: &'b [Statement],
    /// What each statement is built like; `None` of what goes through no list.
    signatures: Vec<Option<Signature>>,
}

impl<'b> Turns<'b> {
    /// Those of a body.
    pub fn of(loops: &'b Loops<'b>, body: &'b [Statement]) -> Turns<'b> {
        let signature = |statement| loops.signature(std::slice::from_ref(statement));
        // Names that are positions say nothing, and would be computed here.
        let signatures = body.iter().map(|statement| signature(statement).filter(|_| !has_position(statement)));
        Turns { loops, body, signatures: signatures.collect() }
    }

    /// The loop whose first turn has `length` statements, the first at `place`.
    pub fn run(&self, place: usize, length: usize) -> Option<Run> {
        let once = self.body.get(place..place + length)?;
        let first = self.signatures.get(place..place + length)?;
        let is_same = |(one, other): (&Option<Signature>, &Option<Signature>)| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one.text == other.text)
        };
        let turn = |turn: usize| self.signatures.get(place + turn * length..place + (turn + 1) * length);
        let is_turn = |number: &usize| turn(*number).is_some_and(|turn| first.iter().zip(turn).all(is_same));
        let turns = (1..MOST_TURNS).take_while(is_turn).count() + 1;
        let of_turn: usize = once.iter().map(lines).sum();
        if turns < 2 || of_turn < FEWEST_LINES {
            return None;
        }
        let taken = self.loops.taken_in(once);
        let pieces =
            |turns: usize| (0..turns).map(|number| Some(Signature::of_all(turn(number)?))).collect::<Option<Vec<_>>>();
        // Two turns that differ by too much are enough to know.
        parameters(&pieces(2)?, &taken).filter(|(variables, ..)| variables.len() <= MOST_NUMBERS)?;
        let (variables, inside, rows) = parameters(&pieces(turns)?, &taken)?;
        if variables.is_empty() || variables.len() > MOST_NUMBERS {
            return None;
        }
        let of_list = if rows.iter().map(|row| written(row)).sum::<usize>() < ONE_LINE { 0 } else { rows.len() + 1 };
        let saved = ((turns - 1) * of_turn).checked_sub(2 + of_list)?;
        let [of_many, of_two] = FEWEST_SAVED;
        if saved < if turns > 2 { of_many } else { of_two } {
            return None;
        }
        let mut body = once.to_vec();
        put(&mut body, &mut inside.into_iter());
        let variables = variables.into_iter().map(|variable| variable.name).collect();
        Some(Run { turns, saved, looped: Statement::For(statements::Turns::List(variables, rows), body) })
    }
}

/// Whether a statement, or one in its branches, is called by a number alone.
fn has_position(statement: &Statement) -> bool {
    let label = match statement {
        Statement::Item(label, ..) | Statement::Call(label, ..) => label.as_ref(),
        Statement::Group(label, _) => Some(label),
        Statement::For(_, body) | Statement::Repeat(_, body) => return body.iter().any(has_position),
        Statement::Join(_, branches) => return branches.iter().flatten().any(has_position),
        _ => None,
    };
    label.is_some_and(|label| label.name.is_empty())
}

/// Characters of a turn's numbers, about.
fn written(row: &[Argument]) -> usize {
    let of = |argument: &Argument| match argument {
        Argument::Constant(Constant::Int(number)) => 3 + number.checked_ilog10().unwrap_or(0) as usize,
        _ => 10,
    };
    2 + row.iter().map(of).sum::<usize>()
}
