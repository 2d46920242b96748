//! What a network is worth, as a page: one file, without anything from elsewhere and without a script.
//!
//! A recipe, the curves of its training and an evaluation come in. Where classes are told apart the page has what each comes
//! to, which is taken for which, and the samples that were answered worst; where numbers are learnt, how far they are off. All
//! names are somebody else's, and are escaped.

mod classes;
mod samples;
mod several;

pub use classes::{Class, classes};

use crate::draw::confusion;
use crate::draw::curves::curves_apart;
use crate::draw::svg::escaped;
use crate::numbers::grouped;
use crate::page::page;
use crate::recipe::Prepared;
use classes::most_confused;
use cnnc_compiler::graph::Parameter;
use cnnc_runtime::train::{ErrorOf, Errors, Evaluation, History, Record, TOP};
use cnnc_runtime::{Result, write_whole};
use std::fmt::Write;
use std::path::Path;

/// Pairs of classes that are named.
const PAIRS: usize = 10;
/// Classes past which no matrix is drawn: its cells would be too small to see.
const MOST_DRAWN: usize = 60;
/// Numbers of an answer past which only all together are told.
const MOST_NUMBERS: usize = 200;

/// What a page is about.
pub struct Report<'r> {
    /// The recipe, the network and the data; the set that was asked is the one for validation.
    pub prepared: &'r Prepared,
    /// What the classes, or the numbers of an answer, are called.
    pub names: &'r [String],
    /// What was answered.
    pub evaluation: &'r Evaluation,
    /// The epochs of the training; empty where they are not known.
    pub history: &'r History,
    /// Whose answers they are, in words.
    pub of: String,
}

impl Report<'_> {
    /// Writes the page.
    ///
    /// # Errors
    /// E601 when it cannot be written, E604 when a picture cannot be encoded.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = self.text()?;
        write_whole(path, |writer| writer.write_all(text.as_bytes()))
    }

    fn text(&self) -> Result<String> {
        let Report { prepared, evaluation, history, of, .. } = self;
        let name = prepared.model.name();
        let mut body = format!(
            "<header>\n<h1>{}</h1>\n<p class=\"about\">{}</p>\n</header>\n<main>\n",
            escaped(name),
            escaped(of)
        );
        self.figures(&mut body);
        if !history.records.is_empty() {
            body += "<h2>Curves</h2>\n<div class=\"drawings\">\n";
            for drawing in curves_apart(name, history, prepared.recipe.epochs) {
                let _ = writeln!(body, "<div class=\"drawing\">{drawing}</div>");
            }
            body += "</div>\n";
        }
        match (&evaluation.errors, &evaluation.multi_label) {
            (Some(errors), _) => self.numbers(&mut body, errors),
            (None, Some(found)) => several::write(&mut body, found, self.names),
            (None, None) => self.classes(&mut body),
        }
        samples::write(&mut body, self)?;
        self.recipe(&mut body);
        let _ = writeln!(body, "</main>\n<footer>cnnc {}</footer>", env!("CARGO_PKG_VERSION"));
        Ok(page(&format!("{name}: what it is worth"), "img-src data:", include_str!("page.css"), &body))
    }

    /// The few numbers that say most.
    fn figures(&self, body: &mut String) {
        let Report { evaluation, history, prepared, .. } = self;
        let mut figures: Vec<[String; 3]> = Vec::new();
        let mut add = |name: &str, value: String, more: String| figures.push([name.into(), value, more]);
        match (&evaluation.errors, &evaluation.multi_label) {
            (Some(errors), _) => {
                let ErrorOf { root_mean_square, mean_absolute, explained } = errors.of_all();
                let samples = format!("of {} samples", grouped(evaluation.seen as u64));
                add("root mean squared error", format!("{root_mean_square:.4}"), samples);
                add("mean absolute error", format!("{mean_absolute:.4}"), String::new());
                add("R²", decimal(explained), String::new());
            }
            (None, Some(found)) => {
                let all = found.of_all();
                add("mean average precision", percent(found.mean_average_precision()), String::new());
                add("precision", percent(all.precision()), format!("of {} found", grouped(all.taken)));
                add("recall", percent(all.recall()), format!("of {} that there are", grouped(all.pictures)));
                add("all classes right", percent(Some(evaluation.accuracy())), "of the pictures".into());
            }
            (None, None) => {
                let (correct, seen) = (grouped(evaluation.correct as u64), grouped(evaluation.seen as u64));
                add("accuracy", percent(Some(evaluation.accuracy())), format!("{correct} of {seen}"));
                if evaluation.classes > TOP {
                    let among = format!("among the {TOP} likeliest");
                    add(&format!("top {TOP}"), percent(Some(evaluation.top_accuracy())), among);
                }
            }
        }
        add("loss", format!("{:.4}", evaluation.loss()), String::new());
        if let Some(best) = history.best(prepared.recipe.monitor) {
            let worth = match (best.val_map, best.val_accuracy) {
                (Some(share), _) => format!("val mAP {}", percent(Some(share))),
                (None, Some(share)) => format!("val accuracy {}", percent(Some(share))),
                (None, None) => format!("val loss {:.4}", best.val_loss),
            };
            add("best epoch", best.epoch.to_string(), worth);
        }
        if let Some(Record { seconds, images_per_second, .. }) = history.records.last() {
            let rate = format!("{} samples a second", grouped(*images_per_second as u64));
            add("an epoch", format!("{seconds:.1} s"), rate);
        }
        let model = &prepared.model;
        let [of, learnt] = [model.numbers(|one| one.trainable), model.numbers(Parameter::is_learnt)];
        let frozen = if learnt < of { format!("{} learn", grouped(learnt as u64)) } else { String::new() };
        add("parameters", grouped(of as u64), frozen);
        *body += "<dl class=\"figures\">\n";
        for [name, value, more] in figures {
            let _ = writeln!(body, "<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>");
        }
        *body += "</dl>\n";
    }

    /// Which class is taken for which, and what each comes to.
    fn classes(&self, body: &mut String) {
        let Report { evaluation, names, prepared, .. } = self;
        let classes = classes(evaluation, names);
        *body += "<h2>Which is taken for which</h2>\n";
        match most_confused(evaluation, &classes, PAIRS).as_slice() {
            [] => *body += "<p>None is taken for another.</p>\n",
            pairs => {
                let items: String = pairs.iter().map(|pair| format!("<li>{}</li>\n", escaped(pair))).collect();
                let _ = write!(body, "<ol class=\"pairs\">\n{items}</ol>\n");
            }
        }
        if evaluation.classes <= MOST_DRAWN {
            let drawing = confusion::svg(prepared.model.name(), evaluation, names);
            let _ = writeln!(body, "<div class=\"drawing matrix\">{drawing}</div>");
        }
        *body += "<h2>Classes</h2>\n<div class=\"wide\"><table class=\"classes\">\n<tr><th>class</th><th>pictures</th>\
                  <th>precision</th><th>recall</th><th>F1</th></tr>\n";
        for Class { name, pictures, precision, recall, f1 } in &classes {
            let [precision, recall, f1] = [precision, recall, f1].map(|share| percent(*share));
            let (name, pictures) = (escaped(name), grouped(*pictures));
            let _ = writeln!(
                body,
                "<tr><td>{name}</td><td>{pictures}</td><td>{precision}</td><td>{recall}</td><td>{f1}</td></tr>"
            );
        }
        *body += "</table></div>\n";
    }

    /// How far each number of the answer is off.
    fn numbers(&self, body: &mut String, errors: &Errors) {
        if !(2..=MOST_NUMBERS).contains(&errors.size()) {
            return;
        }
        *body += "<h2>Number by number</h2>\n<div class=\"wide\"><table class=\"numbers\">\n<tr><th>number</th>\
                  <th>root mean squared</th><th>mean absolute</th><th>R²</th></tr>\n";
        for (name, error) in self.names.iter().zip((0..).map_while(|place| errors.of_place(place))) {
            let ErrorOf { root_mean_square, mean_absolute, explained } = error;
            let (name, explained) = (escaped(name), decimal(explained));
            let _ = writeln!(
                body,
                "<tr><td>{name}</td><td>{root_mean_square:.6}</td><td>{mean_absolute:.6}</td><td>{explained}</td></tr>"
            );
        }
        *body += "</table></div>\n";
    }

    /// What the recipe says, key by key.
    fn recipe(&self, body: &mut String) {
        *body += "<h2>Recipe</h2>\n<div class=\"wide\"><table class=\"recipe\">\n";
        for (key, value) in &self.prepared.recipe.keys {
            let _ = writeln!(body, "<tr><td>{}</td><td>{}</td></tr>", escaped(key), escaped(value));
        }
        *body += "</table></div>\n";
    }
}

/// `98.1 %`, or a dash where there is nothing to divide by.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".into(), |share| format!("{:.1}\u{a0}%", 100.0 * share))
}

fn decimal(number: Option<f64>) -> String {
    number.map_or_else(|| "–".into(), |number| format!("{number:.4}"))
}
