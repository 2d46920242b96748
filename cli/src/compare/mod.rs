//! `cnnc compare RUN...`: runs beside each other, as one table, one chart, and what their recipes differ in.
//!
//! A run is a folder of `cnnc train`, or a log alone, which other programs write too; recipes are known of folders.

use crate::arguments::{Compare, Report};
use crate::console::{Console, Outcome};
use crate::draw::axis::Axis;
use crate::draw::{curves, terminal};
use crate::numbers::{column_width, padded};
use crate::outputs::{self, Read};
use cnnc_grammar::span::Files;
use cnnc_runtime::train::recipe::Monitor;
use cnnc_runtime::train::{History, LOG, Record, checkpoint, read_log};
use cnnc_runtime::{Result, write_whole};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One run.
struct Compared {
    /// What it is called: the last part of its path, or all of it where two have the same.
    name: String,
    path: PathBuf,
    history: History,
    /// Its recipe's values by dotted path; none of a log alone.
    recipe: BTreeMap<String, String>,
}

impl Compared {
    fn read(path: &Path) -> Result<Compared> {
        let (log, recipe) = match path.is_dir() {
            true => {
                let newest = checkpoint::newest(path);
                let recipe = if newest.exists() { checkpoint::load(&newest)?.1.recipe } else { BTreeMap::new() };
                (path.join(LOG), recipe)
            }
            false => (path.to_owned(), BTreeMap::new()),
        };
        let history = read_log(&log)?;
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = if path.is_dir() { whole.file_name() } else { whole.file_stem() };
        let name = name.unwrap_or_default().to_string_lossy().into_owned();
        Ok(Compared { name, path: path.to_owned(), history, recipe })
    }

    /// The best epoch: by mean average precision or accuracy where there is one, else by the loss of validation, else of
    /// training.
    fn best(&self) -> Option<&Record> {
        let records = &self.history.records;
        if records.iter().all(|record| record.val_map.is_some()) {
            return self.history.best(Monitor::ValidationMap);
        }
        match records.iter().all(|record| record.val_accuracy.is_some()) {
            true => self.history.best(Monitor::ValidationAccuracy),
            false => self.history.best(Monitor::ValidationLoss),
        }
    }
}

/// Compares.
pub fn run(arguments: &Compare, console: &mut Console<'_>) -> Outcome {
    let logs = || arguments.runs.iter().map(|run| if run.is_dir() { run.join(LOG) } else { run.clone() });
    if let Some(output) = &arguments.output {
        for log in logs() {
            let checked = outputs::check(output, [Read { role: "a log", path: &log }]);
            checked.map_err(|wrong| console.fail(&wrong, &Files::default()))?;
        }
    }
    let runs = arguments.runs.iter().map(|run| Compared::read(run)).collect::<Result<Vec<Compared>>>();
    let mut runs = runs.map_err(|mut failure| {
        failure.help.push("a run is a folder that `cnnc train` wrote, or a log: lines of JSON, one an epoch".into());
        console.fail(&failure, &Files::default())
    })?;
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for run in &mut runs {
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = run.path.display().to_string();
        }
    }
    let named: Vec<(String, &History)> = runs.iter().map(|run| (run.name.clone(), &run.history)).collect();
    if let Some(output) = &arguments.output {
        let svg = curves::curves_of_runs(&named);
        let written = write_whole(output, |writer| writer.write_all(svg.as_bytes()));
        written.map_err(|failure| console.fail(&failure, &Files::default()))?;
    }
    if arguments.format == Report::Json {
        let report = json(&runs);
        return console.print_data(|output| writeln!(output, "{}", serde_json::to_string_pretty(&report)?));
    }
    console.print(&table(&runs, console))?;
    let epochs = runs.iter().map(|run| run.history.records.len()).max().unwrap_or(0);
    if epochs > 1 {
        let charts = terminal::charts(&curves::panels_of_runs(&named), &Axis::counting(epochs, 5), console);
        console.print(&format!("\n{charts}"))?;
    }
    console.print(&differences(&runs, console))?;
    match &arguments.output {
        Some(output) => console.print(&format!("chart: {}\n", output.display())),
        None => Ok(()),
    }
}

/// A line a run: its last epoch, its best, and how long an epoch took.
fn table(runs: &[Compared], console: &Console<'_>) -> String {
    let width = column_width(runs.iter().map(|run| run.name.as_str())).max(3);
    let head = format!(
        "{:<width$}  {:>6}  {:>10}  {:>8}  {:>12}  {:>10}  {:>7}",
        "run", "epochs", "train loss", "val loss", "val accuracy", "best epoch", "s/epoch"
    );
    let mut text = format!("{}\n", console.bold(&head));
    let percent = |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.2} %", 100.0 * share));
    let loss = |loss: f64| if loss.is_nan() { "-".into() } else { format!("{loss:.4}") };
    for run in runs {
        let Some(last) = run.history.records.last() else { continue };
        let records = run.history.records.len();
        let seconds = run.history.records.iter().map(|record| record.seconds).sum::<f64>() / records as f64;
        let best = run.best().map_or_else(
            || "-".into(),
            |best| match best.val_map.or(best.val_accuracy) {
                Some(share) => format!("{}: {:.2} %", best.epoch, 100.0 * share),
                None if best.val_loss.is_nan() => "-".into(),
                None => format!("{}: {}", best.epoch, loss(best.val_loss)),
            },
        );
        let seconds = if seconds > 0.0 { format!("{seconds:.1}") } else { "-".into() };
        let line = format!(
            "{}  {records:>6}  {:>10}  {:>8}  {:>12}  {best:>10}  {seconds:>7}",
            padded(&run.name, width),
            loss(last.train_loss),
            loss(last.val_loss),
            percent(last.val_accuracy),
        );
        text += &format!("{line}\n");
    }
    text
}

/// The keys that runs whose recipes are known do not have alike, and each run's value.
fn different(runs: &[Compared]) -> Vec<(&str, Vec<Option<&str>>)> {
    let known: Vec<&Compared> = runs.iter().filter(|run| !run.recipe.is_empty()).collect();
    let keys: BTreeSet<&str> = known.iter().flat_map(|run| run.recipe.keys()).map(String::as_str).collect();
    let differs = |key: &&str| known.windows(2).any(|pair| pair[0].recipe.get(*key) != pair[1].recipe.get(*key));
    let values = |key| (key, runs.iter().map(|run| run.recipe.get(key).map(String::as_str)).collect());
    keys.into_iter().filter(differs).map(values).collect()
}

/// What recipes differ in, a line a key; in words where there is nothing to say.
fn differences(runs: &[Compared], console: &Console<'_>) -> String {
    let known = runs.iter().filter(|run| !run.recipe.is_empty()).count();
    if known < 2 {
        return String::new();
    }
    let different = different(runs);
    if different.is_empty() {
        return "\ntheir recipes are the same\n".into();
    }
    let cells: Vec<Vec<&str>> =
        std::iter::once(std::iter::once("key").chain(runs.iter().map(|run| run.name.as_str())).collect())
            .chain(different.into_iter().map(|(key, values)| {
                std::iter::once(key).chain(values.into_iter().map(|value| value.unwrap_or("-"))).collect()
            }))
            .collect();
    let widths: Vec<usize> =
        (0..=runs.len()).map(|column| column_width(cells.iter().filter_map(|row| row.get(column).copied()))).collect();
    let line = |row: &Vec<&str>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width));
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned()
    };
    let lines: Vec<String> = cells.iter().map(line).collect();
    let (head, rest) =
        lines.split_first().map_or((String::new(), Vec::new()), |(head, rest)| (head.clone(), rest.to_vec()));
    format!("\n{}\n{}\n", console.bold(&head), rest.join("\n"))
}

/// The same for programs.
fn json(runs: &[Compared]) -> Value {
    let record =
        |record: Option<&Record>| record.map_or(Value::Null, |record| serde_json::to_value(record).unwrap_or_default());
    let run = |run: &Compared| {
        json!({
            "name": run.name,
            "path": run.path.display().to_string(),
            "epochs": run.history.records.len(),
            "best": record(run.best()),
            "last": record(run.history.records.last()),
            "records": run.history.records,
            "recipe": run.recipe,
        })
    };
    let differences = different(runs).into_iter().map(|(key, values)| (key.to_owned(), json!(values)));
    json!({
        "runs": runs.iter().map(run).collect::<Vec<Value>>(),
        "differences": Value::Object(differences.collect()),
    })
}
