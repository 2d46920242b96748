//! NVRTC compiles every kernel of whole networks, inference and training step, for the architectures that GPUs at hand may have.
//!
//! No GPU is needed. Without NVRTC the test passes, unless `CNNC_TEST_CUDA=required` demands that it runs.

use cnnc_compiler::compile;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::training::{Training, compile_step};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cuda::program::{Options, Precision, Program, target};
use cnnc_runtime::cuda::{self, Architecture, Nvrtc};
use cnnc_tests::{network, skipped};

/// The networks, their batch, and how many of the targets they are compiled for: large ones take their time.
const NETWORKS: [(&str, usize, usize); 3] =
    [("../models/lenet.cnn", 128, 5), ("../models/vgg.cnn", 16, 2), ("../models/resnet18.cnn", 32, 2)];

/// Architectures, and in what products are taken.
const TARGETS: [(u32, Precision); 5] = [
    (80, Precision::Exact),
    (90, Precision::Tf32),
    (80, Precision::Fp16),
    (90, Precision::Bf16),
    (90, Precision::Exact),
];

/// The programs of a network: an inference of one sample and a training step.
fn programs(network: &ShapedGraph, batch: usize, precision: Precision) -> [Program; 2] {
    let bound = |samples: usize| Bindings::from([("N".to_owned(), samples)]);
    let target = target(u64::MAX);
    let (inference, _) = compile(network, &bound(1), &target).expect("a plan");
    let (training, _) = compile_step(network, &bound(batch), &Training::plain(), &target).expect("a plan");
    let options = Options { precision, ..Options::default() };
    [inference, training].map(|plan| Program::of(&plan, &options).expect("a program"))
}

#[test]
fn every_kernel_of_the_course_s_networks_compiles() {
    let nvrtc = match Nvrtc::find(None) {
        Ok(nvrtc) => nvrtc,
        Err(missing) => {
            return skipped(&format!("no NVRTC ({})", missing.message));
        }
    };
    for (path, batch, targets) in NETWORKS {
        for &(architecture, precision) in TARGETS.iter().take(targets) {
            for program in programs(&network(path, None), batch, precision) {
                let modules = cuda::compile(&program, nvrtc, Architecture(architecture), None);
                let modules = modules.unwrap_or_else(|refused| panic!("{path}, sm_{architecture}: {refused:?}"));
                let entries: usize = modules.iter().map(|module| module.entries.len()).sum();
                assert_eq!(entries, program.entries.len());
                assert!(modules.iter().all(|module| module.code.starts_with(b"\x7fELF")));
            }
        }
    }
}
