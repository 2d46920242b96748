//! `cnnc bench FILE`: how long one inference takes, or with `--train` one training step, and with `--profile` where the time
//! goes.
//!
//! Parameters and inputs are drawn from the seed. The engine runs until it is warm, then for some seconds; the median counts,
//! since other programs on the machine make some runs longer and none shorter.

mod engine;
mod profile;

use crate::arguments::{Bench, Report};
use crate::console::{Console, Outcome};
use crate::device::Opened;
use crate::model;
use crate::tuning::{self, Place};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, Target};
use cnnc_compiler::training::Training;
use cnnc_grammar::span::Files;
use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::cuda::Cuda;
use cnnc_runtime::tuning::Candidate;
use cnnc_runtime::{Backend, Error, Model, Parameters, Tensor};
use engine::Timed;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    fn of(opened: &Opened, options: &CpuOptions) -> On {
        match opened.gpu() {
            Some((properties, precision)) => On::Gpu(properties.name.clone(), precision.name()),
            None => On::Cpu(options.thread_count(), options.instructions.name(), options.exact),
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
    let options = CpuOptions { threads: arguments.threads, exact: arguments.exact, ..CpuOptions::default() };
    let opened = Opened::new(&arguments.device, options, console);
    let opened = opened.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let mut opened = opened.tuned(console);
    let tuning = Place::cpu(&options).kept(console);
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let mut model = model.seed(arguments.seed).options(options).tuned(tuning);
    if let Some(batch) = arguments.batch {
        model = model.batch(batch as usize).map_err(|report| console.show(&report))?;
    }
    let drawn = (0..model.graph.graph.inputs.len()).map(|number| model.drawn_input(number, arguments.seed));
    let inputs: cnnc_runtime::Result<Vec<Tensor>> = drawn.map(|drawn| Ok(drawn?.tensor)).collect();
    let inputs = inputs.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let parameters = model.parameters().map_err(|failure| console.fail(&failure, &model.files))?;
    let tuned = match arguments.tune {
        true => Some(tune(arguments, &mut model, &mut opened, &parameters, &inputs, console)?),
        false => None,
    };
    let target = match &opened {
        Opened::Cpu(_) => model.target(),
        Opened::Cuda(cuda) => cuda.target(),
    };
    let plan = compiled(arguments, &model, &target, console)?;
    let files = &model.files;
    let batch = inputs.first().and_then(|input| input.shape().first()).copied();
    let engine = console.timed("prepare", || match arguments.train {
        true => Timed::training(plan.clone(), &parameters, inputs, opened.backend()),
        false => Timed::inference(plan.clone(), &parameters, inputs, opened.backend()),
    });
    drop(parameters);
    let mut engine = engine.map_err(|failure| console.fail(&failure, files))?;
    if let Some(hindrance) = engine.hindrance() {
        console.remark(Code::E505, hindrance);
    }
    let time = Duration::from_secs_f64(arguments.seconds);
    let runs = timed(&mut || engine.run(), time).map_err(|failure| console.fail(&failure, files))?;
    let whole = match opened.gpu() {
        Some(_) => timed(&mut || engine.whole(), time / 2).map_err(|failure| console.fail(&failure, files))?,
        None => Vec::new(),
    };
    let (name, train) = (model.graph.graph.name.to_string(), arguments.train);
    let on = On::of(&opened, &options);
    let measured = Measured { model: name, batch, train, on, runs, whole };
    let steps = match arguments.profile {
        true => Some(profile::profile(&mut engine, &plan, &opened).map_err(|failure| console.fail(&failure, files))?),
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

/// The plan of an inference or a training step.
fn compiled(arguments: &Bench, model: &Model, target: &Target, console: &mut Console<'_>) -> Outcome<Arc<Plan>> {
    let compiled = match arguments.train {
        true => model.compile_training(&Training::plain(), target, console),
        false => model.compile(target, console),
    };
    compiled.map(|(plan, _)| plan).map_err(|report| console.show(&report))
}

/// Measures what can be computed in several ways, and keeps the best.
fn tune(
    arguments: &Bench,
    model: &mut Model,
    opened: &mut Opened,
    parameters: &Parameters,
    inputs: &[Tensor],
    console: &mut Console<'_>,
) -> Outcome<Tuned> {
    let nowhere = |failure: Error, console: &mut Console<'_>| console.fail(&failure, &Files::default());
    let Opened::Cuda(cuda) = opened else {
        let measured =
            console.timed("tune", || model.tune(parameters, inputs)).map_err(|report| console.show(&report))?;
        let kept = Place::cpu(&model.options).keep(&measured);
        let file = kept.map_err(|failure| nowhere(failure, console))?;
        return Ok(Tuned::new(&measured, file.as_deref(), console));
    };
    let plan = compiled(arguments, model, &cuda.target(), console)?;
    if cuda.options().libraries {
        let libraries = cuda.device().libraries();
        let missing = [&libraries.cublaslt, &libraries.cudnn].into_iter().filter_map(|found| found.as_ref().err());
        missing.for_each(|reason| console.remark(Code::E501, format!("not measured: {reason}")));
    }
    let mut profile = |cuda: &Cuda| {
        let (plan, inputs) = (plan.clone(), inputs.to_vec());
        let mut engine = match arguments.train {
            true => Timed::training(plan, parameters, inputs, cuda)?,
            false => Timed::inference(plan, parameters, inputs, cuda)?,
        };
        engine.profile(profile::RUNS)
    };
    let measured = console.timed("tune", || cuda.tune(&plan, &mut profile));
    let kept = measured.and_then(|measured| Place::gpu(cuda).keep(&measured).map(|file| (measured, file)));
    let (measured, file) = kept.map_err(|failure| nowhere(failure, console))?;
    Ok(Tuned::new(&measured, file.as_deref(), console))
}

/// What was measured to choose among ways, as it is shown.
struct Tuned {
    table: String,
    json: Value,
}

impl Tuned {
    fn new<C: Candidate>(
        measured: &[cnnc_runtime::tuning::Measured<C>],
        file: Option<&str>,
        console: &Console<'_>,
    ) -> Tuned {
        Tuned { table: tuning::table(measured, file, console), json: tuning::json(measured) }
    }
}

/// Milliseconds of every run, sorted.
fn timed(one: &mut dyn FnMut() -> cnnc_runtime::Result<()>, time: Duration) -> cnnc_runtime::Result<Vec<f64>> {
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
