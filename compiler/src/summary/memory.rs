//! What a network needs of memory, the same on every machine.

use crate::diagnostic::Diagnostic;
use crate::graph::ShapedGraph;
use crate::plan::{Storage, Target};
use crate::write_kernels::Bindings;

/// The bytes that a network needs to answer once, in float32, as the plain plan lays them out: layers fused, values in the same
/// place one after another. What a machine takes besides, for packed weights and threads, is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Parameters and buffers, once each.
    pub parameter_bytes: u64,
    /// The inputs.
    pub input_bytes: u64,
    /// The values of a run that are needed at the same time, answers among them.
    pub value_bytes: u64,
}

impl Needed {
    /// All of it.
    pub fn bytes(&self) -> u64 {
        self.parameter_bytes.saturating_add(self.input_bytes).saturating_add(self.value_bytes)
    }
}

/// Plans the network for sizes of all its symbols.
///
/// # Errors
/// E402 and E308 when sizes are missing or do not fit.
pub fn needed(shaped: &ShapedGraph, bindings: &Bindings) -> Result<Needed, Box<Diagnostic>> {
    let target = Target { memory_bytes: u64::MAX, ..Target::reference() };
    let (plan, _) = crate::compile(shaped, bindings, &target)?;
    let parameters = shaped.graph.parameters.iter().map(|parameter| parameter.element().tensor_bytes(&parameter.shape));
    let inputs = (0..plan.inputs.len()).filter_map(|input| plan.storage_bytes(Storage::Input(input)));
    Ok(Needed {
        parameter_bytes: parameters.fold(0, u64::saturating_add),
        input_bytes: inputs.fold(0, u64::saturating_add),
        value_bytes: plan.arena_bytes as u64,
    })
}
