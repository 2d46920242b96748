//! A plan run in float64 over real storages, as a back end would: the judge of the planner in its tests.

use super::{Plan, Step, Storage, View};
use crate::kernels::evaluate::{self, Tensor, indices};
use std::collections::HashMap;

/// The outputs of a plan whose inputs and parameters are [`Tensor::named`] after themselves.
pub fn outputs(plan: &Plan) -> Vec<Tensor> {
    let mut storages: HashMap<Storage, Vec<f64>> = HashMap::new();
    storages.insert(Storage::Prepared, vec![f64::NAN; plan.prepared_elements]);
    storages.insert(Storage::Arena, vec![f64::NAN; plan.arena_elements]);
    for (index, port) in plan.inputs.iter().enumerate() {
        storages.insert(Storage::Input(index), Tensor::named(&port.name, &port.view.shape).data);
    }
    for (index, parameter) in plan.parameters.iter().enumerate() {
        storages.insert(Storage::Parameter(index), Tensor::named(&parameter.path, &parameter.shape).data);
    }
    for step in plan.prepare.iter().chain(&plan.run) {
        run(step, &mut storages);
    }
    plan.outputs.iter().map(|port| gather(&port.view, &storages)).collect()
}

fn run(step: &Step, storages: &mut HashMap<Storage, Vec<f64>>) {
    let operands: Vec<Tensor> = step.operands.iter().map(|view| gather(view, storages)).collect();
    let operands: Vec<&Tensor> = operands.iter().collect();
    let result = evaluate::step(&step.kernel, step.own_operands, step.epilogue.as_ref(), &operands, &step.output.shape);
    let storage = storages.get_mut(&step.output.storage).unwrap();
    for (index, value) in indices(&step.output.shape).iter().zip(result.data) {
        storage[place(&step.output, index)] = value;
    }
}

fn gather(view: &View, storages: &HashMap<Storage, Vec<f64>>) -> Tensor {
    let storage = &storages[&view.storage];
    Tensor::build(&view.shape, |index| storage[place(view, index)])
}

fn place(view: &View, index: &[usize]) -> usize {
    view.offset + view.strides.iter().zip(index).map(|(stride, i)| stride * i).sum::<usize>()
}
