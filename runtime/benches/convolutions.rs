//! Convolutions by every method that can compute them: `cargo bench -p cnnc-runtime --bench convolutions`.
//!
//! Rates count the multiply-adds of the definition. Bringing the image into blocks and back is in the times, as at the edges of a
//! network; `blocked_layers` times the bare kernels and holds them against the machine's peak.

mod common;

use cnnc_compiler::plan::{Method, Scheme};
use common::Bench;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// ResNet-18's layers: channels and size.
const LAYERS: [(usize, usize); 4] = [(64, 56), (128, 28), (256, 14), (512, 7)];

fn three_by_three(bencher: Bencher, (channels, size): (usize, usize), method: Method) {
    let layer = format!("Conv2d({channels}, kernel_size=3, padding=1)");
    let mut bench = Bench::new(&layer, &[1, channels, size, size], Some(method));
    bencher.counter(ItemsCount::new(9 * channels * channels * size * size)).bench_local(|| bench.run());
}

#[divan::bench(args = LAYERS)]
fn direct(bencher: Bencher, layer: (usize, usize)) {
    three_by_three(bencher, layer, Method::Direct);
}

#[divan::bench(args = LAYERS)]
fn winograd_2x2(bencher: Bencher, layer: (usize, usize)) {
    three_by_three(bencher, layer, Method::Winograd(Scheme::F2));
}

#[divan::bench(args = LAYERS)]
fn winograd_4x4(bencher: Bencher, layer: (usize, usize)) {
    three_by_three(bencher, layer, Method::Winograd(Scheme::F4));
}

#[divan::bench(args = [(256, 64, 56), (1024, 256, 14), (512, 2048, 7)])]
fn one_by_one(bencher: Bencher, (ins, outs, size): (usize, usize, usize)) {
    let mut bench = Bench::new(&format!("Conv2d({outs}, kernel_size=1)"), &[1, ins, size, size], None);
    bencher.counter(ItemsCount::new(ins * outs * size * size)).bench_local(|| bench.run());
}

#[divan::bench]
fn stem(bencher: Bencher) {
    let mut bench = Bench::new("Conv2d(64, kernel_size=7, stride=2, padding=3)", &[1, 3, 224, 224], None);
    bencher.counter(ItemsCount::new(49usize * 3 * 64 * 112 * 112)).bench_local(|| bench.run());
}

#[divan::bench(args = [(96, 112), (144, 56), (576, 14), (960, 7)])]
fn depthwise(bencher: Bencher, (channels, size): (usize, usize)) {
    let layer = format!("Conv2d({channels}, kernel_size=3, padding=1, groups={channels})");
    let mut bench = Bench::new(&layer, &[1, channels, size, size], None);
    bencher.counter(ItemsCount::new(9 * channels * size * size)).bench_local(|| bench.run());
}

#[divan::bench]
fn transposed(bencher: Bencher) {
    let mut bench = Bench::new("ConvTranspose2d(64, kernel_size=2, stride=2)", &[1, 128, 28, 28], None);
    bencher.counter(ItemsCount::new(4usize * 64 * 128 * 28 * 28)).bench_local(|| bench.run());
}
