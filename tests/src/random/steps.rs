//! A net's training step by every road, each held against the evaluation: the gradient by every leaf, running statistics, and
//! what an
//! optimiser leaves behind.

use super::answers::{MEMORY, same};
use super::emulated;
use super::lesson::{Expected, Lesson, RATE};
use super::net::{DOUBLE, Net, Precision, SINGLE, off, widened};
use super::report::Report;
use crate::emulation::Case;
use crate::evaluation::number::Number;
use crate::evaluation::{Array, learn};
use cnnc_compiler::kernels::{KernelGraph, Port};
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, Target, plan};
use cnnc_compiler::training::{Training, loss_and_gradients, names, recompute, training_step};
use cnnc_runtime::cpu::{
    Cpu, CpuOptions, Engine, InstructionSet, Kernels, TrainingEngine, evaluate_f64, initial_state,
};
use cnnc_runtime::cuda::program;
use cnnc_runtime::{Backend, Parameters, Tensor};
use std::sync::Arc;

/// Runs a net's training step every way, and reports what is wrong.
///
/// # Panics
/// When something on the way does.
pub fn check(net: &Net, report: &mut Report) {
    let mut lesson = Lesson::new(net, report);
    let parameters = net.parameters();
    let expected = lesson.expected(&parameters, 1);
    if !expected.is_held() {
        lesson.report.not_finite += 1;
        return;
    }
    lesson.report.undecided += usize::from(!expected.decided(SINGLE));
    for fused in [false, true] {
        lesson.gradients(fused, &parameters, &expected);
        lesson.steps(fused, &parameters, &expected);
    }
}

/// A net's training step as a program for the emulated GPU.
///
/// # Panics
/// When it cannot be written.
pub fn case(net: &Net) -> Case {
    let mut report = Report::default();
    let lesson = Lesson::new(net, &mut report);
    let graph = training_step(&net.network, &net.bindings, &lesson.training);
    let graph = graph.unwrap_or_else(|failure| panic!("{failure:?}"));
    emulated::case(net, graph, &net.parameters(), &mut |name| lesson.given_as(name, 1))
}

impl Lesson<'_> {
    fn planned(&mut self, graph: &KernelGraph, target: &Target, road: &str) -> Option<Arc<Plan>> {
        let found = plan(graph, target).map(Arc::new);
        self.kept(found, road)
    }

    /// What came, unless it is a failure, which is reported.
    fn kept<T>(&mut self, found: Result<T, impl std::fmt::Debug>, road: &str) -> Option<T> {
        found.map_err(|why| self.report.wrong(&format!("{road}: {why:?}"))).ok()
    }

    fn compare(&mut self, name: &str, found: &[f64], expected: &Array, precision: Precision, road: &str) {
        self.report.value(off(found, expected, precision), road, name);
    }

    /// Loss, gradients and running statistics as a graph's outputs.
    fn gradients(&mut self, fused: bool, parameters: &Parameters, expected: &Expected) {
        let how = if fused { "gradients, fused" } else { "gradients, plain" };
        let graph = loss_and_gradients(&self.net.network, &self.net.bindings, self.training.loss.clone());
        let Some(mut graph) = self.kept(graph, how) else { return };
        for update in std::mem::take(&mut graph.updates) {
            let name = graph.parameters[update.parameter.0 as usize].path.clone();
            graph.outputs.push(Port { name, node: update.node });
        }
        if fused && self.passes(&mut graph, how).is_none() {
            return;
        }
        self.none_missing(&graph, expected, how);
        for target in [Target::reference(), program::target(MEMORY)] {
            let road = format!("{how}, {} in float64", target.name);
            let Some(plan) = self.planned(&graph, &target, &road) else { continue };
            let found = evaluate_f64(plan.clone(), parameters, &self.given(&plan, 1));
            let Some(answers) = self.kept(found, &road) else { continue };
            let answers: Vec<Vec<f64>> = answers.into_iter().map(|(_, values)| values).collect();
            self.compare_all(&graph, &answers, expected, DOUBLE, &road);
        }
        for instructions in InstructionSet::available() {
            let road = format!("{how}, {}", instructions.name());
            let options = CpuOptions { instructions, ..CpuOptions::default() };
            let Some(plan) = self.planned(&graph, &options.target(), &road) else { continue };
            self.report.plan(&plan);
            let mut run = |threads: usize| {
                let engine = Engine::new(plan.clone(), parameters, CpuOptions { threads, ..options });
                let found = engine.and_then(|mut engine| engine.run(&self.given(&plan, 1)).map(<[Tensor]>::to_vec));
                self.kept(found, &road)
            };
            let (Some(one), Some(two)) = (run(1), run(2)) else { continue };
            if !same(&one, &two) {
                self.report.wrong(&format!("{road}: two threads give other bits than one"));
            }
            let answers: Vec<Vec<f64>> = one.iter().map(widened).collect();
            self.compare_all(&graph, &answers, expected, SINGLE, &road);
        }
    }

    fn passes(&mut self, graph: &mut KernelGraph, road: &str) -> Option<()> {
        let ran = passes::run(graph).map(|_| ());
        self.kept(ran, road)
    }

    /// Every leaf that the loss depends on must have its gradient among the outputs.
    fn none_missing(&mut self, graph: &KernelGraph, expected: &Expected, road: &str) {
        for (name, array) in &expected.values {
            let there = graph.outputs.iter().any(|port| *port.name == **name);
            if !there && array.elements.iter().any(|number| number.value() != 0.0) {
                self.report.wrong(&format!("{road}: `{name}` has no gradient"));
            }
        }
    }

    fn compare_all(
        &mut self,
        graph: &KernelGraph,
        answers: &[Vec<f64>],
        expected: &Expected,
        precision: Precision,
        road: &str,
    ) {
        for (port, found) in graph.outputs.iter().zip(answers) {
            // Answers do not jump where gradients do.
            if *port.name == *names::LOSS || expected.decided(precision) {
                self.compare(&port.name, found, expected.get(&port.name), precision, road);
            }
        }
    }

    /// Steps that write their parameters: two of them, by one thread and two, with values kept and computed again.
    fn steps(&mut self, fused: bool, parameters: &Parameters, expected: &Expected) {
        let how = if fused { "step, fused" } else { "step, plain" };
        let graph = training_step(&self.net.network, &self.net.bindings, &self.training);
        let Some(mut graph) = self.kept(graph, how) else { return };
        if fused && self.passes(&mut graph, how).is_none() {
            return;
        }
        let mut again = graph.clone();
        if fused && self.training.recompute {
            recompute(&mut again);
        }
        let sets = InstructionSet::available().into_iter().map(|instructions| (Kernels::Fast, instructions));
        for (kernels, instructions) in sets.chain([(Kernels::Reference, InstructionSet::Portable)]) {
            let options = CpuOptions { instructions, kernels, ..CpuOptions::default() };
            let name = if kernels == Kernels::Fast { instructions.name() } else { "reference" };
            let road = format!("{how}, {name}");
            let target = Cpu::new(options).target();
            let Some(plan) = self.planned(&graph, &target, &road) else { continue };
            let first = self.step(&plan, parameters, 1, CpuOptions { threads: 1, ..options }, &road);
            let Some((first, answers)) = first else { continue };
            self.compare_state(&plan, parameters, &first, expected, 1, &road);
            for (port, answer) in plan.outputs.iter().zip(&answers) {
                if *port.name == *names::LOSS || expected.decided(SINGLE) {
                    self.compare(&port.name, &widened(answer), expected.get(&port.name), SINGLE, &road);
                }
            }
            let Some(other) = self.planned(&again, &target, &road) else { continue };
            let two = self.step(&other, parameters, 1, CpuOptions { threads: 2, ..options }, &road);
            let bits = |state: &Parameters| -> Vec<Tensor> {
                state.iter().map(|(_, tensor)| Tensor::clone(&tensor.expect("a tensor that is held"))).collect()
            };
            if two.is_some_and(|(state, _)| !same(&bits(&first), &bits(&state))) {
                let what = if self.training.recompute { " and values computed again" } else { "" };
                self.report.wrong(&format!("{road}: two threads{what} give other bits than one"));
            }
            if fused && instructions == CpuOptions::default().instructions {
                let expected = self.expected(&first, 2);
                if !expected.is_held() {
                    self.report.not_finite += 1;
                    continue;
                }
                let Some((second, _)) = self.step(&plan, &first, 2, options, &road) else { continue };
                self.compare_state(&plan, &first, &second, &expected, 2, &format!("{road}, second"));
            }
        }
    }

    /// The state after a step, and what the step answers.
    fn step(
        &mut self,
        plan: &Arc<Plan>,
        from: &Parameters,
        step: u32,
        options: CpuOptions,
        road: &str,
    ) -> Option<(Parameters, Vec<Tensor>)> {
        let mut state = self.kept(initial_state(plan, from), road)?;
        let given = self.given(plan, step);
        let engine = TrainingEngine::new(plan.clone(), &state, options);
        let found = engine.and_then(|mut engine| engine.step(&mut state, &given));
        self.kept(found, road).map(|answers| (state, answers))
    }

    /// Holds every parameter, buffer and state of the optimiser against the evaluation.
    fn compare_state(
        &mut self,
        plan: &Plan,
        before: &Parameters,
        after: &Parameters,
        expected: &Expected,
        step: u32,
        road: &str,
    ) {
        let Training { optimiser, max_gradient_norm, .. } = self.training;
        let Some(before) = self.kept(initial_state(plan, before), road) else { return };
        let graph = &self.net.network.graph;
        let is_updated = |path: &str| plan.parameters.iter().any(|other| *other.path == *path && other.updated);
        let learning = graph.parameters.iter().filter(|parameter| parameter.trainable && is_updated(&parameter.path));
        let gradients = learning.flat_map(|parameter| &expected.get(&parameter.path).elements);
        let factor = max_gradient_norm.map(|most| learn::clipping(gradients.map(|number| number.rounded), most));
        for parameter in &graph.parameters {
            let path = &*parameter.path;
            let found = |path: &str| after.get(path).map(|tensor| widened(&tensor)).unwrap_or_default();
            let old = |path: &str| before.get(path).map(|tensor| widened(&tensor)).unwrap_or_default();
            let known = expected.values.get(path);
            if !parameter.trainable {
                let buffer = known.cloned().unwrap_or_else(|| exact(&old(path)));
                self.compare(path, &found(path), &buffer, SINGLE, road);
                continue;
            }
            if !is_updated(path) {
                self.compare(path, &found(path), &exact(&old(path)), SINGLE, road);
                continue;
            }
            if !expected.decided(SINGLE) {
                continue;
            }
            let keys = learn::states(optimiser).iter().map(|state| names::state_key(state, path));
            let states: Vec<(String, Vec<f64>)> = keys.map(|key| (key.clone(), old(&key))).collect();
            let mut new = vec![Vec::new(); 1 + states.len()];
            for (index, (&value, gradient)) in old(path).iter().zip(&expected.get(path).elements).enumerate() {
                let gradient = factor.map_or(gradient.rounded, |factor| gradient.rounded * factor);
                let own: Vec<f64> = states.iter().map(|(_, values)| values[index]).collect();
                let learned = learn::learned(optimiser, value, &own, gradient, f64::from(RATE), f64::from(step));
                new[0].push(Number::constant(learned.value));
                for (place, state) in new[1..].iter_mut().zip(learned.states) {
                    place.push(Number::constant(state));
                }
            }
            let paths = std::iter::once(path.to_owned()).chain(states.into_iter().map(|(path, _)| path));
            for (path, elements) in paths.zip(new) {
                let expected = Array { shape: vec![elements.len()], elements };
                self.compare(&path, &found(&path), &expected, SINGLE, road);
            }
        }
    }
}

/// Values that must stay as they are.
fn exact(values: &[f64]) -> Array {
    Array { shape: vec![values.len()], elements: values.iter().map(|&value| Number::exact(value)).collect() }
}
