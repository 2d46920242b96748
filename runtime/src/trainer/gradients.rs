//! The gradients of a loss: a model with weights, inputs and what should be answered to them come in; the loss and its slope
//! by every parameter and every input go out. Nothing is changed.
//!
//! The network is as in training: dropout drops, normalisations use the batch's own statistics, and do not keep them.
//! Products are taken as the definition says, without Winograd: the less is rounded, the fewer ReLUs see a sign that is not
//! theirs.

use super::{Given, Target};
use crate::failure::{Error, Result, fault};
use crate::trainer::StepInputs;
use crate::view::{TensorList, views};
use crate::{Device, Model, PrepareOptions, Tensor, Weights};
use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_compiler::passes;
use cnnc_compiler::plan::plan_with_notes;
use cnnc_compiler::training::{Loss, Training, loss_and_gradients, names};
use std::sync::Arc;

/// A loss, and its gradients.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gradients {
    /// The loss of the batch.
    pub loss: f64,
    /// By each parameter that is trained, in `state_dict` order; `None` where the loss does not depend on it. Those of a tied
    /// parameter's uses are added.
    pub parameters: Vec<(Arc<str>, Option<Tensor>)>,
    /// By each input, in order; `None` where the loss does not depend on it.
    pub inputs: Vec<(Arc<str>, Option<Tensor>)>,
}

impl Gradients {
    /// Those of a loss on one batch. `seed` is what dropout draws from.
    ///
    /// # Errors
    /// E403 when the loss does not fit the network, E604 when inputs or target are not those that it takes, E308 when their sizes
    /// fit no plan, E401 or E504 when there is too little memory.
    pub fn of(
        weights: &Weights,
        device: &Device,
        loss: Loss,
        inputs: &(impl TensorList + ?Sized),
        target: Target<'_>,
        seed: u64,
    ) -> Result<Gradients> {
        let (model, inputs): (&Model, &dyn TensorList) = (weights.model(), &inputs);
        let graph = &model.graph().graph;
        let device = device.planning(&PrepareOptions::default().exact().once());
        let here = |failure: Box<Diagnostic>| Error::new(*failure, model.files());
        let sizes: Vec<&[usize]> = views(inputs).map(|input| input.shape()).collect();
        let bindings = model.bindings(&sizes)?;
        let mut kernels = loss_and_gradients(model.graph(), &bindings, loss.clone()).map_err(here)?;
        // Statistics that would move are not kept.
        kernels.updates = Default::default();
        passes::run(&mut kernels).map_err(here)?;
        let plan = Arc::new(plan_with_notes(&kernels, &device.target()).map_err(here)?.0);
        let told = StepInputs { learning_rate: 0.0, momentum: None, step: 1, seed };
        let given = Given::new(&plan, &Training { loss, ..Training::plain() }, target, told)?;
        let mut engine = device.backend().prepare(plan.clone(), weights.parameters())?;
        let answers = engine.run(&given.beside(&plan.inputs, inputs)?)?;
        let by_name = |name: &str| {
            let place = plan.outputs.iter().position(|port| &*port.name == name)?;
            answers.get(place).cloned()
        };
        let value = by_name(names::LOSS).and_then(|loss| loss.data().first().copied());
        let trained = graph.parameters.iter().filter(|parameter| parameter.trainable);
        Ok(Gradients {
            loss: f64::from(value.ok_or_else(|| fault("gradients without a loss"))?),
            parameters: trained.map(|parameter| (parameter.path.clone(), by_name(&parameter.path))).collect(),
            inputs: graph.inputs.iter().map(|input| (input.name.clone(), by_name(&input.name))).collect(),
        })
    }

    /// The gradient by a parameter or an input of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let mut all = self.parameters.iter().chain(&self.inputs);
        all.find(|(other, _)| &**other == name).and_then(|(_, gradient)| gradient.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// y = w·x + b with the sum of squares against t: 2 (y - t) x, 2 (y - t), 2 (y - t) w.
    #[test]
    fn gradients_of_a_line_are_those_of_the_formula() {
        let model = Model::from_text("line.cnn", "model Line { input [N, 2]; Linear(1) }").unwrap();
        let mut weights = model.init(0).unwrap();
        let tensor = |shape: &[usize], values: &[f32]| Tensor::new(shape, values.to_vec()).unwrap();
        weights.set("0.weight", &tensor(&[1, 2], &[2.0, -1.0])).unwrap();
        weights.set("0.bias", &tensor(&[1], &[0.5])).unwrap();
        let (input, target) = (tensor(&[1, 2], &[3.0, 4.0]), tensor(&[1, 1], &[1.0]));
        let loss = Loss::MeanSquaredError(cnnc_compiler::training::SumOrMean::Sum);
        let target = Target::Tensor(crate::view::AsTensorView::view(&target));
        let found = Gradients::of(&weights, &Device::cpu(1), loss, &[input], target, 0).unwrap();
        assert_eq!(found.loss, 2.25);
        let values = |name: &str| found.get(name).unwrap().data().to_vec();
        assert_eq!(values("0.weight"), [9.0, 12.0]);
        assert_eq!((values("0.bias"), values("input")), (vec![3.0], vec![6.0, -3.0]));
        assert!(found.get("0.running_mean").is_none());
        assert_eq!(weights.get("0.bias").unwrap().data(), [0.5], "nothing is changed");
    }
}
