//! `cnnc dump FILE --stage STAGE`: what a stage of the compiler made, in the words of the stage's own printer.
//!
//! A batch without a size is 1 from the kernels on, of a training step 2: a batch norm over one value is none. The plan is the
//! one that runs on this machine, or on what `--target` names; there, the same spec gives the same text on every machine.

mod explained;
mod prove;

use crate::arguments::{self, Dump, Stage};
use crate::console::{Console, Outcome};
use crate::model::{self, MOST_PLANNED};
use crate::numbers::grouped;
use cnnc_compiler::check::Spec;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::kernels::KernelGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Target, plan_with_notes};
use cnnc_compiler::training::{Training, recompute, training_step};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_compiler::{graph, kernels, plan};
use cnnc_grammar::span::Files;
use cnnc_runtime::cuda::program::{self, Options, Program};
use cnnc_runtime::{DeviceOptions, Disk, InstructionSet, bind_batch};

/// Prints the stage.
pub fn dump(arguments: &Dump, console: &mut Console<'_>) -> Outcome {
    if arguments.prove {
        return prove::prove(arguments, console);
    }
    // A target is what a plan is made for.
    let stage = arguments.stage.unwrap_or(Stage::Plan);
    let text = match stage {
        Stage::Ast => trees(arguments, console)?,
        Stage::Graph => {
            graph::print::print_graph(&model::load(&arguments.file, &arguments.model, console)?.graph().graph)
        }
        Stage::Shapes => graph::print::print_shapes(model::load(&arguments.file, &arguments.model, console)?.graph()),
        Stage::Kernels | Stage::Fused | Stage::Plan | Stage::Cuda => kernel_stage(arguments, stage, console)?,
    };
    console.print(&text)
}

/// The file and its imports as they were read; what is wrong with them is reported too.
fn trees(arguments: &Dump, console: &mut Console<'_>) -> Outcome<String> {
    let spec = Spec::read(model::name(&arguments.file, console)?, &Disk, console);
    let mut text = String::new();
    for (file, tree) in &spec.loaded.trees {
        let name = spec.files.get(*file).map_or("?", |file| file.name.as_str());
        text += &format!("# {name}\n{tree}\n");
    }
    if !spec.problems.has_errors() {
        return Ok(text);
    }
    console.print(&text)?;
    Err(console.report(&spec.problems.into_sorted(), &spec.files))
}

fn kernel_stage(arguments: &Dump, stage: Stage, console: &mut Console<'_>) -> Outcome<String> {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let layers = model.graph().graph.dag.len();
    if layers > MOST_PLANNED {
        let [layers, most] = [layers, MOST_PLANNED].map(|number| grouped(number as u64));
        let message = format!("this stage is shown of networks of up to {most} layers, and the network has {layers}");
        let diagnostic = Diagnostic::without_place(Code::E217, message);
        return Err(console.fail(&diagnostic.help("--stage graph and --stage shapes are shown of any"), model.files()));
    }
    let mut bindings = Bindings::new();
    bind_batch(model.graph(), &mut bindings, if arguments.train { 2 } else { 1 });
    let written = console.timed("kernels", || match arguments.train {
        true => training_step(model.graph(), &bindings, &Training::plain()),
        false => write_kernels(model.graph(), &bindings),
    });
    let mut kernels = written.map_err(|problem| console.fail(&problem, model.files()))?;
    if stage == Stage::Kernels {
        return Ok(kernels::print(&kernels));
    }
    let fault = |problem: &Diagnostic, console: &mut Console<'_>| console.fail(problem, model.files());
    let notes = console.timed("passes", || match arguments.explain {
        true => passes::run_accounted(&mut kernels),
        false => passes::run(&mut kernels),
    });
    let mut notes = notes.map_err(|problem| fault(&problem, console))?;
    if arguments.recompute {
        notes.extend(recompute(&mut kernels));
    }
    let mut text = kernels::print(&kernels);
    if stage == Stage::Plan {
        let planned = console.timed("plan", || plan_with_notes(&kernels, &target(arguments.target)));
        let (planned, more) = planned.map_err(|problem| fault(&problem, console))?;
        text = plan::print(&planned);
        notes.extend(more);
    }
    if stage == Stage::Cuda {
        text = cuda(&kernels, model.files(), console)?;
    }
    if arguments.explain {
        text += &explained::explained(&notes);
    }
    Ok(text)
}

/// What a plan is made for; nothing runs here, so there is memory enough.
fn target(named: Option<arguments::Target>) -> Target {
    let cpu = |options: DeviceOptions| Target { memory_bytes: u64::MAX, ..options.processor_target() };
    let by = |instructions| cpu(DeviceOptions::default().instructions(instructions));
    match named {
        None => cpu(DeviceOptions::default()),
        Some(arguments::Target::Avx512) => by(InstructionSet::Avx512),
        Some(arguments::Target::Avx2) => by(InstructionSet::Avx2),
        Some(arguments::Target::Portable) => by(InstructionSet::Portable),
        Some(arguments::Target::Reference) => cpu(DeviceOptions::default().reference()),
        Some(arguments::Target::Cuda) => program::target(u64::MAX),
    }
}

/// The program of a device with any memory. The kernels' own text, the same for every plan, is left out.
fn cuda(kernels: &KernelGraph, files: &Files, console: &mut Console<'_>) -> Outcome<String> {
    let fault = |problem: &Diagnostic, console: &mut Console<'_>| console.fail(problem, files);
    let plan = console.timed("plan", || plan_with_notes(kernels, &program::target(u64::MAX)));
    let (plan, _) = plan.map_err(|problem| fault(&problem, console))?;
    let program = console.timed("cuda", || Program::of(&plan, &Options::default()));
    Ok(program.map_err(|problem| fault(&problem, console))?.listing())
}
