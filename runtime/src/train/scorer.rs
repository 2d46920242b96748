//! The network as it answers, for validation: a plan and an engine for every batch size that occurs.

use crate::failure::failure;
use crate::tuning::Tuning;
use crate::{Backend, Executable, Parameters, Result, Tensor, bind_input};
use cnnc_compiler::compile;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::Plan;
use cnnc_compiler::write_kernels::Bindings;
use std::collections::HashMap;
use std::sync::Arc;

/// A network with parameters on a device.
pub struct Scorer<'g> {
    graph: &'g ShapedGraph,
    parameters: Parameters,
    backend: &'g dyn Backend,
    classes: usize,
    tuning: Tuning,
    /// Plans by batch size; they outlive the parameters.
    plans: HashMap<usize, Arc<Plan>>,
    engines: HashMap<usize, Box<dyn Executable>>,
}

impl<'g> Scorer<'g> {
    /// A network that answers with scores for each of `classes` classes.
    pub fn new(graph: &'g ShapedGraph, parameters: Parameters, classes: usize, backend: &'g dyn Backend) -> Scorer<'g> {
        let (plans, engines) = (HashMap::new(), HashMap::new());
        Scorer { graph, parameters, backend, classes, tuning: Tuning::default(), plans, engines }
    }

    /// With methods of the CPU that were measured. A training's own validation has none, so that its numbers do not depend on
    /// them.
    pub fn tuned(self, tuning: Tuning) -> Scorer<'g> {
        Scorer { tuning, ..self }
    }

    /// The classes that it tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Goes on with other parameters.
    pub fn set(&mut self, parameters: Parameters) {
        self.parameters = parameters;
        self.engines.clear();
    }

    /// The scores of a batch: `[samples, classes]`. The batch after it, where it is known, may be on its way to the device
    /// meanwhile; it has to be the next one to be scored.
    ///
    /// # Errors
    /// When there is no plan for a batch of that size, or its answer is of another shape.
    pub fn score(&mut self, inputs: Tensor, next: Option<&Tensor>) -> Result<Tensor> {
        let samples = inputs.shape().first().copied().unwrap_or(1);
        if !self.engines.contains_key(&samples) {
            let plan = self.plan(inputs.shape())?;
            self.engines.insert(samples, self.backend.prepare(plan, &self.parameters)?);
        }
        let engine = self.engines.get_mut(&samples);
        let next = next.filter(|next| next.shape() == inputs.shape()).map(std::slice::from_ref);
        let answers = engine.map(|engine| engine.run_before(std::slice::from_ref(&inputs), next)).transpose()?;
        let answer = answers.and_then(|answers| answers.first().cloned());
        let fits = |answer: &Tensor| answer.shape() == [samples, self.classes];
        answer.filter(fits).ok_or_else(|| failure(Code::E499, "an answer that is no row of scores for each sample"))
    }

    fn plan(&mut self, inputs: &[usize]) -> Result<Arc<Plan>> {
        let samples = inputs.first().copied().unwrap_or(1);
        if let Some(plan) = self.plans.get(&samples) {
            return Ok(plan.clone());
        }
        let mut target = self.backend.target();
        self.tuning.apply(&mut target);
        let (plan, _) = compile(self.graph, &bindings_of(self.graph, inputs), &target)?;
        let plan = Arc::new(plan);
        self.plans.insert(samples, plan.clone());
        Ok(plan)
    }
}

/// The sizes that an input of this shape gives to the symbols of a network.
pub fn bindings_of(graph: &ShapedGraph, inputs: &[usize]) -> Bindings {
    let mut bindings = Bindings::new();
    if let Some(port) = graph.graph.inputs.first() {
        bind_input(port, inputs, &mut bindings);
    }
    bindings
}
