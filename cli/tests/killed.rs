//! `cnnc train` as a process that is killed, at any moment and in the middle of a checkpoint: it goes on to the same bits.

#[path = "common/small.rs"]
mod small;

use small::Case;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Moments at which the run is killed.
const KILLS: usize = 20;

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_to_the_same_bits() {
    let case = Case::new();
    survives(&case, KILLS);
}

/// Optimiser, schedule and steps of which a checkpoint has to hold more: sums of parts, momenta that change, what was measured.
#[test]
fn a_run_whose_steps_depend_on_what_was_before_is_killed_and_goes_on_to_the_same_bits() {
    for optimizer in [
        "optimizer: {name: sgd, lr: 0.05}\nschedule: one_cycle\naccumulate: 3\nema: 0.9\nclip_grad_norm: 1",
        "optimizer: {name: nadam, lr: 0.01}\nschedule: {name: plateau, patience: 0, threshold: 0.5, factor: 0.3}\n\
         accumulate: 2\nema: 0.5\nmonitor: val_loss",
        "optimizer: {name: lamb, lr: 0.01}\nschedule: {name: one_cycle, three_phase: true}",
        "optimizer: {name: nadam, lr: 0.01, no_decay: bias_and_norm}\naccumulate: 2\nema: 0.9\n\
         freeze: [{parameters: \"0.*\", epochs: 2}, {parameters: \"1.*\", epochs: 1}]\n\
         loss: {name: cross_entropy, weight: balanced, label_smoothing: 0.1}",
    ] {
        let case = Case::new();
        let recipe = fs::read_to_string(case.path("small.yaml")).expect("the recipe");
        let recipe = recipe.replace("optimizer: {name: sgd, lr: 0.05, momentum: 0.9}", optimizer);
        assert!(recipe.contains(optimizer));
        fs::write(case.path("small.yaml"), recipe).expect("the recipe");
        survives(&case, KILLS / 3);
    }
}

/// Kills a run so many times, each time at another moment, and holds what comes out of it to one that nobody killed.
#[track_caller]
fn survives(case: &Case, kills: usize) {
    case.done("whole", &[]);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let mut random = seed | 1;
    for kill in 0..kills {
        // Xorshift: another moment every time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = case.start("killed", &["--resume", "--threads", ["1", "2"][kill % 2]]);
        sleep(Duration::from_millis(20 + random % 300));
        child.kill().expect("killed");
        child.wait().expect("an end");
    }
    case.done("killed", &["--resume"]);
    assert!(case.tensors("whole") == case.tensors("killed"), "other bits, with seed {seed}");
    assert_eq!(case.log("whole"), case.log("killed"), "seed {seed}");
    assert!(case.best("whole") == case.best("killed"), "another best, with seed {seed}");
    let names = fs::read_dir(case.path("killed")).expect("the folder").count();
    assert_eq!(names, 6, "nothing half-written is left");
}

#[test]
fn a_run_that_is_killed_in_the_middle_of_a_checkpoint_goes_on_to_the_same_bits() {
    let case = Case::new();
    // A checkpoint of 12 MB after every step, so that most of the time one is being written.
    for (name, from, to) in
        [("small.cnn", "Linear(10)", "Linear(4000); Linear(10)"), ("small.yaml", "_every: 2", "_every: 1")]
    {
        let text = fs::read_to_string(case.path(name)).expect("a text").replace(from, to);
        fs::write(case.path(name), text).expect("a text");
    }
    case.done("whole", &["--epochs", "1"]);
    // Parts of checkpoints; those that a kill left are there until the next one is written.
    let parts = || -> BTreeSet<(OsString, u64, SystemTime)> {
        let entries = fs::read_dir(case.path("killed")).into_iter().flatten().flatten();
        let temporary = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"));
        let parts = temporary.filter_map(|entry| {
            let about = entry.metadata().ok()?;
            Some((entry.file_name(), about.len(), about.modified().ok()?))
        });
        parts.filter(|(_, length, _)| *length > 1 << 16).collect()
    };
    let mut caught = 0;
    for _ in 0..KILLS {
        let before = parts();
        let mut child = case.start("killed", &["--epochs", "1", "--resume"]);
        while parts().is_subset(&before) && child.try_wait().expect("a process").is_none() {
            sleep(Duration::from_micros(100));
        }
        child.kill().expect("killed");
        child.wait().expect("an end");
        caught += usize::from(!parts().is_subset(&before));
    }
    assert!(caught > 0, "no kill came in the middle");
    case.done("killed", &["--epochs", "1", "--resume"]);
    assert!(case.tensors("whole") == case.tensors("killed"));
    assert_eq!(case.log("whole"), case.log("killed"));
    assert!(case.best("whole") == case.best("killed"));
    assert_eq!(fs::read_dir(case.path("killed")).expect("the folder").count(), 6, "nothing half-written is left");
}
