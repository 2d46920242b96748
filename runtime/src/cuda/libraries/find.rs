//! Where cuBLASLt and cuDNN lie, whether they fit, and what they are called.

use crate::cuda::search_paths::{self, Origin, SearchPath};
use libloading::Library;
use std::ffi::c_int;
use std::fmt;
use std::path::PathBuf;

/// A library that was found and opened. It stays open until the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLibrary {
    /// Its name: `cuDNN`.
    pub name: &'static str,
    /// Its version: `9.10.2`.
    pub version: String,
    /// Its file.
    pub path: PathBuf,
}

/// `cuDNN 9.10.2`
impl fmt::Display for FoundLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// What is looked for.
struct Wanted {
    name: &'static str,
    /// `libcudnn.so` without `lib` and `.so`.
    file: &'static str,
    /// The oldest version.
    oldest: &'static str,
    /// The names that cudarc opens it by, in its order, as far as they occur.
    names: &'static [&'static str],
    /// The function that says its version, and that of the CUDA it is made for.
    versions: [&'static str; 2],
    /// What its version counts: major, minor and patch are so many apart.
    apart: [usize; 2],
    /// The oldest version as it counts them, and the first that is too new to be known.
    range: [usize; 2],
    /// Every function that is used.
    functions: &'static [&'static str],
}

const CUBLASLT: Wanted = Wanted {
    name: "cuBLASLt",
    file: "cublasLt",
    oldest: "12.0",
    names: &["libcublasLt.so", "libcublasLt.so.13", "libcublasLt.so.12"],
    versions: ["cublasLtGetVersion", "cublasLtGetCudartVersion"],
    apart: [10_000, 100],
    range: [120_000, 140_000],
    functions: &[
        "cublasLtCreate",
        "cublasLtDestroy",
        "cublasLtMatmul",
        "cublasLtMatmulAlgoGetHeuristic",
        "cublasLtMatmulDescCreate",
        "cublasLtMatmulDescDestroy",
        "cublasLtMatmulDescSetAttribute",
        "cublasLtMatmulPreferenceCreate",
        "cublasLtMatmulPreferenceDestroy",
        "cublasLtMatmulPreferenceSetAttribute",
        "cublasLtMatrixLayoutCreate",
        "cublasLtMatrixLayoutDestroy",
    ],
};

const CUDNN: Wanted = Wanted {
    name: "cuDNN",
    file: "cudnn",
    oldest: "9.0",
    names: &["libcudnn.so", "libcudnn.so.9"],
    versions: ["cudnnGetVersion", "cudnnGetCudartVersion"],
    apart: [10_000, 100],
    range: [90_000, 100_000],
    functions: &[
        "cudnnCreate",
        "cudnnDestroy",
        "cudnnSetStream",
        "cudnnCreateTensorDescriptor",
        "cudnnDestroyTensorDescriptor",
        "cudnnSetTensor4dDescriptorEx",
        "cudnnCreateFilterDescriptor",
        "cudnnDestroyFilterDescriptor",
        "cudnnSetFilter4dDescriptor",
        "cudnnCreateConvolutionDescriptor",
        "cudnnDestroyConvolutionDescriptor",
        "cudnnSetConvolution2dDescriptor",
        "cudnnSetConvolutionGroupCount",
        "cudnnSetConvolutionMathType",
        "cudnnGetConvolutionForwardAlgorithm_v7",
        "cudnnGetConvolutionForwardWorkspaceSize",
        "cudnnConvolutionForward",
        "cudnnGetConvolutionBackwardDataAlgorithm_v7",
        "cudnnGetConvolutionBackwardDataWorkspaceSize",
        "cudnnConvolutionBackwardData",
        "cudnnGetConvolutionBackwardFilterAlgorithm_v7",
        "cudnnGetConvolutionBackwardFilterWorkspaceSize",
        "cudnnConvolutionBackwardFilter",
    ],
};

/// cuBLASLt for a driver of this CUDA version.
pub fn cublaslt(driver: (u32, u32)) -> Result<FoundLibrary, String> {
    find(&CUBLASLT, &search_paths::search_paths(), driver)
}

/// cuDNN for a driver of this CUDA version.
pub fn cudnn(driver: (u32, u32)) -> Result<FoundLibrary, String> {
    find(&CUDNN, &search_paths::search_paths(), driver)
}

/// The first that fits, or everything that was seen.
fn find(wanted: &Wanted, searched: &[SearchPath], driver: (u32, u32)) -> Result<FoundLibrary, String> {
    let mut seen = Vec::new();
    for search_path in searched {
        for path in search_paths::files_of(wanted.file, &search_path.path) {
            // SAFETY: libraries of NVIDIA's; they do nothing when they are opened.
            let opened = unsafe { Library::new(&path) }.map_err(|error| format!("cannot be opened: {error}"));
            match opened.and_then(|library| version(wanted, library, driver)) {
                Ok(version) => return Ok(FoundLibrary { name: wanted.name, version, path }),
                Err(reason) => seen.push(format!("{} {reason}", path.display())),
            }
        }
    }
    let needed = format!("{} or later is needed", wanted.oldest);
    if seen.is_empty() {
        let (name, file) = (wanted.name, wanted.file);
        let looked = Origin::ALL.map(Origin::words).join("; ");
        return Err(format!("no {name} was found: lib{file}.so was looked for in {looked}; {needed}"));
    }
    Err(format!("{}; {needed}", seen.join("; ")))
}

/// The version of a library that fits.
fn version(wanted: &Wanted, library: Library, driver: (u32, u32)) -> Result<String, String> {
    let stated = |library: &Library, name: &str| {
        // SAFETY: both functions take nothing and give a size_t, in every version.
        unsafe { library.get::<unsafe extern "C" fn() -> usize>(name.as_bytes()).ok().map(|ask| ask()) }
    };
    let [version, cuda] = wanted.versions.map(|name| stated(&library, name));
    let version = version.ok_or_else(|| format!("is no {}", wanted.name))?;
    let [major, minor] = wanted.apart;
    let words = format!("{}.{}.{}", version / major, version % major / minor, version % minor);
    if !(wanted.range[0]..wanted.range[1]).contains(&version) {
        return Err(format!("is version {words}"));
    }
    let made_for = cuda.unwrap_or(0) / 1000;
    if made_for > driver.0 as usize {
        return Err(format!("is made for CUDA {made_for}, and the driver runs CUDA {}.x at the most", driver.0));
    }
    // cudarc opens it by its name, and so finds the one that is open, or another one that the loader finds first.
    let open = |name: &&str| {
        // SAFETY: a library of NVIDIA's by its name; it does nothing when it is opened.
        unsafe { Library::new(*name) }.ok()
    };
    let by_name = wanted.names.iter().find_map(open).ok_or("is not found again by its name")?;
    let is_missing = |name: &&&str| {
        // SAFETY: the functions are looked up and not called.
        unsafe { by_name.get::<unsafe extern "C" fn() -> c_int>(name.as_bytes()) }.is_err()
    };
    if let Some(missing) = wanted.functions.iter().find(is_missing) {
        return Err(format!("has no {missing}"));
    }
    [library, by_name].into_iter().for_each(std::mem::forget);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{CUBLASLT, CUDNN, find};
    use crate::cuda::search_paths::{Origin, SearchPath, search_paths};
    use std::fs;

    #[test]
    fn what_is_no_such_library_is_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let search_path = SearchPath { origin: Origin::Variable, path: folder.path().to_owned() };
        let none = find(&CUDNN, &[], (13, 0)).unwrap_err();
        assert!(
            none.starts_with("no cuDNN was found: libcudnn.so was looked for in the environment variable CNNC"),
            "{none}"
        );
        assert!(none.ends_with("; 9.0 or later is needed"), "{none}");
        fs::write(folder.path().join("libcudnn.so.9"), "no library").unwrap();
        let reason = find(&CUDNN, &[search_path], (13, 0)).unwrap_err();
        assert!(reason.contains("libcudnn.so.9 cannot be opened: ") && reason.ends_with("; 9.0 or later is needed"));
    }

    #[test]
    fn the_libraries_of_this_machine_have_every_function() {
        // On most machines there is none.
        for wanted in [&CUBLASLT, &CUDNN] {
            match find(wanted, &search_paths(), (13, 0)) {
                Ok(found) => assert!(found.version.split('.').count() == 3, "{found}"),
                Err(reason) => {
                    assert!(!reason.contains("has no") && reason.ends_with("or later is needed"), "{reason}");
                }
            }
        }
    }
}
