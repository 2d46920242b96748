//! Kernel graph to plan.

use super::{Plan, Target};
use crate::kernels::KernelGraph;

/// Plans.
pub fn plan(_graph: &KernelGraph, _target: &Target) -> Result<Plan, String> {
    Err(String::new())
}
