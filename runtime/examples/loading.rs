//! How fast the pictures of a recipe come: its training set is decoded and transformed epoch after epoch, nothing is trained, and
//! pictures a second are printed, an epoch a line: `cargo run --release --example loading -- RECIPE.yaml 3`.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_grammar::span::Files;
use cnnc_runtime::data::load;
use cnnc_runtime::train::{Setup, network, open_data, recipe, training_job};
use std::time::Instant;

/// What the first problem says; `cnnc train` says all of them, with their places.
fn first(problems: Vec<Diagnostic>) -> String {
    problems.into_iter().next().map_or_else(String::new, |problem| problem.message)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "models/recipes/small.yaml".into());
    let epochs = arguments.next().and_then(|epochs| epochs.parse().ok()).unwrap_or(3);
    let text = recipe::load(path.as_ref())?;
    let mut files = Files::default();
    let file = files.add(path.as_str(), text.as_str());
    let recipe = recipe::read(&text, file, path.as_ref()).map_err(first)?;
    let (problems, model) = network(&recipe, &mut files, &mut ());
    let Some(model) = model else { return Err(first(problems).into()) };
    let data = open_data(&recipe, model.graph())?;
    let setup = Setup::new(&recipe, model.graph(), &data)?;
    for epoch in 0..epochs {
        let (begun, mut pictures) = (Instant::now(), 0);
        for batch in load(&training_job(&recipe, &data, &setup, (epoch, 0))) {
            pictures += batch?.len();
        }
        println!("{:.1}", pictures as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(())
}
