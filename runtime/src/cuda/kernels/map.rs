//! Element by element: one launch, by fours where neighbours lie together.

use super::{LaunchRequest, What};
use crate::cuda::source::{EpilogueText, argument, c_type, index_type_of};
use cnnc_compiler::kernels::Expression;
use cnnc_compiler::plan::Step;

/// Threads of a block.
const THREADS: usize = 256;

/// `Map`. Its result may lie over operands, so no pointer is said to be the only one to its memory.
pub fn map(step: &Step, expression: &Expression) -> Vec<LaunchRequest> {
    let epilogue = EpilogueText::of_map(step, expression, index_type_of(step, 1));
    let (function, own) = if epilogue.is_vector { ("map4", 4) } else { ("map", 1) };
    let parameters: String = epilogue.pointers.iter().map(|pointer| pointer.parameter() + ", ").collect();
    let result = c_type(step.output.element);
    let text = format!(
        "{}ENTRY({THREADS}) @({parameters}{result}* out) {{\n    {function}({}, out);\n}}\n\n",
        epilogue.text,
        epilogue.made()
    );
    let arguments = epilogue.pointers.iter().map(|pointer| pointer.from).chain([argument(&step.output)]).collect();
    let grid = [step.output.elements().div_ceil(own * THREADS), 1, 1];
    let what = What::Entry { family: "map", text, grid, threads: THREADS };
    vec![LaunchRequest { what, arguments, workspace: 0 }]
}
