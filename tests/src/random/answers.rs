//! A net's answers by every road, each held against the evaluation.

use super::net::{DOUBLE, Net, Precision, SINGLE, TOO_LARGE, off, widened};
use super::report::Report;
use crate::evaluation::number::largest;
use crate::evaluation::{Array, Evaluation, Mode, evaluate};
use cnnc_compiler::kernels::KernelGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Method, Plan, Target, choices, plan};
use cnnc_compiler::write_kernels::write_kernels;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Engine, InstructionSet, Kernels, evaluate_f64};
use cnnc_runtime::cuda::program;
use cnnc_runtime::tuning::Tuning;
use cnnc_runtime::{Backend, Parameters, Tensor};
use std::sync::Arc;

/// Memory that no net comes near.
pub const MEMORY: u64 = 16 << 30;

/// A net with what it is run on.
struct Run<'a> {
    net: &'a Net,
    parameters: Parameters,
    inputs: Vec<Tensor>,
    expected: Evaluation,
    report: &'a mut Report,
}

/// Runs a net every way, and reports what is wrong.
///
/// # Panics
/// When something on the way does.
pub fn check(net: &Net, report: &mut Report) {
    let (parameters, inputs) = (net.parameters(), net.inputs());
    let expected = evaluate(&net.network, &parameters, &inputs, Mode::Inference);
    let is_number = |output: &Array| output.elements.iter().all(|number| !number.value().is_nan());
    if largest() > TOO_LARGE || !expected.outputs.iter().all(is_number) {
        report.not_finite += 1;
        return;
    }
    let mut run = Run { net, parameters, inputs, expected, report };
    for fused in [false, true] {
        let how = if fused { "fused" } else { "plain" };
        let graph = match run.graph(fused) {
            Ok(graph) => graph,
            Err(why) => return run.report.wrong(&format!("{how}: {why}")),
        };
        for target in [Target::reference(), program::target(MEMORY)] {
            let road = format!("{how}, {} in float64", target.name);
            if let Some(plan) = run.planned(&graph, &target, &road) {
                run.in_double(&plan, &road);
            }
        }
        for instructions in InstructionSet::available() {
            for exact in [true, false] {
                let options = CpuOptions { instructions, exact, ..CpuOptions::default() };
                let road = format!("{how}, {}{}", instructions.name(), if exact { " exact" } else { "" });
                run.on_the_cpu(&graph, options, &road);
            }
        }
        let reference = CpuOptions { kernels: Kernels::Reference, ..CpuOptions::default() };
        if let Some(plan) = run.planned(&graph, &Cpu::new(reference).target(), how) {
            run.in_single(&plan, CpuOptions { threads: 1, ..reference }, &format!("{how}, reference"));
        }
    }
}

impl Run<'_> {
    fn graph(&self, fused: bool) -> Result<KernelGraph, String> {
        let mut graph =
            write_kernels(&self.net.network, &self.net.bindings).map_err(|failure| format!("{failure:?}"))?;
        if fused {
            passes::run(&mut graph).map_err(|failure| format!("{failure:?}"))?;
        }
        Ok(graph)
    }

    fn planned(&mut self, graph: &KernelGraph, target: &Target, road: &str) -> Option<Arc<Plan>> {
        match plan(graph, target) {
            Ok(plan) => Some(Arc::new(plan)),
            Err(why) => {
                self.report.wrong(&format!("{road}: {why:?}"));
                None
            }
        }
    }

    fn compare(&mut self, answers: &[(Vec<usize>, Vec<f64>)], precision: Precision, road: &str) {
        for (number, ((shape, found), expected)) in answers.iter().zip(&self.expected.outputs).enumerate() {
            if *shape != expected.shape {
                self.report.wrong(&format!("{road}: output {number} is {shape:?} and not {:?}", expected.shape));
            } else {
                self.report.value(off(found, expected, precision), road, &format!("output {number}"));
            }
        }
    }

    fn in_double(&mut self, plan: &Arc<Plan>, road: &str) {
        match evaluate_f64(plan.clone(), &self.parameters, &self.inputs) {
            Ok(answers) => self.compare(&answers, DOUBLE, road),
            Err(why) => self.report.wrong(&format!("{road}: {why:?}")),
        }
    }

    /// The fast kernels by the planner's methods, and then with every convolution by a method that it might have chosen.
    fn on_the_cpu(&mut self, graph: &KernelGraph, options: CpuOptions, road: &str) {
        let mut target = Cpu::new(options).target();
        let Some(plan) = self.planned(graph, &target, road) else { return };
        self.in_single(&plan, options, road);
        let free = target.blocks.as_ref().map(|blocks| choices(&plan, blocks)).unwrap_or_default();
        if options.exact || free.is_empty() {
            return;
        }
        let other = |methods: &[Method], method: Method| {
            methods.iter().copied().filter(|&other| other != method).max_by_key(|method| method.name())
        };
        let chosen = free.into_iter().filter_map(|choice| Some((choice.key, other(&choice.methods, choice.method)?)));
        let tuning: Tuning = Tuning(chosen.collect());
        if tuning.0.is_empty() {
            return;
        }
        tuning.apply(&mut target);
        let road = format!("{road} by other methods");
        if let Some(plan) = self.planned(graph, &target, &road) {
            self.in_single(&plan, options, &road);
        }
    }

    /// In float32: with one thread and two, and again after a run on other inputs, to the same bits.
    fn in_single(&mut self, plan: &Arc<Plan>, options: CpuOptions, road: &str) {
        self.report.plan(plan);
        let run = |threads: usize| -> Result<[Vec<Tensor>; 2], String> {
            let options = CpuOptions { threads, ..options };
            let mut engine = Engine::new(plan.clone(), &self.parameters, options).map_err(|why| format!("{why:?}"))?;
            let first = engine.run(&self.inputs).map_err(|why| format!("{why:?}"))?.to_vec();
            let others: Vec<Tensor> = self.inputs.iter().map(|input| Tensor::filled(input.shape(), 0.75)).collect();
            engine.run(&others).map_err(|why| format!("{why:?}"))?;
            let again = engine.run(&self.inputs).map_err(|why| format!("{why:?}"))?.to_vec();
            Ok([first, again])
        };
        let [first, again] = match run(1) {
            Ok(both) => both,
            Err(why) => return self.report.wrong(&format!("{road}: {why}")),
        };
        if !same(&first, &again) {
            self.report.wrong(&format!("{road}: a second run gives other bits"));
        }
        match run(2) {
            Ok([other, _]) if same(&first, &other) => {}
            Ok(_) => self.report.wrong(&format!("{road}: two threads give other bits than one")),
            Err(why) => self.report.wrong(&format!("{road}, two threads: {why}")),
        }
        let answers: Vec<_> = first.iter().map(|answer| (answer.shape().to_vec(), widened(answer))).collect();
        self.compare(&answers, SINGLE, road);
    }
}

/// Whether tensors have the same bits.
pub fn same(one: &[Tensor], other: &[Tensor]) -> bool {
    let of_one = |tensor: &Tensor| -> Vec<u64> {
        match tensor.counts() {
            Some(counts) => counts.to_vec(),
            None => tensor.data().iter().map(|value| value.to_bits().into()).collect(),
        }
    };
    let bits = |tensors: &[Tensor]| tensors.iter().flat_map(of_one).collect::<Vec<u64>>();
    bits(one) == bits(other)
}
