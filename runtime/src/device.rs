//! The devices that networks run on, by the names that commands, recipes and programs give them.

use crate::cpu::{Cpu, CpuOptions};
use crate::failure::Result;
use crate::host::processor;
use crate::{Backend, cuda};
use std::fmt;
use std::str::FromStr;

/// A device of this machine: `cpu`, `cuda`, `cuda:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
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
    pub device: Device,
    /// What it says of itself.
    pub name: String,
}

impl Device {
    /// The devices of this machine, the processor first. GPUs that cannot be used, for want of a driver, of NVRTC or of the
    /// feature `cuda`, are left out: [`Device::open`] says why.
    pub fn list() -> Vec<DeviceInfo> {
        let processor = DeviceInfo { device: Device::Cpu, name: processor() };
        std::iter::once(processor).chain(cuda::list()).collect()
    }
}

impl Device {
    /// The device, ready to compute: a processor with these options, a GPU in exact float32.
    ///
    /// # Errors
    /// E501 when there is no such device, or it is a GPU and the feature `cuda` is left out.
    pub fn open(self, options: CpuOptions) -> Result<Box<dyn Backend>> {
        Ok(match self {
            Device::Cpu => Box::new(Cpu(options)),
            Device::Cuda(number) => cuda::open(number)?,
        })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(0) => f.write_str("cuda"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    /// # Errors
    /// With the names that there are.
    fn from_str(name: &str) -> std::result::Result<Device, String> {
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let device = match (name, name.strip_prefix("cuda:")) {
            ("cpu", _) => Some(Device::Cpu),
            ("cuda", _) => Some(Device::Cuda(0)),
            (_, Some(text)) => number(text).map(Device::Cuda),
            _ => None,
        };
        device.ok_or_else(|| "one of cpu, cuda and cuda:N, the GPU of that number".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (name, device) in [("cpu", Device::Cpu), ("cuda", Device::Cuda(0)), ("cuda:3", Device::Cuda(3))] {
            assert_eq!((name.parse(), device.to_string().as_str()), (Ok(device), name));
        }
        assert_eq!("cuda:0".parse(), Ok(Device::Cuda(0)));
        for name in ["", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "cuda:99999999999999999999", "CPU"] {
            assert!(name.parse::<Device>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_processor_comes_first() {
        assert_eq!(Device::list()[0].device, Device::Cpu);
    }
}
