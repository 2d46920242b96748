//! Blocks: groups that are built alike, from the innermost outwards.

use super::lines;
use super::parameters::parameters;
use super::signature::{Signature, of_body, put};
use crate::spec::statements::{Argument, Block, Program, Statement};
use crate::spec::{Network, ValueId};
use cnnc_grammar::ast::JoinKind;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The number of a block and the arguments of its calls that are not written yet, by the signature of what they stand for.
type Calls = BTreeMap<String, (usize, Vec<Vec<Argument>>)>;

/// Finds the blocks of a body.
pub fn blocks(network: &Network, body: Vec<Statement>) -> Program {
    let mut program = Program { blocks: Vec::new(), body };
    let deepest = of_bodies(vec![&program.body], &[]);
    // A group with items elsewhere stays a group: those name it.
    let mut apart = HashSet::new();
    program.body.iter().for_each(|statement| groups_apart(statement, &mut apart));
    let mut brought = HashMap::new();
    count_brought(&program.body, &mut brought);
    let mut levels: Vec<usize> = Vec::new();
    for level in 1..=deepest {
        let mut classes: BTreeMap<String, Vec<Signature>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        let mut found: BTreeMap<String, (String, Vec<Statement>)> = BTreeMap::new();
        gather(&program.body, (level, &levels), &mut |label, inner| {
            if apart.contains(label) {
                return;
            }
            let signature = of_body(network, &program.blocks, inner).filter(|_| keeps_to_itself(inner, &brought));
            let Some(signature) = signature else { return };
            let text = signature.text.clone();
            if !classes.contains_key(&text) {
                order.push(text.clone());
                found.insert(text.clone(), (label.to_owned(), inner.to_vec()));
            }
            classes.entry(text).or_default().push(signature);
        });
        let mut calls: Calls = BTreeMap::new();
        let before = levels.clone();
        for text in order {
            let (Some(class), Some((label, body))) = (classes.get(&text), found.remove(&text)) else { continue };
            // A group of one item takes a line as it is.
            if matches!(body.as_slice(), [Statement::Item(..) | Statement::Call(..)]) {
                continue;
            }
            let length: usize = body.iter().map(lines).sum();
            // Each call saves what the block has, less its own line; the block has a head and a `}`, and a line apart.
            if class.len() < 2 || (class.len() * (length + 1)) <= length + 3 + class.len() {
                continue;
            }
            let Some((parameters, inside, given)) = parameters(class, &HashSet::new()) else { continue };
            let mut body = body;
            let name = name(network, &label, &body, &program.blocks);
            put(&mut body, &mut inside.into_iter());
            calls.insert(text, (program.blocks.len(), given));
            program.blocks.push(Block { name, parameters, body });
            levels.push(level);
        }
        let Program { blocks, body } = &mut program;
        replace(&Made { network, blocks, levels: &before, apart: &apart, brought: &brought }, body, level, &mut calls);
    }
    program
}

/// How deeply groups stand in each other, a call as deep as its block's groups were; 1 of one with none in it.
fn height(statement: &Statement, levels: &[usize]) -> usize {
    let inner = of_bodies(statement.bodies(), levels);
    match statement {
        Statement::Group(..) => inner + 1,
        Statement::Call(_, block, _) => levels.get(*block).copied().unwrap_or(0),
        _ => inner,
    }
}

fn of_bodies(bodies: Vec<&[Statement]>, levels: &[usize]) -> usize {
    bodies.into_iter().flatten().map(|inner| height(inner, levels)).max().unwrap_or(0)
}

/// All groups of a height, in the order of the text.
fn gather(body: &[Statement], (level, levels): (usize, &[usize]), each: &mut dyn FnMut(&str, &[Statement])) {
    for statement in body {
        match statement {
            Statement::Group(label, inner) if height(statement, levels) == level => each(&label.name, inner),
            _ => statement.bodies().into_iter().for_each(|inner| gather(inner, (level, levels), each)),
        }
    }
}

/// Names of groups whose items do not all stand in them.
fn groups_apart(statement: &Statement, found: &mut HashSet<String>) {
    let label = match statement {
        Statement::Item(label, ..) | Statement::Call(label, ..) => label.as_ref(),
        Statement::Group(label, _) => Some(label),
        _ => None,
    };
    found.extend(label.filter(|label| label.member.is_some()).map(|label| label.name.clone()));
    statement.bodies().into_iter().flatten().for_each(|inner| groups_apart(inner, found));
}

/// How often each value is brought back.
fn count_brought(body: &[Statement], brought: &mut HashMap<ValueId, usize>) {
    for statement in body {
        if let Statement::From(value) = statement {
            *brought.entry(*value).or_default() += 1;
        }
        statement.bodies().into_iter().for_each(|inner| count_brought(inner, brought));
    }
}

/// Whether all that is kept in a body is brought back in it alone: what a block keeps is known in it.
fn keeps_to_itself(body: &[Statement], brought: &HashMap<ValueId, usize>) -> bool {
    fn kept(body: &[Statement], found: &mut Vec<ValueId>) {
        for statement in body {
            found.extend(if let Statement::Keep(value) = statement { Some(*value) } else { None });
            statement.bodies().into_iter().for_each(|inner| kept(inner, found));
        }
    }
    let (mut values, mut inside) = (Vec::new(), HashMap::new());
    kept(body, &mut values);
    count_brought(body, &mut inside);
    values.iter().all(|value| inside.get(value) == brought.get(value))
}

/// What is known while calls are put in.
struct Made<'b> {
    network: &'b Network,
    blocks: &'b [Block],
    levels: &'b [usize],
    apart: &'b HashSet<String>,
    brought: &'b HashMap<ValueId, usize>,
}

/// Puts calls in the place of groups of a height.
fn replace(made: &Made<'_>, body: &mut [Statement], level: usize, calls: &mut Calls) {
    for statement in body {
        let is_level = matches!(statement, Statement::Group(..)) && height(statement, made.levels) == level;
        match statement {
            Statement::Group(label, _) if is_level && made.apart.contains(&label.name) => {}
            Statement::Group(label, inner) if is_level => {
                let signature = of_body(made.network, made.blocks, inner);
                let signature = signature.filter(|_| keeps_to_itself(inner, made.brought));
                let call = signature.and_then(|signature| calls.get_mut(&signature.text));
                if let Some((block, given)) = call.filter(|(_, given)| !given.is_empty()) {
                    *statement = Statement::Call(Some(label.clone()), *block, given.remove(0));
                }
            }
            other => other.bodies_mut().into_iter().for_each(|inner| replace(made, inner, level, calls)),
        }
    }
}

/// What a block is called: after its group where that has a word, else after what it does.
fn name(network: &Network, label: &str, body: &[Statement], others: &[Block]) -> String {
    let word: String = label
        .split(|character: char| !character.is_ascii_alphabetic())
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.chars().take(1).map(|first| first.to_ascii_uppercase()).chain(part.chars().skip(1)).collect::<String>()
        })
        .collect();
    let joins = |kind: JoinKind| {
        body.iter()
            .any(|statement| matches!(statement, Statement::Join(value, _) if network.node(*value).is_join(kind)))
    };
    let base = match word.as_str() {
        "" if joins(JoinKind::Sum) => "Residual".to_owned(),
        "" if joins(JoinKind::Concat) => "Branches".to_owned(),
        "" if joins(JoinKind::Product) => "Gate".to_owned(),
        "" => "Unit".to_owned(),
        _ => word,
    };
    let taken: HashSet<&str> = others.iter().map(|block| block.name.as_str()).collect();
    let free = |name: &str| {
        !taken.contains(name)
            && name != network.name
            && name != "Sequential"
            && cnnc_compiler::ops::layer(name).is_none()
    };
    let mut name = base.clone();
    let mut number = 2;
    while !free(&name) {
        name = format!("{base}{number}");
        number += 1;
    }
    name
}
