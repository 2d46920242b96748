//! Measures candidates where they will be used: in the network itself, among its other steps.
//!
//! On the CPU there is one plan for each method, in which every convolution that can be computed by it is. The engines run in
//! turns, so that what slows the machine down for a while slows all of them, and of a step's times the least counts: others make
//! some runs longer, none shorter. Which candidate is best by such times is the same question on a GPU.

use super::{Candidate, Tuning, Workload};
use crate::{Cancel, Device, Result};
use cnnc_compiler::plan::{Method, Plan, choices};
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

/// A step that more than one candidate can compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<C> {
    /// Its number in the plan's `run`.
    pub step: usize,
    /// What the time depends on, as text.
    pub key: String,
    /// What computes it unless something is measured.
    pub first: C,
    /// All that can.
    pub all: Vec<C>,
}

/// What is computed in steps of one key, and what its candidates take.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<C = Method> {
    /// Its key.
    pub key: String,
    /// The layers that compute it.
    pub layers: Vec<Arc<str>>,
    /// Seconds of each candidate, over all those layers.
    pub seconds: Vec<(C, f64)>,
    /// What computed it before.
    pub before: C,
    /// What computes it from now on.
    pub after: C,
}

impl<C: Candidate> Measured<C> {
    /// The seconds of a candidate.
    pub fn of(&self, candidate: &C) -> f64 {
        self.seconds.iter().find(|(one, _)| one == candidate).map_or(f64::NAN, |(_, seconds)| *seconds)
    }
}

/// Measures the convolutions of a network that more than one method can compute on the processor.
///
/// # Errors
/// As the making of plans and their runs; E508 when it is cancelled.
pub(crate) fn of_cpu(device: &Device, workload: &Workload<'_>, cancel: &Cancel) -> Result<Vec<Measured>> {
    let (target, bindings) = (device.target(), workload.bindings()?);
    let Some(blocks) = &target.blocks else { return Ok(Vec::new()) };
    let compile = |choices: &Tuning| -> Result<Arc<Plan>> {
        let mut target = target.clone();
        choices.apply(&mut target);
        Ok(workload.model.compile(&bindings, &target, &mut ())?.0)
    };
    let store = device.backend().store(workload.weights.parameters())?;
    let plan = compile(&Tuning::default())?;
    let several = choices(&plan, blocks).into_iter().filter(|choice| choice.methods.len() > 1);
    let free: Vec<Choice<Method>> = several
        .map(|choice| Choice { step: choice.step, key: choice.key, first: choice.method, all: choice.methods })
        .collect();
    let methods: BTreeSet<Method> = free.iter().flat_map(|choice| choice.all.iter().copied()).collect();
    let mut engines = Vec::new();
    for method in methods {
        let able = free.iter().filter(|choice| choice.all.contains(&method));
        let tuning = Tuning(able.map(|choice| (choice.key.clone(), method)).collect());
        cancel.check("measuring")?;
        let engine = store.pack(compile(&tuning)?, cancel)?.executable()?;
        engines.push((tuning, engine, Vec::new()));
    }
    let (start, mut turn) = (Instant::now(), 0);
    while !engines.is_empty() && (turn < TURNS[0] || (turn < TURNS[1] && start.elapsed() < TIME)) {
        for (_, engine, least) in &mut engines {
            cancel.check("measuring")?;
            let seconds = engine.profile(workload.inputs, RUNS)?;
            least.resize(seconds.len(), f64::INFINITY);
            least.iter_mut().zip(seconds).for_each(|(least, time): (&mut f64, f64)| *least = least.min(time));
        }
        turn += 1;
    }
    let times: Vec<(Tuning, Vec<f64>)> = engines.into_iter().map(|(tuning, _, times)| (tuning, times)).collect();
    Ok(chosen(&plan, &free, &times))
}

/// The best candidate for each key, by the times of plans, step by step, each with what it chose.
pub(crate) fn chosen<C: Candidate>(
    plan: &Plan,
    free: &[Choice<C>],
    times: &[(Tuning<C>, Vec<f64>)],
) -> Vec<Measured<C>> {
    let mut by_key: BTreeMap<&str, Vec<&Choice<C>>> = BTreeMap::new();
    free.iter().for_each(|choice| by_key.entry(&choice.key).or_default().push(choice));
    let mut all: Vec<(usize, Measured<C>)> =
        by_key.into_iter().map(|(key, uses)| measured(plan, key, &uses, times)).collect();
    all.sort_by_key(|(first, _)| *first);
    all.into_iter().map(|(_, measured)| measured).collect()
}

/// One key, with the first step that it is of.
fn measured<C: Candidate>(
    plan: &Plan,
    key: &str,
    uses: &[&Choice<C>],
    times: &[(Tuning<C>, Vec<f64>)],
) -> (usize, Measured<C>) {
    let (step, before) = (uses[0].step, &uses[0].first);
    let total = |times: &[f64]| uses.iter().filter_map(|choice| times.get(choice.step)).sum::<f64>();
    let of_key = times.iter().filter_map(|(tuning, times)| Some((tuning.0.get(key)?.clone(), total(times))));
    let layers = uses.iter().filter_map(|choice| plan.run.get(choice.step)?.origins.first().cloned()).collect();
    let mut measured = Measured {
        key: key.to_owned(),
        layers,
        seconds: of_key.collect(),
        before: before.clone(),
        after: before.clone(),
    };
    let best = measured.seconds.iter().min_by(|a, b| a.1.total_cmp(&b.1)).cloned();
    if let Some((candidate, _)) = best.filter(|(_, time)| *time < (1.0 - LEAST_GAIN) * measured.of(before)) {
        measured.after = candidate;
    }
    (step, measured)
}

#[cfg(test)]
mod tests {
    use super::{Choice, chosen};
    use crate::cpu::test_plan::{TestPlan, dense};
    use crate::tuning::Tuning;
    use cnnc_compiler::kernels::Expression;
    use cnnc_compiler::plan::{Method, Operation, Plan, Scheme, Storage};
    use std::sync::Arc;

    fn three_steps() -> Arc<Plan> {
        let copied = |plan: TestPlan, _| {
            plan.step(Operation::Map(Expression::operand(0)), &[dense(Storage::Input(0), 0, &[1])], &[1])
        };
        (0..3).fold(TestPlan::new(&[&[1]]), copied).finish()
    }

    #[test]
    fn the_method_whose_steps_together_take_the_least_is_chosen_unless_it_saves_next_to_nothing() {
        let plan = three_steps();
        let choice = |step, key: &str| Choice {
            step,
            key: key.into(),
            first: Method::Direct,
            all: vec![Method::Direct, Method::Winograd(Scheme::F2)],
        };
        let free = [choice(0, "z"), choice(1, "a"), choice(2, "z")];
        let by = |method| Tuning(["a", "z"].map(|key| (key.to_owned(), method)).into_iter().collect());
        let times =
            [(by(Method::Direct), vec![3.0, 1.00, 2.0]), (by(Method::Winograd(Scheme::F2)), vec![4.0, 0.98, 0.5])];
        let found = chosen(&plan, &free, &times);
        let found: Vec<_> = found.iter().map(|one| (one.key.as_str(), one.layers.len(), one.after)).collect();
        assert_eq!(found, [("z", 2, Method::Winograd(Scheme::F2)), ("a", 1, Method::Direct)]);
    }
}
