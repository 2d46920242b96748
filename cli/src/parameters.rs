//! Parameters for `run` and `params`: loaded from a file, or drawn from the spec's initialisers and a seed.

use crate::arguments::Weights;
use crate::console::{Console, Outcome};
use cnnc_compiler::graph::{Graph, Initialiser, Parameter};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Parameters, weights};

/// The parameters of a network. Standard error says when they are drawn.
pub fn parameters(
    graph: &Graph,
    arguments: &Weights,
    seed: u64,
    files: &Files,
    console: &mut Console<'_>,
) -> Outcome<Parameters> {
    let loaded = match &arguments.weights {
        Some(path) => console.timed("weights", || weights::load(path, graph, &arguments.prefix)),
        None => {
            let given = |one: &Parameter| matches!(one.initialiser, Initialiser::Values(_));
            if !graph.parameters.iter().all(given) {
                console.note(&format!(
                    "note: the parameters are drawn as the spec says, from seed {seed}; --weights loads trained ones\n"
                ));
            }
            console.timed("draw", || Parameters::draw(graph, seed))
        }
    };
    loaded.map_err(|failure| console.fail(&failure, files))
}
