//! `cnnc run [FILE]`: runs a model on the CPU or a GPU and prints its answer.
//!
//! Without FILE, the LeNet that the executable holds, on the picture that it holds. What is not given is drawn, and standard
//! error says so: parameters from the spec's initialisers, the input evenly from −1 to 1.

use crate::answer;
use crate::arguments::Run;
use crate::console::{Console, Outcome};
use crate::embedded;
use crate::outputs::{self, Read};
use crate::{device, model, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::input::{Loaded, save_npy};
use cnnc_runtime::{Model, PrepareOptions, Tensor, Weights};
use std::sync::Arc;

/// Runs once.
pub fn run(arguments: &Run, console: &mut Console<'_>) -> Outcome {
    let device = device::open(&arguments.device, arguments.threads, console);
    let device = device.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let model = model(arguments, console)?;
    let inputs = inputs(arguments, &model, console)?;
    let names: Vec<Arc<str>> = model.outputs().cloned().collect();
    let files = arguments.output.as_ref().map_or_else(Vec::new, |path| outputs::of_answers(path, &names));
    for file in &files {
        let checked = outputs::check(file, reads(arguments, &model));
        checked.map_err(|diagnostic| console.fail(&diagnostic, &Files::default()))?;
    }
    let weights = weights(arguments, &model, console)?;
    let mut options = PrepareOptions::default().once().sizes_of(&inputs);
    options.exact = arguments.exact;
    let prepared = model.prepare_watched(&weights, &device, options, console);
    let mut session = prepared.map_err(|report| console.show(&report))?.session();
    let answers = console.timed("run", || session.run(&inputs));
    let answers = answers.map_err(|failure| console.fail(&failure, model.files()))?.all();
    for (file, answer) in files.iter().zip(answers) {
        save_npy(file, answer).map_err(|failure| console.fail(&failure, model.files()))?;
    }
    let text = answer::text(&names, answers, model.graph().graph.labels.as_deref(), console);
    console.print(&text)
}

/// The model of the file, or the embedded one.
fn model(arguments: &Run, console: &mut Console<'_>) -> Outcome<Model> {
    match &arguments.file {
        Some(file) => model::load(file, &arguments.model, console),
        None => model::load_from(embedded::SPEC_NAME, &embedded::Embedded, &arguments.model, console),
    }
}

/// What the command reads besides the executable itself.
fn reads<'a>(arguments: &'a Run, model: &'a Model) -> impl Iterator<Item = Read<'a>> {
    let sources = arguments.file.iter().flat_map(|_| outputs::sources(model.files()));
    let weights = arguments.weights.weights.iter().map(|path| Read { role: "the weights", path });
    sources.chain(weights).chain(arguments.input.iter().map(|path| Read { role: "an input", path }))
}

fn weights(arguments: &Run, model: &Model, console: &mut Console<'_>) -> Outcome<Weights> {
    if arguments.file.is_none() && arguments.weights.weights.is_none() {
        let loaded = console.timed("weights", || embedded::weights(model));
        return loaded.map_err(|failure| console.fail(&failure, model.files()));
    }
    weights::load_or_draw(model, &arguments.weights, arguments.seed, console)
}

/// The inputs in order: read from the files, the embedded picture, or drawn. Drawn ones come last, when all sizes that files give
/// are known.
fn inputs(arguments: &Run, model: &Model, console: &mut Console<'_>) -> Outcome<Vec<Tensor>> {
    let (given, taken) = (arguments.input.len(), model.inputs().len());
    if given > taken {
        let message = format!("{given} inputs are given, and {} takes {taken}", model.name());
        return Err(console.fail(&Diagnostic::without_place(Code::E604, message), &Files::default()));
    }
    let mut reader = model.reader();
    let mut tensors = Vec::new();
    for number in 0..taken {
        let read = match arguments.input.get(number) {
            Some(path) => console.timed("input", || reader.read(number, path)),
            None if arguments.file.is_none() => reader.read_by(number, embedded::picture),
            None => break,
        };
        let Loaded { tensor, notes } = read.map_err(|failure| console.fail(&failure, &Files::default()))?;
        console.tell(&notes, &Files::default());
        tensors.push(tensor);
    }
    for number in tensors.len()..taken {
        let drawn = reader.drawn(number, arguments.seed);
        let Loaded { tensor, notes } = drawn.map_err(|failure| console.fail(&failure, &Files::default()))?;
        console.tell(&notes, &Files::default());
        tensors.push(tensor);
    }
    Ok(tensors)
}
