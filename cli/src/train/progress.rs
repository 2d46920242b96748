//! The bar of an epoch on standard error, where that is a terminal, with the time that is left, and the line that is left of it.

use crate::console::Console;
use crate::numbers::{clock, grouped};
use cnnc_runtime::train::Record;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Instant;

const TEMPLATE: &str = "epoch {prefix} {bar:24} {pos:>4}/{len}  {wide_msg}";

/// Shows how far an epoch is.
pub struct Progress {
    bar: ProgressBar,
    /// What samples are called: pictures.
    noun: &'static str,
    epochs: usize,
    /// When this epoch's first step was done, and pictures since.
    start: Option<Instant>,
    pictures: usize,
    /// Seconds that the last whole epoch took, its validation included.
    epoch_seconds: Option<f64>,
}

impl Progress {
    /// No bar yet; there is never one where standard error is no terminal.
    pub fn new(noun: &'static str, console: &Console<'_>) -> Progress {
        let bar = ProgressBar::new(0);
        bar.set_draw_target(match console.shows_progress {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Progress { bar, noun, epochs: 0, start: None, pictures: 0, epoch_seconds: None }
    }

    /// A run of so many epochs and batches begins, or goes on, with an epoch.
    pub fn begin(&mut self, epoch: usize, epochs: usize, batches: usize) {
        self.epochs = epochs;
        self.bar.set_prefix(format!("{epoch}/{epochs}"));
        self.bar.set_length(batches as u64);
    }

    /// A step is done.
    pub fn step(&mut self, epoch: usize, batch: usize, pictures: usize, loss: f64) {
        let start = *self.start.get_or_insert_with(Instant::now);
        let rate = self.pictures as f64 / start.elapsed().as_secs_f64().max(1e-9);
        if self.pictures > 0 {
            let batches_left = self.bar.length().unwrap_or(0).saturating_sub(batch as u64);
            let seconds_of = |batches: u64| batches as f64 * pictures as f64 / rate.max(1e-9);
            let left = seconds_of(batches_left);
            // Before an epoch is over nobody knows how long validation takes.
            let whole = self.epoch_seconds.unwrap_or_else(|| seconds_of(self.bar.length().unwrap_or(0)));
            let of_run = left + self.epochs.saturating_sub(epoch) as f64 * whole;
            let run = if epoch < self.epochs { format!(", run {}", clock(of_run)) } else { String::new() };
            let rate = grouped(rate as u64);
            self.bar.set_message(format!("loss {loss:.4}  {rate} {}/s  {} left{run}", self.noun, clock(left)));
        }
        self.pictures += pictures;
        self.bar.set_prefix(format!("{epoch}/{}", self.epochs));
        self.bar.set_position(batch as u64);
    }

    /// Validation goes on.
    pub fn validate(&mut self, seen: usize, count: usize) {
        self.bar.set_message(format!("validates {} of {}", grouped(seen as u64), grouped(count as u64)));
    }

    /// Takes the bar away, until the next step.
    pub fn clear(&mut self) {
        self.bar.set_message("");
        self.bar.finish_and_clear();
        self.bar.reset();
        (self.start, self.pictures) = (None, 0);
    }

    /// The line of an epoch, with a mark where it is the best so far.
    pub fn line(&mut self, record: &Record, mark: &str) -> String {
        self.epoch_seconds = Some(record.seconds);
        let Record { epoch, train_loss, val_loss, learning_rate, seconds, images_per_second, .. } = record;
        let width = self.epochs.to_string().len();
        let accuracy =
            record.val_accuracy.map_or_else(String::new, |share| format!("  val accuracy {:.2} %", 100.0 * share));
        let map = record.val_map.map_or_else(String::new, |share| format!("  val mAP {:.2} %", 100.0 * share));
        let rate = grouped(*images_per_second as u64);
        format!(
            "epoch {epoch:>width$}/{}  train loss {train_loss:.4}  val loss {val_loss:.4}{map}{accuracy}  \
             lr {learning_rate:.4}  {seconds:.1} s  {rate} {}/s{mark}\n",
            self.epochs, self.noun
        )
    }
}
