//! Equal pieces found again: a body with names, all written out, comes in; blocks with parameters, calls and loops go out.
//!
//! A group that is built like another is a call of a block, and what differs between them are its arguments ([`blocks`]).
//! Statements that follow one another and are the same but for a number in their names are the turns of a loop ([`loops`]). A
//! name that is the item's position anyway is left out ([`positions`]). Nothing here is believed either: what is written is
//! compiled, and held to the network as it was before.

mod blocks;
mod loops;
mod parameters;
mod positions;
mod signature;

use crate::spec::Network;
use crate::spec::statements::{Program, Statement};

/// The program of a body.
pub fn roll(network: &Network, body: Vec<Statement>) -> Program {
    let mut body = body;
    parameters::say_all(network, &mut body);
    let mut program = blocks::blocks(network, body);
    for place in 0..program.blocks.len() {
        let body = program.blocks.get_mut(place).map(|block| std::mem::take(&mut block.body)).unwrap_or_default();
        let mut body = loops::loops(network, &program.blocks, body);
        positions::without_positions(network, &mut body);
        if let Some(block) = program.blocks.get_mut(place) {
            block.body = body;
        }
    }
    program.body = loops::loops(network, &program.blocks, std::mem::take(&mut program.body));
    positions::without_positions(network, &mut program.body);
    for block in &mut program.blocks {
        parameters::say_less(network, &mut block.body);
    }
    parameters::say_less(network, &mut program.body);
    program
}

/// The bodies of a statement.
fn bodies(statement: &Statement) -> Vec<&[Statement]> {
    match statement {
        Statement::Join(_, branches) => branches.iter().map(Vec::as_slice).collect(),
        Statement::Group(_, body) | Statement::For(_, _, body) | Statement::Repeat(_, body) => vec![body],
        Statement::Item(..) | Statement::Call(..) | Statement::From(_) | Statement::Keep(_) | Statement::Output(_) => {
            Vec::new()
        }
    }
}

/// The bodies of a statement, to be changed.
fn bodies_mut(statement: &mut Statement) -> Vec<&mut Vec<Statement>> {
    match statement {
        Statement::Join(_, branches) => branches.iter_mut().collect(),
        Statement::Group(_, body) | Statement::For(_, _, body) | Statement::Repeat(_, body) => vec![body],
        Statement::Item(..) | Statement::Call(..) | Statement::From(_) | Statement::Keep(_) | Statement::Output(_) => {
            Vec::new()
        }
    }
}

/// Lines that a statement takes, about.
fn lines(statement: &Statement) -> usize {
    match statement {
        Statement::Keep(_) => 1,
        other => {
            let inner: usize = bodies(other).into_iter().flatten().map(lines).sum();
            let braces = match other {
                Statement::Join(_, branches) => 2 + 2 * branches.iter().filter(|branch| branch.len() > 1).count(),
                Statement::Group(..) | Statement::For(..) | Statement::Repeat(..) => 2,
                _ => 1,
            };
            inner + braces
        }
    }
}
