//! The examples run as they stand, and the README shows the first of them.

use super::training::recipe;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const EXAMPLE: &str = include_str!("../../examples/classify.rs");
const README: &str = include_str!("../../../README.md");

#[test]
fn the_readme_shows_the_example_word_for_word() {
    let code = &EXAMPLE[EXAMPLE.find("use cnnc_runtime").expect("the code")..];
    assert!(README.contains(&format!("```rust\n{code}```\n")), "README.md differs from runtime/examples/classify.rs");
}

/// An example, to be run at the root.
fn example(name: &str, arguments: &[&OsStr]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--offline", "--locked", "-p", "cnnc-runtime", "--example", name]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.arg("--").args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

/// What an example prints.
fn printed(name: &str, arguments: &[&OsStr]) -> String {
    let output = example(name, arguments).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_example_knows_a_shoe() {
    let text = printed("classify", &[]);
    let score = |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<f32>().ok()).expect("a score");
    let best = text.lines().max_by(|a, b| score(a).total_cmp(&score(b))).expect("lines");
    assert!(text.lines().count() == 10 && best.ends_with("ankle boot"), "{text}");
    let embedded = printed("embed", &[]);
    assert!(embedded.lines().count() == 3 && embedded.lines().next().is_some_and(|line| line.ends_with("ankle boot")));
}

/// A process that is ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_serves_several_clients() {
    let mut served = Served(example("serve", &[]).stdout(Stdio::piped()).spawn().expect("cargo"));
    let mut line = String::new();
    BufReader::new(served.0.stdout.take().expect("its output")).read_line(&mut line).expect("an address");
    let address = line.trim().strip_prefix("http://").expect("an address");
    let said = |head: &str, body: &[u8]| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(&[head.as_bytes(), body].concat()).expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    };
    let posted = |body: &[u8]| said(&format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len()), body);
    let picture = std::fs::read("../models/sample.png").expect("a picture");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let text = posted(&picture);
                assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
                let first = text.split("\r\n\r\n").nth(1).and_then(|body| body.lines().next()).expect("a class");
                assert!(first.ends_with("ankle boot"), "{text}");
            });
        }
    });
    let broken = posted(b"no picture");
    assert!(broken.starts_with("HTTP/1.1 422 ") && broken.contains("error[E603]: "), "{broken}");
    assert!(said("GET / HTTP/1.1\r\n\r\n", b"").starts_with("HTTP/1.1 400 "));
}

#[test]
fn the_example_trains() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = printed("train", &[recipe(folder.path()).as_os_str()]);
    assert!(text.starts_with("epoch 1: loss ") && text.ends_with("Done\n") && text.lines().count() == 3, "{text}");
}
