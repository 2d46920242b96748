//! What a piece of a body is built like, as a text, and the numbers in it: pieces of one text are equal but for their numbers.

use crate::spec::statements::{Argument, Block, Statement};
use crate::spec::{Network, Operation, ValueId};
use cnnc_compiler::ops::Constant;
use std::collections::HashMap;
use std::fmt::Write;

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
    fn add(&mut self, network: &Network, blocks: &[Block], statement: &Statement) -> Option<()> {
        match statement {
            Statement::Item(label, value, arguments) => {
                let node = network.node(*value);
                match node.operation {
                    Operation::Layer(layer) => write!(self.text, "{label:?}{layer}(").ok()?,
                    _ => write!(self.text, "{:?}(", node.op).ok()?,
                }
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
                write!(self.text, "{label:?}{{").ok()?;
                body.iter().try_for_each(|statement| self.add(network, blocks, statement))?;
                self.text.push('}');
            }
            Statement::Call(label, block, arguments) => {
                write!(self.text, "{label:?}#{block}(").ok()?;
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
            Statement::For(..) | Statement::Repeat(..) | Statement::Output(_) => return None,
        }
        self.text.push(';');
        Some(())
    }

    fn argument(&mut self, name: &str, argument: &Argument) -> Option<()> {
        let constant = match argument {
            Argument::Constant(constant) => constant,
            Argument::Tuple(members) => {
                write!(self.text, "{}", members.len()).ok()?;
                return members.iter().try_for_each(|member| self.argument(name, member));
            }
            _ => return None,
        };
        match constant {
            Constant::Int(_) => self.number(name, constant),
            Constant::Tuple(members) if members.iter().all(|member| matches!(member, Constant::Int(_))) => {
                self.number(name, constant);
            }
            constant if constant.open_size().is_some() => return None,
            other => write!(self.text, "{other:?}").ok()?,
        }
        Some(())
    }

    fn number(&mut self, name: &str, constant: &Constant) {
        self.text.push('#');
        self.numbers.push(constant.clone());
        self.names.push(name.to_owned());
    }
}

/// Puts arguments in the place of the numbers of a body, in their order.
pub fn put(body: &mut [Statement], arguments: &mut dyn Iterator<Item = Argument>) {
    for statement in body {
        match statement {
            Statement::Item(_, _, given) => given.iter_mut().for_each(|(_, argument)| put_in(argument, arguments)),
            Statement::Call(_, _, given) => given.iter_mut().for_each(|argument| put_in(argument, arguments)),
            _ => {}
        }
        for inner in super::bodies_mut(statement) {
            put(inner, arguments);
        }
    }
}

fn put_in(argument: &mut Argument, arguments: &mut dyn Iterator<Item = Argument>) {
    let is_number = match argument {
        Argument::Tuple(members) => return members.iter_mut().for_each(|member| put_in(member, arguments)),
        Argument::Constant(Constant::Int(_)) => true,
        Argument::Constant(Constant::Tuple(members)) => members.iter().all(|member| matches!(member, Constant::Int(_))),
        _ => false,
    };
    if is_number && let Some(other) = arguments.next() {
        *argument = other;
    }
}
