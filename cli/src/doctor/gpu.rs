//! The examination of a GPU: what it says of itself, and every kernel that is generated for it against the reference in float64.

use super::share;
use crate::arguments::{Doctor, Report};
use crate::console::{Console, Outcome};
use crate::device::Opened;
use crate::numbers::{bytes, counted};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::cuda::program::Precision;
use cnnc_runtime::cuda::{Cuda, cache_folder};
use cnnc_runtime::doctor::{Examination, GRID, Subject};
use serde_json::{Value, json};

/// A kernel, with its largest error and what it may be.
struct Row {
    subject: &'static Subject,
    error: f64,
    allowed: f64,
}

impl Row {
    fn is_right(&self) -> bool {
        self.error <= self.allowed
    }
}

/// Examines the GPU.
pub fn examine(arguments: &Doctor, console: &mut Console<'_>) -> Outcome {
    let opened = Opened::new(&arguments.device, CpuOptions::default(), console);
    let opened = opened.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let Opened::Cuda(cuda) = opened else { return Ok(()) };
    let precision = cuda.options().precision;
    let rows = console.timed("kernels", || {
        GRID.iter().filter_map(|subject| row(subject, &cuda, precision).transpose()).collect::<Result<Vec<Row>, _>>()
    });
    let rows = rows.map_err(|report| console.show(&report))?;
    let facts = facts(&cuda).map_err(|failure| console.fail(&failure, &Files::default()))?;
    let text = match arguments.format {
        Report::Table => head(&facts) + &table(&rows, precision, console),
        Report::Json => json(&cuda, &rows),
    };
    console.print(&text)?;
    match rows.iter().filter(|row| !row.is_right()).map(|row| row.subject.name).collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        wrong => Err(console.fail(&unfit(wrong), &Files::default())),
    }
}

/// A subject on the GPU; `None` where it has no such kernel.
fn row(subject: &'static Subject, cuda: &Cuda, precision: Precision) -> Result<Option<Row>, cnnc_runtime::Report> {
    let error = Examination::new(subject)?.error(cuda)?;
    Ok(error.map(|error| Row { subject, error, allowed: subject.tolerance_on_gpu(precision) }))
}

fn unfit(wrong: &[&str]) -> Diagnostic {
    let kernels = counted(wrong.len(), "kernel");
    let message = format!("{kernels} of this GPU err more than they may: {}", wrong.join(", "));
    Diagnostic::without_place(Code::E502, message)
        .note("each was compared with float64 on the CPU; the error is a share of the largest value")
        .help("please report this with the output above; `--device cpu` computes meanwhile")
}

/// A line a fact.
fn facts(cuda: &Cuda) -> cnnc_runtime::Result<Vec<(&'static str, String)>> {
    let device = cuda.device();
    let properties = &device.properties;
    let rate = |precision| 2e-12 * properties.multiply_adds_per_second(precision);
    let rates = Precision::ALL.map(|precision| format!("{} {:.0}", precision.name(), rate(precision)));
    let (free, total) = (bytes(device.free_bytes()?), bytes(properties.memory_bytes));
    let (multiprocessors, clock) = (properties.multiprocessors, 1e-9 * properties.clock_hz);
    let cache =
        cache_folder().map_or_else(|| "none: there is no cache directory".into(), |path| path.display().to_string());
    Ok(vec![
        ("GPU", properties.to_string()),
        ("multiprocessors", format!("{multiprocessors} at {clock:.2} GHz, {} of cache", bytes(properties.cache_bytes))),
        ("multiply-adds", format!("{} TFLOP/s at the most", rates.join(", "))),
        ("memory", format!("{free} free of {total}; {:.0} GB/s at the most", 1e-9 * properties.bytes_per_second())),
        (
            "compiler",
            format!("{}, for sm_{} ({})", device.nvrtc.name(), device.architecture.0, device.nvrtc.path.display()),
        ),
        ("kernels kept", cache),
    ])
}

fn head(facts: &[(&str, String)]) -> String {
    facts.iter().map(|(name, fact)| format!(" {name:<17}{fact}\n")).collect::<String>() + "\n"
}

/// The kernels: the largest error, what is allowed, and the verdict.
fn table(rows: &[Row], precision: Precision, console: &Console<'_>) -> String {
    let width = rows.iter().map(|row| row.subject.name.chars().count()).max().unwrap_or(0).max(22);
    let head = format!(" {:<width$}{:>10}{:>10}", "error against float64", precision.name(), "allowed");
    let rule = console.faint(&"─".repeat(head.chars().count() + 10));
    let mut text = format!("{}\n{rule}\n", console.bold(&head));
    for row in rows {
        let verdict = if row.is_right() { "right".into() } else { console.bold("WRONG") };
        let (error, allowed) = (share(row.error), console.faint(&format!("{:>10}", share(row.allowed))));
        text += &format!(" {:<width$}{error:>10}{allowed}  {verdict}\n", row.subject.name);
    }
    let checks: usize = rows.iter().map(|row| row.subject.cases.len()).sum();
    let wrong = rows.iter().filter(|row| !row.is_right()).count();
    let verdict = if wrong == 0 { "all kernels are right".into() } else { format!("{wrong} kernels are wrong") };
    text + &format!("{rule}\n {verdict}: {} of {}\n", counted(checks, "check"), counted(rows.len(), "kernel"))
}

/// The same for programs.
fn json(cuda: &Cuda, rows: &[Row]) -> String {
    let (device, precision) = (cuda.device(), cuda.options().precision);
    let properties = &device.properties;
    let kernel = |row: &Row| {
        json!({
            "kernel": row.subject.name,
            "error": row.error,
            "tolerance": row.allowed,
            "reason": row.subject.reason,
            "cases": row.subject.cases.len(),
            "right": row.is_right(),
        })
    };
    let report = json!({
        "machine": {
            "gpu": properties.name,
            "compute_capability": format!("{}.{}", properties.capability.0, properties.capability.1),
            "cuda_of_driver": format!("{}.{}", properties.driver.0, properties.driver.1),
            "multiprocessors": properties.multiprocessors,
            "memory_bytes": properties.memory_bytes,
            "bytes_per_second": properties.bytes_per_second(),
            "multiply_adds_per_second": properties.multiply_adds_per_second(precision),
            "nvrtc": device.nvrtc.path.display().to_string(),
        },
        "precision": precision.name(),
        "kernels": rows.iter().map(kernel).collect::<Vec<Value>>(),
        "right": rows.iter().all(Row::is_right),
    });
    format!("{report:#}\n")
}
