//! What writers do to files that are there, and what they leave.

use super::{Lock, is_same, open, write_and_keep, write_whole};
use crate::Result;
use cnnc_compiler::diagnostic::Code;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(path: &Path, text: &str) -> Result<()> {
    write_whole(path, |writer| writer.write_all(text.as_bytes()))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A writer that is killed in the middle of a file: what it leaves, and nobody has a lock on.
fn killed_while_writing(path: &Path) -> PathBuf {
    let (folder, mut left) = (path.parent().unwrap(), PathBuf::new());
    let before = names(folder);
    let failed = write_whole(path, |writer| {
        writer.write_all(b"half")?;
        let name = names(folder).into_iter().find(|name| !before.contains(name)).unwrap();
        left = folder.join(name);
        Err(io::Error::other("killed"))
    });
    failed.unwrap_err();
    fs::write(&left, "half").unwrap();
    left
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = folder();
    let path = folder.path().join("answer");
    put(&path, "old").unwrap();
    let failed = write_whole(&path, |writer| {
        writer.write_all(b"new")?;
        Err(io::Error::other("the disk is full"))
    });
    let failure = failed.unwrap_err();
    assert_eq!(failure.code, Code::E601);
    assert!(failure.message.ends_with("the disk is full"), "{}", failure.message);
    assert_eq!(read(&path), "old");
    assert_eq!(names(folder.path()), ["answer"]);
}

#[test]
fn a_file_is_kept_under_another_name() {
    let folder = folder();
    let (path, kept) = (folder.path().join("new"), folder.path().join("old"));
    for text in ["1", "2", "3"] {
        write_and_keep(&path, Some(&kept), |writer| writer.write_all(text.as_bytes())).unwrap();
        assert_eq!(kept.exists(), text != "1");
    }
    assert_eq!((read(&path), read(&kept)), ("3".into(), "2".into()));
    let full = write_and_keep(&path, Some(&kept), |_| Err(io::Error::other("the disk is full")));
    full.unwrap_err();
    fs::write(&path, "damaged").unwrap();
    assert_eq!(read(&kept), "2", "what could not be written moved nothing");
    assert_eq!(names(folder.path()), ["new", "old"]);
}

#[test]
fn what_killed_writers_left_goes_with_the_next_write_of_that_file_and_nothing_else_does() {
    let folder = folder();
    let (path, kept) = (folder.path().join("new"), folder.path().join("old"));
    let of_another = killed_while_writing(&folder.path().join("other"));
    for foreign in [".mine.tmp", ".new.1.2.tmp", ".cnnc-.0.tmp", "new.tmp"] {
        fs::write(folder.path().join(foreign), "mine").unwrap();
    }
    put(&path, "1").unwrap();
    let all = names(folder.path());
    killed_while_writing(&path);
    assert_eq!(names(folder.path()).len(), all.len() + 1);
    put(&path, "2").unwrap();
    assert_eq!(names(folder.path()), all, "the file's own is removed, and all others stay");

    // Killed between its two renames: both names are one file, and the new one is there in full beside them.
    fs::hard_link(&path, &kept).unwrap();
    killed_while_writing(&path);
    killed_while_writing(&kept);
    write_and_keep(&path, Some(&kept), |writer| writer.write_all(b"3")).unwrap();
    assert_eq!((read(&path), read(&kept)), ("3".into(), "2".into()));
    fs::remove_file(&kept).unwrap();
    assert_eq!(names(folder.path()), all);
    assert!(of_another.exists());
}

#[test]
fn two_writers_of_one_file_do_not_meet() {
    let folder = folder();
    let path = folder.path().join("answer");
    let kept = folder.path().join("before");
    thread::scope(|scope| {
        for writer in 0..4 {
            let (path, kept) = (&path, &kept);
            scope.spawn(move || {
                for round in 0..50 {
                    let text = format!("{writer} {round} ").repeat(2000);
                    write_and_keep(path, (writer % 2 == 0).then_some(kept), |to| to.write_all(text.as_bytes()))
                        .unwrap();
                }
            });
        }
    });
    for path in [&path, &kept] {
        let text = read(path);
        let first: String = text.split_inclusive(' ').take(2).collect();
        assert_eq!(text, first.repeat(2000), "of one writer alone");
    }
    assert_eq!(names(folder.path()), ["answer", "before"]);
}

#[test]
fn names_may_be_as_long_as_the_system_takes() {
    let folder = folder();
    for length in [200, 250, 255] {
        let path = folder.path().join("n".repeat(length));
        let kept = folder.path().join("k".repeat(length));
        for _ in 0..2 {
            write_and_keep(&path, Some(&kept), |writer| writer.write_all(b"text")).unwrap();
        }
    }
    let refused = put(&folder.path().join("n".repeat(256)), "text").unwrap_err();
    assert_eq!(refused.code, Code::E601);
    assert_eq!(names(folder.path()).len(), 6);
}

#[test]
fn what_cannot_be_opened_is_named_with_the_reason() {
    let folder = folder();
    let message = |path: &Path| open(path).unwrap_err().message.clone();
    assert!(message(folder.path()).ends_with("it is a folder"));
    assert!(message(&folder.path().join("none")).ends_with("there is no such file"));
    assert!(message(Path::new("/dev/zero")).ends_with("it is no regular file"));
    assert!(put(folder.path(), "").unwrap_err().message.ends_with("it is a folder"));
    assert!(put(&folder.path().join("none/x"), "").unwrap_err().message.contains("no such file"));
    assert!(put(Path::new(""), "").unwrap_err().message.starts_with("cannot write ``"));
}

#[test]
fn a_lock_is_had_once_and_goes_with_its_holder() {
    let folder = folder();
    let path = folder.path().join("lock");
    let take = |patience| Lock::take(&path, patience).unwrap();
    let first = take(Duration::ZERO);
    assert!(first.is_some() && take(Duration::from_millis(20)).is_none());
    drop(first);
    assert!(take(Duration::ZERO).is_some());
    assert!(Lock::take(&folder.path().join("none/lock"), Duration::ZERO).unwrap_err().message.contains("lock"));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn pipe(path: &Path) {
        let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: a path that ends with a zero.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    }

    #[test]
    fn a_pipe_without_a_writer_is_refused_and_not_waited_for() {
        let folder = folder();
        let path = folder.path().join("pipe");
        pipe(&path);
        assert!(open(&path).unwrap_err().message.ends_with("it is no regular file"));
        // As it is where a pipe comes to a file's place right after one has looked.
        assert!(super::super::patient().read(true).open(&path).is_ok());
        Lock::take(&path, Duration::ZERO).unwrap_err();
    }

    #[test]
    fn a_pipe_is_written_through() {
        let folder = folder();
        let path = folder.path().join("pipe");
        pipe(&path);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut text = String::new();
                File::open(&path).unwrap().read_to_string(&mut text).unwrap();
                text
            });
            put(&path, "through").unwrap();
            assert_eq!(reader.join().unwrap(), "through");
        });
        assert_eq!(names(folder.path()), ["pipe"]);
        assert!(!fs::metadata(&path).unwrap().is_file());
    }

    #[test]
    fn a_device_is_written_through() {
        put(Path::new("/dev/null"), "text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let full = Path::new("/dev/full");
        if full.exists() {
            assert!(put(full, "text").unwrap_err().message.starts_with("cannot write `/dev/full`"));
        }
    }

    #[test]
    fn links_are_followed_and_stay() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("deep/file"), "old").unwrap();
        symlink("deep/file", at("link")).unwrap();
        symlink(at("link"), at("link of a link")).unwrap();
        put(&at("link of a link"), "new").unwrap();
        assert_eq!(read(&at("deep/file")), "new");
        symlink("deep/none", at("to nothing")).unwrap();
        put(&at("to nothing"), "made").unwrap();
        assert_eq!(read(&at("deep/none")), "made");
        for name in ["link", "link of a link", "to nothing"] {
            assert!(fs::symlink_metadata(at(name)).unwrap().is_symlink(), "{name}");
        }
        symlink("circle", at("circle")).unwrap();
        put(&at("circle"), "").unwrap_err();
        assert_eq!(names(&at("deep")), ["file", "none"]);
        assert!(is_same(&at("link"), &at("deep/file")) && !is_same(&at("link"), &at("deep/none")));
        fs::hard_link(at("deep/file"), at("second name")).unwrap();
        assert!(is_same(&at("link of a link"), &at("second name")));
        assert!(!is_same(&at("nothing"), &at("nothing")));
    }

    #[test]
    fn mode_and_owner_stay() {
        let folder = folder();
        let path = folder.path().join("answer");
        put(&path, "old").unwrap();
        let usual = fs::metadata(&path).unwrap().mode();
        for mode in [0o600, 0o640, 0o755, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            // Another owner, where the test may give a file away.
            let _ = std::os::unix::fs::chown(&path, Some(12345), Some(12345));
            let before = fs::metadata(&path).unwrap();
            put(&path, "new").unwrap();
            let after = fs::metadata(&path).unwrap();
            assert_eq!(after.mode() & 0o777, mode);
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        }
        let other = folder.path().join("other");
        put(&other, "").unwrap();
        assert_eq!(fs::metadata(&other).unwrap().mode(), usual, "a new file is as others are");
    }

    /// `/proc` takes no new file from anybody, and this one may be written.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_in_a_folder_that_takes_no_other_is_written_in_place() {
        let path = Path::new("/proc/self/comm");
        let before = read(path);
        put(path, "cnnc").unwrap();
        assert_eq!(read(path).trim(), "cnnc");
        put(path, before.trim()).unwrap();
    }

    /// A file that is open and has no name: what `/dev/stdout` may lead to.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_without_a_name_is_written_through() {
        use std::os::fd::AsRawFd;
        let folder = folder();
        let file = File::options().read(true).write(true).create_new(true).open(folder.path().join("gone")).unwrap();
        fs::remove_file(folder.path().join("gone")).unwrap();
        put(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())), "text").unwrap();
        let mut text = String::new();
        (&file).read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        assert!(names(folder.path()).is_empty());
    }
}
