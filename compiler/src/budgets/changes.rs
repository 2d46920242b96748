//! Changes of a spec that would keep a budget: each number is changed, the changed spec checked, and the mildest told.

use super::broken;
use super::measure::{Found, measure};
use super::numbers::{Number, Step, numbers};
use super::report::{in_words, is_least, margin, weights};
use crate::diagnostic::{Applicability, Diagnostic, Fix};
use crate::graph::{Budget, Measure, ShapedGraph};
use crate::shape::Shape;
use crate::trial::{Trial, place};
use cnnc_grammar::span::Span;

/// Changes that are told.
const TOLD: usize = 3;

/// Trials, however small the network is.
const MOST_TRIALS: usize = 300;

/// A change that keeps the budget.
struct Kept {
    step: Step,
    place: Span,
    found: Found,
}

/// The diagnostic with the changes that take the least away, or add the least.
pub(super) fn offered(
    diagnostic: Diagnostic,
    (budget, found, broken): (&Budget, &Found, usize),
    shaped: &ShapedGraph,
    trial: &Trial<'_>,
) -> Diagnostic {
    let mut tries = Tries { budget, before: found, broken, shaped, trial, layers: 0, count: 0 };
    let mut kept: Vec<Kept> = Vec::new();
    for number in numbers(trial.text, &weights(budget, shaped), is_least(budget)) {
        kept.extend(tries.mildest(number));
    }
    let moved = |found: &Found| {
        let pairs = found.numbers().into_iter().zip(tries.before.numbers());
        pairs.map(|(after, before)| (after - before).abs()).fold(0.0, f64::max)
    };
    kept.sort_by(|one, other| moved(&one.found).total_cmp(&moved(&other.found)));
    kept.into_iter().take(TOLD).fold(diagnostic, |mut diagnostic, change| {
        let gives = format!("{}, {}", in_words(&change.found, budget), margin(&change.found, budget));
        diagnostic.help.push(format!("{}: {} gives {gives}", place(change.place, trial.text), change.step.words));
        diagnostic.fixes.push(Fix { applicability: Applicability::Guess, edits: change.step.edits });
        diagnostic
    })
}

/// The trials for one budget.
struct Tries<'t> {
    budget: &'t Budget,
    before: &'t Found,
    /// How many budgets are not kept before any change.
    broken: usize,
    shaped: &'t ShapedGraph,
    trial: &'t Trial<'t>,
    layers: usize,
    count: usize,
}

/// What a trial says.
enum Outcome {
    /// The changed spec has other faults, or the network takes or gives something else.
    Unfit,
    /// The budget is still not kept.
    Past,
    /// It is.
    Kept(Found),
}

impl Tries<'_> {
    /// The smallest change of a number that keeps the budget.
    fn mildest(&mut self, number: Number) -> Option<Kept> {
        let Number { place, mut steps, .. } = number;
        // What the largest change does not do no smaller one does.
        if let Some(largest) = steps.last()
            && let Some(Outcome::Past) = self.outcome(largest)
        {
            return None;
        }
        // The larger the change, the more it does; where one does not fit, a larger one may.
        let (mut least, mut most, mut chosen) = (0, steps.len(), None);
        while least < most {
            let middle = least + (most - least) / 2;
            match self.outcome(steps.get(middle)?) {
                Some(Outcome::Kept(found)) => (most, chosen) = (middle, Some((middle, found))),
                Some(Outcome::Past | Outcome::Unfit) => least = middle + 1,
                None => break,
            }
        }
        let (index, found) = chosen?;
        Some(Kept { step: steps.swap_remove(index), place, found })
    }

    /// Makes a change; `None` once enough was tried.
    fn outcome(&mut self, step: &Step) -> Option<Outcome> {
        if self.count >= MOST_TRIALS || self.layers >= self.trial.most_layers {
            return None;
        }
        self.count += 1;
        let Some((checked, _)) = self.trial.of(&step.edits) else {
            self.layers += self.shaped.graph.dag.len();
            return Some(Outcome::Unfit);
        };
        self.layers += checked.networks.iter().map(|network| network.graph.dag.len()).sum::<usize>();
        let same = |network: &&ShapedGraph| network.graph.name == self.shaped.graph.name;
        let Some(network) = checked.networks.iter().find(same).filter(|network| ports(network) == ports(self.shaped))
        else {
            return Some(Outcome::Unfit);
        };
        let here = network.graph.budgets.iter().find(|budget| is_same(budget, self.budget));
        Some(match here.and_then(|budget| Some((measure(budget, network).ok()?, budget))) {
            None => Outcome::Unfit,
            Some((found, budget)) if found.keeps(budget) => {
                let networks: Vec<&ShapedGraph> = checked.networks.iter().collect();
                if broken(&networks) < self.broken { Outcome::Kept(found) } else { Outcome::Unfit }
            }
            Some(_) => Outcome::Past,
        })
    }
}

/// Whether a budget of a changed text is that one.
fn is_same(one: &Budget, other: &Budget) -> bool {
    let kind = |budget: &Budget| (std::mem::discriminant(&budget.measure), budget.relation);
    let sizes = |budget: &Budget| budget.sizes.iter().map(|size| (size.name.clone(), size.size)).collect::<Vec<_>>();
    let path = |budget: &Budget| match &budget.measure {
        Measure::ReceptiveField { path, .. } => Some(path.clone()),
        _ => None,
    };
    kind(one) == kind(other) && one.bound == other.bound && sizes(one) == sizes(other) && path(one) == path(other)
}

/// What a network takes and gives.
fn ports(shaped: &ShapedGraph) -> Vec<Shape> {
    let graph = &shaped.graph;
    let outputs = graph.outputs.iter().map(|output| shaped.shape(output.node));
    graph.inputs.iter().map(|input| input.shape.clone()).chain(outputs).collect()
}
