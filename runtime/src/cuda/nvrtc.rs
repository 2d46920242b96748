//! NVRTC, the compiler of CUDA C that comes as a library: found, opened and asked for machine code.
//!
//! It is opened by its absolute path and its functions are looked up one by one, so that a library that is missing,
//! old or no NVRTC at all is a reason in a list and never a panic, and one that lies first in the loader's path
//! cannot take the place of the one that fits. It finds its own companion, the builtins, by name alone; that is
//! opened before it.

use super::search_paths::{self, Origin, SearchPath, VARIABLE};
use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;
use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};

/// The oldest version whose code is right for what cnnc writes, as (major, minor).
const OLDEST: (u32, u32) = (12, 0);

type Handle = *mut c_void;
type Outcome = c_int;

/// The functions that are used, as NVRTC's header has them.
struct Functions {
    version: unsafe extern "C" fn(*mut c_int, *mut c_int) -> Outcome,
    count: unsafe extern "C" fn(*mut c_int) -> Outcome,
    architectures: unsafe extern "C" fn(*mut c_int) -> Outcome,
    create: unsafe extern "C" fn(
        *mut Handle,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char,
    ) -> Outcome,
    compile: unsafe extern "C" fn(Handle, c_int, *const *const c_char) -> Outcome,
    log_size: unsafe extern "C" fn(Handle, *mut usize) -> Outcome,
    log: unsafe extern "C" fn(Handle, *mut c_char) -> Outcome,
    code_size: unsafe extern "C" fn(Handle, *mut usize) -> Outcome,
    code: unsafe extern "C" fn(Handle, *mut c_char) -> Outcome,
    destroy: unsafe extern "C" fn(*mut Handle) -> Outcome,
    error: unsafe extern "C" fn(Outcome) -> *const c_char,
}

impl Functions {
    /// Looks all of them up.
    fn of(library: &Library) -> std::result::Result<Functions, libloading::Error> {
        // SAFETY: the names and signatures are those of nvrtc.h, which have not changed since they were added.
        unsafe {
            Ok(Functions {
                version: *library.get(b"nvrtcVersion\0")?,
                count: *library.get(b"nvrtcGetNumSupportedArchs\0")?,
                architectures: *library.get(b"nvrtcGetSupportedArchs\0")?,
                create: *library.get(b"nvrtcCreateProgram\0")?,
                compile: *library.get(b"nvrtcCompileProgram\0")?,
                log_size: *library.get(b"nvrtcGetProgramLogSize\0")?,
                log: *library.get(b"nvrtcGetProgramLog\0")?,
                code_size: *library.get(b"nvrtcGetCUBINSize\0")?,
                code: *library.get(b"nvrtcGetCUBIN\0")?,
                destroy: *library.get(b"nvrtcDestroyProgram\0")?,
                error: *library.get(b"nvrtcGetErrorString\0")?,
            })
        }
    }
}

/// What code is made for: 90 is compute capability 9.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Architecture(pub u32);

/// An NVRTC that was opened. It stays open until the process ends.
pub struct Nvrtc {
    functions: Functions,
    /// Its version, as (major, minor).
    pub version: (u32, u32),
    /// Its file.
    pub path: PathBuf,
    /// What it makes code for, in order.
    pub architectures: Vec<Architecture>,
}

/// NVRTC that is opened for a driver is opened once.
static OPENED: Mutex<Option<&'static Nvrtc>> = Mutex::new(None);

impl Nvrtc {
    /// The first NVRTC of this machine that fits a driver of this CUDA version, or any driver.
    ///
    /// # Errors
    /// E501 when there is none, with everything that was looked at.
    pub fn find(driver: Option<(u32, u32)>) -> Result<&'static Nvrtc> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        match *opened {
            Some(nvrtc) if unfit(nvrtc.version, driver).is_none() => Ok(nvrtc),
            _ => {
                let nvrtc = Box::leak(Box::new(Nvrtc::find_in(
                    &search_paths::search_paths(),
                    search_paths::named().as_deref(),
                    driver,
                )?));
                *opened = Some(nvrtc);
                Ok(nvrtc)
            }
        }
    }

    /// As [`Nvrtc::find`], among these search paths; `named` is what the variable of cnnc names.
    fn find_in(searched: &[SearchPath], named: Option<&Path>, driver: Option<(u32, u32)>) -> Result<Nvrtc> {
        let mut rejected = Vec::new();
        for search_path in searched {
            for path in search_paths::files_of("nvrtc", &search_path.path) {
                let opened = Nvrtc::open(&path).and_then(|nvrtc| match unfit(nvrtc.version, driver) {
                    None => Ok(nvrtc),
                    Some(reason) => Err(reason),
                });
                match opened {
                    Ok(nvrtc) => return Ok(nvrtc),
                    Err(reason) => rejected.push(format!("{}: {reason}", path.display())),
                }
            }
        }
        Err(missing(searched, named, rejected, driver))
    }

    /// Opens one, or says why it is none.
    fn open(path: &Path) -> std::result::Result<Nvrtc, String> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let major = version_in(path);
        for builtins in search_paths::files_of("nvrtc-builtins", folder) {
            if major.is_none() || version_in(&builtins) == major {
                // SAFETY: a library of NVIDIA's; it does nothing when it is opened. One that cannot be opened is missed by NVRTC
                // itself.
                let _ = unsafe { Library::new(builtins) }.map(std::mem::forget);
            }
        }
        // SAFETY: a library of NVIDIA's, as its name says; it does nothing when it is opened.
        let library = unsafe { Library::new(path) }.map_err(|error| format!("cannot be opened: {error}"))?;
        let functions = Functions::of(&library).map_err(|error| format!("is no NVRTC of version 12: {error}"))?;
        // Its threads and tables may outlive any use of it.
        std::mem::forget(library);
        let version = version(&functions).ok_or("does not say its version")?;
        let architectures = architectures(&functions);
        Ok(Nvrtc { functions, version, path: path.to_owned(), architectures })
    }

    /// `NVRTC 13.0`
    pub fn name(&self) -> String {
        format!("NVRTC {}.{}", self.version.0, self.version.1)
    }

    /// What code for a device of that compute capability is made for: its own architecture, or the nearest below it whose code it
    /// runs.
    ///
    /// # Errors
    /// E501 when this NVRTC is too old for the device, or the device for it.
    pub fn architecture_for(&self, capability: (u32, u32)) -> Result<Architecture> {
        let (major, minor) = capability;
        let own = |one: &&Architecture| one.0 / 10 == major && one.0 % 10 <= minor;
        self.architectures.iter().rev().find(own).copied().ok_or_else(|| {
            let known: Vec<String> =
                self.architectures.iter().map(|one| format!("{}.{}", one.0 / 10, one.0 % 10)).collect();
            let message = format!("{} makes no code for a device of compute capability {major}.{minor}", self.name());
            let mut unfit = failure(Code::E501, message);
            unfit.notes.push(format!("it knows {}", known.join(", ")));
            unfit.notes.push(format!("it is {}", self.path.display()));
            unfit.help.push("another version of NVRTC may: CNNC_CUDA_PATH names its folder".into());
            unfit
        })
    }

    /// All that the code of a source depends on, as text.
    pub fn key(&self, source: &str, architecture: Architecture) -> String {
        let options = options(architecture).join(" ");
        format!("cnnc {}, {}, {options}\n{source}", env!("CARGO_PKG_VERSION"), self.name())
    }

    /// The machine code of a source, or NVRTC's log. Many threads may compile at once.
    pub fn compile(&self, source: &str, architecture: Architecture) -> std::result::Result<Vec<u8>, String> {
        let unreadable = |_| "the source has a zero byte".to_owned();
        let source = CString::new(source).map_err(unreadable)?;
        let options = options(architecture).map(|option| CString::new(option).unwrap_or_default());
        let options = options.each_ref().map(|option| option.as_ptr());
        let mut program = ptr::null_mut();
        // SAFETY: all pointers are to strings that live through the calls; the program is destroyed once, at the end.
        unsafe {
            let created = (self.functions.create)(
                &mut program,
                source.as_ptr(),
                c"cnnc.cu".as_ptr(),
                0,
                ptr::null(),
                ptr::null(),
            );
            self.succeeded(created)?;
            let compiled = (self.functions.compile)(program, options.len() as c_int, options.as_ptr());
            let code = match self.succeeded(compiled) {
                Ok(()) => self.read(program, self.functions.code_size, self.functions.code),
                Err(reason) => Err(self.log(program).filter(|log| !log.is_empty()).unwrap_or(reason)),
            };
            (self.functions.destroy)(&mut program);
            code
        }
    }

    /// What NVRTC had to say of a program.
    ///
    /// # Safety
    /// The program must be one.
    unsafe fn log(&self, program: Handle) -> Option<String> {
        // SAFETY: the caller promises a program, of which both functions are asked.
        let bytes = unsafe { self.read(program, self.functions.log_size, self.functions.log) }.ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').trim_end().to_owned())
    }

    /// Something of a program that has a size.
    ///
    /// # Safety
    /// The program must be one.
    unsafe fn read(
        &self,
        program: Handle,
        size: unsafe extern "C" fn(Handle, *mut usize) -> Outcome,
        get: unsafe extern "C" fn(Handle, *mut c_char) -> Outcome,
    ) -> std::result::Result<Vec<u8>, String> {
        let mut length = 0;
        // SAFETY: the second call writes as many bytes as the first says.
        unsafe {
            self.succeeded(size(program, &mut length))?;
            let mut bytes = vec![0u8; length];
            self.succeeded(get(program, bytes.as_mut_ptr().cast()))?;
            Ok(bytes)
        }
    }

    fn succeeded(&self, outcome: Outcome) -> std::result::Result<(), String> {
        if outcome == 0 {
            return Ok(());
        }
        // SAFETY: NVRTC gives a string of its own for every outcome.
        let text = unsafe { CStr::from_ptr((self.functions.error)(outcome)) };
        Err(text.to_string_lossy().into_owned())
    }
}

/// No liberties with floats, and no promise that pointers differ: a kernel may write over what it read.
fn options(architecture: Architecture) -> [String; 2] {
    [format!("--gpu-architecture=sm_{}", architecture.0), "--std=c++17".into()]
}

fn version(functions: &Functions) -> Option<(u32, u32)> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: two integers are written.
    let outcome = unsafe { (functions.version)(&mut major, &mut minor) };
    (outcome == 0).then_some((major.unsigned_abs(), minor.unsigned_abs()))
}

fn architectures(functions: &Functions) -> Vec<Architecture> {
    let mut count = 0;
    // SAFETY: the second call writes as many integers as the first says.
    let all = unsafe {
        let counted = (functions.count)(&mut count) == 0;
        let mut all = vec![0; if counted { count.unsigned_abs() as usize } else { 0 }];
        if counted && (functions.architectures)(all.as_mut_ptr()) == 0 { all } else { Vec::new() }
    };
    let mut all: Vec<Architecture> = all.into_iter().map(|one: c_int| Architecture(one.unsigned_abs())).collect();
    all.sort_unstable();
    all
}

/// The first number of a library's version in its name.
fn version_in(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    name.split_once(".so.")?.1.split('.').next()?.parse().ok()
}

/// Why an NVRTC of this version cannot be used with a driver of that one.
fn unfit((major, minor): (u32, u32), driver: Option<(u32, u32)>) -> Option<String> {
    if (major, minor) < OLDEST {
        return Some(format!("is version {major}.{minor}, and {}.{} or later is needed", OLDEST.0, OLDEST.1));
    }
    let (newest, of) = driver.filter(|(newest, _)| *newest < major)?;
    Some(format!("is version {major}.{minor}, and the driver runs code of CUDA {newest}.x at the most ({newest}.{of})"))
}

/// The diagnosis of a machine without one.
fn missing(
    searched: &[SearchPath],
    named: Option<&Path>,
    rejected: Vec<String>,
    driver: Option<(u32, u32)>,
) -> crate::Error {
    let mut missing = failure(Code::E501, "there is no NVRTC that can be used: the compiler of CUDA, a library");
    missing.notes.push(format!(
        "looked for libnvrtc.so, libnvrtc.so.13 and libnvrtc.so.12, of version {}.{} or later",
        OLDEST.0, OLDEST.1
    ));
    for origin in Origin::ALL {
        let folders = searched.iter().filter(|search_path| search_path.origin == origin).count();
        let found = match folders {
            0 => "nothing".to_owned(),
            1 => "1 folder".to_owned(),
            _ => format!("{folders} folders"),
        };
        let value = named.filter(|_| origin == Origin::Variable).map(|path| format!(" ({})", path.display()));
        missing.notes.push(format!("in {}{}: {found}", origin.words(), value.unwrap_or_default()));
    }
    missing.notes.extend(rejected.into_iter().map(|reason| format!("found {reason}")));
    let package = match driver {
        Some((12, _)) => "nvidia-cuda-nvrtc-cu12",
        _ => "'nvidia-cuda-nvrtc==13.*'",
    };
    missing.help.push(format!("`pip install {package}` brings it into the Python environment that is active"));
    missing.help.push(format!("or set {VARIABLE} to the folder that has it"));
    missing
}

#[cfg(test)]
mod tests {
    use super::{Architecture, Nvrtc, Origin, SearchPath, unfit};
    use cnnc_compiler::diagnostic::Code;
    use std::fs;
    use std::path::Path;

    /// NVRTC of this machine; without one a test passes, unless the environment demands that it runs.
    fn nvrtc() -> Option<&'static Nvrtc> {
        let found = Nvrtc::find(None);
        if let Err(missing) = &found {
            let demanded = std::env::var_os("CNNC_TEST_CUDA").is_some_and(|value| value == "required");
            assert!(!demanded, "{missing:?}");
            #[allow(clippy::print_stderr, reason = "a test says that it did nothing")]
            let () = eprintln!("skipped: no NVRTC");
        }
        found.ok()
    }

    const SOURCE: &str = "extern \"C\" __global__ void twice(float *values) { values[threadIdx.x] *= 2.0f; }";

    #[test]
    fn a_kernel_becomes_machine_code() {
        let Some(nvrtc) = nvrtc() else { return };
        for architecture in [Architecture(80), Architecture(90)] {
            let code = nvrtc.compile(SOURCE, architecture).expect("machine code");
            assert_eq!(&code[..4], b"\x7fELF", "{architecture:?}");
            assert!(code.windows(5).any(|bytes| bytes == b"twice"));
        }
        let log = nvrtc.compile("__global__ void broken( { }", Architecture(90)).unwrap_err();
        assert!(log.contains("cnnc.cu(1): error"), "{log}");
        assert!(nvrtc.compile(SOURCE, Architecture(1)).unwrap_err().contains("gpu-architecture"));
    }

    #[test]
    fn code_is_for_the_device_or_the_nearest_below_it() {
        let Some(nvrtc) = nvrtc() else { return };
        assert_eq!(nvrtc.architecture_for((9, 0)).unwrap(), Architecture(90));
        assert_eq!(nvrtc.architecture_for((8, 9)).unwrap(), Architecture(89));
        assert_eq!(nvrtc.architecture_for((8, 5)).unwrap(), Architecture(80));
        let too_old = nvrtc.architecture_for((3, 5)).unwrap_err();
        assert_eq!(too_old.code, Code::E501);
        assert!(too_old.message.ends_with("compute capability 3.5"), "{}", too_old.message);
    }

    #[test]
    fn versions_have_to_fit_the_driver() {
        assert_eq!(unfit((13, 2), Some((13, 0))), None);
        assert_eq!(unfit((12, 8), Some((13, 0))), None);
        assert_eq!(unfit((13, 0), None), None);
        assert_eq!(unfit((11, 8), None).unwrap(), "is version 11.8, and 12.0 or later is needed");
        let newer = unfit((13, 0), Some((12, 4))).unwrap();
        assert_eq!(newer, "is version 13.0, and the driver runs code of CUDA 12.x at the most (12.4)");
    }

    #[test]
    fn what_is_missing_is_said_with_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("libnvrtc.so.13"), "no library").unwrap();
        let searched = [SearchPath { origin: Origin::Toolkit, path: folder.path().to_owned() }];
        let missing = Nvrtc::find_in(&searched, None, Some((12, 4))).err().unwrap();
        assert_eq!(missing.code, Code::E501);
        let notes = missing.notes.join("\n");
        assert!(notes.contains("/opt/cuda): 1 folder") && notes.contains("CNNC_CUDA_PATH: nothing"), "{notes}");
        assert!(notes.contains("libnvrtc.so.13: cannot be opened"), "{notes}");
        assert!(missing.help[0].contains("nvidia-cuda-nvrtc-cu12"), "{:?}", missing.help);
        let notes = Nvrtc::find_in(&searched, Some(Path::new("/x/y")), None).err().unwrap().notes.clone();
        assert_eq!(notes[1], "in the environment variable CNNC_CUDA_PATH (/x/y): nothing");
        assert!(
            Nvrtc::open(Path::new("/lib/x86_64-linux-gnu/libc.so.6")).is_err_and(|reason| reason.contains("no NVRTC"))
        );
    }
}
