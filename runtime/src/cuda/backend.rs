//! A GPU as a back end: engines that answer, and a training whose state stays on the device.

use super::device::Device;
use super::driver::{During, is_out_of_memory, probe};
use super::execution::Execution;
use super::footprint::{GpuFootprint, batch_of};
use super::handles::Buffer;
use super::lower::{problem, tuned};
use super::memory::{tensor, words};
use super::methods::ProductMethod;
use super::program::{Options, Program, target};
use crate::cpu::Footprint;
use crate::failure::fault;
use crate::given::{check_outputs, check_parameters, initial_state};
use crate::random::fnv1a;
use crate::register::{Preparing, Register};
use crate::tuning::{Candidate, Tuning};
use crate::view::{AsTensorView, TensorList, TensorViewMut};
use crate::{
    Backend, Cancel, DeviceInfo, DeviceName, DeviceOptions, Executable, Inputs, Packed, Parameters, Peak, Precision,
    Result, Tensor, TrainingExecutable,
};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::plan::{Plan, PreparedKey, Step, Target};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The GPUs that can be used.
pub fn list() -> Vec<DeviceInfo> {
    let gpu = |number: usize| -> Result<DeviceInfo> {
        let name = Device::open(number)?.properties.to_string();
        Ok(DeviceInfo { device: DeviceName::Cuda(number), name })
    };
    let count = probe().map_or(0, |report| report.devices.len());
    (0..count).filter_map(|number| gpu(number).ok()).collect()
}

/// The GPU of that number, that computes so.
///
/// # Errors
/// As [`Cuda::open`].
pub fn open(number: usize, options: &DeviceOptions) -> Result<Cuda> {
    let DeviceOptions { precision, libraries, .. } = *options;
    Cuda::open(number, Options { precision, libraries, ..Options::default() })
}

/// A GPU as a back end.
#[derive(Clone)]
pub struct Cuda {
    device: Arc<Device>,
    options: Options,
    /// The library that has to compute whatever it can, to be examined.
    examined: Option<ProductMethod>,
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
    pub fn examining(&self, library: ProductMethod) -> Cuda {
        Cuda { examined: Some(library), ..self.clone() }
    }

    /// With methods that were measured. Those of libraries that are not here any more are left out; the names of these come back.
    pub fn tuned(&mut self, mut tuning: Tuning<ProductMethod>) -> Vec<&'static str> {
        let mut missing = Vec::new();
        for (method, name) in ProductMethod::LIBRARIES {
            if self.options.libraries
                && tuning.0.values().any(|one| *one == method)
                && !self.device.libraries().have(method)
            {
                tuning.0.retain(|_, one| *one != method);
                missing.push(name);
            }
        }
        self.options.tuning = tuning;
        missing
    }

    /// How a step is computed, where there is more than one method.
    pub fn method(&self, step: &Step) -> Option<ProductMethod> {
        problem(step)?.method(&self.options)
    }

    /// What the GPU is called, and in what it takes products.
    pub fn description(&self) -> (&str, Precision) {
        (&self.device.properties.name, self.options.precision)
    }

    /// What it can do at most, by its data sheet.
    pub fn peak(&self) -> Peak {
        let (properties, precision) = (&self.device.properties, self.options.precision);
        let multiply_adds_per_second = properties.multiply_adds_per_second(precision);
        let source = format!("by the data sheet of {}, {}", properties.name, precision.name());
        let (bytes_per_second, byte_multiply_adds_per_second) = (properties.bytes_per_second(), None);
        Peak { multiply_adds_per_second, byte_multiply_adds_per_second, bytes_per_second, source }
    }

    /// The name of how a step is computed, where there is more than one method.
    pub fn method_name(&self, step: &Step) -> Option<String> {
        self.method(step).map(|method| method.name())
    }

    /// All that the time of a kernel depends on, in words.
    pub fn words(&self) -> String {
        self.device.properties.to_string()
    }

    /// The device's memory that a plan takes, foretold: while it is made ready, and while it runs.
    ///
    /// # Errors
    /// E499 when the plan is not as plans are.
    pub fn footprint(&self, plan: &Plan) -> Result<Footprint> {
        let footprint = GpuFootprint::of(plan, &Program::of(plan, &self.options)?);
        let loading = footprint.parameters + footprint.prepared + footprint.scratch;
        Ok(Footprint { load_bytes: loading.max(footprint.total()), run_bytes: footprint.total() })
    }

    /// The program of a plan.
    fn program(&self, plan: &Plan) -> Result<Program> {
        match self.examined {
            Some(library) => {
                let options = Options { tuning: self.by_library(plan, library), ..self.options.clone() };
                Program::of(plan, &options)
            }
            None => Program::of(plan, &self.options),
        }
    }

    /// A plan on the device, with these parameters.
    fn execution(&self, plan: Arc<Plan>, program: Program, store: &Store) -> Result<Execution> {
        let parameters =
            plan.parameters.iter().map(|parameter| store.get(&parameter.path).map(Some)).collect::<Result<_>>()?;
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

    fn store(&self, parameters: &Parameters) -> Result<Arc<dyn crate::Store>> {
        let (parameters, there) = (parameters.clone(), Arc::default());
        Ok(Arc::new(CudaStore { backend: self.clone(), parameters, there }))
    }

    fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn TrainingExecutable>> {
        let mut training =
            Training { backend: self.clone(), store: Store::new(self.device.clone()), executions: Vec::new() };
        let program = self.program(&plan)?;
        GpuFootprint::of(&plan, &program).check(batch_of(&plan), self.device.free_bytes()?)?;
        training.load(&initial_state(&plan, parameters)?)?;
        training.executions.push(self.execution(plan, program, &training.store)?);
        Ok(Box::new(training))
    }
}

/// Parameters, and the device that plans of them run on, with what is there of them.
struct CudaStore {
    backend: Cuda,
    parameters: Parameters,
    there: Arc<There>,
}

/// What is on the device, as long as some plan holds it.
#[derive(Default)]
struct There {
    parameters: Register<Arc<str>, Arc<Buffer>>,
    prepared: Register<PreparedKey, Arc<Buffer>>,
}

impl crate::Store for CudaStore {
    /// The weights are packed here, in memory of a first run; it is the first executable's.
    fn pack(&self, plan: Arc<Plan>, cancel: &Cancel) -> Result<Arc<dyn Packed>> {
        check_parameters(&plan, &self.parameters)?;
        let Cuda { device, .. } = &self.backend;
        let (program, prepared) = (self.backend.program(&plan)?, &self.there.prepared);
        // Held until the first execution holds it too, which then does not ask for parameters that are not brought here.
        let preparing = Preparing::of(&plan, prepared);
        let parameters = self.bring(&plan, &program, &preparing, cancel)?;
        let mut first = Execution::new(plan.clone(), program.clone(), device.clone(), parameters, prepared)?;
        drop(preparing);
        first.give_back_parameters();
        self.there.parameters.tidy();
        let (parameters, prepared) = first.weights();
        let (device, there, first) = (device.clone(), self.there.clone(), Mutex::new(Some(first)));
        Ok(Arc::new(OnDevice { device, plan, program, parameters, _prepared: prepared, there, first }))
    }
}

impl CudaStore {
    /// The parameters that a plan reads, none of the others, once all that it needs is known to fit.
    fn bring(
        &self,
        plan: &Plan,
        program: &Program,
        preparing: &Preparing<Arc<Buffer>>,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Arc<Buffer>>>> {
        let (device, there) = (&self.backend.device, &self.there.parameters);
        let mut parameters: Vec<_> = plan.parameters.iter().map(|one| there.get(&one.path)).collect();
        let read = preparing.parameters(plan);
        let missing: Vec<usize> = (0..read.len()).filter(|&index| read[index] && parameters[index].is_none()).collect();
        let bytes = missing.iter().map(|&index| plan.parameters[index].size_bytes()).sum();
        let footprint = GpuFootprint::of(plan, program).where_missing(bytes, preparing.missing_bytes(plan));
        footprint.check(batch_of(plan), device.free_bytes()?)?;
        for index in missing {
            cancel.check("packing the weights")?;
            let path = &plan.parameters[index].path;
            let buffer = upload(device, &*self.parameters.get(path)?)?;
            parameters[index] = Some(there.keep(path.clone(), Arc::new(buffer)));
        }
        Ok(parameters)
    }
}

/// A plan whose weights are packed on the device.
struct OnDevice {
    device: Arc<Device>,
    plan: Arc<Plan>,
    program: Program,
    /// Those that runs read.
    parameters: Vec<Option<Arc<Buffer>>>,
    /// Held, so that it stays in the register.
    _prepared: Vec<Arc<Buffer>>,
    there: Arc<There>,
    first: Mutex<Option<Execution>>,
}

impl Packed for OnDevice {
    fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    fn executable(&self) -> Result<Box<dyn Executable>> {
        // A panic leaves an execution or none.
        if let Some(first) = self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(Box::new(first));
        }
        let (plan, program, device) = (self.plan.clone(), self.program.clone(), self.device.clone());
        Ok(Box::new(Execution::new(plan, program, device, self.parameters.clone(), &self.there.prepared)?))
    }
}

/// Brings a tensor to the device.
fn upload(device: &Arc<Device>, tensor: &Tensor) -> Result<Buffer> {
    let words = words(tensor.view());
    device.context.make_current().during("bringing parameters")?;
    let buffer = match Buffer::new(&device.context, words.len()) {
        Err(error) if is_out_of_memory(error) => {
            let parameters = tensor.element().tensor_bytes(tensor.shape());
            let footprint = GpuFootprint { parameters, ..GpuFootprint::default() };
            return Err(footprint.refusal(None, device.free_bytes()?));
        }
        buffer => buffer.during("taking memory")?,
    };
    buffer.fill(&words).during("bringing parameters")?;
    Ok(buffer)
}

impl Executable for Execution {
    fn plan(&self) -> &Plan {
        Execution::plan(self)
    }

    /// It is asked whether the run is cancelled before it begins: a run is one recorded piece of work.
    fn run_unless(&mut self, inputs: &dyn TensorList, cancel: &Cancel) -> Result<&[Tensor]> {
        cancel.check("the run")?;
        Execution::run(self, inputs)
    }

    fn run_into(&mut self, inputs: &dyn TensorList, outputs: &mut [TensorViewMut<'_>], cancel: &Cancel) -> Result<()> {
        check_outputs(Execution::plan(self), outputs)?;
        let answers = Executable::run_unless(self, inputs, cancel)?;
        for (answer, output) in answers.iter().zip(outputs) {
            output.data.copy_from_slice(answer.data());
        }
        Ok(())
    }

    fn answers(&self) -> &[Tensor] {
        Execution::answers(self)
    }

    fn run_before(&mut self, inputs: &dyn TensorList, next: Option<&dyn TensorList>) -> Result<&[Tensor]> {
        Execution::run_before(self, inputs, next)
    }

    fn again(&mut self, _inputs: &dyn TensorList) -> Result<()> {
        Execution::again(self)
    }

    fn profile(&mut self, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
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
        let there = self.places.get(path).and_then(|&place| self.entries.get(place));
        if let Some(Stored { shape, element, buffer, .. }) = there
            && (shape.as_slice(), *element) == (tensor.shape(), tensor.element())
        {
            self.device.context.make_current().during("bringing parameters")?;
            return buffer.fill(&words(tensor.view())).during("bringing parameters");
        }
        let buffer = upload(&self.device, tensor)?;
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

impl TrainingExecutable for Training {
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

    fn again(&mut self, number: usize, _inputs: &dyn TensorList) -> Result<()> {
        self.execution(number)?.again()
    }

    fn profile(&mut self, number: usize, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
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
