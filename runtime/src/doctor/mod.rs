//! The self-check: every kernel of a back end against the reference kernels in float64, on one grid of small networks.
//!
//! A [`Subject`] of the grid and a [`Backend`] come in, how far the answers are off goes out. A back end that has no such kernel
//! (no blocks of channels) says so, and is not at fault.

mod grid;
#[cfg(all(test, target_os = "linux"))]
mod mutated;

pub use grid::{GRID, LAYER, NETWORK, NETWORK_BY_WINOGRAD, REFERENCE, Road, Subject};

use crate::cpu::{Tensor64, evaluate_f64};
use crate::failure::fault;
use crate::tuning::Tuning;
use crate::{Backend, Model, Parameters, Result, Tensor, random};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Method, Operation, Plan, Step, Target, choices, plan};
use cnnc_compiler::training::{Loss, SumOrMean, loss_and_gradients};
use cnnc_compiler::write_kernels::Bindings;
use std::sync::Arc;

/// What functions are given lies so far from 0: past where they bend.
const REACH: f32 = 6.0;

/// A subject's networks with their inputs and what float64 answers.
pub struct Examination {
    subject: &'static Subject,
    cases: Vec<Case>,
}

struct Case {
    model: Model,
    parameters: Parameters,
    inputs: Vec<Tensor>,
    expected: Vec<Tensor64>,
}

impl Examination {
    /// Asks the reference kernels. What they say counts for every back end.
    ///
    /// # Errors
    /// When a case is no network: a fault of the grid.
    pub fn new(subject: &'static Subject) -> Result<Examination> {
        let cases = subject.cases.iter().map(|(layers, shape)| Case::new(layers, shape, subject.road));
        Ok(Examination { subject, cases: cases.collect::<Result<_>>()? })
    }

    /// The largest error of a back end over all cases, as a share of the largest value; `None` when the back end has no such
    /// kernel, not-a-number when an answer has one.
    ///
    /// # Errors
    /// When the back end cannot run a case.
    pub fn error(&self, backend: &dyn Backend) -> Result<Option<f64>> {
        let mut largest = 0.0;
        for case in &self.cases {
            let Some(error) = case.error(self.subject.road, backend)? else { return Ok(None) };
            largest = worse(largest, error);
        }
        Ok(Some(largest))
    }

    /// Whether any of the plans for a target is such a one.
    ///
    /// # Errors
    /// As [`Examination::error`].
    pub fn any_plan(&self, target: &Target, is_one: impl Fn(&Plan) -> bool) -> Result<bool> {
        for case in &self.cases {
            if case.plan(self.subject.road, target.clone())?.is_some_and(|plan| is_one(&plan)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Subject {
    /// Whether an error is within the tolerance of the CPU.
    pub fn allows(&self, error: f64) -> bool {
        error <= self.tolerance
    }
}

impl Case {
    fn new(layers: &str, shape: &[usize], road: Road) -> Result<Case> {
        let model = Model::from_text("grid.cnn", &format!("model Case {{\n    input {shape:?}\n    {layers}\n}}\n"))?;
        let mut input = model.reader().drawn(0, 0)?.tensor;
        input.data_mut().iter_mut().for_each(|value| *value *= REACH);
        let parameters = Parameters::draw(&model.graph().graph, 0)?;
        let plan = usual(&model, road, &Target::reference())?;
        let mut inputs = vec![input];
        // Of a loss the plan takes what the network should answer, too.
        let labels = plan.inputs.iter().skip(1);
        inputs.extend(labels.map(|port| match port.view.element {
            ElementType::Float32 | ElementType::Uint8(_) => random::input(&port.name, &port.view.shape, 1),
            ElementType::Uint64 => Tensor::zeros(&port.view.shape, ElementType::Uint64),
        }));
        let expected = evaluate_f64(plan, &parameters, &inputs)?;
        Ok(Case { model, parameters, inputs, expected })
    }

    fn error(&self, road: Road, backend: &dyn Backend) -> Result<Option<f64>> {
        let Some(plan) = self.plan(road, backend.target())? else { return Ok(None) };
        let mut executable = backend.prepare(plan, &self.parameters)?;
        let answers = executable.run(&self.inputs)?;
        let errors = answers
            .iter()
            .zip(&self.expected)
            .map(|(answer, (_, expected))| relative_error(answer.numbers(), expected));
        Ok(Some(errors.fold(0.0, worse)))
    }

    /// The plan that uses the kernel; `None` where the target has none.
    fn plan(&self, road: Road, mut target: Target) -> Result<Option<Arc<Plan>>> {
        let compile = |target: &Target| usual(&self.model, road, target);
        let method = match road {
            Road::Usual | Road::Gradients => return compile(&target).map(Some),
            Road::Plain => {
                target.blocks = None;
                return compile(&target).map(Some);
            }
            Road::By(method) => method,
        };
        let Some(blocks) = target.blocks.as_ref() else {
            // Without blocks the definition has a kernel of its own, and Winograd's method has none.
            return if matches!(method, Method::Winograd(_)) { Ok(None) } else { compile(&target).map(Some) };
        };
        let free = choices(&*compile(&target)?, blocks).into_iter().map(|choice| (choice.key, method));
        Tuning(free.collect()).apply(&mut target);
        let plan = compile(&target)?;
        let by_another =
            |step: &Step| matches!(&step.operation, Operation::PackedConv(packed) if packed.method != method);
        match !plan.run.iter().any(by_another) {
            true => Ok(Some(plan)),
            false => Err(fault(format!("a case of the grid is not computed by `{}`", method.name()))),
        }
    }
}

/// The plan of the network, or of its gradients, that a target chooses.
fn usual(model: &Model, road: Road, target: &Target) -> Result<Arc<Plan>> {
    if road != Road::Gradients {
        return model.compile(&Bindings::new(), target, &mut ()).map(|(plan, _)| plan);
    }
    let loss = Loss::MeanSquaredError(SumOrMean::Sum);
    let mut graph = loss_and_gradients(model.graph(), &Bindings::new(), loss)?;
    passes::run(&mut graph)?;
    Ok(Arc::new(plan(&graph, target)?))
}

/// `max|a − b| / max|b|`: 0 where both are 0 throughout, not-a-number where a value is none.
pub fn relative_error(a: impl IntoIterator<Item = f64>, b: &[f64]) -> f64 {
    let difference = a.into_iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, worse);
    let largest = b.iter().map(|b| b.abs()).fold(0.0, worse);
    if difference == 0.0 { 0.0 } else { difference / largest }
}

/// The larger; not-a-number once there is one.
fn worse(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::{Examination, GRID, LAYER, Road, relative_error};
    use crate::cpu::InstructionSet;
    use crate::cpu::{Cpu, CpuOptions, Kernels};
    use crate::{
        Backend, Cancel, Executable, Packed, Parameters, Result, Store, Tensor, TensorList, TensorViewMut,
        TrainingExecutable,
    };
    use cnnc_compiler::plan::{Method, Plan, Target};
    use std::sync::Arc;

    fn backends() -> Vec<Cpu> {
        let sets = InstructionSet::available().into_iter();
        sets.map(|instructions| Cpu::new(CpuOptions { instructions, ..CpuOptions::default() })).collect()
    }

    #[test]
    fn every_kernel_is_within_its_tolerance_by_every_instruction_set() {
        for subject in GRID {
            assert!(subject.tolerance <= LAYER, "{}", subject.name);
            let examination = Examination::new(subject).unwrap_or_else(|report| panic!("{}: {report}", subject.name));
            for backend in backends() {
                let set = backend.options().instructions.name();
                let error = examination.error(&backend).unwrap_or_else(|report| panic!("{}: {report}", subject.name));
                let error = error.unwrap_or_else(|| panic!("{} is absent on {set}", subject.name));
                assert!(
                    subject.allows(error),
                    "{} on {set}: {error:.1e}, {:.1e} allowed",
                    subject.name,
                    subject.tolerance
                );
            }
        }
    }

    /// The CPU with one value that is off by a thousandth, or is none.
    struct Wrong(f32);

    impl Backend for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }

        fn arithmetic(&self) -> String {
            "wrong".into()
        }

        fn target(&self) -> Target {
            Cpu::default().target()
        }

        fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn TrainingExecutable>> {
            Cpu::default().trainer(plan, parameters)
        }

        fn store(&self, parameters: &Parameters) -> Result<Arc<dyn Store>> {
            Ok(Arc::new(WrongStore(Cpu::default().store(parameters)?, self.0)))
        }
    }

    struct WrongStore(Arc<dyn Store>, f32);

    impl Store for WrongStore {
        fn pack(&self, plan: Arc<Plan>, cancel: &Cancel) -> Result<Arc<dyn Packed>> {
            Ok(Arc::new(WrongPacked(self.0.pack(plan, cancel)?, self.1)))
        }
    }

    struct WrongPacked(Arc<dyn Packed>, f32);

    impl Packed for WrongPacked {
        fn plan(&self) -> &Arc<Plan> {
            self.0.plan()
        }

        fn executable(&self) -> Result<Box<dyn Executable>> {
            Ok(Box::new(WrongPlan(self.0.executable()?, self.1, Vec::new())))
        }
    }

    struct WrongPlan(Box<dyn Executable>, f32, Vec<Tensor>);

    impl Executable for WrongPlan {
        fn plan(&self) -> &Plan {
            self.0.plan()
        }

        fn run_into(
            &mut self,
            inputs: &dyn TensorList,
            outputs: &mut [TensorViewMut<'_>],
            cancel: &Cancel,
        ) -> Result<()> {
            self.0.run_into(inputs, outputs, cancel)
        }

        fn answers(&self) -> &[Tensor] {
            &self.2
        }

        fn run_unless(&mut self, inputs: &dyn TensorList, cancel: &Cancel) -> Result<&[Tensor]> {
            self.2 = self.0.run_unless(inputs, cancel)?.to_vec();
            let values = self.2[0].data_mut();
            let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            values[0] += self.1 * largest;
            Ok(&self.2)
        }

        fn profile(&mut self, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
            self.0.profile(inputs, runs)
        }
    }

    #[test]
    fn a_value_that_is_off_is_found() {
        for subject in GRID {
            let examination = Examination::new(subject).unwrap();
            for by in [1e-3, f32::NAN] {
                let error = examination.error(&Wrong(by)).unwrap().unwrap();
                assert!(!subject.allows(error), "{} allows {error:.1e}", subject.name);
            }
        }
    }

    #[test]
    fn a_back_end_without_blocks_convolves_by_the_definition_alone() {
        let reference = Cpu::new(CpuOptions { kernels: Kernels::Reference, ..CpuOptions::default() });
        for subject in GRID.iter().filter(|subject| subject.name.contains("conv")) {
            let error = Examination::new(subject).unwrap().error(&reference).unwrap();
            let by_winograd = matches!(subject.road, Road::By(Method::Winograd(_)));
            assert_eq!(error.is_none(), by_winograd, "{}", subject.name);
            assert!(error.is_none_or(|error| error <= LAYER), "{}", subject.name);
        }
    }

    #[test]
    fn errors_are_shares_of_the_largest_value() {
        assert_eq!(relative_error([1.0, 2.0], &[1.0, 4.0]), 0.5);
        assert_eq!(relative_error([0.0], &[0.0]), 0.0);
        assert!(relative_error([f64::NAN], &[1.0]).is_nan());
        assert!(relative_error([1.0], &[f64::NAN]).is_nan());
    }
}
