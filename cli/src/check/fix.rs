//! `cnnc check --fix`: the changes that diagnostics offer are made, and what is left is told.
//!
//! Each spec is checked, the fixes that do not meet are made in memory, and it is checked again, until none is left to make.
//! Then every file that changed is written, also imported ones, unless another program changed it meanwhile; or, with
//! `--dry-run`, what would change is shown. Guesses are made for `--fix=all` alone, one round of them wherever no safe fix is
//! left.

use super::{checked, of_all};
use crate::arguments::{Check, FixKind};
use crate::console::{Console, Outcome, Stop};
use crate::numbers::counted;
use crate::{model, source, text_diff};
use cnnc_compiler::check::Checked;
use cnnc_compiler::diagnostic::{Applicability, Fix, compatible, mended};
use cnnc_compiler::resolve::Sources;
use cnnc_runtime::Disk;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Rounds of checking and mending; each makes all fixes that do not meet.
const MOST_ROUNDS: usize = 100;

/// Mends all files.
pub fn fix(arguments: &Check, kind: FixKind, console: &mut Console<'_>) -> Outcome {
    let mut drafts = Drafts::default();
    for file in &arguments.files {
        model::name(file, console)?;
        drafts.mend(file, arguments, kind, console)?;
    }
    let written = drafts.finish(arguments.dry_run, console);
    if written == Err(Stop::ClosedPipe) {
        return written;
    }
    let left = if arguments.dry_run { of_all(arguments, &drafts, console) } else { of_all(arguments, &Disk, console) };
    if kind == FixKind::Safe {
        drafts.mention_guesses(arguments, console)?;
    }
    left.and(written)
}

/// The disk, but for files that were mended and not yet written.
#[derive(Default)]
struct Drafts {
    /// What each file held when it was read first.
    read: RefCell<BTreeMap<String, String>>,
    /// What it holds by now, and how many fixes were made in it.
    mended: BTreeMap<String, (String, usize)>,
}

impl Sources for Drafts {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let (name, text) = Disk.read(path, importer)?;
        let first = self.read.borrow_mut().entry(name.clone()).or_insert(text).clone();
        let text = self.mended.get(&name).map_or(first, |(text, _)| text.clone());
        Ok((name, text))
    }

    fn meant(&self, path: &str, importer: &str) -> Option<String> {
        Disk.meant(path, importer)
    }
}

impl Drafts {
    /// Mends a spec and what it imports until nothing is left to mend, or until it is what it was before.
    fn mend(&mut self, file: &Path, arguments: &Check, kind: FixKind, console: &mut Console<'_>) -> Outcome {
        let mut states = HashSet::new();
        for _ in 0..MOST_ROUNDS {
            let checked = checked(file, arguments, self, console)?;
            let mut fixes = self.fixes(&checked, Applicability::Safe);
            if fixes.is_empty() && kind == FixKind::All {
                fixes = self.fixes(&checked, Applicability::Guess);
            }
            if fixes.is_empty() {
                break;
            }
            let mut changed = String::new();
            for (id, text) in mended(&checked.files, &fixes) {
                let Some(source) = checked.files.get(id) else { continue };
                let count = fixes.iter().filter(|fix| fix.edits.iter().any(|edit| edit.span.file == id)).count();
                changed += &text;
                let draft = self.mended.entry(source.name.clone()).or_default();
                *draft = (text, draft.1 + count);
            }
            if !states.insert(changed) {
                break;
            }
        }
        Ok(())
    }

    /// The fixes that can be made together, and change nothing but files: settings of the command line are none.
    fn fixes<'c>(&self, checked: &'c Checked, applicability: Applicability) -> Vec<&'c Fix> {
        let read = self.read.borrow();
        let is_file = |id| checked.files.get(id).is_some_and(|file| read.contains_key(&file.name));
        let mut fixes = compatible(&checked.problems, applicability);
        fixes.retain(|fix| fix.edits.iter().all(|edit| is_file(edit.span.file)));
        fixes
    }

    /// Writes what changed, or shows it. A file that another program changed meanwhile is kept and told.
    fn finish(&self, dry_run: bool, console: &mut Console<'_>) -> Outcome {
        let read = self.read.borrow();
        let mut outcome = Ok(());
        for (name, (text, count)) in &self.mended {
            let Some(before) = read.get(name).filter(|before| *before != text) else { continue };
            if dry_run {
                text_diff::print(name, before, text, console)?;
                continue;
            }
            match source::replace(Path::new(name), before, text) {
                Ok(()) => console.note(&format!("{name}: {} made\n", counted(*count, "change"))),
                Err(error) => outcome = Err(console.show(&error)),
            }
        }
        outcome
    }

    /// Says how many errors a guess may mend yet.
    fn mention_guesses(&self, arguments: &Check, console: &mut Console<'_>) -> Outcome {
        let mut guesses = 0;
        for file in &arguments.files {
            let checked = checked(file, arguments, self, console)?;
            guesses += self.fixes(&checked, Applicability::Guess).len();
        }
        if guesses > 0 {
            let what = if guesses == 1 { "one more can be mended by a guess" } else { "more can be mended by guesses" };
            let count = if guesses == 1 { String::new() } else { format!("{guesses} ") };
            console.note(&format!("{count}{what}: --fix=all makes the likeliest, --dry-run shows it\n"));
        }
        Ok(())
    }
}
