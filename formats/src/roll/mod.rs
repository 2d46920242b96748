//! Equal pieces found again: a body with names, all written out, comes in; blocks with parameters, calls and loops go out.
//!
//! A group that is built like another is a call of a block, and what differs between them are its arguments ([`blocks`]).
//! Statements that follow one another and are the same but for numbers in their names that count up are the turns of a loop
//! ([`counted`]); where more differs between them, a list has it ([`listed`]). A name that is the item's position anyway is left
//! out ([`positions`]). Nothing here is believed either: what is written is
//! compiled, and held to the network as it was before.

mod blocks;
mod counted;
mod listed;
mod loops;
mod parameters;
mod positions;
mod signature;

use crate::spec::Network;
use crate::spec::statements::{Block, Program, Statement};
use cnnc_compiler::shape::Dim;
use loops::Loops;
use std::collections::HashSet;

/// The program of a body.
pub fn roll(network: &Network, body: Vec<Statement>) -> Program {
    let mut body = body;
    parameters::say_all(network, &mut body);
    let mut program = blocks::blocks(network, body);
    let symbols = network.inputs.iter().flat_map(|input| network.shape(input.value).iter()).flat_map(Dim::symbols);
    let of_model = symbols.map(|symbol| symbol.to_string()).collect();
    for place in 0..program.blocks.len() {
        let Some(block) = program.blocks.get_mut(place) else { continue };
        let taken = block.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let body = std::mem::take(&mut block.body);
        let body = looped(network, &program.blocks, taken, body);
        if let Some(block) = program.blocks.get_mut(place) {
            block.body = body;
        }
    }
    let body = std::mem::take(&mut program.body);
    program.body = looped(network, &program.blocks, of_model, body);
    program
}

/// A body with its loops, and without what needs not be said; `taken` are the names of values that are known in it.
fn looped(network: &Network, blocks: &[Block], taken: HashSet<String>, body: Vec<Statement>) -> Vec<Statement> {
    let mut body = Loops { network, blocks, taken }.of_body(body);
    positions::without_positions(network, &mut body);
    parameters::say_less(network, &mut body);
    body
}

/// Lines that a statement takes, about.
fn lines(statement: &Statement) -> usize {
    match statement {
        Statement::Keep(_) => 1,
        other => {
            let inner: usize = other.bodies().into_iter().flatten().map(lines).sum();
            let braces = match other {
                Statement::Join(_, branches) => 2 + 2 * branches.iter().filter(|branch| branch.len() > 1).count(),
                Statement::Group(..) | Statement::For(..) | Statement::Repeat(..) => 2,
                _ => 1,
            };
            inner + braces
        }
    }
}
