//! `cnnc bench FILE`: how long one inference takes, or with `--train` one training step, and with `--profile` where the time
//! goes.
//!
//! Parameters and inputs are drawn from the seed. The engine runs until it is warm, then for some seconds; the median counts,
//! since other programs on the machine make some runs longer and none shorter.

mod profile;
mod workload;

use crate::arguments::{Bench, Report};
use crate::console::{Console, Outcome};
use crate::{device, model, tuning};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::Plan;
use cnnc_grammar::span::Files;
use cnnc_runtime::tuning::Workload;
use cnnc_runtime::{Calibration, Cancel, Clipping, Device, Error, Model, Precision, Tensor};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use workload::Timed;

/// Runs before anything is measured: enough to have every page, every cache and the processor's clock where they stay.
const WARM: Duration = Duration::from_millis(200);
/// Runs that are measured at the least.
const LEAST_RUNS: usize = 5;

/// What was measured.
struct Measured {
    model: String,
    batch: Option<usize>,
    /// Whether a run is a training step.
    train: bool,
    on: On,
    /// Milliseconds of every run, sorted.
    runs: Vec<f64>,
    /// The same from inputs in the host's memory to answers there; empty on the CPU, where it is the same.
    whole: Vec<f64>,
}

/// What computed.
enum On {
    /// So many threads, these instructions, and whether without Winograd's method.
    Cpu(usize, &'static str, bool),
    /// A GPU's name, and the precision of its products.
    Gpu(String, &'static str),
}

impl On {
    fn of(device: &Device, exact: bool) -> On {
        match (device.gpu(), device.processor()) {
            (Some((name, precision)), _) => On::Gpu(name.to_owned(), precision.name()),
            (None, Some((threads, instructions))) => On::Cpu(threads, instructions.name(), exact),
            (None, None) => On::Cpu(0, "", exact),
        }
    }

    /// `2 threads, avx512`
    fn words(&self) -> String {
        match self {
            On::Cpu(threads, instructions, _) => format!("{threads} threads, {instructions}"),
            On::Gpu(name, precision) => format!("{name}, {precision}"),
        }
    }
}

/// Times a model.
pub fn bench(arguments: &Bench, console: &mut Console<'_>) -> Outcome {
    let device = device::open(&arguments.device, arguments.threads, console);
    let device = device.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let mut device = device::with_kept(device, console);
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let inputs = drawn_inputs(arguments, &model, console)?;
    let mut weights = model.init(arguments.seed).map_err(|failure| console.fail(&failure, model.files()))?;
    if arguments.device.gpu.precision == Some(Precision::Int8) {
        let samples = [inputs.clone()];
        let calibrated = Calibration::new(&model, &weights, &device, &samples).map_err(|error| console.show(&error))?;
        weights = weights.with_quantisations(calibrated.quantisations(Clipping::MinMax));
        console.remark(Code::E501, "calibrated on the drawn input: speed is measured, and no accuracy");
    }
    let classes = match arguments.train {
        true => Some(workload::first_classes(&model, &inputs).map_err(|report| console.show(&report))?),
        false => None,
    };
    let tuned = match arguments.tune {
        true => {
            let workload = workload::workload(&model, &weights, &inputs, classes.as_deref());
            Some(tune(&mut device, &workload, console)?)
        }
        false => None,
    };
    let batch = inputs.first().and_then(|input| input.shape().first()).copied();
    let exact = arguments.exact;
    let timed = console.timed("prepare", || Timed::new(&model, &weights, &device, inputs, classes, exact));
    drop(weights);
    let fail = |failure: Error, console: &mut Console<'_>| console.fail(&failure, model.files());
    let mut timed = timed.map_err(|report| console.show(&report))?;
    let plan = timed.plan().map_err(|failure| fail(failure, console))?;
    if let Some(hindrance) = timed.hindrance() {
        console.remark(Code::E505, hindrance);
    }
    let time = Duration::from_secs_f64(arguments.seconds);
    let runs = durations(&mut || timed.run(), time).map_err(|failure| fail(failure, console))?;
    let whole = match device.gpu() {
        Some(_) => durations(&mut || timed.whole(), time / 2).map_err(|failure| fail(failure, console))?,
        None => Vec::new(),
    };
    let (name, train) = (model.name().to_owned(), arguments.train);
    let measured = Measured { model: name, batch, train, on: On::of(&device, exact), runs, whole };
    let steps = match arguments.profile {
        true => Some(profile::profile(&mut timed, &plan, &device).map_err(|failure| fail(failure, console))?),
        false => None,
    };
    match arguments.format {
        Report::Table => {
            let tuned = tuned.map(|tuned| tuned.table).unwrap_or_default();
            console.print(&(tuned + &table(&measured, &plan, steps.as_ref())))
        }
        Report::Json => {
            let text = json(&measured, &plan, steps.as_ref(), tuned.map(|tuned| tuned.json));
            console.print_data(|output| output.write_all(text.as_bytes()))
        }
    }
}

/// Inputs of the batch that is asked for, drawn from the seed.
fn drawn_inputs(arguments: &Bench, model: &Model, console: &mut Console<'_>) -> Outcome<Vec<Tensor>> {
    let mut reader = model.reader();
    if let Some(batch) = arguments.batch {
        reader = reader.batch(batch as usize).map_err(|report| console.show(&report))?;
    }
    let drawn = (0..model.inputs().len()).map(|number| Ok(reader.drawn(number, arguments.seed)?.tensor));
    let inputs: cnnc_runtime::Result<Vec<Tensor>> = drawn.collect();
    inputs.map_err(|failure| console.fail(&failure, &Files::default()))
}

/// Measures what can be computed in several ways, and keeps the best.
fn tune(device: &mut Device, workload: &Workload<'_>, console: &mut Console<'_>) -> Outcome<Shown> {
    device.not_measured().iter().for_each(|reason| console.remark(Code::E501, format!("not measured: {reason}")));
    let tuned = console.timed("tune", || device.tune(workload, &Cancel::default()));
    let tuned = tuned.map_err(|report| console.show(&report))?;
    let file = device.keep(&tuned).map_err(|failure| console.fail(&failure, &Files::default()))?;
    let file = file.map(|path| path.display().to_string());
    Ok(Shown { table: tuning::table(&tuned, file.as_deref(), console), json: tuning::json(&tuned) })
}

/// What was measured to choose among ways, as it is shown.
struct Shown {
    table: String,
    json: Value,
}

/// Milliseconds of every run, sorted.
fn durations(one: &mut dyn FnMut() -> cnnc_runtime::Result<()>, time: Duration) -> cnnc_runtime::Result<Vec<f64>> {
    let start = Instant::now();
    while start.elapsed() < WARM {
        one()?;
    }
    let mut runs = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time || runs.len() < LEAST_RUNS {
        let run = Instant::now();
        one()?;
        runs.push(run.elapsed().as_secs_f64() * 1e3);
    }
    runs.sort_unstable_by(f64::total_cmp);
    Ok(runs)
}

impl Measured {
    /// The run that a share of the others is faster than.
    fn quantile(&self, share: f64) -> f64 {
        quantile(&self.runs, share)
    }
}

/// The one of sorted times that a share of the others is below.
fn quantile(times: &[f64], share: f64) -> f64 {
    let last = times.len().saturating_sub(1);
    times.get((share * last as f64).round() as usize).copied().unwrap_or(0.0)
}

fn table(measured: &Measured, plan: &Plan, steps: Option<&profile::Profile>) -> String {
    let (median, batch) = (measured.quantile(0.5), measured.batch.unwrap_or(1));
    let mut text = String::new();
    if let Some(steps) = steps {
        text += &profile::table(plan, steps);
        text.push('\n');
    }
    text += &format!(
        "{}{}, batch {batch}, {}: {} ms\n",
        measured.model,
        if measured.train { ", a training step" } else { "" },
        measured.on.words(),
        milliseconds(median)
    );
    text += &format!(
        "the median of {} runs; a tenth took less than {}, a tenth more than {} ms; {:.1} inputs a second\n",
        measured.runs.len(),
        milliseconds(measured.quantile(0.1)),
        milliseconds(measured.quantile(0.9)),
        batch as f64 / median * 1e3
    );
    if !measured.whole.is_empty() {
        text += &format!(
            "that is with inputs and answers on the GPU; from the host's memory and back: {} ms\n",
            milliseconds(quantile(&measured.whole, 0.5))
        );
    }
    text
}

fn json(measured: &Measured, plan: &Plan, steps: Option<&profile::Profile>, tuned: Option<Value>) -> String {
    let mut report = json!({
        "model": measured.model,
        "batch": measured.batch,
        "train": measured.train,
        "runs": measured.runs.len(),
        "median_ms": measured.quantile(0.5),
        "min_ms": measured.quantile(0.0),
    });
    let on = match &measured.on {
        On::Cpu(threads, instructions, exact) => {
            json!({ "device": "cpu", "threads": threads, "instructions": instructions, "exact": exact })
        }
        On::Gpu(name, precision) => json!({
            "device": "cuda",
            "gpu": name,
            "precision": precision,
            "median_ms_with_transfers": quantile(&measured.whole, 0.5),
        }),
    };
    if let (Value::Object(on), Some(fields)) = (on, report.as_object_mut()) {
        fields.extend(on);
    }
    if let (Some(steps), Some(fields)) = (steps, report.as_object_mut()) {
        fields.insert("steps".into(), profile::json(plan, steps));
    }
    if let (Some(tuned), Some(fields)) = (tuned, report.as_object_mut()) {
        fields.insert("tuning".into(), tuned);
    }
    format!("{report:#}\n")
}

/// Three digits that say something: `0.0213`, `8.31`, `213`.
pub fn milliseconds(time: f64) -> String {
    let places = match time {
        time if time >= 100.0 => 0,
        time if time >= 10.0 => 1,
        time if time >= 1.0 => 2,
        time if time >= 0.1 => 3,
        _ => 4,
    };
    format!("{time:.places$}")
}
