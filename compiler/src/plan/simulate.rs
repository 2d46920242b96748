//! A plan run in float64 over real storages, as a back end would: the judge of the planner in its tests.
//!
//! Packed weights are the weights as they were, at the start of their place; the lanes that fill up a last block are sevens.

use super::{Operation, PackedConv, PackedLinear, Packing, Plan, PlanParameter, Reorder, Step, Storage, View};
use crate::element::ElementType;
use crate::kernels::Kernel;
use crate::kernels::evaluate::{self, Tensor, indices};
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
    let prepared = (0..plan.prepared.len()).map(Storage::Prepared);
    let outputs = (0..plan.outputs.len()).map(Storage::Output);
    for storage in prepared.chain(outputs).chain([Storage::Scratch, Storage::Arena]) {
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
    let result = match step.operation.packing() {
        Some(packing) => packed(step, packing, &operands),
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
    match &step.operation {
        Operation::Reorder(Reorder { channels, lanes, into_blocks: true }) => {
            to_blocks(&operands[0], *lanes, 0.0, *channels)
        }
        Operation::Reorder(reorder) => from_blocks(&operands[0], reorder.channels),
        Operation::Pack(_) => operands[0].clone(),
        Operation::Pool(_) | Operation::PoolGrad(_) | Operation::Resample(_) if shape.len() == 5 => {
            let all = shape[1] * shape[4];
            let images: Vec<Tensor> = operands[..own].iter().map(|image| from_blocks(image, all)).collect();
            let made = computed(&step.operation, &images, &[shape[0], all, shape[2], shape[3]]);
            epilogue(step, to_blocks(&made, shape[4], SPARE, all), operands)
        }
        Operation::ConvWeight(conv) if operands[1].shape.len() == 5 => {
            let image = |image: &Tensor, channels: usize| match image.shape.len() {
                5 => from_blocks(image, channels),
                _ => image.clone(),
            };
            let images = [image(&operands[0], shape[1] * conv.0.groups), image(&operands[1], shape[0])];
            epilogue(step, computed(&step.operation, &images, shape), operands)
        }
        operation => epilogue(step, computed(operation, &operands[..own], shape), operands),
    }
}

/// What an operation makes of dense tensors.
fn computed(operation: &Operation, own: &[Tensor], shape: &[usize]) -> Tensor {
    evaluate::one(&own.iter().collect::<Vec<_>>(), shape, |own| operation.reference(own, shape).unwrap())
}

/// A heavy kernel over blocks.
fn packed(step: &Step, packing: Packing, operands: &[Tensor]) -> Tensor {
    let shape = step.output.shape.as_slice();
    let (kernel, channels, weights, made) = match packing {
        Packing::Linear(PackedLinear { rows, in_channels, out_features, pixels, .. }) => {
            let made = vec![rows, out_features];
            (PackedLinear::KERNEL, in_channels, vec![out_features, in_channels * pixels], made)
        }
        Packing::Conv(PackedConv { convolution, .. }) => {
            let made = vec![shape[0], convolution.channels[1], shape[2], shape[3]];
            (convolution.kernel(), convolution.channels[0], convolution.weights().to_vec(), made)
        }
    };
    let mut x = if operands[0].shape.len() == 5 { from_blocks(&operands[0], channels) } else { operands[0].clone() };
    if let Packing::Linear(linear) = packing {
        x.shape = vec![linear.rows, linear.in_channels * linear.pixels];
    }
    let data = operands[1].data[..weights.iter().product()].to_vec();
    let sums = evaluate::step(&kernel, 2, None, &[&x, &Tensor { shape: weights, data }], &made);
    let sums = if shape.len() == 5 { to_blocks(&sums, packing.lanes(), SPARE, made[1]) } else { sums };
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
