//! `cnnc fmt FILE...`: specs in the one style there is.
//!
//! Files, folders and standard input come in. What is not in the style is written anew, whole or not at all; a file that cannot
//! be read as a spec is told as `check` tells it, and left as it is. `grammar` formats, and its guard is asked before anything is
//! written.

use crate::arguments::Fmt;
use crate::console::{Console, Outcome, Stop};
use crate::numbers::counted;
use crate::{source, text_diff};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::resolve::syntax_diagnostic;
use cnnc_grammar::span::{FileId, Files};
use cnnc_grammar::{format_text, is_same_spec, parse};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What standard input is called.
const INPUT: &str = "<stdin>";

/// How many files were looked at, and how many of them were in another style.
#[derive(Default)]
struct Count {
    all: usize,
    changed: usize,
}

/// Formats all files, whatever is wrong with some.
pub fn fmt(arguments: &Fmt, console: &mut Console<'_>) -> Outcome {
    let (mut outcome, mut count) = (Ok(()), Count::default());
    let mut note = |done: Outcome| match done {
        Err(Stop::Reported) => {
            outcome = Err(Stop::Reported);
            Ok(())
        }
        other => other,
    };
    for path in &arguments.files {
        if path.as_os_str() == "-" {
            note(standard_input(arguments, &mut count, console))?;
            continue;
        }
        match specs(path) {
            Ok(files) => {
                for file in files {
                    note(format_file(&file, arguments, &mut count, console))?;
                }
            }
            Err(error) => note(Err(console.fail(&error, &Files::default())))?,
        }
    }
    let is_input_alone = arguments.files.iter().all(|path| path.as_os_str() == "-");
    if !is_input_alone && count.all > 0 {
        let verb = if arguments.check || arguments.diff { "would be formatted" } else { "formatted" };
        console.note(&format!("{} of {} {verb}\n", count.changed, counted(count.all, "spec")));
    }
    if arguments.check && count.changed > 0 { Err(Stop::Reported) } else { outcome }
}

/// A file, or all specs of a folder and its folders in the order of their names, but for hidden ones and those that links
/// lead to.
fn specs(path: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut specs, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |error: io::Error| {
            let message = format!("cannot read `{}`: {error}", folder.display());
            Box::new(Diagnostic::without_place(Code::E601, message))
        };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            } else if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "cnn") {
                specs.push(path);
            }
        }
    }
    if specs.is_empty() {
        let message = format!("`{}` holds no spec", path.display());
        return Err(Box::new(Diagnostic::without_place(Code::E601, message).help("specs are files that end in .cnn")));
    }
    specs.sort();
    Ok(specs)
}

fn standard_input(arguments: &Fmt, count: &mut Count, console: &mut Console<'_>) -> Outcome {
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        let message = format!("cannot read standard input: {error}");
        return Err(console.fail(&Diagnostic::without_place(Code::E601, message), &Files::default()));
    }
    let written = formatted(INPUT, &text, console)?;
    show(INPUT, &text, &written, arguments, count, console)?;
    if arguments.check || arguments.diff {
        return Ok(());
    }
    console.print_data(|output| output.write_all(written.as_bytes()))
}

fn format_file(path: &Path, arguments: &Fmt, count: &mut Count, console: &mut Console<'_>) -> Outcome {
    let text = source::read(path).map_err(|error| console.show(&error))?;
    let name = path.to_string_lossy();
    let written = formatted(&name, &text, console)?;
    show(&name, &text, &written, arguments, count, console)?;
    if text == written || arguments.check || arguments.diff {
        return Ok(());
    }
    source::replace(path, &text, &written).map_err(|error| console.show(&error))?;
    console.print(&format!("{name}\n"))
}

/// Counts a file, and shows what would be changed where that is asked for.
fn show(
    name: &str,
    text: &str,
    written: &str,
    arguments: &Fmt,
    count: &mut Count,
    console: &mut Console<'_>,
) -> Outcome {
    count.all += 1;
    count.changed += usize::from(text != written);
    if arguments.diff {
        text_diff::print(name, text, written, console)
    } else if arguments.check && text != written {
        console.print(&format!("{name}\n"))
    } else {
        Ok(())
    }
}

/// The text in the one style, or a report of why it has none.
fn formatted(name: &str, text: &str, console: &mut Console<'_>) -> Outcome<String> {
    let mut files = Files::default();
    files.add(name, text);
    match format_text(text) {
        Ok(written) if is_same_spec(text, &written) => Ok(written),
        Ok(_) => {
            let fault = Diagnostic::without_place(Code::E499, format!("cnnc would lose a part of `{name}`"))
                .note("the formatted text is not the same spec with the same comments")
                .help("the file is left as it is; this is a fault of cnnc itself, please report it with the spec");
            Err(console.fail(&fault, &files))
        }
        Err(_) => {
            let (_, errors) = parse(text, FileId(0));
            let told: Vec<Diagnostic> = errors.iter().map(|error| syntax_diagnostic(error, &files)).collect();
            Err(console.report(&told, &files))
        }
    }
}
