//! The launches of a product: one, or two where blocks share sums.

use super::{Call, Entry, finished};
use crate::cuda::program::{Argument, Options};
use crate::cuda::source::{Ending, argument, index_type_of, sizes};
use crate::cuda::tiles::{Product, Way, candidates};
use cnnc_compiler::plan::Step;

/// A step as a product.
pub struct Problem<'a> {
    /// The family, also the C function.
    pub family: &'static str,
    /// The step.
    pub step: &'a Step,
    /// The names of its own operands.
    pub names: [&'static str; 2],
    /// Its shape.
    pub product: Product,
    /// Constants of the sizes struct: whole numbers, and those of the index type.
    pub ints: Vec<(&'static str, usize)>,
    /// Constants of the index type.
    pub indices: Vec<(&'static str, usize)>,
}

/// The launches of a product.
pub fn calls(problem: &Problem<'_>, options: &Options) -> Vec<Call> {
    let ways = candidates(problem.product, options.precision);
    ways.first().map(|&way| calls_by(problem, way)).unwrap_or_default()
}

/// The launches of a product in that way.
fn calls_by(problem: &Problem<'_>, Way { tile, parts }: Way) -> Vec<Call> {
    let Problem { family, step, names, product, ints, indices } = problem;
    let index = index_type_of(step, parts);
    let count = step.output.elements();
    let aligned = step.operands.iter().take(2).all(|view| view.offset.is_multiple_of(4));
    let more = [("parts", parts), ("aligned", usize::from(aligned))];
    let ints: Vec<(&str, usize)> = ints.iter().copied().chain(more).collect();
    let sizes_text = sizes(index, &ints, indices, &[]);
    let blocks = [product.columns.div_ceil(tile.columns), product.rows.div_ceil(tile.rows), product.groups * parts];
    let body = |sink: &str| format!("{family}<@_sizes, {}>({}, {}, {sink})", tile.text(), names[0], names[1]);
    let ending = Ending::of(step, index);
    let out = argument(&step.output);
    if parts == 1 {
        let entry = Entry::new(sizes_text + &ending.text).operands(names, step).ending(&ending).write("out", out);
        return vec![entry.call(family, &body(&finished(&ending)), blocks, tile.threads())];
    }
    let sink = format!("Partial{{workspace + blockIdx.z % {parts} * ({index}){count}}}");
    let entry = Entry::new(sizes_text).operands(names, step).write("workspace", Argument::Workspace(0));
    let mut first = entry.call(family, &body(&sink), blocks, tile.threads());
    first.workspace = parts * count;
    vec![first, combine(step, "Sum", parts)]
}

/// The second pass: joins the parts and stores the result.
pub fn combine(step: &Step, join: &str, parts: usize) -> Call {
    const THREADS: usize = 128;
    let count = step.output.elements();
    let index = index_type_of(step, parts);
    let ending = Ending::of(step, index);
    let structs = sizes(index, &[("parts", parts)], &[("count", count)], &[]) + &ending.text;
    let entry = Entry::new(structs).read("workspace", Argument::Workspace(0)).ending(&ending);
    let body = format!("combine<@_sizes, {join}>(workspace, {}, out)", ending.made());
    entry.write("out", argument(&step.output)).call("combine", &body, [count.div_ceil(THREADS), 1, 1], THREADS)
}
