//! Element by element: maps, and what is done to a result at once.

use super::compiled_expression::{CompiledExpression, Count, Counter};
use super::lane::Lane;
use super::memory::{Address, Memory, WORD_BYTES};
use super::tasks::{Cost, Tasks, Workspace};
use super::walk::Walk;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::Expression;
use cnnc_compiler::plan::{Storage, View};
use std::ops::Range;

/// Elements of a task.
const TASK: usize = 1 << 14;

/// An expression over views: the first is written, the others are its operands.
pub struct Elementwise {
    compiled: CompiledExpression,
    walk: Walk,
}

impl Elementwise {
    /// All elements of a result.
    pub fn whole(expression: &Expression, output: &View, operands: &[&View]) -> Elementwise {
        let elements: Vec<ElementType> = operands.iter().map(|view| view.element).collect();
        let compiled = CompiledExpression::new(expression, &elements);
        let output = &words(output);
        let operands: Vec<View> = operands.iter().copied().map(words).collect();
        let counted: Vec<View> = compiled.counters().iter().map(|&counter| counted(counter, output)).collect();
        let views: Vec<&View> = std::iter::once(output).chain(&operands).chain(&counted).collect();
        let walk = if counted.is_empty() { Walk::whole(&views).joined() } else { Walk::whole(&views) };
        Elementwise { walk, compiled }
    }

    /// What is done to a result where it lies, of other operands that are float32, its first `lead` axes by number. `None` when
    /// the views are too ragged for that.
    pub fn in_place(expression: &Expression, output: &View, others: &[View], lead: usize) -> Option<Elementwise> {
        let views: Vec<&View> = [output, output].into_iter().chain(others).collect();
        let compiled = CompiledExpression::new(expression, &[]);
        Some(Elementwise { compiled, walk: Walk::with_lead(&views, lead)? })
    }

    /// The elements `start..end` of the run of lead number `lead`.
    ///
    /// # Safety
    /// The memory must be that of the plan, and no one else may write to these elements.
    pub unsafe fn run(&self, memory: &Memory, lead: usize, start: usize, end: usize, workspace: &mut Workspace) {
        let Workspace { registers, offsets, lanes, counts, .. } = workspace;
        let views = self.walk.views() - self.compiled.counters().len();
        self.walk.rows(lead, start, end, offsets, |offsets, count| {
            lanes.clear();
            counts.clear();
            let counted = views..self.walk.views();
            counts.extend(counted.map(|view| Count { first: offsets[view], step: self.walk.pattern(view).offset(1) }));
            // SAFETY: every offset is one of an element of its view, and views lie inside their storages.
            lanes.extend((0..views).map(|view| unsafe {
                let pointer = memory.at(self.walk.address(view), offsets[view]);
                Lane { pointer, pattern: self.walk.pattern(view) }
            }));
            let Some((&output, operands)) = lanes.split_first() else { return };
            let output: Lane = output;
            // SAFETY: the elements are valid; a result shares memory with an operand only element for element.
            unsafe { self.compiled.run(operands, counts, output, count, registers) };
        });
    }

    /// The work of all elements.
    pub fn cost(&self) -> Cost {
        let elements = self.walk.leads() * self.walk.run_length();
        Cost { operations: elements * self.compiled.operations(), elements: elements * self.walk.views() }
    }
}

/// A view as one of floats, of which an element that is a whole number is two: the first of them. Bytes, which are only copied,
/// lie side by side in fours.
pub fn words(view: &View) -> View {
    if view.element.quantisation().is_some() {
        let mut words = View { element: ElementType::Float32, ..view.clone() };
        words.strides.iter_mut().for_each(|stride| *stride /= WORD_BYTES);
        if let (Some(size), Some(stride)) = (words.shape.last_mut(), words.strides.last_mut()) {
            (*size, *stride) = (*size / WORD_BYTES, 1);
        }
        return words;
    }
    let floats = view.element.size_bytes() / WORD_BYTES;
    let strides = view.strides.iter().map(|stride| stride * floats).collect();
    View { element: ElementType::Float32, strides, ..view.clone() }
}

/// A view over no memory, whose offset at every element of a result is what the counter counts.
fn counted(counter: Counter, output: &View) -> View {
    let mut view = View::dense(output.storage, output.element, 0, &output.shape);
    if let Counter::Index(axis) = counter {
        view.strides = (0..view.shape.len()).map(|other| usize::from(other == axis)).collect();
    }
    view
}

/// A map as a step of its own: tasks of so many elements, whatever the number of threads.
pub struct MapCall {
    elementwise: Elementwise,
    /// Parts that each run is cut into.
    parts: usize,
    /// (lead, part) pairs of a task.
    pairs: usize,
}

impl MapCall {
    /// The step of a map.
    pub fn new(elementwise: Elementwise) -> MapCall {
        let run = elementwise.walk.run_length();
        MapCall { parts: run.div_ceil(TASK), pairs: (TASK / run.max(1)).max(1), elementwise }
    }

    /// A map whose output is dense and begins with the values of a parameter of its shape, in their places: each task's are made
    /// before it.
    pub fn of_pieces(expression: &Expression, output: &View, operands: &[View], parameter: usize) -> MapCall {
        let is_it = |view: &View| view.storage == Storage::Parameter(parameter);
        let operands: Vec<&View> = operands.iter().map(|view| if is_it(view) { output } else { view }).collect();
        MapCall::new(Elementwise::whole(expression, output, &operands))
    }

    /// The (lead, part) pairs of a task.
    fn pairs(&self, task: usize) -> Range<usize> {
        task * self.pairs..((task + 1) * self.pairs).min(self.elementwise.walk.leads() * self.parts)
    }
}

impl Tasks for MapCall {
    fn tasks(&self) -> usize {
        (self.elementwise.walk.leads() * self.parts).div_ceil(self.pairs)
    }

    fn cost(&self) -> Cost {
        self.elementwise.cost()
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let run = self.elementwise.walk.run_length();
        for pair in self.pairs(task) {
            let (lead, start) = (pair / self.parts, pair % self.parts * TASK);
            // SAFETY: tasks take distinct elements.
            unsafe { self.elementwise.run(memory, lead, start, (start + TASK).min(run), workspace) };
        }
    }

    fn piece(&self, task: usize) -> Option<(Address, Range<usize>)> {
        let (run, pairs) = (self.elementwise.walk.run_length(), self.pairs(task));
        let first = |pair: usize| pair / self.parts * run + pair % self.parts * TASK;
        // Of several runs each is one part, and a last part may be shorter.
        let end = if self.parts == 1 {
            first(pairs.end)
        } else {
            (first(pairs.start) + TASK).min((pairs.start / self.parts + 1) * run)
        };
        Some((self.elementwise.walk.address(0), first(pairs.start)..end))
    }
}
