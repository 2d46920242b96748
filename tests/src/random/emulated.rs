//! Random nets on the emulated GPU: programs of answers and of training steps, many of them in one compilation.
//!
//! A program's every step is held against the reference on what the step was given, and the plan itself, in float64, against the
//! evaluation: together they hold the GPU's answers to it.

use super::answers::MEMORY;
use super::{Net, spec, steps};
use crate::emulation::{Case, tolerance, wrong};
use cnnc_compiler::plan::{Step, plan};
use cnnc_compiler::write_kernels::write_kernels;
use cnnc_compiler::{kernels::KernelGraph, passes};
use cnnc_runtime::cpu::initial_state;
use cnnc_runtime::cuda::program::{Options, target};
use cnnc_runtime::{Parameters, Tensor};
use std::sync::Arc;

/// Programs of one compilation: compilers take longer than in proportion for large files.
const TOGETHER: usize = 60;

/// What is wrong with the programs of some seeds' nets, or of their training steps.
///
/// # Panics
/// When a program cannot be written, compiled or run.
pub fn faults(compiler: &str, seeds: impl Iterator<Item = u64>, training: bool) -> Vec<String> {
    let net = |seed: u64| {
        let made = |open: bool| Net::new(seed, spec(seed, training, open));
        made(true).or_else(|| made(false))
    };
    let cases: Vec<Case> =
        seeds.filter_map(net).map(|net| if training { steps::case(&net) } else { answers(&net) }).collect();
    let options = Options::default();
    let tolerance = |step: &Step| tolerance(step, options.precision).0;
    cases.chunks(TOGETHER).flat_map(|cases| wrong(compiler, &[], cases, &options, &tolerance)).collect()
}

fn answers(net: &Net) -> Case {
    let graph = write_kernels(&net.network, &net.bindings).unwrap_or_else(|failure| panic!("{failure:?}"));
    let inputs = net.inputs();
    case(net, graph, &net.parameters(), &mut |name| {
        let port = net.network.graph.inputs.iter().position(|input| *input.name == *name).expect("an input of the net");
        inputs[port].clone()
    })
}

/// A graph's program, after all passes, with what it reads.
pub(super) fn case(
    net: &Net,
    mut graph: KernelGraph,
    parameters: &Parameters,
    given: &mut dyn FnMut(&str) -> Tensor,
) -> Case {
    passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
    let plan = Arc::new(plan(&graph, &target(MEMORY)).unwrap_or_else(|failure| panic!("{failure:?}")));
    let parameters = initial_state(&plan, parameters).unwrap_or_else(|failure| panic!("{failure:?}"));
    let inputs = plan.inputs.iter().map(|port| given(&port.name)).collect();
    Case { name: format!("seed {}:\n{}", net.seed, net.spec.text), plan, parameters, inputs, cancels: true }
}
