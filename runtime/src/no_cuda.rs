//! What stands in the place of `cuda/` in a build without the feature `cuda`: no device, and an error that says so.

use crate::failure::failure;
use crate::{Backend, DeviceInfo, Result};
use cnnc_compiler::diagnostic::Code;

/// The GPUs that can be used: none.
pub fn list() -> Vec<DeviceInfo> {
    Vec::new()
}

/// The GPU of that number.
///
/// # Errors
/// E501, always.
pub fn open(number: usize) -> Result<Box<dyn Backend>> {
    let message = format!("`--device cuda:{number}` cannot be had: this build of cnnc-runtime has no CUDA");
    Err(failure(Code::E501, message).help("build cnnc-runtime with its feature `cuda`"))
}

#[cfg(test)]
mod tests {
    use crate::cpu::CpuOptions;
    use crate::{Device, ErrorKind};
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn a_gpu_is_a_device_that_is_not_there_and_says_which_feature_is_left_out() {
        let device: Device = "cuda:0".parse().unwrap();
        let missing = device.open(CpuOptions::default()).err().unwrap();
        assert_eq!((missing.code(), missing.kind()), (Code::E501, ErrorKind::Device));
        assert_eq!(missing.message, "`--device cuda:0` cannot be had: this build of cnnc-runtime has no CUDA");
        assert_eq!(missing.help, ["build cnnc-runtime with its feature `cuda`"]);
        assert_eq!(Device::list().iter().map(|info| info.device).collect::<Vec<_>>(), [Device::Cpu]);
    }
}
