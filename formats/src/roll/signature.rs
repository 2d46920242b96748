//! What a piece of a body is built like, as a text, and the numbers in it: pieces of one text are equal but for their numbers.

use crate::spec::statements::{Argument, Block, Label, Statement, Turns};
use crate::spec::{Network, Operation, ValueId};
use cnnc_compiler::ops::Constant;
use std::collections::HashMap;
use std::fmt::Write;

/// What a number behind a name is called, and the first of a loop's.
pub const FIRST: &str = "first";

/// What the end of a loop's numbers is called.
pub const COUNT: &str = "count";

/// What a piece is built like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signature {
    /// The text, in which numbers are left out.
    pub text: String,
    /// The numbers, in order: ints, and tuples of them.
    pub numbers: Vec<Constant>,
    /// What each of them is: the name of the argument.
    pub names: Vec<String>,
    kept: HashMap<ValueId, usize>,
}

/// The signature of a body; `None` where it depends on what stands around it.
pub fn of_body(network: &Network, blocks: &[Block], body: &[Statement]) -> Option<Signature> {
    let mut signature = Signature::default();
    body.iter().try_for_each(|statement| signature.add(network, blocks, statement))?;
    Some(signature)
}

impl Signature {
    /// That of statements one after the other, each of which has one by itself.
    pub fn of_all(parts: &[Option<Signature>]) -> Signature {
        let mut all = Signature::default();
        for part in parts.iter().flatten() {
            all.text += &part.text;
            all.numbers.extend_from_slice(&part.numbers);
            all.names.extend_from_slice(&part.names);
        }
        all
    }

    fn add(&mut self, network: &Network, blocks: &[Block], statement: &Statement) -> Option<()> {
        match statement {
            Statement::Item(label, value, arguments) => {
                let node = network.node(*value);
                match node.operation {
                    Operation::Layer(layer) => write!(self.text, "{layer}(").ok()?,
                    _ => write!(self.text, "{:?}(", node.op).ok()?,
                }
                self.label(label.as_ref())?;
                for (name, argument) in arguments {
                    write!(self.text, "{name}=").ok()?;
                    self.argument(name, argument)?;
                }
            }
            Statement::Join(value, branches) => {
                let node = network.node(*value);
                write!(self.text, "{:?}{:?}", node.operation, node.arguments).ok()?;
                for branch in branches {
                    self.text.push('{');
                    branch.iter().try_for_each(|statement| self.add(network, blocks, statement))?;
                    self.text.push('}');
                }
            }
            Statement::Group(label, body) => {
                self.label(Some(label))?;
                self.text.push('{');
                body.iter().try_for_each(|statement| self.add(network, blocks, statement))?;
                self.text.push('}');
            }
            Statement::Call(label, block, arguments) => {
                write!(self.text, "#{block}(").ok()?;
                self.label(label.as_ref())?;
                let parameters = &blocks.get(*block)?.parameters;
                for (parameter, argument) in parameters.iter().zip(arguments) {
                    write!(self.text, "{}=", parameter.name).ok()?;
                    self.argument(&parameter.name, argument)?;
                }
            }
            Statement::From(value) => {
                let place = self.kept.get(value)?;
                write!(self.text, "from {place}").ok()?;
            }
            Statement::Keep(value) => {
                let place = self.kept.len();
                self.kept.insert(*value, place);
                write!(self.text, "keep {place}").ok()?;
            }
            Statement::For(Turns::Range(variable, first, behind), body) => {
                write!(self.text, "for {variable} in ").ok()?;
                let begins = *first == Argument::Constant(Constant::Int(0));
                self.argument(FIRST, first)?;
                self.argument(if begins { COUNT } else { "end" }, behind)?;
                self.text.push('{');
                body.iter().try_for_each(|statement| self.add(network, blocks, statement))?;
                self.text.push('}');
            }
            Statement::Repeat(count, body) => {
                write!(self.text, "repeat {count}{{").ok()?;
                body.iter().try_for_each(|statement| self.add(network, blocks, statement))?;
                self.text.push('}');
            }
            Statement::For(Turns::List(..), _) | Statement::Output(_) => return None,
        }
        self.text.push(';');
        Some(())
    }

    fn label(&mut self, label: Option<&Label>) -> Option<()> {
        let Some(Label { name, member, number }) = label else { return Some(()) };
        write!(self.text, "{name:?}{member:?}").ok()?;
        number.as_ref().map_or(Some(()), |number| self.argument(FIRST, number))
    }

    fn argument(&mut self, name: &str, argument: &Argument) -> Option<()> {
        match argument {
            Argument::Constant(constant) if is_number(constant) => self.number(name, constant),
            Argument::Constant(constant) if constant.open_size().is_some() => return None,
            Argument::Constant(other) => write!(self.text, "{other:?}").ok()?,
            Argument::Variable(variable) => self.text += variable,
            Argument::Tuple(members) => {
                write!(self.text, "{}", members.len()).ok()?;
                members.iter().try_for_each(|member| self.argument(name, member))?;
            }
            Argument::Times(factor, other) => {
                write!(self.text, "{factor}*").ok()?;
                self.argument(name, other)?;
            }
            Argument::Part(other, divisor) => {
                self.argument(name, other)?;
                write!(self.text, "/{divisor}").ok()?;
            }
            Argument::Sum(one, other) => {
                self.argument(name, one)?;
                self.text.push('+');
                self.argument(name, other)?;
            }
        }
        self.text.push(',');
        Some(())
    }

    fn number(&mut self, name: &str, constant: &Constant) {
        self.text.push('#');
        self.numbers.push(constant.clone());
        self.names.push(name.to_owned());
    }
}

/// Ints, and tuples of them.
fn is_number(constant: &Constant) -> bool {
    match constant {
        Constant::Int(_) => true,
        Constant::Tuple(members) => members.iter().all(|member| matches!(member, Constant::Int(_))),
        _ => false,
    }
}

/// Puts arguments in the place of the numbers of a body, in their order.
pub fn put(body: &mut [Statement], arguments: &mut dyn Iterator<Item = Argument>) {
    for statement in body {
        if let Some(number) = statement.label_mut().and_then(|label| label.number.as_mut()) {
            put_in(number, arguments);
        }
        match statement {
            Statement::Item(_, _, given) => given.iter_mut().for_each(|(_, argument)| put_in(argument, arguments)),
            Statement::Call(_, _, given) => given.iter_mut().for_each(|argument| put_in(argument, arguments)),
            Statement::For(Turns::Range(_, first, behind), _) => {
                [first, behind].into_iter().for_each(|end| put_in(end, arguments));
            }
            _ => {}
        }
        for inner in statement.bodies_mut() {
            put(inner, arguments);
        }
    }
}

fn put_in(argument: &mut Argument, arguments: &mut dyn Iterator<Item = Argument>) {
    match argument {
        Argument::Constant(constant) if is_number(constant) => {
            if let Some(other) = arguments.next() {
                *argument = other;
            }
        }
        Argument::Constant(_) | Argument::Variable(_) => {}
        Argument::Tuple(members) => members.iter_mut().for_each(|member| put_in(member, arguments)),
        Argument::Times(_, other) | Argument::Part(other, _) => put_in(other, arguments),
        Argument::Sum(one, other) => [one, other].into_iter().for_each(|part| put_in(part, arguments)),
    }
}
