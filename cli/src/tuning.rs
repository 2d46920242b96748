//! Measured choices for commands that run models: those that are kept on this machine, and how they are shown when they are measured.

use crate::bench::milliseconds;
use crate::console::Console;
use crate::numbers::counted;
use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::tuning::{Kept, Machine, Measured, Tuning, path};
use serde_json::{Value, json};

/// The choices that are kept for these options. Standard error says why a file is not used.
pub fn kept(options: &CpuOptions, console: &mut Console<'_>) -> Tuning {
    let Some(path) = path(options.instructions) else { return Tuning::default() };
    let kept = Kept::read(&path, &Machine::this(options.instructions));
    if let Kept::Ignored(reason) = &kept {
        let path = path.display();
        console.note(&format!("note: the tuning file `{path}` {reason}; `cnnc bench FILE --tune` measures anew\n"));
    }
    kept.choices()
}

/// Adds what was measured to what is kept, and gives the file's path.
pub fn keep(tuning: &Tuning, options: &CpuOptions) -> cnnc_runtime::Result<Option<String>> {
    let Some(path) = path(options.instructions) else { return Ok(None) };
    tuning.keep(&path, &Machine::this(options.instructions))?;
    Ok(Some(path.display().to_string()))
}

/// The milliseconds of all convolutions together, before and after.
fn totals(measured: &[Measured]) -> [f64; 2] {
    let sum = |total: f64, seconds: f64| total + 1e3 * seconds;
    [
        measured.iter().map(|one| one.of(one.before)).fold(0.0, sum),
        measured.iter().map(|one| one.of(one.after)).fold(0.0, sum),
    ]
}

/// A line a convolution, then what all of them gain.
pub fn table(measured: &[Measured], place: Option<&str>, console: &Console<'_>) -> String {
    if measured.is_empty() {
        return "no convolution can be computed in more than one way: there is nothing to tune\n\n".into();
    }
    let head = format!("{:>9} {:>9} {:>6}  {:<13} {:<13} layers", "ms before", "ms after", "gain", "before", "after");
    let mut text = console.bold(&head) + "\n";
    for one in measured {
        let [before, after] = [one.before, one.after].map(|method| 1e3 * one.of(method));
        let line = format!(
            "{:>9} {:>9} {:>5.0}%  {:<13} {:<13} {}",
            milliseconds(before),
            milliseconds(after),
            100.0 * (1.0 - after / before),
            one.before.name(),
            if one.before == one.after { "stays" } else { one.after.name() },
            one.layers.iter().map(|layer| layer.as_ref()).collect::<Vec<_>>().join(", ")
        );
        text += &if one.before == one.after { console.faint(&line) } else { line };
        text.push('\n');
    }
    let changed = measured.iter().filter(|one| one.before != one.after).count();
    let [before, after] = totals(measured).map(milliseconds);
    let sizes = counted(measured.len(), "size");
    text += &format!("\n{sizes} of convolutions measured, {changed} changed: {before} to {after} ms");
    text + &place.map_or("; no cache directory to keep that in".into(), |place| format!("; kept in {place}")) + "\n\n"
}

/// The same for programs.
pub fn json(measured: &[Measured]) -> Value {
    let one = |one: &Measured| {
        let times = one.seconds.iter().map(|(method, seconds)| (method.name().to_owned(), json!(1e3 * seconds)));
        json!({
            "key": one.key,
            "layers": one.layers.iter().map(|layer| layer.as_ref()).collect::<Vec<_>>(),
            "before": one.before.name(),
            "after": one.after.name(),
            "ms": Value::Object(times.collect()),
        })
    };
    measured.iter().map(one).collect()
}
