//! The time to check generated specs of 1,000, 10,000 and 100,000 layers: it must grow in proportion. `cargo bench -p cnnc-tests`

use cnnc_compiler::summary::summarize;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_tests::{Text, check_in};

fn main() {
    divan::main();
}

/// Layers written out one by one, in groups of three.
fn written_out(layers: usize) -> String {
    let group = "    Conv2d(8, kernel_size=3, padding=1)\n    BatchNorm2d\n    ReLU\n";
    format!("model Deep {{\n    input [N, 8, H, W]\n{}}}\n", group.repeat(layers / 3))
}

/// The same layers out of calls of a residual block in a loop: five layers and a sum each.
fn repeated(layers: usize) -> String {
    let block = "block Residual {\n    sum {\n        Identity\n        { Conv2d(8, kernel_size=3, padding=1); BatchNorm2d; ReLU }\n    }\n    ReLU\n}\n";
    format!("{block}model Deep {{\n    input [N, 8, H, W]\n    repeat {} {{ Residual }}\n}}\n", layers / 6)
}

fn check(text: &str) {
    let checked = check_in("deep.cnn", &Text(text));
    assert!(checked.problems.is_empty() && checked.networks.len() == 1);
    summarize(&checked.networks[0], &Bindings::new(), Some(0));
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5)]
fn layers_written_out(bencher: divan::Bencher, layers: usize) {
    bencher.with_inputs(|| written_out(layers)).bench_refs(|text| check(text));
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5)]
fn layers_repeated(bencher: divan::Bencher, layers: usize) {
    bencher.with_inputs(|| repeated(layers)).bench_refs(|text| check(text));
}
