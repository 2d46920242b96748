//! Measures the methods of a plan's products on the device, and takes the best.
//!
//! There is a program for each rank: in the first every product is computed by its first method, in the next by its second, and
//! so on. Each is timed as a whole network, so that what a step finds in the caches is what it will find.

use super::backend::Cuda;
use super::libraries::Session;
use super::lower::{choices, problem};
use super::methods::ProductMethod;
use super::program::{ALIGNMENT, LIBRARY_BYTES, Options};
use crate::failure::note;
use crate::tuning::measure::chosen;
use crate::tuning::{Choice, Measured, Tuned, Tuning, Workload};
use crate::{Backend, Cancel, Device, Result};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::plan::{Plan, Step};

/// Runs that a step's time is the median of.
const RUNS: usize = 20;

impl Cuda {
    /// Measures the methods of a plan's products, and takes the best from now on. `profile` gives the seconds of every step of
    /// the plan's `run` on a device that lowers it so.
    ///
    /// # Errors
    /// What `profile` says.
    pub fn tune(
        &mut self,
        plan: &Plan,
        profile: &mut dyn FnMut(&Cuda) -> Result<Vec<f64>>,
    ) -> Result<Vec<Measured<ProductMethod>>> {
        let free = self.choices(plan);
        let ranks = free.iter().map(|choice| choice.all.len()).max().unwrap_or(0);
        let mut times = Vec::new();
        for rank in 0..ranks {
            let of_rank = free.iter().filter_map(|choice| Some((choice.key.clone(), *choice.all.get(rank)?)));
            let tuning: Tuning<ProductMethod> = Tuning(of_rank.collect());
            let options = Options { tuning: tuning.clone(), ..self.options().clone() };
            times.push((tuning, profile(&self.with(options))?));
        }
        let measured = chosen(plan, &free, &times);
        let mut options = self.options().clone();
        options.tuning.0.extend(measured.iter().map(|one| (one.key.clone(), one.after)));
        *self = self.with(options);
        Ok(measured)
    }

    /// As [`Cuda::tune`], by the runs of a workload.
    ///
    /// # Errors
    /// As the making of plans and their runs; E508 when it is cancelled.
    pub(crate) fn tune_workload(&mut self, workload: &Workload<'_>, cancel: &Cancel) -> Result<Vec<Tuned>> {
        let (bindings, target) = (workload.bindings()?, self.target());
        let plan = match &workload.training {
            Some((training, _)) => workload.model.compile_training(training, &bindings, &target, &mut ())?.0,
            None => workload.model.compile(&bindings, &target, &mut ())?.0,
        };
        let measured = self.tune(&plan, &mut |cuda| {
            cancel.check("measuring")?;
            let device = Device::of_cuda(cuda.clone());
            match &workload.training {
                Some((training, wanted)) => {
                    let mut trainer = workload.model.trainer(workload.weights, training.clone(), &device);
                    trainer.profile(&workload.inputs, *wanted, RUNS)
                }
                None => {
                    let parameters = workload.weights.parameters();
                    cuda.prepare(plan.clone(), parameters)?.profile(workload.inputs, RUNS)
                }
            }
        })?;
        Ok(measured.into_iter().map(Tuned::new).collect())
    }

    /// Why libraries are not there that might be used, one line each.
    pub(crate) fn missing_libraries(&self) -> Vec<String> {
        if !self.options().libraries {
            return Vec::new();
        }
        let libraries = self.device().libraries();
        [&libraries.cublaslt, &libraries.cudnn].into_iter().filter_map(|found| found.as_ref().err().cloned()).collect()
    }

    /// Uses the methods that were kept from now on; says which are not used, and why.
    pub(crate) fn use_kept(&mut self, (kept, ignored): (Tuning<ProductMethod>, Option<Diagnostic>)) -> Vec<Diagnostic> {
        let missing = self.tuned(kept).into_iter().map(|missing| {
            let message = format!(
                "{missing} was measured on this machine and is not found any more: generated kernels take its place"
            );
            note(Code::E501, message)
        });
        ignored.into_iter().chain(missing).collect()
    }

    /// The steps that can be computed by several methods, with those that this machine's libraries have.
    fn choices(&self, plan: &Plan) -> Vec<Choice<ProductMethod>> {
        let mut session = Session::new(self.device().properties.driver);
        let mut free = choices(plan, self.options());
        for choice in &mut free {
            let step = plan.run.get(choice.step);
            let can = choice.all.iter().any(|method| method.is_foreign())
                && step.is_some_and(|step| self.foreign(step, &mut session).is_some());
            choice.all.retain(|method| can || !method.is_foreign());
        }
        free.retain(|choice| choice.all.len() > 1);
        free
    }

    /// All products of a plan by that library, where it has them.
    pub fn by_library(&self, plan: &Plan, method: ProductMethod) -> Tuning<ProductMethod> {
        let mut session = Session::new(self.device().properties.driver);
        let steps = plan.prepare.iter().chain(&plan.run);
        Tuning(steps.filter_map(|step| self.foreign(step, &mut session)).filter(|(_, of)| *of == method).collect())
    }

    /// The key and the library of a step that one computes on this device.
    fn foreign(&self, step: &Step, session: &mut Session) -> Option<(String, ProductMethod)> {
        let problem = problem(step)?;
        let precision = self.options().precision;
        let operation = problem.operation.clone()?.in_precision(precision);
        let work = session.work(&operation, [4 * ALIGNMENT as u64; 3], LIBRARY_BYTES);
        work.is_ok().then(|| (problem.key(precision), operation.method()))
    }
}
