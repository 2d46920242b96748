//! Measured choices, as they are shown when they are measured.

use crate::bench::milliseconds;
use crate::console::Console;
use crate::numbers::counted;
use cnnc_runtime::tuning::Tuned;
use serde_json::{Value, json};

/// The milliseconds of all that was measured, before and after.
fn totals(measured: &[Tuned]) -> [f64; 2] {
    let sum = |total: f64, seconds: f64| total + 1e3 * seconds;
    [
        measured.iter().map(|one| one.of(&one.before)).fold(0.0, sum),
        measured.iter().map(|one| one.of(&one.after)).fold(0.0, sum),
    ]
}

/// A line for each that was measured, then what all of them gain.
pub fn table(measured: &[Tuned], place: Option<&str>, console: &Console<'_>) -> String {
    if measured.is_empty() {
        return "no step can be computed in more than one way: there is nothing to tune\n\n".into();
    }
    let head = format!("{:>9} {:>9} {:>6}  {:<13} {:<13} layers", "ms before", "ms after", "gain", "before", "after");
    let mut text = console.bold(&head) + "\n";
    for one in measured {
        let [before, after] = [&one.before, &one.after].map(|candidate| 1e3 * one.of(candidate));
        let line = format!(
            "{:>9} {:>9} {:>5.0}%  {:<13} {:<13} {}",
            milliseconds(before),
            milliseconds(after),
            100.0 * (1.0 - after / before),
            one.before,
            if one.before == one.after { "stays" } else { &one.after },
            one.layers.iter().map(|layer| layer.as_ref()).collect::<Vec<_>>().join(", ")
        );
        text += &if one.before == one.after { console.faint(&line) } else { line };
        text.push('\n');
    }
    let changed = measured.iter().filter(|one| one.before != one.after).count();
    let [before, after] = totals(measured).map(milliseconds);
    let kinds = counted(measured.len(), "kind");
    text += &format!("\n{kinds} of steps measured, {changed} changed: {before} to {after} ms");
    text + &place.map_or("; no cache directory to keep that in".into(), |place| format!("; kept in {place}")) + "\n\n"
}

/// The same for programs.
pub fn json(measured: &[Tuned]) -> Value {
    let one = |one: &Tuned| {
        let times = one.seconds.iter().map(|(candidate, seconds)| (candidate.clone(), json!(1e3 * seconds)));
        json!({
            "key": one.key,
            "layers": one.layers.iter().map(|layer| layer.as_ref()).collect::<Vec<_>>(),
            "before": one.before,
            "after": one.after,
            "ms": Value::Object(times.collect()),
        })
    };
    measured.iter().map(one).collect()
}
