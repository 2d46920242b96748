//! The text of a spec on the disk that a command changes: read once, and written over only while it still holds what was read.

use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::resolve::Sources;
use cnnc_runtime::{Disk, Error, spec_name, write_whole};
use std::path::Path;

/// The text of a spec.
///
/// # Errors
/// E601 when it cannot be read.
pub fn read(path: &Path) -> Result<String, Error> {
    let name = spec_name(path)?;
    let read = Disk.read(name, None).map(|(_, text)| text);
    read.map_err(|reason| Diagnostic::without_place(Code::E601, format!("cannot read `{name}`: {reason}")).into())
}

/// Writes another text in the place of the one that was read, whole or not at all.
///
/// # Errors
/// E601 when the file holds something else by now, or cannot be written.
pub fn replace(path: &Path, before: &str, after: &str) -> Result<(), Error> {
    if read(path)? != before {
        let message = format!("`{}` was changed by another program meanwhile", path.display());
        let kept = "what the other program wrote is kept; run the command again";
        return Err(Diagnostic::without_place(Code::E601, message).help(kept).into());
    }
    write_whole(path, |file| file.write_all(after.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{read, replace};

    #[test]
    fn a_file_that_changed_meanwhile_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("net.cnn");
        std::fs::write(&path, "one").expect("a file");
        let before = read(&path).expect("a text");
        replace(&path, &before, "two").expect("a change");
        assert_eq!(read(&path).expect("a text"), "two");
        let refused = replace(&path, &before, "three").expect_err("the file is another one");
        assert!(refused.to_string().contains("changed by another program"), "{refused}");
        assert_eq!(read(&path).expect("a text"), "two");
    }
}
