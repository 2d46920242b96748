//! Measures the methods of convolutions where they will be used: in the network itself, among its other steps.
//!
//! For each method there is one plan, in which every convolution that can be computed by it is. The engines run in turns, so that what
//! slows the machine down for a while slows all of them, and of a step's times the least counts: others make some runs longer, none shorter.

use super::Tuning;
use crate::cpu::{CpuOptions, Engine};
use crate::{Parameters, Report, Tensor};
use cnnc_compiler::kernels::Method;
use cnnc_compiler::plan::{Blocks, Choice, Plan, choices};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Turns at the least, and at the most.
const TURNS: [usize; 2] = [5, 60];
/// Runs of a turn.
const RUNS: usize = 5;
/// Time to go on measuring for, once there are turns enough.
const TIME: Duration = Duration::from_secs(2);
/// The share of its time that a method must save to take the place of the one before: less is noise.
const LEAST_GAIN: f64 = 0.03;

/// A convolution, all of its sizes together, and what its methods take.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its key.
    pub key: String,
    /// The layers that compute it.
    pub layers: Vec<Arc<str>>,
    /// Seconds of each method, over all those layers.
    pub seconds: Vec<(Method, f64)>,
    /// The method before.
    pub before: Method,
    /// The method from now on.
    pub after: Method,
}

impl Measured {
    /// The seconds of a method.
    pub fn of(&self, method: Method) -> f64 {
        self.seconds.iter().find(|(one, _)| *one == method).map_or(f64::NAN, |(_, seconds)| *seconds)
    }
}

/// Measures the convolutions of a model that more than one method can compute. `compile` makes its plan with these choices.
pub(crate) fn measure(
    compile: &mut dyn FnMut(&Tuning) -> Result<Arc<Plan>, Report>,
    blocks: &Blocks,
    parameters: &Parameters,
    inputs: &[Tensor],
    options: CpuOptions,
) -> Result<Vec<Measured>, Report> {
    let plan = compile(&Tuning::default())?;
    let mut free = choices(&plan, blocks);
    free.retain(|choice| choice.methods.len() > 1);
    let methods: BTreeSet<Method> = free.iter().flat_map(|choice| choice.methods.iter().copied()).collect();
    let mut engines = Vec::new();
    for method in methods {
        let able = free.iter().filter(|choice| choice.methods.contains(&method));
        let plan = compile(&Tuning(able.map(|choice| (choice.key.clone(), method)).collect()))?;
        engines.push((method, Engine::new(plan, parameters, options)?, Vec::new()));
    }
    let (start, mut turn) = (Instant::now(), 0);
    while !engines.is_empty() && (turn < TURNS[0] || (turn < TURNS[1] && start.elapsed() < TIME)) {
        for (_, engine, least) in &mut engines {
            let seconds = engine.profile(inputs, RUNS)?;
            least.resize(seconds.len(), f64::INFINITY);
            least.iter_mut().zip(seconds).for_each(|(least, time): (&mut f64, f64)| *least = least.min(time));
        }
        turn += 1;
    }
    let times: Vec<(Method, Vec<f64>)> = engines.into_iter().map(|(method, _, times)| (method, times)).collect();
    Ok(chosen(&plan, &free, &times))
}

/// The best method for each key, by the times of every method's plan, step by step.
fn chosen(plan: &Plan, free: &[Choice], times: &[(Method, Vec<f64>)]) -> Vec<Measured> {
    let mut by_key: BTreeMap<&str, Vec<&Choice>> = BTreeMap::new();
    free.iter().for_each(|choice| by_key.entry(&choice.key).or_default().push(choice));
    let mut all: Vec<(usize, Measured)> =
        by_key.into_iter().map(|(key, uses)| measured(plan, key, &uses, times)).collect();
    all.sort_by_key(|(first, _)| *first);
    all.into_iter().map(|(_, measured)| measured).collect()
}

/// One key, with the first step that it is of.
fn measured(plan: &Plan, key: &str, uses: &[&Choice], times: &[(Method, Vec<f64>)]) -> (usize, Measured) {
    let (first, before, methods) = (uses[0].step, uses[0].method, &uses[0].methods);
    let total = |times: &[f64]| uses.iter().filter_map(|choice| times.get(choice.step)).sum::<f64>();
    let seconds: Vec<(Method, f64)> = times
        .iter()
        .filter(|(method, _)| methods.contains(method))
        .map(|(method, times)| (*method, total(times)))
        .collect();
    let layers = uses.iter().filter_map(|choice| plan.run.get(choice.step)?.origins.first().cloned()).collect();
    let mut measured = Measured { key: key.to_owned(), layers, seconds, before, after: before };
    let best = measured.seconds.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((method, _)) = best.filter(|(_, time)| *time < (1.0 - LEAST_GAIN) * measured.of(before)) {
        measured.after = method;
    }
    (first, measured)
}

#[cfg(test)]
mod tests {
    use super::chosen;
    use crate::cpu::test_plan::{TestPlan, dense};
    use cnnc_compiler::kernels::{Expression, Kernel, Method};
    use cnnc_compiler::plan::{Choice, Plan, Storage};
    use std::sync::Arc;

    fn three_steps() -> Arc<Plan> {
        let copied = |plan: TestPlan, _| {
            plan.step(Kernel::Map(Expression::operand(0)), &[dense(Storage::Input(0), 0, &[1])], &[1])
        };
        (0..3).fold(TestPlan::new(&[&[1]]), copied).finish()
    }

    #[test]
    fn the_method_whose_steps_together_take_the_least_is_chosen_unless_it_saves_next_to_nothing() {
        let plan = three_steps();
        let choice = |step, key: &str| Choice {
            step,
            key: key.into(),
            method: Method::Direct,
            methods: vec![Method::Direct, Method::Winograd(2)],
        };
        let free = [choice(0, "z"), choice(1, "a"), choice(2, "z")];
        let times = [(Method::Direct, vec![3.0, 1.00, 2.0]), (Method::Winograd(2), vec![4.0, 0.98, 0.5])];
        let found = chosen(&plan, &free, &times);
        let found: Vec<_> = found.iter().map(|one| (one.key.as_str(), one.layers.len(), one.after)).collect();
        assert_eq!(found, [("z", 2, Method::Winograd(2)), ("a", 1, Method::Direct)]);
    }
}
