//! The weights of a model, as `--weights` and `--seed` say: loaded from a file, or drawn from the spec's initialisers.

use crate::arguments::{FileKeys, Keys, Weights as Arguments};
use crate::console::{Console, Outcome};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::passes::Quantisations;
use cnnc_runtime::{Device, Model, Precision, Weights, WeightsOptions};

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

/// Weights as the precision that is asked for has them: those with bytes are computed in int8, unless it is fp32 or the device a
/// GPU.
pub fn in_precision(
    weights: Weights,
    precision: Option<Precision>,
    device: &Device,
    console: &mut Console<'_>,
) -> Outcome<Weights> {
    let has_bytes = !weights.quantisations().is_empty();
    match precision {
        Some(Precision::Int8) if !has_bytes => {
            let none = Diagnostic::without_place(Code::E602, "these weights do not say what bytes of values stand for");
            let mended = none.help("`cnnc quantize` makes weights of bytes, from samples");
            return Err(console.fail(&mended, weights.model().files()));
        }
        _ if has_bytes && device.gpu().is_some() => {
            console.remark(Code::E602, "on a GPU these weights of bytes are computed as floats");
        }
        Some(Precision::Exact) => return Ok(weights.with_quantisations(Quantisations::default())),
        _ => {}
    }
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
