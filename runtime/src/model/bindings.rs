//! The sizes that a spec leaves open, as inputs give them.

use crate::failure::{Result, failure};
use crate::given::wrong_number;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{Input, ShapedGraph};
use cnnc_compiler::shape::Dim;
use cnnc_compiler::write_kernels::Bindings;

/// Gives an input's symbols the sizes that a tensor has. A symbol that has a size keeps it.
pub fn bind_input(input: &Input, shape: &[usize], bindings: &mut Bindings) {
    for (dim, &size) in input.shape.iter().zip(shape) {
        if let [symbol] = dim.symbols().as_slice()
            && *dim == Dim::symbol(symbol)
        {
            bindings.entry(symbol.to_string()).or_insert(size);
        }
    }
}

/// A batch of so many samples, for every symbol that stands for a batch and has no size yet.
pub fn bind_batch(graph: &ShapedGraph, bindings: &mut Bindings, samples: usize) {
    let batches = graph.graph.inputs.iter().filter_map(|input| input.shape.first());
    for symbol in batches.flat_map(Dim::symbols) {
        bindings.entry(symbol.to_string()).or_insert(samples);
    }
}

/// What the sizes of all inputs give the spec's symbols.
///
/// # Errors
/// E604 when they do not fit the inputs, or each other.
pub(super) fn of_inputs(graph: &ShapedGraph, sizes: &[&[usize]]) -> Result<Bindings> {
    let inputs = &graph.graph.inputs;
    if inputs.len() != sizes.len() {
        return Err(wrong_number(inputs.iter().map(|input| &*input.name), sizes.len()));
    }
    let mut bindings = Bindings::new();
    for (input, shape) in inputs.iter().zip(sizes) {
        bind_input(input, shape, &mut bindings);
    }
    let bound = |symbol: &str| bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
    for (input, &shape) in inputs.iter().zip(sizes) {
        if input.shape.at(&bound).is_none_or(|wanted| wanted != shape) {
            let message = format!("`{}` is {shape:?}, and the model takes {}", input.name, input.shape);
            return Err(failure(Code::E604, message));
        }
    }
    Ok(bindings)
}
