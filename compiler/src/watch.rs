//! The time of every stage, told as it ends to whoever wants to know.

use std::time::{Duration, Instant};

/// Who is told.
pub trait Watch {
    /// A stage ended that took so long.
    fn stage(&mut self, name: &'static str, time: Duration);
}

/// Nobody.
impl Watch for () {
    fn stage(&mut self, _: &'static str, _: Duration) {}
}

/// Does a stage's work and tells how long it took.
pub fn timed<T>(watch: &mut dyn Watch, stage: &'static str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    watch.stage(stage, start.elapsed());
    result
}
