//! How much of a device's memory a program takes, and what is said when it has less.
//!
//! A plan and its program come in, bytes go out. What grows with the batch and what does not are told apart, so that
//! the largest batch that fits can be named by proportion.

use super::program::Program;
use crate::Error;
use crate::failure::failure;
use crate::parameters::megabytes;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, PlanPort};

/// Bytes of a device's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GpuFootprint {
    /// Parameters, the optimiser's state among them.
    pub parameters: u64,
    /// What is made of the parameters once.
    pub prepared: u64,
    /// What is needed while that is made.
    pub scratch: u64,
    /// The values of a run.
    pub arena: u64,
    /// Partial sums within a step.
    pub workspace: u64,
    /// Inputs, twice: those of a run, and those of the next one on their way.
    pub inputs: u64,
}

impl GpuFootprint {
    /// Of a program.
    pub fn of(plan: &Plan, program: &Program) -> GpuFootprint {
        let ports = |ports: &[PlanPort]| ports.iter().map(|port| port.view.size_bytes()).fold(0, u64::saturating_add);
        GpuFootprint {
            parameters: plan.parameter_bytes(),
            prepared: plan.prepared_bytes(),
            scratch: plan.scratch_bytes as u64,
            arena: plan.arena_bytes as u64,
            workspace: 4 * program.workspace_elements as u64,
            inputs: 2 * ports(&plan.inputs),
        }
    }

    /// The same, for who has all on the device already but so many bytes of parameters, and of what is made of them once.
    pub fn where_missing(self, parameters: u64, prepared: u64) -> GpuFootprint {
        GpuFootprint { parameters, prepared, ..self }
    }

    /// The most at any time.
    pub fn total(&self) -> u64 {
        self.constant().max(self.parameters + self.prepared + self.scratch).saturating_add(self.of_batch())
    }

    fn constant(&self) -> u64 {
        self.parameters.saturating_add(self.prepared)
    }

    /// What grows with the batch.
    fn of_batch(&self) -> u64 {
        self.arena.saturating_add(self.workspace).saturating_add(self.inputs)
    }

    /// The largest batch that fits into so many bytes, by proportion; `None` when not even one sample does.
    pub fn largest_batch(&self, batch: usize, free: u64) -> Option<usize> {
        let rest = u128::from(free.checked_sub(self.constant().max(self.parameters + self.prepared + self.scratch))?);
        let fits = rest * batch as u128 / u128::from(self.of_batch().max(1));
        usize::try_from(fits).ok().filter(|&samples| samples > 0)
    }

    /// Whether it fits into so many free bytes.
    ///
    /// # Errors
    /// E504 when it does not.
    pub fn check(&self, batch: Option<usize>, free: u64) -> Result<(), Error> {
        if self.total() <= free { Ok(()) } else { Err(self.refusal(batch, free)) }
    }

    /// What was asked for, what is free, and what would fit.
    pub fn refusal(&self, batch: Option<usize>, free: u64) -> Error {
        let message = format!(
            "the network needs {} of the GPU's memory, and {} are free",
            megabytes(self.total()),
            megabytes(free)
        );
        let mut refused = failure(Code::E504, message);
        let parts = [
            ("parameters", self.parameters),
            ("what is made of them once", self.prepared),
            ("the values of a run", self.arena),
            ("partial sums within a step", self.workspace),
            ("inputs, and those of the next run", self.inputs),
        ];
        refused.notes.extend(parts.map(|(what, bytes)| format!("{what}: {}", megabytes(bytes))));
        match batch.and_then(|batch| Some((batch, self.largest_batch(batch, free)?))) {
            Some((batch, largest)) if largest < batch => {
                refused.help.push(format!("of a batch of {batch}, {largest} would fit, as far as proportion tells"));
            }
            Some(_) => refused.help.push("another program may have taken memory meanwhile".into()),
            None => refused.help.push("smaller pictures need less".into()),
        }
        refused
    }
}

/// The samples of a plan's batch: the first size of its first input.
pub fn batch_of(plan: &Plan) -> Option<usize> {
    plan.inputs.first().and_then(|port| port.view.shape.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::GpuFootprint;
    use cnnc_compiler::diagnostic::Code;

    #[test]
    fn the_largest_batch_is_found_by_proportion() {
        let footprint =
            GpuFootprint { parameters: 100, prepared: 50, scratch: 30, arena: 1000, workspace: 200, inputs: 80 };
        assert_eq!(footprint.total(), 180 + 1280);
        assert_eq!(footprint.largest_batch(128, 180 + 1280), Some(128));
        assert_eq!(footprint.largest_batch(128, 180 + 640), Some(64));
        assert_eq!(footprint.largest_batch(128, 180 + 9), None);
        assert_eq!(footprint.largest_batch(128, 179), None);
        assert!(footprint.check(Some(128), 1460).is_ok());
    }

    #[test]
    fn a_refusal_says_what_was_asked_what_is_free_and_what_would_fit() {
        let footprint =
            GpuFootprint { parameters: 500 << 20, arena: 8 << 30, inputs: 1 << 30, ..GpuFootprint::default() };
        let refused = footprint.check(Some(256), 4 << 30).unwrap_err();
        assert_eq!(refused.code, Code::E504);
        assert_eq!(refused.message, "the network needs 10 GB of the GPU's memory, and 4294 MB are free");
        assert_eq!(refused.help, ["of a batch of 256, 99 would fit, as far as proportion tells"]);
        let huge = GpuFootprint { parameters: u64::MAX / 2, arena: u64::MAX / 2, inputs: u64::MAX / 2, ..footprint };
        assert!(huge.check(None, 4 << 30).is_err());
    }
}
