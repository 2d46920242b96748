//! What `--output` does to what is there: nothing that is read is written over, and links, pipes, devices and modes stay what
//! they are.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A spec with an import, weights and an input, in a folder of their own.
struct Case {
    folder: TempDir,
}

impl Case {
    fn new() -> Case {
        let folder = tempfile::tempdir().expect("a folder");
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        let put = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).expect("a file");
        let spec = fs::read_to_string(models.join("lenet.cnn")).expect("the spec");
        put("lenet.cnn", format!("import \"blocks.cnn\"\n{spec}").as_bytes());
        put("blocks.cnn", b"block Unused { ReLU }\n");
        put("w.safetensors", &fs::read(models.join("lenet.safetensors")).expect("weights"));
        put("x.png", &fs::read(models.join("sample.png")).expect("a picture"));
        Case { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `cnnc run` with all of them and this output.
    fn command(&self, output: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.arg("run").arg(self.at("lenet.cnn")).arg("--weights").arg(self.at("w.safetensors"));
        command.arg("--input").arg(self.at("x.png")).arg("--output").arg(output);
        command
    }

    fn run(&self, output: &Path) -> Output {
        self.command(output).output().expect("a process")
    }

    #[track_caller]
    fn done(&self, output: &Path) {
        let run = self.run(output);
        assert!(run.status.success(), "{}", text(&run.stderr));
    }

    #[track_caller]
    fn refused(&self, output: &Path, says: &str) {
        let names = ["lenet.cnn", "blocks.cnn", "w.safetensors", "x.png"];
        let before = names.map(|name| fs::read(self.at(name)).expect("a file"));
        let run = self.run(output);
        let errors = text(&run.stderr).replace("\n = ", " ").replace("\n   ", " ");
        assert!(run.status.code() == Some(1) && errors.contains("error[E601]: cannot write"), "{errors}");
        assert!(errors.contains(says), "{errors}");
        assert_eq!(before, names.map(|name| fs::read(self.at(name)).expect("a file")), "{output:?} changed something");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The answer of LeNet: a head of 128 bytes and ten numbers.
const ANSWER_BYTES: usize = 128 + 40;

#[test]
fn what_a_run_reads_is_not_written_over() {
    let case = Case::new();
    for (name, says) in [
        ("lenet.cnn", "a source that this command reads"),
        ("blocks.cnn", "a source that this command reads"),
        ("w.safetensors", "the weights that this command reads"),
        ("x.png", "an input that this command reads"),
    ] {
        case.refused(&case.at(name), says);
        case.refused(&case.at(&format!("../{}/{name}", case.folder.path().file_name().unwrap().display())), says);
        let second = case.at("second name");
        fs::hard_link(case.at(name), &second).expect("a link");
        case.refused(&second, says);
        fs::remove_file(&second).expect("a link");
    }
    case.done(&case.at("y.npy"));
    case.done(&case.at("y.npy"));
}

#[test]
fn several_answers_have_names_that_can_be_and_are_checked_each() {
    let case = Case::new();
    let spec = "model Two { input [N, 4]; \"a/b\": Linear(3); output \"a/b\"; ReLU; Linear(2); output score }";
    fs::write(case.at("two.cnn"), spec).expect("a spec");
    let run = |output: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.arg("run").arg(case.at("two.cnn")).arg("--output").arg(case.at(output)).output().expect("a process")
    };
    assert!(run("y.npy").status.success());
    assert!(case.at("y.a_b.npy").exists() && case.at("y.score.npy").exists());
    fs::rename(case.at("two.cnn"), case.at("two.score.cnn")).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let refused = command.arg("run").arg(case.at("two.score.cnn")).arg("--output").arg(case.at("two.cnn")).output();
    let refused = refused.expect("a process");
    assert!(text(&refused.stderr).contains("E601") && !case.at("two.a_b.cnn").exists(), "{}", text(&refused.stderr));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    #[test]
    fn links_modes_and_devices_stay() {
        let case = Case::new();
        symlink("w.safetensors", case.at("link to weights")).expect("a link");
        case.refused(&case.at("link to weights"), "the weights");

        fs::write(case.at("real.npy"), "old").expect("a file");
        fs::set_permissions(case.at("real.npy"), fs::Permissions::from_mode(0o640)).expect("a mode");
        symlink("real.npy", case.at("y.npy")).expect("a link");
        case.done(&case.at("y.npy"));
        assert!(fs::symlink_metadata(case.at("y.npy")).expect("a link").is_symlink());
        let real = fs::metadata(case.at("real.npy")).expect("a file");
        assert_eq!((real.len() as usize, real.permissions().mode() & 0o777), (ANSWER_BYTES, 0o640));

        case.done(Path::new("/dev/null"));
        assert!(fs::metadata("/dev/null").expect("a device").file_type().is_char_device());
    }

    #[test]
    fn a_pipe_is_written_through() {
        let case = Case::new();
        let pipe = case.at("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let run = case.command(&pipe).stdout(Stdio::null()).spawn().expect("a process");
        let mut answer = Vec::new();
        File::open(&pipe).expect("a pipe").read_to_end(&mut answer).expect("the answer");
        assert!(run.wait_with_output().expect("an end").status.success());
        assert_eq!((answer.len(), &answer[1..6]), (ANSWER_BYTES, b"NUMPY".as_slice()));
        assert!(fs::metadata(&pipe).expect("a pipe").file_type().is_fifo());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_answer_does_not_go_where_standard_output_goes() {
        let case = Case::new();
        let place = case.at("both");
        let into = |place: &Path| File::create(place).expect("a file");
        let run = case.command(&place).stdout(into(&place)).stderr(Stdio::piped()).spawn().expect("a process");
        let run = run.wait_with_output().expect("an end");
        assert!(text(&run.stderr).contains("standard output goes there"), "{}", text(&run.stderr));
        // Through a pipe both may go.
        let run = case.run(Path::new("/dev/stdout"));
        assert!(run.status.success() && run.stdout.len() > ANSWER_BYTES);
    }
}
