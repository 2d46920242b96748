//! What a kernel graph computes, in float64 by the reference's loops: the judge of passes and planner in their tests.

use super::reference::{Operand, dense};
use super::{Definition, Expression, Kernel, KernelGraph};
use crate::graph::NodeId;
use std::collections::HashMap;

/// A dense tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its elements, the last axis fastest.
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor made index by index.
    pub fn build(shape: &[usize], mut element: impl FnMut(&[usize]) -> f64) -> Tensor {
        let data = indices(shape).iter().map(|index| element(index)).collect();
        Tensor { shape: shape.to_vec(), data }
    }

    /// Numbers between −1 and 1 that depend on the name alone; between 0.5 and 1.5 when the name ends in `var`.
    pub fn named(name: &str, shape: &[usize]) -> Tensor {
        let mut state = name
            .bytes()
            .fold(0x9e37_79b9_7f4a_7c15u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Tensor::build(shape, |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
            if name.ends_with("var") { 0.5 + unit } else { 2.0 * unit - 1.0 }
        })
    }

    /// The element at an index; where a size is 1, any index is the first.
    pub fn at(&self, index: &[usize]) -> f64 {
        let place = self.shape.iter().zip(index).fold(0, |at, (&size, &i)| at * size + if size == 1 { 0 } else { i });
        self.data[place]
    }
}

/// All indices of a shape, in order.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |all, &size| {
        all.iter().flat_map(|index: &Vec<usize>| (0..size).map(|i| [index.as_slice(), &[i]].concat())).collect()
    })
}

/// The outputs of a graph, then its updates, whose inputs and parameters are [`Tensor::named`] after themselves.
pub fn outputs(graph: &KernelGraph) -> Vec<Tensor> {
    outputs_of(graph, &Tensor::named)
}

/// The outputs of a graph, then its updates, whose inputs and parameters are what `given` makes of their names and shapes.
pub fn outputs_of(graph: &KernelGraph, given: &dyn Fn(&str, &[usize]) -> Tensor) -> Vec<Tensor> {
    let mut values: HashMap<NodeId, Tensor> = HashMap::new();
    for id in graph.dag.order().unwrap() {
        let node = graph.dag.get(id).unwrap();
        let arguments: Vec<&Tensor> = graph.dag.arguments(id).iter().map(|argument| &values[argument]).collect();
        let value = match node.kernel {
            Kernel::Input(_) | Kernel::Parameter(_) => given(&graph.label(id), &node.shape),
            _ => step(&node.kernel, node.own_arguments, node.epilogue.as_ref(), &arguments, &node.shape),
        };
        values.insert(id, value);
    }
    graph.results().map(|node| values[&node].clone()).collect()
}

/// One kernel with its epilogue.
pub fn step(
    kernel: &Kernel,
    own: usize,
    epilogue: Option<&Expression>,
    arguments: &[&Tensor],
    shape: &[usize],
) -> Tensor {
    let (own, others) = arguments.split_at(own);
    let result = one(own, shape, |operands| kernel.reference(operands, shape).unwrap());
    match epilogue {
        None => result,
        Some(expression) => {
            let operands: Vec<&Tensor> = [&result].into_iter().chain(others.iter().copied()).collect();
            one(&operands, shape, |operands| expression.reference(operands, shape))
        }
    }
}

/// What is computed of dense tensors.
pub fn one(operands: &[&Tensor], shape: &[usize], compute: impl FnOnce(&[Operand<'_, f64>]) -> Vec<f64>) -> Tensor {
    let strides: Vec<Vec<usize>> = operands.iter().map(|operand| dense(&operand.shape)).collect();
    let operands = operands.iter().zip(&strides);
    let operands: Vec<Operand<'_, f64>> =
        operands.map(|(one, strides)| Operand { data: &one.data, shape: &one.shape, strides }).collect();
    Tensor { shape: shape.to_vec(), data: compute(&operands) }
}
