//! A folder in which commands run, and what they say there: as people type them, in one line.

use std::path::PathBuf;
use std::process::Command;

/// A folder, gone when it is dropped.
pub struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// An empty one.
    pub fn empty() -> Case {
        Case { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit status, standard output, standard error.
    pub fn said(&self, arguments: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        let output = command.args(arguments.split(' ')).current_dir(self.folder.path()).output().expect("a process");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// What is printed by a command that ends with that status and says these words on standard error.
    #[track_caller]
    pub fn ends(&self, expected: i32, arguments: &str, words: &[&str]) -> String {
        let (status, output, errors) = self.said(arguments);
        assert_eq!(status, expected, "{arguments}: {output}{errors}");
        words.iter().for_each(|word| assert!(errors.contains(word), "{arguments} lacks {word:?}:\n{errors}"));
        output
    }
}
