//! Values of the language while a model is expanded.
//!
//! They are immutable and cheap to copy: lists share their elements. Each knows how many leaves it has and how deep it nests, and
//! both are bounded when it is made, so that comparing, printing or dropping one never takes long, however it was built up.

use super::Recipe;
use crate::graph::{ModuleId, NodeId, ParameterId};
use crate::ops::Constant;
use crate::resolve::error::ShownValue;
use crate::resolve::report::Reporter;
use crate::shape::Dim;
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// The most leaves of a list, shared ones counted each time.
pub(in crate::resolve) const MAX_LEAVES: usize = 1_000_000;

/// The deepest nesting of lists, tuples and layers.
pub(in crate::resolve) const MAX_DEPTH: usize = 100;

/// The longest text, in bytes.
pub(in crate::resolve) const MAX_TEXT_BYTES: usize = 100_000;

/// Where the flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resolve) enum Flow {
    /// There is no current value yet: a model with several inputs before its first `from`.
    Absent,
    /// There is one, but nothing is known of it, since an error is already reported or nothing is expanded.
    Unknown,
    /// The value of that node.
    Node(NodeId),
}

/// A value.
#[derive(Clone)]
pub(in crate::resolve) enum Value<'a> {
    /// A whole number.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(Rc<str>),
    /// `(a, b)`
    Tuple(Rc<Items<'a>>),
    /// `[a, b]`
    List(Rc<Items<'a>>),
    /// `start..end`; the end is never less than the start.
    Range(i64, i64),
    /// `enumerate(values, start)`: made element by element.
    Enumerated(Rc<Value<'a>>, i64),
    /// A size that holds a symbol.
    Size(Dim),
    /// A layer, block or model with arguments: every use makes a new one, unless it is tied.
    Layer(Rc<Recipe<'a>>),
    /// A kept value.
    Tensor(Flow),
    /// A named item, on the way to one of its parameters.
    Module(ModuleId),
    /// A parameter of another layer.
    Parameter {
        /// Which.
        id: ParameterId,
        /// Whether `.T` follows.
        transposed: bool,
    },
}

/// The elements of a list or tuple.
pub(in crate::resolve) struct Items<'a> {
    values: Vec<Value<'a>>,
    leaves: usize,
    depth: usize,
}

impl<'a> Items<'a> {
    /// The elements, unless they are too many or nest too deeply.
    pub fn new(values: Vec<Value<'a>>) -> Option<Rc<Items<'a>>> {
        let leaves = values.iter().try_fold(1usize, |sum, value| sum.checked_add(value.leaves()))?;
        let depth = 1 + values.iter().map(Value::depth).max().unwrap_or(0);
        (leaves <= MAX_LEAVES && depth <= MAX_DEPTH).then(|| Rc::new(Items { values, leaves, depth }))
    }

    /// The elements, so many times over; nothing is built of what would be too much.
    pub fn repeated(&self, times: usize) -> Option<Rc<Items<'a>>> {
        let leaves = self.leaves.saturating_sub(1).checked_mul(times)?.checked_add(1)?;
        let length = self.values.len().checked_mul(times).filter(|_| leaves <= MAX_LEAVES)?;
        Items::new(self.values.iter().cycle().take(length).cloned().collect())
    }

    /// The elements.
    pub fn values(&self) -> &[Value<'a>] {
        &self.values
    }
}

impl<'a> Value<'a> {
    /// How many values it is made of.
    pub fn leaves(&self) -> usize {
        match self {
            Value::Tuple(items) | Value::List(items) => items.leaves,
            Value::Enumerated(values, _) => values.leaves().saturating_mul(2),
            Value::Layer(recipe) => recipe.leaves(),
            _ => 1,
        }
    }

    /// How deep it nests; 0 for a plain value.
    pub fn depth(&self) -> usize {
        match self {
            Value::Tuple(items) | Value::List(items) => items.depth,
            Value::Enumerated(values, _) => values.depth() + 1,
            Value::Layer(recipe) => recipe.depth(),
            _ => 0,
        }
    }

    /// Spends what it takes to build it or to read through it; `false` once a limit is passed.
    pub fn spend(&self, reporter: &mut Reporter<'_>, span: Span) -> bool {
        let steps = match self {
            Value::Text(text) => text.len() / 8,
            value => value.leaves().saturating_mul(2),
        };
        steps < 4 || reporter.spend(steps as u64, span)
    }

    /// How many elements it has, for a list, tuple or range.
    pub fn length(&self) -> Option<i64> {
        match self {
            Value::Tuple(items) | Value::List(items) => i64::try_from(items.values.len()).ok(),
            Value::Range(start, end) => end.checked_sub(*start),
            Value::Enumerated(values, _) => values.length(),
            _ => None,
        }
    }

    /// The element at a position from 0 to length − 1.
    pub fn element(&self, position: i64) -> Option<Value<'a>> {
        if !(0..self.length()?).contains(&position) {
            return None;
        }
        match self {
            Value::Tuple(items) | Value::List(items) => items.values.get(usize::try_from(position).ok()?).cloned(),
            Value::Range(start, _) => start.checked_add(position).map(Value::Int),
            Value::Enumerated(values, start) => {
                let pair = vec![Value::Int(start.checked_add(position)?), values.element(position)?];
                Items::new(pair).map(Value::Tuple)
            }
            _ => None,
        }
    }

    /// As a layer's argument; `None` for what no built-in layer takes.
    pub fn constant(&self) -> Option<Constant> {
        let all = |items: &Items<'a>| items.values.iter().map(Value::constant).collect::<Option<Vec<_>>>();
        Some(match self {
            Value::Int(number) => Constant::Int(*number),
            Value::Float(number) => Constant::Float(*number),
            Value::Bool(truth) => Constant::Bool(*truth),
            Value::Text(text) => Constant::Text(text.to_string()),
            Value::Size(size) => Constant::Size(size.clone()),
            Value::Tuple(items) => Constant::Tuple(all(items)?),
            Value::List(items) => Constant::List(all(items)?),
            Value::Range(start, end) if self.length().is_some_and(|length| length <= 1_000) => {
                Constant::List((*start..*end).map(Constant::Int).collect())
            }
            _ => return None,
        })
    }

    /// What kind of value it is, with its article: "an int", "a list".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Int(_) => "an int",
            Value::Float(_) => "a float",
            Value::Bool(_) => "a bool",
            Value::Text(_) => "a str",
            Value::Tuple(_) => "a tuple",
            Value::List(_) | Value::Enumerated(..) => "a list",
            Value::Range(..) => "a range",
            Value::Size(_) => "a symbol",
            Value::Layer(_) => "a layer",
            Value::Tensor(_) => "a tensor",
            Value::Module(_) => "a named item",
            Value::Parameter { .. } => "a parameter",
        }
    }

    /// Its type as it would be declared, or its kind where no type says it: `(int, float)`.
    pub fn type_name(&self) -> String {
        let all = |items: &Items<'a>| items.values.iter().map(Value::type_name).collect::<Vec<_>>();
        match self {
            Value::Tuple(items) if items.leaves <= 20 => match all(items).as_slice() {
                [single] => format!("({single},)"),
                names => format!("({})", names.join(", ")),
            },
            Value::List(items) if items.leaves <= 20 => match all(items).as_slice() {
                [first, rest @ ..] if rest.iter().all(|name| name == first) => format!("[{first}]"),
                _ => "list".into(),
            },
            _ => self.kind().split_once(' ').map_or(self.kind(), |(_, name)| name).into(),
        }
    }

    /// As it would be written, cut where it is long.
    pub fn written(&self) -> String {
        match self {
            Value::Int(number) => number.to_string(),
            Value::Float(number) => format!("{number:?}"),
            Value::Bool(truth) => truth.to_string(),
            Value::Text(text) => format!("\"{text}\""),
            Value::Size(size) => size.to_string(),
            Value::Range(start, end) => format!("{start}..{end}"),
            Value::Tuple(items) | Value::List(items) if items.leaves <= 20 => {
                let all = items.values.iter().map(Value::written).collect::<Vec<_>>().join(", ");
                match self {
                    Value::Tuple(_) if items.values.len() == 1 => format!("({all},)"),
                    Value::Tuple(_) => format!("({all})"),
                    _ => format!("[{all}]"),
                }
            }
            _ => self.kind().into(),
        }
    }

    /// As sentences speak of it.
    pub fn shown(&self) -> ShownValue {
        let is_plain = matches!(self, Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Text(_));
        let written = is_plain.then(|| self.written());
        ShownValue { kind: self.kind(), type_name: self.type_name(), written, length: self.length() }
    }
}
