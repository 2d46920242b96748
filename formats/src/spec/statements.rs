//! A body with its names, before it is syntax: what `modules` makes, `roll` shortens and `syntax` writes.

use super::ValueId;
use cnnc_compiler::ops::Constant;

/// A name before an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The name, or that of the group.
    pub name: String,
    /// The item's name in that group, where it stands apart from the group's others.
    pub member: Option<String>,
    /// Whether the number of the turn of the loop around it comes behind the name.
    pub counted: bool,
}

impl Label {
    /// A name as it stands.
    pub fn new(name: impl Into<String>) -> Label {
        Label { name: name.into(), member: None, counted: false }
    }
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A value.
    Constant(Constant),
    /// A tuple whose members are said one by one.
    Tuple(Vec<Argument>),
    /// A parameter of the block around it.
    Parameter(usize),
    /// A parameter so many times.
    Times(i64, usize),
    /// A parameter divided, without a rest.
    Part(usize, i64),
    /// A parameter divided by 2, rounded down: the padding that keeps a plane.
    Half(usize),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// A layer or numbers, and the layer's arguments.
    Item(Option<Label>, ValueId, Vec<(&'static str, Argument)>),
    /// A join and its branches.
    Join(ValueId, Vec<Vec<Statement>>),
    /// `name: { … }`
    Group(Label, Vec<Statement>),
    /// A call of a block, by its number, with its arguments in order.
    Call(Option<Label>, usize, Vec<Argument>),
    /// `for i in first..behind { … }`
    For(usize, usize, Vec<Statement>),
    /// `repeat count { … }`
    Repeat(usize, Vec<Statement>),
    /// `from …`
    From(ValueId),
    /// `keep …`
    Keep(ValueId),
    /// `output …`: the place among the outputs.
    Output(usize),
}

/// A parameter of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// How many numbers it has; one is an int.
    pub numbers: usize,
    /// The value that calls may leave out.
    pub default: Option<Constant>,
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its name.
    pub name: String,
    /// Its parameters, those with defaults last.
    pub parameters: Vec<Parameter>,
    /// What it is made of.
    pub body: Vec<Statement>,
}

/// A spec before it is syntax.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Its blocks, each before those that call it.
    pub blocks: Vec<Block>,
    /// The body of its model.
    pub body: Vec<Statement>,
}
