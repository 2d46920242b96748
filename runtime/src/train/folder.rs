//! A run's folder: one training at a time writes to it, under names of its own alone, and none writes over another's run unasked.
//!
//! The lock is the system's, on a file that is there while a training runs: it goes with the process, however that ends. A
//! folder that is taken away meanwhile is made again before something is written to it.

use super::checkpoint::{self, BEST, LAST, PREVIOUS};
use super::log::LOG;
use crate::failure::{failure, file_failure, note};
use crate::files::Lock;
use crate::files::write::remove_remains;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The picture of the history, which whoever hears of events may draw.
pub const CURVES: &str = "curves.svg";
/// The page of the run, which whoever hears of events may write.
pub const REPORT: &str = "report.html";
/// The file that is locked.
const LOCK: &str = "train.lock";
/// What a run leaves that another would write over.
const OF_A_RUN: [&str; 4] = [LAST, PREVIOUS, BEST, LOG];

/// A folder that one training holds until this is dropped.
pub struct RunFolder {
    path: PathBuf,
    lock: Lock,
    /// Whether a run begins here; else one of here goes on.
    begins: bool,
    /// Whether it may write over another.
    force: bool,
}

impl RunFolder {
    /// Makes a folder, where there is none, and takes it for a run that begins, or goes on from the checkpoint `resume`; with
    /// `force` over another one.
    ///
    /// # Errors
    /// E601 when it cannot be made or written to, E613 when another training writes to it, or when it holds another run.
    pub fn take(path: &Path, resume: Option<&Path>, force: bool) -> Result<RunFolder> {
        let lock = locked(path)?;
        let begins = resume.is_none_or(|checkpoint| !is_in(checkpoint, path));
        let folder = RunFolder { path: path.to_owned(), lock, begins, force };
        if begins {
            folder.refuse_another()?;
        }
        // What a killed training left beside a file that is not written again would stay.
        OF_A_RUN.into_iter().chain([CURVES, REPORT]).for_each(|name| remove_remains(&path.join(name)));
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A note that nothing keeps another training out, where the file system has no locks.
    pub fn hindrance(&self) -> Option<Diagnostic> {
        let (folder, reason) = (self.path.display(), self.lock.hindrance()?);
        let message = format!("`{folder}` cannot be locked ({reason}); let no other training write to it");
        Some(note(Code::E613, message))
    }

    /// Whether a run begins here; what another left is taken away then.
    pub(super) fn clear(&self) -> Result<bool> {
        if !self.begins {
            return Ok(false);
        }
        self.refuse_another()?;
        for path in OF_A_RUN.map(|name| self.path.join(name)) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(file_failure("write", &path, &error)),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Writes something to the folder; once more, to a new one, when it is taken away meanwhile.
    pub(super) fn write(&mut self, write: impl Fn(&Path) -> Result<()>) -> Result<()> {
        self.hold()?;
        match write(&self.path) {
            Err(_) if !self.lock.is_held() => {
                self.hold()?;
                write(&self.path)
            }
            written => written,
        }
    }

    /// Makes the folder again if it was taken away.
    fn hold(&mut self) -> Result<()> {
        if !self.lock.is_held() {
            self.lock = locked(&self.path)?;
        }
        Ok(())
    }

    /// E613 when there is a run of more than its beginning.
    fn refuse_another(&self) -> Result<()> {
        let holds =
            |name: &&str| fs::symlink_metadata(self.path.join(name)).is_ok_and(|file| *name != LOG || file.len() > 0);
        let found: Vec<&str> = OF_A_RUN.into_iter().filter(holds).collect();
        let last = checkpoint::load(&self.path.join(LAST)).ok().map(|(_, progress)| progress);
        let is_beginning = found == [LAST] && last.as_ref().is_some_and(|last| last.step == 0);
        if self.force || found.is_empty() || is_beginning {
            return Ok(());
        }
        let mut taken = failure(Code::E613, format!("`{}` holds a run already", self.path.display()));
        taken.notes.push(format!("there are {}", found.join(", ")));
        if let Some(last) = last {
            taken.notes.push(format!("its newest checkpoint is after epoch {} and {} batches", last.epoch, last.batch));
        }
        let goes_on = match (found.contains(&LAST), found.contains(&PREVIOUS)) {
            (false, true) => format!("`--resume={}` goes on with it, ", self.path.join(PREVIOUS).display()),
            (false, false) => String::new(),
            _ => "`--resume` goes on with it, ".into(),
        };
        taken.help.push(format!("{goes_on}`--output FOLDER` names another folder, `--force` writes over it"));
        Err(taken)
    }
}

/// A folder's lock.
fn locked(folder: &Path) -> Result<Lock> {
    fs::create_dir_all(folder).map_err(|error| file_failure("write", folder, &error))?;
    let lock = Lock::take(&folder.join(LOCK), Duration::ZERO)?;
    let mut lock = lock.ok_or_else(|| in_use(folder))?;
    lock.is_passing = true;
    Ok(lock)
}

fn in_use(folder: &Path) -> Error {
    let mut taken = failure(Code::E613, format!("another training writes to `{}`", folder.display()));
    taken.notes.push(format!("it holds the lock on `{}`", folder.join(LOCK).display()));
    taken.help.push("wait until it ends, or name another folder: `--output FOLDER`".into());
    taken
}

/// Whether a file lies in that folder.
fn is_in(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(parent), fs::canonicalize(folder)) {
        (Ok(parent), Ok(folder)) => parent == folder,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path, resume: Option<&Path>, force: bool) -> Error {
        RunFolder::take(path, resume, force).err().expect("a refusal")
    }

    #[test]
    fn one_training_at_a_time_holds_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut first = RunFolder::take(&path, None, false).unwrap();
        for force in [false, true] {
            let refused = refusal(&path, None, force);
            assert!(refused.code == Code::E613 && refused.message.starts_with("another training"), "{refused:?}");
        }
        fs::remove_dir_all(&path).unwrap();
        first.hold().unwrap();
        assert!(path.is_dir());
        refusal(&path, None, false);
        drop(first);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "the lock's file goes with it");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/dev/zero", path.join(LOCK)).unwrap();
            assert!(refusal(&path, None, false).message.ends_with("it is no regular file"));
            fs::remove_file(path.join(LOCK)).unwrap();
        }
        // What a killed training leaves is a file that nobody has locked.
        fs::write(path.join(LOCK), "").unwrap();
        RunFolder::take(&path, None, false).unwrap();
    }

    #[test]
    fn a_run_is_not_written_over_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in ["mine.tmp", ".mine.tmp", ".last.safetensors.tmp", "notes.txt", LOG] {
            fs::write(path.join(name), "").unwrap();
        }
        assert!(RunFolder::take(path, None, false).unwrap().clear().unwrap());
        let state = crate::Parameters::default();
        let save = |step| {
            let progress = checkpoint::Progress { step, batch: step as usize, ..Default::default() };
            checkpoint::save(path, &state, &progress).unwrap();
        };
        save(0);
        RunFolder::take(path, None, false).unwrap();
        save(3);
        let refused = refusal(path, None, false);
        assert_eq!(refused.code, Code::E613);
        assert_eq!(refused.notes[1], "its newest checkpoint is after epoch 0 and 3 batches");
        for way in ["`--resume`", "`--force`", "`--output"] {
            assert!(refused.help[0].contains(way), "{:?}", refused.help);
        }
        assert!(!RunFolder::take(path, Some(&path.join(LAST)), false).unwrap().clear().unwrap());
        assert!(path.join(LAST).exists(), "what goes on stays");
        let elsewhere = folder.path().join("other/last.safetensors");
        assert_eq!(refusal(path, Some(&elsewhere), false).code, Code::E613);
        fs::remove_file(path.join(LAST)).unwrap();
        assert!(refusal(path, None, false).help[0].contains("--resume="), "the one before is offered");
        assert!(RunFolder::take(path, None, true).unwrap().clear().unwrap());
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [".last.safetensors.tmp", ".mine.tmp", "mine.tmp", "notes.txt"]);
    }
}
