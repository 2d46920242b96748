//! The arguments of `cnnc params`.

use super::{Model, Sizes, Weights, png_file, setting, sizes};
use clap::Args;
use std::path::PathBuf;

/// List the parameters, print the values of one or of a layer's, change and save them.
#[derive(Debug, Args)]
pub struct Params {
    /// The spec.
    pub file: PathBuf,
    /// A parameter or a layer, and indices: 0.weight, "0.block 1", [0][1].bias, "0.weight[0, :]".
    pub path: Option<String>,
    #[command(flatten)]
    pub weights: Weights,
    /// What drawn parameters depend on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Put a number into a parameter, or a part of it: --set '0.weight[0, 0] = 100', --set '0.bias = 0'. A name alone is a
    /// parameter of the model, in the language's own syntax: --set num_classes=100.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting_or_change)]
    pub set: Vec<Set>,
    /// Write all parameters, drawn, loaded or changed, as a safetensors file.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Draw the parameter that PATH names as a picture (PNG): the kernels of a convolution as a grid, other ones as a matrix.
    #[arg(long, value_name = "FILE.png", value_parser = png_file(), requires = "path")]
    pub picture: Option<PathBuf>,
    /// Let --save write over the file that --weights reads.
    #[arg(long, requires = "save")]
    pub force: bool,
    /// The model; a file's last one is its default.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Sizes of the input instead of the spec's; once for each input.
    #[arg(long, value_name = "1,3,224,224", value_parser = sizes)]
    pub input_shape: Vec<Sizes>,
}

/// What a `--set` sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    /// A parameter of the model: its name and value.
    Model(String, String),
    /// Values of a parameter of the network, as they were given.
    Values(String),
}

impl Params {
    /// Which network is asked for.
    pub fn network(&self) -> Model {
        let set = self.set.iter().filter_map(|set| match set {
            Set::Model(name, value) => Some((name.clone(), value.clone())),
            Set::Values(_) => None,
        });
        Model { model: self.model.clone(), set: set.collect(), input_shape: self.input_shape.clone() }
    }

    /// The changes of parameters, as they were given.
    pub fn changes(&self) -> impl Iterator<Item = &str> {
        self.set.iter().filter_map(|set| match set {
            Set::Values(text) => Some(text.as_str()),
            Set::Model(..) => None,
        })
    }
}

/// A name alone before the first `=` is one of the model's; a key with a dot or brackets is a parameter of the network.
fn setting_or_change(text: &str) -> Result<Set, String> {
    let key = text.split('=').next().unwrap_or_default().trim();
    let is_name = key.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && key.chars().all(|character| character.is_alphanumeric() || character == '_');
    if !is_name && !key.is_empty() && text.contains('=') {
        return Ok(Set::Values(text.to_owned()));
    }
    setting(text).map(|(name, value)| Set::Model(name, value))
}

#[cfg(test)]
mod tests {
    use super::{Set, setting_or_change};

    #[test]
    fn names_are_the_models_and_keys_the_networks() {
        let model = |name: &str, value: &str| Ok(Set::Model(name.into(), value.into()));
        let values = |text: &str| Ok(Set::Values(text.into()));
        assert_eq!(setting_or_change("arch=[(1, 2)]"), model("arch", "[(1, 2)]"));
        assert_eq!(setting_or_change("0.weight[0, 0] = 100"), values("0.weight[0, 0] = 100"));
        assert_eq!(setting_or_change("layer_scale[...]=1"), values("layer_scale[...]=1"));
        assert_eq!(setting_or_change("[0][1].bias = 0"), values("[0][1].bias = 0"));
        for wrong in ["0.weight", "= 3", "a =", ""] {
            assert!(setting_or_change(wrong).is_err(), "{wrong}");
        }
    }
}
