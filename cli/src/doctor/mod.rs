//! `cnnc doctor`: what this machine can do, and whether every kernel computes on it what it should.
//!
//! The figures are measured now. A kernel that errs more than it may makes the command fail. What this does of a GPU is in
//! `gpu.rs`.

mod gpu;

use crate::arguments::{Doctor, Report};
use crate::console::{Console, Outcome};
use crate::numbers::{bytes, counted};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::doctor::{Examination, GRID, Subject};
use cnnc_runtime::{
    Device, DeviceName, DeviceOptions, Error, InstructionSet, available_memory_bytes, cores, processor,
};
use serde_json::{Value, json};

/// What was found of the machine.
struct Machine {
    processor: String,
    threads: usize,
    memory_bytes: u64,
    /// Bytes a second, by one thread and by all.
    bandwidth: [f64; 2],
    /// Multiply-adds of one thread in a second, by each instruction set that the machine has; the first is used.
    sets: Vec<(InstructionSet, f64)>,
    /// The tuning file's path and what it holds.
    tuning: (Option<String>, String),
}

/// A kernel, with its largest error by each instruction set; `None` where the set has no such kernel.
struct Row {
    subject: &'static Subject,
    errors: Vec<Option<f64>>,
}

impl Row {
    fn is_right(&self) -> bool {
        self.errors.iter().flatten().all(|&error| self.subject.allows(error))
    }
}

/// Examines this machine.
pub fn doctor(arguments: &Doctor, console: &mut Console<'_>) -> Outcome {
    if arguments.device.device != DeviceName::Cpu {
        return gpu::examine(arguments, console);
    }
    let options = DeviceOptions::default().threads(arguments.threads);
    let machine = console.timed("machine", || Machine::of_this(&options));
    let machine = machine.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let sets: Vec<InstructionSet> = machine.sets.iter().map(|(set, _)| *set).collect();
    let examine = || subjects(arguments).map(|subject| row(subject, &sets, &options)).collect::<Result<Vec<Row>, _>>();
    let rows = console.timed("kernels", examine).map_err(|report| console.show(&report))?;
    match arguments.format {
        Report::Table => console.print(&(head(&machine) + &table(&machine, &rows, console)))?,
        Report::Json => console.print_data(|output| output.write_all(json(&machine, &rows).as_bytes()))?,
    }
    match rows.iter().filter(|row| !row.is_right()).map(|row| row.subject.name).collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        wrong => Err(console.fail(&unfit(wrong), &Files::default())),
    }
}

/// The kernels that are asked for.
fn subjects(arguments: &Doctor) -> impl Iterator<Item = &'static Subject> {
    let wanted = |subject: &&Subject| arguments.only.as_ref().is_none_or(|name| subject.name.contains(name.as_str()));
    GRID.iter().filter(wanted)
}

fn unfit(wrong: &[&str]) -> Diagnostic {
    let kernels = counted(wrong.len(), "kernel");
    let message = format!("{kernels} of this machine err more than they may: {}", wrong.join(", "));
    Diagnostic::without_place(Code::E502, message)
        .note("each was compared with float64; the error is a share of the largest value")
        .help(
            "`CNNC_INSTRUCTIONS` takes avx2 or portable, if those are right; please report this with the output above",
        )
}

fn row(
    subject: &'static Subject,
    sets: &[InstructionSet],
    options: &DeviceOptions,
) -> Result<Row, cnnc_runtime::Error> {
    let examination = Examination::new(subject)?;
    let by = |&instructions: &InstructionSet| {
        let device = Device::open(DeviceName::Cpu, &options.clone().instructions(instructions))?;
        examination.error(device.backend())
    };
    Ok(Row { subject, errors: sets.iter().map(by).collect::<Result<_, _>>()? })
}

/// The tuning file of the processor, and what it holds.
fn kept() -> (Option<String>, String) {
    let (file, state) = Device::default().kept();
    (file.map(|file| file.display().to_string()), state)
}

impl Machine {
    fn of_this(options: &DeviceOptions) -> Result<Machine, Error> {
        let mut sets = InstructionSet::available();
        sets.sort_by_key(|set| *set != options.instructions);
        let peak = |options: &DeviceOptions| Device::open(DeviceName::Cpu, options)?.peak();
        let alone = peak(&options.clone().threads(1))?;
        let rate = |set: InstructionSet| set.multiply_adds_per_second().map(|rate| (set, rate));
        Ok(Machine {
            processor: processor(),
            threads: if options.threads == 0 { cores() } else { options.threads },
            memory_bytes: available_memory_bytes(),
            bandwidth: [alone.bytes_per_second, peak(options)?.bytes_per_second],
            sets: sets.into_iter().map(rate).collect::<Result<_, _>>()?,
            tuning: kept(),
        })
    }
}

/// A line a fact.
fn head(machine: &Machine) -> String {
    let names: Vec<&str> = machine.sets.iter().map(|(set, _)| set.name()).collect();
    let all = machine.threads as f64;
    let rates = machine.sets.iter().map(|(set, rate)| format!("{} {:.0}", set.name(), 2e-9 * rate * all));
    let [alone, together] = machine.bandwidth.map(|rate| 1e-9 * rate);
    let (file, state) = &machine.tuning;
    let free = bytes(machine.memory_bytes);
    let threads = counted(machine.threads, "thread");
    let facts = [
        ("processor", format!("{}, {threads}", machine.processor)),
        ("instructions", format!("{}; the first is used", names.join(", "))),
        ("multiply-adds", format!("{} GFLOP/s by {threads}", rates.collect::<Vec<_>>().join(", "))),
        ("memory", format!("{free} free; {alone:.1} GB/s read by 1 thread, {together:.1} GB/s by {threads}")),
        ("tuning", file.as_ref().map_or_else(|| state.clone(), |file| format!("{state} ({file})"))),
    ];
    facts.iter().map(|(name, fact)| format!(" {name:<15}{fact}\n")).collect::<String>() + "\n"
}

/// The kernels: the largest error by each instruction set, what is allowed, and the verdict.
fn table(machine: &Machine, rows: &[Row], console: &Console<'_>) -> String {
    let width = rows.iter().map(|row| row.subject.name.chars().count()).max().unwrap_or(0);
    let sets: String = machine.sets.iter().map(|(set, _)| format!("{:>10}", set.name())).collect();
    let head = format!(" {:<width$}{sets}{:>10}", "error against float64", "allowed", width = width.max(22));
    let rule = console.faint(&"─".repeat(head.chars().count() + 10));
    let mut text = format!("{}\n{rule}\n", console.bold(&head));
    for row in rows {
        let cell = |error: &Option<f64>| format!("{:>10}", error.map_or("–".into(), share));
        let errors: String = row.errors.iter().map(cell).collect();
        let verdict = if row.is_right() { "right".into() } else { console.bold("WRONG") };
        let allowed = console.faint(&format!("{:>10}", share(row.subject.tolerance)));
        text += &format!(" {:<width$}{errors}{allowed}  {verdict}\n", row.subject.name, width = width.max(22));
    }
    let checks: usize = rows.iter().map(|row| row.subject.cases.len() * row.errors.iter().flatten().count()).sum();
    let wrong = rows.iter().filter(|row| !row.is_right()).count();
    let verdict = if wrong == 0 { "all kernels are right".into() } else { format!("{wrong} kernels are wrong") };
    text + &format!("{rule}\n {}: {} of {}\n", verdict, counted(checks, "check"), counted(rows.len(), "kernel"))
}

/// `2.1e-7`; a nought for nothing.
fn share(error: f64) -> String {
    if error == 0.0 { "0".into() } else { format!("{error:.1e}") }
}

/// The same for programs.
fn json(machine: &Machine, rows: &[Row]) -> String {
    let set_names: Vec<&str> = machine.sets.iter().map(|(set, _)| set.name()).collect();
    let object = |values: &mut dyn Iterator<Item = Value>| -> Value {
        Value::Object(set_names.iter().map(|name| (*name).to_owned()).zip(values).collect())
    };
    let kernel = |row: &Row| {
        json!({
            "kernel": row.subject.name,
            "errors": object(&mut row.errors.iter().map(|error| json!(error))),
            "tolerance": row.subject.tolerance,
            "reason": row.subject.reason,
            "cases": row.subject.cases.len(),
            "right": row.is_right(),
        })
    };
    let report = json!({
        "machine": {
            "processor": machine.processor,
            "threads": machine.threads,
            "free_bytes": machine.memory_bytes,
            "bytes_per_second": machine.bandwidth[1],
            "bytes_per_second_by_one_thread": machine.bandwidth[0],
            "multiply_adds_per_second_by_one_thread": object(&mut machine.sets.iter().map(|(_, rate)| json!(rate))),
            "instructions": set_names.first(),
        },
        "tuning": { "file": machine.tuning.0, "state": machine.tuning.1 },
        "kernels": rows.iter().map(kernel).collect::<Vec<Value>>(),
        "right": rows.iter().all(Row::is_right),
    });
    format!("{report:#}\n")
}
