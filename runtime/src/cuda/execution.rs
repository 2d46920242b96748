//! A program on a device: its modules, its memory, and a run as one recorded piece of work.
//!
//! A plan, its program and parameters on the device come in. What `prepare` makes for runs is shared with other plans
//! of the same parameters that make it alike; what it makes for itself lies in memory that is given back before the
//! arena is taken. A run is recorded once and then replayed; where the driver does not record it, its launches are put
//! in one by one, and `hindrance` says why. Inputs and answers go through memory that the device reads by itself; the
//! inputs of the next run may be on their way, on a stream of their own, while this one computes.

use super::cache;
use super::device::Device;
use super::driver::{During, Trouble};
use super::footprint::{GpuFootprint, batch_of};
use super::handles::{BoundLaunch, Buffer, Event, Function, Graph, Loaded, Pinned, Stream};
use super::libraries::{self, Session};
use super::memory::{Memory, allocate, gather, span, words, words_of};
use super::modules;
use super::program::{ALIGNMENT, Argument, LIBRARY_BYTES, Launch, Program, Task};
use super::source::argument;
use crate::failure::fault;
use crate::given::check_inputs;
use crate::register::{Preparing, Register};
use crate::view::{TensorList, views};
use crate::{Inputs, Result, Tensor};
use cnnc_compiler::plan::{Plan, PlanPort, PreparedKey, Storage, View};
use cudarc::driver::result::DriverError;
use std::collections::HashMap;
use std::sync::Arc;

/// Runs that a step is timed over at the least.
const TIMED_RUNS: usize = 5;

/// Something that can be put into a stream.
struct Item {
    work: QueuedWork,
    /// The number of the plan's step.
    step: usize,
}

/// What an item does.
enum QueuedWork {
    /// A kernel of ours runs.
    Kernel(BoundLaunch),
    /// A library computes, at these addresses.
    Library(Box<libraries::LibraryWork>, [u64; 4]),
}

/// A program that is ready to run.
pub struct Execution {
    plan: Arc<Plan>,
    program: Program,
    device: Arc<Device>,
    /// What computes, and what brings the next inputs.
    streams: [Stream; 2],
    // Dropped before the memory that it uses.
    recorded: Option<Graph>,
    launched_singly: Option<String>,
    run: Vec<Item>,
    libraries: Session,
    functions: HashMap<String, Function>,
    _modules: Vec<Loaded>,
    memory: Memory,
    inputs: Pinned,
    outputs: Pinned,
    /// The moment when the next inputs have come; after that, when they have been taken.
    arrived: Event,
    /// Whether `run_before` brought the inputs of its next call.
    is_ahead: bool,
    answers: Vec<Tensor>,
}

impl Execution {
    /// Makes a program ready: compiles it or finds it compiled, and prepares what is not in the register of what was prepared of
    /// these parameters. `parameters` has those of the plan, in its order, that it reads.
    ///
    /// # Errors
    /// E503 when a kernel does not compile, E504 when there is too little memory, E505 when the driver fails.
    pub fn new(
        plan: Arc<Plan>,
        program: Program,
        device: Arc<Device>,
        parameters: Vec<Option<Arc<Buffer>>>,
        register: &Register<PreparedKey, Arc<Buffer>>,
    ) -> Result<Execution> {
        device.context.make_current().during("being made ready")?;
        let preparing = Preparing::of(&plan, register);
        let footprint = GpuFootprint::of(&plan, &program).where_missing(0, preparing.missing_bytes(&plan));
        footprint.check(batch_of(&plan), device.free_bytes()?)?;
        let folder = cache::folder();
        let compiled = modules::compile(&program, device.nvrtc, device.architecture, folder.as_deref())?;
        let (modules, functions) = loaded(&device, &compiled)?;
        let room = |bytes: u64| allocate(&device, bytes, &footprint, &plan);
        let ports =
            |ports: &[PlanPort]| ports.iter().map(|port| room(port.view.size_bytes())).collect::<Result<Vec<_>>>();
        let made = preparing.missing(&plan).map(|(_, bytes)| room(bytes as u64).map(Arc::new));
        let made: Vec<Arc<Buffer>> = made.collect::<Result<_>>()?;
        let memory = Memory {
            inputs: ports(&plan.inputs)?,
            next_inputs: ports(&plan.inputs)?,
            parameters,
            scratch: None,
            prepared: all_prepared(&preparing, &made),
            workspace: room(footprint.workspace)?,
            arena: None,
        };
        let staging = |ports: &[PlanPort], length: &dyn Fn(&View) -> usize| {
            Pinned::new(&device.context, ports.iter().map(|port| length(&port.view)).sum()).during("taking memory")
        };
        let mut execution = Execution {
            inputs: staging(&plan.inputs, &|view| words_of(view.size_bytes()))?,
            outputs: staging(&plan.outputs, &span)?,
            answers: plan.outputs.iter().map(|port| Tensor::zeros(&port.view.shape, port.view.element)).collect(),
            streams: [Stream::new(&device.context)?, Stream::new(&device.context)?],
            arrived: Event::new(&device.context).during("making an event")?,
            is_ahead: false,
            recorded: None,
            launched_singly: None,
            run: Vec::new(),
            libraries: Session::new(device.properties.driver),
            functions,
            _modules: modules,
            memory,
            plan,
            program,
            device,
        };
        execution.prepare_by(&|step| preparing.steps[step])?;
        execution.memory.prepared = preparing.with(made, register);
        execution.memory.arena =
            Some(allocate(&execution.device, execution.plan.arena_bytes as u64, &footprint, &execution.plan)?);
        execution.run = execution.items(&execution.program.run.clone())?;
        execution.try_libraries()?;
        execution.record();
        Ok(execution)
    }

    /// The parameters that runs need, and what was prepared for them.
    pub fn weights(&self) -> (Vec<Option<Arc<Buffer>>>, Vec<Arc<Buffer>>) {
        (self.memory.parameters.clone(), self.memory.prepared.clone())
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Why runs are not recorded; `None` when they are.
    pub fn hindrance(&self) -> Option<&str> {
        self.launched_singly.as_deref()
    }

    /// Does all that is done once, again: when parameters that runs do not write were changed. What is shared is written with the
    /// same values by every program that has it, so all of them have to be told before one runs.
    pub fn prepare(&mut self) -> Result<()> {
        self.prepare_by(&|_| true)
    }

    /// Does those steps of `prepare` that are needed.
    fn prepare_by(&mut self, is_needed: &dyn Fn(usize) -> bool) -> Result<()> {
        let launches = self.program.prepare.iter().filter(|launch| is_needed(launch.step));
        let launches: Vec<Launch> = launches.cloned().collect();
        if launches.is_empty() {
            return Ok(());
        }
        self.device.context.make_current().during("being made ready")?;
        let footprint = GpuFootprint::of(&self.plan, &self.program).where_missing(0, self.plan.prepared_bytes());
        self.memory.scratch = Some(allocate(&self.device, self.plan.scratch_bytes as u64, &footprint, &self.plan)?);
        let items = self.items(&launches)?;
        let put_in = launch_all(&self.streams[0], &items);
        let done = put_in.and(self.streams[0].wait().map_err(Trouble::from)).during("preparing the parameters");
        self.memory.scratch = None;
        done
    }

    /// Launches with the functions and addresses that they stand for.
    fn items(&mut self, launches: &[Launch]) -> Result<Vec<Item>> {
        launches.iter().map(|launch| self.item(launch)).collect()
    }

    fn item(&mut self, launch: &Launch) -> Result<Item> {
        let addresses = launch.arguments.iter().map(|&argument| self.memory.address(argument));
        let addresses: Vec<u64> = addresses.collect::<Result<_>>()?;
        let work = match &launch.task {
            Task::Entry { name, grid, block } => {
                let function = self.functions.get(name);
                let function = *function.ok_or_else(|| fault(format!("no entry is called {name}")))?;
                QueuedWork::Kernel(BoundLaunch { function, grid: *grid, block: *block, addresses })
            }
            Task::Library(operation) => {
                let &[a, b, out, workspace] = addresses.as_slice() else {
                    return Err(fault(format!("{operation} takes four addresses")));
                };
                let divisors = [a, b, out].map(divisor);
                let work = self.libraries.work(operation, divisors, LIBRARY_BYTES);
                let work = work.map_err(|reason| Trouble::Library(format!("{operation}: {reason}")));
                QueuedWork::Library(Box::new(work.during("being made ready")?), [a, b, out, workspace])
            }
        };
        Ok(Item { work, step: launch.step })
    }

    /// Lets libraries do everything once: what they load and take for themselves at first cannot be recorded.
    fn try_libraries(&self) -> Result<()> {
        let foreign = self.run.iter().filter(|item| matches!(item.work, QueuedWork::Library(..)));
        let stream = &self.streams[0];
        let mut tried = foreign.map(|item| launch_all(stream, std::slice::from_ref(item)));
        tried.try_for_each(|one| one).during("being made ready")?;
        stream.wait().during("being made ready")
    }

    /// Lets parameters go that no run reads or writes, and no output shows: `prepare` cannot be done again then.
    pub fn give_back_parameters(&mut self) {
        let of_runs = self.program.run.iter().flat_map(|launch| &launch.arguments);
        let read: Vec<Storage> = of_runs
            .filter_map(|argument| match argument {
                Argument::At { storage, .. } => Some(*storage),
                Argument::Workspace(_) => None,
            })
            .chain(self.plan.outputs.iter().map(|port| port.view.storage))
            .collect();
        for (index, parameter) in self.memory.parameters.iter_mut().enumerate() {
            if !read.contains(&Storage::Parameter(index)) {
                *parameter = None;
            }
        }
    }

    /// Records a run.
    fn record(&mut self) {
        let stream = &self.streams[0];
        match stream.record(|| launch_all(stream, &self.run)) {
            Ok(graph) => self.recorded = Some(graph),
            Err(reason) => {
                self.launched_singly =
                    Some(format!("a run is not recorded as a CUDA graph, but launched singly: {reason}"));
            }
        }
    }

    /// Puts a run in.
    fn put_in(&self) -> std::result::Result<(), Trouble> {
        match &self.recorded {
            // SAFETY: the memory is this value's own or held by it.
            Some(graph) => Ok(unsafe { self.streams[0].replay(graph) }?),
            None => launch_all(&self.streams[0], &self.run),
        }
    }

    /// One run: the answers, in the order of the plan's outputs.
    ///
    /// # Errors
    /// E604 when the inputs are not those that the plan wants, E505 when the driver fails.
    pub fn run(&mut self, inputs: &dyn TensorList) -> Result<&[Tensor]> {
        self.is_ahead = false;
        self.begin(Inputs::Given(inputs))?;
        self.finish()
    }

    /// As [`Execution::run`]; the inputs of the next run are brought while this one computes. That run is given them again, by
    /// this function.
    ///
    /// # Errors
    /// As [`Execution::run`].
    pub fn run_before(&mut self, inputs: &dyn TensorList, next: Option<&dyn TensorList>) -> Result<&[Tensor]> {
        let is_there = std::mem::take(&mut self.is_ahead);
        self.begin(if is_there { Inputs::Staged } else { Inputs::Given(inputs) })?;
        if let Some(next) = next {
            self.stage(next)?;
            self.is_ahead = true;
        }
        self.finish()
    }

    /// Begins a run.
    ///
    /// # Errors
    /// As [`Execution::run`].
    pub fn begin(&mut self, inputs: Inputs<'_>) -> Result<()> {
        if let Inputs::Given(inputs) = inputs {
            self.stage(inputs)?;
        }
        let stream = &self.streams[0];
        let begin = || {
            self.device.context.make_current()?;
            stream.wait_for(&self.arrived)?;
            for (to, from) in self.memory.inputs.iter().zip(&self.memory.next_inputs) {
                // SAFETY: the memory is this value's own.
                unsafe { stream.copy(to, from) }?;
            }
            self.arrived.mark(stream)?;
            self.put_in()
        };
        begin().during("running the network")
    }

    /// Brings the inputs of the next run, while one that was begun may compute.
    ///
    /// # Errors
    /// As [`Execution::run`].
    pub fn stage(&mut self, inputs: &dyn TensorList) -> Result<()> {
        check_inputs(&self.plan, inputs)?;
        self.device.context.make_current().during("bringing inputs")?;
        // What was brought before has left the staging memory once the run that took it has begun.
        self.arrived.wait().during("bringing inputs")?;
        let mut place = 0;
        for (tensor, to) in views(inputs).zip(&self.memory.next_inputs) {
            let words = words(tensor);
            let staging = &mut self.inputs.values_mut()[place..][..words.len()];
            staging.copy_from_slice(&words);
            place += words.len();
            // SAFETY: the staging memory is not written before `arrived` has come.
            unsafe { self.streams[1].upload(to, staging) }.during("bringing inputs")?;
        }
        self.arrived.mark(&self.streams[1]).during("bringing inputs")
    }

    /// Waits for the run that was begun, and gives its answers.
    ///
    /// # Errors
    /// E505 when the driver fails.
    pub fn finish(&mut self) -> Result<&[Tensor]> {
        self.device.context.make_current().during("fetching the answers")?;
        let mut place = 0;
        for port in &self.plan.outputs {
            let length = span(&port.view);
            let from = self.memory.address(argument(&port.view))?;
            let to = &mut self.outputs.values_mut()[place..][..length];
            // SAFETY: the output lies there, and the staging memory is read after the stream was waited for.
            unsafe { self.streams[0].download(to, from) }.during("fetching the answers")?;
            place += length;
        }
        self.streams[0].wait().during("running the network")?;
        let mut place = 0;
        for (port, answer) in self.plan.outputs.iter().zip(&mut self.answers) {
            let length = span(&port.view);
            gather(&port.view, &self.outputs.values()[place..][..length], answer);
            place += length;
        }
        Ok(&self.answers)
    }

    /// The answers of the last run; zeros before the first.
    pub fn answers(&self) -> &[Tensor] {
        &self.answers
    }

    /// One more run on the inputs that are on the device, whose answers stay there.
    ///
    /// # Errors
    /// E505 when the driver fails.
    pub fn again(&mut self) -> Result<()> {
        self.device.context.make_current().during("running the network")?;
        self.put_in().and_then(|()| Ok(self.streams[0].wait()?)).during("running the network")
    }

    /// The median seconds of every step of the plan's `run`, by the device's own clock.
    ///
    /// # Errors
    /// As [`Execution::run`].
    pub fn profile(&mut self, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
        self.run(inputs)?;
        self.timed(runs.max(TIMED_RUNS)).during("timing the steps")
    }

    fn timed(&self, runs: usize) -> std::result::Result<Vec<f64>, Trouble> {
        let stream = &self.streams[0];
        let events = (0..=self.run.len()).map(|_| Event::new(&self.device.context));
        let events = events.collect::<std::result::Result<Vec<Event>, _>>()?;
        let marked =
            |mark: &dyn Fn(&Event) -> std::result::Result<(), DriverError>| -> std::result::Result<(), Trouble> {
                mark(&events[0])?;
                for (item, event) in self.run.iter().zip(&events[1..]) {
                    launch_all(stream, std::slice::from_ref(item))?;
                    mark(event)?;
                }
                Ok(())
            };
        // Recorded, so that no launch waits for the host; where the driver does not record, as they come.
        let graph = stream.record(|| marked(&|event| event.mark_recorded(stream))).ok();
        let mut seconds = vec![Vec::new(); self.plan.run.len()];
        for _ in 0..runs {
            match &graph {
                // SAFETY: the memory is this value's own or held by it.
                Some(graph) => unsafe { stream.replay(graph) }?,
                None => marked(&|event| event.mark(stream))?,
            }
            stream.wait()?;
            let mut of_run = vec![0.0; self.plan.run.len()];
            for (item, pair) in self.run.iter().zip(events.windows(2)) {
                if let (Some(total), [before, after]) = (of_run.get_mut(item.step), pair) {
                    *total += before.seconds_to(after)?;
                }
            }
            seconds.iter_mut().zip(of_run).for_each(|(all, one): (&mut Vec<f64>, f64)| all.push(one));
        }
        Ok(seconds.into_iter().map(median).collect())
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        // Nothing may be given back that work still uses.
        let _ = self.device.context.make_current();
        for stream in &self.streams {
            let _ = stream.wait();
        }
    }
}

/// All values by number that were prepared before, and between them those that have to be made.
fn all_prepared(preparing: &Preparing<Arc<Buffer>>, to_be_made: &[Arc<Buffer>]) -> Vec<Arc<Buffer>> {
    let mut to_be_made = to_be_made.iter();
    preparing.values.iter().filter_map(|value| value.as_ref().or_else(|| to_be_made.next())).cloned().collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

/// Puts items in, in order.
fn launch_all(stream: &Stream, items: &[Item]) -> std::result::Result<(), Trouble> {
    // SAFETY: the plan was checked, so that every view lies inside its storage, and all memory is held by whoever has the items.
    items.iter().try_for_each(|item| unsafe {
        match &item.work {
            QueuedWork::Kernel(launch) => Ok(stream.launch(launch)?),
            QueuedWork::Library(work, addresses) => work.put_in(stream, *addresses).map_err(Trouble::Library),
        }
    })
}

/// The bytes that divide an address, as far as values lie on them.
fn divisor(address: u64) -> u64 {
    1 << address.trailing_zeros().min((4 * ALIGNMENT).ilog2())
}

/// Modules on the device, and their functions by name.
fn loaded(device: &Device, compiled: &[modules::Module]) -> Result<(Vec<Loaded>, HashMap<String, Function>)> {
    let (mut modules, mut functions) = (Vec::new(), HashMap::new());
    for module in compiled {
        let loaded = Loaded::new(&device.context, &module.code).during("loading the kernels")?;
        for name in &module.entries {
            functions.insert(name.clone(), loaded.function(name).during("loading the kernels")?);
        }
        modules.push(loaded);
    }
    Ok((modules, functions))
}
