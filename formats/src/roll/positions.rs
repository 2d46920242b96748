//! Names that are positions: an item without a name is called by its place among its siblings, so a name that says the same is
//! left out. A loop whose turns are so called only repeats.

use crate::spec::statements::{Label, Statement};
use crate::spec::{Network, Operation};

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
            Statement::For(first, behind, inner) => {
                let (first, behind) = (*first, *behind);
                match inner.as_mut_slice() {
                    [Statement::Call(label, ..)] if is_counted(label) && *next == Some(first) => {
                        *label = None;
                        let inner = std::mem::take(inner);
                        *statement = Statement::Repeat(behind - first, inner);
                        *next = Some(behind);
                    }
                    // What counts itself may be written out in the order of its numbers, and still have other names.
                    _ => {
                        *next = None;
                        inner.iter_mut().for_each(|inner| inside(network, inner));
                    }
                }
            }
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
        other => super::bodies_mut(other).into_iter().flatten().for_each(|inner| inside(network, inner)),
    }
}

fn is_counted(label: &Option<Label>) -> bool {
    label.as_ref().is_some_and(|label| label.counted && label.name.is_empty() && label.member.is_none())
}

fn is_position(label: &Label, next: Option<usize>) -> bool {
    label.member.is_none() && !label.counted && next.is_some_and(|next| label.name == next.to_string())
}

/// Counts an item; a member of a group that stands elsewhere is none here, but may make the group.
fn count(label: Option<&Label>, next: &mut Option<usize>) {
    match label {
        Some(label) if label.member.is_some() => *next = None,
        _ => *next = next.map(|next| next + 1),
    }
}
