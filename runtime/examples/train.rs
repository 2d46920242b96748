//! Trains by a recipe, the one that is named or one of some seconds, and prints a line an epoch. Run it where `models/` is.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_runtime::train::{Event, fit};
use cnnc_runtime::{Cancel, Error};

fn main() -> Result<(), Error> {
    let recipe = std::env::args().nth(1).unwrap_or_else(|| "models/recipes/small.yaml".into());
    let ending = fit(recipe, &Cancel::default(), &mut |event| {
        if let Event::Epoch { record, .. } = event {
            println!(
                "epoch {}: loss {:.3}, {:.1} % right",
                record.epoch,
                record.train_loss,
                100.0 * record.val_accuracy.unwrap_or(f64::NAN)
            );
        }
    })?;
    println!("{ending:?}");
    Ok(())
}
