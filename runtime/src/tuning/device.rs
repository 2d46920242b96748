//! Measuring on a device, whatever it is: a model, weights and inputs come in, the best candidate of every kind of step goes out,
//! and is used from then on.

use super::{Candidate, Kept, Machine, Measured, Tuning, measure, path};
use crate::cpu::CpuOptions;
use crate::failure::{Result, note};
use crate::view::{TensorList, views};
use crate::{Cancel, Device, Model, Target, Weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::training::Training;
use cnnc_compiler::write_kernels::Bindings;
use std::path::PathBuf;
use std::sync::Arc;

/// What is measured in: a network with its weights, on these inputs.
#[non_exhaustive]
pub struct Workload<'w> {
    /// The network.
    pub model: &'w Model,
    /// Its weights.
    pub weights: &'w Weights,
    /// Its inputs.
    pub inputs: &'w dyn TensorList,
    /// The training whose steps are meant, and what the network should answer; `None` means answers. The processor's methods are
    /// measured by answers all the same.
    pub training: Option<(Training, Target<'w>)>,
}

impl<'w> Workload<'w> {
    /// Answers to these inputs.
    pub fn answers(model: &'w Model, weights: &'w Weights, inputs: &'w dyn TensorList) -> Workload<'w> {
        Workload { model, weights, inputs, training: None }
    }

    /// Steps of a training on them.
    #[must_use]
    pub fn of_training(self, training: Training, target: Target<'w>) -> Workload<'w> {
        Workload { training: Some((training, target)), ..self }
    }

    pub(crate) fn bindings(&self) -> Result<Bindings> {
        self.model.bindings(&views(self.inputs).map(|input| input.shape()).collect::<Vec<_>>())
    }
}

/// A kind of step that was measured, and what its candidates take.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tuned {
    /// All that its time depends on, as text.
    pub key: String,
    /// The layers that compute it.
    pub layers: Vec<Arc<str>>,
    /// Seconds by each candidate's name, over all those layers.
    pub seconds: Vec<(String, f64)>,
    /// What computed it before.
    pub before: String,
    /// What computes it from now on.
    pub after: String,
}

impl Tuned {
    /// The seconds of a candidate.
    pub fn of(&self, candidate: &str) -> f64 {
        self.seconds.iter().find(|(one, _)| one == candidate).map_or(f64::NAN, |(_, seconds)| *seconds)
    }

    pub(crate) fn new<C: Candidate>(measured: Measured<C>) -> Tuned {
        let Measured { key, layers, seconds, before, after } = measured;
        let seconds = seconds.into_iter().map(|(candidate, seconds)| (candidate.name(), seconds)).collect();
        Tuned { key, layers, seconds, before: before.name(), after: after.name() }
    }

    fn choices<C: Candidate>(tuned: &[Tuned]) -> Tuning<C> {
        Tuning(tuned.iter().filter_map(|one| Some((one.key.clone(), C::named(&one.after)?))).collect())
    }
}

/// Where choices of a device are kept, and for whom they hold.
struct File {
    path: Option<PathBuf>,
    machine: Machine,
}

impl File {
    fn of_cpu(options: &CpuOptions) -> File {
        File { path: path(options.instructions.name()), machine: Machine::this(options.instructions) }
    }

    fn of(device: &Device) -> File {
        match (device.as_cpu(), device.as_cuda()) {
            (_, Some(cuda)) => File { path: path("cuda"), machine: Machine::of(cuda.words()) },
            (Some(options), None) => File::of_cpu(options),
            (None, None) => File { path: None, machine: Machine::of(String::new()) },
        }
    }

    /// The choices that are kept there, and why they are not used where they are not.
    fn kept<C: Candidate>(&self) -> (Tuning<C>, Option<Diagnostic>) {
        let Some(path) = &self.path else { return (Tuning::default(), None) };
        let kept = Kept::read(path, &self.machine);
        let ignored = match &kept {
            Kept::Ignored(reason) => {
                let path = path.display();
                let message = format!("the tuning file `{path}` {reason}; `cnnc bench FILE --tune` measures anew");
                Some(note(Code::E603, message))
            }
            _ => None,
        };
        (kept.choices(), ignored)
    }

    fn keep<C: Candidate>(&self, tuned: &[Tuned]) -> Result<()> {
        match &self.path {
            Some(path) => Tuned::choices::<C>(tuned).keep(path, &self.machine),
            None => Ok(()),
        }
    }

    fn state<C: Candidate>(&self) -> String {
        let Some(path) = &self.path else { return "there is no cache directory to keep it in".into() };
        match Kept::<C>::read(path, &self.machine) {
            Kept::Nothing => "none yet; `cnnc bench FILE --tune` measures".into(),
            Kept::Choices(tuning) => match tuning.0.len() {
                1 => "1 measured choice".into(),
                count => format!("{count} measured choices"),
            },
            Kept::Ignored(reason) => format!("not used: it {reason}"),
        }
    }
}

impl Device {
    /// Measures every step of the workload that more than one candidate can compute, and uses the best from now on. Some seconds.
    ///
    /// # Errors
    /// As [`Model::prepare`] and [`Session::run`](crate::Session::run); E508 when it is cancelled, and nothing is chosen then.
    pub fn tune(&mut self, workload: &Workload<'_>, cancel: &Cancel) -> Result<Vec<Tuned>> {
        let device = self.clone();
        match self.kind_mut() {
            (Some((_, tuning)), _) => {
                let measured = measure::of_cpu(&device, workload, cancel)?;
                tuning.0.extend(measured.iter().map(|one| (one.key.clone(), one.after)));
                Ok(measured.into_iter().map(Tuned::new).collect())
            }
            (None, Some(cuda)) => cuda.tune_workload(workload, cancel),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Why libraries that could compute on it are not measured, in words, one each.
    pub fn not_measured(&self) -> Vec<String> {
        self.as_cuda().map(|cuda| cuda.missing_libraries()).unwrap_or_default()
    }

    /// Uses the choices that are kept on this machine from now on. What comes back says which are not used, and why.
    pub fn use_kept(&mut self) -> Vec<Diagnostic> {
        let file = File::of(self);
        match self.kind_mut() {
            (Some((_, tuning)), _) => {
                let (kept, ignored) = file.kept();
                *tuning = kept;
                ignored.into_iter().collect()
            }
            (None, Some(cuda)) => cuda.use_kept(file.kept()),
            (None, None) => Vec::new(),
        }
    }

    /// Keeps what was measured beside the choices that are kept already; gives the file's path, where the user has a place for
    /// it.
    ///
    /// # Errors
    /// E601 when it cannot be written.
    pub fn keep(&self, tuned: &[Tuned]) -> Result<Option<PathBuf>> {
        let file = File::of(self);
        match self.as_cuda() {
            Some(_) => file.keep::<crate::cuda::ProductMethod>(tuned)?,
            None => file.keep::<cnnc_compiler::plan::Method>(tuned)?,
        }
        Ok(file.path)
    }

    /// Where choices are kept, and what is there, in words.
    pub fn kept(&self) -> (Option<PathBuf>, String) {
        let file = File::of(self);
        let state = match self.as_cuda() {
            Some(_) => file.state::<crate::cuda::ProductMethod>(),
            None => file.state::<cnnc_compiler::plan::Method>(),
        };
        (file.path, state)
    }
}
