//! Any number of random nets and training steps, from any seed on.
//!
//!     cargo run --release -p cnnc-tests --example random_nets -- --nets 20000 --steps 5000 --seed 1
//!     cd tests && cargo run --release --example random_nets -- --nets 300 --steps 300 --emulated
//!
//! What is wrong is printed with its seed, and its spec made smaller; after ten such nets (`--faults`) nobody need see more.
#![allow(clippy::print_stdout, reason = "what was found is printed")]

use cnnc_tests::emulation::compiler;
use cnnc_tests::random::{Fate, Report, emulated, look, smallest};
use std::ops::Range;
use std::time::Instant;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let place = words.iter().position(|word| word == name)?;
        words.get(place + 1)?.parse::<u64>().ok()
    };
    let first = number("--seed").unwrap_or(0);
    let most = number("--faults").unwrap_or(10);
    // A panic is one of the faults that are printed.
    std::panic::set_hook(Box::new(|_| {}));
    for (training, name) in [(false, "--nets"), (true, "--steps")] {
        let Some(count) = number(name) else { continue };
        if words.iter().any(|word| word == "--emulated") {
            emulate(first..first + count, training);
        } else {
            run(first..first + count, training, most);
        }
    }
}

/// Programs on the emulated GPU.
fn emulate(seeds: Range<u64>, training: bool) {
    let Some(compiler) = compiler() else { return };
    let start = Instant::now();
    let count = seeds.end - seeds.start;
    let faults = emulated::faults(&compiler, seeds, training);
    faults.iter().for_each(|fault| println!("{fault}"));
    println!("{count} programs, {} faults, {:.1} s", faults.len(), start.elapsed().as_secs_f64());
}

/// Nets by every road of the processor, until so many are wrong.
fn run(seeds: Range<u64>, training: bool, most: u64) {
    let (mut report, mut refused, mut wrong) = (Report::default(), 0, 0);
    let (start, first, count) = (Instant::now(), seeds.start, seeds.end - seeds.start);
    for seed in seeds {
        match look(seed, training, &mut report) {
            Fate::Refused(spec) => {
                refused += 1;
                println!("refused, seed {seed}:\n{}", spec.text);
            }
            Fate::Clean => {}
            Fate::Wrong(faults, spec) => {
                wrong += 1;
                let small = smallest(seed, training, &spec);
                println!("seed {seed}, inputs {:?}, made smaller:\n{}", small.inputs, small.text);
                println!("  {}", faults.join("\n  "));
                println!("after {} nets and {:.1} s", seed - first + 1, start.elapsed().as_secs_f64());
                if wrong >= most {
                    break;
                }
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{:#?}\n{:#?}\n{:#?}", report.nets_with, report.steps_of, report.largest);
    println!("in no net: {:?}", report.missing());
    println!(
        "{count} nets, {refused} refused, {} not finite, {} undecided, {wrong} wrong, {seconds:.1} s",
        report.not_finite, report.undecided
    );
}
