//! The device that a command computes on: opened from its arguments, or the reason why it cannot be had.

use crate::arguments::{DeviceArguments, GpuArguments};
use crate::console::Console;
use cnnc_compiler::diagnostic::Code;
use cnnc_grammar::span::Files;
use cnnc_runtime::{Device, DeviceName, DeviceOptions, Precision, Result};

/// The device that the command line asks for, of so many threads.
///
/// # Errors
/// E501 when there is no such device, E506 when there are too many threads.
pub fn open(arguments: &DeviceArguments, threads: usize, console: &mut Console<'_>) -> Result<Device> {
    open_named(arguments.device, arguments.gpu, threads, console)
}

/// The device that a name and the arguments for a GPU ask for.
///
/// # Errors
/// As [`open`].
pub fn open_named(name: DeviceName, gpu: GpuArguments, threads: usize, console: &mut Console<'_>) -> Result<Device> {
    let GpuArguments { precision, no_libraries } = gpu;
    if name == DeviceName::Cpu {
        if let Some(precision @ (Precision::Tf32 | Precision::Fp16 | Precision::Bf16)) = precision {
            let words =
                format!("the CPU computes in float32 or int8; --precision {} is for --device cuda", precision.name());
            console.remark(Code::E501, &words);
        }
        if no_libraries {
            console.remark(Code::E501, "the CPU uses no libraries; --no-libraries is for --device cuda");
        }
        return Device::open(name, &DeviceOptions::default().threads(threads));
    }
    let mut options = DeviceOptions::default();
    options.precision = precision.unwrap_or_default();
    options.libraries = !no_libraries;
    console.timed("device", || Device::open(name, &options))
}

/// With the choices that were measured on this machine; standard error says which are not used.
pub fn with_kept(mut device: Device, console: &mut Console<'_>) -> Device {
    let ignored = device.use_kept();
    console.tell(&ignored, &Files::default());
    device
}

/// `fp32`, `tf32`, `fp16`, `bf16`
pub fn precision(text: &str) -> std::result::Result<Precision, String> {
    let names = || Precision::ALL.map(Precision::name).join(", ");
    let found = Precision::ALL.into_iter().find(|precision| precision.name() == text);
    found.ok_or_else(|| format!("one of {}", names()))
}
