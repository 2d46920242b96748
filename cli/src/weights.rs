//! The values of a network's parameters, as `--weights` and `--seed` say: loaded from a file, or drawn from the spec's
//! initialisers.

use crate::arguments::Weights;
use crate::console::{Console, Outcome};
use cnnc_compiler::graph::Graph;
use cnnc_grammar::span::Files;
use cnnc_runtime::{Parameters, weights};

/// The values of all parameters of a network. Standard error says when they are drawn.
pub fn load_or_draw(
    graph: &Graph,
    arguments: &Weights,
    seed: u64,
    files: &Files,
    console: &mut Console<'_>,
) -> Outcome<Parameters> {
    let loaded = match &arguments.weights {
        Some(path) => console.timed("weights", || weights::load(path, graph, &arguments.prefix)),
        None => {
            console.tell(Parameters::drawn_note(graph, seed).as_slice(), files);
            console.timed("draw", || Parameters::draw(graph, seed))
        }
    };
    loaded.map_err(|failure| console.fail(&failure, files))
}
