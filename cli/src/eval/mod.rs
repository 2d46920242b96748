//! `cnnc eval RECIPE.yaml`: what trained weights are worth on a set of the recipe's data, as tables, as JSON, as a picture and as
//! a page.

mod multi_label;
mod numbers;

use crate::arguments::{Eval, Report, Split};
use crate::console::{Console, Outcome};
use crate::device;
use crate::draw::confusion;
use crate::numbers::{column_width, grouped, padded};
use crate::outputs::{self, Read};
use crate::recipe::{Asked, CONFUSION, Prepared};
use crate::report::{self, Class, classes};
use crate::weights;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_runtime::train::checkpoint::BEST;
use cnnc_runtime::train::recipe::Recipe;
use cnnc_runtime::train::{Evaluation, History, LOG, Scorer, TOP, evaluate, read_log, validation_job};
use cnnc_runtime::{Error, Result, Weights, write_whole};
use serde::Serialize;
use std::fs;
use std::sync::atomic::AtomicBool;

/// Evaluates.
pub fn run(arguments: &Eval, console: &mut Console<'_>) -> Outcome {
    let path = |recipe: &Recipe| arguments.weights.clone().unwrap_or_else(|| recipe.output.join(BEST));
    let asked = Asked::Alone(arguments.split.into(), &|recipe| Some(path(recipe)));
    let mut prepared = Prepared::new(&arguments.recipe, asked, console)?;
    let path = path(&prepared.recipe);
    let set = set_name(arguments.split);
    let page = prepared.recipe.output.join(format!("report_{set}.html"));
    for written in [&prepared.recipe.output.join(CONFUSION), &page] {
        let reads = outputs::sources(&prepared.files).chain([Read { role: "the weights", path: &path }]);
        let checked = outputs::check(written, reads);
        checked.map_err(|diagnostic| console.fail(&diagnostic, &prepared.files))?;
    }
    if prepared.device.gpu().is_none() {
        prepared.device = device::with_kept(prepared.device, console);
    }
    let options = weights::options(&arguments.keys);
    let loaded = Weights::from_file_as(&options, &path, &prepared.model);
    let loaded = match loaded {
        Ok(loaded) => Ok(weights::in_precision(loaded, arguments.recipe.gpu.precision, &prepared.device, console)?),
        Err(failure) => Err(failure),
    };
    let evaluation = loaded.and_then(|weights| {
        console.tell(weights.notes(), &prepared.files);
        Ok((prepared.class_names(&weights), evaluated(&prepared, &weights)?))
    });
    let (names, evaluation) = match evaluation {
        Ok(evaluation) => evaluation,
        Err(mut failure) => {
            if arguments.weights.is_none() && !path.exists() {
                failure.help.push("train first, or name a file by `--weights`".into());
            }
            return Err(console.fail(&failure, &prepared.files));
        }
    };
    evaluation.skipped.iter().for_each(|one| console.tell(&[one.note()], &prepared.files));
    // A folder that cannot be made is told when what is in it cannot be written.
    let _ = fs::create_dir_all(&prepared.recipe.output);
    let history = match arguments.weights {
        Some(_) => History::default(),
        None => read_log(&prepared.recipe.output.join(LOG)).unwrap_or_default(),
    };
    let of = format!("{} on the set for {}", path.display(), if set == "train" { "training" } else { set });
    let report = report::Report { prepared: &prepared, names: &names, evaluation: &evaluation, history: &history, of };
    let page = match report.write(&page) {
        Ok(()) => format!("page: {}\n", page.display()),
        Err(failure) => {
            console.remark(Code::E601, format!("no page is written: {}", failure.message));
            String::new()
        }
    };
    if let Some(errors) = &evaluation.errors {
        return match arguments.format {
            Report::Json => {
                let report = numbers::json(&evaluation, errors, &names);
                console.print_data(|output| writeln!(output, "{report}"))
            }
            Report::Table => {
                let text = numbers::text(&evaluation, errors, &names, console);
                console.print(&format!("{text}\n{page}"))
            }
        };
    }
    if let Some(found) = &evaluation.multi_label {
        return match arguments.format {
            Report::Json => {
                let report = multi_label::json(&evaluation, found, &names);
                console.print_data(|output| writeln!(output, "{report}"))
            }
            Report::Table => {
                let text = multi_label::text(&evaluation, found, &names, console);
                console.print(&format!("{text}\n{page}"))
            }
        };
    }
    let picture = match draw(&prepared, &evaluation, &names) {
        Ok(path) => format!("picture: {path}\n"),
        Err(failure) => {
            console.remark(Code::E601, format!("no picture is drawn: {}", failure.message));
            String::new()
        }
    };
    match arguments.format {
        Report::Json => console.print_data(|output| writeln!(output, "{}", json(&evaluation, &names))),
        Report::Table => {
            console.print(&summary(&evaluation, console))?;
            console.print(&table(&evaluation, &names, console))?;
            console.print(&matrix(&evaluation, &names, console))?;
            console.print(&format!("\n{picture}{page}"))
        }
    }
}

/// What a set is called in the names of files.
fn set_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Validation => "validation",
        Split::Test => "test",
    }
}

fn evaluated(prepared: &Prepared, weights: &Weights) -> Result<Evaluation> {
    let Prepared { recipe, data, setup, device, .. } = prepared;
    let mut scorer = Scorer::of_answers(weights, &setup.answer, device);
    let job = validation_job(recipe, data, setup);
    let evaluation = evaluate(&mut scorer, &job, &setup.loss, &AtomicBool::new(false), |_| {})?;
    let stopped = || Error::from(Diagnostic::without_place(Code::E499, "an evaluation ended early"));
    let evaluation = evaluation.ok_or_else(stopped)?;
    if evaluation.without_numbers == 0 {
        return Ok(evaluation);
    }
    let (count, seen) = (evaluation.without_numbers, evaluation.seen);
    let message = format!("the answers to {count} of {seen} samples are no numbers (NaN)");
    let wrong = Diagnostic::without_place(Code::E612, message);
    Err(wrong.help("`cnnc params FILE --weights WEIGHTS` shows which parameters are no numbers").into())
}

/// Writes the picture, and gives its path.
fn draw(prepared: &Prepared, evaluation: &Evaluation, names: &[String]) -> Result<String> {
    let path = prepared.recipe.output.join(CONFUSION);
    let svg = confusion::svg(prepared.model.name(), evaluation, names);
    write_whole(&path, |writer| writer.write_all(svg.as_bytes()))?;
    Ok(path.display().to_string())
}

/// Accuracy, the five likeliest, loss.
fn summary(evaluation: &Evaluation, console: &Console<'_>) -> String {
    let (correct, seen) = (grouped(evaluation.correct as u64), grouped(evaluation.seen as u64));
    let accuracy = console.bold(&format!("{:>6.2} %", 100.0 * evaluation.accuracy()));
    let mut text = format!("accuracy  {accuracy}  ({correct} of {seen})\n");
    if evaluation.classes > TOP {
        text += &format!("top {TOP}     {:>6.2} %\n", 100.0 * evaluation.top_accuracy());
    }
    text + &format!("loss      {:.4}\n", evaluation.loss())
}

/// A line a class.
fn table(evaluation: &Evaluation, names: &[String], console: &Console<'_>) -> String {
    let width = column_width(names.iter().map(String::as_str)).max(5);
    let percent = |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.1} %", 100.0 * share));
    let head = format!(
        "{:<width$}  {:>8}  {:>9}  {:>7}  {:>7}  most often taken for",
        "class", "pictures", "precision", "recall", "F1"
    );
    let mut text = format!("\n{}\n", console.bold(&head));
    for (label, class) in classes(evaluation, names).iter().enumerate() {
        let others = (0..evaluation.classes).filter(|&answer| answer != label);
        let mistaken = others.max_by_key(|&answer| (evaluation.count(label, answer), std::cmp::Reverse(answer)));
        let mistaken =
            mistaken.filter(|&answer| evaluation.count(label, answer) > 0).map_or_else(String::new, |answer| {
                let share = evaluation.count(label, answer) as f64 / class.pictures.max(1) as f64;
                format!("{} ({:.1} %)", names[answer], 100.0 * share)
            });
        let [precision, recall, f1] = [class.precision, class.recall, class.f1].map(percent);
        let pictures = grouped(class.pictures);
        let name = padded(class.name, width);
        let line = format!("{name}  {pictures:>8}  {precision:>9}  {recall:>7}  {f1:>7}  {mistaken}");
        text += &format!("{}\n", line.trim_end());
    }
    text
}

/// Which class is taken for which.
fn matrix(evaluation: &Evaluation, names: &[String], console: &Console<'_>) -> String {
    match confusion::text_of(evaluation, names, console) {
        none if none.is_empty() => none,
        matrix => format!("\n{}\n{matrix}", console.bold("rows are what it is, columns what it is taken for")),
    }
}

#[derive(Serialize)]
struct Figures<'n> {
    pictures: usize,
    accuracy: f64,
    top5_accuracy: f64,
    loss: f64,
    classes: Vec<Class<'n>>,
    confusion: Vec<Vec<u64>>,
}

fn json(evaluation: &Evaluation, names: &[String]) -> String {
    let row = |label: usize| (0..evaluation.classes).map(|answer| evaluation.count(label, answer)).collect();
    let report = Figures {
        pictures: evaluation.seen,
        accuracy: evaluation.accuracy(),
        top5_accuracy: evaluation.top_accuracy(),
        loss: evaluation.loss(),
        classes: classes(evaluation, names),
        confusion: (0..evaluation.classes).map(row).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}
