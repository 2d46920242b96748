//! One number explained: from which numbers it is made, and by what arithmetic.
//!
//! A kernel graph comes in whose outputs are values that are known (a layer's inputs), and last the value of which one element is
//! asked; the numbers of the known values and of the parameters too. Out go the steps of that element in the order in which they
//! are computed, in float64: sums of products with every factor, elements of a window, an expression with its operands. Elements
//! that are only moved, by padding, permutation or another shape, are followed to where they lie.

use crate::graph::NodeId;
use crate::kernels::{ElementPosition, Kernel, KernelGraph, Pooling, Terms, number_of};
use std::collections::HashMap;
use std::sync::Arc;

/// The most elements that are computed for one number.
const MOST_ELEMENTS: usize = 4_000_000;

/// The most steps that are told: of a number with more, those that lie nearest to it.
const MOST_STEPS: usize = 12;

/// A value whose numbers are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What it is called.
    pub name: Arc<str>,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis the fastest.
    pub numbers: Vec<f64>,
}

/// A number on the way, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The number.
    pub number: f64,
    /// The known value that it is an element of; `None` for what is computed within the layer, and for padding.
    pub from: Option<Arc<str>>,
    /// Its place there.
    pub index: Vec<usize>,
}

/// One step of the arithmetic, and what came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The layer that it is of, as `path Layer`.
    pub layer: Arc<str>,
    /// The arithmetic.
    pub arithmetic: Arithmetic,
    /// What came out, in float64.
    pub number: f64,
}

/// How a number is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Arithmetic {
    /// Products, added up.
    Products(Vec<[Operand; 2]>),
    /// Numbers, each times a share, added up.
    Weighted(Vec<(Operand, f64)>),
    /// Numbers added up.
    Sum(Vec<Operand>),
    /// The largest of numbers.
    Largest(Vec<Operand>),
    /// The mean of numbers: their sum, divided by this.
    Mean(Vec<Operand>, f64),
    /// `Σ x·eˣ / Σ eˣ` of numbers.
    Softmax(Vec<Operand>),
    /// An expression, `(x0 * x1) + x2`, and its operands.
    Expression(String, Vec<Operand>),
    /// An element as it is.
    Itself(Operand),
}

/// Why there is no explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexplained {
    /// The value has other axes than the place names.
    Axes {
        /// The value's sizes.
        shape: Vec<usize>,
    },
    /// The place lies outside.
    Outside {
        /// The value's sizes.
        shape: Vec<usize>,
    },
    /// A kernel whose sums are not told; its name.
    Kernel(&'static str),
    /// More numbers than are computed for one.
    TooMany,
}

/// The steps that make the element at `index` of a graph's last output; `known` are the values of the outputs before it, in
/// order, and of parameters by their keys.
///
/// # Errors
/// When there is no such element, or its arithmetic is not told.
pub fn explain(
    graph: &KernelGraph,
    index: &[usize],
    known: &[Known],
    parameters: &dyn Fn(&str) -> Option<Known>,
) -> Result<Vec<Step>, Unexplained> {
    let mut outputs: Vec<NodeId> = graph.outputs.iter().map(|port| port.node).collect();
    let asked = outputs.pop().ok_or(Unexplained::TooMany)?;
    let shape = graph.dag.get(asked).map(|node| node.shape.clone()).unwrap_or_default();
    if shape.len() != index.len() {
        return Err(Unexplained::Axes { shape });
    }
    if index.iter().zip(&shape).any(|(at, size)| at >= size) {
        return Err(Unexplained::Outside { shape });
    }
    let mut values: HashMap<NodeId, Known> = outputs.into_iter().zip(known.iter().cloned()).collect();
    for id in graph.dag.order().unwrap_or_default() {
        if let Some(Kernel::Parameter(number)) = graph.dag.get(id).map(|node| &node.kernel)
            && let Some(parameter) = graph.parameters.get(number.0 as usize)
            && let Some(known) = parameters(&parameter.path)
        {
            values.insert(id, known);
        }
    }
    let mut computed = Computed { graph, values, elements: HashMap::new(), steps: Vec::new() };
    let mut steps = Vec::new();
    computed.step(asked, index, &mut steps)?;
    let first = steps.len().saturating_sub(MOST_STEPS);
    Ok(steps.split_off(first))
}

/// The elements that were computed so far.
struct Computed<'g> {
    graph: &'g KernelGraph,
    values: HashMap<NodeId, Known>,
    elements: HashMap<(NodeId, Vec<usize>), f64>,
    /// The elements of which a step is told already.
    steps: Vec<(NodeId, Vec<usize>)>,
}

/// Where an element lies, its moves followed.
enum Place {
    Known(NodeId, Vec<usize>),
    Inner(NodeId, Vec<usize>),
    Padding,
}

impl Computed<'_> {
    /// Adds the steps of an element: first those of what it is made of, where these are few.
    fn step(&mut self, node: NodeId, index: &[usize], steps: &mut Vec<Step>) -> Result<(), Unexplained> {
        let place = self.follow(node, index)?;
        let Place::Inner(node, index) = place else {
            if self.steps.is_empty() {
                let operand = self.operand(node, index)?;
                let number = operand.number;
                steps.push(Step { layer: self.layer(node), arithmetic: Arithmetic::Itself(operand), number });
            }
            return Ok(());
        };
        if self.steps.contains(&(node, index.clone())) {
            return Ok(());
        }
        self.steps.push((node, index.clone()));
        let (kernel, arguments, terms) = self.terms(node, &index)?;
        if let Terms::Computed(places) = &terms {
            for (argument, place) in arguments.iter().zip(places) {
                self.step(*argument, place, steps)?;
            }
        }
        let first = arguments.first().copied().unwrap_or(node);
        let arithmetic = match &terms {
            Terms::Products(pairs) => {
                let mut products = Vec::with_capacity(pairs.len());
                for [left, right] in pairs {
                    let second = arguments.get(1).copied().unwrap_or(node);
                    products.push([self.operand(first, left)?, self.operand(second, right)?]);
                }
                Arithmetic::Products(products)
            }
            Terms::Weighted(parts) => {
                let places: Vec<Vec<usize>> = parts.iter().map(|(place, _)| place.clone()).collect();
                Arithmetic::Weighted(
                    self.operands(first, &places)?.into_iter().zip(parts.iter().map(|(_, share)| *share)).collect(),
                )
            }
            Terms::Sum(places) => Arithmetic::Sum(self.operands(first, places)?),
            Terms::Largest(places) | Terms::Pooled(places, Pooling::Max, _) => {
                Arithmetic::Largest(self.operands(first, places)?)
            }
            Terms::Pooled(places, Pooling::Mean(_), divisor) => {
                Arithmetic::Mean(self.operands(first, places)?, *divisor)
            }
            Terms::Pooled(places, Pooling::Softmax, _) => Arithmetic::Softmax(self.operands(first, places)?),
            Terms::Computed(places) => {
                let mut operands = Vec::with_capacity(places.len());
                for (argument, place) in arguments.iter().zip(places) {
                    operands.push(self.operand(*argument, place)?);
                }
                Arithmetic::Expression(kernel.details().trim().to_owned(), operands)
            }
            Terms::Moved(..) | Terms::Nothing => return Ok(()),
        };
        let number = self.element(node, &index)?;
        steps.push(Step { layer: self.layer(node), arithmetic, number });
        Ok(())
    }

    fn layer(&self, node: NodeId) -> Arc<str> {
        self.graph.dag.get(node).and_then(|node| node.origins.first().cloned()).unwrap_or_else(|| "".into())
    }

    fn shape(&self, node: NodeId) -> Vec<usize> {
        self.graph.dag.get(node).map(|node| node.shape.clone()).unwrap_or_default()
    }

    /// What an element is made of.
    fn terms(&self, node: NodeId, index: &[usize]) -> Result<(Kernel, Vec<NodeId>, Terms), Unexplained> {
        let Some(found) = self.graph.dag.get(node) else { return Err(Unexplained::TooMany) };
        let arguments = self.graph.dag.arguments(node);
        let shapes: Vec<Vec<usize>> = arguments.iter().map(|&argument| self.shape(argument)).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let terms = found.kernel.terms(index, &shapes, &found.shape);
        Ok((found.kernel.clone(), arguments, terms.ok_or(Unexplained::Kernel(found.kernel.name()))?))
    }

    /// Where an element lies that is only moved.
    fn follow(&self, node: NodeId, index: &[usize]) -> Result<Place, Unexplained> {
        let (mut node, mut index) = (node, index.to_vec());
        loop {
            if self.values.contains_key(&node) {
                return Ok(Place::Known(node, index));
            }
            match self.terms(node, &index)? {
                (_, arguments, Terms::Moved(argument, source)) => {
                    node = arguments.get(argument).copied().ok_or(Unexplained::TooMany)?;
                    index = source;
                }
                (_, _, Terms::Nothing) => return Ok(Place::Padding),
                _ => return Ok(Place::Inner(node, index)),
            }
        }
    }

    fn operand(&mut self, node: NodeId, index: &[usize]) -> Result<Operand, Unexplained> {
        Ok(match self.follow(node, index)? {
            Place::Known(node, index) => {
                let known = self.values.get(&node);
                let number = known.and_then(|known| known.numbers.get(number_of(&index, &known.shape)).copied());
                Operand { number: number.unwrap_or(f64::NAN), from: known.map(|known| known.name.clone()), index }
            }
            Place::Inner(node, index) => Operand { number: self.element(node, &index)?, from: None, index },
            Place::Padding => Operand { number: 0.0, from: None, index: Vec::new() },
        })
    }

    fn operands(&mut self, node: NodeId, places: &[Vec<usize>]) -> Result<Vec<Operand>, Unexplained> {
        places.iter().map(|place| self.operand(node, place)).collect()
    }

    fn numbers(&mut self, node: NodeId, places: &[Vec<usize>]) -> Result<Vec<f64>, Unexplained> {
        places.iter().map(|place| Ok(self.operand(node, place)?.number)).collect()
    }

    /// An element that is computed.
    fn element(&mut self, node: NodeId, index: &[usize]) -> Result<f64, Unexplained> {
        let key = (node, index.to_vec());
        if let Some(number) = self.elements.get(&key) {
            return Ok(*number);
        }
        if self.elements.len() >= MOST_ELEMENTS {
            return Err(Unexplained::TooMany);
        }
        let (kernel, arguments, terms) = self.terms(node, index)?;
        let first = arguments.first().copied().unwrap_or(node);
        let number = match &terms {
            Terms::Products(pairs) => {
                let second = arguments.get(1).copied().unwrap_or(node);
                let mut total = 0.0;
                for [left, right] in pairs {
                    total += self.operand(first, left)?.number * self.operand(second, right)?.number;
                }
                total
            }
            Terms::Weighted(parts) => {
                let mut total = 0.0;
                for (place, share) in parts {
                    total += self.operand(first, place)?.number * share;
                }
                total
            }
            Terms::Sum(places) => self.numbers(first, places)?.iter().sum(),
            Terms::Largest(places) | Terms::Pooled(places, Pooling::Max, _) => largest(&self.numbers(first, places)?),
            Terms::Pooled(places, Pooling::Mean(_), divisor) => {
                self.numbers(first, places)?.iter().sum::<f64>() / divisor
            }
            Terms::Pooled(places, Pooling::Softmax, _) => softmax(&self.numbers(first, places)?),
            Terms::Computed(places) => {
                let mut operands = Vec::with_capacity(places.len());
                for (argument, place) in arguments.iter().zip(places) {
                    operands.push(self.operand(*argument, place)?.number);
                }
                match &kernel {
                    Kernel::Map(expression) => {
                        let shape = self.shape(node);
                        let position = ElementPosition { index, number: number_of(index, &shape) };
                        expression.evaluate_at(&operands, position)
                    }
                    other => return Err(Unexplained::Kernel(other.name())),
                }
            }
            Terms::Moved(argument, place) => {
                let argument = arguments.get(*argument).copied().unwrap_or(node);
                self.operand(argument, place)?.number
            }
            Terms::Nothing => 0.0,
        };
        self.elements.insert(key, number);
        Ok(number)
    }
}

/// The largest; not-a-number wins.
fn largest(numbers: &[f64]) -> f64 {
    numbers
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, |best, number| if number.is_nan() || number > best { number } else { best })
}

/// `Σ x·eˣ / Σ eˣ`, against the largest so that nothing overflows.
fn softmax(numbers: &[f64]) -> f64 {
    let top = largest(numbers);
    let weights = || numbers.iter().map(|number| (number - top).exp());
    numbers.iter().zip(weights()).map(|(number, weight)| number * weight).sum::<f64>() / weights().sum::<f64>()
}
