//! From what a recipe says of its data to the data set: files of a folder, or tensors that stand in the recipe.

use super::recipe::Recipe;
use crate::Result;
use crate::data::{self, DataSet, Format, Pair};
use cnnc_compiler::graph::ShapedGraph;

/// Opens a recipe's data for a network. Of arrays axes that are missing before the others are added, of size 1.
///
/// # Errors
/// As [`data::open`]; E610 when a class by name is no label of the model.
pub fn open_data(recipe: &Recipe, graph: &ShapedGraph) -> Result<DataSet> {
    let of_input = graph.graph.inputs.first().map_or(0, |input| input.shape.len());
    let of_output = graph.graph.outputs.first().map_or(0, |output| graph.shape(output.node).len());
    let grown = |pair: Pair| pair.with_axes(of_input, of_output);
    let (train, validation) = match (&recipe.data.tensors, recipe.data.format) {
        (Some((train, validation)), _) => (train.clone(), validation.clone()),
        (None, Format::Npy) => data::read_arrays(&recipe.data.path)?,
        (None, format) => {
            let (folder, opened) = (&recipe.data.path, data::open(format, &recipe.data.path)?);
            return match &graph.graph.labels {
                Some(labels) if format == Format::Folder => data::by_labels(opened, labels, folder),
                _ => Ok(opened),
            };
        }
    };
    data::arrays(grown(train), validation.map(grown))
}
