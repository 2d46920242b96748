//! A GPU as a back end: engines that answer, and a training whose state stays on the device.

use super::device::Device;
use super::driver::{During, is_out_of_memory};
use super::execution::Execution;
use super::handles::Buffer;
use super::need::{Need, batch_of};
use super::program::{Options, Program, target};
use crate::cpu::{check_parameters, initial_state};
use crate::failure::fault;
use crate::{Backend, Executable, Inputs, Parameters, Result, Tensor, Trainer};
use cnnc_compiler::plan::{Plan, Target};
use std::collections::HashMap;
use std::sync::Arc;

/// A GPU as a back end.
#[derive(Clone)]
pub struct Cuda {
    device: Arc<Device>,
    options: Options,
}

impl Cuda {
    /// The first GPU of this machine.
    ///
    /// # Errors
    /// E501 with everything that was looked for, when something is missing or too old.
    pub fn open(options: Options) -> Result<Cuda> {
        Ok(Cuda { device: Device::open()?, options })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How plans are lowered.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The program of a plan, once all that it needs is known to fit.
    fn program(&self, plan: &Plan) -> Result<Program> {
        let program = Program::of(plan, &self.options)?;
        Need::of(plan, &program).check(batch_of(plan), self.device.free_bytes()?)?;
        Ok(program)
    }

    /// A plan on the device, with these parameters.
    fn execution(&self, plan: Arc<Plan>, program: Program, store: &Store) -> Result<Execution> {
        let parameters = plan.parameters.iter().map(|parameter| store.get(&parameter.path)).collect::<Result<_>>()?;
        Execution::new(plan, program, self.device.clone(), parameters)
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn arithmetic(&self) -> String {
        let (major, minor) = self.device.properties.capability;
        format!("cuda, compute capability {major}.{minor}, {}", self.options.precision.name())
    }

    /// What fits is decided when a plan is made ready, where all that it needs is known.
    fn target(&self) -> Target {
        target(u64::MAX)
    }

    fn prepare(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Executable>> {
        check_parameters(&plan, parameters)?;
        let mut store = Store::new(self.device.clone());
        let program = self.program(&plan)?;
        for wanted in &plan.parameters {
            if let Some(tensor) = parameters.get(&wanted.path) {
                store.put(&wanted.path, &tensor)?;
            }
        }
        let mut execution = self.execution(plan, program, &store)?;
        execution.give_back_parameters();
        Ok(Box::new(execution))
    }

    fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Trainer>> {
        let mut training =
            Training { backend: self.clone(), store: Store::new(self.device.clone()), executions: Vec::new() };
        let program = self.program(&plan)?;
        training.load(&initial_state(&plan, parameters))?;
        training.executions.push(self.execution(plan, program, &training.store)?);
        Ok(Box::new(training))
    }
}

impl Executable for Execution {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor]> {
        Execution::run(self, inputs)
    }

    fn again(&mut self, _inputs: &[Tensor]) -> Result<()> {
        Execution::again(self)
    }

    fn profile(&mut self, inputs: &[Tensor], runs: usize) -> Result<Vec<f64>> {
        Execution::profile(self, inputs, runs)
    }

    fn hindrance(&self) -> Option<&str> {
        Execution::hindrance(self)
    }
}

/// Tensors on the device by key.
struct Store {
    device: Arc<Device>,
    /// In the order in which they came.
    entries: Vec<(Arc<str>, Vec<usize>, Arc<Buffer>)>,
    places: HashMap<Arc<str>, usize>,
}

impl Store {
    fn new(device: Arc<Device>) -> Store {
        Store { device, entries: Vec::new(), places: HashMap::new() }
    }

    /// Puts a tensor in, or its values in the place of those of that key and shape.
    fn put(&mut self, path: &Arc<str>, tensor: &Tensor) -> Result<()> {
        self.device.context.make_current().during("bringing parameters")?;
        let there = self.places.get(path).and_then(|&place| self.entries.get(place));
        if let Some((_, shape, buffer)) = there
            && shape == tensor.shape()
        {
            return buffer.fill(tensor.data()).during("bringing parameters");
        }
        let buffer = match Buffer::new(&self.device.context, tensor.data().len()) {
            Err(error) if is_out_of_memory(error) => {
                let parameters = 4 * tensor.data().len() as u64;
                let need = Need { parameters, ..Need::default() };
                return Err(need.refusal(None, self.device.free_bytes()?));
            }
            buffer => buffer.during("taking memory")?,
        };
        buffer.fill(tensor.data()).during("bringing parameters")?;
        self.places.insert(path.clone(), self.entries.len());
        self.entries.push((path.clone(), tensor.shape().to_vec(), Arc::new(buffer)));
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Arc<Buffer>> {
        let entry = self.places.get(path).and_then(|&place| self.entries.get(place));
        entry.map(|(_, _, buffer)| buffer.clone()).ok_or_else(|| fault(format!("`{path}` is not on the device")))
    }
}

/// A training whose state is on the device.
struct Training {
    backend: Cuda,
    store: Store,
    executions: Vec<Execution>,
}

impl Training {
    fn execution(&mut self, number: usize) -> Result<&mut Execution> {
        self.executions.get_mut(number).ok_or_else(|| fault(format!("there is no plan {number}")))
    }
}

impl Trainer for Training {
    fn add(&mut self, plan: Arc<Plan>) -> Result<usize> {
        let program = Program::of(&plan, &self.backend.options)?;
        let execution = self.backend.execution(plan, program, &self.store)?;
        self.executions.push(execution);
        Ok(self.executions.len() - 1)
    }

    fn plan(&self, number: usize) -> Option<&Plan> {
        self.executions.get(number).map(|execution| execution.plan().as_ref())
    }

    fn begin(&mut self, number: usize, inputs: Inputs<'_>) -> Result<()> {
        self.execution(number)?.begin(inputs)
    }

    fn finish(&mut self, number: usize) -> Result<Vec<Tensor>> {
        self.execution(number)?.finish().map(<[Tensor]>::to_vec)
    }

    fn stage(&mut self, number: usize, inputs: Vec<Tensor>) -> Result<()> {
        self.execution(number)?.stage(&inputs)
    }

    fn again(&mut self, number: usize, _inputs: &[Tensor]) -> Result<()> {
        self.execution(number)?.again()
    }

    fn profile(&mut self, number: usize, inputs: &[Tensor], runs: usize) -> Result<Vec<f64>> {
        self.execution(number)?.profile(inputs, runs)
    }

    fn hindrance(&self, number: usize) -> Option<&str> {
        self.executions.get(number)?.hindrance()
    }

    fn state(&self) -> Result<Parameters> {
        self.backend.device.context.make_current().during("fetching the parameters")?;
        let tensor = |(path, shape, buffer): &(Arc<str>, Vec<usize>, Arc<Buffer>)| {
            let values = buffer.values().during("fetching the parameters")?;
            let tensor = Tensor::new(shape, values).ok_or_else(|| fault(format!("`{path}` is not {shape:?}")))?;
            Ok((path.clone(), tensor))
        };
        self.store.entries.iter().map(tensor).collect()
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        for (path, tensor) in state.iter() {
            self.store.put(path, &tensor)?;
        }
        self.executions.iter_mut().try_for_each(Execution::prepare)
    }
}
