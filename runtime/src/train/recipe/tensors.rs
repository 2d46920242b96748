//! Tensors that stand in a recipe, as lists in lists of numbers.

use super::section::{Reader, Section, number};
use super::yaml::{Node, NodeContent};
use crate::Tensor;
use crate::data::Pair;
use cnnc_compiler::diagnostic::{Code, Diagnostic};

/// `inputs` and `targets`.
pub fn pair(reader: &Reader, path: &str, node: &Node) -> Option<Pair> {
    let mut section = Section::new(reader, path, node)?;
    let [inputs, targets] = ["inputs", "targets"].map(|key| {
        let node = section.need(key, "numbers, as lists in lists: `[[0, 1], [2, 3]]`");
        node.and_then(|node| tensor(reader, &section.path(key), node))
    });
    section.finish();
    Some(Pair { name: format!("`{path}`"), inputs: inputs?, targets: targets? })
}

/// Lists in lists of numbers; `None`, reported, when they are none, or lists of one depth have other lengths.
fn tensor(reader: &Reader, path: &str, node: &Node) -> Option<Tensor> {
    let mut shape = Vec::new();
    let mut first = node;
    while let NodeContent::List(nodes) = &first.content {
        shape.push(nodes.len());
        let Some(inner) = nodes.first() else { break };
        first = inner;
    }
    let mut values = Vec::new();
    gather(reader, path, node, &shape, &mut values)?;
    if values.is_empty() {
        reader.refuse(path, node, "at least one number");
        return None;
    }
    Tensor::new(&shape, values)
}

/// Adds the numbers of a node that has this shape.
fn gather(reader: &Reader, path: &str, node: &Node, shape: &[usize], values: &mut Vec<f32>) -> Option<()> {
    match (&node.content, shape.split_first()) {
        (NodeContent::List(nodes), Some((size, inner))) if nodes.len() == *size => {
            nodes.iter().try_for_each(|node| gather(reader, path, node, inner, values))
        }
        (NodeContent::List(nodes), Some((size, _))) => {
            let message = format!("`{path}` has a list of {} where the first of that depth has {size}", nodes.len());
            reader.report(Diagnostic::new(Code::E607, message, node.place, "of another length"));
            None
        }
        (_, None) => match number(node).map(|value| value as f32).filter(|value| value.is_finite()) {
            Some(value) => {
                values.push(value);
                Some(())
            }
            None => {
                reader.refuse(path, node, "numbers of float32, as lists in lists");
                None
            }
        },
        (_, Some(_)) => {
            reader.refuse(path, node, "lists of one depth throughout");
            None
        }
    }
}
