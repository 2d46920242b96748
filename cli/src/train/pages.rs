//! The page of a run, written anew after its epochs.
//!
//! Epochs that take less time than a page is worth do not wait for it: pages take at most a twentieth of the run's time, and the
//! last epoch that has none yet gets it when the run ends.

use crate::recipe::Prepared;
use crate::report::Report;
use cnnc_runtime::Result;
use cnnc_runtime::train::{Evaluation, History, REPORT};
use std::time::{Duration, Instant};

/// The share of a run's time that pages may take: one in so many.
const SHARE: u32 = 20;

/// When the page of a run is written.
pub struct Pages {
    names: Vec<String>,
    begun: Instant,
    spent: Duration,
    /// Whether there is one.
    is_there: bool,
    /// What the last epoch was worth, of which there is no page yet.
    waiting: Option<Box<Evaluation>>,
}

impl Pages {
    /// Of a run that begins.
    pub fn new(prepared: &Prepared) -> Pages {
        let names = prepared.names_of_answers(prepared.model.labels());
        Pages { names, begun: Instant::now(), spent: Duration::ZERO, is_there: false, waiting: None }
    }

    /// An epoch is over: its page is written, or waits.
    ///
    /// # Errors
    /// As [`Report::write`].
    pub fn epoch(&mut self, prepared: &Prepared, history: &History, evaluation: &Evaluation) -> Result<()> {
        if self.is_there && self.spent * SHARE > self.begun.elapsed() {
            self.waiting = Some(Box::new(evaluation.clone()));
            return Ok(());
        }
        self.write(prepared, history, evaluation)
    }

    /// The run ends: what waits is written.
    ///
    /// # Errors
    /// As [`Report::write`].
    pub fn finish(&mut self, prepared: &Prepared, history: &History) -> Result<()> {
        match self.waiting.take() {
            Some(evaluation) => self.write(prepared, history, &evaluation),
            None => Ok(()),
        }
    }

    fn write(&mut self, prepared: &Prepared, history: &History, evaluation: &Evaluation) -> Result<()> {
        let start = Instant::now();
        (self.is_there, self.waiting) = (true, None);
        let (epoch, epochs) = (history.records.len(), prepared.recipe.epochs);
        let of = format!("after epoch {epoch} of {epochs}, on the set for validation");
        let report = Report { prepared, names: &self.names, evaluation, history, of };
        let written = report.write(&prepared.recipe.output.join(REPORT));
        self.spent += start.elapsed();
        written
    }
}
