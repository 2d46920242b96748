//! Where the time of an inference goes: for every step the kernel, its time, its rate, and what holds it back.
//!
//! A step's floor is the larger of the arithmetic of its method at the peak and of its bytes, each read and written once, at the
//! rate of the memory: of a processor as measured, of a GPU by its data sheet. Its rate counts the multiply-adds of the
//! definition, of which Winograd's method needs a part only, so that rates of methods can be compared. A step whose values all
//! stay in the cache can pass the memory's rate.

use super::milliseconds;
use super::workload::Timed;
use cnnc_compiler::plan::{Operation, Plan, Step, Work, work};
use cnnc_runtime::{Device, Peak, Result};
use serde_json::{Value, json};
use std::fmt::Write;

/// Runs that are timed step by step.
const RUNS: usize = 21;

/// The times of a plan's steps, how each was computed, and the machine that took them.
pub struct Profile {
    peak: Peak,
    seconds: Vec<f64>,
    /// Where there is more than one way, its name.
    methods: Vec<Option<String>>,
}

/// A step's time against its floors.
struct Row<'p> {
    step: &'p Step,
    method: Option<&'p str>,
    seconds: f64,
    work: Work,
    /// Seconds that its arithmetic, and its bytes, would take.
    floors: [f64; 2],
}

impl Row<'_> {
    fn bound(&self) -> &'static str {
        if self.floors[0] >= self.floors[1] { "compute" } else { "memory" }
    }

    fn share(&self) -> f64 {
        self.floors[0].max(self.floors[1]) / self.seconds.max(1e-12)
    }

    fn gigaflops(&self) -> f64 {
        2e-9 * self.work.multiply_adds as f64 / self.seconds.max(1e-12)
    }

    /// `conv winograd_4x4`, `gemm cublaslt`
    fn kernel(&self) -> String {
        match self.method {
            Some(method) => format!("{} {method}", self.step.operation.name()),
            None => match &self.step.operation {
                Operation::Map(expression) if expression.operations() == 0 => "copy".into(),
                kernel => kernel.name().into(),
            },
        }
    }
}

/// Times every step of the plan, and the machine.
pub fn profile(timed: &mut Timed, plan: &Plan, device: &Device) -> Result<Profile> {
    let seconds = timed.profile(RUNS)?;
    let methods = plan.run.iter().map(|step| device.method(step)).collect();
    Ok(Profile { peak: device.peak()?, seconds, methods })
}

/// The multiply-adds in a second that a step could do at most: of bytes, or of floats.
fn rate(step: &Step, peak: &Peak) -> f64 {
    let of_bytes = step.operation.packing().is_some_and(|packing| packing.of_bytes());
    peak.byte_multiply_adds_per_second.filter(|_| of_bytes).unwrap_or(peak.multiply_adds_per_second)
}

fn rows<'p>(plan: &'p Plan, profile: &'p Profile) -> impl Iterator<Item = Row<'p>> {
    plan.run.iter().zip(&profile.seconds).zip(&profile.methods).map(|((step, &seconds), method)| {
        let work = work(step);
        let floors =
            [work.arithmetic as f64 / rate(step, &profile.peak), work.bytes as f64 / profile.peak.bytes_per_second];
        Row { step, method: method.as_deref(), seconds, work, floors }
    })
}

/// The rows as a table, with the machine below it.
pub fn table(plan: &Plan, profile: &Profile) -> String {
    let mut text =
        format!("{:>9} {:>6} {:>9} {:>7}  {:<8} {:<20} layers\n", "ms", "%", "GFLOP/s", "share", "bound by", "kernel");
    let total: f64 = profile.seconds.iter().sum();
    let mut floor = 0.0;
    for row in rows(plan, profile) {
        floor += row.floors[0].max(row.floors[1]);
        let rate = if row.work.multiply_adds > 0 { format!("{:.0}", row.gigaflops()) } else { String::new() };
        let layers = row.step.origins.iter().map(|origin| origin.as_ref()).collect::<Vec<_>>().join(" + ");
        let _ = writeln!(
            text,
            "{:>9} {:>6.1} {rate:>9} {:>6.0}%  {:<8} {:<20} {layers}",
            milliseconds(row.seconds * 1e3),
            100.0 * row.seconds / total.max(1e-12),
            100.0 * row.share(),
            row.bound(),
            row.kernel(),
        );
    }
    let peak = &profile.peak;
    let has_bytes = plan.run.iter().any(|step| rate(step, peak) != peak.multiply_adds_per_second);
    let of_bytes = match peak.byte_multiply_adds_per_second.filter(|_| has_bytes) {
        Some(rate) => format!(", {:.0} of those of bytes,", 2e-9 * rate),
        None => String::new(),
    };
    let _ = writeln!(
        text,
        "\nall steps {} ms, their floors {} ms ({:.0}%): {:.0} GFLOP/s of multiply-adds{} and {:.1} GB/s from memory, {}",
        milliseconds(total * 1e3),
        milliseconds(floor * 1e3),
        100.0 * floor / total.max(1e-12),
        2e-9 * peak.multiply_adds_per_second,
        of_bytes,
        1e-9 * peak.bytes_per_second,
        peak.source
    );
    text
}

/// The rows for programs.
pub fn json(plan: &Plan, profile: &Profile) -> Value {
    let row = |row: Row<'_>| {
        json!({
            "layers": row.step.origins.iter().map(|origin| origin.as_ref()).collect::<Vec<_>>(),
            "kernel": row.step.operation.name(),
            "method": row.method,
            "ms": row.seconds * 1e3,
            "multiply_adds": row.work.multiply_adds,
            "arithmetic": row.work.arithmetic,
            "bytes": row.work.bytes,
            "gflops": row.gigaflops(),
            "share_of_floor": row.share(),
            "bound_by": row.bound(),
        })
    };
    rows(plan, profile).map(row).collect()
}
