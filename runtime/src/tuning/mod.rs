//! Candidates that were measured on this machine, and the file that keeps the choice.
//!
//! On the CPU a candidate is a convolution's method: choices come in from [`Device::tune`](crate::Device::tune) or from the
//! file, and go out into the [`Target`] that a plan is made for. On a GPU it is a step's
//! [`ProductMethod`](crate::cuda::ProductMethod). A choice holds for sizes and not for threads, so that answers have the same
//! bits for any number of these. A file that is damaged, of another machine or of another cnnc is not used, and the reader is
//! told why. Whoever keeps choices adds them to those that are there by then, under a lock.

mod device;
pub(crate) mod measure;

pub use device::{Tuned, Workload};
pub use measure::{Choice, Measured};

use crate::cpu::InstructionSet;
use crate::failure::{Result, failure, file_failure};
use crate::files::{Lock, cache_folder};
use crate::{host, write_whole};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Method, Target};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one waits for others that keep choices: each takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What can be measured and chosen.
pub trait Candidate: Clone + PartialEq {
    /// Its name, for people and files.
    fn name(&self) -> String;

    /// The one of a name.
    fn named(name: &str) -> Option<Self>;
}

/// Measured choices, by a key that says all of what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuning<C = Method>(pub BTreeMap<String, C>);

impl<C> Default for Tuning<C> {
    fn default() -> Tuning<C> {
        Tuning(BTreeMap::new())
    }
}

/// For whom choices hold: what was measured elsewhere says nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The version of cnnc.
    pub cnnc: String,
    /// All that the times depend on, in words: `AMD EPYC, avx512 in 16 lanes`.
    pub words: String,
}

/// What is at the file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept<C = Method> {
    /// No file.
    Nothing,
    /// Choices of this machine.
    Choices(Tuning<C>),
    /// A file that is not used, and why: `is damaged`.
    Ignored(String),
}

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Content {
    machine: Machine,
    choices: BTreeMap<String, String>,
}

impl Machine {
    /// One of these words, with this cnnc.
    pub fn of(words: String) -> Machine {
        Machine { cnnc: env!("CARGO_PKG_VERSION").into(), words }
    }

    /// This machine's processor with these instructions.
    pub fn this(instructions: InstructionSet) -> Machine {
        Machine::of(format!("{}, {} in {} lanes", host::processor(), instructions.name(), instructions.lanes()))
    }
}

/// Where choices are kept: `cnnc/tuning-avx512.json` for that instruction set, in the user's cache directory; `None` when the
/// user has none.
pub fn path(of: &str) -> Option<PathBuf> {
    Some(cache_folder()?.join(format!("tuning-{of}.json")))
}

impl Candidate for Method {
    fn name(&self) -> String {
        Method::name(*self).into()
    }

    fn named(name: &str) -> Option<Method> {
        Method::named(name)
    }
}

impl<C: Candidate> Kept<C> {
    /// Reads a file of choices.
    pub fn read(path: &Path, machine: &Machine) -> Kept<C> {
        // A pipe may have no end.
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Kept::Ignored("is no regular file".into());
        }
        match fs::read_to_string(path) {
            Ok(text) => Kept::parse(&text, machine).unwrap_or_else(Kept::Ignored),
            Err(error) if error.kind() == ErrorKind::NotFound => Kept::Nothing,
            Err(error) => Kept::Ignored(format!("cannot be read: {error}")),
        }
    }

    fn parse(text: &str, machine: &Machine) -> std::result::Result<Kept<C>, String> {
        let content: Content = serde_json::from_str(text).map_err(|_| "is damaged".to_owned())?;
        let found = &content.machine;
        if found.cnnc != machine.cnnc {
            return Err(format!("is of cnnc {}, and this is {}", found.cnnc, machine.cnnc));
        }
        if found != machine {
            return Err(format!("was measured on another machine: {}", found.words));
        }
        let choice = |(key, name): (String, String)| C::named(&name).map(|candidate| (key, candidate));
        let choices: Option<BTreeMap<String, C>> = content.choices.into_iter().map(choice).collect();
        choices.map(|choices| Kept::Choices(Tuning(choices))).ok_or_else(|| "is damaged".to_owned())
    }

    /// The choices; none where there is no file that counts.
    pub fn choices(self) -> Tuning<C> {
        match self {
            Kept::Choices(tuning) => tuning,
            Kept::Nothing | Kept::Ignored(_) => Tuning::default(),
        }
    }
}

impl Tuning {
    /// Has plans for a target use these choices, where they can.
    pub fn apply(&self, target: &mut Target) {
        if let Some(blocks) = &mut target.blocks {
            blocks.chosen.extend(self.0.iter().map(|(key, method)| (key.clone(), *method)));
        }
    }
}

impl<C: Candidate> Tuning<C> {
    /// What measuring chose.
    pub fn of(measured: &[Measured<C>]) -> Tuning<C> {
        Tuning(measured.iter().map(|one| (one.key.clone(), one.after.clone())).collect())
    }

    /// Adds these choices to those of this machine that the file holds, one process at a time. The file is there whole or not at
    /// all.
    ///
    /// # Errors
    /// E601 when it cannot be written, or others keep the lock for long.
    pub fn keep(&self, path: &Path, machine: &Machine) -> Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| file_failure("write", path, &error))?;
        let lock = path.with_extension("lock");
        let Some(_lock) = Lock::take(&lock, PATIENCE)? else {
            let message = format!("cannot write `{}`: another process has locked `{}`", path.display(), lock.display());
            return Err(failure(Code::E601, message));
        };
        let mut all = Kept::read(path, machine).choices();
        all.0.extend(self.0.iter().map(|(key, candidate)| (key.clone(), candidate.clone())));
        let choices = all.0.into_iter().map(|(key, candidate)| (key, candidate.name())).collect();
        let content = Content { machine: machine.clone(), choices };
        write_whole(path, |writer| Ok(serde_json::to_writer_pretty(writer, &content)?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, Machine, Tuning};
    use crate::Model;
    use crate::cpu::CpuOptions;
    use cnnc_compiler::plan::{Method, Scheme, choices};
    use cnnc_compiler::write_kernels::Bindings;
    use std::fs;

    fn machine() -> Machine {
        Machine { cnnc: "1.2.3".into(), words: "P, avx2 in 8 lanes".into() }
    }

    fn tuning() -> Tuning {
        let choices = [("a".to_owned(), Method::Winograd(Scheme::F4)), ("b".to_owned(), Method::Direct)];
        Tuning(choices.into_iter().collect())
    }

    #[test]
    fn choices_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/tuning.json");
        assert_eq!(Kept::<Method>::read(&path, &machine()), Kept::Nothing);
        tuning().keep(&path, &machine()).unwrap();
        assert_eq!(Kept::read(&path, &machine()), Kept::Choices(tuning()));
    }

    #[test]
    fn those_who_keep_choices_at_once_lose_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning.json");
        // A lock that a killed process left is nobody's.
        fs::write(path.with_extension("lock"), "").unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for round in 0..5 {
                        let one = Tuning([(format!("{number} {round}"), Method::Direct)].into());
                        one.keep(path, &machine()).unwrap();
                    }
                });
            }
        });
        assert_eq!(Kept::<Method>::read(&path, &machine()).choices().0.len(), 40);
        // The newest choice of a key counts, and others of the file stay.
        Tuning([("0 0".to_owned(), Method::Winograd(Scheme::F4))].into()).keep(&path, &machine()).unwrap();
        let choices = Kept::<Method>::read(&path, &machine()).choices().0;
        assert_eq!((choices.len(), choices["0 0"]), (40, Method::Winograd(Scheme::F4)));
        // Those of another machine do not.
        let other = Machine { words: "Q".into(), ..machine() };
        tuning().keep(&path, &other).unwrap();
        assert_eq!(Kept::read(&path, &other), Kept::Choices(tuning()));
    }

    #[test]
    fn what_is_torn_foreign_or_old_is_not_used_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning.json");
        tuning().keep(&path, &machine()).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        let ignored = |machine: &Machine| match Kept::<Method>::read(&path, machine) {
            Kept::Ignored(reason) => reason,
            other => panic!("{other:?}"),
        };
        let other = Machine { words: "Q, avx2 in 8 lanes".into(), ..machine() };
        assert_eq!(ignored(&other), "was measured on another machine: P, avx2 in 8 lanes");
        let newer = Machine { cnnc: "1.3.0".into(), ..machine() };
        assert_eq!(ignored(&newer), "is of cnnc 1.2.3, and this is 1.3.0");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(ignored(&machine()), "is damaged", "of {length} bytes");
        }
        fs::write(&path, whole.replace("winograd_4x4", "magic")).unwrap();
        assert_eq!(ignored(&machine()), "is damaged");
        assert_eq!(Kept::<Method>::read(folder.path(), &machine()).choices(), Tuning::default());
    }

    #[test]
    fn a_plan_uses_the_choices_and_an_exact_one_takes_no_winograd() {
        let model = Model::from_file("../models/vgg.cnn").unwrap();
        let methods = |exact: bool, tuning: &Tuning| {
            let mut target = CpuOptions { exact, ..CpuOptions::default() }.target();
            tuning.apply(&mut target);
            let (plan, _) = model.compile(&Bindings::new(), &target, &mut ()).unwrap();
            choices(&plan, target.blocks.as_ref().unwrap())
        };
        for method in [Method::Winograd(Scheme::F2), Method::Winograd(Scheme::F4), Method::Direct] {
            let keys = methods(false, &Tuning::default()).into_iter().map(|choice| choice.key);
            let tuning = Tuning(keys.map(|key| (key, method)).collect());
            let tuned = methods(false, &tuning);
            let free = tuned.iter().filter(|choice| choice.methods.len() > 1);
            assert!(free.clone().count() > 3 && free.clone().all(|choice| choice.method == method));
            let exact = methods(true, &tuning);
            assert!(exact.iter().all(|choice| !matches!(choice.method, Method::Winograd(_))), "{exact:?}");
        }
    }
}
