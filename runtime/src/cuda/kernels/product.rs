//! The launches of a product: one, or two where blocks share sums or a library leaves the epilogue to us.

use super::{EntryDraft, LaunchRequest, What, finished};
use crate::cuda::library_operation::LibraryOperation;
use crate::cuda::methods::ProductMethod;
use crate::cuda::program::{ALIGNMENT, Argument, LIBRARY_ELEMENTS, Options};
use crate::cuda::source::{EpilogueText, argument, index_type_of, sizes};
use crate::cuda::tiles::{Product, Tile, tile_of};
use cnnc_compiler::plan::{Step, Storage};

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
    /// How it is computed instead of by tiles, where these do not fit it.
    pub direct: Option<fn(&Problem<'_>) -> LaunchRequest>,
    /// The same for a library; `None` where none has it.
    pub operation: Option<LibraryOperation>,
}

/// The launches of a product.
pub fn launches(problem: &Problem<'_>, options: &Options) -> Vec<LaunchRequest> {
    match (problem.method(options), problem.direct, &problem.operation) {
        (Some(ProductMethod::Tiles { rows, columns, parts }), ..) => {
            let tile = tile_of(rows, columns, options.precision);
            tile.map(|tile| by_tiles(problem, tile, parts)).unwrap_or_default()
        }
        (Some(ProductMethod::CublasLt | ProductMethod::Cudnn), _, Some(operation)) => {
            by_library(problem, operation.clone().in_precision(options.precision))
        }
        (_, Some(direct), _) => vec![direct(problem)],
        _ => Vec::new(),
    }
}

/// The launches of a product by tiles.
fn by_tiles(problem: &Problem<'_>, tile: Tile, parts: usize) -> Vec<LaunchRequest> {
    let Problem { family, step, names, product, ints, indices, .. } = problem;
    let index = index_type_of(step, parts);
    let count = step.output.elements();
    let aligned = step.operands.iter().take(2).all(|view| view.offset().is_multiple_of(4));
    let more = [("parts", parts), ("aligned", usize::from(aligned))];
    let ints: Vec<(&str, usize)> = ints.iter().copied().chain(more).collect();
    let sizes_text = sizes(index, &ints, indices, &[]);
    let blocks = [product.columns.div_ceil(tile.columns), product.rows.div_ceil(tile.rows), product.groups * parts];
    let body = |sink: &str| format!("{family}<@_sizes, {}>({}, {}, {sink})", tile.text(), names[0], names[1]);
    let epilogue = EpilogueText::of(step, index);
    let out = argument(&step.output);
    if parts == 1 {
        let entry =
            EntryDraft::new(sizes_text + &epilogue.text).operands(names, step).epilogue(&epilogue).write("out", out);
        return vec![entry.launch(family, &body(&finished(&epilogue)), blocks, tile.threads())];
    }
    let sink = format!("Partial{{workspace + blockIdx.z % {parts} * ({index}){count}}}");
    let entry = EntryDraft::new(sizes_text).operands(names, step).write("workspace", Argument::Workspace(0));
    let mut first = entry.launch(family, &body(&sink), blocks, tile.threads());
    first.workspace = parts * count;
    vec![first, combine(step, "Sum", parts)]
}

/// The launches of a product by a library: it writes the result itself where nothing is done to that, and else leaves it in the
/// workspace.
fn by_library(problem: &Problem<'_>, operation: LibraryOperation) -> Vec<LaunchRequest> {
    let step = problem.step;
    // What else is kept there must not be lost when the library is tried.
    let is_ours = matches!(step.output.storage, Storage::Arena | Storage::Prepared(_) | Storage::Scratch);
    let is_done = step.epilogue.is_none() && step.output.is_dense() && is_ours;
    let kept = if is_done { 0 } else { step.output.elements().next_multiple_of(ALIGNMENT) };
    let out = if is_done { argument(&step.output) } else { Argument::Workspace(0) };
    let operands = step.operands.iter().take(2).map(argument);
    let launch = LaunchRequest {
        what: What::Library(operation),
        arguments: operands.chain([out, Argument::Workspace(kept)]).collect(),
        workspace: kept + LIBRARY_ELEMENTS,
    };
    if is_done { vec![launch] } else { vec![launch, combine(step, "Sum", 1)] }
}

/// The second pass: joins the parts and stores the result.
pub fn combine(step: &Step, join: &str, parts: usize) -> LaunchRequest {
    const THREADS: usize = 128;
    let count = step.output.elements();
    let index = index_type_of(step, parts);
    let epilogue = EpilogueText::of(step, index);
    let structs = sizes(index, &[("parts", parts)], &[("count", count)], &[]) + &epilogue.text;
    let entry = EntryDraft::new(structs).read("workspace", Argument::Workspace(0)).epilogue(&epilogue);
    let body = format!("combine<@_sizes, {join}>(workspace, {}, out)", epilogue.made());
    entry.write("out", argument(&step.output)).launch("combine", &body, [count.div_ceil(THREADS), 1, 1], THREADS)
}
