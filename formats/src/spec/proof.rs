//! The proof that a spec is the network that it was written from: both are written in kernels, and the kernels are the same.
//!
//! Every kernel node gets a number that stands for what it computes: its kernel, its epilogue, its shape and the numbers of its
//! arguments, parameters by their keys. Two graphs that give the same numbers at their outputs compute the same from the same
//! tensors, however their nodes are ordered. Open sizes are bound to the smallest that fit.

use super::graph;
use super::{Network, ValueId};
use cnnc_compiler::check::check;
use cnnc_compiler::diagnostic::{Code, Problems, RenderOptions, Renderer};
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::infer::infer;
use cnnc_compiler::kernels::{Expression, Kernel, KernelGraph};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::watch::Watch;
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use std::collections::HashMap;
use std::time::Duration;

/// Why a spec is not handed out.
#[derive(Debug, PartialEq)]
pub enum Unproved {
    /// The network is none that can be: what the compiler says of it.
    Impossible(String),
    /// What was written is not the network: a fault of ours.
    Fault(String),
}

impl Unproved {
    fn fault(reason: impl Into<String>) -> Unproved {
        Unproved::Fault(reason.into())
    }
}

/// A spec and the network that it is.
pub struct Proved {
    /// The network of the spec.
    pub graph: ShapedGraph,
    /// The one that it was written from, made without any text.
    pub own: ShapedGraph,
}

/// The spec of a network, compiled, once it is proved to be it; `keys` are the paths of the layers that have parameters.
///
/// # Errors
/// What differs, in a sentence.
pub fn prove(network: &Network, keys: &HashMap<ValueId, String>, text: &str) -> Result<Proved, Unproved> {
    let mut problems = Problems::default();
    let direct = infer(graph::graph(network, keys).map_err(Unproved::Fault)?, &mut problems);
    let direct = direct.map_err(|_| Unproved::Impossible(first(problems)))?;
    let compiled = compiled(text)?;
    same(&compiled, &direct, &str::to_owned)?;
    Ok(Proved { graph: compiled, own: direct })
}

/// Proves that one network computes what another does from the same tensors, which have the keys that `key_of` makes of its own:
/// their kernels are the same. Open sizes are bound to the smallest that fit the second.
///
/// # Errors
/// What differs, in a sentence.
pub fn same(ours: &ShapedGraph, theirs: &ShapedGraph, key_of: &dyn Fn(&str) -> String) -> Result<(), Unproved> {
    let shapes = |graph: &ShapedGraph| graph.graph.inputs.iter().map(|input| input.shape.clone()).collect::<Vec<_>>();
    if shapes(ours) != shapes(theirs) {
        return Err(Unproved::fault("its inputs are not those of the file"));
    }
    let bindings = smallest(theirs);
    let theirs = write_kernels(theirs, &bindings).map_err(|error| Unproved::Impossible(error.message.clone()))?;
    let ours = write_kernels(ours, &bindings);
    let ours = ours.map_err(|error| Unproved::fault(format!("its kernels cannot be written: {}", error.message)))?;
    if !are_same(&ours, &theirs, key_of) {
        return Err(Unproved::fault("its kernels are not those of the file"));
    }
    Ok(())
}

/// The smallest sizes that a network's open sizes may have.
fn smallest(graph: &ShapedGraph) -> Bindings {
    graph.sizes.symbols.iter().map(|one| (one.name.to_string(), one.start as usize)).collect()
}

/// Whether two networks are written in the same kernels of the same parameters, each at its smallest sizes.
pub fn same_kernels(one: &ShapedGraph, other: &ShapedGraph) -> bool {
    let kernels = |graph| write_kernels(graph, &smallest(graph)).ok();
    kernels(one).zip(kernels(other)).is_some_and(|(one, other)| are_same(&one, &other, &str::to_owned))
}

fn are_same(one: &KernelGraph, other: &KernelGraph, key_of: &dyn Fn(&str) -> String) -> bool {
    let mut meanings = Meanings::default();
    let (one, other) = (meanings.of_outputs(one, key_of), meanings.of_outputs(other, &str::to_owned));
    one.is_some() && one == other
}

/// What is said of a text that is no file.
struct Nothing;

impl Sources for Nothing {
    fn read(&self, path: &str, _: Option<&str>) -> Result<(String, String), String> {
        Err(format!("`{path}` is no part of it"))
    }
}

impl Watch for Nothing {
    fn stage(&mut self, _: &'static str, _: Duration) {}
}

/// A spec that lies in memory.
struct Text<'t>(&'t str);

impl Sources for Text<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        match importer {
            None => Ok((path.to_owned(), self.0.to_owned())),
            Some(_) => Nothing.read(path, importer),
        }
    }
}

/// The network of a text.
fn compiled(text: &str) -> Result<ShapedGraph, Unproved> {
    let checked = check("imported.cnn", &Request::default(), &Text(text), &mut Nothing);
    if let Some(problem) = checked.problems.iter().find(|problem| problem.is_error()) {
        // What no spec may be so large or so deep as is no fault of what wrote it.
        if matches!(problem.code, Code::E104 | Code::E108 | Code::E217) {
            return Err(Unproved::Impossible(problem.message.clone()));
        }
        let options = RenderOptions { color: false, width: 100 };
        let told = Renderer::new(&checked.files, options).render(problem);
        return Err(Unproved::fault(format!("it does not compile:\n{told}")));
    }
    checked.networks.into_iter().next().ok_or_else(|| Unproved::fault("it has no model"))
}

fn first(problems: Problems) -> String {
    problems.into_sorted().first().map(|problem| problem.message.clone()).unwrap_or_default()
}

/// Whether a node gives what it takes: a branch of nothing is an identity, and one that is written in kernels too.
fn changes_nothing(kernels: &KernelGraph, id: NodeId) -> bool {
    let Some(node) = kernels.dag.get(id).filter(|node| node.epilogue.is_none()) else { return false };
    let taken = kernels.dag.arguments(id).first().and_then(|&first| kernels.dag.get(first)).map(|node| &node.shape);
    matches!(node.kernel, Kernel::Map(Expression::Operand(0))) && taken == Some(&node.shape)
}

/// Numbers for what kernel nodes compute: equal ones for equal computations.
#[derive(Default)]
struct Meanings {
    known: HashMap<(String, Vec<usize>, Vec<usize>), usize>,
}

impl Meanings {
    /// The numbers of a graph's outputs; `None` where it has no order.
    fn of_outputs(&mut self, kernels: &KernelGraph, key_of: &dyn Fn(&str) -> String) -> Option<Vec<usize>> {
        let mut numbers = HashMap::new();
        for id in kernels.dag.order()? {
            let node = kernels.dag.get(id)?;
            let what = match &node.kernel {
                Kernel::Parameter(parameter) => {
                    format!("parameter {}", key_of(&kernels.parameters.get(parameter.0 as usize)?.path))
                }
                kernel => format!("{kernel:?} {:?} {:?}", node.epilogue, node.element),
            };
            let arguments = kernels.dag.arguments(id);
            let arguments = arguments.iter().map(|id| numbers.get(id).copied()).collect::<Option<Vec<usize>>>()?;
            if let ([same], true) = (arguments.as_slice(), changes_nothing(kernels, id)) {
                numbers.insert(id, *same);
                continue;
            }
            let next = self.known.len();
            let number = *self.known.entry((what, node.shape.clone(), arguments)).or_insert(next);
            numbers.insert(id, number);
        }
        kernels.outputs.iter().map(|output| numbers.get(&output.node).copied()).collect()
    }
}
