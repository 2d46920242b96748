//! `cnnc train` as a process: what it leaves, and that it goes on to the same bits where it was ended.

#[path = "common/small.rs"]
mod small;

use small::{Case, MODELS, errors};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn a_run_leaves_its_files_and_says_what_it_did() {
    let case = Case::new();
    let said = case.done("run", &[]);
    assert!(
        said.starts_with("Small: ") && said.contains("600 + 200 pictures in 10 classes; 10 batches of 64"),
        "{said}"
    );
    assert_eq!(said.lines().filter(|line| line.starts_with("epoch ")).count(), 3, "{said}");
    assert!(said.contains("best: epoch ") && said.contains("curves: "), "{said}");
    for name in
        ["best.safetensors", "last.safetensors", "previous.safetensors", "log.jsonl", "curves.svg", "report.html"]
    {
        assert!(case.path("run").join(name).is_file(), "{name}");
    }
    assert_eq!(fs::read_dir(case.path("run")).expect("the folder").count(), 6);
    assert_eq!(case.log("run").len(), 3);
    let keys: Vec<String> = case.tensors("run").into_keys().collect();
    assert!(keys.contains(&"0.weight".into()) && keys.contains(&".momentum_buffer.0.weight".into()), "{keys:?}");
    assert!(keys.contains(&"1.running_mean".into()), "{keys:?}");
    // The checkpoint serves as weights, without the optimiser's state.
    let spec = case.path("small.cnn");
    for weights in ["best.safetensors", "last.safetensors"] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        let output = run.arg("run").arg(&spec).arg("--weights").arg(case.path("run").join(weights)).output();
        let output = output.expect("a process");
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    }
}

/// The finder draws a picture, and neither trains nor touches what is there.
#[test]
fn learning_rates_are_tried_beside_a_run_that_stays_as_it_was() {
    let case = Case::new();
    case.done("run", &["--epochs", "1"]);
    let files = || {
        let entries = fs::read_dir(case.path("run")).expect("the folder").map(|entry| entry.expect("a file").path());
        entries.map(|path| (fs::read(&path).expect("a file"), path)).collect::<std::collections::BTreeSet<_>>()
    };
    let before = files();
    let said = case.done("run", &["--find-lr"]);
    assert!(
        said.contains(" steps, lr 1e-7 to ") && said.contains("proposal: lr ") && said.contains("curve: "),
        "{said}"
    );
    let after = files();
    let new: Vec<_> = after.difference(&before).map(|(_, path)| path.file_name().expect("a name")).collect();
    assert!(before.is_subset(&after) && new == ["find_lr.svg"], "{new:?}");
    let svg = fs::read_to_string(case.path("run").join("find_lr.svg")).expect("the picture");
    assert!(svg.contains("learning rate") && svg.contains(">1e-7<") && !svg.contains("NaN"), "{svg}");
    // The same once more, on more threads.
    assert_eq!(case.done("run", &["--find-lr", "--threads", "2"]), said);
    // A folder that is not there is made for the picture alone.
    case.done("none", &["--find-lr", "--set", "schedule=one_cycle", "--set", "accumulate=2"]);
    assert_eq!(fs::read_dir(case.path("none")).expect("the folder").count(), 1);
}

#[test]
fn threads_and_loaders_change_no_bit() {
    let case = Case::new();
    case.done("one", &["--threads", "1"]);
    let recipe = case.path("small.yaml");
    let text = fs::read_to_string(&recipe).expect("the recipe").replace("  format", "  workers: 3\n  format");
    fs::write(&recipe, text).expect("the recipe");
    case.done("two", &["--threads", "2"]);
    assert_eq!(case.tensors("one"), case.tensors("two"));
    assert_eq!(case.log("one"), case.log("two"));
}

#[test]
fn an_interrupt_ends_after_the_step_with_a_checkpoint() {
    let case = Case::new();
    case.done("whole", &["--epochs", "40"]);
    let child = case.start("stopped", &["--epochs", "40"]);
    let begun = || case.path("stopped").join("log.jsonl").metadata().is_ok_and(|log| log.len() > 0);
    while !begun() {
        sleep(Duration::from_millis(5));
    }
    let status = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().expect("a signal");
    assert!(status.success());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("stopped after epoch ") && errors(&output).contains("--resume"), "{output:?}");
    case.done("stopped", &["--epochs", "40", "--resume"]);
    assert!(case.tensors("whole") == case.tensors("stopped"));
    assert_eq!(case.log("whole"), case.log("stopped"));
    assert!(case.best("whole") == case.best("stopped"));
}

#[test]
fn a_full_disk_and_a_truncated_checkpoint_are_clear_errors() {
    let case = Case::new();
    case.done("run", &["--epochs", "1"]);
    let last = case.path("run").join("last.safetensors");
    let before = fs::read(&last).expect("the checkpoint");
    // Files may grow to two blocks: the checkpoint does not fit.
    let limited = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    let command = case.command("run", &["--epochs", "2", "--resume"]);
    let output = Command::new("sh").args(["-c", limited]).arg(command.get_program()).args(command.get_args()).output();
    let output = output.expect("a process");
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(
        errors(&output).contains("error[E601]: cannot write") && errors(&output).contains("safetensors"),
        "{output:?}"
    );
    assert_eq!(fs::read(&last).expect("the checkpoint"), before, "the one before is there still");

    fs::write(&last, &before[..before.len() / 2]).expect("cut off");
    let output = case.command("run", &["--epochs", "2", "--resume"]).output().expect("a process");
    assert_eq!(output.status.code(), Some(1));
    let said = errors(&output);
    assert!(said.contains("error[E603]") && said.contains("last.safetensors") && said.contains("cut off"), "{said}");
    let previous = case.path("run").join("previous.safetensors");
    assert!(said.contains(&format!("--resume={}", previous.display())), "{said}");
    case.done("run", &["--epochs", "2", &format!("--resume={}", previous.display())]);
    assert_eq!(case.log("run").len(), 2);
}

#[test]
fn another_run_is_refused() {
    let case = Case::new();
    case.done("run", &["--epochs", "1"]);
    let recipe = case.path("small.yaml");
    let text = fs::read_to_string(&recipe).expect("the recipe").replace("lr: 0.05", "lr: 0.5");
    fs::write(&recipe, text).expect("the recipe");
    let output = case.command("run", &["--epochs", "2", "--resume"]).output().expect("a process");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors(&output).contains("error[E611]") && errors(&output).contains("`optimizer.lr` was 0.05 and is 0.5"),
        "{output:?}"
    );
    assert!(Path::new(&case.path("run")).join("best.safetensors").exists());
}

#[test]
fn a_broken_picture_stops_the_run_or_is_left_out() {
    let case = Case::new();
    let folder = case.path("pictures");
    for (part, count) in [("train", 6), ("validation", 2)] {
        for class in ["ankle boot", "sneaker"] {
            let class = folder.join(part).join(class);
            fs::create_dir_all(&class).expect("a folder");
            for number in 0..count {
                fs::copy(format!("{MODELS}/sample.png"), class.join(format!("{number}.png"))).expect("a picture");
            }
        }
    }
    fs::write(folder.join("train/ankle boot/3.png"), "no picture").expect("a file");
    let recipe = |corrupt: &str| {
        let text = format!(
            "model: {{file: {MODELS}/lenet.cnn}}\ndata: {{format: folder, path: pictures{corrupt}}}\n\
             optimizer: sgd\nbatch_size: 4\nepochs: 1\n"
        );
        fs::write(case.path("small.yaml"), text).expect("the recipe");
    };
    recipe("");
    let output = case.command("run", &[]).output().expect("a process");
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("error[E603]") && errors(&output).contains("3.png"), "{output:?}");
    recipe(", corrupt: skip");
    let output = case.command("run", &[]).output().expect("a process");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("left out") && errors(&output).contains("3.png"), "{output:?}");
}

/// Trained weights under another head, the first layers frozen with their statistics, and the rest at rates of their own.
fn fine_tuned(case: &Case) {
    case.done("first", &["--epochs", "1"]);
    let recipe = fs::read_to_string(case.path("small.yaml")).expect("the recipe");
    let recipe = recipe.replace(
        "optimizer: {name: sgd, lr: 0.05, momentum: 0.9}",
        "weights: {file: first/best.safetensors, ignore: '6.*'}
freeze: ['0.*', '1.*']
optimizer: {name: adamw, lr: 0.05, no_decay: bias_and_norm, groups: [{parameters: '*.weight', lr: 0.01}]}",
    );
    fs::write(case.path("small.yaml"), recipe).expect("the recipe");
}

#[test]
fn a_training_begins_from_weights_and_leaves_what_is_frozen_as_it_was() {
    let case = Case::new();
    fine_tuned(&case);
    let output = case.command("tuned", &[]).output().expect("a process");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(
        errors(&output).contains("2 tensors are drawn anew, as `ignore` says: `6.weight` and `6.bias`"),
        "{output:?}"
    );
    let (before, after) = (case.tensors("first"), case.tensors("tuned"));
    let is_own = |key: &&String| !key.starts_with('.');
    for key in before.keys().filter(is_own) {
        assert_eq!(before[key] == after[key], !key.starts_with("6."), "{key}");
    }
    let states: Vec<&String> = after.keys().filter(|key| key.starts_with('.')).collect();
    assert_eq!(states, [".exp_avg.6.bias", ".exp_avg.6.weight", ".exp_avg_sq.6.bias", ".exp_avg_sq.6.weight"]);
}

#[test]
fn a_fine_tuning_that_is_killed_goes_on_to_the_same_bits() {
    let case = Case::new();
    fine_tuned(&case);
    case.done("whole", &[]);
    for kill in 0..6_u64 {
        let mut child = case.start("killed", &["--resume", "--threads", ["1", "2"][kill as usize % 2]]);
        sleep(Duration::from_millis(40 + 45 * kill));
        child.kill().expect("killed");
        child.wait().expect("an end");
    }
    // What is begun from is not asked for again.
    case.done("killed", &["--resume", "--epochs", "2"]);
    fs::remove_dir_all(case.path("first")).expect("gone");
    case.done("killed", &["--resume"]);
    assert!(case.tensors("whole") == case.tensors("killed"), "other bits");
    assert_eq!(case.log("whole"), case.log("killed"));
    let recipe = fs::read_to_string(case.path("small.yaml")).expect("the recipe");
    fs::write(case.path("small.yaml"), recipe.replace("'0.*', ", "")).expect("the recipe");
    let output = case.command("whole", &["--epochs", "4", "--resume"]).output().expect("a process");
    assert!(errors(&output).contains("error[E611]") && errors(&output).contains("`freeze` was"), "{output:?}");
}

#[test]
fn what_does_not_fit_a_fine_tuning_is_said_at_its_place() {
    let case = Case::new();
    fine_tuned(&case);
    let whole = fs::read_to_string(case.path("small.yaml")).expect("the recipe");
    let said = |from: &str, to: &str| {
        assert!(whole.contains(from), "{whole}");
        fs::write(case.path("small.yaml"), whole.replace(from, to)).expect("the recipe");
        let output = case.command("none", &[]).output().expect("a process");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        errors(&output)
    };
    for (from, to, words) in [
        ("'0.*', '1.*'", "'0', '1.*'", &["E607", "has no parameter `0`", "`\"0.*\"`"][..]),
        ("'0.*', '1.*'", "'*'", &["E609", "nothing is left to be learnt"]),
        ("ignore: '6.*'", "ignore: '6.*x'", &["E607", "neither Small nor"]),
        ("first/best", "first/bets", &["E601", "bets.safetensors", "begins from these weights"]),
    ] {
        let errors = said(from, to);
        words.iter().for_each(|word| assert!(errors.contains(word), "lacks {word:?}:\n{errors}"));
    }
    fs::write(
        case.path("small.cnn"),
        fs::read_to_string(case.path("small.cnn")).expect("a spec").replace("10)", "12)"),
    )
    .expect("a spec");
    let errors = said(", ignore: '6.*'", "");
    assert!(errors.contains("E602") && errors.contains("`6.weight`") && errors.contains("`ignore`"), "{errors}");
}
