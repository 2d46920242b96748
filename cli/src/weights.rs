//! The weights of a model, as `--weights` and `--seed` say: loaded from a file, or drawn from the spec's initialisers.

use crate::arguments::Weights as Arguments;
use crate::console::{Console, Outcome};
use cnnc_runtime::{Model, Weights};

/// The weights of a model. Standard error says when they are drawn.
pub fn load_or_draw(model: &Model, arguments: &Arguments, seed: u64, console: &mut Console<'_>) -> Outcome<Weights> {
    let loaded = match &arguments.weights {
        Some(path) => console.timed("weights", || Weights::from_file_under(&arguments.prefix, path, model)),
        None => {
            console.tell(model.init_note(seed).as_slice(), model.files());
            console.timed("draw", || model.init(seed))
        }
    };
    loaded.map_err(|failure| console.fail(&failure, model.files()))
}
