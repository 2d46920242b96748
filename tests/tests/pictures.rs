//! The pictures of the README: what the command line prints, drawn as SVG, held to what it prints today.
//!
//! `UPDATE_DOCS=1 cargo test -p cnnc-tests --test pictures` draws them anew.

use anstyle_svg::Term;
use cnnc::Console;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a command line prints on a terminal with colours, output before errors.
fn printed(arguments: &[&str]) -> String {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut console = Console::plain(&mut output, &mut errors);
    console.color = true;
    console.color_errors = true;
    cnnc::run(["cnnc"].iter().chain(arguments).map(OsString::from), console);
    [output, errors].map(|bytes| String::from_utf8(bytes).expect("the output is text")).concat()
}

fn hold(name: &str, arguments: &[&str]) {
    let text = format!("\u{1b}[2m$\u{1b}[0m cnnc {}\n\n{}", arguments.join(" "), printed(arguments).trim_end());
    let picture = Term::new().render_svg(&text);
    let path = root().join("docs/pictures").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &picture).expect("the picture can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(picture == committed, "{} is stale; UPDATE_DOCS=1 draws it anew", path.display());
}

/// What a summary foretells depends on the instructions, so it is drawn by a process that has those which every machine has.
#[test]
fn pictures_show_what_is_printed() {
    const INSTRUCTIONS: (&str, &str) = ("CNNC_INSTRUCTIONS", "portable");
    if std::env::var(INSTRUCTIONS.0).as_deref() != Ok(INSTRUCTIONS.1) {
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.args(["--exact", "pictures_show_what_is_printed"]).env(INSTRUCTIONS.0, INSTRUCTIONS.1);
        let output = again.output().expect("a process");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    std::env::set_current_dir(root()).expect("the root is a folder");
    hold("summary.svg", &["summary", "models/lenet.cnn", "--threads", "2"]);
    hold("error.svg", &["check", "tests/cases/broken/E302_kernel_too_large.cnn"]);
    hold("trace.svg", &["check", "tests/cases/broken/E302_inside_blocks.cnn"]);
}
