//! What goes over every element: functions, pooling, sums, resampling. `cargo bench -p cnnc-runtime --bench elements`. Rates
//! count the bytes of the input.

mod common;

use common::Bench;
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

fn layer(bencher: Bencher, layer: &str, shape: &[usize]) {
    let mut bench = Bench::new(layer, shape, None);
    bencher.counter(BytesCount::new(4 * shape.iter().product::<usize>())).bench_local(|| bench.run());
}

#[divan::bench(args = ["ReLU", "ELU", "Sigmoid", "SiLU", "Tanh", "GELU", "Hardswish"])]
fn functions(bencher: Bencher, name: &str) {
    layer(bencher, name, &[1, 64, 112, 112]);
}

#[divan::bench(args = ["MaxPool2d(3, stride=2)", "AvgPool2d(2)", "AdaptiveAvgPool2d(1)", "AdaptiveAvgPool2d(7)"])]
fn pooling(bencher: Bencher, name: &str) {
    layer(bencher, name, &[1, 64, 112, 112]);
}

#[divan::bench(args = ["Softmax(dim=1)", "LogSoftmax(dim=1)", "LayerNorm"])]
fn rows(bencher: Bencher, name: &str) {
    layer(bencher, name, &[64, 1000]);
}

#[divan::bench(args = ["Upsample(scale_factor=2)", "Upsample(scale_factor=2, mode=\"bilinear\")", "ZeroPad2d(1)"])]
fn images(bencher: Bencher, name: &str) {
    layer(bencher, name, &[1, 64, 56, 56]);
}
