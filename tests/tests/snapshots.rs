//! Snapshots of what ships: the summary of every model, and the fused graphs of the course's three networks
//! and of a training step.

use cnnc_compiler::passes;
use cnnc_compiler::plan::{Target, plan};
use cnnc_compiler::resolve::Sources;
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_tests::{cnnc, network, printed};
use std::collections::BTreeMap;
use std::fmt::Write;

#[test]
fn every_model_s_summary() {
    insta::glob!("../../models", "**/*.cnn", |path| {
        // A path relative to this crate, so that messages are the same everywhere.
        let path = path.to_string_lossy();
        let path = format!("../models{}", path.rsplit_once("/models").expect("a path in models/").1);
        let (_, text) = cnnc_runtime::Disk.read(&path, None).expect("the spec");
        let models: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("model ")).collect();
        if models.is_empty() {
            return;
        }
        let mut tables = String::new();
        for declaration in models {
            let name = declaration.split([' ', '(', '{', '=']).next().unwrap_or_default();
            let ran = cnnc(&["summary", &path, "--model", name]);
            // The memory of a run is this machine's: it has a test of its own.
            let lines = ran.output.lines().filter(|line| !line.starts_with(" memory "));
            lines.for_each(|line| tables.push_str(&format!("{line}\n")));
            let _ = writeln!(tables, "{}", ran.errors);
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(tables) });
    });
}

/// The kernels of a run by name, the batch being one.
fn kernels(file: &str, model: Option<&str>) -> BTreeMap<&'static str, usize> {
    let shaped = network(file, model);
    let bindings = Bindings::from([("N".to_owned(), 1)]);
    let mut kernels = write_kernels(&shaped, &bindings).expect("kernels");
    passes::run(&mut kernels).expect("passes");
    let mut counts = BTreeMap::new();
    for step in plan(&kernels, &Target::reference()).expect("a plan").run {
        *counts.entry(step.operation.name()).or_default() += 1;
    }
    counts
}

#[test]
fn nothing_is_left_for_normalisation_activation_sum_flatten_or_dropout() {
    let lenet = kernels("../models/lenet.cnn", None);
    assert_eq!(lenet, BTreeMap::from([("conv", 2), ("pool_mean", 2), ("gemm", 3)]));
    let vgg11 = kernels("../models/vgg.cnn", None);
    assert_eq!(vgg11, BTreeMap::from([("conv", 8), ("pool_max", 5), ("gemm", 3)]));
    let resnet18 = kernels("../models/resnet18.cnn", None);
    assert_eq!(resnet18, BTreeMap::from([("conv", 20), ("pool_max", 1), ("pool_mean", 1), ("gemm", 1)]));
}

#[test]
fn fused_lenet() {
    insta::assert_snapshot!(printed(&["dump", "../models/lenet.cnn", "--stage", "fused"]));
}

#[test]
fn fused_vgg11() {
    insta::assert_snapshot!(printed(&["dump", "../models/vgg.cnn", "--stage", "fused"]));
}

#[test]
fn fused_resnet18() {
    insta::assert_snapshot!(printed(&["dump", "../models/resnet18.cnn", "--stage", "fused"]));
}

#[test]
fn fused_training_step_of_lenet() {
    insta::assert_snapshot!(printed(&["dump", "../models/lenet.cnn", "--stage", "fused", "--train"]));
}

/// What is written for a GPU of a network and of its training step.
fn cuda(file: &str) -> String {
    let inference = printed(&["dump", file, "--stage", "cuda"]);
    format!("{inference}\n// ---- training step\n\n{}", printed(&["dump", file, "--stage", "cuda", "--train"]))
}

#[test]
fn cuda_of_lenet() {
    insta::assert_snapshot!(cuda("../models/lenet.cnn"));
}

#[test]
fn cuda_of_vgg11() {
    insta::assert_snapshot!(cuda("../models/vgg.cnn"));
}

#[test]
fn cuda_of_resnet18() {
    insta::assert_snapshot!(cuda("../models/resnet18.cnn"));
}
