//! A program's text becomes modules of machine code: compiled a few entries at a time, many at once, and kept on
//! disk.
//!
//! Entries are grouped by their order alone, so that the same program finds the same files again on any machine with
//! the same compiler. A kernel that does not compile is a fault of cnnc; its source is written down for whoever looks
//! into it.

use super::cache;
use super::nvrtc::{Architecture, Nvrtc};
use super::program::{Entry, Program};
use crate::failure::failure;
use crate::{Error, Result, threads};
use cnnc_compiler::diagnostic::Code;
use std::fs;
use std::path::{Path, PathBuf};

/// Entries that are compiled together. The library's own text is read once for all of them.
const ENTRIES: usize = 8;
/// Lines of the compiler's log that are shown.
const LINES: usize = 12;

/// Machine code and the entries that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// A CUBIN.
    pub code: Vec<u8>,
    /// The names of its entries.
    pub entries: Vec<String>,
}

/// The modules of a program, from the folder where it has them, the others compiled and kept there.
///
/// # Errors
/// E503 when a kernel does not compile.
pub fn compile(
    program: &Program,
    nvrtc: &Nvrtc,
    architecture: Architecture,
    folder: Option<&Path>,
) -> Result<Vec<Module>> {
    let groups: Vec<&[Entry]> = program.entries.chunks(ENTRIES).collect();
    let mut modules: Vec<Option<Result<Module>>> = groups.iter().map(|_| None).collect();
    threads::for_each(groups.into_iter().zip(&mut modules), |(entries, made)| {
        *made = Some(module(&program.library, entries, nvrtc, architecture, folder));
    });
    modules.into_iter().flatten().collect()
}

/// The machine code of some entries.
fn module(
    library: &str,
    entries: &[Entry],
    nvrtc: &Nvrtc,
    architecture: Architecture,
    folder: Option<&Path>,
) -> Result<Module> {
    let texts: String = entries.iter().map(|entry| entry.text.as_str()).collect();
    let source = format!("{library}{texts}");
    let key = nvrtc.key(&source, architecture);
    let names = entries.iter().map(|entry| entry.name.clone()).collect();
    if let Some(code) = folder.and_then(|folder| cache::read(folder, &key)) {
        return Ok(Module { code, entries: names });
    }
    let code =
        nvrtc.compile(&source, architecture).map_err(|log| refused(&source, &log, nvrtc, architecture, folder))?;
    // What cannot be kept is compiled again the next time.
    let _ = folder.map(|folder| cache::keep(folder, &key, &code));
    Ok(Module { code, entries: names })
}

/// The failure of a source that does not compile.
fn refused(source: &str, log: &str, nvrtc: &Nvrtc, architecture: Architecture, folder: Option<&Path>) -> Error {
    let message = format!("{} refuses a kernel that cnnc wrote for sm_{}", nvrtc.name(), architecture.0);
    let mut refused = failure(Code::E503, message);
    let mut lines: Vec<&str> = log.lines().collect();
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines.push("…");
    }
    refused.notes.push(lines.join("\n"));
    match written(source, folder) {
        Some(path) => refused.notes.push(format!("its source is `{}`", path.display())),
        None => refused.notes.push("its source could not be written to a file".into()),
    }
    refused.help.push("this is a fault of cnnc itself; please report it with that file".into());
    refused
}

/// Writes a source where it can be looked at: beside the cache, or in the folder for what is temporary.
fn written(source: &str, folder: Option<&Path>) -> Option<PathBuf> {
    let temporary = std::env::temp_dir();
    [folder, Some(temporary.as_path())].into_iter().flatten().find_map(|folder| {
        fs::create_dir_all(folder).ok()?;
        let path = folder.join("refused.cu");
        fs::write(&path, source).is_ok().then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::{Architecture, Nvrtc, compile};
    use crate::cuda::program::{Entry, Program};
    use cnnc_compiler::diagnostic::Code;
    use std::fs;

    fn program(count: usize, statement: &str) -> Program {
        let entry = |number: usize| {
            let name = format!("entry_{number}");
            let text = format!("extern \"C\" __global__ void {name}(float *x) {{ {statement}; }}\n");
            Entry { name, text }
        };
        Program {
            library: "__device__ float half(float x) { return 0.5f * x; }\n".into(),
            entries: (0..count).map(entry).collect(),
            prepare: Vec::new(),
            run: Vec::new(),
            workspace_elements: 0,
        }
    }

    #[test]
    fn modules_have_all_entries_and_are_compiled_once() {
        let Ok(nvrtc) = Nvrtc::find(None) else { return };
        let folder = tempfile::tempdir().unwrap();
        let program = program(19, "x[0] = half(x[1])");
        let made = || compile(&program, nvrtc, Architecture(90), Some(folder.path())).unwrap();
        let first = made();
        let names: Vec<&str> = first.iter().flat_map(|module| module.entries.iter().map(String::as_str)).collect();
        assert_eq!((first.len(), names.len(), names[18]), (3, 19, "entry_18"));
        let files = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 3);
        for entry in fs::read_dir(folder.path()).unwrap() {
            fs::write(entry.unwrap().path(), "torn").unwrap();
        }
        assert_eq!(made(), first, "what is torn is made anew");
        assert_eq!((made(), files()), (first, 3));
    }

    #[test]
    fn a_kernel_that_does_not_compile_can_be_looked_at() {
        let Ok(nvrtc) = Nvrtc::find(None) else { return };
        let folder = tempfile::tempdir().unwrap();
        let refused = compile(&program(1, "x[0] = third(x[1])"), nvrtc, Architecture(80), Some(folder.path()));
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, Code::E503);
        assert!(refused.notes[0].contains("identifier \"third\" is undefined"), "{:?}", refused.notes);
        let path = refused.notes[1].split('`').nth(1).unwrap();
        assert!(fs::read_to_string(path).unwrap().contains("third"));
    }
}
