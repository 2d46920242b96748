//! `cnnc run [FILE]`: runs a model on the CPU and prints its answer.
//!
//! Without FILE, the LeNet that the executable holds, on the picture that it holds. What is not given is drawn, and standard error
//! says so: parameters from the spec's initialisers, the input evenly from −1 to 1.

use crate::answer;
use crate::arguments::{Device, Run};
use crate::console::{Console, Outcome};
use crate::embedded;
use crate::model::{self, Spec};
use crate::{parameters, pipeline};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{Input, ShapedGraph};
use cnnc_compiler::plan::Target;
use cnnc_compiler::shape::Dim;
use cnnc_compiler::sizes::Sizes;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::span::Files;
use cnnc_runtime::cpu::{Cpu, CpuOptions};
use cnnc_runtime::input::{Loaded, Wanted, save_npy};
use cnnc_runtime::{Backend, Parameters, Tensor, available_memory_bytes, cuda, input, random};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs once.
pub fn run(arguments: &Run, console: &mut Console<'_>) -> Outcome {
    if arguments.device == Device::Cuda {
        return Err(console.fail(&cuda::refuse(), &Files::default()));
    }
    let (files, shaped) = network(arguments, console)?;
    let mut bindings = Bindings::new();
    let inputs = inputs(arguments, &shaped, &mut bindings, console)?;
    let kernels = pipeline::kernels(&shaped, &bindings, &files, console)?;
    let (fused, _) = pipeline::fused(kernels, console)?;
    let options = CpuOptions { threads: arguments.threads, exact: arguments.exact, ..CpuOptions::default() };
    let backend = Cpu(options);
    let (plan, _) = pipeline::planned(&fused, &target(&backend, &inputs), console)?;
    let parameters = weights(arguments, &shaped, &files, console)?;
    let plan = Arc::new(plan);
    let answers = console
        .timed("prepare", || backend.prepare(plan.clone(), &parameters))
        .and_then(|mut executable| console.timed("run", || executable.run(&inputs).map(<[Tensor]>::to_vec)))
        .map_err(|failure| console.fail(&failure, &files))?;
    let names: Vec<Arc<str>> = plan.outputs.iter().map(|output| output.name.clone()).collect();
    if let Some(path) = &arguments.output {
        save(path, &names, &answers).map_err(|failure| console.fail(&failure, &files))?;
    }
    let text = answer::text(&names, &answers, shaped.graph.labels.as_deref(), console);
    console.print(&text)
}

/// The device, with room left for what an engine keeps of the inputs.
fn target(backend: &dyn Backend, inputs: &[Tensor]) -> Target {
    let host = backend.target();
    let input_bytes = inputs.iter().map(|input| 4 * input.data().len() as u64).sum();
    Target { memory_bytes: host.memory_bytes.saturating_sub(input_bytes), ..host }
}

/// The network of the file, or the embedded one.
fn network(arguments: &Run, console: &mut Console<'_>) -> Outcome<(Files, ShapedGraph)> {
    match &arguments.file {
        Some(file) => model::shaped(file, &arguments.model, console),
        None => {
            let spec = Spec::read(embedded::SPEC_NAME, &embedded::Embedded, console);
            model::shaped_of(spec, &arguments.model, console)
        }
    }
}

fn weights(arguments: &Run, shaped: &ShapedGraph, files: &Files, console: &mut Console<'_>) -> Outcome<Parameters> {
    if arguments.file.is_none() && arguments.weights.weights.is_none() {
        let loaded = console.timed("weights", || embedded::weights(&shaped.graph));
        return loaded.map_err(|failure| console.fail(&failure, files));
    }
    parameters::parameters(&shaped.graph, &arguments.weights, arguments.seed, files, console)
}

/// The inputs in order: read from the files, the embedded picture, or drawn. Binds the symbols that they give a size.
fn inputs(
    arguments: &Run,
    shaped: &ShapedGraph,
    bindings: &mut Bindings,
    console: &mut Console<'_>,
) -> Outcome<Vec<Tensor>> {
    let ports = &shaped.graph.inputs;
    if arguments.input.len() > ports.len() {
        let (given, taken) = (arguments.input.len(), ports.len());
        let message = format!("{given} inputs are given, and {} takes {taken}", shaped.graph.name);
        return Err(console.fail(&Diagnostic::without_place(Code::E604, message), &Files::default()));
    }
    let mut tensors: Vec<Option<Tensor>> = Vec::new();
    for (number, port) in ports.iter().enumerate() {
        let wanted = Wanted::new(port, bindings);
        let read = match arguments.input.get(number) {
            Some(path) => Some(console.timed("input", || input::read(path, &wanted))),
            None if arguments.file.is_none() => Some(embedded::picture(&wanted)),
            None => None,
        };
        let Some(read) = read else {
            tensors.push(None);
            continue;
        };
        let Loaded { tensor, notes } = read.map_err(|failure| console.fail(&failure, &Files::default()))?;
        notes.iter().for_each(|note| console.note(&format!("note: {note}\n")));
        bind(port, tensor.shape(), bindings);
        tensors.push(Some(tensor));
    }
    pipeline::bind_batch(shaped, bindings, 1);
    let drawn = |(port, tensor): (&Input, Option<Tensor>)| match tensor {
        Some(tensor) => Ok(tensor),
        None => draw(port, arguments.seed, &shaped.sizes, bindings, console),
    };
    ports.iter().zip(tensors).map(drawn).collect()
}

/// Gives an input's symbols the sizes that a tensor has.
fn bind(port: &Input, shape: &[usize], bindings: &mut Bindings) {
    for (dim, &size) in port.shape.iter().zip(shape) {
        if let [symbol] = dim.symbols().as_slice()
            && *dim == Dim::symbol(symbol)
        {
            bindings.entry(symbol.to_string()).or_insert(size);
        }
    }
}

/// An input of random numbers, which standard error tells of.
fn draw(port: &Input, seed: u64, sizes: &Sizes, bindings: &Bindings, console: &mut Console<'_>) -> Outcome<Tensor> {
    let tensor = drawn(port, seed, sizes, bindings, console)?;
    let (name, shape) = (&port.name, tensor.shape());
    console.note(&format!("note: the input `{name}` {shape:?} is drawn from seed {seed}; --input reads one\n"));
    Ok(tensor)
}

/// An input of random numbers.
pub fn drawn(
    port: &Input,
    seed: u64,
    sizes: &Sizes,
    bindings: &Bindings,
    console: &mut Console<'_>,
) -> Outcome<Tensor> {
    let bound = |symbol: &str| bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
    let Some(shape) = port.shape.at(&bound) else {
        let message = format!("the input `{}` is {}, and its sizes are not known", port.name, port.shape);
        let unknown = Diagnostic::without_place(Code::E402, message).help(format!(
            "--input-shape gives sizes, such as --input-shape {}; --input reads an input from a file",
            sizes.example(&port.shape)
        ));
        return Err(console.fail(&unknown, &Files::default()));
    };
    let elements = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    if elements.is_none_or(|elements| elements.saturating_mul(4) > available_memory_bytes()) {
        let message = format!("the input `{}` is {shape:?}, which is more than this machine's memory", port.name);
        return Err(console.fail(&Diagnostic::without_place(Code::E401, message), &Files::default()));
    }
    Ok(random::input(&port.name, &shape, seed))
}

/// Writes the answers: one to the path itself, several each under its name before the path's ending.
fn save(path: &Path, names: &[Arc<str>], answers: &[Tensor]) -> cnnc_runtime::Result<()> {
    if let [answer] = answers {
        return save_npy(path, answer);
    }
    for (name, answer) in names.iter().zip(answers) {
        save_npy(&named(path, name), answer)?;
    }
    Ok(())
}

/// `y.npy` to `y.large.npy`
fn named(path: &Path, name: &str) -> PathBuf {
    let ending = path.extension().map_or_else(|| "npy".into(), |ending| ending.to_string_lossy().into_owned());
    path.with_extension(format!("{name}.{ending}"))
}
