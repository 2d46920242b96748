//! Lists the specs that ship, and the names of classes beside them: `models/` as a table of paths and texts, which the executable
//! holds.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    // A link, so that a package has the specs too.
    let models = PathBuf::from("embedded/models").canonicalize()?;
    println!("cargo:rerun-if-changed={}", models.display());
    let mut specs = Vec::new();
    gather(&models, &mut specs)?;
    specs.sort();
    let mut table = String::from("&[\n");
    for spec in &specs {
        let name = spec.strip_prefix(&models).map_err(io::Error::other)?;
        let name = name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        writeln!(table, "    ({name:?}, include_str!({:?})),", spec.display().to_string()).map_err(io::Error::other)?;
    }
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gives no OUT_DIR"))?;
    fs::write(Path::new(&out).join("specs.rs"), table + "]\n")
}

/// All specs in a folder and those in it.
fn gather(folder: &Path, specs: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, specs)?;
        } else if path.extension().is_some_and(|ending| ending == "cnn" || ending == "txt") {
            specs.push(path);
        }
    }
    Ok(())
}
