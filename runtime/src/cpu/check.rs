//! Whether a plan is one, and the memory that it takes is there: asked when it is prepared.

use crate::failure::{Result, failure, fault};
use crate::host::available_memory_bytes;
use crate::parameters::megabytes;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{self, Plan};

/// Whether a plan keeps the rules that kernels rely on, which read and write through bare pointers.
///
/// # Errors
/// E499, naming the step.
pub fn check(plan: &Plan) -> Result<()> {
    plan::verify(plan).map_err(fault)
}

/// Whether the memory that an engine makes for a plan is there, with so many bytes of what it prepares for runs and workspaces of
/// so many elements.
///
/// # Errors
/// E401 when it is not.
pub fn memory(plan: &Plan, prepared_bytes: u64, workspace_elements: usize) -> Result<()> {
    let outputs = plan.outputs.iter().map(|port| port.view.size_bytes());
    let workspace_bytes = (workspace_elements as u64).saturating_mul(4);
    // Runs get their arena when the scratch of `prepare` was given back.
    let kept = [plan.scratch_bytes.max(plan.arena_bytes) as u64, prepared_bytes, workspace_bytes];
    let (bytes, free) = (outputs.chain(kept).fold(0, u64::saturating_add), available_memory_bytes());
    if bytes <= free {
        return Ok(());
    }
    let message = format!("the model takes {} to run on the CPU, and {} are free", megabytes(bytes), megabytes(free));
    let mut refused = failure(Code::E401, message);
    if workspace_bytes > bytes / 2 {
        let workspace = megabytes(workspace_bytes);
        refused
            .notes
            .push(format!("{workspace} of them are what threads work in, which grows with them and with windows"));
    }
    Err(refused)
}
