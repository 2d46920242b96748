//! Loops: statements that follow one another and are the same, but for a number in their names that counts up.

use super::signature::of_body;
use super::{bodies_mut, lines};
use crate::spec::Network;
use crate::spec::statements::{Block, Label, Statement};

/// Statements of a turn, at most.
const LONGEST: usize = 8;

/// A body in which turns of loops are written once.
pub fn loops(network: &Network, blocks: &[Block], body: Vec<Statement>) -> Vec<Statement> {
    let mut looped: Vec<Statement> = Vec::with_capacity(body.len());
    let turns: Vec<Turn> = body.iter().map(|statement| Turn::of(network, blocks, statement)).collect();
    let mut place = 0;
    while place < body.len() {
        let best = (1..=LONGEST).filter_map(|length| Some((length, repetitions(&turns, place, length)?)));
        let saved = |&(length, count): &(usize, usize)| {
            let of_turn: usize = body.get(place..place + length).unwrap_or_default().iter().map(lines).sum();
            ((count - 1) * of_turn).saturating_sub(2)
        };
        let best = best
            .map(|found| (saved(&found), found))
            .filter(|(saved, _)| *saved > 0)
            .max_by_key(|(saved, (length, _))| (*saved, LONGEST - length));
        let Some((_, (length, count))) = best else {
            looped.extend(body.get(place).cloned().map(|statement| inside(network, blocks, statement)));
            place += 1;
            continue;
        };
        let once: Vec<Statement> = body.get(place..place + length).unwrap_or_default().to_vec();
        let first = turns.get(place..place + length).unwrap_or_default().iter().find_map(|turn| turn.number);
        looped.push(match first {
            Some(first) => Statement::For(first, first + count, once.into_iter().map(counted).collect()),
            None => Statement::Repeat(count, once),
        });
        place += length * count;
    }
    looped
}

/// The same of what stands in a statement.
fn inside(network: &Network, blocks: &[Block], mut statement: Statement) -> Statement {
    for inner in bodies_mut(&mut statement) {
        *inner = loops(network, blocks, std::mem::take(inner));
    }
    statement
}

/// A statement as a turn of a loop.
struct Turn {
    /// What it is without the number in its names; `None` of what cannot be repeated.
    text: Option<String>,
    /// The number, where its names have one.
    number: Option<usize>,
}

impl Turn {
    fn of(network: &Network, blocks: &[Block], statement: &Statement) -> Turn {
        let mut numbers = Vec::new();
        let mut plain = statement.clone();
        without_number(&mut plain, &mut numbers);
        let number = numbers.first().copied();
        let single = numbers.iter().all(|other| Some(*other) == number);
        let keeps = |statement: &Statement| mentions_kept(statement);
        let signature = of_body(network, blocks, std::slice::from_ref(&plain)).filter(|_| single && !keeps(statement));
        Turn { text: signature.map(|signature| format!("{}{:?}", signature.text, signature.numbers)), number }
    }
}

fn mentions_kept(statement: &Statement) -> bool {
    matches!(statement, Statement::Keep(_) | Statement::From(_) | Statement::Output(_))
        || super::bodies(statement).into_iter().flatten().any(mentions_kept)
}

/// How often the statements from `place` on, `length` of them, follow one another; at least twice.
fn repetitions(turns: &[Turn], place: usize, length: usize) -> Option<usize> {
    let first = turns.get(place..place + length)?;
    let number = first.iter().find_map(|turn| turn.number);
    let is_turn = |count: usize| {
        let Some(other) = turns.get(place + count * length..place + (count + 1) * length) else { return false };
        first.iter().zip(other).all(|(a, b)| {
            let counts = match (a.number, b.number) {
                (Some(a), Some(b)) => Some(a) == number && b == a + count,
                (None, None) => true,
                _ => false,
            };
            a.text.is_some() && a.text == b.text && counts
        })
    };
    let count = (0..).take_while(|&count| is_turn(count)).count();
    (count >= 2).then_some(count)
}

/// The name before a number at its end, and the number; of a number that begins with 0, none.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let base = name.trim_end_matches(|last: char| last.is_ascii_digit());
    let digits = name.get(base.len()..)?;
    let plain = digits == "0" || !digits.starts_with('0');
    Some((base, digits.parse().ok().filter(|_| plain && digits.len() < 7)?))
}

/// The labels that a turn's number may stand in: its own, and those of items right in its branches.
fn labels(statement: &mut Statement) -> Vec<&mut Label> {
    match statement {
        Statement::Item(Some(label), ..) | Statement::Group(label, _) | Statement::Call(Some(label), ..) => vec![label],
        Statement::Join(_, branches) => branches.iter_mut().flatten().flat_map(labels).collect(),
        _ => Vec::new(),
    }
}

fn without_number(statement: &mut Statement, numbers: &mut Vec<usize>) {
    for label in labels(statement) {
        if let Some((base, number)) = numbered(&label.name) {
            numbers.push(number);
            label.name = base.to_owned();
        }
    }
}

/// A turn with the loop's number in its names.
fn counted(mut statement: Statement) -> Statement {
    for label in labels(&mut statement) {
        if let Some((base, _)) = numbered(&label.name) {
            label.name = base.to_owned();
            label.counted = true;
        }
    }
    statement
}
