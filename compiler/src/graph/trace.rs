//! How layers came to be: the calls and turns of loops that led to one, what each statement made, and what each name stood for.

use super::NodeId;
use cnnc_grammar::span::Span;
use std::fmt;
use std::sync::Arc;

/// The number of a trace in [`Graph::traces`](super::Graph::traces).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub u32);

/// One step of the way by which a layer came to be: a call or a turn of a loop, and what led there.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Where the call or loop is written.
    pub span: Span,
    /// What it is.
    pub kind: TraceKind,
    /// The step before.
    pub parent: Option<TraceId>,
}

/// What leads to a place: a call, or a turn of a loop. In words: "in `Residual`", "in turn 3 of 4 of this `repeat`".
#[derive(Clone, Debug, PartialEq)]
pub enum TraceKind {
    /// A call of a block or model of that name.
    Call(Arc<str>),
    /// A turn of a loop.
    Turn {
        /// `repeat` or `for`.
        word: &'static str,
        /// Which turn, from 1.
        turn: i64,
        /// Of how many.
        turns: i64,
    },
}

impl fmt::Display for TraceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceKind::Call(name) => write!(f, "in `{name}`"),
            TraceKind::Turn { word, turn, turns } => write!(f, "in turn {turn} of {turns} of this `{word}`"),
        }
    }
}

/// All times that a statement was written out.
#[derive(Clone, Debug, PartialEq)]
pub struct Visits {
    /// All of the statement; for one with a body, the body too.
    pub statement: Span,
    /// How many.
    pub times: usize,
    /// How many of these gave a value of which nothing is known.
    pub unknown: usize,
    /// How many layers, joins and inputs it made in all.
    pub layers: usize,
    /// The first of them.
    pub first: Option<NodeId>,
    /// The last of them.
    pub last: Option<NodeId>,
    /// The values that it gave, without those of the same shape as the one before.
    pub values: Vec<NodeId>,
}

impl Visits {
    /// None so far.
    pub(crate) fn new(statement: Span) -> Visits {
        Visits { statement, times: 0, unknown: 0, layers: 0, first: None, last: None, values: Vec::new() }
    }
}

/// All that a name stood for which a parameter, a `for` or a `let` declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The name where it is declared.
    pub name: Span,
    /// How many times it was bound to a value that is known.
    pub times: usize,
    /// The least and the greatest value, where all are whole numbers.
    pub range: Option<(i64, i64)>,
    /// The first different values in the order in which they came, as they would be written.
    pub values: Vec<Arc<str>>,
    /// Whether there were others.
    pub others: bool,
}

impl Bound {
    /// How many values are told one by one.
    const TOLD: usize = 8;

    /// None so far.
    pub(crate) fn new(name: Span) -> Bound {
        Bound { name, times: 0, range: None, values: Vec::new(), others: false }
    }

    /// Takes in one more value; `number` where it is a whole one.
    pub(crate) fn add(&mut self, written: &str, number: Option<i64>) {
        self.range = match (self.range, number) {
            (None, Some(number)) if self.times == 0 => Some((number, number)),
            (Some((least, greatest)), Some(number)) => Some((least.min(number), greatest.max(number))),
            _ => None,
        };
        self.times += 1;
        if self.values.iter().any(|value| **value == *written) {
            return;
        }
        match self.values.len() < Bound::TOLD {
            true => self.values.push(written.into()),
            false => self.others = true,
        }
    }
}

/// `64, 128, 256`; where there are too many, `1…36`, or the first and an ellipsis.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range.filter(|_| self.others) {
            Some((least, greatest)) => write!(f, "{least}…{greatest}"),
            None => write!(f, "{}{}", self.values.join(", "), if self.others { ", …" } else { "" }),
        }
    }
}
