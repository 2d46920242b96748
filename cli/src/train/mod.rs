//! `cnnc train RECIPE.yaml`: trains, and shows it: a bar and a line for each epoch, curves as SVG and in the terminal.
//!
//! Standard output has the lines, standard error the bar and notes. Ctrl-C (or a polite kill) ends after the step, with a checkpoint;
//! a second one ends at once.

mod progress;

use crate::arguments::Train;
use crate::console::{Console, Outcome, Stop};
use crate::draw;
use crate::numbers::{counted, grouped};
use crate::recipe::Prepared;
use clap::ValueEnum;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_runtime::train::checkpoint::{self, BEST};
use cnnc_runtime::train::{Ending, Event, History, Run, StepLearner, train};
use cnnc_runtime::{Parameters, Result, write_whole};
use progress::Progress;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The exit code of a process that a second Ctrl-C ends.
const INTERRUPTED: i32 = 130;

/// Trains.
pub fn run(arguments: &Train, console: &mut Console<'_>) -> Outcome {
    let mut prepared = Prepared::new(&arguments.recipe, console)?;
    if let Some(epochs) = arguments.epochs {
        prepared.recipe.epochs = epochs as usize;
    }
    prepared.recipe.training.recompute |= arguments.recompute;
    let prepared = prepared;
    let resume = arguments.resume.as_ref().and_then(|named| checkpoint_of(named.as_deref(), &prepared, console));
    console.print(&headline(&prepared))?;
    console.finish()?;
    let stop = stop_on_signals().map_err(|error| {
        let message = format!("cannot listen to signals: {error}");
        console.fail(&Diagnostic::without_place(Code::E601, message), &prepared.files)
    })?;
    let mut screen = Screen { progress: Progress::new(console), prepared: &prepared, console, ended: None };
    let ending = go(&prepared, resume.as_deref(), &stop, &mut screen);
    let Screen { console, ended, .. } = screen;
    if let Some(stop) = ended {
        return Err(stop);
    }
    match ending {
        Ok(ending) => finish(&ending, arguments, &prepared, console),
        Err(failure) => Err(console.fail(&failure, &prepared.files)),
    }
}

/// A line about network and data.
fn headline(prepared: &Prepared) -> String {
    let parameters = prepared.graph.graph.parameters.iter().filter(|parameter| parameter.trainable);
    let numbers: usize = parameters.map(|parameter| parameter.shape.iter().product::<usize>()).sum();
    let (train, validation) = (prepared.data.train.len() as u64, prepared.data.validation.len() as u64);
    format!(
        "{}: {}; {} + {} pictures in {}; {} of {} an epoch\n",
        prepared.graph.graph.name,
        counted(numbers, "parameter"),
        grouped(train),
        grouped(validation),
        counted(prepared.data.classes, "class").replace("classs", "classes"),
        counted(prepared.setup.batches, "batch").replace("batchs", "batches"),
        prepared.recipe.batch_size,
    )
}

fn go(prepared: &Prepared, resume: Option<&Path>, stop: &AtomicBool, screen: &mut Screen<'_, '_>) -> Result<Ending> {
    let Prepared { recipe, graph, data, setup, opened, .. } = prepared;
    let parameters = Parameters::draw(&graph.graph, recipe.seed)?;
    let [channels, height, width] = setup.train.shape();
    let shape = [recipe.batch_size.min(data.train.len()), channels, height, width];
    let backend = opened.backend();
    let mut learner = StepLearner::new(graph, recipe.training, &parameters, shape, setup.classes, backend)?;
    let run = Run { recipe, graph, data, setup: setup.clone(), resume, stop, backend };
    train(&run, &mut learner, &mut |event| screen.show(event))
}

/// The checkpoint to go on from: the one named, or the run's newest; `None` when the run was ended before it had any.
fn checkpoint_of(named: Option<&Path>, prepared: &Prepared, console: &mut Console<'_>) -> Option<PathBuf> {
    if let Some(path) = named {
        return Some(path.to_owned());
    }
    let newest = checkpoint::newest(&prepared.recipe.output);
    if !newest.exists() {
        console.note(&format!("note: there is no `{}` to go on from; the run begins\n", newest.display()));
        return None;
    }
    Some(newest)
}

/// A flag that the first signal sets; the second ends the process.
fn stop_on_signals() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, INTERRUPTED, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

/// Shows what happens.
struct Screen<'s, 'c> {
    progress: Progress,
    prepared: &'s Prepared,
    console: &'s mut Console<'c>,
    /// Why nothing can be shown any more.
    ended: Option<Stop>,
}

impl Screen<'_, '_> {
    fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Started { epoch, batch, epochs, batches, history } => {
                self.progress.begin(epochs, batches);
                if epoch > 0 || batch > 0 {
                    self.note(&format!("goes on after epoch {epoch} and {}\n", batches_of(batch)));
                }
                history.records.iter().for_each(|record| self.line(&self.progress.line(record, false)));
            }
            Event::Stepped { epoch, batch, pictures, loss } => self.progress.step(epoch, batch, pictures, loss),
            Event::Validated { seen, count } => self.progress.validate(seen, count),
            Event::Epoch { record, history, is_best } => {
                self.progress.clear();
                self.line(&self.progress.line(record, is_best));
                self.draw(history);
            }
            Event::Skipped(one) => self.note(&format!("note: left out: {}\n", one.reason)),
            Event::Saved(_) => {}
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

    fn draw(&mut self, history: &History) {
        let Prepared { recipe, graph, .. } = self.prepared;
        let svg = draw::curves::curves(&graph.graph.name, history, recipe.epochs);
        let written = write_whole(&recipe.output.join("curves.svg"), |writer| writer.write_all(svg.as_bytes()));
        if let Err(failure) = written {
            self.ended = Some(self.console.fail(&failure, &self.prepared.files));
        }
    }
}

fn batches_of(batch: usize) -> String {
    counted(batch, "batch").replace("batchs", "batches")
}

/// The last words: curves, the best epoch, where everything is.
fn finish(ending: &Ending, arguments: &Train, prepared: &Prepared, console: &mut Console<'_>) -> Outcome {
    let Prepared { recipe, .. } = prepared;
    if let Ending::Stopped { epoch, batch } = ending {
        let data =
            arguments.recipe.data.as_ref().map_or_else(String::new, |data| format!(" --data {}", data.display()));
        let output = arguments
            .recipe
            .output
            .as_ref()
            .map_or_else(String::new, |output| format!(" --output {}", output.display()));
        let epochs = arguments.epochs.map_or_else(String::new, |epochs| format!(" --epochs {epochs}"));
        let device = arguments.recipe.device.and_then(|device| device.to_possible_value());
        let device = device.map_or_else(String::new, |device| format!(" --device {}", device.get_name()));
        let recipe = arguments.recipe.recipe.display();
        let after = batches_of(*batch);
        console.note(&format!(
            "stopped after epoch {epoch} and {after}; `cnnc train {recipe}{data}{output}{epochs}{device} --resume` goes on\n"
        ));
        return Ok(());
    }
    let (_, progress) = checkpoint::load(&checkpoint::newest(&recipe.output))
        .map_err(|failure| console.fail(&failure, &prepared.files))?;
    let history = &progress.history;
    let curves = draw::terminal::curves(history, console);
    console.print(&curves)?;
    if *ending == Ending::Early {
        console.print("ended early: nothing became better\n")?;
    }
    if let Some(best) = history.best(recipe.monitor) {
        let (accuracy, epoch) = (100.0 * best.val_accuracy, best.epoch);
        let file = recipe.output.join(BEST);
        console.print(&format!("best: epoch {epoch}, val accuracy {accuracy:.2} %: {}\n", file.display()))?;
    }
    console.print(&format!("curves: {}\n", recipe.output.join("curves.svg").display()))
}
