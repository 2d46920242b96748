//! A GPU: what it says of itself, what it can do at most, and the compiler for it.

use super::driver::{self, CudaReport, During};
use super::handles::Context;
use super::libraries::Libraries;
use super::nvrtc::{Architecture, Nvrtc};
use super::program::Precision;
use super::search_paths;
use crate::failure::failure;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::Code;
use cudarc::driver::result::DriverError;
use cudarc::driver::sys::CUdevice_attribute as Attribute;
use std::fmt;
use std::sync::Arc;

/// The least compute capability: kernels copy to shared memory asynchronously.
const NEEDED: (u32, u32) = (8, 0);

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Properties {
    /// Its name: `NVIDIA H200`.
    pub name: String,
    /// The CUDA version that its driver serves, as (major, minor).
    pub driver: (u32, u32),
    /// Its compute capability, as (major, minor).
    pub capability: (u32, u32),
    /// Its multiprocessors.
    pub multiprocessors: u32,
    /// The highest rate of their clock, in Hz.
    pub clock_hz: f64,
    /// The highest rate of the memory's clock, in Hz; two words come in a cycle.
    pub memory_clock_hz: f64,
    /// Bits of a word of the memory.
    pub memory_bits: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of the cache that all multiprocessors share.
    pub cache_bytes: u64,
}

impl Properties {
    fn of(context: &Context, driver: (u32, u32)) -> std::result::Result<Properties, DriverError> {
        let ask = |attribute| context.attribute(attribute).map(i32::unsigned_abs);
        let kilohertz = |attribute| ask(attribute).map(|rate| 1e3 * f64::from(rate));
        Ok(Properties {
            name: context.name()?,
            driver,
            capability: (
                ask(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                ask(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            multiprocessors: ask(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            clock_hz: kilohertz(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?,
            memory_clock_hz: kilohertz(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?,
            memory_bits: ask(Attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?,
            memory_bytes: context.memory()?.1,
            cache_bytes: u64::from(ask(Attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?),
        })
    }

    /// Multiply-adds in a second at most: those of one multiprocessor in a cycle, by all of them, at the highest clock.
    pub fn multiply_adds_per_second(&self, precision: Precision) -> f64 {
        f64::from(multiply_adds_a_cycle(self.capability, precision)) * f64::from(self.multiprocessors) * self.clock_hz
    }

    /// Bytes that go from or to the memory in a second at most.
    pub fn bytes_per_second(&self) -> f64 {
        2.0 * self.memory_clock_hz * f64::from(self.memory_bits) / 8.0
    }
}

/// Multiply-adds of one multiprocessor in a cycle, of dense matrices with sums in float32, by NVIDIA's white papers on each
/// architecture.
fn multiply_adds_a_cycle(capability: (u32, u32), precision: Precision) -> u32 {
    let [exact, tf32, half] = match capability {
        (8, 0) => [64, 512, 1024],
        (9, _) => [128, 1024, 2048],
        (10 | 11, _) => [128, 2048, 4096],
        _ => [128, 128, 256],
    };
    match precision {
        Precision::Exact | Precision::Int8 => exact,
        Precision::Tf32 => tf32,
        Precision::Fp16 | Precision::Bf16 => half,
    }
}

/// `NVIDIA H200, compute capability 9.0, driver for CUDA 13.0`
impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((major, minor), (of_driver, minor_of_driver)) = (self.capability, self.driver);
        write!(f, "{}, compute capability {major}.{minor}, driver for CUDA {of_driver}.{minor_of_driver}", self.name)
    }
}

/// A GPU that was opened, with the compiler for it.
pub struct Device {
    /// Its context.
    pub context: Arc<Context>,
    /// What it says of itself.
    pub properties: Properties,
    /// The compiler.
    pub nvrtc: &'static Nvrtc,
    /// What the compiler makes code for.
    pub architecture: Architecture,
}

impl Device {
    /// The GPU of that number, from 0, in the driver's order.
    ///
    /// # Errors
    /// E501 with everything that was looked for, when something is missing or too old, or there are not as many.
    pub fn open(number: usize) -> Result<Arc<Device>> {
        let (report, nvrtc) = found()?;
        let ordinal = i32::try_from(number).ok().filter(|_| number < report.devices.len());
        let ordinal = ordinal.ok_or_else(|| no_such(number, report.devices.len()))?;
        let context = Context::new(ordinal).during("being opened")?;
        let properties = Properties::of(&context, report.version).during("saying what it is")?;
        if properties.capability < NEEDED {
            let message = format!("the GPU is too old: {properties}");
            let needed = format!("needed: compute capability {}.{} or later", NEEDED.0, NEEDED.1);
            let mut old = failure(Code::E501, message);
            old.notes.push(needed);
            return Err(old);
        }
        let architecture = nvrtc.architecture_for(properties.capability)?;
        Ok(Arc::new(Device { context, properties, nvrtc, architecture }))
    }

    /// NVIDIA's libraries that fit the driver. They are opened when somebody asks, which takes a while.
    pub fn libraries(&self) -> &'static Libraries {
        Libraries::of(self.properties.driver)
    }

    /// Bytes of memory that are free now.
    ///
    /// # Errors
    /// E505 when the driver does not say.
    pub fn free_bytes(&self) -> Result<u64> {
        self.context.memory().map(|(free, _)| free).during("saying how much memory is free")
    }
}

/// The failure to say that the machine has no GPU of a number.
fn no_such(number: usize, count: usize) -> Error {
    let message = format!("`--device cuda:{number}` cannot be had: the driver has {count} GPUs, counted from 0");
    failure(Code::E501, message).help("`--device cuda` is the first of them")
}

/// Driver and compiler, or one failure that tells of both.
fn found() -> Result<(CudaReport, &'static Nvrtc)> {
    search_paths::check_named()?;
    let report = driver::probe();
    let nvrtc = Nvrtc::find(report.as_ref().ok().map(|report| report.version));
    match (report, nvrtc) {
        (Ok(report), Ok(nvrtc)) => Ok((report, nvrtc)),
        (report, nvrtc) => {
            let nvrtc = nvrtc.map(|nvrtc| format!("{} ({})", nvrtc.name(), nvrtc.path.display()));
            Err(diagnosis(report.map(|report| report.to_string()), nvrtc))
        }
    }
}

/// What is missing, and what is there: one failure for driver and compiler.
fn diagnosis(driver: Result<String>, nvrtc: Result<String>) -> Error {
    let parts = [("driver and device", driver), ("NVRTC, the compiler of CUDA", nvrtc)];
    let missing: Vec<&str> =
        parts.iter().filter_map(|(_, found)| found.as_ref().err().map(|failure| failure.message.as_str())).collect();
    let mut all = failure(Code::E501, format!("`--device cuda` cannot be had: {}", missing.join("; and ")));
    for (what, found) in parts {
        match found {
            Ok(found) => all.notes.push(format!("{what}: found {found}")),
            Err(failure) => {
                all.notes.push(format!("{what}: not found"));
                all.notes.extend(failure.notes.iter().map(|note| format!("  {note}")));
                all.help.extend_from_slice(&failure.help);
            }
        }
    }
    all.help.push("leave `--device cuda` out to run on the CPU".into());
    all
}

#[cfg(test)]
mod tests {
    use super::{Device, Properties, diagnosis};
    use crate::cuda::program::Precision;
    use crate::failure::failure;
    use cnnc_compiler::diagnostic::Code;

    fn h200() -> Properties {
        Properties {
            name: "NVIDIA H200".into(),
            driver: (13, 0),
            capability: (9, 0),
            multiprocessors: 132,
            clock_hz: 1.98e9,
            memory_clock_hz: 3.201e9,
            memory_bits: 6144,
            memory_bytes: 141 << 30,
            cache_bytes: 50 << 20,
        }
    }

    #[test]
    fn peaks_are_those_of_the_data_sheets() {
        let teraflops = |precision| 2e-12 * h200().multiply_adds_per_second(precision);
        // 67 in float32, 495 in TF32 and 989 in FP16, at the clock of 1.83 GHz that NVIDIA states them for.
        assert_eq!(teraflops(Precision::Exact).round(), 67.0);
        assert_eq!((teraflops(Precision::Tf32) * 1.83 / 1.98).round(), 495.0);
        assert_eq!((teraflops(Precision::Fp16) * 1.83 / 1.98).round(), 989.0);
        assert_eq!((1e-11 * h200().bytes_per_second()).round(), 49.0);
    }

    #[test]
    fn one_failure_tells_of_everything() {
        let mut no_driver = failure(Code::E501, "there is no driver");
        no_driver.notes.push("looked for libcuda.so".into());
        let all = diagnosis(Err(no_driver), Ok("NVRTC 13.0 (/x/libnvrtc.so.13)".into()));
        assert_eq!(all.message, "`--device cuda` cannot be had: there is no driver");
        let expected = [
            "driver and device: not found",
            "  looked for libcuda.so",
            "NVRTC, the compiler of CUDA: found NVRTC 13.0 (/x/libnvrtc.so.13)",
        ];
        assert_eq!(all.notes, expected);
        let both = diagnosis(Err(failure(Code::E501, "no driver")), Err(failure(Code::E501, "no NVRTC")));
        assert_eq!(both.message, "`--device cuda` cannot be had: no driver; and no NVRTC");
    }

    #[test]
    fn a_machine_without_a_device_says_so() {
        if let Err(missing) = Device::open(0) {
            assert_eq!(missing.code, Code::E501, "{missing:?}");
            assert!(missing.notes.len() >= 2 && !missing.help.is_empty(), "{missing:?}");
        }
    }
}
