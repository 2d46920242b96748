//! The driver of NVIDIA's GPUs: whether there is one, what it serves, and what its errors are in words.
//!
//! It is looked for at run time, so the same program starts on machines without one. cudarc panics where a function
//! is missing; so every function that cnnc uses is looked up here first, and a driver without one is too old, which
//! is said.

use crate::failure::failure;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::Code;
use cudarc::driver::result::{self, DriverError, device};
use cudarc::driver::sys;
use libloading::Library;
use std::fmt;

/// The CUDA version that a driver must serve: it has every function that is used.
const NEEDED: (u32, u32) = (12, 8);
/// The names that the driver's library is looked for under, in cudarc's order.
const NAMES: [&str; 3] = ["libcuda.so", "libcuda.so.13", "libcuda.so.1"];
/// Every function of the driver that is used.
const FUNCTIONS: [&str; 44] = [
    "cuInit",
    "cuDriverGetVersion",
    "cuGetErrorName",
    "cuGetErrorString",
    "cuDeviceGet",
    "cuDeviceGetCount",
    "cuDeviceGetName",
    "cuDeviceGetAttribute",
    "cuDevicePrimaryCtxRetain",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxSetCurrent",
    "cuMemGetInfo_v2",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemHostAlloc",
    "cuMemFreeHost",
    "cuMemcpyHtoD_v2",
    "cuMemcpyDtoH_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamSynchronize",
    "cuStreamWaitEvent",
    "cuStreamBeginCapture_v2",
    "cuStreamEndCapture",
    "cuEventCreate",
    "cuEventRecord",
    "cuEventRecordWithFlags",
    "cuEventSynchronize",
    "cuEventElapsedTime_v2",
    "cuEventDestroy_v2",
    "cuModuleLoadData",
    "cuModuleGetFunction",
    "cuModuleUnload",
    "cuFuncLoad",
    "cuLaunchKernel",
    "cuGraphInstantiateWithFlags",
    "cuGraphUpload",
    "cuGraphLaunch",
    "cuGraphDestroy",
    "cuGraphExecDestroy",
    "cuCtxSynchronize",
];

/// The driver and its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaReport {
    /// The CUDA version that the driver serves, as (major, minor).
    pub version: (u32, u32),
    /// The names of the devices; empty when the driver sees none.
    pub devices: Vec<String>,
}

/// `driver for CUDA 13.0, 1 device: NVIDIA H100`
impl fmt::Display for CudaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.version;
        write!(f, "driver for CUDA {major}.{minor}, ")?;
        match self.devices.as_slice() {
            [] => f.write_str("no device"),
            [one] => write!(f, "1 device: {one}"),
            several => write!(f, "{} devices: {}", several.len(), several.join(", ")),
        }
    }
}

/// Asks whether there is a driver, and for which devices.
///
/// # Errors
/// E501, with what was looked for, when there is no driver, it is too old, or it does not answer.
pub fn probe() -> Result<CudaReport> {
    // SAFETY: this opens libraries of the driver's name and closes them again; their initialisers are NVIDIA's.
    if !unsafe { sys::is_culib_present() } {
        let mut missing = failure(Code::E501, "there is no NVIDIA driver on this machine");
        missing.notes.push("looked for the driver's library: libcuda.so, libcuda.so.13, …, libcuda.so.1".into());
        missing.notes.push(format!("needed: a driver for CUDA {}.{} or later", NEEDED.0, NEEDED.1));
        return Err(missing);
    }
    check_functions()?;
    match ask_driver() {
        Ok(report) if report.version >= NEEDED => Ok(report),
        Ok(report) => {
            let (major, minor) = report.version;
            let mut old = failure(Code::E501, format!("the NVIDIA driver is too old: it serves CUDA {major}.{minor}"));
            old.notes.push(format!("needed: a driver for CUDA {}.{} or later", NEEDED.0, NEEDED.1));
            Err(old)
        }
        Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => {
            Err(failure(Code::E501, "there is an NVIDIA driver, and it sees no device"))
        }
        Err(error) => Err(failure(Code::E501, format!("the NVIDIA driver does not answer: {}", in_words(error)))),
    }
}

/// Whether the driver has every function.
fn check_functions() -> Result<()> {
    // SAFETY: it is the library that cudarc opens next, and does nothing when it is opened.
    let Some(library) = NAMES.iter().find_map(|name| unsafe { Library::new(*name) }.ok()) else { return Ok(()) };
    // SAFETY: the functions are looked up and not called.
    let is_missing = |name: &&&str| unsafe { library.get::<unsafe extern "C" fn()>(name.as_bytes()) }.is_err();
    let missing: Vec<&str> = FUNCTIONS.iter().filter(is_missing).copied().collect();
    let version = stated_version(&library);
    // Closing a driver that is in use is not what it is made for.
    std::mem::forget(library);
    match missing.as_slice() {
        [] => Ok(()),
        all if all.len() == FUNCTIONS.len() => {
            Err(failure(Code::E501, "there is a libcuda.so, and it is no NVIDIA driver"))
        }
        [first, ..] => {
            let served = version.map_or_else(String::new, |(major, minor)| format!(": it serves CUDA {major}.{minor}"));
            let mut old = failure(Code::E501, format!("the NVIDIA driver is too old{served}"));
            old.notes.push(format!("it lacks {} functions, of which {first} is the first", missing.len()));
            old.notes.push(format!("needed: a driver for CUDA {}.{} or later", NEEDED.0, NEEDED.1));
            Err(old)
        }
    }
}

/// The CUDA version that a driver serves, of any age.
fn stated_version(library: &Library) -> Option<(u32, u32)> {
    let mut version: std::ffi::c_int = 0;
    // SAFETY: the function writes one integer, and has done so since there are drivers.
    let outcome = unsafe {
        let ask = library.get::<unsafe extern "C" fn(*mut std::ffi::c_int) -> std::ffi::c_int>(b"cuDriverGetVersion\0");
        ask.ok()?(&mut version)
    };
    (outcome == 0).then(|| in_parts(version))
}

/// 12040 is 12.4.
fn in_parts(version: std::ffi::c_int) -> (u32, u32) {
    let version = version.unsigned_abs();
    (version / 1000, version % 1000 / 10)
}

fn ask_driver() -> std::result::Result<CudaReport, DriverError> {
    result::init()?;
    let mut version = 0;
    // SAFETY: the driver writes one int to a valid place.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result()?;
    let names = (0..device::get_count()?).map(|ordinal| device::get_name(device::get(ordinal)?));
    let devices = names.collect::<std::result::Result<Vec<String>, _>>()?;
    if devices.is_empty() {
        return Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE));
    }
    Ok(CudaReport { version: in_parts(version), devices })
}

/// What went wrong with the driver or a library, as a failure of what was being done.
pub trait During<T> {
    /// Names it: `making a stream`.
    ///
    /// # Errors
    /// E505 in the place of what went wrong.
    fn during(self, doing: &str) -> Result<T>;
}

impl<T> During<T> for std::result::Result<T, DriverError> {
    fn during(self, doing: &str) -> Result<T> {
        self.map_err(|error| reported(doing, &in_words(error)))
    }
}

/// What goes wrong with work that is put in: with the driver, or with a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The driver refuses.
    Driver(DriverError),
    /// A library does, in words.
    Library(String),
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Trouble {
        Trouble::Driver(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Driver(error) => f.write_str(&in_words(*error)),
            Trouble::Library(reason) => f.write_str(reason),
        }
    }
}

impl<T> During<T> for std::result::Result<T, Trouble> {
    fn during(self, doing: &str) -> Result<T> {
        self.map_err(|trouble| {
            let mut failure = reported(doing, &trouble.to_string());
            if matches!(trouble, Trouble::Library(_)) {
                failure.help.insert(0, "--no-libraries computes everything by generated kernels".into());
            }
            failure
        })
    }
}

fn reported(doing: &str, trouble: &str) -> Error {
    let mut reported = failure(Code::E505, format!("the GPU failed while {doing}: {trouble}"));
    reported.help.push("`cnnc doctor --device cuda` examines every kernel on this GPU".into());
    reported.help.push("leave `--device cuda` out to run on the CPU".into());
    reported
}

/// `CUDA_ERROR_NOT_READY (device not ready)`
pub fn in_words(error: DriverError) -> String {
    match error.error_string() {
        Ok(text) => format!("{:?} ({})", error.0, text.to_string_lossy()),
        Err(_) => format!("{:?}", error.0),
    }
}

/// Whether it is for want of memory.
pub fn is_out_of_memory(error: DriverError) -> bool {
    error.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY
}

#[cfg(test)]
mod tests {
    use super::{CudaReport, probe};
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn a_machine_is_probed_without_a_panic() {
        match probe() {
            Ok(report) => assert!(report.version.0 >= 12, "{report}"),
            Err(failure) => assert_eq!(failure.code, Code::E501),
        }
    }

    #[test]
    fn reports_are_for_people() {
        let mut report = CudaReport { version: (13, 0), devices: Vec::new() };
        assert_eq!(report.to_string(), "driver for CUDA 13.0, no device");
        report.devices.push("NVIDIA H100".into());
        assert_eq!(report.to_string(), "driver for CUDA 13.0, 1 device: NVIDIA H100");
    }
}
