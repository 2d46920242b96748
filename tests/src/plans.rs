//! A network as plans, with the passes and without, and how far answers are from float64.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, Target, plan};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::cpu::{CpuOptions, Engine};
use cnnc_runtime::{Parameters, Tensor};
use std::sync::Arc;

/// The plan of a network whose sizes are all numbers.
///
/// # Panics
/// With the diagnostic, when there is none.
pub fn planned(network: &ShapedGraph, fused: bool, target: &Target) -> Arc<Plan> {
    let mut kernels = write_kernels(network, &Bindings::new()).unwrap_or_else(|failure| panic!("{failure:?}"));
    if fused {
        passes::run(&mut kernels).unwrap_or_else(|failure| panic!("{failure:?}"));
    }
    Arc::new(plan(&kernels, target).unwrap_or_else(|failure| panic!("{failure:?}")))
}

/// What the fast kernels answer with one thread, and whether three threads give the same bits.
///
/// # Panics
/// With the diagnostic, when the network cannot be planned or run.
pub fn fast(
    network: &ShapedGraph,
    fused: bool,
    options: CpuOptions,
    parameters: &Parameters,
    inputs: &[Tensor],
) -> (Vec<Tensor>, bool) {
    fast_on(&planned(network, fused, &options.target()), options, parameters, inputs)
}

/// As [`fast`], of a plan that is there.
///
/// # Panics
/// With the diagnostic, when the plan cannot be run.
pub fn fast_on(
    plan: &Arc<Plan>,
    options: CpuOptions,
    parameters: &Parameters,
    inputs: &[Tensor],
) -> (Vec<Tensor>, bool) {
    let run = |threads| {
        let options = CpuOptions { threads, ..options };
        let mut engine = Engine::new(plan.clone(), parameters, options).unwrap_or_else(|failure| panic!("{failure:?}"));
        engine.run(inputs).unwrap_or_else(|failure| panic!("{failure:?}")).to_vec()
    };
    let one = run(1);
    let same = one == run(3);
    (one, same)
}
