//! The device that a command computes on: opened from its arguments, or the reason why it cannot be had.

use crate::arguments::{DeviceArguments, GpuArguments};
use crate::console::Console;
use crate::tuning::Place;
use cnnc_compiler::diagnostic::Code;
use cnnc_runtime::cpu::{Cpu, CpuOptions};
use cnnc_runtime::cuda::program::{Options, Precision};
use cnnc_runtime::cuda::{Cuda, Properties};
use cnnc_runtime::{Backend, Device, Result};

/// A device that was opened.
pub enum Opened {
    /// This machine's processor.
    Cpu(Cpu),
    /// An NVIDIA GPU.
    Cuda(Cuda),
}

impl Opened {
    /// As the command line asks.
    ///
    /// # Errors
    /// E501 when there is no such device.
    pub fn new(arguments: &DeviceArguments, options: CpuOptions, console: &mut Console<'_>) -> Result<Opened> {
        Opened::of(arguments.device, arguments.gpu, options, console)
    }

    /// As a device and the arguments for a GPU ask.
    ///
    /// # Errors
    /// E501 when there is no such device.
    pub fn of(device: Device, gpu: GpuArguments, options: CpuOptions, console: &mut Console<'_>) -> Result<Opened> {
        let GpuArguments { precision, no_libraries } = gpu;
        match device {
            Device::Cuda(number) => {
                let precision = precision.unwrap_or_default();
                let options = Options { precision, libraries: !no_libraries, ..Options::default() };
                Ok(Opened::Cuda(console.timed("device", || Cuda::open(number, options))?))
            }
            Device::Cpu => {
                if precision.is_some_and(|precision| precision != Precision::Exact) {
                    console.remark(Code::E501, "the CPU computes in float32; --precision is for --device cuda");
                }
                if no_libraries {
                    console.remark(Code::E501, "the CPU uses no libraries; --no-libraries is for --device cuda");
                }
                Ok(Opened::Cpu(Cpu(options)))
            }
        }
    }

    /// With the ways that were measured on this machine's GPU, where it computes.
    pub fn tuned(mut self, console: &mut Console<'_>) -> Opened {
        if let Opened::Cuda(cuda) = &mut self {
            let kept = Place::gpu(cuda).kept(console);
            for missing in cuda.tuned(kept) {
                let message = format!(
                    "{missing} was measured on this machine and is not found any more: generated kernels take its place"
                );
                console.remark(Code::E501, message);
            }
        }
        self
    }

    /// What computes.
    pub fn backend(&self) -> &dyn Backend {
        match self {
            Opened::Cpu(cpu) => cpu,
            Opened::Cuda(cuda) => cuda,
        }
    }

    /// What the GPU says of itself, and the precision of its products; `None` of the CPU.
    pub fn gpu(&self) -> Option<(&Properties, Precision)> {
        match self {
            Opened::Cpu(_) => None,
            Opened::Cuda(cuda) => Some((&cuda.device().properties, cuda.options().precision)),
        }
    }
}

/// `fp32`, `tf32`, `fp16`, `bf16`
pub fn precision(text: &str) -> std::result::Result<Precision, String> {
    let names = || Precision::ALL.map(Precision::name).join(", ");
    let found = Precision::ALL.into_iter().find(|precision| precision.name() == text);
    found.ok_or_else(|| format!("one of {}", names()))
}
