//! What the tests share: specs checked in process, commands run in process.
//!
//! Paths are relative to this crate's folder, which is where `cargo test` runs its tests: `../models/lenet.cnn`,
//! `cases/broken/…`.

pub mod allocations;
pub mod emulation;
pub mod evaluation;
pub mod fixture;
pub mod formula;
pub mod hostile;
pub mod kernel_cases;
pub mod plans;
pub mod random;

use cnnc::Console;
use cnnc_compiler::check::{self, Checked, Spec};
use cnnc_compiler::diagnostic::{Diagnostic, RenderOptions, Renderer};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::plan;
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_grammar::span::Files;
use cnnc_runtime::cpu::Cpu;
use cnnc_runtime::{Backend, Disk, Parameters, Tensor, bind_input};
use safetensors::SafeTensors;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Checks all models of a spec.
pub fn check(path: &str) -> Checked {
    check_in(path, &Disk)
}

/// Checks all models of a spec that these sources hold.
pub fn check_in(path: &str, sources: &dyn Sources) -> Checked {
    check::check(path, &Request::default(), sources, &mut ())
}

/// All specs in a folder and in those in it, by name.
///
/// # Panics
/// When a folder cannot be read.
pub fn specs(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(ending) if ending == "cnn" => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// A network with its shapes: of a file, its default model or the one of that name.
///
/// # Panics
/// With the diagnostics, when there is none.
pub fn network(path: &str, model: Option<&str>) -> ShapedGraph {
    network_in(path, &Disk, &Request { model: model.map(str::to_owned), ..Request::default() })
}

/// A network with its shapes, as [`network`], from a text.
///
/// # Panics
/// With the diagnostics, when there is none.
pub fn network_of_text(text: &str) -> ShapedGraph {
    network_in("text.cnn", &Text(text), &Request::default())
}

/// A network with its shapes, as [`network`], for inputs of these sizes.
///
/// # Panics
/// With the diagnostics, when there is none.
pub fn network_for(path: &str, model: Option<&str>, input_shapes: &[Vec<usize>]) -> ShapedGraph {
    let model = model.map(str::to_owned);
    network_in(path, &Disk, &Request { model, input_shapes: input_shapes.to_vec(), ..Request::default() })
}

/// A network with its shapes from a text, unless something is wrong with it.
pub fn possible_network(text: &str) -> Option<ShapedGraph> {
    shaped_in("text.cnn", &Text(text), &Request::default()).ok()
}

fn network_in(path: &str, sources: &dyn Sources, request: &Request) -> ShapedGraph {
    shaped_in(path, sources, request).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// A network, or its diagnostics.
fn shaped_in(path: &str, sources: &dyn Sources, request: &Request) -> Result<ShapedGraph, String> {
    let Checked { files, problems, mut networks, .. } = Spec::read(path, sources, &mut ()).network(request, &mut ());
    networks.pop().ok_or_else(|| rendered(&problems, &files).trim_end().to_owned())
}

/// The answers of a network to inputs that give its symbols their sizes, fused and on the fast kernels.
///
/// # Panics
/// With what went wrong.
pub fn answers(shaped: &ShapedGraph, parameters: &Parameters, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut bindings = Bindings::new();
    for (port, input) in shaped.graph.inputs.iter().zip(inputs) {
        bind_input(port, input.shape(), &mut bindings);
    }
    let mut kernels = write_kernels(shaped, &bindings).expect("kernels");
    passes::run(&mut kernels).expect("passes");
    let plan = plan(&kernels, &Cpu::default().target()).expect("a plan");
    let mut engine = Cpu::default().prepare(Arc::new(plan), parameters).expect("an engine");
    engine.run(&inputs).expect("answers").to_vec()
}

/// The one answer to one input, with parameters as the spec draws them from seed 0.
///
/// # Panics
/// With what went wrong.
pub fn answer(shaped: &ShapedGraph, input: &Tensor) -> Tensor {
    let parameters = Parameters::draw(&shaped.graph, 0).expect("parameters");
    let mut answers = answers(shaped, &parameters, std::slice::from_ref(input));
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// A tensor of these values.
///
/// # Panics
/// When their number does not fit the shape.
pub fn tensor(shape: &[usize], values: impl IntoIterator<Item = f32>) -> Tensor {
    Tensor::new(shape, values.into_iter().collect()).expect("as many values as the shape has")
}

/// Diagnostics as people see them, in 100 columns.
pub fn rendered(problems: &[Diagnostic], files: &Files) -> String {
    let renderer = Renderer::new(files, RenderOptions { color: false, width: 100 });
    problems.iter().map(|problem| renderer.render(problem)).collect()
}

/// Sources with one file, whatever its name.
pub struct Text<'a>(pub &'a str);

impl Sources for Text<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        match importer {
            None => Ok((path.to_owned(), self.0.to_owned())),
            Some(_) => Err("there is no such file".to_owned()),
        }
    }
}

/// The disk, but for one file that holds another text.
pub struct Edited<'a> {
    /// The file.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Sources for Edited<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let (name, text) = Disk.read(path, importer)?;
        Ok(if name == self.path { (name, self.text.to_owned()) } else { (name, text) })
    }
}

/// What a command gave.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: u8,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// Runs `cnnc` with these arguments in this process.
pub fn cnnc(arguments: &[&str]) -> Ran {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let words = std::iter::once("cnnc").chain(arguments.iter().copied()).map(OsString::from);
    let code = cnnc::run(words, Console::plain(&mut output, &mut errors));
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { code, output: text(output), errors: text(errors) }
}

/// Imports a file by the command and holds what it prints to these facts.
///
/// # Panics
/// With what it printed, when it fails, warns or lacks one.
pub fn imported(arguments: &[&str], facts: &[&str]) -> String {
    let Ran { code, output, errors } = cnnc(&[&["import"], arguments].concat());
    assert_eq!((code, errors.as_str()), (0, ""), "{arguments:?}");
    facts.iter().for_each(|fact| assert!(output.contains(fact), "{fact} in\n{output}"));
    output
}

/// The largest difference of values from others, over the largest of those; infinite where one is no number and the other is, or
/// there are not as many.
pub fn difference(ours: &[f32], theirs: &[f32]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let pairs = || ours.iter().zip(theirs).map(|(&ours, &theirs)| (f64::from(ours), f64::from(theirs)));
    let largest = pairs().map(|(_, theirs)| theirs.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let apart = |(ours, theirs): (f64, f64)| match ours == theirs || ours.is_nan() && theirs.is_nan() {
        true => 0.0,
        false => Some((ours - theirs).abs()).filter(|apart| apart.is_finite()).unwrap_or(f64::INFINITY),
    };
    pairs().map(apart).fold(0.0, f64::max) / largest
}

/// A tensor of float32 in a safetensors file.
///
/// # Panics
/// When it is not there.
pub fn stored_tensor(stored: &SafeTensors<'_>, key: &str) -> Tensor {
    let view = stored.tensor(key).expect("an array");
    let values = view.data().as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four));
    Tensor::new(view.shape(), values.collect()).expect("as many values as it says")
}

/// What a command printed.
///
/// # Panics
/// With what it said, when it failed.
pub fn printed(arguments: &[&str]) -> String {
    let ran = cnnc(arguments);
    assert_eq!(ran.code, 0, "cnnc {}\n{}", arguments.join(" "), ran.errors);
    ran.output
}

/// Says that a test does nothing on this machine, and why.
///
/// # Panics
/// Where `CNNC_TEST_CUDA=required` forbids to skip tests of CUDA.
#[allow(clippy::print_stderr, reason = "what is skipped must be seen")]
pub fn skipped(why: &str) {
    assert!(std::env::var("CNNC_TEST_CUDA").as_deref() != Ok("required"), "{why}");
    eprintln!("skipped: {why}");
}
