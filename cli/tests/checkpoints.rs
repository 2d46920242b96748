//! PyTorch's files on the command line: run, listed, converted, and renamed as the error before proposes.

use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const CHECKPOINTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/checkpoints");

/// Exit status, standard output, standard error.
fn said(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cnnc")).args(arguments).output().expect("a process");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn done(arguments: &[&str]) -> (String, String) {
    let (status, output, errors) = said(arguments);
    assert_eq!(status, 0, "{arguments:?}: {errors}");
    (output, errors)
}

#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    let (status, output, errors) = said(arguments);
    assert_eq!((status, output.as_str()), (1, ""), "{arguments:?}: {errors}");
    words.iter().for_each(|word| assert!(errors.contains(word), "{arguments:?} lacks {word:?}:\n{errors}"));
}

fn checkpoint(name: &str) -> String {
    format!("{CHECKPOINTS}/{name}.pth")
}

/// A folder with a spec of one layer, and the spec.
fn linear(name: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("m.cnn");
    fs::write(&spec, format!("model M {{ input [N, 2]; {name}: Linear(2) }}")).expect("a spec");
    let spec = spec.to_string_lossy().into_owned();
    (folder, spec)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

#[test]
fn a_checkpoint_is_run_once_the_proposed_rename_is_made() {
    let (_folder, spec) = linear("fc");
    let nested = checkpoint("nested");
    let run = ["run", &spec, "--weights", &nested];
    refused(&run, &["E602", "the file lacks `fc.weight`", "2 of the model's 2 tensors fit with `--rename '^=fc.'`"]);
    let (_, errors) = done(&[&run[..], &["--rename", "^=fc."]].concat());
    assert!(errors.contains("the state is what lies under `state_dict`"), "{errors}");
    let (output, _) = done(&["params", &spec, "fc.bias", "--weights", &nested, "--rename", "^=fc."]);
    assert!(output.contains('4') && output.contains('5'), "{output}");
}

#[test]
fn of_several_states_a_key_chooses() {
    let (_folder, spec) = linear("x");
    let several = checkpoint("several");
    let run = ["run", &spec, "--weights", &several];
    refused(&run, &["E602", "has 2 states", "`--key model` has 2 tensors", "`--key ema.module` has 2 tensors"]);
    done(&[&run[..], &["--key", "ema"]].concat());
    done(&[&run[..], &["--key", "model", "--rename", "^=x."]].concat());
    refused(&[&run[..], &["--key", "none"]].concat(), &["E602", "nothing under the key `none`", "`model`, `ema`"]);
    let (status, _, errors) = said(&["run", &spec, "--key", "ema"]);
    assert!(status == 2 && errors.contains("--weights"), "{errors}");
}

#[test]
fn what_wrappers_put_in_is_found_and_said() {
    let (_folder, spec) = linear("x");
    let wrapped = checkpoint("data_parallel");
    // The file has `module.weight`; the model's key has one name more.
    let (_, errors) = done(&["params", &spec, "x.bias", "--weights", &wrapped, "--rename", r"^module\.=module.x."]);
    assert!(errors.contains("`module.` is taken off every key"), "{errors}");
}

#[test]
fn weights_are_converted_with_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.safetensors");
    let out = text(&out);
    let (report, errors) = done(&["convert", &checkpoint("zip_2"), out, "--rename", r"^norm\.=bn."]);
    for line in [
        "12 tensors",
        "became float32: tensors (1 of float16 and 1 of float64)",
        "`norm.num_batches_tracked` is `bn.num_batches_tracked`",
    ] {
        assert!(report.contains(line), "{line} is not in\n{report}");
    }
    assert_eq!(errors, "");
    let before = fs::read(out).expect("the file");
    refused(&["convert", &checkpoint("nested"), out], &["E601", "is there already", "--force"]);
    assert_eq!(fs::read(out).expect("the file"), before);
    let (report, errors) = done(&["convert", &checkpoint("nested"), out, "--force", "--prefix", "net"]);
    assert!(errors.contains("under `state_dict`"), "{errors}");
    for line in ["2 tensors", "left out beside them: 5", "`optimizer`, a dictionary", "`args`, `argparse.Namespace`"] {
        assert!(report.contains(line), "{line} is not in\n{report}");
    }
    // Nothing is half written, and nothing is written over what is read.
    let absent = folder.path().join("absent.safetensors");
    refused(&["convert", &checkpoint("refused_call"), text(&absent)], &["E603", "`posix.system`"]);
    assert!(!absent.exists());
    refused(&["convert", out, out, "--force"], &["E601", "that this command reads"]);
    let (status, _, errors) = said(&["convert", out, text(&absent), "--rename", "(=x"]);
    assert!(status == 2 && errors.contains("no regular expression"), "{errors}");
}

#[test]
fn files_that_are_none_say_what_they_are() {
    let (_folder, spec) = linear("fc");
    for (name, words) in [
        ("refused_page", "is a web page"),
        ("refused_pointer", "is a pointer of Git LFS"),
        ("refused_eval", "asks to call `builtins.eval`, and nothing of a file is run"),
        ("refused_script", "is a TorchScript archive"),
        ("refused_compressed", "compressed"),
    ] {
        refused(&["run", &spec, "--weights", &checkpoint(name)], &["E603", words, name]);
    }
}
