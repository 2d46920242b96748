//! The abstract syntax tree: what a `.cnn` file says, not yet what it means.
//!
//! The parser makes it, `cnnc-compiler`'s `resolve` reads it. No layer's name occurs here: a layer, a block and a model are all
//! called by a [`Call`]. Loops and conditions are kept as written. A place that could not be read is a
//! [`StatementKind::Unreadable`] with whatever body followed it, so that what stands inside is still checked. Comments
//! ([`Layout`]), the digits of numbers and the parentheses around values are kept too: `crate::format` writes them again.

mod expression;
mod layout;

pub use expression::{BinaryOperator, Clause, Expr, ExprKind, Number, Pattern, UnaryOperator};
pub use layout::{BodyComments, Comment, Comments, Gap, InsideComment, Layout};

use crate::span::Span;

/// One file: its declarations, in text order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ast {
    /// Imports, blocks, models, presets and what could not be read.
    pub items: Vec<Item>,
    /// The comments behind the last of them.
    pub closing: Vec<Comment>,
}

/// A declaration at the top of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its comments and lines.
    pub layout: Layout,
}

/// The forms of a declaration at the top of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `import "blocks.cnn"`
    Import(Import),
    /// `block Name(...) { ... }` or `model Name(...) { ... }`
    Declaration(Declaration),
    /// `model Name = Base(...)`
    Preset(Preset),
    /// Text that could not be read; its error is already reported.
    Unreadable(UnreadableItem),
}

/// What could still be read of a declaration that fits no rule.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadableItem {
    /// The name, where it follows `model` or `block`: it exists, so that a call of it is no further error.
    pub name: Option<Name>,
    /// The body after the unreadable text; it still counts.
    pub body: Option<Body>,
}

/// `import "path"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The path as written, relative to the importing file.
    pub path: Name,
    /// The whole statement.
    pub span: Span,
}

/// Whether a declaration is a block or a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclarationKind {
    /// A part of a network.
    Block,
    /// A whole network.
    Model,
}

/// A block or a model with its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Block or model.
    pub kind: DeclarationKind,
    /// Its name.
    pub name: Name,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// What it is made of.
    pub body: Body,
    /// From the keyword to the end of the parameters: what a label underlines.
    pub header: Span,
}

/// A model that is another with other defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// The new name.
    pub name: Name,
    /// The model it is made from, and the arguments that become defaults.
    pub base: Call,
    /// The whole statement.
    pub span: Span,
}

/// A parameter of a block or model: `name: type = default`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// The value it has when the call gives none.
    pub default: Option<Expr>,
    /// The whole parameter.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What is written.
    pub kind: TypeKind,
    /// All of it in the source text.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `int`, `float`, `bool`, `str`, `layer`, `tensor`, or a name that the resolver will refuse.
    Named(String),
    /// `[T]`
    List(Box<Type>),
    /// `(A, B)`
    Tuple(Vec<Type>),
    /// A parameter that could not be read past its name; its error is already reported, any value fits it.
    Unreadable,
}

/// An identifier with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The text, without quotes.
    pub text: String,
    /// All of it in the source text.
    pub span: Span,
}

/// A name that may be computed: a word, or a string with values in braces such as `"block {i}"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Its parts in order; a plain word is one [`StringPart::Text`].
    pub parts: Vec<StringPart>,
    /// Whether it is written as a string; a word needs no quotes, but may have them.
    pub quoted: bool,
    /// `[i]` behind it: the item's name in the group that the label names.
    pub member: Option<Box<Label>>,
    /// Where, quotes included, without the `[i]`.
    pub span: Span,
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq)]
pub enum StringPart {
    /// Characters as they stand.
    Text(String),
    /// `{expression}`, written out as text.
    Value(Expr),
}

/// `{ ... }`: statements in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// The statements.
    pub statements: Vec<Statement>,
    /// Comments that belong to no statement; `None` where there are none.
    pub comments: Option<Box<BodyComments>>,
    /// From brace to brace.
    pub span: Span,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// All of it; for one with a body, the body too.
    pub span: Span,
    /// Its comments and lines.
    pub layout: Layout,
}

/// The forms of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// An item that takes the current value and gives the next.
    Item(FlowItem),
    /// `if a { } else if b { } else { }`: the arms in order, then what remains.
    If {
        /// Conditions with their bodies.
        arms: Vec<(Expr, Body)>,
        /// The last `else`.
        otherwise: Option<Body>,
    },
    /// `for pattern in values { }`
    For {
        /// The names bound at each turn.
        pattern: Pattern,
        /// A list or a range.
        values: Expr,
        /// What is written out.
        body: Body,
    },
    /// `repeat count { }`
    Repeat {
        /// How many times.
        count: Expr,
        /// What is written out.
        body: Body,
    },
    /// `input NAME? [shape] image(...)?`
    Input {
        /// The name of one of several inputs.
        name: Option<Name>,
        /// One expression an axis: a number, a new symbol, or a known one. The span is the list's.
        shape: Vec<Expr>,
        /// The brackets of the shape.
        shape_span: Span,
        /// How a picture becomes this input.
        image: Option<Call>,
    },
    /// `output NAME`
    Output(Label),
    /// `expect [shape]`
    Expect {
        /// One expression an axis; the name `_` is any size.
        shape: Vec<Expr>,
        /// The brackets of the shape.
        shape_span: Span,
    },
    /// `assert macs(H=224, W=224) <= 0.6G`
    Assert {
        /// What is measured, and at which sizes or places.
        measure: Call,
        /// One of the comparisons but `!=`.
        relation: BinaryOperator,
        /// What it is held against; an amount such as `5M` is the number that it stands for, in its own spelling.
        bound: Expr,
    },
    /// `keep NAME`
    Keep(Label),
    /// `from NAME` or `from call.NAME`
    From(Vec<Label>),
    /// `init TARGETS: scheme`
    Init {
        /// Layer types (words) or paths (strings).
        targets: Vec<InitTarget>,
        /// `xavier_uniform`, `constant(42)`, …
        scheme: Call,
    },
    /// `labels [..]` or `labels "file.txt"`
    Labels(Expr),
    /// `let pattern = value`
    Let {
        /// The names bound.
        pattern: Pattern,
        /// The value.
        value: Expr,
    },
    /// `tied NAME = Layer(...)`
    Tied {
        /// The name that stands for the one layer.
        name: Name,
        /// The layer.
        layer: Call,
    },
    /// Text that could not be read; its error is already reported. The body after it, if any, still counts.
    Unreadable(Option<Body>),
}

/// What an `init` speaks of.
#[derive(Clone, Debug, PartialEq)]
pub enum InitTarget {
    /// A layer type: `Conv2d`.
    Layer(Name),
    /// A path: `"0.block 1"`.
    Path(Label),
}

/// A part of the flow, perhaps named.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowItem {
    /// `name:` before it.
    pub label: Option<Label>,
    /// What it is.
    pub kind: FlowKind,
}

/// The forms of a flow item.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowKind {
    /// A layer, a block, a model or a layer value; without arguments when no parentheses were written.
    Use(Call),
    /// `name(arguments) { }`: what stands in the braces is one more argument, a layer.
    Filled {
        /// The block, with the arguments in parentheses.
        call: Call,
        /// The braces, an [`ExprKind::Items`].
        items: Expr,
    },
    /// `sum { }`, `product { }`, `concat(dim=1) { }`: every item of the body is a branch.
    Join {
        /// Which join.
        kind: JoinKind,
        /// The word, and its arguments when parentheses were written.
        call: Call,
        /// The branches.
        body: Body,
    },
    /// `Sequential { }`, or `name: { }`, which is short for it.
    Sequential(Body),
    /// A bare `{ }`: one branch of several items in a join, an error elsewhere.
    Group(Body),
    /// `3.0`, `[0.5, 2]`, `(1 + x)`: a branch of numbers in a join, an error elsewhere.
    Constant(Expr),
}

/// How branches come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Added, with PyTorch's broadcasting.
    Sum,
    /// Multiplied, with PyTorch's broadcasting.
    Product,
    /// Laid side by side along an axis.
    Concat,
    /// The first without the others.
    Difference,
    /// The first divided by the others.
    Quotient,
    /// The largest, element by element.
    Maximum,
    /// The smallest, element by element.
    Minimum,
    /// Laid side by side along an axis of their own.
    Stack,
    /// Multiplied as matrices.
    Matmul,
}

impl JoinKind {
    /// All joins.
    const ALL: [JoinKind; 9] = [
        JoinKind::Sum,
        JoinKind::Product,
        JoinKind::Concat,
        JoinKind::Difference,
        JoinKind::Quotient,
        JoinKind::Maximum,
        JoinKind::Minimum,
        JoinKind::Stack,
        JoinKind::Matmul,
    ];

    /// The join of that word.
    pub fn of(word: &str) -> Option<JoinKind> {
        JoinKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            JoinKind::Sum => "sum",
            JoinKind::Product => "product",
            JoinKind::Concat => "concat",
            JoinKind::Difference => "difference",
            JoinKind::Quotient => "quotient",
            JoinKind::Maximum => "maximum",
            JoinKind::Minimum => "minimum",
            JoinKind::Stack => "stack",
            JoinKind::Matmul => "matmul",
        }
    }
}

/// `name` or `name(arguments)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub callee: Name,
    /// The arguments; `None` when no parentheses were written.
    pub arguments: Option<Vec<Argument>>,
    /// Name and arguments.
    pub span: Span,
}

/// `value` or `key=value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The key of a keyword argument.
    pub key: Option<Name>,
    /// The value.
    pub value: Expr,
    /// Both.
    pub span: Span,
}

impl StatementKind {
    /// The bodies of the statement, in text order.
    pub fn bodies(&self) -> Vec<&Body> {
        match self {
            StatementKind::If { arms, otherwise } => arms.iter().map(|(_, body)| body).chain(otherwise).collect(),
            StatementKind::For { body, .. } | StatementKind::Repeat { body, .. } => vec![body],
            StatementKind::Item(FlowItem { kind, .. }) => match kind {
                FlowKind::Join { body, .. } | FlowKind::Sequential(body) | FlowKind::Group(body) => vec![body],
                FlowKind::Filled { items, .. } => items.items().into_iter().collect(),
                FlowKind::Use(_) | FlowKind::Constant(_) => Vec::new(),
            },
            StatementKind::Unreadable(body) => body.iter().collect(),
            StatementKind::Input { .. }
            | StatementKind::Output(_)
            | StatementKind::Expect { .. }
            | StatementKind::Assert { .. }
            | StatementKind::Keep(_)
            | StatementKind::From(_)
            | StatementKind::Init { .. }
            | StatementKind::Labels(_)
            | StatementKind::Let { .. }
            | StatementKind::Tied { .. } => Vec::new(),
        }
    }
}
