//! A plan run in float64 over real storages, as a back end would: the judge of the planner in its tests.

//!
//! Packed weights are the weights as they were, at the start of their place; the lanes that fill up a last block are sevens.

use super::{Plan, PlanParameter, Step, Storage, View};
use crate::element::ElementType;
use crate::kernels::evaluate::{self, Tensor, indices};
use crate::kernels::{Kernel, Packing};
use std::collections::HashMap;

/// What a kernel leaves in the lanes that fill up a block.
const SPARE: f64 = 7.0;

/// Bytes that a number of a storage stands for; a larger element is the first number of its place.
const WORD_BYTES: usize = 4;

/// The outputs of a plan, then what its parameters were updated to, by path in the order given, whose inputs and parameters are
/// [`Tensor::named`] after themselves.
pub fn results(plan: &Plan, updated: &[&str]) -> Vec<Tensor> {
    let (mut results, storages) = simulate(plan);
    for path in updated {
        let index = plan.parameters.iter().position(|parameter| *parameter.path == **path).unwrap();
        let PlanParameter { element, shape, .. } = &plan.parameters[index];
        results.push(gather(&View::dense(Storage::Parameter(index), *element, 0, shape), &storages));
    }
    results
}

/// The outputs of a plan whose inputs and parameters are [`Tensor::named`] after themselves.
pub fn outputs(plan: &Plan) -> Vec<Tensor> {
    simulate(plan).0
}

fn simulate(plan: &Plan) -> (Vec<Tensor>, HashMap<Storage, Vec<f64>>) {
    let mut storages: HashMap<Storage, Vec<f64>> = HashMap::new();
    for storage in [Storage::Scratch, Storage::Prepared, Storage::Arena] {
        storages.insert(storage, vec![f64::NAN; plan.storage_bytes(storage).unwrap() as usize / WORD_BYTES]);
    }
    for (index, port) in plan.inputs.iter().enumerate() {
        storages.insert(Storage::Input(index), words(&Tensor::named(&port.name, &port.view.shape), port.view.element));
    }
    for (index, parameter) in plan.parameters.iter().enumerate() {
        let value = Tensor::named(&parameter.path, &parameter.shape);
        storages.insert(Storage::Parameter(index), words(&value, parameter.element));
    }
    plan.prepare.iter().for_each(|step| run(step, &mut storages));
    storages.remove(&Storage::Scratch);
    plan.run.iter().for_each(|step| run(step, &mut storages));
    (plan.outputs.iter().map(|port| gather(&port.view, &storages)).collect(), storages)
}

fn run(step: &Step, storages: &mut HashMap<Storage, Vec<f64>>) {
    let operands: Vec<Tensor> = step.operands.iter().map(|view| gather(view, storages)).collect();
    let result = match step.packing {
        Some(packing) => blocked(step, packing, &operands),
        None => plain(step, &operands),
    };
    let storage = storages.get_mut(&step.output.storage).unwrap();
    for (index, value) in indices(&step.output.shape).iter().zip(result.data) {
        storage[place(&step.output, index)] = value;
    }
}

/// A step without packed weights.
fn plain(step: &Step, operands: &[Tensor]) -> Tensor {
    let (own, shape) = (step.own_operands, step.output.shape.as_slice());
    match &step.kernel {
        Kernel::Reorder { channels } if shape.len() == 5 => to_blocks(&operands[0], shape[4], 0.0, *channels),
        Kernel::Reorder { channels } => from_blocks(&operands[0], *channels),
        Kernel::Pack(_) => operands[0].clone(),
        Kernel::Window { .. } | Kernel::WindowGrad { .. } | Kernel::Resample(_) if shape.len() == 5 => {
            let all = shape[1] * shape[4];
            let images: Vec<Tensor> = operands[..own].iter().map(|image| from_blocks(image, all)).collect();
            let images: Vec<&Tensor> = images.iter().collect();
            let made = evaluate::step(&step.kernel, own, None, &images, &[shape[0], all, shape[2], shape[3]]);
            epilogue(step, to_blocks(&made, shape[4], SPARE, all), operands)
        }
        Kernel::ConvWeight { groups, .. } if operands[1].shape.len() == 5 => {
            let image = |image: &Tensor, channels: usize| match image.shape.len() {
                5 => from_blocks(image, channels),
                _ => image.clone(),
            };
            let images = [image(&operands[0], shape[1] * groups), image(&operands[1], shape[0])];
            epilogue(step, evaluate::step(&step.kernel, 2, None, &[&images[0], &images[1]], shape), operands)
        }
        kernel => {
            let operands: Vec<&Tensor> = operands.iter().collect();
            evaluate::step(kernel, own, step.epilogue.as_ref(), &operands, shape)
        }
    }
}

/// A heavy kernel over blocks.
fn blocked(step: &Step, packing: Packing, operands: &[Tensor]) -> Tensor {
    let Packing { in_channels, out_channels, groups, lanes, .. } = packing;
    let shape = step.output.shape.as_slice();
    let x = if operands[0].shape.len() == 5 { from_blocks(&operands[0], in_channels) } else { operands[0].clone() };
    let (x, weight_shape, made) = match &step.kernel {
        Kernel::Gemm { .. } => {
            let rows = x.shape[0];
            let features = x.data.len() / rows;
            (Tensor { shape: vec![rows, features], ..x }, vec![out_channels, features], shape.to_vec())
        }
        Kernel::Conv { window, .. } => {
            let weights = vec![out_channels, in_channels / groups, window[0].kernel, window[1].kernel];
            (x, weights, vec![shape[0], out_channels, shape[2], shape[3]])
        }
        Kernel::ConvData { window, .. } => {
            let weights = vec![in_channels, out_channels / groups, window[0].kernel, window[1].kernel];
            (x, weights, vec![shape[0], out_channels, shape[2], shape[3]])
        }
        other => panic!("{} has no packed weights", other.name()),
    };
    let count = weight_shape.iter().product();
    let weights = Tensor { shape: weight_shape, data: operands[1].data[..count].to_vec() };
    let sums = evaluate::step(&step.kernel, 2, None, &[&x, &weights], &made);
    let sums = if shape.len() == 5 { to_blocks(&sums, lanes, SPARE, out_channels) } else { sums };
    epilogue(step, sums, operands)
}

fn epilogue(step: &Step, made: Tensor, operands: &[Tensor]) -> Tensor {
    let Some(expression) = &step.epilogue else { return made };
    let all: Vec<&Tensor> = [&made].into_iter().chain(&operands[step.own_operands..]).collect();
    evaluate::step(&Kernel::Map(expression.clone()), all.len(), None, &all, &step.output.shape)
}

fn to_blocks(x: &Tensor, lanes: usize, spare: f64, channels: usize) -> Tensor {
    let shape = [x.shape[0], channels.div_ceil(lanes), x.shape[2], x.shape[3], lanes];
    Tensor::build(&shape, |index| {
        let channel = index[1] * lanes + index[4];
        if channel < channels { x.at(&[index[0], channel, index[2], index[3]]) } else { spare }
    })
}

fn from_blocks(x: &Tensor, channels: usize) -> Tensor {
    let lanes = x.shape[4];
    Tensor::build(&[x.shape[0], channels, x.shape[2], x.shape[3]], |index| {
        x.at(&[index[0], index[1] / lanes, index[2], index[3], index[1] % lanes])
    })
}

/// A tensor's elements as they lie in a storage.
fn words(tensor: &Tensor, element: ElementType) -> Vec<f64> {
    let rest = vec![f64::NAN; element.size_bytes() / WORD_BYTES - 1];
    tensor.data.iter().flat_map(|&value| std::iter::once(value).chain(rest.iter().copied())).collect()
}

fn gather(view: &View, storages: &HashMap<Storage, Vec<f64>>) -> Tensor {
    let storage = &storages[&view.storage];
    Tensor::build(&view.shape, |index| storage[place(view, index)])
}

fn place(view: &View, index: &[usize]) -> usize {
    let elements = view.strides.iter().zip(index).map(|(stride, i)| stride * i).sum::<usize>();
    (view.offset_bytes + elements * view.element.size_bytes()) / WORD_BYTES
}
