//! What stands in the place of `cuda/` in a build without the feature `cuda`: no device, and an error that says so.

use crate::cpu::Footprint;
use crate::failure::failure;
use crate::tuning::{Tuned, Tuning, Workload};
use crate::{
    Backend, Cancel, DeviceInfo, DeviceOptions, Parameters, Peak, Precision, Result, Store, TrainingExecutable,
};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
pub use cnnc_compiler::plan::Method as ProductMethod;
use cnnc_compiler::plan::{Plan, Step, Target};
use std::sync::Arc;

/// A GPU that is not there: there is no value of it.
#[derive(Clone)]
pub enum Cuda {}

/// The GPUs that can be used: none.
pub fn list() -> Vec<DeviceInfo> {
    Vec::new()
}

/// The GPU of that number.
///
/// # Errors
/// E501, always.
pub fn open(number: usize, _options: &DeviceOptions) -> Result<Cuda> {
    let message = format!("`--device cuda:{number}` cannot be had: this build of cnnc-runtime has no CUDA");
    Err(failure(Code::E501, message).help("build cnnc-runtime with its feature `cuda`"))
}

impl Cuda {
    pub fn footprint(&self, _plan: &Plan) -> Result<Footprint> {
        match *self {}
    }

    pub fn description(&self) -> (&str, Precision) {
        match *self {}
    }

    pub fn peak(&self) -> Peak {
        match *self {}
    }

    pub fn method_name(&self, _step: &Step) -> Option<String> {
        match *self {}
    }

    pub fn missing_libraries(&self) -> Vec<String> {
        match *self {}
    }

    pub fn words(&self) -> String {
        match *self {}
    }

    pub fn use_kept(&mut self, _kept: (Tuning<ProductMethod>, Option<Diagnostic>)) -> Vec<Diagnostic> {
        match *self {}
    }

    pub fn tune_workload(&mut self, _workload: &Workload<'_>, _cancel: &Cancel) -> Result<Vec<Tuned>> {
        match *self {}
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        match *self {}
    }

    fn arithmetic(&self) -> String {
        match *self {}
    }

    fn target(&self) -> Target {
        match *self {}
    }

    fn store(&self, _parameters: &Parameters) -> Result<Arc<dyn Store>> {
        match *self {}
    }

    fn trainer(&self, _plan: Arc<Plan>, _parameters: &Parameters) -> Result<Box<dyn TrainingExecutable>> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, DeviceName, ErrorKind};
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn a_gpu_is_a_device_that_is_not_there_and_says_which_feature_is_left_out() {
        let missing = Device::cuda(0).err().unwrap();
        assert_eq!((missing.code(), missing.kind()), (Code::E501, ErrorKind::Device));
        assert_eq!(missing.message, "`--device cuda:0` cannot be had: this build of cnnc-runtime has no CUDA");
        assert_eq!(missing.help, ["build cnnc-runtime with its feature `cuda`"]);
        assert_eq!(Device::list().iter().map(|info| info.device).collect::<Vec<_>>(), [DeviceName::Cpu]);
    }
}
