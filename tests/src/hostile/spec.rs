//! Specs: checked, summed up, planned for every target and for training as `check`, `summary` and `dump` do it; small ones
//! are run and trained for a step too.

use super::{Verdict, refused};
use cnnc_compiler::check::Spec;
use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::graph::print::{print_graph, print_shapes};
use cnnc_compiler::plan::{self, Plan, PlanPort, Target, work};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::summary::summarize;
use cnnc_compiler::training::{Training, compile_step, names};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::span::Files;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Engine};
use cnnc_runtime::cuda::program::{self, Options, Program};
use cnnc_runtime::{Backend, Inputs, Parameters, Tensor, bind_batch, bind_input, random};
use std::sync::Arc;

/// What the first file is called.
const MAIN: &str = "main.cnn";
/// Begins a line that ends one file and names the next, so that one text can hold imports and labels.
const NEXT: &str = "# file: ";
/// Layers up to which a network is planned: a fuzzer has no patience for more.
const FEW: usize = 300;
/// Bytes of memory and multiply-adds up to which a network is run.
const SMALL: u64 = 1 << 20;

/// The files in one text, by name.
struct Texts<'t>(Vec<(&'t str, &'t str)>);

impl<'t> Texts<'t> {
    fn new(text: &'t str) -> Texts<'t> {
        let mut texts = Vec::new();
        let (mut name, mut start, mut end) = (MAIN, 0, 0);
        for line in text.split_inclusive('\n') {
            if let Some(next) = line.strip_prefix(NEXT) {
                texts.push((name, &text[start..end]));
                (name, start) = (next.trim(), end + line.len());
            }
            end += line.len();
        }
        texts.push((name, &text[start..]));
        Texts(texts)
    }
}

impl Sources for Texts<'_> {
    fn read(&self, path: &str, _importer: Option<&str>) -> Result<(String, String), String> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found.map(|(name, text)| ((*name).into(), (*text).into())).ok_or_else(|| "there is no such file".into())
    }
}

/// Reads the text of a spec.
pub fn spec(bytes: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(bytes) else { return Verdict::Refused };
    let sources = Texts::new(text);
    let spec = Spec::read(MAIN, &sources, &mut ());
    spec.loaded.trees.iter().for_each(|(_, tree)| drop((tree.to_string(), cnnc_grammar::format(tree))));
    let checked = spec.check(&Request { index: true, ..Request::default() }, &mut ());
    let networks = &checked.networks;
    for network in networks {
        summarize(network, &Bindings::new(), None);
        print_graph(&network.graph);
        print_shapes(network);
    }
    let names: Vec<&str> = sources.0.iter().map(|(name, _)| *name).collect();
    if checked.has_errors() {
        return refused(&checked.problems, &checked.files, &names);
    }
    match networks.last() {
        Some(network) if network.graph.dag.len() <= FEW => compiled(network, &checked.files),
        Some(_) => Verdict::Taken,
        None => Verdict::Refused,
    }
}

/// Plans a network for sizes that it may have.
fn compiled(network: &ShapedGraph, files: &Files) -> Verdict {
    let mut bindings = Bindings::new();
    bind_batch(network, &mut bindings, 2);
    for input in &network.graph.inputs {
        let sizes: Option<Vec<usize>> =
            network.sizes.example(&input.shape).split(',').map(|size| size.parse().ok()).collect();
        bind_input(input, &sizes.unwrap_or_default(), &mut bindings);
    }
    // Sizes are the command's, of which no file tells.
    let refuse = |problem: &Diagnostic| {
        refused([problem], files, &[]);
    };
    let plan = |target: &Target| cnnc_compiler::compile(network, &bindings, target);
    let cpu = Cpu::new(CpuOptions { threads: 1, ..CpuOptions::default() });
    let (plain, fast, device) = (plan(&Target::reference()), plan(&cpu.target()), plan(&program::target(u64::MAX)));
    let step = compile_step(network, &bindings, &Training::plain(), &cpu.target());
    for plan in [&plain, &fast, &device, &step] {
        match plan {
            Ok((plan, _)) => drop(plan::print(plan)),
            Err(problem) => refuse(problem),
        }
    }
    if let Ok((plan, _)) = &device {
        match Program::of(plan, &Options::default()) {
            Ok(program) => drop(program.listing()),
            Err(problem) => refuse(&problem),
        }
    }
    if let Ok((plan, _)) = step
        && is_small(&plan)
        && let Err(problem) = train(plan, network, &cpu)
    {
        refuse(&problem);
    }
    let Ok((plan, _)) = fast else { return Verdict::Refused };
    if is_small(&plan)
        && let Err(problem) = run(plan, network, &cpu)
    {
        refuse(&problem);
    }
    Verdict::Taken
}

fn is_small(plan: &Plan) -> bool {
    let bytes = [plan.arena_bytes as u64, plan.scratch_bytes as u64, plan.prepared_bytes(), plan.parameter_bytes()];
    let work = plan.prepare.iter().chain(&plan.run).map(|step| work(step).multiply_adds);
    let inputs = plan.inputs.iter().map(|input| input.view.shape.iter().product::<usize>() as u64);
    let all = bytes.into_iter().chain(work).chain(inputs);
    all.fold(0, u64::saturating_add) < SMALL
}

fn run(plan: Plan, network: &ShapedGraph, cpu: &Cpu) -> cnnc_runtime::Result<()> {
    let inputs: Vec<_> = plan.inputs.iter().map(|input| random::input(&input.name, &input.view.shape, 0)).collect();
    let parameters = Parameters::draw(&network.graph, 0)?;
    Engine::new(Arc::new(plan), &parameters, *cpu.options())?.run(&inputs)?;
    Ok(())
}

/// One step of training, with the class 0 for every label.
fn train(plan: Plan, network: &ShapedGraph, cpu: &Cpu) -> cnnc_runtime::Result<()> {
    let input = |PlanPort { name, view }: &PlanPort| match name.as_ref() {
        names::LABELS => Tensor::filled(&view.shape, 0.0),
        names::LEARNING_RATE => Tensor::filled(&view.shape, 1.0),
        names::SEED | names::STEP => Tensor::count(1),
        _ => random::input(name, &view.shape, 0),
    };
    let inputs: Vec<Tensor> = plan.inputs.iter().map(input).collect();
    let mut trainer = cpu.trainer(Arc::new(plan), &Parameters::draw(&network.graph, 0)?)?;
    trainer.begin(0, Inputs::Given(&inputs))?;
    trainer.finish(0)?;
    Ok(())
}
