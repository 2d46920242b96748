//! The learner that people use: a compiled training step on the CPU, with a plan for every batch size that occurs, over one state.

use super::learner::{Learner, StepInputs, StepOutputs};
use super::scorer::bindings_of;
use crate::cpu::{Cpu, CpuOptions, TrainingEngine, initial_state};
use crate::data::Batch;
use crate::failure::failure;
use crate::{Backend, Parameters, Result, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::Plan;
use cnnc_compiler::training::{Loss, Training, compile_step, names};
use std::collections::HashMap;
use std::sync::Arc;

/// Steps and seeds are inputs in float32, which holds whole numbers up to here.
const LARGEST: u64 = (1 << 24) - 1;

/// A network that learns.
pub struct StepLearner<'g> {
    graph: &'g ShapedGraph,
    training: Training,
    classes: usize,
    options: CpuOptions,
    state: Parameters,
    engines: HashMap<usize, TrainingEngine>,
}

impl<'g> StepLearner<'g> {
    /// A network with these parameters, for batches of this shape and of fewer samples.
    ///
    /// # Errors
    /// When the step cannot be compiled, or needs more memory than there is.
    pub fn new(
        graph: &'g ShapedGraph,
        training: Training,
        parameters: &Parameters,
        shape: [usize; 4],
        classes: usize,
        options: CpuOptions,
    ) -> Result<StepLearner<'g>> {
        let state = Parameters::default();
        let mut learner = StepLearner { graph, training, classes, options, state, engines: HashMap::new() };
        let plan = learner.plan(&shape)?;
        learner.state = initial_state(&plan, parameters);
        learner.engine(shape[0], plan)?;
        Ok(learner)
    }

    fn plan(&self, inputs: &[usize]) -> Result<Arc<Plan>> {
        let target = Cpu(self.options).target();
        let (plan, _) = compile_step(self.graph, &bindings_of(self.graph, inputs), &self.training, &target)?;
        Ok(Arc::new(plan))
    }

    fn engine(&mut self, samples: usize, plan: Arc<Plan>) -> Result<()> {
        self.engines.insert(samples, TrainingEngine::new(plan, &self.state, self.options)?);
        Ok(())
    }

    /// What the network should answer: class numbers, or ones and zeros.
    fn target(&self, labels: &[usize]) -> Option<Tensor> {
        match self.training.loss {
            Loss::CrossEntropy { .. } => {
                Tensor::new(&[labels.len()], labels.iter().map(|&label| label as f32).collect())
            }
            Loss::MeanSquaredError(_) => {
                let mut target = Tensor::filled(&[labels.len(), self.classes], 0.0);
                for (row, &label) in target.data_mut().chunks_exact_mut(self.classes).zip(labels) {
                    row[label] = 1.0;
                }
                Some(target)
            }
        }
    }
}

impl Learner for StepLearner<'_> {
    fn step(&mut self, batch: Batch, told: StepInputs) -> Result<StepOutputs> {
        let samples = batch.labels.len();
        if !self.engines.contains_key(&samples) {
            let plan = self.plan(batch.inputs.shape())?;
            self.engine(samples, plan)?;
        }
        let target = self.target(&batch.labels);
        let fault = || failure(Code::E499, "a training step without its inputs or outputs");
        let engine = self.engines.get_mut(&samples).ok_or_else(fault)?;
        let mut pictures = Some(batch.inputs);
        let number = |number: f64| Tensor::new(&[], vec![number as f32]);
        let input = |name: &str| match name {
            names::LABELS => target.clone(),
            names::LEARNING_RATE => number(told.learning_rate),
            names::STEP => number(told.step.min(LARGEST) as f64),
            names::SEED => number((told.seed & LARGEST) as f64),
            _ => pictures.take(),
        };
        let ports: Vec<Arc<str>> = engine.plan().inputs.iter().map(|port| port.name.clone()).collect();
        let inputs: Option<Vec<Tensor>> = ports.iter().map(|name| name.as_ref()).map(input).collect();
        let answers = engine.step(&mut self.state, &inputs.ok_or_else(fault)?)?;
        let outputs = engine.plan().outputs.iter().map(|port| port.name.as_ref()).zip(&answers);
        let outputs: HashMap<&str, f32> =
            outputs.filter_map(|(name, tensor)| Some((name, *tensor.data().first()?))).collect();
        let loss = f64::from(*outputs.get(names::LOSS).ok_or_else(fault)?);
        Ok(StepOutputs { loss, correct: outputs.get(names::CORRECT).map(|&correct| correct as usize) })
    }

    fn state(&self) -> Result<Parameters> {
        Ok(self.state.clone())
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        self.state = state.clone();
        // What a plan's runs do not write was read when its engine was made.
        self.engines.clear();
        Ok(())
    }
}
