//! `cnnc run [FILE]`: runs a model on the CPU or a GPU and prints its answer.
//!
//! Without FILE, the LeNet that the executable holds, on the picture that it holds. What is not given is drawn, and standard
//! error says so: parameters from the spec's initialisers, the input evenly from −1 to 1.

use crate::answer;
use crate::arguments::Run;
use crate::console::{Console, Outcome};
use crate::device::Opened;
use crate::embedded;
use crate::outputs::{self, Read};
use crate::{model, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::plan::Target;
use cnnc_grammar::span::Files;
use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::input::{Loaded, save_npy};
use cnnc_runtime::{Model, Parameters, Tensor, input};
use std::sync::Arc;

/// Runs once.
pub fn run(arguments: &Run, console: &mut Console<'_>) -> Outcome {
    let (threads, exact) = (arguments.threads, arguments.exact);
    let options = CpuOptions { threads, exact, once: true, ..CpuOptions::default() };
    let opened = Opened::new(&arguments.device, options, console);
    let opened = opened.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let mut model = model(arguments, console)?.options(options);
    let inputs = inputs(arguments, &mut model, console)?;
    let compiled = model.compile(&target(&model, &opened, &inputs), console);
    let (plan, _) = compiled.map_err(|report| console.show(&report))?;
    let names: Vec<Arc<str>> = plan.outputs.iter().map(|output| output.name.clone()).collect();
    let files = arguments.output.as_ref().map_or_else(Vec::new, |path| outputs::of_answers(path, &names));
    for file in &files {
        let checked = outputs::check(file, reads(arguments, &model));
        checked.map_err(|diagnostic| console.fail(&diagnostic, &Files::default()))?;
    }
    let parameters = parameters(arguments, &model, console)?;
    let answers = console
        .timed("prepare", || opened.backend().prepare(plan.clone(), &parameters))
        .and_then(|mut executable| console.timed("run", || executable.run(&inputs).map(<[Tensor]>::to_vec)))
        .map_err(|failure| console.fail(&failure, &model.files))?;
    for (file, answer) in files.iter().zip(&answers) {
        save_npy(file, answer).map_err(|failure| console.fail(&failure, &model.files))?;
    }
    let text = answer::text(&names, &answers, model.graph.graph.labels.as_deref(), console);
    console.print(&text)
}

/// The device, with room left for what an engine keeps of the inputs.
fn target(model: &Model, opened: &Opened, inputs: &[Tensor]) -> Target {
    let host = match opened {
        Opened::Cpu(_) => model.target(),
        Opened::Cuda(_) => return opened.backend().target(),
    };
    let input_bytes = inputs.iter().map(|input| input.element().tensor_bytes(input.shape())).sum();
    Target { memory_bytes: host.memory_bytes.saturating_sub(input_bytes), ..host }
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
    let sources = arguments.file.iter().flat_map(|_| outputs::sources(&model.files));
    let weights = arguments.weights.weights.iter().map(|path| Read { role: "the weights", path });
    sources.chain(weights).chain(arguments.input.iter().map(|path| Read { role: "an input", path }))
}

fn parameters(arguments: &Run, model: &Model, console: &mut Console<'_>) -> Outcome<Parameters> {
    let graph = &model.graph.graph;
    if arguments.file.is_none() && arguments.weights.weights.is_none() {
        let loaded = console.timed("weights", || embedded::weights(graph));
        return loaded.map_err(|failure| console.fail(&failure, &model.files));
    }
    weights::load_or_draw(graph, &arguments.weights, arguments.seed, &model.files, console)
}

/// The inputs in order: read from the files, the embedded picture, or drawn. Drawn ones come last, when all sizes that files give
/// are known.
fn inputs(arguments: &Run, model: &mut Model, console: &mut Console<'_>) -> Outcome<Vec<Tensor>> {
    let (given, taken) = (arguments.input.len(), model.graph.graph.inputs.len());
    if given > taken {
        let message = format!("{given} inputs are given, and {} takes {taken}", model.graph.graph.name);
        return Err(console.fail(&Diagnostic::without_place(Code::E604, message), &Files::default()));
    }
    let mut tensors = Vec::new();
    for number in 0..taken {
        let read = match arguments.input.get(number) {
            Some(path) => console.timed("input", || model.input_by(number, |wanted| input::read(path, wanted))),
            None if arguments.file.is_none() => model.input_by(number, embedded::picture),
            None => break,
        };
        let Loaded { tensor, notes } = read.map_err(|failure| console.fail(&failure, &Files::default()))?;
        console.tell(&notes, &Files::default());
        tensors.push(tensor);
    }
    for number in tensors.len()..taken {
        let drawn = model.drawn_input(number, arguments.seed);
        let Loaded { tensor, notes } = drawn.map_err(|failure| console.fail(&failure, &Files::default()))?;
        console.tell(&notes, &Files::default());
        tensors.push(tensor);
    }
    Ok(tensors)
}
