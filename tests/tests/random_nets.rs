//! A fixed number of random nets and training steps by every road, against the evaluation; `examples/random_nets.rs` runs any
//! number.

use cnnc_tests::emulation::compiler;
use cnnc_tests::random::{Fate, Report, emulated, has_any, look, smallest};
use std::ops::Range;

/// Seeds that are gone through for layers that the ones before lacked.
const SEARCHED: u64 = 20_000;

/// Looks at some seeds, then at those that have a layer which these lacked, and fails with the first net that is wrong.
fn none_wrong(seeds: Range<u64>, training: bool) -> Report {
    let mut report = Report::default();
    let (count, mut refused) = (seeds.end - seeds.start, 0);
    for seed in seeds.start..seeds.end + SEARCHED {
        if seed >= seeds.end {
            let missing = report.missing();
            if missing.is_empty() {
                break;
            }
            if !has_any(seed, training, &missing) {
                continue;
            }
        }
        match look(seed, training, &mut report) {
            Fate::Clean => {}
            Fate::Refused(_) => refused += 1,
            Fate::Wrong(faults, spec) => {
                let small = smallest(seed, training, &spec);
                panic!("seed {seed}, inputs {:?}:\n{}\n{}", small.inputs, small.text, faults.join("\n"));
            }
        }
    }
    assert!(100 * refused <= count, "{refused} of {count} specs are refused");
    let missing = report.missing();
    assert!(missing.is_empty(), "in no net: {missing:?}");
    report
}

#[test]
fn answers() {
    let report = none_wrong(0..2400, false);
    assert!(report.not_finite < 24, "{} nets were not compared", report.not_finite);
    for step in ["conv by direct", "conv by depthwise", "conv by rows", "conv by stem", "conv by winograd_4x4"] {
        assert!(report.steps_of.contains_key(step), "no net has a {step}: {:?}", report.steps_of);
    }
}

#[test]
fn training_steps() {
    let report = none_wrong(0..1500, true);
    assert!(report.not_finite + report.undecided < 150, "{} and {}", report.not_finite, report.undecided);
}

#[test]
fn programs_of_the_emulated_gpu() {
    let Some(compiler) = compiler() else { return };
    for (seeds, training) in [(0..14, false), (0..6, true)] {
        let faults = emulated::faults(&compiler, seeds, training);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
