//! The examination of a GPU: what it says of itself, and every kernel that is generated for it against the reference in float64.

use super::{share, subjects};
use crate::arguments::{Doctor, Report};
use crate::console::{Console, Outcome};
use crate::device;
use crate::numbers::{bytes, counted};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::plan::Plan;
use cnnc_grammar::span::Files;
use cnnc_runtime::cuda::{Cuda, FoundLibrary, ProductMethod, cache_folder};
use cnnc_runtime::doctor::{Examination, Subject};
use cnnc_runtime::{Device, Precision};
use serde_json::{Value, json};

/// A kernel, with its largest error and what it may be.
struct Row {
    subject: &'static Subject,
    /// The library that computed what it could, where that was examined.
    library: Option<&'static str>,
    error: f64,
    allowed: f64,
}

impl Row {
    /// `conv direct`, `conv direct, by cuDNN`
    fn name(&self) -> String {
        let name = self.subject.name;
        self.library.map_or_else(|| name.to_owned(), |library| format!("{name}, by {library}"))
    }

    fn is_right(&self) -> bool {
        self.error <= self.allowed
    }
}

/// Examines the GPU.
pub fn examine(arguments: &Doctor, console: &mut Console<'_>) -> Outcome {
    let device = device::open(&arguments.device, 0, console);
    let device = device.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let Some(cuda) = device.as_cuda() else { return Ok(()) };
    let precision = cuda.options().precision;
    let rows = console.timed("kernels", || {
        subjects(arguments).map(|subject| rows(subject, &device, cuda)).collect::<Result<Vec<Vec<Row>>, _>>()
    });
    let rows: Vec<Row> = rows.map_err(|report| console.show(&report))?.into_iter().flatten().collect();
    let facts = facts(&device, cuda).map_err(|failure| console.fail(&failure, &Files::default()))?;
    match arguments.format {
        Report::Table => console.print(&(head(&facts) + &table(&rows, precision, console)))?,
        Report::Json => console.print_data(|output| output.write_all(json(cuda, &rows).as_bytes()))?,
    }
    match rows.iter().filter(|row| !row.is_right()).map(Row::name).collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        wrong => Err(console.fail(&unfit(wrong), &Files::default())),
    }
}

/// A subject on the GPU: by generated kernels, and by each library that has some of it; none where there is no such kernel.
fn rows(subject: &'static Subject, device: &Device, cuda: &Cuda) -> Result<Vec<Row>, cnnc_runtime::Error> {
    let (examination, allowed) = (Examination::new(subject)?, subject.tolerance_on_gpu(cuda.options().precision));
    let row = |library, error: Option<f64>| error.map(|error| Row { subject, library, error, allowed });
    let mut rows: Vec<Row> = row(None, examination.error(cuda)?).into_iter().collect();
    for (method, name) in ProductMethod::LIBRARIES {
        let has = |plan: &Plan| !cuda.by_library(plan, method).0.is_empty();
        if cuda.options().libraries && examination.any_plan(&device.target(), has)? {
            rows.extend(row(Some(name), examination.error(&cuda.examining(method))?));
        }
    }
    Ok(rows)
}

fn unfit(wrong: &[String]) -> Diagnostic {
    let kernels = counted(wrong.len(), "kernel");
    let message = format!("{kernels} of this GPU err more than they may: {}", wrong.join(", "));
    Diagnostic::without_place(Code::E502, message)
        .note("each was compared with float64 on the CPU; the error is a share of the largest value")
        .help("please report this with the output above; `--device cpu` computes meanwhile")
}

/// A line a fact.
fn facts(opened: &Device, cuda: &Cuda) -> cnnc_runtime::Result<Vec<(&'static str, String)>> {
    let device = cuda.device();
    let properties = &device.properties;
    let rate = |precision| 2e-12 * properties.multiply_adds_per_second(precision);
    let rates = Precision::OF_GPUS.map(|precision| format!("{} {:.0}", precision.name(), rate(precision)));
    let (free, total) = (bytes(device.free_bytes()?), bytes(properties.memory_bytes));
    let (multiprocessors, clock) = (properties.multiprocessors, 1e-9 * properties.clock_hz);
    let cache =
        cache_folder().map_or_else(|| "none: there is no cache directory".into(), |path| path.display().to_string());
    let libraries = device.libraries();
    let library = |found: &Result<FoundLibrary, String>| match found {
        _ if !cuda.options().libraries => "not used: --no-libraries".into(),
        Ok(found) => format!("{} ({})", found.version, found.path.display()),
        Err(reason) => format!("not used: {reason}"),
    };
    let (file, state) = opened.kept();
    let tuning = file.map_or_else(|| state.clone(), |file| format!("{state} ({})", file.display()));
    Ok(vec![
        ("GPU", properties.to_string()),
        ("multiprocessors", format!("{multiprocessors} at {clock:.2} GHz, {} of cache", bytes(properties.cache_bytes))),
        ("multiply-adds", format!("{} TFLOP/s at the most", rates.join(", "))),
        ("memory", format!("{free} free of {total}; {:.0} GB/s at the most", 1e-9 * properties.bytes_per_second())),
        (
            "compiler",
            format!("{}, for sm_{} ({})", device.nvrtc.name(), device.architecture.0, device.nvrtc.path.display()),
        ),
        ("cuBLASLt", library(&libraries.cublaslt)),
        ("cuDNN", library(&libraries.cudnn)),
        ("kernels kept", cache),
        ("tuning", tuning),
    ])
}

fn head(facts: &[(&str, String)]) -> String {
    facts.iter().map(|(name, fact)| format!(" {name:<17}{fact}\n")).collect::<String>() + "\n"
}

/// The kernels: the largest error, what is allowed, and the verdict.
fn table(rows: &[Row], precision: Precision, console: &Console<'_>) -> String {
    let width = rows.iter().map(|row| row.name().chars().count()).max().unwrap_or(0).max(22);
    let head = format!(" {:<width$}{:>10}{:>10}", "error against float64", precision.name(), "allowed");
    let rule = console.faint(&"─".repeat(head.chars().count() + 10));
    let mut text = format!("{}\n{rule}\n", console.bold(&head));
    for row in rows {
        let verdict = if row.is_right() { "right".into() } else { console.bold("WRONG") };
        let (error, allowed) = (share(row.error), console.faint(&format!("{:>10}", share(row.allowed))));
        text += &format!(" {:<width$}{error:>10}{allowed}  {verdict}\n", row.name());
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
            "library": row.library,
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
            "cublaslt": device.libraries().cublaslt.as_ref().ok().map(|found| found.version.clone()),
            "cudnn": device.libraries().cudnn.as_ref().ok().map(|found| found.version.clone()),
        },
        "precision": precision.name(),
        "kernels": rows.iter().map(kernel).collect::<Vec<Value>>(),
        "right": rows.iter().all(Row::is_right),
    });
    format!("{report:#}\n")
}
