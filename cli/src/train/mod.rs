//! `cnnc train RECIPE.yaml`: trains, and shows it: a bar and a line for each epoch, curves as SVG and in the terminal, a page.
//!
//! Standard output has the lines, standard error the bar and notes. Ctrl-C, a polite kill and a terminal that is closed end
//! it after the step, with a checkpoint; a second Ctrl-C or kill ends it at once.

mod find_lr;
mod pages;
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
use cnnc_compiler::graph::Parameter;
use cnnc_runtime::train::checkpoint::{self, BEST};
use cnnc_runtime::train::recipe::never_free;
use cnnc_runtime::train::{CURVES, Ending, Event, History, REPORT, Record, Run, RunFolder, learn};
use cnnc_runtime::{Result, Tensor, write_whole};
use pages::Pages;
use progress::Progress;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tensorboard::EventFile;

/// What is said where the page cannot be written.
const PAGE: &str = "no page is written";

/// Trains.
pub fn run(arguments: &Train, console: &mut Console<'_>) -> Outcome {
    let mut prepared = Prepared::new(&arguments.recipe, Asked::Both, console)?;
    if let Some(epochs) = arguments.epochs {
        prepared.recipe.epochs = epochs as usize;
        prepared.recipe.keys.insert("epochs".into(), epochs.to_string());
        if let Some(frozen) = never_free(&prepared.recipe.freeze, prepared.recipe.epochs) {
            let message = format!("`--epochs {epochs}` ends before what is frozen for {frozen} epochs becomes free");
            console.remark(Code::E609, message);
        }
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
    let (history, pages, undrawn) = (History::default(), Pages::new(&prepared), Vec::new());
    let events = if arguments.tensorboard { Events::Wanted } else { Events::Unwanted };
    let mut screen = Screen { progress, prepared: &prepared, console, history, pages, events, undrawn, ended: None };
    let ending = go(&prepared, folder, resume.as_deref(), &stop, &mut screen);
    screen.finish();
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
    let [numbers, learnt] = [prepared.model.numbers(|one| one.trainable), prepared.model.numbers(Parameter::is_learnt)];
    let frozen = if learnt < numbers { format!(", of which {} learn", grouped(learnt as u64)) } else { String::new() };
    let (train, validation) = (prepared.data.train.len() as u64, prepared.data.validation.len() as u64);
    format!(
        "{}: {}{frozen}; {} + {} {}{}; {} of {} an epoch\nall goes to {}\n",
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
    /// The page of the run.
    pages: Pages,
    /// What was said not to be drawn.
    undrawn: Vec<&'static str>,
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
                self.progress.begin(epoch + 1, epochs, batches);
                if epoch > 0 || batch > 0 {
                    self.note(&format!("goes on after epoch {epoch} and {}\n", batches_of(batch)));
                }
                for (record, is_best) in history.records.iter().zip(history.bests(self.prepared.recipe.monitor)) {
                    self.epoch(record, is_best);
                }
                self.history = history.clone();
                if matches!(self.events, Events::Wanted) {
                    let begun = EventFile::begin(&self.prepared.recipe.output, &history.records);
                    self.told(begun.map(Events::Begun));
                }
            }
            Event::Unfrozen { epoch, learnt, of } => {
                let [learnt, of] = [learnt, of].map(|numbers| grouped(numbers as u64));
                self.note(&format!("from epoch {epoch} on {learnt} of {of} parameters learn\n"));
            }
            Event::Stepped { epoch, batch, pictures, loss } => self.progress.step(epoch, batch, pictures, loss),
            Event::Validated { seen, count } => self.progress.validate(seen, count),
            Event::Epoch { record, history, is_best, evaluation } => {
                self.progress.clear();
                self.epoch(record, is_best);
                self.history = history.clone();
                self.draw();
                let written = self.pages.epoch(self.prepared, history, evaluation);
                self.drawn(written, PAGE);
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

    /// The line of an epoch, unless the recipe wants others.
    fn epoch(&mut self, record: &Record, is_best: bool) {
        let mark = if is_best { format!("  {}", self.console.green("best")) } else { String::new() };
        let line = self.progress.line(record, &mark);
        if self.prepared.recipe.print.is_none() {
            self.line(&line);
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

    /// Draws the curves.
    fn draw(&mut self) {
        let Prepared { recipe, model, .. } = self.prepared;
        let svg = draw::curves::curves(model.name(), &self.history, recipe.epochs);
        let written = write_whole(&recipe.output.join(CURVES), |writer| writer.write_all(svg.as_bytes()));
        self.drawn(written, "no curves are drawn");
    }

    /// The run ends.
    fn finish(&mut self) {
        let written = self.pages.finish(self.prepared, &self.history);
        self.drawn(written, PAGE);
    }

    /// A picture or a page that cannot be written is said once, and no reason to end a training.
    fn drawn(&mut self, written: Result<()>, without: &'static str) {
        let Err(failure) = written else { return };
        if !self.undrawn.contains(&without) {
            self.progress.clear();
            self.console.remark(Code::E601, format!("{without}: {}", failure.message));
            self.undrawn.push(without);
        }
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
    for (what, file) in [("curves", CURVES), ("page", REPORT)] {
        let path = recipe.output.join(file);
        if path.is_file() {
            console.print(&format!("{what}: {}\n", path.display()))?;
        }
    }
    Ok(())
}
