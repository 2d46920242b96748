//! The network as it answers, for validation: a plan and an engine for every batch size that occurs.

use crate::failure::failure;
use crate::view::TensorList;
use crate::{Device, Executable, Model, Parameters, Result, Tensor, Weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::Plan;
use std::collections::HashMap;
use std::sync::Arc;

/// A network with parameters on a device.
pub struct Scorer {
    model: Model,
    parameters: Parameters,
    device: Device,
    /// The sizes of the answer to one sample.
    answer: Vec<usize>,
    /// Plans by batch size; they outlive the parameters.
    plans: HashMap<usize, Arc<Plan>>,
    engines: HashMap<usize, Box<dyn Executable>>,
}

impl Scorer {
    /// A network that answers with scores for each of `classes` classes. A training's own validation is on a device without
    /// measured methods of the CPU, so that its numbers do not depend on them.
    pub fn new(weights: &Weights, classes: usize, device: &Device) -> Scorer {
        Scorer::of_answers(weights, &[classes], device)
    }

    /// As [`Scorer::new`], of a network whose answer to one sample has these sizes.
    pub fn of_answers(weights: &Weights, answer: &[usize], device: &Device) -> Scorer {
        let (model, parameters, device) = (weights.model().clone(), weights.parameters().clone(), device.clone());
        Scorer { model, parameters, device, answer: answer.to_vec(), plans: HashMap::new(), engines: HashMap::new() }
    }

    /// The classes that it tells apart, or the numbers that it answers with.
    pub fn classes(&self) -> usize {
        self.answer.iter().product()
    }

    /// Goes on with other parameters.
    pub(super) fn set(&mut self, parameters: Parameters) {
        self.parameters = parameters;
        self.engines.clear();
    }

    /// The answers to a batch, scores `[samples, classes]` where it tells classes apart. The batch after it, where it is
    /// known, may be on its way to the device meanwhile; it has to be the next one to be scored.
    ///
    /// # Errors
    /// When there is no plan for a batch of that size, or its answer is of another shape.
    pub fn score(&mut self, inputs: &Tensor, next: Option<&Tensor>) -> Result<Tensor> {
        let samples = inputs.shape().first().copied().unwrap_or(1);
        if !self.engines.contains_key(&samples) {
            let plan = self.plan(inputs.shape())?;
            self.engines.insert(samples, self.device.backend().prepare(plan, &self.parameters)?);
        }
        let engine = self.engines.get_mut(&samples);
        let next = next.filter(|next| next.shape() == inputs.shape()).map(|next| [next]);
        let next = next.as_ref().map(|next| next as &dyn TensorList);
        let answers = engine.map(|engine| engine.run_before(&[inputs], next)).transpose()?;
        let answer = answers.and_then(|answers| answers.first().cloned());
        let fits = |answer: &Tensor| answer.shape().split_first() == Some((&samples, &self.answer));
        answer.filter(fits).ok_or_else(|| failure(Code::E499, "an answer of another shape than the targets'"))
    }

    fn plan(&mut self, inputs: &[usize]) -> Result<Arc<Plan>> {
        let samples = inputs.first().copied().unwrap_or(1);
        if let Some(plan) = self.plans.get(&samples) {
            return Ok(plan.clone());
        }
        let bindings = self.model.bindings(&[inputs])?;
        let (plan, _) = self.model.compile(&bindings, &self.device.target(), &mut ())?;
        self.plans.insert(samples, plan.clone());
        Ok(plan)
    }
}
