//! The sizes that a spec leaves open, as inputs give them.

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
