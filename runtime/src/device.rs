//! The devices of this machine: by the names that commands, recipes and programs give them, and opened.
//!
//! A [`DeviceName`] comes in, and how to compute; a [`Device`] goes out, or the reason why it cannot be had. All that is made on
//! one device shares it: the processor's threads, a GPU's context, what was measured on it.

use crate::cpu::{Cpu, CpuOptions, Footprint, InstructionSet, Kernels, footprint, measure};
use crate::cuda::{self, Cuda};
use crate::failure::{Result, failure};
use crate::host::processor;
use crate::tuning::Tuning;
use crate::{Backend, Precision, PrepareOptions};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, Step, Target};
use std::fmt;
use std::str::FromStr;

/// A device of this machine: `cpu`, `cuda`, `cuda:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of that number, from 0, in the driver's order.
    Cuda(usize),
}

/// A device that is there.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// Which.
    pub device: DeviceName,
    /// What it says of itself.
    pub name: String,
}

/// What a device can do at most.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Peak {
    /// Multiply-adds in a second.
    pub multiply_adds_per_second: f64,
    /// Those of bytes; `None` of a GPU, which computes none.
    pub byte_multiply_adds_per_second: Option<f64>,
    /// Bytes from or to its memory in a second.
    pub bytes_per_second: f64,
    /// How that is known: `measured, 2 threads`.
    pub source: String,
}

/// How a device computes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceOptions {
    /// Threads of the processor, at most [`MOST_THREADS`](crate::MOST_THREADS); 0 is as many as it has cores. Answers have the
    /// same bits for any number.
    pub threads: usize,
    /// The instructions that the processor's kernels use; the machine must have them.
    pub instructions: InstructionSet,
    /// Whether the processor computes by plain loops, which are slow and easy to be sure of.
    pub reference: bool,
    /// In what a GPU takes products.
    pub precision: Precision,
    /// Whether a GPU's products may go to cuBLASLt and cuDNN, where measuring chose them.
    pub libraries: bool,
}

impl Default for DeviceOptions {
    fn default() -> Self {
        let CpuOptions { threads, instructions, .. } = CpuOptions::default();
        DeviceOptions { threads, instructions, reference: false, precision: Precision::Exact, libraries: true }
    }
}

impl DeviceOptions {
    /// With so many threads.
    #[must_use]
    pub fn threads(self, threads: usize) -> DeviceOptions {
        DeviceOptions { threads, ..self }
    }

    /// By these instructions of the processor.
    #[must_use]
    pub fn instructions(self, instructions: InstructionSet) -> DeviceOptions {
        DeviceOptions { instructions, ..self }
    }

    /// By plain loops on the processor.
    #[must_use]
    pub fn reference(self) -> DeviceOptions {
        DeviceOptions { reference: true, ..self }
    }

    /// What plans for a processor that computes so are made for, whether this machine has one or not.
    pub fn processor_target(&self) -> Target {
        self.cpu().target()
    }

    /// How the processor computes.
    fn cpu(&self) -> CpuOptions {
        let kernels = if self.reference { Kernels::Reference } else { Kernels::Fast };
        CpuOptions { threads: self.threads, instructions: self.instructions, kernels, ..CpuOptions::default() }
    }
}

/// A device, opened. Clones are the same one; threads share it.
#[derive(Clone)]
pub struct Device(Kind);

#[derive(Clone)]
enum Kind {
    Cpu { cpu: Cpu, tuning: Tuning },
    Cuda(Cuda),
}

impl Device {
    /// The processor, by so many threads; 0 is as many as it has cores. They are started when something is prepared.
    pub fn cpu(threads: usize) -> Device {
        Device(Kind::Cpu { cpu: Cpu::new(DeviceOptions::default().threads(threads).cpu()), tuning: Tuning::default() })
    }

    /// The NVIDIA GPU of that number, from 0, in exact float32.
    ///
    /// # Errors
    /// E501 with everything that was looked for, when something is missing or too old, there are not as many, or the feature
    /// `cuda` is left out.
    pub fn cuda(number: usize) -> Result<Device> {
        Device::open(DeviceName::Cuda(number), &DeviceOptions::default())
    }

    /// The device of a name, that computes so.
    ///
    /// # Errors
    /// E501 as [`Device::cuda`], and when the processor lacks the instructions; E506 when there are too many threads, E507
    /// when the environment asks for instructions that cannot be had.
    pub fn open(name: DeviceName, options: &DeviceOptions) -> Result<Device> {
        Ok(Device(match name {
            DeviceName::Cpu => {
                options.cpu().check()?;
                Kind::Cpu { cpu: Cpu::new(options.cpu()), tuning: Tuning::default() }
            }
            DeviceName::Cuda(_) if options.precision == Precision::Int8 => {
                return Err(failure(Code::E501, "int8 is computed on the processor alone"));
            }
            DeviceName::Cuda(number) => Kind::Cuda(cuda::open(number, options)?),
        }))
    }

    /// The devices of this machine, the processor first. GPUs that cannot be used, for want of a driver, of NVRTC or of the
    /// feature `cuda`, are left out: [`Device::cuda`] says why.
    pub fn list() -> Vec<DeviceInfo> {
        let processor = DeviceInfo { device: DeviceName::Cpu, name: processor() };
        std::iter::once(processor).chain(cuda::list()).collect()
    }

    /// The threads and the instructions of the processor; `None` of a GPU.
    pub fn processor(&self) -> Option<(usize, InstructionSet)> {
        self.as_cpu().map(|options| (options.thread_count(), options.instructions))
    }

    pub(crate) fn as_cpu(&self) -> Option<&CpuOptions> {
        match &self.0 {
            Kind::Cpu { cpu, .. } => Some(cpu.options()),
            Kind::Cuda(_) => None,
        }
    }

    /// What a GPU is called, and in what it takes products; `None` of the processor.
    pub fn gpu(&self) -> Option<(&str, Precision)> {
        self.as_cuda().map(Cuda::description)
    }

    /// What it can do at most: of the processor as measured now, of a GPU by its data sheet.
    ///
    /// # Errors
    /// E506 when the threads cannot be started.
    pub fn peak(&self) -> Result<Peak> {
        match &self.0 {
            Kind::Cpu { cpu, .. } => {
                let measured = measure(cpu.options())?;
                Ok(Peak {
                    multiply_adds_per_second: measured.multiply_adds_per_second,
                    byte_multiply_adds_per_second: Some(measured.byte_multiply_adds_per_second),
                    bytes_per_second: measured.bytes_per_second,
                    source: format!("measured, {} threads", measured.threads),
                })
            }
            Kind::Cuda(cuda) => Ok(cuda.peak()),
        }
    }

    /// How it computes a step, where there is more than one way.
    pub fn method(&self, step: &Step) -> Option<String> {
        match &self.0 {
            Kind::Cpu { .. } => step.operation.packing().map(|packing| packing.method().to_owned()),
            Kind::Cuda(cuda) => cuda.method_name(step),
        }
    }

    /// The GPU, where it is one.
    pub fn as_cuda(&self) -> Option<&Cuda> {
        match &self.0 {
            Kind::Cpu { .. } => None,
            Kind::Cuda(cuda) => Some(cuda),
        }
    }

    /// What plans for it are made for, what was measured included.
    pub fn target(&self) -> Target {
        match &self.0 {
            Kind::Cpu { cpu, tuning } => {
                let mut target = cpu.target();
                tuning.apply(&mut target);
                target
            }
            Kind::Cuda(cuda) => cuda.target(),
        }
    }

    /// What runs plans: for tests, and for who has the feature `internals`.
    pub fn backend(&self) -> &dyn Backend {
        match &self.0 {
            Kind::Cpu { cpu, .. } => cpu,
            Kind::Cuda(cuda) => cuda,
        }
    }

    /// The same device, for plans that are made so.
    pub(crate) fn planning(&self, options: &PrepareOptions) -> Device {
        match &self.0 {
            Kind::Cpu { cpu, tuning } => {
                let cpu = cpu.planning(options.exact, options.once);
                Device(Kind::Cpu { cpu, tuning: tuning.clone() })
            }
            Kind::Cuda(_) => self.clone(),
        }
    }

    /// The memory that a plan takes, foretold for the processor.
    pub(crate) fn footprint(&self, plan: &Plan) -> Result<Footprint> {
        match &self.0 {
            Kind::Cpu { cpu, .. } => footprint(plan, cpu.options()),
            Kind::Cuda(cuda) => cuda.footprint(plan),
        }
    }

    /// A GPU that is open.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "there is no GPU to call it with"))]
    pub(crate) fn of_cuda(cuda: Cuda) -> Device {
        Device(Kind::Cuda(cuda))
    }

    /// What computes, so that what was measured can be put in.
    pub(crate) fn kind_mut(&mut self) -> (Option<(&Cpu, &mut Tuning)>, Option<&mut Cuda>) {
        match &mut self.0 {
            Kind::Cpu { cpu, tuning } => (Some((cpu, tuning)), None),
            Kind::Cuda(cuda) => (None, Some(cuda)),
        }
    }
}

impl Default for Device {
    fn default() -> Self {
        Device::cpu(0)
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Cpu => f.write_str("cpu"),
            DeviceName::Cuda(0) => f.write_str("cuda"),
            DeviceName::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    /// # Errors
    /// With the names that there are.
    fn from_str(name: &str) -> std::result::Result<DeviceName, String> {
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let device = match (name, name.strip_prefix("cuda:")) {
            ("cpu", _) => Some(DeviceName::Cpu),
            ("cuda", _) => Some(DeviceName::Cuda(0)),
            (_, Some(text)) => number(text).map(DeviceName::Cuda),
            _ => None,
        };
        device.ok_or_else(|| "one of cpu, cuda and cuda:N, the GPU of that number".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Device, DeviceName, DeviceOptions};
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (name, device) in [("cpu", DeviceName::Cpu), ("cuda", DeviceName::Cuda(0)), ("cuda:3", DeviceName::Cuda(3))]
        {
            assert_eq!((name.parse(), device.to_string().as_str()), (Ok(device), name));
        }
        assert_eq!("cuda:0".parse(), Ok(DeviceName::Cuda(0)));
        for name in ["", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "cuda:99999999999999999999", "CPU"] {
            assert!(name.parse::<DeviceName>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_processor_comes_first_and_has_no_thousands_of_threads() {
        assert_eq!(Device::list()[0].device, DeviceName::Cpu);
        let many = Device::open(DeviceName::Cpu, &DeviceOptions::default().threads(5000));
        assert_eq!(many.err().map(|error| error.code()), Some(Code::E506));
    }
}
