//! Files that anybody may have made, read as users have cnnc read them: what the fuzz targets in `tests/fuzz/` and the test
//! `hostile` share.
//!
//! A format is a function that takes the bytes of a file and goes as far with them as a command goes, short of its long work. It
//! panics where cnnc breaks its word: where cnnc itself panics, makes a mistake (E499), or says an error that cannot be drawn or
//! names no file.

mod imports;
mod inputs;
mod spec;
mod training;
mod tuning;
mod weights;

pub use imports::{darknet, onnx};
pub use inputs::{idx, npy, picture};
pub use spec::spec;
pub use training::{checkpoint, checkpoint_of_a_run, recipe};
pub use tuning::{tuning, tuning_of_a_network};
pub use weights::{pytorch, safetensors, weights_of_a_network};

use cnnc_compiler::diagnostic::{Code, Diagnostic, RenderOptions, Renderer};
use cnnc_grammar::span::Files;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A function that reads a file of a format.
pub type Reader = fn(&[u8]) -> Verdict;

/// The formats: the names of the fuzz targets, and of their folders of seeds and findings.
pub const FORMATS: [(&str, Reader); 11] = [
    ("spec", spec),
    ("recipe", recipe),
    ("safetensors", safetensors),
    ("pytorch", pytorch),
    ("npy", npy),
    ("idx", idx),
    ("picture", picture),
    ("checkpoint", checkpoint),
    ("tuning", tuning),
    ("onnx", onnx),
    ("darknet", darknet),
];

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was read, and something can be done with it.
    Taken,
    /// It was not, for reasons that were said.
    Refused,
}

/// Holds errors to what is promised of every error: it is no fault of cnnc's, names one of these files (where there are any), and
/// offers no change that cannot be made.
fn refused<'d>(problems: impl IntoIterator<Item = &'d Diagnostic>, files: &Files, names: &[&str]) -> Verdict {
    let renderer = Renderer::new(files, RenderOptions { color: false, width: 100 });
    for problem in problems {
        let text = renderer.render(problem);
        assert_ne!(problem.code, Code::E499, "cnnc made a mistake:\n{text}");
        assert!(names.is_empty() || names.iter().any(|name| text.contains(name)), "it names no file:\n{text}");
        for edit in problem.fixes.iter().flat_map(|fix| &fix.edits) {
            let range = edit.span.start as usize..edit.span.end as usize;
            let replaced = files.get(edit.span.file).and_then(|file| file.text.get(range));
            assert!(replaced.is_some_and(|replaced| *replaced != edit.replacement), "a change of nothing:\n{text}");
        }
    }
    Verdict::Refused
}

/// As [`refused`], one error of a file.
fn refused_file(problem: &Diagnostic, path: &Path) -> Verdict {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    refused([problem], &Files::default(), &[&name])
}

/// A folder of the memory's, where there is one, for readers that take paths alone.
fn folder() -> TempDir {
    let mut folder = tempfile::Builder::new();
    folder.prefix("cnnc-hostile-");
    folder.tempdir_in("/dev/shm").or_else(|_| folder.tempdir()).expect("a folder")
}

/// A file in a folder; folders before it are made.
fn put(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, bytes).expect("a file");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "cnnc made a mistake")]
    fn a_mistake_of_cnnc_is_a_fault() {
        refused(
            [&Diagnostic::without_place(Code::E499, "the plan of x.cnn is not valid")],
            &Files::default(),
            &["x.cnn"],
        );
    }

    #[test]
    #[should_panic(expected = "it names no file")]
    fn an_error_without_a_file_is_a_fault() {
        refused_file(&Diagnostic::without_place(Code::E603, "a file is damaged"), Path::new("x.npy"));
    }
}
