//! The weights of a model, as `--weights` and `--seed` say: loaded from a file, or drawn from the spec's initialisers.

use crate::arguments::{FileKeys, Keys, Weights as Arguments};
use crate::console::{Console, Outcome};
use cnnc_runtime::{Model, Weights, WeightsOptions};

/// The weights of a model. Standard error says when they are drawn, and how a file was read.
pub fn load_or_draw(model: &Model, arguments: &Arguments, seed: u64, console: &mut Console<'_>) -> Outcome<Weights> {
    let loaded = match &arguments.weights {
        Some(path) => {
            let options = options(&arguments.keys);
            console.timed("weights", || Weights::from_file_as(&options, path, model))
        }
        None => {
            console.tell(model.init_note(seed).as_slice(), model.files());
            console.timed("draw", || model.init(seed))
        }
    };
    let weights = loaded.map_err(|failure| console.fail(&failure, model.files()))?;
    console.tell(weights.notes(), model.files());
    Ok(weights)
}

/// How a file is read, as the arguments say.
pub fn options(keys: &Keys) -> WeightsOptions {
    chosen(keys.key.as_deref(), &keys.prefix, &keys.rename)
}

/// How a file that a command is about is read, as the arguments say.
pub fn of_file(keys: &FileKeys) -> WeightsOptions {
    chosen(keys.key.as_deref(), &keys.prefix, &keys.rename)
}

/// How a file is read: the state under a key, without a prefix, with these renames.
fn chosen(key: Option<&str>, prefix: &str, renames: &[cnnc_runtime::Rename]) -> WeightsOptions {
    let options = WeightsOptions::default().without_prefix(prefix);
    let options = key.into_iter().fold(options, WeightsOptions::under);
    renames.iter().cloned().fold(options, WeightsOptions::rename)
}
