//! What a command may write to: nothing that it reads, and not the file that its words go to.
//!
//! Paths come in, as the user named them; two that lead to one file count as the same, whether by a link or by a second name.

use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::is_same_file;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that a command reads, and what it is to it: `the weights`.
pub struct Read<'p> {
    /// What it is, in words.
    pub role: &'static str,
    /// Where it is.
    pub path: &'p Path,
}

/// The files of a spec or a recipe.
pub fn sources(files: &Files) -> impl Iterator<Item = Read<'_>> {
    files.iter().map(|(_, file)| Read { role: "a source", path: Path::new(&file.name) })
}

/// Refuses to write to what is read, or to where standard output or standard error goes, when that is a regular file.
///
/// # Errors
/// E601.
pub fn check<'p>(output: &Path, reads: impl IntoIterator<Item = Read<'p>>) -> Result<(), Box<Diagnostic>> {
    let shown = output.display();
    let refused = |reason: String| {
        let message = format!("cannot write `{shown}`: {reason}");
        Box::new(Diagnostic::without_place(Code::E601, message).help("name another file to write to"))
    };
    for Read { role, path } in reads {
        if is_same_file(output, path) {
            let same = if output == path { String::new() } else { format!(": `{}` is the same file", path.display()) };
            return Err(refused(format!("it is {role} that this command reads{same}")));
        }
    }
    for (stream, path) in [("output", "/dev/stdout"), ("error", "/dev/stderr")] {
        if fs::metadata(path).is_ok_and(|stream| stream.is_file()) && is_same_file(output, Path::new(path)) {
            return Err(refused(format!("standard {stream} goes there")));
        }
    }
    Ok(())
}

/// The files of a command's answers: one is the path itself, several each under its name before the path's ending.
pub fn of_answers(path: &Path, names: &[Arc<str>]) -> Vec<PathBuf> {
    if let [_] = names {
        return vec![path.to_owned()];
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for name in names {
        let (mut file, mut number) = (named(path, name), 2);
        // Two names may differ in what no file's name can have.
        while files.contains(&file) {
            file = named(path, &format!("{name}_{number}"));
            number += 1;
        }
        files.push(file);
    }
    files
}

/// `y.npy` to `y.large.npy`
fn named(path: &Path, name: &str) -> PathBuf {
    let name = name.replace(|character: char| character.is_control() || "/\\".contains(character), "_");
    let mut ending = OsString::from(format!("{name}."));
    ending.push(path.extension().unwrap_or(OsStr::new("npy")));
    path.with_extension(ending)
}

#[cfg(test)]
mod tests {
    use super::of_answers;
    use std::path::{Path, PathBuf};

    #[test]
    fn every_answer_gets_a_file_that_can_be() {
        let files = |path: &str, names: &[&str]| {
            of_answers(Path::new(path), &names.iter().map(|&name| name.into()).collect::<Vec<_>>())
        };
        assert_eq!(files("y", &["a/b"]), [PathBuf::from("y")]);
        assert_eq!(files("d/y.npy", &["large", "small"]), ["d/y.large.npy", "d/y.small.npy"].map(PathBuf::from));
        assert_eq!(files("y", &["a/b", "a_b", "a\\b"]), ["y.a_b.npy", "y.a_b_2.npy", "y.a_b_3.npy"].map(PathBuf::from));
        assert_eq!(files("y.x", &["a", "../b"]), ["y.a.x", "y..._b.x"].map(PathBuf::from));
    }
}
