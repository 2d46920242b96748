//! Files of measured choices, for the CPU and for a GPU, and the plans that use them.

use super::{Verdict, folder, put, refused};
use crate::network_of_text;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::{self, Method, Target, choices};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::span::Files;
use cnnc_runtime::Error;
use cnnc_runtime::cuda::ProductMethod;
use cnnc_runtime::cuda::program::{self, Options, Program};
use cnnc_runtime::tuning::{Kept, Machine, Tuning};
use std::sync::LazyLock;

/// Convolutions that each have several methods.
static NETWORK: LazyLock<ShapedGraph> = LazyLock::new(|| {
    network_of_text(
        "model M { input [1, 16, 12, 12]; Conv2d(32, 3, padding=1); Conv2d(16, 5, stride=2); Conv2d(64, 1); Flatten; Linear(8) }",
    )
});

/// Who measured; of no version, so that files of this one stay its own.
fn machine() -> Machine {
    Machine { cnnc: "0".into(), words: "any".into() }
}

/// Reads a file of choices and plans with them.
pub fn tuning(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "tuning.json", bytes);
    let of_cpu = Kept::<Method>::read(&path, &machine());
    let of_gpu = Kept::<ProductMethod>::read(&path, &machine());
    let verdict = match (&of_cpu, &of_gpu) {
        (Kept::Choices(_), _) | (_, Kept::Choices(_)) => Verdict::Taken,
        _ => Verdict::Refused,
    };
    if let Kept::Choices(tuning) = of_cpu {
        let mut target = Target::blocked();
        tuning.apply(&mut target);
        match cnnc_compiler::compile(&NETWORK, &Bindings::new(), &target) {
            Ok((plan, _)) => drop(plan::print(&plan)),
            Err(problem) => return refused([&*problem], &Files::default(), &[]),
        }
    }
    if let Kept::Choices(tuning) = of_gpu {
        let planned = cnnc_compiler::compile(&NETWORK, &Bindings::new(), &program::target(u64::MAX));
        let planned = planned.map_err(Error::from);
        match planned.and_then(|(plan, _)| Program::of(&plan, &Options { tuning, ..Options::default() })) {
            Ok(program) => drop(program.listing()),
            Err(problem) => return refused([&*problem], &Files::default(), &[]),
        }
    }
    verdict
}

/// A file that cnnc wrote, with a choice for every convolution of the network.
pub fn tuning_of_a_network() -> Vec<u8> {
    let target = Target::blocked();
    let (plan, _) = cnnc_compiler::compile(&NETWORK, &Bindings::new(), &target).expect("a plan");
    let choices = choices(&plan, target.blocks.as_ref().expect("blocks"));
    assert!(choices.len() > 2, "{choices:?}");
    let tuning: Tuning<Method> = Tuning(choices.into_iter().map(|choice| (choice.key, choice.method)).collect());
    let folder = folder();
    let path = folder.path().join("tuning.json");
    tuning.keep(&path, &machine()).expect("a file");
    std::fs::read(&path).expect("the file")
}
