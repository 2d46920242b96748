//! A network's layers, each with its costs as closed forms of the sizes that the spec leaves open.

use super::fit::{Points, Polynomial, grid, polynomial};
use super::{Form, Forms};
use crate::graph::{NodeId, NodeKind, ShapedGraph};
use crate::ops::Op;
use crate::shape::{Dim, Shape};
use crate::summary::costs;
use crate::write_kernels::Bindings;
use std::collections::HashMap;
use std::sync::Arc;

/// The most symbolic sizes of one layer from which its multiply-adds are found.
const MOST_SIZES: usize = 5;

/// A network's layers in closed forms of its open sizes.
pub(super) struct Profile {
    pub leaves: Vec<Leaf>,
}

/// A layer or join.
#[derive(Clone)]
pub(super) struct Leaf {
    pub node: NodeId,
    pub path: Arc<str>,
    pub layer: &'static str,
    pub shape: Shape,
    pub output: Vec<Form>,
    pub cost: Forms,
}

impl Profile {
    pub fn new(shaped: &ShapedGraph) -> Profile {
        let mut leaves = Vec::new();
        for (id, cost) in costs(shaped, &Bindings::new()) {
            let Some(node) = shaped.graph.dag.get(id) else { continue };
            let NodeKind::Operator(operator) = &node.kind else { continue };
            let shape = shaped.shape(id);
            let inputs: Vec<Shape> =
                shaped.graph.dag.arguments(id).into_iter().map(|input| shaped.shape(input)).collect();
            let output: Vec<Form> = shape.iter().map(Form::size).collect();
            let bytes = output.iter().try_fold(Form::number(4), |product, size| product.times(size));
            leaves.push(Leaf {
                node: id,
                path: node.path.clone(),
                layer: operator.name(),
                cost: Forms {
                    parameters: Some(Form::number(cost.parameters)),
                    buffers: Some(Form::number(cost.buffers)),
                    macs: macs(operator, &inputs, &shape),
                    activation_bytes: bytes,
                },
                output,
                shape,
            });
        }
        Profile { leaves }
    }

    /// Whether the same layers stand in the same places.
    pub fn is_like(&self, other: &Profile) -> bool {
        let same = |one: &Leaf, other: &Leaf| {
            one.node == other.node
                && one.path == other.path
                && one.layer == other.layer
                && one.output.len() == other.output.len()
        };
        self.leaves.len() == other.leaves.len()
            && self.leaves.iter().zip(&other.leaves).all(|(one, other)| same(one, other))
    }
}

/// Multiply-adds as a form of the symbolic sizes that a layer takes and gives.
fn macs(operator: &Op, inputs: &[Shape], output: &Shape) -> Option<Form> {
    let mut sizes: Vec<Dim> = Vec::new();
    for size in inputs.iter().flat_map(|shape| shape.iter()).chain(output.iter()) {
        if size.number().is_none() && !sizes.contains(size) {
            sizes.push(size.clone());
        }
    }
    let at = |values: &[i64]| {
        let known: HashMap<&Dim, i64> = sizes.iter().zip(values.iter().copied()).collect();
        let numbers = |shape: &Shape| -> Option<Vec<usize>> {
            let number = |size: &Dim| size.number().or_else(|| known.get(size).copied());
            shape.iter().map(|size| usize::try_from(number(size)?).ok()).collect()
        };
        let inputs: Option<Vec<Vec<usize>>> = inputs.iter().map(numbers).collect();
        Some(i128::from(operator.macs(&inputs?, &numbers(output)?)))
    };
    let points: Vec<Points> = vec![[2, 3, 5]; sizes.len()];
    if sizes.is_empty() || at(&vec![7; sizes.len()])? == 0 {
        return Some(Form::number(u64::try_from(at(&vec![7; sizes.len()])?).ok()?));
    }
    if sizes.len() > MOST_SIZES {
        return None;
    }
    let values: Option<Vec<i128>> = grid(&points).iter().map(|choice| at(choice)).collect();
    let found = polynomial(&points, &values?)?;
    let holds = |values: &[i64]| value(&found, values) == at(values);
    let others = [7, 11, 13, 17, 19];
    let checks = [others.get(..sizes.len())?.to_vec(), others.iter().rev().copied().take(sizes.len()).collect()];
    if !checks.iter().all(|values| holds(values)) {
        return None;
    }
    let factors: Vec<Form> = sizes.iter().map(Form::size).collect();
    form(&found, &factors)
}

/// What a polynomial comes to.
fn value(polynomial: &Polynomial, values: &[i64]) -> Option<i128> {
    let numbers: Option<Vec<Form>> = values.iter().map(|value| u64::try_from(*value).ok().map(Form::number)).collect();
    form(polynomial, &numbers?)?.at(&|_| None)
}

/// A polynomial of forms.
pub(super) fn form(polynomial: &Polynomial, variables: &[Form]) -> Option<Form> {
    let mut sum = Form::default();
    for (powers, coefficient) in polynomial {
        let mut term = Form::number(1).scaled(*coefficient)?;
        for (variable, power) in variables.iter().zip(powers) {
            for _ in 0..*power {
                term = term.times(variable)?;
            }
        }
        sum = sum.plus(&term)?;
    }
    Some(sum)
}
