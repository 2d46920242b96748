//! What is timed: a session with its inputs, or a training with those of its steps.

use cnnc_compiler::plan::Plan;
use cnnc_compiler::training::Training;
use cnnc_runtime::tuning::Workload;
use cnnc_runtime::{Device, Model, PrepareOptions, Result, Session, Target, Tensor, TensorList, Trainer, Weights};
use std::sync::Arc;

/// A learning rate so small that the drawn network stays what it is, however long it is timed.
const LEARNING_RATE: f64 = 1e-6;

/// A network and what its runs take.
pub struct Timed {
    inputs: Vec<Tensor>,
    runs: Runs,
}

enum Runs {
    /// Inputs to answers.
    Inference(Session),
    /// A step over the state; all labels are the first class.
    Training(Box<Trainer>, Vec<usize>),
}

/// What a training step is told of a batch: every answer should be the first class.
pub fn first_classes(model: &Model, inputs: &[Tensor]) -> Result<Vec<usize>> {
    let sizes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
    Ok(vec![0; model.labels_of_batch(&sizes)?])
}

/// What is to be tuned.
pub fn workload<'w>(
    model: &'w Model,
    weights: &'w Weights,
    inputs: &'w dyn TensorList,
    classes: Option<&'w [usize]>,
) -> Workload<'w> {
    let answers = Workload::answers(model, weights, inputs);
    match classes {
        Some(classes) => answers.of_training(Training::plain(), Target::Classes(classes)),
        None => answers,
    }
}

impl Timed {
    /// An inference on these inputs, or a training step; they are where it computes.
    pub fn new(
        model: &Model,
        weights: &Weights,
        device: &Device,
        inputs: Vec<Tensor>,
        classes: Option<Vec<usize>>,
        exact: bool,
    ) -> Result<Timed> {
        let runs = match classes {
            Some(classes) => Runs::Training(Box::new(model.trainer(weights, Training::plain(), device)), classes),
            None => {
                let mut options = PrepareOptions::default().sizes_of(&inputs);
                options.exact = exact;
                Runs::Inference(model.prepare(weights, device, options)?.session())
            }
        };
        let mut timed = Timed { inputs, runs };
        timed.whole()?;
        Ok(timed)
    }

    /// The plan that runs.
    pub fn plan(&mut self) -> Result<Arc<Plan>> {
        match &mut self.runs {
            Runs::Inference(session) => session.plan(&self.inputs),
            Runs::Training(trainer, _) => trainer.plan(&self.inputs),
        }
    }

    /// One run on inputs that are where it computes; on a GPU the answers stay there.
    pub fn run(&mut self) -> Result<()> {
        match &mut self.runs {
            Runs::Inference(session) => session.again(&self.inputs),
            Runs::Training(trainer, classes) => trainer.again(&self.inputs, Target::Classes(classes)),
        }
    }

    /// One run from inputs in the host's memory to answers there.
    pub fn whole(&mut self) -> Result<()> {
        match &mut self.runs {
            Runs::Inference(session) => session.run(&self.inputs).map(|_| ()),
            Runs::Training(trainer, classes) => {
                trainer.step(&self.inputs, Target::Classes(classes), LEARNING_RATE).map(|_| ())
            }
        }
    }

    /// What makes runs slower than they might be.
    pub fn hindrance(&self) -> Option<&str> {
        match &self.runs {
            Runs::Inference(session) => session.hindrance(),
            Runs::Training(trainer, _) => trainer.hindrance(),
        }
    }

    /// The median seconds of every step of the plan.
    pub fn profile(&mut self, runs: usize) -> Result<Vec<f64>> {
        match &mut self.runs {
            Runs::Inference(session) => session.profile(&self.inputs, runs),
            Runs::Training(trainer, classes) => trainer.profile(&self.inputs, Target::Classes(classes), runs),
        }
    }
}
