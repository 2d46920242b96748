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
    /// A number that comes behind the name, where it is not part of it: one of a loop around.
    pub number: Option<Argument>,
}

impl Label {
    /// A name as it stands.
    pub fn new(name: impl Into<String>) -> Label {
        Label { name: name.into(), member: None, number: None }
    }
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A value.
    Constant(Constant),
    /// A tuple whose members are said one by one.
    Tuple(Vec<Argument>),
    /// A parameter of the block around it, or what a loop around it goes through.
    Variable(String),
    /// A value so many times.
    Times(i64, Box<Argument>),
    /// A value divided, rounded down.
    Part(Box<Argument>, i64),
    /// A value and another.
    Sum(Box<Argument>, Box<Argument>),
}

/// What a loop goes through.
#[derive(Clone, Debug, PartialEq)]
pub enum Turns {
    /// `i in first..behind`
    Range(String, Argument, Argument),
    /// `(first, channels) in [(1, 64), (2, 128)]`
    List(Vec<String>, Vec<Vec<Argument>>),
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
    /// `for … in … { … }`
    For(Turns, Vec<Statement>),
    /// `repeat count { … }`
    Repeat(usize, Vec<Statement>),
    /// `from …`
    From(ValueId),
    /// `keep …`
    Keep(ValueId),
    /// `output …`: the place among the outputs.
    Output(usize),
}

impl Turns {
    /// What the loop's body calls a turn's values.
    pub fn variables(&self) -> &[String] {
        match self {
            Turns::Range(variable, ..) => std::slice::from_ref(variable),
            Turns::List(variables, _) => variables,
        }
    }
}

impl Statement {
    /// The bodies in it.
    pub fn bodies(&self) -> Vec<&[Statement]> {
        match self {
            Statement::Join(_, branches) => branches.iter().map(Vec::as_slice).collect(),
            Statement::Group(_, body) | Statement::For(_, body) | Statement::Repeat(_, body) => vec![body],
            Statement::Item(..)
            | Statement::Call(..)
            | Statement::From(_)
            | Statement::Keep(_)
            | Statement::Output(_) => Vec::new(),
        }
    }

    /// The bodies in it, to be changed.
    pub fn bodies_mut(&mut self) -> Vec<&mut Vec<Statement>> {
        match self {
            Statement::Join(_, branches) => branches.iter_mut().collect(),
            Statement::Group(_, body) | Statement::For(_, body) | Statement::Repeat(_, body) => vec![body],
            Statement::Item(..)
            | Statement::Call(..)
            | Statement::From(_)
            | Statement::Keep(_)
            | Statement::Output(_) => Vec::new(),
        }
    }

    /// The name before it.
    pub fn label_mut(&mut self) -> Option<&mut Label> {
        match self {
            Statement::Item(label, ..) | Statement::Call(label, ..) => label.as_mut(),
            Statement::Group(label, _) => Some(label),
            _ => None,
        }
    }
}

/// What the loops in a body call the values of their turns.
pub fn variables(body: &[Statement]) -> Vec<&String> {
    let mut found = Vec::new();
    for statement in body {
        if let Statement::For(turns, _) = statement {
            found.extend(turns.variables());
        }
        statement.bodies().into_iter().for_each(|inner| found.extend(variables(inner)));
    }
    found
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
