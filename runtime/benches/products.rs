//! Fully connected layers, one row and many: `cargo bench -p cnnc-runtime --bench products`. Rates count multiply-adds.

mod common;

use common::Bench;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

#[divan::bench(args = [(1, 400, 120), (1, 2048, 1000), (8, 2048, 1000), (1, 4096, 4096), (8, 4096, 4096)])]
fn linear(bencher: Bencher, (rows, ins, outs): (usize, usize, usize)) {
    let mut bench = Bench::new(&format!("Linear({outs})"), &[rows, ins], None);
    bencher.counter(ItemsCount::new(rows * ins * outs)).bench_local(|| bench.run());
}
