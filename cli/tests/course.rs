//! The page of the course: every command on it is run as it stands there, and what it prints is held against the page.
//!
//! `docs/course.md` has blocks of ```console; a line that begins with `$ ` is a command, typed in the project's folder, and the
//! lines below it are what it prints on standard output, `…` for what is left out. What a command writes goes to a folder that
//! the commands of one block share, and stands for `/tmp` on the page. They compute without vector instructions, so that the last
//! digit is the same on every machine. `UPDATE_DOCS=1` writes the page anew.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const PAGE: &str = "../docs/course.md";

/// A line of the page, as a command's own or as it is.
enum Line<'p> {
    Text(&'p str),
    Command { words: Vec<String>, line: &'p str, expected: Vec<&'p str> },
}

fn lines(page: &str) -> Vec<Vec<Line<'_>>> {
    let mut blocks = vec![Vec::new()];
    let mut is_console = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
            blocks.push(Vec::new());
        }
        let Some(block) = blocks.last_mut() else { continue };
        match (is_console, line.strip_prefix("$ "), block.last_mut()) {
            (true, Some(command), _) => {
                block.push(Line::Command { words: words(command), line, expected: Vec::new() });
            }
            (true, None, Some(Line::Command { expected, .. })) => expected.push(line),
            _ => block.push(Line::Text(line)),
        }
    }
    blocks
}

/// A command's words; quotes hold some together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for character in command.chars() {
        match character {
            '\'' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            other => {
                word.push(other);
                begun = true;
            }
        }
    }
    words.extend(begun.then_some(word));
    words
}

fn run(words: &[String], folder: &Path) -> String {
    let [program, arguments @ ..] = words else { panic!("an empty command") };
    assert_eq!(program, "cnnc", "the page types nothing but cnnc");
    let arguments = arguments.iter().map(|word| word.replace("/tmp", &folder.display().to_string()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = command
        .args(arguments)
        .current_dir("..")
        .env("NO_COLOR", "1")
        .env("CNNC_INSTRUCTIONS", "portable")
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?} fails:\n{said}");
    String::from_utf8(output.stdout).expect("text").replace(&folder.display().to_string(), "/tmp")
}

/// Whether the lines are those that are expected, where `…` stands for any number of them.
fn alike(found: &[&str], expected: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"…", rest)) => (0..=found.len()).any(|skipped| alike(&found[skipped..], rest)),
        Some((line, rest)) => {
            found.split_first().is_some_and(|(first, others)| first.trim_end() == *line && alike(others, rest))
        }
    }
}

#[test]
fn every_command_of_the_course_prints_what_the_page_shows() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let (mut written, mut wrong, mut commands) = (String::new(), String::new(), 0);
    for block in lines(&page) {
        let folder = tempfile::tempdir().expect("a folder");
        for line in block {
            match line {
                Line::Text(line) => written += &format!("{line}\n"),
                Line::Command { words, line, expected } => {
                    commands += 1;
                    let printed = run(&words, folder.path());
                    let found: Vec<&str> = printed.lines().collect();
                    let fits = alike(&found, &expected);
                    let shown = if fits || !update { expected } else { found.clone() };
                    let _ = writeln!(written, "{line}");
                    shown.iter().for_each(|line| written += &format!("{}\n", line.trim_end()));
                    if !fits {
                        let _ = writeln!(wrong, "{line}\nprints\n{printed}");
                    }
                }
            }
        }
    }
    if update {
        return std::fs::write(PAGE, written).expect("the page is written");
    }
    assert!(wrong.is_empty(), "docs/course.md is stale (UPDATE_DOCS=1 writes it anew):\n{wrong}");
    assert!(commands >= 40, "{commands} commands");
}

#[test]
fn the_pictures_of_the_page_are_those_that_its_command_makes() {
    let folder = tempfile::tempdir().expect("a folder");
    let lenet = "models/lenet.cnn --weights models/lenet.safetensors --input models/sample.png";
    for rest in [
        format!("run {lenet} --show 0,3 --pictures /tmp"),
        format!("run {lenet} --explain '5[0, 3, 1, 2]' --pictures /tmp"),
        format!("grad {lenet} --target 7 --picture /tmp/gradient.png"),
    ] {
        run(&words(&format!("cnnc {rest}")), folder.path());
    }
    for (made, shown) in [
        ("0.maps.png", "course_maps.png"),
        ("0.weight.kernels.png", "course_kernels.png"),
        ("5.0-3-1-2.receptive_field.png", "course_receptive_field.png"),
        ("gradient.png", "course_gradient.png"),
    ] {
        let made = std::fs::read(folder.path().join(made)).expect("a picture");
        let shown = Path::new("../docs/pictures").join(shown);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&shown, &made).expect("a picture is written");
        }
        assert!(std::fs::read(&shown).expect("a picture") == made, "{} is stale", shown.display());
    }
}
