//! Names that are positions: an item without a name is called by its place among its siblings, so a name that says the same is
//! left out. A loop whose turns are so called only repeats.

use crate::spec::statements::{Argument, Label, Statement, Turns};
use crate::spec::{Network, Operation};
use cnnc_compiler::ops::Constant;

/// Leaves the names out of a body that are positions in it, and of all bodies inside.
pub fn without_positions(network: &Network, body: &mut [Statement]) {
    leave_out(network, body, &mut Some(0));
}

/// `next` is the position of the next item; `None` once it is not known.
fn leave_out(network: &Network, body: &mut [Statement], next: &mut Option<usize>) {
    for statement in body {
        match statement {
            // Numbers are no items.
            Statement::Item(_, value, _) if network.node(*value).operation == Operation::Numbers => {}
            Statement::Item(label, ..) | Statement::Call(label, ..) => {
                let position = label.as_ref().is_some_and(|label| is_position(label, *next));
                count(label.as_ref(), next);
                if position {
                    *label = None;
                }
            }
            Statement::Group(label, inner) => {
                count(Some(label), next);
                without_positions(network, inner);
            }
            // A join without a name is none of the items; those in its branches are.
            Statement::Join(_, branches) => {
                for branch in branches {
                    // A branch of nothing is written `Identity`.
                    if branch.is_empty() {
                        count(None, next);
                    }
                    leave_out(network, branch, next);
                }
            }
            Statement::For(turns, inner) => match repeats(network, turns, inner, *next) {
                Some((count, behind)) => {
                    let mut inner = std::mem::take(inner);
                    inner.iter_mut().for_each(without_label);
                    inner.iter_mut().for_each(|inner| inside(network, inner));
                    *statement = Statement::Repeat(count, inner);
                    *next = Some(behind);
                }
                // What counts itself may be written out in the order of its numbers, and still have other names.
                None => {
                    *next = None;
                    inner.iter_mut().for_each(|inner| inside(network, inner));
                }
            },
            Statement::Repeat(_, inner) => {
                *next = None;
                inner.iter_mut().for_each(|inner| inside(network, inner));
            }
            Statement::From(_) | Statement::Keep(_) | Statement::Output(_) => {}
        }
    }
}

/// The bodies of groups that stand where positions are not known.
fn inside(network: &Network, statement: &mut Statement) {
    match statement {
        Statement::Group(_, inner) => without_positions(network, inner),
        other => other.bodies_mut().into_iter().flatten().for_each(|inner| inside(network, inner)),
    }
}

/// How often a loop repeats itself, and the position behind it, where all names in it are positions.
fn repeats(network: &Network, turns: &Turns, body: &[Statement], next: Option<usize>) -> Option<(usize, usize)> {
    let Turns::Range(variable, Argument::Constant(Constant::Int(first)), Argument::Constant(Constant::Int(behind))) =
        turns
    else {
        return None;
    };
    let mut items = Vec::new();
    positioned(network, body, &mut items)?;
    let (start, step) = (i64::try_from(next?).ok()?, items.len() as i64);
    let is_position = |(place, number): (usize, &Option<&Argument>)| {
        let Some(number) = number else { return true };
        let at = |turn| value(number, variable, turn) == Some(start + (turn - first) * step + place as i64);
        at(*first) && at(first + 1)
    };
    let any = items.iter().any(Option::is_some);
    let all = any && items.iter().enumerate().all(is_position);
    let count = usize::try_from(behind - first).ok()?;
    all.then_some((count, next? + count * items.len()))
}

/// The items that take a position in a body, each with the number that is its name; `None` where one has another name, or is
/// one of several turns.
fn positioned<'b>(network: &Network, body: &'b [Statement], items: &mut Vec<Option<&'b Argument>>) -> Option<()> {
    let number = |label: &'b Label| match (label.name.as_str(), &label.member) {
        ("", None) => label.number.as_ref(),
        _ => None,
    };
    for statement in body {
        match statement {
            Statement::Item(_, value, _) if network.node(*value).operation == Operation::Numbers => {}
            Statement::Item(None, ..) | Statement::Call(None, ..) => items.push(None),
            Statement::Item(Some(label), ..) | Statement::Call(Some(label), ..) => items.push(Some(number(label)?)),
            Statement::Join(_, branches) => {
                for branch in branches {
                    match branch.as_slice() {
                        // A branch of nothing is written `Identity`.
                        [] => items.push(None),
                        branch => positioned(network, branch, items)?,
                    }
                }
            }
            // Braces without a name are none of the turn's items.
            Statement::Group(..) | Statement::For(..) | Statement::Repeat(..) => return None,
            Statement::From(_) | Statement::Keep(_) | Statement::Output(_) => {}
        }
    }
    Some(())
}

/// What a number is in a turn.
fn value(number: &Argument, variable: &str, turn: i64) -> Option<i64> {
    match number {
        Argument::Constant(Constant::Int(number)) => Some(*number),
        Argument::Variable(name) if name == variable => Some(turn),
        Argument::Times(factor, other) => value(other, variable, turn)?.checked_mul(*factor),
        Argument::Sum(one, other) => value(one, variable, turn)?.checked_add(value(other, variable, turn)?),
        _ => None,
    }
}

/// Takes the names away from a statement of a turn and from the items of its branches.
fn without_label(statement: &mut Statement) {
    match statement {
        Statement::Item(label, ..) | Statement::Call(label, ..) => *label = None,
        Statement::Join(_, branches) => branches.iter_mut().flatten().for_each(without_label),
        _ => {}
    }
}

fn is_position(label: &Label, next: Option<usize>) -> bool {
    label.member.is_none() && label.number.is_none() && next.is_some_and(|next| label.name == next.to_string())
}

/// Counts an item; a member of a group that stands elsewhere is none here, but may make the group.
fn count(label: Option<&Label>, next: &mut Option<usize>) {
    match label {
        Some(label) if label.member.is_some() => *next = None,
        _ => *next = next.map(|next| next + 1),
    }
}
