//! `cnnc train RECIPE.yaml`: trains, and shows it: a bar and a line for each epoch, curves as SVG and in the terminal.
//!
//! Standard output has the lines, standard error the bar and notes. Ctrl-C, a polite kill and a terminal that is closed end
//! it after the step, with a checkpoint; a second Ctrl-C or kill ends it at once.

mod find_lr;
mod progress;
mod sheet;
mod signals;
mod tensorboard;

use crate::arguments::Train;
use crate::console::{Console, Outcome, Stop};
use crate::draw;
use crate::numbers::{counted, grouped};
use crate::recipe::{Asked, Prepared};
use crate::values::values;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_runtime::train::checkpoint::{self, BEST};
use cnnc_runtime::train::{CURVES, Ending, Event, History, Run, RunFolder, learn};
use cnnc_runtime::{Result, Tensor, write_whole};
use progress::Progress;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tensorboard::EventFile;

/// Trains.
pub fn run(arguments: &Train, console: &mut Console<'_>) -> Outcome {
    let mut prepared = Prepared::new(&arguments.recipe, Asked::Both, console)?;
    if let Some(epochs) = arguments.epochs {
        prepared.recipe.epochs = epochs as usize;
        prepared.recipe.keys.insert("epochs".into(), epochs.to_string());
    }
    prepared.recipe.training.recompute |= arguments.recompute;
    let prepared = prepared;
    if let Some(count) = arguments.show {
        return sheet::draw(&prepared, usize::from(count), console);
    }
    if arguments.find_lr {
        return find_lr::find(&prepared, console);
    }
    let resume = arguments.resume.as_ref().and_then(|named| checkpoint_of(named.as_deref(), &prepared, console));
    let folder = RunFolder::take(&prepared.recipe.output, resume.as_deref(), arguments.force);
    let folder = folder.map_err(|failure| console.fail(&failure, &prepared.files))?;
    console.tell(folder.hindrance().as_slice(), &prepared.files);
    console.print(&headline(&prepared))?;
    console.finish()?;
    let stop = listen(&prepared, console)?;
    let progress = Progress::new(noun(&prepared), console);
    let (history, undrawn) = (History::default(), false);
    let events = if arguments.tensorboard { Events::Wanted } else { Events::Unwanted };
    let mut screen = Screen { progress, prepared: &prepared, console, history, events, undrawn, ended: None };
    let ending = go(&prepared, folder, resume.as_deref(), &stop, &mut screen);
    let Screen { console, history, ended, .. } = screen;
    if let Some(stop) = ended {
        return Err(stop);
    }
    match ending {
        Ok(Ending::Stopped { epoch, batch }) => {
            console.note(&stopped(epoch, batch, arguments));
            Ok(())
        }
        Ok(ending) => finish(&ending, &history, &prepared, console),
        Err(failure) => Err(console.fail(&failure, &prepared.files)),
    }
}

/// A flag that becomes true when the run is to end.
fn listen(prepared: &Prepared, console: &mut Console<'_>) -> Outcome<Arc<AtomicBool>> {
    signals::stop().map_err(|error| {
        let message = format!("cannot listen to signals: {error}");
        console.fail(&Diagnostic::without_place(Code::E601, message), &prepared.files)
    })
}

/// What a sample of the data is called, of several.
fn noun(prepared: &Prepared) -> &'static str {
    if prepared.data.input.is_some() { "samples" } else { "pictures" }
}

/// A line about network and data, and one that says where the run is written.
fn headline(prepared: &Prepared) -> String {
    let parameters = prepared.model.graph().graph.parameters.iter().filter(|parameter| parameter.trainable);
    let numbers: usize = parameters.map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    let (train, validation) = (prepared.data.train.len() as u64, prepared.data.validation.len() as u64);
    format!(
        "{}: {}; {} + {} {}{}; {} of {} an epoch\nall goes to {}\n",
        prepared.model.name(),
        counted(numbers, "parameter"),
        grouped(train),
        grouped(validation),
        noun(prepared),
        match &prepared.data.target {
            Some(sizes) => format!(" with {}", counted(sizes.iter().product(), "number")),
            None => {
                let several = if prepared.data.multi_label { "any of " } else { "" };
                format!(" in {several}{}", counted(prepared.data.classes, "class").replace("classs", "classes"))
            }
        },
        counted(prepared.setup.batches, "batch").replace("batchs", "batches"),
        prepared.recipe.batch_size,
        prepared.recipe.output.display(),
    )
}

fn go(
    prepared: &Prepared,
    folder: RunFolder,
    resume: Option<&Path>,
    stop: &AtomicBool,
    screen: &mut Screen<'_, '_>,
) -> Result<Ending> {
    let Prepared { recipe, model, data, setup, device, .. } = prepared;
    let run = Run { recipe, model, data, setup: setup.clone(), resume, stop, device };
    learn(&run, folder, &mut |event| screen.show(event))
}

/// The checkpoint to go on from: the one named, or the run's newest; `None` when the run was ended before it had any.
fn checkpoint_of(named: Option<&Path>, prepared: &Prepared, console: &mut Console<'_>) -> Option<PathBuf> {
    if let Some(path) = named {
        return Some(path.to_owned());
    }
    let newest = checkpoint::newest(&prepared.recipe.output);
    if !newest.exists() {
        let message = format!("there is no `{}` to go on from; the run begins", newest.display());
        console.remark(Code::E611, message);
        return None;
    }
    Some(newest)
}

/// Shows what happens.
struct Screen<'s, 'c> {
    progress: Progress,
    prepared: &'s Prepared,
    console: &'s mut Console<'c>,
    /// The epochs that are over.
    history: History,
    /// Where TensorBoard reads.
    events: Events,
    /// Whether it was said that the curves cannot be drawn.
    undrawn: bool,
    /// Why nothing can be shown any more.
    ended: Option<Stop>,
}

/// The file for TensorBoard.
enum Events {
    /// Nobody wants it, or it cannot be written, which was said.
    Unwanted,
    /// It is begun with the run.
    Wanted,
    /// It is there.
    Begun(EventFile),
}

impl Screen<'_, '_> {
    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Started { epoch, batch, epochs, batches, history } => {
                self.progress.begin(epochs, batches);
                if epoch > 0 || batch > 0 {
                    self.note(&format!("goes on after epoch {epoch} and {}\n", batches_of(batch)));
                }
                if self.prepared.recipe.print.is_none() {
                    history.records.iter().for_each(|record| self.line(&self.progress.line(record, false)));
                }
                self.history = history.clone();
                if matches!(self.events, Events::Wanted) {
                    let begun = EventFile::begin(&self.prepared.recipe.output, &history.records);
                    self.told(begun.map(Events::Begun));
                }
            }
            Event::Stepped { epoch, batch, pictures, loss } => self.progress.step(epoch, batch, pictures, loss),
            Event::Validated { seen, count } => self.progress.validate(seen, count),
            Event::Epoch { record, history, is_best } => {
                self.progress.clear();
                if self.prepared.recipe.print.is_none() {
                    self.line(&self.progress.line(record, is_best));
                }
                self.history = history.clone();
                self.draw();
                if let Events::Begun(mut file) = std::mem::replace(&mut self.events, Events::Unwanted) {
                    let added = file.epoch(record);
                    self.told(added.map(|()| Events::Begun(file)));
                }
            }
            Event::Printed { epoch, step, loss, parameters, .. } => {
                self.progress.clear();
                let step = (self.prepared.setup.batches > 1).then_some(step);
                self.line(&printed(epoch, step, loss, parameters));
            }
            Event::Noted(note) => {
                self.progress.clear();
                self.console.tell(std::slice::from_ref(note), &self.prepared.files);
            }
            Event::Skipped(one) => {
                self.progress.clear();
                self.console.tell(&[one.note()], &self.prepared.files);
            }
            // What else happens, a checkpoint that was written among it, is not shown.
            _ => {}
        }
    }

    fn line(&mut self, text: &str) {
        let printed = self.console.print(text).and_then(|()| self.console.finish());
        self.ended = self.ended.take().or(printed.err());
    }

    fn note(&mut self, text: &str) {
        self.progress.clear();
        self.console.note(text);
    }

    /// Goes on with a file for TensorBoard; one that cannot be written is no reason to end a training.
    fn told(&mut self, events: io::Result<Events>) {
        self.events = events.unwrap_or_else(|error| {
            self.progress.clear();
            self.console.remark(Code::E601, format!("no events are written for TensorBoard: {error}"));
            Events::Unwanted
        });
    }

    /// Draws the curves; a picture that cannot be written is no reason to end a training.
    fn draw(&mut self) {
        let Prepared { recipe, model, .. } = self.prepared;
        let svg = draw::curves::curves(model.name(), &self.history, recipe.epochs);
        let written = write_whole(&recipe.output.join(CURVES), |writer| writer.write_all(svg.as_bytes()));
        let reason = written.err().map(|failure| failure.message.clone());
        let Some(reason) = reason else { return };
        if !self.undrawn {
            self.progress.clear();
            self.console.remark(Code::E601, format!("no curves are drawn: {reason}"));
        }
        self.undrawn = true;
    }
}

/// `epoch 2, loss 16.893`, with the step where an epoch has several, and parameters behind, or below where they are long.
fn printed(epoch: usize, step: Option<u64>, loss: Option<f64>, parameters: &[(&str, Arc<Tensor>)]) -> String {
    let mut text = format!("epoch {epoch}");
    text += &step.map_or_else(String::new, |step| format!(", step {step}"));
    text += &loss.map_or_else(String::new, |loss| format!(", loss {loss:.3}"));
    for (key, tensor) in parameters {
        let values = values(tensor);
        text += &match values.contains('\n') {
            true => format!("\n{key} {:?}\n{values}", tensor.shape()),
            false => format!(", {key} {values}"),
        };
    }
    text + "\n"
}

fn batches_of(batch: usize) -> String {
    counted(batch, "batch").replace("batchs", "batches")
}

/// How a run that was stopped goes on.
fn stopped(epoch: usize, batch: usize, arguments: &Train) -> String {
    let mut command = format!("cnnc train {}", arguments.recipe.recipe.display());
    let paths = [("--data", &arguments.recipe.data), ("--output", &arguments.recipe.output)];
    for (name, path) in paths.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
        command += &format!(" {name} {}", path.display());
    }
    for set in &arguments.recipe.set {
        command += &format!(" --set '{set}'");
    }
    if let Some(epochs) = arguments.epochs {
        command += &format!(" --epochs {epochs}");
    }
    if let Some(device) = arguments.recipe.device {
        command += &format!(" --device {device}");
    }
    if arguments.tensorboard {
        command += " --tensorboard";
    }
    format!("stopped after epoch {epoch} and {}; `{command} --resume` goes on\n", batches_of(batch))
}

/// The last words: curves, the best epoch, where everything is.
fn finish(ending: &Ending, history: &History, prepared: &Prepared, console: &mut Console<'_>) -> Outcome {
    let Prepared { recipe, .. } = prepared;
    let curves = draw::terminal::curves(history, console);
    console.print(&curves)?;
    if *ending == Ending::Early {
        console.print("ended early: nothing became better\n")?;
    }
    if let Some(best) = history.best(recipe.monitor) {
        let worth = match (best.val_map, best.val_accuracy) {
            (Some(share), _) => format!("val mAP {:.2} %", 100.0 * share),
            (None, Some(share)) => format!("val accuracy {:.2} %", 100.0 * share),
            (None, None) => format!("val loss {:.4}", best.val_loss),
        };
        let file = recipe.output.join(BEST);
        let place = if file.exists() {
            format!(": {}", file.display())
        } else {
            ", whose weights are not there any more".into()
        };
        console.print(&format!("best: epoch {}, {worth}{place}\n", best.epoch))?;
    }
    match recipe.output.join(CURVES) {
        picture if picture.is_file() => console.print(&format!("curves: {}\n", picture.display())),
        _ => Ok(()),
    }
}
