//! Whole numbers, element by element: counters, of which there are few, one after the other.

use super::lane::Lane;
use super::map::words;
use super::memory::Memory;
use super::tasks::{Cost, Tasks, Workspace};
use super::walk::Walk;
use cnnc_compiler::kernels::Expression;
use cnnc_compiler::plan::View;

/// A map that computes in whole numbers.
pub struct CountCall {
    expression: Expression,
    /// Of the output, then of the operands.
    walk: Walk,
}

impl CountCall {
    /// All elements of a result.
    pub fn new(expression: &Expression, output: &View, operands: &[View]) -> CountCall {
        let views: Vec<View> = std::iter::once(output).chain(operands).map(words).collect();
        CountCall { expression: expression.clone(), walk: Walk::whole(&views.iter().collect::<Vec<_>>()) }
    }
}

impl Tasks for CountCall {
    fn tasks(&self) -> usize {
        1
    }

    fn cost(&self) -> Cost {
        let elements = self.walk.leads() * self.walk.run_length();
        Cost { operations: elements * self.expression.operations(), elements: elements * self.walk.views() }
    }

    unsafe fn run(&self, _task: usize, memory: &Memory, workspace: &mut Workspace) {
        let mut numbers = Vec::with_capacity(self.walk.views());
        for lead in 0..self.walk.leads() {
            self.walk.rows(lead, 0, self.walk.run_length(), &mut workspace.offsets, |offsets, count| {
                let lane = |view: usize| Lane {
                    // SAFETY: every offset is one of an element of its view, and views lie inside their storages.
                    pointer: unsafe { memory.at(self.walk.address(view), offsets[view]) },
                    pattern: self.walk.pattern(view),
                };
                for index in 0..count {
                    numbers.clear();
                    // SAFETY: the views are of whole numbers, and have so many in this row.
                    numbers.extend((1..self.walk.views()).map(|view| unsafe { lane(view).count(index) }));
                    let number = self.expression.evaluate_whole(&numbers).unwrap_or_default();
                    // SAFETY: the output is of whole numbers too, and shares memory with an operand only element for element.
                    unsafe { lane(0).set_count(index, number) };
                }
            });
        }
    }
}
