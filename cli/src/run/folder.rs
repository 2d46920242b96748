//! A folder of pictures: each is an input of its own, and has a line of its own. One that cannot be read or does not fit is
//! said, and the others are answered; the command then fails in the end.

use super::rows::Rows;
use crate::answer::{self, Classes};
use crate::arguments::{Answers, Run};
use crate::console::{Console, Outcome, Stop};
use crate::numbers::{clock, column_width, grouped, padded};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::input::{Folder, save_npy};
use cnnc_runtime::{Error, Model, Session, Tensor};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Faults that are said one by one; of more their number.
const SAID: usize = 5;

/// What a folder's pictures are run by.
pub struct Work<'r, 'm> {
    /// The command's arguments.
    pub arguments: &'r Run,
    /// Whose pictures they are.
    pub model: &'m Model,
    /// Its classes, where they have names.
    pub classes: Option<Classes<'m>>,
    /// Its outputs.
    pub names: &'m [Arc<str>],
    /// The files of the answers, one for each output, where they are asked for.
    pub files: &'r [PathBuf],
}

/// Answers every picture.
pub fn run(
    work: &Work<'_, '_>,
    folder: &Path,
    listed: Folder,
    session: &mut Session,
    console: &mut Console<'_>,
) -> Outcome {
    let shown = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let names: Vec<String> = listed.pictures.iter().map(|path| shown(path)).collect();
    let width = column_width(names.iter().map(String::as_str));
    console.tell(listed.left_out.as_slice(), &Files::default());
    let mut rows = Rows::new(work.names, work.classes, work.arguments.format == Answers::Json);
    let mut columns: Vec<Column> = work.files.iter().map(|_| Column::default()).collect();
    let mut faults = 0;
    let bar = bar(listed.pictures.len(), console);
    for (path, name) in listed.pictures.iter().zip(&names) {
        bar.inc(1);
        let answers = match answered(work, path, session) {
            Ok((answers, notes)) => {
                if !notes.is_empty() {
                    bar.suspend(|| console.tell(&notes, &Files::default()));
                }
                answers
            }
            Err(error) => {
                faults += 1;
                if faults <= SAID {
                    bar.suspend(|| console.show(&error));
                }
                continue;
            }
        };
        let line = match work.arguments.format {
            Answers::Text => {
                let text = answer::line(work.names, &answers, work.classes, console);
                Ok(format!("{}  {text}\n", padded(name, width)))
            }
            Answers::Csv | Answers::Json => rows.batch(name, &answers),
        };
        let line = line.map_err(|reason| refuse(reason, console))?;
        match console.writes_to_terminal {
            // What is written has to be there before the bar is drawn below it.
            true => bar.suspend(|| console.print(&line).and_then(|()| console.finish()))?,
            false => console.print(&line)?,
        }
        for (column, answer) in columns.iter_mut().zip(&answers) {
            column.push(answer).map_err(|reason| refuse(format!("{name} {reason}"), console))?;
        }
    }
    bar.finish_and_clear();
    if work.arguments.format != Answers::Text {
        console.print(rows.end())?;
    }
    for (file, column) in work.files.iter().zip(columns) {
        let Some(answers) = column.tensor() else { continue };
        save_npy(file, &answers).map_err(|failure| console.fail(&failure, work.model.files()))?;
    }
    if faults == 0 {
        return Ok(());
    }
    let message = format!("{faults} of {} pictures were not answered", listed.pictures.len());
    Err(console.fail(&Diagnostic::without_place(Code::E604, message), &Files::default()))
}

/// How far it is, on standard error where that is a terminal.
fn bar(pictures: usize, console: &Console<'_>) -> ProgressBar {
    let bar = ProgressBar::new(pictures as u64);
    bar.set_draw_target(match console.shows_progress {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    });
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len}  {rate} pictures/s  {left} left") {
        let style = style.with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&grouped(state.per_sec() as u64));
        });
        let style = style.with_key("left", |state: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&clock(state.eta().as_secs_f64()));
        });
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// The answers to a picture, and what is to be said of how it was read.
fn answered(work: &Work<'_, '_>, path: &Path, session: &mut Session) -> Result<(Vec<Tensor>, Vec<Diagnostic>), Error> {
    let loaded = work.model.reader().read(0, path)?;
    Ok((session.run(&[loaded.tensor])?.all().to_vec(), loaded.notes))
}

/// Answers below each other, along the batch.
#[derive(Default)]
struct Column {
    /// The sizes of a row, once there is one.
    row: Option<Vec<usize>>,
    rows: usize,
    values: Vec<f32>,
}

impl Column {
    /// # Errors
    /// In words, where the answer is no part of one array with those before.
    fn push(&mut self, answer: &Tensor) -> Result<(), String> {
        let [rows, row @ ..] = answer.shape() else {
            return Err("is answered without a batch, so that answers cannot be one array".into());
        };
        match &self.row {
            Some(before) if before != row => {
                return Err(format!("is answered by {row:?}, the ones before by {before:?}: they cannot be one array"));
            }
            _ => self.row = Some(row.to_vec()),
        }
        self.rows += rows;
        self.values.extend(answer.data());
        Ok(())
    }

    fn tensor(self) -> Option<Tensor> {
        let shape: Vec<usize> = [self.rows].into_iter().chain(self.row?).collect();
        Tensor::new(&shape, self.values)
    }
}

fn refuse(reason: String, console: &mut Console<'_>) -> Stop {
    console.fail(&Diagnostic::without_place(Code::E604, reason), &Files::default())
}
