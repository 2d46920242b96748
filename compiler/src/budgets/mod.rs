//! Budgets held: networks whose shapes are known come in, and E311 for each `assert` that is not kept goes out, with changes of
//! the spec that would keep it.
//!
//! A budget speaks of the network as the spec has it, at the sizes that it names, whatever other sizes a command asks for. A
//! change is offered only once it was made: the changed text was checked whole, nothing else is wrong with it, the network
//! takes and gives what it did before, the budget is kept and no other one is lost. `measure.rs` measures, `report.rs` says
//! what was found, `numbers.rs` finds what could be changed in the text, `changes.rs` tries it.

mod changes;
mod measure;
mod numbers;
mod report;

use crate::diagnostic::Problems;
use crate::graph::{Budget, ShapedGraph};
use crate::trial::Trial;

/// What a budget measures in a network: `232,842 parameters, 32,842 past the budget`; `None` where it cannot be measured.
pub fn told(budget: &Budget, shaped: &ShapedGraph) -> Option<String> {
    let found = measure::measure(budget, shaped).ok()?;
    Some(format!("{}, {}", report::in_words(&found, budget), report::margin(&found, budget)))
}

/// How many budgets networks do not keep.
fn broken(networks: &[&ShapedGraph]) -> usize {
    let keeps =
        |budget: &Budget, shaped: &ShapedGraph| measure::measure(budget, shaped).is_ok_and(|found| found.keeps(budget));
    let of = |shaped: &&ShapedGraph| shaped.graph.budgets.iter().filter(|budget| !keeps(budget, shaped)).count();
    networks.iter().map(of).sum()
}

/// Holds every network to its budgets.
pub(crate) fn check(networks: &[&ShapedGraph], trial: &Trial<'_>, problems: &mut Problems) {
    let before = broken(networks);
    for shaped in networks {
        for budget in &shaped.graph.budgets {
            let found = match measure::measure(budget, shaped) {
                Ok(found) => found,
                Err(diagnostic) => {
                    problems.add(*diagnostic);
                    continue;
                }
            };
            if found.keeps(budget) {
                continue;
            }
            let broken = report::broken(budget, shaped, &found, trial.text.files);
            problems.add(changes::offered(broken, (budget, &found, before), shaped, trial));
        }
    }
}
