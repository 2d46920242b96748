//! `cnnc run [FILE]`: runs a model on the CPU or a GPU and prints its answer.
//!
//! Without FILE, the LeNet that the executable holds, on the picture that it holds. What is not given is drawn, and standard
//! error says so: parameters from the spec's initialisers, the input evenly from −1 to 1. Where the spec leaves the batch open, a
//! file of many pictures is answered whole; of a folder each picture is answered for itself.

mod drawn;
mod explained;
mod folder;
mod printed;
mod rows;
mod seen;
mod shown;

use crate::answer::{self, Classes};
use crate::arguments::{Answers, InputSource, Run};
use crate::console::{Console, Outcome};
use crate::embedded;
use crate::inputs::{InItsPlace, inputs};
use crate::outputs::{self, Read};
use crate::{device, model, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::input::{pictures_of, save_npy};
use cnnc_runtime::{Device, Model, PrepareOptions, Session, Tensor, Weights};
pub use explained::Element;
pub use printed::Printed;
use rows::Rows;
use std::path::Path;
use std::sync::Arc;

/// Runs once.
pub fn run(arguments: &Run, console: &mut Console<'_>) -> Outcome {
    let device = device::open(&arguments.device, arguments.threads, console);
    let device = device.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let model = model(arguments, console)?;
    let outputs = model.outputs().len();
    // Pictures are of every layer, unless some are named.
    let every = ["all".to_owned()];
    let patterns = match (&arguments.pictures, arguments.show.as_slice()) {
        (Some(_), []) => every.as_slice(),
        (_, named) => named,
    };
    let paths = shown::paths(&model, patterns, console)?;
    let names: Vec<Arc<str>> = model.outputs().cloned().chain(paths.iter().map(|path| path.as_str().into())).collect();
    let files = arguments.output.as_ref().map_or_else(Vec::new, |path| outputs::of_answers(path, &names));
    for file in &files {
        let checked = outputs::check(file, reads(arguments, &model));
        checked.map_err(|diagnostic| console.fail(&diagnostic, &Files::default()))?;
    }
    if let Some(folder) = folder_of(arguments, &model, console)? {
        let listed = pictures_of(folder).map_err(|failure| console.fail(&failure, &Files::default()))?;
        let weights = weights(arguments, &model, &device, console)?;
        let mut session = session(arguments, &model, &weights, &device, None, console)?;
        let work =
            folder::Work { arguments, model: &model, classes: Classes::of(&weights), names: &names, files: &files };
        return folder::run(&work, folder, listed, &mut session, console);
    }
    let picture = arguments.file.is_none().then_some(embedded::picture as InItsPlace);
    let inputs = inputs(&model, &arguments.input, picture, arguments.seed, console)?;
    let weights = weights(arguments, &model, &device, console)?;
    if let Some(element) = &arguments.explain {
        let explanation = model.explain(&element.path, &element.index, &inputs, &weights, &device);
        let explanation = explanation.map_err(|error| console.show(&error))?;
        console.print(&(explained::text(element, &explanation, console) + &seen::words(&explanation, &model)))?;
        return match &arguments.pictures {
            Some(folder) => seen::pictures(folder, element, &explanation, (&model, &inputs), console),
            None => Ok(()),
        };
    }
    let mut session = session(arguments, &model, &weights, &device, Some((&inputs, &paths)), console)?;
    shown::note_fused(&model, &device, &paths, &inputs, console);
    let answers = console.timed("run", || session.run(&inputs));
    let answers = answers.map_err(|failure| console.fail(&failure, model.files()))?.all();
    for (file, answer) in files.iter().zip(answers) {
        save_npy(file, answer).map_err(|failure| console.fail(&failure, model.files()))?;
    }
    let classes = Classes::of(&weights);
    if let Some(folder) = &arguments.pictures {
        let values = shown::named(&model, &paths, answers.get(outputs..).unwrap_or_default());
        return drawn::pictures(folder, &model, &weights, &values, console);
    }
    if arguments.format == Answers::Text {
        let (given, inner) = answers.split_at(outputs);
        let part = arguments.print.as_ref();
        // Beside inner values it is a part of these.
        let text = answer::text(&names, given, classes, part.filter(|_| paths.is_empty()), console);
        let text = text.and_then(|text| Ok(text + &shown::text(&model, &paths, inner, part, console)?));
        return match text {
            Ok(text) => console.print(&text),
            Err(reason) => Err(console.fail(&Diagnostic::without_place(Code::E604, reason), &Files::default())),
        };
    }
    let mut rows = Rows::new(&names, classes, arguments.format == Answers::Json);
    let name = arguments.input.first().map_or_else(|| "input".into(), InputSource::name);
    match rows.batch(&name, answers) {
        Ok(text) => console.print(&(text + rows.end())),
        Err(reason) => Err(console.fail(&Diagnostic::without_place(Code::E604, reason), &Files::default())),
    }
}

/// The folder that is to be answered, if it is one.
fn folder_of<'a>(arguments: &'a Run, model: &Model, console: &mut Console<'_>) -> Outcome<Option<&'a Path>> {
    let folder = arguments.input.iter().filter_map(InputSource::file).find(|path| path.is_dir());
    match (folder, arguments.input.as_slice()) {
        (Some(_), [_]) if !arguments.show.is_empty() || arguments.pictures.is_some() => {
            let message = "--show and --pictures show the inner values of one input, and a folder has many";
            Err(console.fail(&Diagnostic::without_place(Code::E604, message), &Files::default()))
        }
        (Some(folder), [_]) if model.inputs().len() == 1 => Ok(Some(folder)),
        (folder, _) => match folder {
            None => Ok(None),
            Some(folder) => {
                let message = format!("`{}` is a folder, and {} takes several inputs", folder.display(), model.name());
                let refused = Diagnostic::without_place(Code::E604, message).help("give a file for each input");
                Err(console.fail(&refused, &Files::default()))
            }
        },
    }
}

/// A session with these weights, planned for these inputs alone and with inner values as more outputs, or for whatever comes.
fn session(
    arguments: &Run,
    model: &Model,
    weights: &Weights,
    device: &Device,
    once: Option<(&[Tensor], &[String])>,
    console: &mut Console<'_>,
) -> Outcome<Session> {
    let mut options = PrepareOptions::default();
    if let Some((inputs, paths)) = once {
        options = options.once().sizes_of(inputs);
        options.taps = paths.to_vec();
    }
    options.exact = arguments.exact;
    let prepared = model.prepare_watched(weights, device, options, console);
    Ok(prepared.map_err(|report| console.show(&report))?.session())
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
    let files = arguments.input.iter().filter_map(InputSource::file);
    sources.chain(weights).chain(files.map(|path| Read { role: "an input", path }))
}

fn weights(arguments: &Run, model: &Model, device: &Device, console: &mut Console<'_>) -> Outcome<Weights> {
    let weights = loaded(arguments, model, console)?;
    weights::in_precision(weights, arguments.device.gpu.precision, device, console)
}

fn loaded(arguments: &Run, model: &Model, console: &mut Console<'_>) -> Outcome<Weights> {
    if arguments.file.is_none() && arguments.weights.weights.is_none() {
        let loaded = console.timed("weights", || embedded::weights(model));
        return loaded.map_err(|failure| console.fail(&failure, model.files()));
    }
    weights::load_or_draw(model, &arguments.weights, arguments.seed, console)
}
