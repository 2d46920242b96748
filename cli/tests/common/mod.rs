//! What tests of commands share: the executable as a process, what it prints where it succeeds, and what it says where it is
//! refused.

use std::path::Path;
use std::process::{Command, Output};

/// The folder of the models.
pub const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

/// A command as a process.
pub fn cnnc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cnnc")).args(arguments).output().expect("a process")
}

/// What a command that succeeds prints.
#[track_caller]
pub fn done(arguments: &[&str]) -> String {
    let output = cnnc(arguments);
    assert!(output.status.success(), "cnnc {arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// What a command that is refused says.
#[track_caller]
pub fn refused(arguments: &[&str]) -> String {
    let output = cnnc(arguments);
    assert_eq!(output.status.code(), Some(1), "cnnc {arguments:?}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
