//! A program on a device: its modules, its memory, and a run as one recorded piece of work.
//!
//! A plan, its program and parameters on the device come in. What `prepare` makes for itself lies in memory that is
//! given back before the arena is taken. A run is recorded once and then replayed; where the driver does not record
//! it, its launches are put in one by one, and `hindrance` says why. Inputs and answers go through memory that the
//! device reads by itself; the inputs of the next run may be on their way, on a stream of their own, while this one
//! computes.

use super::cache;
use super::device::Device;
use super::driver::{During, in_words};
use super::handles::{Buffer, Call, Event, Function, Graph, Loaded, Pinned, Stream};
use super::memory::{Memory, allocate, gather, span};
use super::modules;
use super::need::{Need, batch_of};
use super::program::{Argument, Launch, Program};
use crate::cpu::check_inputs;
use crate::failure::fault;
use crate::{Inputs, Result, Tensor};
use cnnc_compiler::plan::{Plan, PlanPort, Storage, View};
use cudarc::driver::result::DriverError;
use std::collections::HashMap;
use std::sync::Arc;

/// Runs that a step is timed over at the least.
const TIMED_RUNS: usize = 5;

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
    run: Vec<Call>,
    functions: HashMap<String, Function>,
    _modules: Vec<Loaded>,
    memory: Memory,
    inputs: Pinned,
    outputs: Pinned,
    /// The moment when the next inputs have come; after that, when they have been taken.
    arrived: Event,
    answers: Vec<Tensor>,
}

impl Execution {
    /// Makes a program ready: compiles it or finds it compiled, and prepares. `parameters` has the plan's, in its order.
    ///
    /// # Errors
    /// E503 when a kernel does not compile, E504 when there is too little memory, E505 when the driver fails.
    pub fn new(
        plan: Arc<Plan>,
        program: Program,
        device: Arc<Device>,
        parameters: Vec<Arc<Buffer>>,
    ) -> Result<Execution> {
        device.context.make_current().during("being made ready")?;
        let need = Need::of(&plan, &program).without_parameters();
        need.check(batch_of(&plan), device.free_bytes()?)?;
        let folder = cache::folder();
        let compiled = modules::compile(&program, device.nvrtc, device.architecture, folder.as_deref())?;
        let (modules, functions) = loaded(&device, &compiled)?;
        let room = |elements: usize| allocate(&device, elements, &need, &plan);
        let ports =
            |ports: &[PlanPort]| ports.iter().map(|port| room(port.view.elements())).collect::<Result<Vec<_>>>();
        let memory = Memory {
            inputs: ports(&plan.inputs)?,
            next_inputs: ports(&plan.inputs)?,
            parameters: parameters.into_iter().map(Some).collect(),
            scratch: None,
            prepared: room(plan.prepared_elements)?,
            workspace: room(program.workspace_elements)?,
            arena: None,
        };
        let staging = |ports: &[PlanPort], length: &dyn Fn(&View) -> usize| {
            Pinned::new(&device.context, ports.iter().map(|port| length(&port.view)).sum()).during("taking memory")
        };
        let mut execution = Execution {
            inputs: staging(&plan.inputs, &View::elements)?,
            outputs: staging(&plan.outputs, &span)?,
            answers: plan.outputs.iter().map(|port| Tensor::filled(&port.view.shape, 0.0)).collect(),
            streams: [Stream::new(&device.context)?, Stream::new(&device.context)?],
            arrived: Event::new(&device.context).during("making an event")?,
            recorded: None,
            launched_singly: None,
            run: Vec::new(),
            functions,
            _modules: modules,
            memory,
            plan,
            program,
            device,
        };
        execution.prepare()?;
        execution.memory.arena =
            Some(allocate(&execution.device, execution.plan.arena_elements, &need, &execution.plan)?);
        execution.run = execution.calls(&execution.program.run)?;
        execution.record();
        Ok(execution)
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Why runs are not recorded; `None` when they are.
    pub fn hindrance(&self) -> Option<&str> {
        self.launched_singly.as_deref()
    }

    /// Does what is done once: when the program is made ready, and again when parameters that runs do not write were changed.
    pub fn prepare(&mut self) -> Result<()> {
        if self.program.prepare.is_empty() {
            return Ok(());
        }
        self.device.context.make_current().during("being made ready")?;
        let need = Need::of(&self.plan, &self.program).without_parameters();
        self.memory.scratch = Some(allocate(&self.device, self.plan.scratch_elements, &need, &self.plan)?);
        let calls = self.calls(&self.program.prepare)?;
        let put_in = launch_all(&self.streams[0], &calls);
        let done = put_in.and(self.streams[0].wait()).during("preparing the parameters");
        self.memory.scratch = None;
        done
    }

    /// Launches with the functions and addresses that they stand for.
    fn calls(&self, launches: &[Launch]) -> Result<Vec<Call>> {
        let call = |launch: &Launch| {
            let function = self.functions.get(&launch.entry);
            let function = *function.ok_or_else(|| fault(format!("no entry is called {}", launch.entry)))?;
            function.allow_shared(launch.shared_bytes).during("setting up a kernel")?;
            let addresses = launch.arguments.iter().map(|&argument| self.memory.address(argument));
            let Launch { grid, block, shared_bytes, step, .. } = *launch;
            Ok(Call { function, grid, block, shared_bytes, addresses: addresses.collect::<Result<_>>()?, step })
        };
        launches.iter().map(call).collect()
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
            Err(error) => {
                let reason = in_words(error);
                self.launched_singly =
                    Some(format!("a run is not recorded as a CUDA graph, but launched singly: {reason}"));
            }
        }
    }

    /// Puts a run in.
    fn put_in(&self) -> std::result::Result<(), DriverError> {
        match &self.recorded {
            // SAFETY: the memory is this value's own or held by it.
            Some(graph) => unsafe { self.streams[0].replay(graph) },
            None => launch_all(&self.streams[0], &self.run),
        }
    }

    /// One run: the answers, in the order of the plan's outputs.
    ///
    /// # Errors
    /// E604 when the inputs are not those that the plan wants, E505 when the driver fails.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor]> {
        self.begin(Inputs::Given(inputs))?;
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
    pub fn stage(&mut self, inputs: &[Tensor]) -> Result<()> {
        check_inputs(&self.plan, inputs)?;
        self.device.context.make_current().during("bringing inputs")?;
        // What was brought before has left the staging memory once the run that took it has begun.
        self.arrived.wait().during("bringing inputs")?;
        let mut place = 0;
        for (tensor, to) in inputs.iter().zip(&self.memory.next_inputs) {
            let staging = &mut self.inputs.values_mut()[place..][..tensor.data().len()];
            staging.copy_from_slice(tensor.data());
            place += tensor.data().len();
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
            let from = self.memory.address(Argument::At { storage: port.view.storage, offset: port.view.offset })?;
            let to = &mut self.outputs.values_mut()[place..][..length];
            // SAFETY: the output lies there, and the staging memory is read after the stream was waited for.
            unsafe { self.streams[0].download(to, from) }.during("fetching the answers")?;
            place += length;
        }
        self.streams[0].wait().during("running the network")?;
        let mut place = 0;
        for (port, answer) in self.plan.outputs.iter().zip(&mut self.answers) {
            let length = span(&port.view);
            gather(&port.view, &self.outputs.values()[place..][..length], answer.data_mut());
            place += length;
        }
        Ok(&self.answers)
    }

    /// One more run on the inputs that are on the device, whose answers stay there.
    ///
    /// # Errors
    /// E505 when the driver fails.
    pub fn again(&mut self) -> Result<()> {
        self.device.context.make_current().during("running the network")?;
        self.put_in().and_then(|()| self.streams[0].wait()).during("running the network")
    }

    /// The median seconds of every step of the plan's `run`, by the device's own clock.
    ///
    /// # Errors
    /// As [`Execution::run`].
    pub fn profile(&mut self, inputs: &[Tensor], runs: usize) -> Result<Vec<f64>> {
        self.run(inputs)?;
        self.timed(runs.max(TIMED_RUNS)).during("timing the steps")
    }

    fn timed(&self, runs: usize) -> std::result::Result<Vec<f64>, DriverError> {
        let stream = &self.streams[0];
        let events = (0..=self.run.len()).map(|_| Event::new(&self.device.context));
        let events = events.collect::<std::result::Result<Vec<Event>, _>>()?;
        let marked = |mark: &dyn Fn(&Event) -> std::result::Result<(), DriverError>| {
            mark(&events[0])?;
            for (call, event) in self.run.iter().zip(&events[1..]) {
                launch_all(stream, std::slice::from_ref(call))?;
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
            for (call, pair) in self.run.iter().zip(events.windows(2)) {
                if let (Some(total), [before, after]) = (of_run.get_mut(call.step), pair) {
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

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

/// Puts launches in, in order.
fn launch_all(stream: &Stream, calls: &[Call]) -> std::result::Result<(), DriverError> {
    // SAFETY: the plan was checked, so that every view lies inside its storage, and all memory is held by whoever has the calls.
    calls.iter().try_for_each(|call| unsafe { stream.launch(call) })
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
