//! Measured choices for commands that run models: those that are kept on this machine, and how they are shown when they are
//! measured.

use crate::bench::milliseconds;
use crate::console::Console;
use crate::numbers::counted;
use cnnc_compiler::diagnostic::Code;
use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::cuda::Cuda;
use cnnc_runtime::tuning::{Candidate, Kept, Machine, Measured, Tuning, path};
use serde_json::{Value, json};

/// Whose choices they are: the part of the file's name, and the machine they hold for.
pub struct Place {
    name: &'static str,
    machine: Machine,
}

impl Place {
    /// Of the CPU.
    pub fn cpu(options: &CpuOptions) -> Place {
        Place { name: options.instructions.name(), machine: Machine::this(options.instructions) }
    }

    /// Of a GPU.
    pub fn gpu(cuda: &Cuda) -> Place {
        Place { name: "cuda", machine: Machine::of(cuda.words()) }
    }

    /// The choices that are kept there. Standard error says why a file is not used.
    pub fn kept<C: Candidate>(&self, console: &mut Console<'_>) -> Tuning<C> {
        let Some(path) = path(self.name) else { return Tuning::default() };
        let kept = Kept::read(&path, &self.machine);
        if let Kept::Ignored(reason) = &kept {
            let path = path.display();
            let message = format!("the tuning file `{path}` {reason}; `cnnc bench FILE --tune` measures anew");
            console.remark(Code::E603, message);
        }
        kept.choices()
    }

    /// The file's path, and what it holds, in words.
    pub fn state<C: Candidate>(&self) -> (Option<String>, String) {
        let Some(path) = path(self.name) else {
            return (None, "there is no cache directory to keep it in".into());
        };
        let state = match Kept::<C>::read(&path, &self.machine) {
            Kept::Nothing => "none yet; `cnnc bench FILE --tune` measures".into(),
            Kept::Choices(tuning) => counted(tuning.0.len(), "measured choice"),
            Kept::Ignored(reason) => format!("not used: it {reason}"),
        };
        (Some(path.display().to_string()), state)
    }

    /// Keeps what was measured beside the choices that are kept already, and gives the file's path.
    pub fn keep<C: Candidate>(&self, measured: &[Measured<C>]) -> cnnc_runtime::Result<Option<String>> {
        let Some(path) = path(self.name) else { return Ok(None) };
        Tuning::of(measured).keep(&path, &self.machine)?;
        Ok(Some(path.display().to_string()))
    }
}

/// The milliseconds of all that was measured, before and after.
fn totals<C: Candidate>(measured: &[Measured<C>]) -> [f64; 2] {
    let sum = |total: f64, seconds: f64| total + 1e3 * seconds;
    [
        measured.iter().map(|one| one.of(&one.before)).fold(0.0, sum),
        measured.iter().map(|one| one.of(&one.after)).fold(0.0, sum),
    ]
}

/// A line for each that was measured, then what all of them gain.
pub fn table<C: Candidate>(measured: &[Measured<C>], place: Option<&str>, console: &Console<'_>) -> String {
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
            one.before.name(),
            if one.before == one.after { "stays".into() } else { one.after.name() },
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
pub fn json<C: Candidate>(measured: &[Measured<C>]) -> Value {
    let one = |one: &Measured<C>| {
        let times = one.seconds.iter().map(|(candidate, seconds)| (candidate.name(), json!(1e3 * seconds)));
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
