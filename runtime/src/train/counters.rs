//! Whether a checkpoint's counters can be: what no run by this recipe on these data can have come to is refused before
//! anything is added to it.

use super::checkpoint::{Progress, Sums, with_previous};
use super::learning::changes;
use super::recipe::Recipe;
use super::setup::Setup;
use crate::Result;
use crate::data::DataSet;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;
use std::path::Path;

/// Holds counters against each other and against recipe and data; the settings are known to be the same.
///
/// # Errors
/// E611 with everything that cannot be.
pub fn check(path: &Path, progress: &Progress, recipe: &Recipe, setup: &Setup, data: &DataSet) -> Result<()> {
    let mut notes =
        [of_history(progress), of_epoch(progress, recipe, setup, data), of_steps(progress, recipe, setup)].concat();
    notes.extend(of_freed(progress, recipe, setup));
    if notes.is_empty() {
        return Ok(());
    }
    let message = format!("`{}` has counters that no run can come to", path.display());
    let mut refused = failure(Code::E611, message);
    refused.notes = notes;
    Err(with_previous(path, refused))
}

/// A record for each epoch that is over, of numbers that can be measured.
fn of_history(progress: &Progress) -> Vec<String> {
    let Progress { epoch, history, .. } = progress;
    let records = &history.records;
    let mut notes = Vec::new();
    if records.len() != *epoch {
        notes.push(format!("`epoch` is {epoch}, and its history has {} epochs", records.len()));
    }
    for (record, number) in records.iter().zip(1..) {
        if record.epoch != number {
            notes.push(format!("epoch {number} of its history is numbered {}", record.epoch));
        }
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        let is_amount = |amount: f64| amount >= 0.0 && amount.is_finite();
        let numbers = [
            ("train_loss", record.train_loss, record.train_loss.is_finite()),
            ("train_accuracy", record.train_accuracy.unwrap_or(0.0), record.train_accuracy.is_none_or(is_share)),
            ("val_accuracy", record.val_accuracy.unwrap_or(0.0), record.val_accuracy.is_none_or(is_share)),
            ("val_map", record.val_map.unwrap_or(0.0), record.val_map.is_none_or(is_share)),
            ("learning_rate", record.learning_rate, is_amount(record.learning_rate)),
            ("seconds", record.seconds, is_amount(record.seconds)),
            ("images_per_second", record.images_per_second, is_amount(record.images_per_second)),
        ];
        let wrong = numbers.into_iter().filter(|(_, _, fits)| !fits);
        notes.extend(wrong.map(|(name, value, _)| format!("`{name}` of epoch {number} is {value}")));
    }
    notes.truncate(20);
    notes
}

/// Batches of the epoch that was begun, and what they came to.
fn of_epoch(progress: &Progress, recipe: &Recipe, setup: &Setup, data: &DataSet) -> Vec<String> {
    let Progress { batch, sums: Sums { loss, weight, correct, seen, seconds }, .. } = progress;
    let mut notes = Vec::new();
    if *batch > setup.batches {
        notes.push(format!("`batch` is {batch}, and an epoch has {} batches", setup.batches));
    }
    let most = batch.saturating_mul(recipe.batch_size).min(data.train.len());
    let all_are_seen = !recipe.data.skip_corrupt;
    if *seen > most || (all_are_seen && *seen != most) {
        let wanted = if all_are_seen { "that is" } else { "that is at most" };
        notes.push(format!(
            "`seen` is {seen} pictures after {batch} batches of {}, and {wanted} {most}",
            recipe.batch_size
        ));
    }
    if let Some(correct) = correct.filter(|correct| correct > seen) {
        notes.push(format!("`correct` is {correct} of {seen} pictures"));
    }
    if !loss.is_finite() || (*seen == 0 && *loss != 0.0) {
        notes.push(format!("`loss` is {loss} over {seen} pictures"));
    }
    if !(weight.is_finite() && *weight >= 0.0) {
        notes.push(format!("`weight` is {weight} over {seen} pictures"));
    }
    if !(seconds.is_finite() && *seconds >= 0.0) {
        notes.push(format!("`seconds` is {seconds}"));
    }
    notes
}

/// A step for each batch; those whose pictures were all left out have none.
fn of_steps(progress: &Progress, recipe: &Recipe, setup: &Setup) -> Vec<String> {
    let Progress { epoch, batch, step, .. } = progress;
    let batches = epoch.checked_mul(setup.batches).and_then(|before| before.checked_add(*batch));
    let fits = batches.is_some_and(|batches| match recipe.data.skip_corrupt {
        true => *step <= batches as u64,
        false => *step == batches as u64,
    });
    if fits {
        return Vec::new();
    }
    vec![format!("`step` is {step} after {epoch} epochs of {} batches and {batch} batches", setup.batches)]
}

/// The steps before each epoch that was begun with something free that was frozen before.
fn of_freed(progress: &Progress, recipe: &Recipe, setup: &Setup) -> Vec<String> {
    let Progress { epoch, batch, begun, step, .. } = progress;
    let is_begun = |change: &usize| change < epoch || (change == epoch && *batch > 0);
    let expected: Vec<usize> = changes(recipe).into_iter().filter(is_begun).collect();
    if !begun.keys().eq(&expected) {
        let found: Vec<&usize> = begun.keys().collect();
        return vec![format!("`begun` has the epochs {found:?}, and the recipe's are {expected:?}")];
    }
    let fits = |(change, steps): (&usize, &u64)| {
        let all = change.saturating_mul(setup.batches) as u64;
        steps <= step && if recipe.data.skip_corrupt { *steps <= all } else { *steps == all }
    };
    match begun.iter().all(fits) && begun.values().is_sorted() {
        true => Vec::new(),
        false => vec![format!("`begun` is {begun:?} after {step} steps")],
    }
}
