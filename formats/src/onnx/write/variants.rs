//! A network's kernels at several sizes: what kernels have as numbers comes in, sizes that stay open go out.
//!
//! Kernels know no symbol. So they are written for a few choices of the open sizes, and what differs from one to the next is read
//! as an expression of the symbols: one of the sizes that inference found, or a product, a multiple or a sum made of them, which
//! must hold at every choice. What fits none is refused, never guessed.

use super::Refusal;
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::kernels::{Kernel, KernelGraph, KernelNode};
use cnnc_compiler::passes;
use cnnc_compiler::shape::{Dim, Shape};
use cnnc_compiler::sizes::SymbolSizes;
use cnnc_compiler::write_kernels::{Bindings, Layers, write_layers};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Choices of the open sizes.
const CHOICES: usize = 5;

/// The same kernels, at each choice.
pub struct Variants {
    /// The kernel graphs, alike but for numbers.
    graphs: Vec<KernelGraph>,
    /// Which layer wrote what, in all of them.
    pub layers: Layers,
    /// The order of the kernels.
    pub order: Vec<NodeId>,
    /// Those that depend on parameters alone, and on no open size.
    pub constants: HashSet<NodeId>,
    /// Sizes that inference found, with their numbers at each choice; the symbols first.
    known: Known,
    found: RefCell<HashMap<Vec<usize>, Option<Dim>>>,
}

impl Variants {
    /// Writes the kernels, before any pass or after all of them.
    ///
    /// # Errors
    /// As `write_kernels`; E618 where the kernels are others at other sizes.
    pub fn of(graph: &ShapedGraph, fused: bool) -> Result<Variants, Refusal> {
        let mut graphs: Vec<KernelGraph> = Vec::new();
        let mut layers = Layers::default();
        let (choices, known) = choices(graph, if fused { 0 } else { SMALL })?;
        for choice in &choices {
            let (mut kernels, own) = write_layers(graph, choice)?;
            if fused {
                passes::run(&mut kernels)?;
            }
            if let Some(first) = graphs.first().filter(|first| !alike(first, &kernels)) {
                let place = first_difference(first, &kernels);
                return Err(Refusal::open(format!("{place} is computed otherwise at other sizes")));
            }
            layers = own;
            graphs.push(kernels);
        }
        let Some(first) = graphs.first() else { return Err(Refusal::open("no size fits the network".into())) };
        let order = first.dag.order().unwrap_or_default();
        let constants = fixed(&graphs, &order);
        Ok(Variants { graphs, layers, order, constants, known, found: RefCell::default() })
    }

    /// The graph at the first choice.
    pub fn first(&self) -> &KernelGraph {
        &self.graphs[0]
    }

    /// The graph at the first choice, alone.
    pub fn into_first(mut self) -> KernelGraph {
        self.graphs.swap_remove(0)
    }

    /// A node at the first choice.
    pub fn node(&self, id: NodeId) -> Option<&KernelNode> {
        self.first().dag.get(id)
    }

    /// A node at every choice.
    pub fn nodes(&self, id: NodeId) -> impl Iterator<Item = &KernelNode> {
        self.graphs.iter().filter_map(move |graph| graph.dag.get(id))
    }

    /// The arguments of a node.
    pub fn arguments(&self, id: NodeId) -> Vec<NodeId> {
        self.first().dag.arguments(id)
    }

    /// The layer that a node came from: its path.
    pub fn path(&self, id: NodeId) -> String {
        let origin = self.node(id).and_then(|node| node.origins.first());
        let origin = origin.map_or("", |origin| &**origin);
        origin.split(' ').next().unwrap_or_default().to_owned()
    }

    /// The shape of a node's value.
    pub fn shape(&self, id: NodeId) -> Result<Shape, Refusal> {
        let rank = self.node(id).map_or(0, |node| node.shape.len());
        let along = |axis: usize| self.dim(&self.nodes(id).map(|node| node.shape[axis]).collect::<Vec<usize>>());
        let shape = (0..rank).map(along).collect::<Option<Shape>>();
        shape.ok_or_else(|| self.unclear(id, "a size of it"))
    }

    /// Why something of a node cannot be said at open sizes.
    pub fn unclear(&self, id: NodeId, what: &str) -> Refusal {
        let place = self.node(id).map(KernelNode::place).unwrap_or_default();
        Refusal::open(format!("`{place}` cannot be said with open sizes, which decide {what}"))
    }

    /// A number that a kernel has at each choice, as a size.
    pub fn dim(&self, values: &[usize]) -> Option<Dim> {
        if let Some((first, others)) = values.split_first()
            && others.iter().all(|other| other == first)
        {
            return Some(Dim::from(*first));
        }
        let mut found = self.found.borrow_mut();
        found.entry(values.to_vec()).or_insert_with(|| self.fitted(values)).clone()
    }

    /// A number that is `factor` times a size, or `factor` over one.
    pub fn factor(&self, values: &[f64]) -> Option<(f64, Dim, bool)> {
        let fits = |made: &[f64]| {
            let ratio = values[0] / made[0];
            values
                .iter()
                .zip(made)
                .all(|(value, made)| (value - ratio * made).abs() <= 1e-12 * value.abs())
                .then_some(ratio)
        };
        self.products().into_iter().find_map(|(dim, numbers)| {
            let inverse: Vec<f64> = numbers.iter().map(|number| 1.0 / number).collect();
            let times = fits(&numbers).map(|ratio| (ratio, dim.clone(), false));
            times.or_else(|| fits(&inverse).map(|ratio| (ratio, dim, true)))
        })
    }

    fn fitted(&self, values: &[usize]) -> Option<Dim> {
        let values: Vec<f64> = values.iter().map(|&value| value as f64).collect();
        let whole = |number: f64| (number.fract() == 0.0).then_some(number as i64);
        let made = |(dim, numbers): &(Dim, Vec<f64>)| {
            let same = |of: &dyn Fn(f64, f64) -> f64| {
                let first = of(values[0], numbers[0]);
                values.iter().zip(numbers).all(|(&value, &number)| of(value, number) == first).then_some(first)
            };
            let times = same(&|value, number| value / number).and_then(whole);
            let parts = same(&|value, number| number / value).and_then(whole);
            let more = same(&|value, number| value - number).and_then(whole);
            times
                .and_then(|times| dim.times_number(times).ok())
                .or_else(|| dim.floor_divided(parts?).ok())
                .or_else(|| dim.plus_number(more?).ok())
        };
        self.known.iter().find_map(made).or_else(|| self.products().iter().find_map(made))
    }

    /// Products of up to three known sizes, one of them a symbol where there are three.
    fn products(&self) -> Known {
        let product = |(a, x): &(Dim, Vec<f64>), (b, y): &(Dim, Vec<f64>)| {
            let numbers: Vec<f64> = x.iter().zip(y).map(|(x, y)| x * y).collect();
            a.times(b).ok().map(|dim| (dim, numbers))
        };
        let pairs = |from: &[(Dim, Vec<f64>)]| -> Known {
            self.known
                .iter()
                .flat_map(|one| from.iter().filter_map(|other| product(one, other)).collect::<Vec<_>>())
                .collect()
        };
        let two = pairs(&self.known);
        let symbols = self.known.iter().filter(|(dim, _)| dim.is_plain());
        let three: Vec<_> =
            symbols.flat_map(|one| two.iter().filter_map(|other| product(one, other)).collect::<Vec<_>>()).collect();
        [self.known.clone(), two, three].concat()
    }
}

/// How many steps above its smallest size a symbol is chosen: a batch by a few, any other by so many that what a deep network
/// leaves of it is another each time.
const STEPS: [[i64; CHOICES]; 2] = [[2, 4, 6, 12, 10], [5, 411, 97, 1009, 230]];

/// What steps are multiplied with, where a network leaves the same of smaller sizes.
const SCALES: [i64; 3] = [1, 16, 256];
/// How many small choices there are, before any pass.
const SMALL: i64 = 2;

/// Sizes with their numbers at each choice.
type Known = Vec<(Dim, Vec<f64>)>;

/// Choices of sizes that fit, far from each other, and every size of the network with its numbers. Where sizes depend on each
/// other, the same steps for all but the first. The last choices are small, where these fit: what is cut off or wraps around does
/// so there, and cannot be said at open sizes then. Not the smallest: of a size of 1 much is left out that would do nothing.
fn choices(graph: &ShapedGraph, smalls: i64) -> Result<(Vec<Bindings>, Known), Refusal> {
    if graph.sizes.symbols.is_empty() {
        return Ok((vec![Bindings::new()], Vec::new()));
    }
    let fits = |choices: &[Bindings]| choices.iter().try_for_each(|choice| write_layers(graph, choice).map(|_| ()));
    let mut unclear = Refusal::open("no size fits the network".into());
    for scale in SCALES {
        let apart = chosen(graph, scale, true);
        let together = chosen(graph, scale, false);
        let choices = if fits(&apart).is_ok() { apart } else { together };
        if let Err(misfit) = fits(&choices) {
            unclear = Refusal::open(format!("sizes to tell them by do not fit: {}", misfit.message));
            continue;
        }
        let small = (1..=smalls).map(|steps| small(graph, steps)).filter(|one| fits(std::slice::from_ref(one)).is_ok());
        let choices: Vec<Bindings> = choices.into_iter().chain(small).collect();
        let known = known(graph, &choices);
        match known.iter().find(|(_, numbers)| numbers.iter().all(|number| *number == numbers[0])) {
            None => return Ok((choices, known)),
            Some((dim, _)) => {
                unclear = Refusal::open(format!("the size {dim} is the same for all sizes that were tried"))
            }
        }
    }
    Err(unclear)
}

/// The sizes of all symbols that are so many steps from the smallest.
fn small(graph: &ShapedGraph, steps: i64) -> Bindings {
    let size = |one: &SymbolSizes| (one.start + steps * one.step.max(1)).min(one.last.unwrap_or(i64::MAX));
    graph.sizes.symbols.iter().map(|one| (one.name.to_string(), size(one) as usize)).collect()
}

/// Sizes of all symbols, each going through the same steps from another one on.
fn chosen(graph: &ShapedGraph, scale: i64, apart: bool) -> Vec<Bindings> {
    let symbols = &graph.sizes.symbols;
    let is_batch = |name: &str| graph.graph.inputs.iter().any(|input| input.shape.first() == Some(&Dim::symbol(name)));
    let size = |choice: usize, place: usize| {
        let (one, first) = (&symbols[place], if apart { place } else { place.min(1) });
        let is_batch = is_batch(&one.name);
        let steps = STEPS[usize::from(!is_batch)][(choice + first) % CHOICES] * if is_batch { 1 } else { scale };
        let most = one.last.map_or(i64::MAX, |last| (last - one.start) / one.step.max(1) + 1);
        one.start + one.step.max(1) * (steps % most)
    };
    let named = |choice: usize, place: usize| (symbols[place].name.to_string(), size(choice, place) as usize);
    (0..CHOICES).map(|choice| (0..symbols.len()).map(|place| named(choice, place)).collect()).collect()
}

/// The sizes of a network that are no numbers, symbols first, each with its numbers.
fn known(graph: &ShapedGraph, choices: &[Bindings]) -> Known {
    let symbols = graph.sizes.symbols.iter().map(|symbol| Dim::symbol(&symbol.name));
    let others = graph.shapes.iter().flat_map(|shape| shape.iter().filter(|dim| dim.number().is_none()).cloned());
    let mut seen = HashSet::new();
    let at = |dim: &Dim| -> Option<Vec<f64>> {
        let one = |choice: &Bindings| dim.at(&|name| choice.get(name).and_then(|&size| i64::try_from(size).ok()));
        choices.iter().map(|choice| one(choice).map(|size| size as f64)).collect()
    };
    let all = symbols.chain(others).filter(|dim| seen.insert(dim.clone()));
    all.filter_map(|dim| at(&dim).map(|numbers| (dim, numbers))).collect()
}

/// The nodes that depend on parameters alone and are the same at every choice.
fn fixed(graphs: &[KernelGraph], order: &[NodeId]) -> HashSet<NodeId> {
    let Some(first) = graphs.first() else { return HashSet::new() };
    let mut fixed = first.constants();
    for &id in order {
        let node = first.dag.get(id);
        let same = |graph: &KernelGraph| {
            let other = graph.dag.get(id);
            node.zip(other).is_some_and(|(one, other)| {
                one.kernel == other.kernel && one.epilogue == other.epilogue && one.shape == other.shape
            })
        };
        if !graphs.iter().all(same) || first.dag.arguments(id).iter().any(|argument| !fixed.contains(argument)) {
            fixed.remove(&id);
        }
    }
    fixed
}

/// Where two graphs begin to differ by more than numbers.
fn first_difference(a: &KernelGraph, b: &KernelGraph) -> String {
    let nodes = |graph: &KernelGraph| graph.dag.order().unwrap_or_default();
    let differ = |one: &KernelNode, other: &KernelNode| {
        std::mem::discriminant(&one.kernel) != std::mem::discriminant(&other.kernel) || one.origins != other.origins
    };
    let (ours, theirs) = (nodes(a), nodes(b));
    let pairs = ours.iter().zip(&theirs).filter_map(|(one, other)| a.dag.get(*one).zip(b.dag.get(*other)));
    let first = pairs.into_iter().find(|(one, other)| differ(one, other)).map(|(one, _)| one);
    // Or what one of them has more.
    let our_more = || a.dag.get(*ours.get(theirs.len())?);
    let their_more = || b.dag.get(*theirs.get(ours.len())?);
    let first = first.or_else(our_more).or_else(their_more);
    first.map_or_else(|| "the network".into(), |one| format!("`{}`", one.place()))
}

/// Whether two graphs differ in numbers alone.
fn alike(a: &KernelGraph, b: &KernelGraph) -> bool {
    let kind = |kernel: &Kernel| std::mem::discriminant(kernel);
    let same = |id: &NodeId| match (a.dag.get(*id), b.dag.get(*id)) {
        (Some(one), Some(other)) => {
            kind(&one.kernel) == kind(&other.kernel)
                && one.own_arguments == other.own_arguments
                && one.epilogue.is_some() == other.epilogue.is_some()
                && one.shape.len() == other.shape.len()
                && a.dag.arguments(*id) == b.dag.arguments(*id)
        }
        _ => false,
    };
    let (one, other) = (a.dag.order(), b.dag.order());
    one.is_some() && one == other && one.unwrap_or_default().iter().all(same)
}
