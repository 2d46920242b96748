//! Where the libraries of CUDA may lie on a machine.
//!
//! What comes in is the environment, as a function, and the root of the file system, so that tests bring their own.
//! What goes out are folders in the order in which they are tried, each with where it comes from; folders that do not
//! exist are left out. Python's packages count since `pip` is how most people have these libraries.

use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The variable that names a folder before all others, or a library itself.
pub const VARIABLE: &str = "CNNC_CUDA_PATH";
/// Variables that name the root of a toolkit.
const TOOLKITS: [&str; 3] = ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"];
/// Variables that name the root of a Python environment.
const ENVIRONMENTS: [&str; 2] = ["VIRTUAL_ENV", "CONDA_PREFIX"];
/// Where a toolkit has its libraries, below its root.
const LIBRARIES: [&str; 4] = ["lib64", "targets/x86_64-linux/lib", "lib", ""];

/// Where a folder comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The variable of cnnc.
    Variable,
    /// A toolkit.
    Toolkit,
    /// Packages of Python.
    Python,
    /// The folders of the loader's variable.
    Loader,
}

impl Origin {
    /// All, in the order in which they are tried.
    pub const ALL: [Origin; 4] = [Origin::Variable, Origin::Toolkit, Origin::Python, Origin::Loader];

    /// In words, for a list of what was looked at.
    pub fn words(self) -> &'static str {
        match self {
            Origin::Variable => "the environment variable CNNC_CUDA_PATH",
            Origin::Toolkit => "a toolkit (CUDA_HOME, CUDA_PATH, CUDA_ROOT, /usr/local/cuda*, /opt/cuda)",
            Origin::Python => "Python's packages (VIRTUAL_ENV, CONDA_PREFIX, the python on PATH, ~/.local)",
            Origin::Loader => "the loader's folders (LD_LIBRARY_PATH, the system's)",
        }
    }
}

/// A folder that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPath {
    /// Where it comes from.
    pub origin: Origin,
    /// The folder, or a library itself where the variable names one.
    pub path: PathBuf,
}

/// The folders of this machine.
pub fn search_paths() -> Vec<SearchPath> {
    found(&|name| std::env::var_os(name), Path::new("/"))
}

/// What the variable of cnnc names, where it is set.
pub fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Whether what the variable of cnnc names is there and is, or has, one of the libraries.
///
/// # Errors
/// E507 when it is not.
pub fn check_named() -> Result<()> {
    let Some(path) = named() else { return Ok(()) };
    let shown = path.display().to_string().escape_debug().to_string();
    let refused = |reason: &str| {
        let mut refused = failure(Code::E507, format!("{VARIABLE} is `{shown}`, and {reason}"));
        refused.help.push(
            "it names a folder, a toolkit, a Python environment or a library's file; unset, others are tried".into(),
        );
        refused
    };
    if !path.exists() {
        return Err(refused("there is no such file or folder"));
    }
    let only = |name: &str| (name == VARIABLE).then(|| path.clone().into_os_string());
    let mut searched =
        found(&only, Path::new("/")).into_iter().filter(|search_path| search_path.origin == Origin::Variable);
    let is_library = |search_path: &SearchPath| {
        ["nvrtc", "cublasLt", "cudnn"].iter().any(|one| !files_of(one, &search_path.path).is_empty())
    };
    match searched.any(|search_path| is_library(&search_path)) {
        true => Ok(()),
        false => Err(refused("there is no libnvrtc.so, libcublasLt.so or libcudnn.so")),
    }
}

/// As [`search_paths`], of any environment and file system.
pub fn found(variable: &dyn Fn(&str) -> Option<OsString>, root: &Path) -> Vec<SearchPath> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let mut tried: Vec<(Origin, PathBuf)> = Vec::new();
    if let Some(path) = set(VARIABLE) {
        tried.extend(below(&path, &LIBRARIES).map(|folder| (Origin::Variable, folder)));
        tried.extend(packages(&path).map(|folder| (Origin::Variable, folder)));
    }
    for toolkit in TOOLKITS.iter().filter_map(|name| set(name)).chain(installed(root)) {
        tried.extend(below(&toolkit, &LIBRARIES).map(|folder| (Origin::Toolkit, folder)));
    }
    for prefix in python_prefixes(&set, root) {
        tried.extend(packages(&prefix).map(|folder| (Origin::Python, folder)));
    }
    let paths = |name: &str| variable(name).map(|value| std::env::split_paths(&value).collect::<Vec<_>>());
    let system = ["usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"].map(|folder| root.join(folder));
    let loader = paths("LD_LIBRARY_PATH").unwrap_or_default().into_iter().chain(system);
    tried.extend(loader.map(|folder| (Origin::Loader, folder)));
    let mut seen = BTreeSet::new();
    let searched = tried.into_iter().filter(|(_, path)| path.exists());
    searched
        .filter(|(_, path)| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
        .map(|(origin, path)| SearchPath { origin, path })
        .collect()
}

/// Folders below one.
fn below<'a>(folder: &'a Path, names: &'a [&str]) -> impl Iterator<Item = PathBuf> + 'a {
    names.iter().map(|name| if name.is_empty() { folder.to_owned() } else { folder.join(name) })
}

/// Toolkits where installers put them, the newest first.
fn installed(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<PathBuf> =
        children(&root.join("usr/local")).into_iter().filter(|path| name(path).starts_with("cuda-")).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(numbers(&name(path))));
    let mut all = vec![root.join("usr/local/cuda")];
    all.extend(versions);
    all.push(root.join("opt/cuda"));
    all
}

/// Roots of Python environments: the active one, that of the python on PATH as it is named and as it is linked, and the user's.
fn python_prefixes(set: &dyn Fn(&str) -> Option<PathBuf>, root: &Path) -> Vec<PathBuf> {
    let mut prefixes: Vec<PathBuf> = ENVIRONMENTS.iter().filter_map(|name| set(name)).collect();
    let path = set("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    for name in ["python3", "python"] {
        let Some(python) = path.iter().map(|folder| folder.join(name)).find(|python| python.is_file()) else {
            continue;
        };
        let linked = python.canonicalize().unwrap_or_else(|_| python.clone());
        let prefix = |python: &Path| python.parent().and_then(Path::parent).map(Path::to_owned);
        prefixes.extend([prefix(&python), prefix(&linked)].into_iter().flatten());
    }
    prefixes.extend(set("HOME").map(|home| home.join(".local")));
    prefixes.extend(["usr/local", "usr"].map(|prefix| root.join(prefix)));
    prefixes
}

/// The libraries of NVIDIA's wheels in a Python environment: `lib/python3.x/site-packages/nvidia/*/lib`.
fn packages(prefix: &Path) -> impl Iterator<Item = PathBuf> {
    let pythons = children(&prefix.join("lib")).into_iter().filter(|path| name(path).starts_with("python3"));
    let sites = pythons.flat_map(|python| ["site-packages", "dist-packages"].map(|site| python.join(site)));
    sites.flat_map(|site| children(&site.join("nvidia"))).map(|package| package.join("lib"))
}

/// A library's files in a folder, `libNAME.so` and those with a version, the newest first; the file itself where it is one.
pub fn files_of(library: &str, path: &Path) -> Vec<PathBuf> {
    let begins = format!("lib{library}.so");
    let is_one = |path: &PathBuf| {
        let name = name(path);
        let rest = name.strip_prefix(&begins);
        rest.is_some_and(|rest| rest.chars().all(|letter| letter == '.' || letter.is_ascii_digit()))
    };
    let all = if path.is_file() { vec![path.to_owned()] } else { children(path) };
    let mut files: Vec<PathBuf> = all.into_iter().filter(is_one).collect();
    files.sort_by_key(|path| (std::cmp::Reverse(numbers(&name(path))), path.clone()));
    let mut seen = BTreeSet::new();
    files.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    files
}

/// What is in a folder, by name; nothing where it cannot be read.
fn children(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The numbers in a name: `libnvrtc.so.13.0` has 13 and 0.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Origin, files_of, found};
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn libraries_are_looked_for_where_people_have_them() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let wheel = "lib/python3.12/site-packages/nvidia/cu13/lib/libnvrtc.so.13";
        for file in ["usr/local/cuda-12.4/lib64/a", "usr/local/cuda-13.0/lib64/a", "named/lib64/a", "home/.local/x"] {
            touch(&at(file));
        }
        for file in ["venv", "other"] {
            touch(&at(file).join(wheel));
            touch(&at(file).join("bin/python3"));
        }
        touch(&at("loader/libnvrtc.so.12"));
        let variables: HashMap<&str, OsString> = [
            ("CNNC_CUDA_PATH", at("named")),
            ("VIRTUAL_ENV", at("venv")),
            ("PATH", at("other/bin")),
            ("HOME", at("home")),
            ("LD_LIBRARY_PATH", at("loader")),
        ]
        .into_iter()
        .map(|(name, path)| (name, path.into()))
        .collect();
        let searched = found(&|name| variables.get(name).cloned(), root.path());
        let shown: Vec<(Origin, String)> = searched
            .iter()
            .map(|search_path| {
                (search_path.origin, search_path.path.strip_prefix(root.path()).unwrap().display().to_string())
            })
            .collect();
        let expected = [
            (Origin::Variable, "named/lib64"),
            (Origin::Variable, "named"),
            (Origin::Toolkit, "usr/local/cuda-13.0/lib64"),
            (Origin::Toolkit, "usr/local/cuda-13.0"),
            (Origin::Toolkit, "usr/local/cuda-12.4/lib64"),
            (Origin::Toolkit, "usr/local/cuda-12.4"),
            (Origin::Python, "venv/lib/python3.12/site-packages/nvidia/cu13/lib"),
            (Origin::Python, "other/lib/python3.12/site-packages/nvidia/cu13/lib"),
            (Origin::Loader, "loader"),
        ];
        assert_eq!(shown, expected.map(|(origin, path)| (origin, path.to_owned())));
    }

    #[test]
    fn an_empty_environment_has_no_places() {
        let root = tempfile::tempdir().unwrap();
        assert!(found(&|_| None, root.path()).is_empty());
    }

    #[test]
    fn of_a_library_s_files_the_newest_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0", "libnvrtc.alt.so.13", "nvrtc.h"] {
            touch(&folder.path().join(name));
        }
        std::os::unix::fs::symlink("libnvrtc.so.13", folder.path().join("libnvrtc.so")).unwrap();
        let names = |library| -> Vec<String> {
            let files = files_of(library, folder.path()).into_iter();
            files.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("nvrtc"), ["libnvrtc.so.13", "libnvrtc.so.12"]);
        assert_eq!(names("nvrtc-builtins"), ["libnvrtc-builtins.so.13.0"]);
        let itself = folder.path().join("libnvrtc.so.12");
        assert_eq!(files_of("nvrtc", &itself), std::slice::from_ref(&itself));
    }
}
