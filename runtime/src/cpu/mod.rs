//! The CPU engine: it prepares a plan once and then interprets it over one arena.
//!
//! Two sets of kernels read the same plans: `reference` runs what each kernel means, as plain loops; the fast ones are
//! what people use. [`evaluate_f64`] runs the reference in float64, which is what everything else is compared with.

#[cfg(not(feature = "internals"))]
pub(crate) mod blocked;
#[cfg(feature = "internals")]
pub mod blocked;
mod check;
mod fast;
mod footprint;
mod machine;
pub(crate) mod reference;
mod target;
#[cfg(test)]
pub(crate) mod test_plan;
mod training;
mod windows;

use crate::cancel::cancelled;
use crate::failure::{Result, fault};
#[cfg(feature = "internals")]
pub use crate::given::initial_state;
use crate::given::{check_inputs, check_outputs};
use crate::threads::{self, COMPUTE};
use crate::view::{Destinations, TensorList, TensorViewMut};
use crate::{Backend, Cancel, Executable, Packed, Parameters, Store, Tensor, TrainingExecutable};
use blocked::pool::{NoMore, Pool};
pub use blocked::vector::InstructionSet;
use cnnc_compiler::plan::{Plan, Target};
use fast::{Fast, Stock};
pub use footprint::{Footprint, footprint, training_footprint};
pub use machine::measure;
use reference::Interpreter;
use std::sync::{Arc, OnceLock};
use training::CpuTrainer;
#[cfg(feature = "internals")]
pub use training::TrainingEngine;

/// Which kernels compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernels {
    /// Plain loops in float32, one thread: slow, and easy to be sure of.
    Reference,
    /// Those that are there to be used.
    #[default]
    Fast,
}

/// How the CPU computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuOptions {
    /// Threads, at most [`MOST_THREADS`](crate::MOST_THREADS); 0 is as many as the machine has cores. The answer has the same
    /// bits for any number.
    pub threads: usize,
    /// Which kernels.
    pub kernels: Kernels,
    /// The instructions that the fast kernels use; the machine must have them.
    pub instructions: InstructionSet,
    /// Whether only methods are used that do what the definition says, in another order at most: no Winograd.
    pub exact: bool,
    /// Whether plans run a single time, so that methods are chosen by what packing their weights takes too.
    pub once: bool,
}

impl CpuOptions {
    /// The threads to start.
    pub fn thread_count(&self) -> usize {
        if self.threads == 0 { threads::cores() } else { self.threads }
    }

    /// Whether this machine can compute so. Whatever takes options asks.
    ///
    /// # Errors
    /// E506 when there are too many threads, E501 when the machine does not have the instructions, E507 when the environment asks
    /// for some that it cannot have.
    pub fn check(&self) -> Result<()> {
        COMPUTE.check(self.threads)?;
        InstructionSet::chosen()?;
        self.instructions.check()
    }

    /// The threads, started.
    fn pool(&self) -> Result<Arc<Pool>> {
        let wanted = self.thread_count();
        let none = |none: NoMore| COMPUTE.none_left(wanted, none.started, &none.error);
        Pool::new(wanted).map(Arc::new).map_err(none)
    }

    /// What plans for these kernels are made for.
    pub fn target(&self) -> Target {
        target::target(self)
    }

    /// The threads, started, for several plans.
    ///
    /// # Errors
    /// E506 when they cannot be started, and as [`CpuOptions::check`].
    fn threads(&self) -> Result<Threads> {
        self.check()?;
        self.pool().map(Threads)
    }
}

impl Default for CpuOptions {
    fn default() -> Self {
        CpuOptions {
            threads: 0,
            kernels: Kernels::Fast,
            instructions: InstructionSet::chosen().unwrap_or_else(|_| InstructionSet::detect()),
            exact: false,
            once: false,
        }
    }
}

/// The CPU as a back end. Its threads are started when the first plan needs them, and serve all plans.
#[derive(Clone, Default)]
pub struct Cpu {
    options: CpuOptions,
    threads: Arc<OnceLock<Threads>>,
}

impl Cpu {
    /// One that computes so.
    pub fn new(options: CpuOptions) -> Cpu {
        Cpu { options, threads: Arc::default() }
    }

    /// How it computes.
    pub fn options(&self) -> &CpuOptions {
        &self.options
    }

    /// The same threads, for plans by the definition alone, or that run a single time; see [`CpuOptions`].
    pub(crate) fn planning(&self, exact: bool, once: bool) -> Cpu {
        Cpu { options: CpuOptions { exact, once, ..self.options }, threads: self.threads.clone() }
    }

    /// The threads.
    ///
    /// # Errors
    /// As [`CpuOptions::threads`].
    pub(crate) fn threads(&self) -> Result<Threads> {
        if let Some(threads) = self.threads.get() {
            return Ok(threads.clone());
        }
        let started = self.options.threads()?;
        Ok(self.threads.get_or_init(|| started).clone())
    }
}

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn arithmetic(&self) -> String {
        format!("{:?}", self.options.instructions)
    }

    fn target(&self) -> Target {
        self.options.target()
    }

    fn store(&self, parameters: &Parameters) -> Result<Arc<dyn Store>> {
        let (options, threads) = (self.options, self.threads()?);
        Ok(Arc::new(CpuStore { options, threads, parameters: parameters.clone(), stock: Stock::default() }))
    }

    fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn TrainingExecutable>> {
        Ok(Box::new(CpuTrainer::new(plan, parameters, self.options, self.threads()?)?))
    }
}

/// Parameters, what plans packed of them, and how these are run.
struct CpuStore {
    options: CpuOptions,
    threads: Threads,
    parameters: Parameters,
    stock: Stock,
}

impl Store for CpuStore {
    fn pack(&self, plan: Arc<Plan>, cancel: &Cancel) -> Result<Arc<dyn Packed>> {
        Ok(Arc::new(Shared::new(plan, &self.parameters, self.options, self.threads.clone(), cancel, &self.stock)?))
    }
}

/// Threads that compute.
#[derive(Clone)]
pub(crate) struct Threads(Arc<Pool>);

/// A plan that was prepared for the CPU once, and is shared by all engines that run it.
struct Shared {
    plan: Arc<Plan>,
    prepared: Prepared,
}

/// The plan as the chosen kernels prepare it.
enum Prepared {
    /// The parameters as they were prepared.
    Reference(Parameters),
    Fast(Arc<fast::Packed>),
}

impl Shared {
    /// Prepares a plan: those of its `prepare` steps run here that make what `stock` has not, which is of the same parameters and
    /// instructions. What comes of it shares the parameters' memory where it can.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing or of another shape, and as [`CpuOptions::check`].
    fn new(
        plan: Arc<Plan>,
        parameters: &Parameters,
        options: CpuOptions,
        threads: Threads,
        cancel: &Cancel,
        stock: &Stock,
    ) -> Result<Shared> {
        check::check(&plan)?;
        let prepared = match options.kernels {
            Kernels::Reference => {
                check::memory(&plan, plan.prepared_bytes(), 0)?;
                Prepared::Reference(parameters.clone())
            }
            Kernels::Fast => {
                let set = options.instructions;
                let packed = fast::Packed::new(plan.clone(), parameters, stock, set, threads.0, cancel)?;
                Prepared::Fast(Arc::new(packed))
            }
        };
        Ok(Shared { plan, prepared })
    }

    /// An engine that runs it, with memory of its own.
    ///
    /// # Errors
    /// As [`Engine::new`], for the reference kernels alone.
    fn engine(&self) -> Result<Engine> {
        let plan = self.plan.clone();
        let kernels = match &self.prepared {
            Prepared::Reference(parameters) => Running::Reference(Interpreter::new(plan.clone(), parameters)?),
            Prepared::Fast(packed) => Running::Fast(Box::new(Fast::new(packed.clone()))),
        };
        let answers = plan.outputs.iter().map(|port| Tensor::zeros(&port.view.shape, port.view.element)).collect();
        let learns = plan.parameters.iter().any(|parameter| parameter.changes);
        Ok(Engine { plan, kernels, answers, learns })
    }
}

impl Packed for Shared {
    fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    fn executable(&self) -> Result<Box<dyn Executable>> {
        Ok(Box::new(self.engine()?))
    }
}

/// A plan, prepared for the CPU, and the memory of its runs.
pub struct Engine {
    plan: Arc<Plan>,
    kernels: Running,
    /// The answers of the last run; their memory is used again.
    answers: Vec<Tensor>,
    /// Whether some parameters change, and lie in a state that the caller holds.
    learns: bool,
}

/// The plan as the chosen kernels run it.
enum Running {
    Reference(Interpreter<f32>),
    Fast(Box<Fast>),
}

impl Engine {
    /// Prepares a plan: its `prepare` steps run here. The engine shares the parameters' memory where it can.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing or of another shape, E506 when the threads cannot be started, and as
    /// [`CpuOptions::check`].
    #[cfg(any(test, feature = "internals"))]
    pub fn new(plan: Arc<Plan>, parameters: &Parameters, options: CpuOptions) -> Result<Engine> {
        Engine::with_threads(plan, parameters, options, options.threads()?)
    }

    /// As [`Engine::new`], by threads that serve others too.
    fn with_threads(plan: Arc<Plan>, parameters: &Parameters, options: CpuOptions, threads: Threads) -> Result<Engine> {
        Shared::new(plan, parameters, options, threads, &Cancel::default(), &Stock::default())?.engine()
    }

    /// The plan that the engine runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The answers to these inputs, in the order of the plan's outputs. They stay until the next run, which allocates nothing.
    ///
    /// # Errors
    /// E604 when the inputs are not those that the plan wants.
    #[cfg(any(test, feature = "internals"))]
    pub fn run<L: TensorList + ?Sized>(&mut self, inputs: &L) -> Result<&[Tensor]> {
        self.run_unless(&inputs, &Cancel::default())
    }

    /// The median seconds of every step of the plan's `run` over some runs, at least one; empty for the reference kernels, whose
    /// speed tells nothing.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn profile(&mut self, inputs: &(impl TensorList + ?Sized), runs: usize) -> Result<Vec<f64>> {
        self.check_run(&inputs)?;
        match &mut self.kernels {
            Running::Fast(fast) => Ok(fast.profile(&inputs, &mut self.answers, runs.max(1))),
            Running::Reference(_) => Ok(Vec::new()),
        }
    }
}

impl Engine {
    /// Whether a run can be made of these inputs alone.
    fn check_run(&self, inputs: &dyn TensorList) -> Result<()> {
        if self.learns {
            return Err(fault("a plan whose parameters change is run by steps over a state"));
        }
        check_inputs(&self.plan, inputs)
    }
}

impl Executable for Engine {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Steps ask whether the run is cancelled; the reference kernels ask before the first alone.
    fn run_unless(&mut self, inputs: &dyn TensorList, cancel: &Cancel) -> Result<&[Tensor]> {
        self.check_run(inputs)?;
        self.kernels.run(inputs, &mut self.answers, cancel)?;
        Ok(&self.answers)
    }

    fn run_into(
        &mut self,
        inputs: &dyn TensorList,
        mut outputs: &mut [TensorViewMut<'_>],
        cancel: &Cancel,
    ) -> Result<()> {
        self.check_run(inputs)?;
        check_outputs(&self.plan, outputs)?;
        self.kernels.run(inputs, &mut outputs, cancel)
    }

    fn answers(&self) -> &[Tensor] {
        &self.answers
    }

    fn profile(&mut self, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
        Engine::profile(self, &inputs, runs)
    }
}

impl Running {
    /// Runs to the answers.
    ///
    /// # Errors
    /// E508 when it is cancelled: there are no answers then.
    fn run(&mut self, inputs: &dyn TensorList, answers: &mut dyn Destinations, cancel: &Cancel) -> Result<()> {
        let done = match self {
            Running::Fast(fast) => fast.run(inputs, answers, cancel),
            Running::Reference(_) if cancel.is_cancelled() => false,
            Running::Reference(interpreter) => {
                interpret(interpreter, inputs, answers);
                true
            }
        };
        if done { Ok(()) } else { Err(cancelled("the run")) }
    }
}

/// Runs the reference kernels, and copies what they answer.
fn interpret(interpreter: &mut Interpreter<f32>, inputs: &dyn TensorList, answers: &mut dyn Destinations) {
    interpreter.run(inputs);
    interpreter.answer(answers);
}

/// A tensor in float64: its sizes and its values, the last axis fastest.
pub type Tensor64 = (Vec<usize>, Vec<f64>);

/// What a plan says in float64, by the reference kernels: slow, and what every other answer is compared with.
///
/// # Errors
/// As [`Engine::new`] and [`Engine::run`].
pub fn evaluate_f64(
    plan: Arc<Plan>,
    parameters: &Parameters,
    inputs: &(impl TensorList + ?Sized),
) -> Result<Vec<Tensor64>> {
    let inputs: &dyn TensorList = &inputs;
    check::check(&plan)?;
    check::memory(&plan, plan.prepared_bytes(), 0)?;
    check_inputs(&plan, inputs)?;
    let mut interpreter = Interpreter::<f64>::new(plan.clone(), parameters)?;
    let shapes = plan.outputs.iter().map(|port| port.view.shape.clone());
    interpreter.run(inputs);
    Ok(shapes.zip(interpreter.answers()).collect())
}

#[cfg(test)]
mod tests {
    use super::test_plan::{TestPlan, dense};
    use super::{CpuOptions, Engine, evaluate_f64};
    use crate::{Parameters, Tensor};
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::kernels::{Expression, Gemm};
    use cnnc_compiler::plan::{Operation, Plan, Storage};
    use std::sync::Arc;

    /// `x·weightᵀ + bias`, then ReLU, with the bias doubled once in `prepare`.
    fn linear() -> Arc<Plan> {
        let gemm = Operation::Gemm(Gemm { transpose_a: false, transpose_b: true });
        let mut bias = dense(Storage::Prepared(0), 0, &[2, 2]);
        bias.strides = vec![0, 1];
        let relu = (Expression::operand(0) + Expression::operand(1)).maximum(0.0);
        TestPlan::new(&[&[2, 3]])
            .parameter("0.weight", &[2, 3])
            .parameter("0.bias", &[2])
            .prepare(Operation::Map(Expression::operand(0) * 2.0), &[dense(Storage::Parameter(1), 0, &[2])], &[2])
            .step(gemm, &[dense(Storage::Input(0), 0, &[2, 3]), dense(Storage::Parameter(0), 0, &[2, 3])], &[2, 2])
            .epilogue(relu, &[bias])
            .finish()
    }

    fn parameters() -> Parameters {
        let weight = Tensor::new(&[2, 3], vec![1.0, 0.0, 0.0, 0.0, -1.0, 1.0]).unwrap();
        let bias = Tensor::new(&[2], vec![0.5, 1.0]).unwrap();
        [("0.weight".into(), weight), ("0.bias".into(), bias)].into_iter().collect()
    }

    #[test]
    fn prepares_and_runs() {
        let input = Tensor::new(&[2, 3], vec![1.0, 2.0, 3.0, -4.0, 5.0, -6.0]).unwrap();
        let mut engine = Engine::new(linear(), &parameters(), CpuOptions::default()).unwrap();
        let answer = engine.run(std::slice::from_ref(&input)).unwrap().to_vec();
        assert_eq!(answer[0].data(), [2.0, 3.0, 0.0, 0.0]);
        assert_eq!(answer, engine.run(std::slice::from_ref(&input)).unwrap());
        let exact = evaluate_f64(linear(), &parameters(), &[input]).unwrap();
        assert_eq!(exact, [(vec![2, 2], vec![2.0, 3.0, 0.0, 0.0])]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let mut engine = Engine::new(linear(), &parameters(), CpuOptions::default()).unwrap();
        let wrong = engine.run(&[Tensor::filled(&[3, 2], 0.0)]).unwrap_err();
        assert_eq!((wrong.code, wrong.message.as_str()), (Code::E604, "`input` is [3, 2], and the model takes [2, 3]"));
        assert_eq!(engine.run::<[Tensor]>(&[]).unwrap_err().code, Code::E604);
        let counts = Tensor::of_counts(&[2, 3], vec![1; 6]).unwrap();
        assert_eq!(engine.run(&[counts]).unwrap_err().message, "`input` holds uint64, and the model takes float32");

        let mut without = Parameters::default();
        without.insert("0.weigth", Tensor::filled(&[2, 3], 0.0));
        let missing = Engine::new(linear(), &without, CpuOptions::default()).err().unwrap();
        assert_eq!(missing.code, Code::E602);
        assert_eq!(missing.help, ["there is one named `0.weigth`"]);
        without.insert("0.weight", Tensor::filled(&[3, 2], 0.0));
        assert!(Engine::new(linear(), &without, CpuOptions::default()).err().unwrap().message.contains("[3, 2]"));
    }
}
