//! What there is of CUDA on this machine.
//!
//! The driver is looked for at run time, so the same program starts on machines without one. There is no engine for it yet: asking for
//! the device is answered with what was found, so that people know what to expect.

use crate::failure::failure;
use crate::{Failure, Result};
use cnnc_compiler::diagnostic::Code;
use cudarc::driver::result::{self, DriverError, device};
use cudarc::driver::sys;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
/// E501, with what was looked for, when there is no driver or it does not answer.
pub fn probe() -> Result<CudaReport> {
    // SAFETY: this opens libraries of the driver's name and closes them again; their initialisers are NVIDIA's.
    if !unsafe { sys::is_culib_present() } {
        let mut missing = failure(Code::E501, "there is no NVIDIA driver on this machine");
        missing.notes.push("looked for the driver's library: libcuda.so, libcuda.so.13, …, libcuda.so.1".into());
        return Err(missing);
    }
    // A library of that name without CUDA's functions makes the loader panic.
    match catch_unwind(AssertUnwindSafe(ask_driver)) {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE))) => {
            Err(failure(Code::E501, "there is an NVIDIA driver, and it sees no device"))
        }
        Ok(Err(error)) => Err(failure(Code::E501, format!("the NVIDIA driver does not answer: {:?}", error.0))),
        Err(_) => Err(failure(Code::E501, "there is a libcuda.so, and it is no NVIDIA driver")),
    }
}

fn ask_driver() -> std::result::Result<CudaReport, DriverError> {
    result::init()?;
    let mut version = 0;
    // SAFETY: the driver writes one int to a valid place.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result()?;
    let names = (0..device::get_count()?).map(|ordinal| device::get_name(device::get(ordinal)?));
    let version = version.unsigned_abs();
    Ok(CudaReport {
        version: (version / 1000, version % 1000 / 10),
        devices: names.collect::<std::result::Result<_, _>>()?,
    })
}

/// The answer to who asks for the device: E501, with what was found on this machine.
pub fn refuse() -> Failure {
    let mut refused = failure(Code::E501, "the CUDA engine does not exist yet in this version");
    match probe() {
        Ok(report) => refused.notes.push(format!("found on this machine: {report}")),
        Err(missing) => {
            refused.notes.push(format!("found on this machine: {}", missing.message));
            refused.notes.extend(missing.notes);
        }
    }
    refused.help.push("leave `--device cuda` out to run on the CPU".into());
    refused
}

#[cfg(test)]
mod tests {
    use super::{CudaReport, probe, refuse};
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn a_machine_is_probed_without_a_panic() {
        match probe() {
            Ok(report) => assert!(report.version.0 >= 9, "{report}"),
            Err(failure) => assert_eq!(failure.code, Code::E501),
        }
        let refused = refuse();
        assert_eq!(refused.code, Code::E501);
        assert!(refused.notes[0].starts_with("found on this machine: "), "{:?}", refused.notes);
    }

    #[test]
    fn reports_are_for_people() {
        let mut report = CudaReport { version: (13, 0), devices: Vec::new() };
        assert_eq!(report.to_string(), "driver for CUDA 13.0, no device");
        report.devices.push("NVIDIA H100".into());
        assert_eq!(report.to_string(), "driver for CUDA 13.0, 1 device: NVIDIA H100");
    }
}
