//! The proof that a spec is the network that it was written from: both are written in kernels, and the kernels are the same.
//!
//! Every kernel node gets a number that stands for what it computes: its kernel, its epilogue, its shape and the numbers of its
//! arguments, parameters by their keys. Two graphs that give the same numbers at their outputs compute the same from the same
//! tensors, however their nodes are ordered, and in however many steps elements are only moved. Open sizes are bound to the
//! smallest that fit.

use super::graph;
use super::{Network, ValueId};
use cnnc_compiler::check::check;
use cnnc_compiler::diagnostic::{Code, Problems, RenderOptions, Renderer};
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::infer::infer;
use cnnc_compiler::kernels::{Expression, Kernel, KernelGraph, Permute};
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
    /// What elements were moved from to make the value of a number.
    moved: HashMap<usize, Moved>,
}

/// A value whose elements are those of another, in one step.
#[derive(Clone)]
struct Moved {
    /// The number of the other, and its shape.
    from: usize,
    taken: Vec<usize>,
    /// Which axis of the other each axis is; none where the elements keep their order.
    axes: Option<Vec<usize>>,
}

impl Meanings {
    /// The numbers of a graph's outputs; `None` where it has no order.
    fn of_outputs(&mut self, kernels: &KernelGraph, key_of: &dyn Fn(&str) -> String) -> Option<Vec<usize>> {
        let mut numbers = HashMap::new();
        for id in kernels.dag.order()? {
            let node = kernels.dag.get(id)?;
            let nodes = kernels.dag.arguments(id);
            let arguments = nodes.iter().map(|id| numbers.get(id).copied()).collect::<Option<Vec<usize>>>()?;
            let taken = nodes.first().and_then(|&first| kernels.dag.get(first)).map(|node| &*node.shape);
            let what = match (&node.kernel, arguments.as_slice(), taken) {
                (Kernel::Parameter(parameter), ..) => {
                    format!("parameter {}", key_of(&kernels.parameters.get(parameter.0 as usize)?.path))
                }
                (_, [same], _) if changes_nothing(kernels, id) => {
                    numbers.insert(id, *same);
                    continue;
                }
                (Kernel::Permute(Permute { axes }), [from], Some(taken)) if node.epilogue.is_none() => {
                    let moved = Moved { from: *from, taken: taken.to_vec(), axes: Some(axes.clone()) };
                    numbers.insert(id, self.moved(moved, &node.shape));
                    continue;
                }
                (Kernel::Reshape(_), [from], Some(taken)) if node.epilogue.is_none() => {
                    let moved = Moved { from: *from, taken: taken.to_vec(), axes: None };
                    numbers.insert(id, self.moved(moved, &node.shape));
                    continue;
                }
                (Kernel::Map(expression), ..) => {
                    format!("map {:?} {:?} {:?}", single(expression), node.epilogue.as_ref().map(single), node.element)
                }
                (kernel, ..) => format!("{kernel:?} {:?} {:?}", node.epilogue.as_ref().map(single), node.element),
            };
            let number = self.number(what, &node.shape, arguments);
            numbers.insert(id, number);
        }
        kernels.outputs.iter().map(|output| numbers.get(&output.node).copied()).collect()
    }

    fn number(&mut self, what: String, shape: &[usize], arguments: Vec<usize>) -> usize {
        let next = self.known.len();
        *self.known.entry((what, shape.to_vec(), arguments)).or_insert(next)
    }

    /// The number of a value that is so made of another by moving elements: of several such steps, one after the other, that of
    /// the one which does the same.
    fn moved(&mut self, mut moved: Moved, shape: &[usize]) -> usize {
        moved.axes = moved.axes.filter(|axes| !keep_order(axes, &moved.taken));
        if moved.axes.is_none() && moved.taken == shape {
            return moved.from;
        }
        let before = self.moved.get(&moved.from).cloned();
        match (&moved.axes, before) {
            (None, Some(before @ Moved { axes: None, .. })) => self.moved(before, shape),
            (Some(axes), Some(Moved { from, taken, axes: Some(first) })) => {
                let axes = axes.iter().filter_map(|&axis| first.get(axis).copied()).collect();
                self.moved(Moved { from, taken, axes: Some(axes) }, shape)
            }
            _ => {
                let number = self.number(format!("moved {:?}", moved.axes), shape, vec![moved.from]);
                self.moved.insert(number, moved);
                number
            }
        }
    }
}

/// An expression whose numbers are those of single precision, as they are computed with and as files hold them.
fn single(expression: &Expression) -> Expression {
    expression.replace(&|part| match part {
        Expression::Constant(number) => Some(Expression::Constant(f64::from(*number as f32))),
        _ => None,
    })
}

/// Whether axes in another order leave all elements where they are: those that move have the size 1.
fn keep_order(axes: &[usize], taken: &[usize]) -> bool {
    axes.iter().filter(|&&axis| taken.get(axis) != Some(&1)).is_sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_move_elements_are_one() {
        let mut meanings = Meanings::default();
        let moved = |from, taken: [usize; 3], axes: Option<[usize; 3]>| Moved {
            from,
            taken: taken.into(),
            axes: axes.map(Vec::from),
        };
        let from = meanings.number("a value".into(), &[2, 3, 4], Vec::new());
        let there = meanings.moved(moved(from, [2, 3, 4], Some([1, 2, 0])), &[3, 4, 2]);
        assert_eq!(meanings.moved(moved(there, [3, 4, 2], Some([2, 0, 1])), &[2, 3, 4]), from);
        let twice = meanings.moved(moved(there, [3, 4, 2], Some([1, 2, 0])), &[4, 2, 3]);
        assert_eq!(twice, meanings.moved(moved(from, [2, 3, 4], Some([2, 0, 1])), &[4, 2, 3]));
        assert_ne!(twice, meanings.moved(moved(from, [2, 3, 4], None), &[4, 2, 3]));
        let flat = meanings.moved(moved(from, [2, 3, 4], None), &[24]);
        assert_eq!(meanings.moved(Moved { from: flat, taken: vec![24], axes: None }, &[2, 3, 4]), from);
        let thin = meanings.number("another".into(), &[1, 3, 4], Vec::new());
        let turned = meanings.moved(moved(thin, [1, 3, 4], Some([1, 0, 2])), &[3, 1, 4]);
        assert_eq!(turned, meanings.moved(moved(thin, [1, 3, 4], None), &[3, 1, 4]));
    }
}
