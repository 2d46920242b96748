//! A GPU as a back end: engines that answer, and a training whose state stays on the device.

use super::device::Device;
use super::driver::{During, is_out_of_memory, probe};
use super::execution::Execution;
use super::handles::Buffer;
use super::lower::{problem, tuned};
use super::memory::{tensor, words};
use super::need::{Need, batch_of};
use super::program::{Options, Program, target};
use super::ways::Way;
use crate::failure::fault;
use crate::given::{check_parameters, initial_state};
use crate::random::fnv1a;
use crate::register::Register;
use crate::tuning::Tuning;
use crate::{Backend, DeviceInfo, Executable, Inputs, Parameters, Result, Tensor, Trainer};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::plan::{Plan, PreparedKey, Step, Target};
use std::collections::HashMap;
use std::sync::Arc;

/// The GPUs that can be used.
pub fn list() -> Vec<DeviceInfo> {
    let gpu = |number: usize| -> Result<DeviceInfo> {
        let name = Device::open(number)?.properties.to_string();
        Ok(DeviceInfo { device: crate::Device::Cuda(number), name })
    };
    let count = probe().map_or(0, |report| report.devices.len());
    (0..count).filter_map(|number| gpu(number).ok()).collect()
}

/// The GPU of that number, in exact float32.
///
/// # Errors
/// As [`Cuda::open`].
pub fn open(number: usize) -> Result<Box<dyn Backend>> {
    Ok(Box::new(Cuda::open(number, Options::default())?))
}

/// A GPU as a back end.
#[derive(Clone)]
pub struct Cuda {
    device: Arc<Device>,
    options: Options,
    /// The library that has to compute whatever it can, to be examined.
    examined: Option<Way>,
}

impl Cuda {
    /// The GPU of that number, from 0, in the driver's order.
    ///
    /// # Errors
    /// E501 with everything that was looked for, when something is missing or too old, or there are not as many.
    pub fn open(number: usize, options: Options) -> Result<Cuda> {
        Ok(Cuda { device: Device::open(number)?, options, examined: None })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How plans are lowered.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The same device with other options.
    pub fn with(&self, options: Options) -> Cuda {
        Cuda { device: self.device.clone(), options, examined: None }
    }

    /// The same device, on which a library computes whatever it can, quick or slow.
    pub fn examining(&self, library: Way) -> Cuda {
        Cuda { examined: Some(library), ..self.clone() }
    }

    /// With ways that were measured. Those of libraries that are not here any more are left out; the names of these come back.
    pub fn tuned(&mut self, mut tuning: Tuning<Way>) -> Vec<&'static str> {
        let mut missing = Vec::new();
        for (way, name) in Way::LIBRARIES {
            if self.options.libraries && tuning.0.values().any(|one| *one == way) && !self.device.libraries().have(way)
            {
                tuning.0.retain(|_, one| *one != way);
                missing.push(name);
            }
        }
        self.options.tuning = tuning;
        missing
    }

    /// How a step is computed, where there is more than one way.
    pub fn way(&self, step: &Step) -> Option<Way> {
        problem(step)?.way(&self.options)
    }

    /// All that the time of a kernel depends on, in words.
    pub fn words(&self) -> String {
        self.device.properties.to_string()
    }

    /// The program of a plan, once all that it needs is known to fit.
    fn program(&self, plan: &Plan) -> Result<Program> {
        let program = match self.examined {
            Some(library) => {
                let options = Options { tuning: self.by_library(plan, library), ..self.options.clone() };
                Program::of(plan, &options)?
            }
            None => Program::of(plan, &self.options)?,
        };
        Need::of(plan, &program).check(batch_of(plan), self.device.free_bytes()?)?;
        Ok(program)
    }

    /// A plan on the device, with these parameters.
    fn execution(&self, plan: Arc<Plan>, program: Program, store: &Store) -> Result<Execution> {
        let parameters = plan.parameters.iter().map(|parameter| store.get(&parameter.path)).collect::<Result<_>>()?;
        Execution::new(plan, program, self.device.clone(), parameters, &store.prepared)
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
            let tensor = parameters.get(&wanted.path)?;
            store.put(&wanted.path, &tensor)?;
        }
        let mut execution = self.execution(plan, program, &store)?;
        execution.give_back_parameters();
        Ok(Box::new(execution))
    }

    fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Trainer>> {
        let mut training =
            Training { backend: self.clone(), store: Store::new(self.device.clone()), executions: Vec::new() };
        let program = self.program(&plan)?;
        training.load(&initial_state(&plan, parameters)?)?;
        training.executions.push(self.execution(plan, program, &training.store)?);
        Ok(Box::new(training))
    }
}

impl Executable for Execution {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor]> {
        Execution::run(self, inputs)
    }

    fn run_before(&mut self, inputs: &[Tensor], next: Option<&[Tensor]>) -> Result<&[Tensor]> {
        Execution::run_before(self, inputs, next)
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
    entries: Vec<Stored>,
    places: HashMap<Arc<str>, usize>,
    /// What was made of them for runs.
    prepared: Register<PreparedKey, Arc<Buffer>>,
}

/// A tensor on the device.
struct Stored {
    path: Arc<str>,
    shape: Vec<usize>,
    element: ElementType,
    buffer: Arc<Buffer>,
}

impl Store {
    fn new(device: Arc<Device>) -> Store {
        Store { device, entries: Vec::new(), places: HashMap::new(), prepared: Register::default() }
    }

    /// Puts a tensor in, or its values in the place of those of that key, shape and type.
    fn put(&mut self, path: &Arc<str>, tensor: &Tensor) -> Result<()> {
        let words = words(tensor);
        self.device.context.make_current().during("bringing parameters")?;
        let there = self.places.get(path).and_then(|&place| self.entries.get(place));
        if let Some(Stored { shape, element, buffer, .. }) = there
            && (shape.as_slice(), *element) == (tensor.shape(), tensor.element())
        {
            return buffer.fill(&words).during("bringing parameters");
        }
        let buffer = match Buffer::new(&self.device.context, words.len()) {
            Err(error) if is_out_of_memory(error) => {
                let parameters = tensor.element().tensor_bytes(tensor.shape());
                let need = Need { parameters, ..Need::default() };
                return Err(need.refusal(None, self.device.free_bytes()?));
            }
            buffer => buffer.during("taking memory")?,
        };
        buffer.fill(&words).during("bringing parameters")?;
        self.places.insert(path.clone(), self.entries.len());
        let (path, shape, buffer) = (path.clone(), tensor.shape().to_vec(), Arc::new(buffer));
        self.entries.push(Stored { path, shape, element: tensor.element(), buffer });
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Arc<Buffer>> {
        let entry = self.places.get(path).and_then(|&place| self.entries.get(place));
        entry.map(|stored| stored.buffer.clone()).ok_or_else(|| fault(format!("`{path}` is not on the device")))
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

    fn tuning(&self) -> Option<String> {
        let options = &self.backend.options;
        let taken: Vec<String> = tuned(self.executions.first()?.plan(), options).into_iter().collect();
        let libraries = if taken.is_empty() { None } else { Some(self.backend.device.libraries().to_string()) };
        libraries.map(|libraries| format!("measured ways (digest {:016x})", fnv1a(&(taken.join("\n") + &libraries))))
    }

    fn state(&self) -> Result<Parameters> {
        self.backend.device.context.make_current().during("fetching the parameters")?;
        let mut state = Parameters::default();
        for Stored { path, shape, element, buffer } in &self.store.entries {
            let values = buffer.values().during("fetching the parameters")?;
            let held = tensor(shape, *element, values).ok_or_else(|| fault(format!("`{path}` is not {shape:?}")))?;
            state.insert(path.clone(), held);
        }
        Ok(state)
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        for (path, tensor) in state.iter() {
            let tensor = tensor?;
            self.store.put(path, &tensor)?;
        }
        self.executions.iter_mut().try_for_each(Execution::prepare)
    }
}
