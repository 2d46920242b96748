//! Loops: statements that follow one another and are built alike are the turns of one.
//!
//! Inner bodies come first, then in each body the loops that count ([`super::counted`]), and of what these made those that go
//! through a list ([`super::listed`]). Of all runs of turns that begin at a statement the one that saves most lines is taken,
//! unless a better one begins inside it. Meanwhile the number at the end of a name stands apart from it, so that names that
//! differ by it are one.

use super::signature::{Signature, of_body};
use super::{counted, listed};
use crate::spec::Network;
use crate::spec::statements::{Argument, Block, Statement, variables};
use cnnc_compiler::ops::Constant;
use std::collections::HashSet;

/// Statements of a turn, at most.
const LONGEST: usize = 8;

/// What loops are found in.
pub struct Loops<'n> {
    /// The network.
    pub network: &'n Network,
    /// The blocks that are called.
    pub blocks: &'n [Block],
    /// Names of values that no variable may have.
    pub taken: HashSet<String>,
}

/// Turns that follow one another, as a loop.
pub struct Run {
    /// How many.
    pub turns: usize,
    /// Lines fewer than without it, about.
    pub saved: usize,
    /// The loop.
    pub looped: Statement,
}

impl Loops<'_> {
    /// A body in which turns of loops are written once.
    pub fn of_body(&self, mut body: Vec<Statement>) -> Vec<Statement> {
        body.iter_mut().for_each(number_apart);
        let mut body = self.looped(body);
        body.iter_mut().for_each(number_joined);
        body
    }

    fn looped(&self, body: Vec<Statement>) -> Vec<Statement> {
        let inside = body.into_iter().map(|mut statement| {
            for inner in statement.bodies_mut() {
                *inner = self.looped(std::mem::take(inner));
            }
            statement
        });
        let inside: Vec<Statement> = inside.collect();
        let turns = counted::Turns::of(self, &inside);
        let counted = runs(&inside, |place, length| turns.run(place, length));
        let turns = listed::Turns::of(self, &counted);
        runs(&counted, |place, length| turns.run(place, length))
    }

    /// What statements are built like; `None` of what cannot be repeated.
    pub fn signature(&self, statements: &[Statement]) -> Option<Signature> {
        of_body(self.network, self.blocks, statements).filter(|_| !statements.iter().any(mentions_kept))
    }

    /// Names that a loop around these statements cannot give to what it goes through.
    pub fn taken_in(&self, statements: &[Statement]) -> HashSet<String> {
        self.taken.iter().chain(variables(statements)).cloned().collect()
    }
}

fn mentions_kept(statement: &Statement) -> bool {
    matches!(statement, Statement::Keep(_) | Statement::From(_) | Statement::Output(_))
        || statement.bodies().into_iter().flatten().any(mentions_kept)
}

/// A body with its best runs as loops; `run` gives the one whose first turn has so many statements from a place on.
fn runs(body: &[Statement], run: impl Fn(usize, usize) -> Option<Run>) -> Vec<Statement> {
    let best = |place: usize| {
        let found = (1..=LONGEST).filter_map(|length| Some((length, run(place, length)?)));
        found.max_by_key(|(length, run)| (run.saved, LONGEST - length))
    };
    let mut looped = Vec::with_capacity(body.len());
    let (mut place, mut next) = (0, None);
    while let Some(statement) = body.get(place) {
        let found = next.take().unwrap_or_else(|| best(place));
        // A run that begins one statement too early is shorter by a turn than the one that begins in it.
        let later = found.as_ref().and_then(|(length, run)| {
            (place + 1..place + length).find_map(|later| best(later).filter(|(_, other)| other.saved > run.saved))
        });
        match found {
            Some((length, run)) if later.is_none() => {
                looped.push(run.looped);
                place += length * run.turns;
            }
            _ => {
                looped.push(statement.clone());
                place += 1;
                next = None;
            }
        }
    }
    looped
}

/// The name before a number at its end, and the number; of a number that begins with 0, none.
fn numbered(name: &str) -> Option<(&str, i64)> {
    let base = name.trim_end_matches(|last: char| last.is_ascii_digit());
    let digits = name.get(base.len()..)?;
    let plain = digits == "0" || !digits.starts_with('0');
    Some((base, digits.parse().ok().filter(|_| plain && digits.len() < 7)?))
}

/// Takes numbers at the ends of names, and the members of long tuples, apart; the name of a group that its members name elsewhere
/// stays whole.
fn number_apart(statement: &mut Statement) {
    if let Some(label) = statement.label_mut().filter(|label| label.member.is_none())
        && let Some((base, number)) = numbered(&label.name)
    {
        (label.name, label.number) = (base.to_owned(), Some(Argument::Constant(Constant::Int(number))));
    }
    for argument in arguments(statement) {
        if let Argument::Constant(Constant::Tuple(members)) = argument
            && members.len() > PAIR
        {
            *argument = Argument::Tuple(members.iter().cloned().map(Argument::Constant).collect());
        }
    }
    statement.bodies_mut().into_iter().flatten().for_each(number_apart);
}

/// Members of a tuple that is one value: a height and a width. Of longer ones each member is a number by itself.
const PAIR: usize = 2;

fn arguments(statement: &mut Statement) -> Vec<&mut Argument> {
    match statement {
        Statement::Item(_, _, given) => given.iter_mut().map(|(_, argument)| argument).collect(),
        Statement::Call(_, _, given) => given.iter_mut().collect(),
        _ => Vec::new(),
    }
}

/// Joins names and numbers, and the members of tuples, again, where these are no loop's.
fn number_joined(statement: &mut Statement) {
    if let Some(label) = statement.label_mut()
        && let Some(Argument::Constant(Constant::Int(number))) = label.number
    {
        label.name += &number.to_string();
        label.number = None;
    }
    for argument in arguments(statement) {
        let constant = |member: &Argument| match member {
            Argument::Constant(constant) => Some(constant.clone()),
            _ => None,
        };
        if let Argument::Tuple(members) = argument
            && let Some(all) = members.iter().map(constant).collect::<Option<Vec<Constant>>>()
        {
            *argument = Argument::Constant(Constant::Tuple(all));
        }
    }
    statement.bodies_mut().into_iter().flatten().for_each(number_joined);
}
