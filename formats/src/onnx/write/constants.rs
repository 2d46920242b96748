//! What of a network depends on parameters alone, computed while the file is written: parameters come in by their keys, the
//! numbers of one tensor go out.
//!
//! Kernels mean what their own loops say, here in float64, so that what is folded is rounded once. A value is kept for as long as
//! something of that tensor still needs it, and nothing from one tensor to the next.

use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::reference::{Operand, dense};
use cnnc_compiler::kernels::{Definition, Kernel, KernelGraph};
use std::collections::{HashMap, HashSet};
use std::io;

/// Where parameters come from, by their keys.
pub type Weights<'w> = dyn FnMut(&str) -> io::Result<Vec<f32>> + 'w;

/// A dense tensor.
struct Tensor {
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

/// The numbers of a node that depends on parameters alone.
pub fn compute(kernels: &KernelGraph, wanted: NodeId, weights: &mut Weights<'_>) -> io::Result<Vec<f32>> {
    let mut needed = HashSet::new();
    let mut rest = vec![wanted];
    while let Some(id) = rest.pop() {
        if needed.insert(id) {
            rest.extend(kernels.dag.arguments(id));
        }
    }
    let order: Vec<NodeId> =
        kernels.dag.order().unwrap_or_default().into_iter().filter(|id| needed.contains(id)).collect();
    let mut uses: HashMap<NodeId, usize> = HashMap::new();
    order.iter().flat_map(|&id| kernels.dag.arguments(id)).for_each(|argument| *uses.entry(argument).or_default() += 1);
    let mut values: HashMap<NodeId, Tensor> = HashMap::new();
    for id in order {
        let value = step(kernels, id, &values, weights)?;
        for argument in kernels.dag.arguments(id) {
            if let Some(count) = uses.get_mut(&argument) {
                *count -= 1;
                if *count == 0 {
                    values.remove(&argument);
                }
            }
        }
        values.insert(id, value);
    }
    let value = values.remove(&wanted).ok_or_else(|| fault("a constant is not there"))?;
    Ok(value.numbers.into_iter().map(|number| number as f32).collect())
}

fn step(
    kernels: &KernelGraph,
    id: NodeId,
    values: &HashMap<NodeId, Tensor>,
    weights: &mut Weights<'_>,
) -> io::Result<Tensor> {
    let node = kernels.dag.get(id).ok_or_else(|| fault("a kernel is not there"))?;
    let shape = node.shape.clone();
    if let Kernel::Parameter(parameter) = &node.kernel {
        let entry = kernels.parameters.get(parameter.0 as usize).ok_or_else(|| fault("a parameter is not there"))?;
        return Ok(Tensor { shape, numbers: weights(&entry.path)?.into_iter().map(f64::from).collect() });
    }
    let arguments: Option<Vec<&Tensor>> =
        kernels.dag.arguments(id).iter().map(|argument| values.get(argument)).collect();
    let arguments = arguments.ok_or_else(|| fault("a constant lacks an argument"))?;
    let (own, others) = arguments.split_at(node.own_arguments.min(arguments.len()));
    let numbers =
        on(own, |operands| node.kernel.reference(operands, &shape)).ok_or_else(|| fault("an input is no constant"))?;
    let result = Tensor { shape: shape.clone(), numbers };
    let Some(epilogue) = &node.epilogue else { return Ok(result) };
    let operands: Vec<&Tensor> = [&result].into_iter().chain(others.iter().copied()).collect();
    let numbers = on(&operands, |operands| epilogue.reference(operands, &shape));
    Ok(Tensor { shape, numbers })
}

/// What is computed of dense tensors.
fn on<R>(operands: &[&Tensor], compute: impl FnOnce(&[Operand<'_, f64>]) -> R) -> R {
    let strides: Vec<Vec<usize>> = operands.iter().map(|operand| dense(&operand.shape)).collect();
    let operands = operands.iter().zip(&strides);
    let operands: Vec<Operand<'_, f64>> =
        operands.map(|(one, strides)| Operand { data: &one.numbers, shape: &one.shape, strides }).collect();
    compute(&operands)
}

fn fault(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}
