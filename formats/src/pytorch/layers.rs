//! The layers of a state, as far as names and sizes of its tensors tell them: keys and sizes come in, a line a layer goes out.
//!
//! What a state does not hold cannot be told: in which order layers compute, what stands between them, strides and padding. A
//! square convolution may also be a transposed one.

use std::collections::BTreeMap;
use std::fmt;

/// A module of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its path; empty of the outermost module.
    pub path: String,
    /// What it looks like.
    pub looks: Looks,
}

/// What the tensors of a module make it look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Looks {
    /// A convolution of so many axes: channels in (of a group) and out, and its kernel.
    Convolution(usize, usize, Vec<usize>),
    /// A transposed convolution.
    Transposed(usize, usize, Vec<usize>),
    /// A product: features in and out.
    Linear(usize, usize),
    /// A norm with running means.
    BatchNorm(usize),
    /// A norm without, or numbers for each channel.
    Norm(usize),
    /// Attention of so many features.
    Attention(usize),
    /// Several of a recurrent layer's tensors.
    Recurrent,
    /// Tensors that tell nothing, with their names and sizes.
    Other(Vec<(String, Vec<usize>)>),
}

/// The name and the sizes of a module's own tensor.
type Part<'t> = (&'t str, &'t [usize]);

impl Looks {
    fn of(tensors: &[Part]) -> Looks {
        let shape = |name: &str| tensors.iter().find(|(other, _)| *other == name).map(|(_, shape)| *shape);
        let starts = |name: &str| tensors.iter().any(|(other, _)| other.starts_with(name));
        let bias = shape("bias").and_then(|shape| shape.first().copied());
        match (shape("weight"), shape("running_mean"), shape("in_proj_weight")) {
            _ if starts("weight_hh_l0") => Looks::Recurrent,
            (_, _, Some([_, features])) => Looks::Attention(*features),
            (_, Some([channels]), _) => Looks::BatchNorm(*channels),
            (Some([channels]), ..) => Looks::Norm(*channels),
            (Some([features, taken]), ..) => Looks::Linear(*taken, *features),
            (Some([first, second, kernel @ ..]), ..) if !kernel.is_empty() => {
                if bias.is_some_and(|bias| bias != *first && bias % second == 0) {
                    Looks::Transposed(*first, *second, kernel.to_vec())
                } else {
                    Looks::Convolution(*second, *first, kernel.to_vec())
                }
            }
            _ => Looks::Other(tensors.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()),
        }
    }

    /// Its kind in a word, for counting: one, and several.
    pub fn kind(&self) -> [&'static str; 2] {
        match self {
            Looks::Convolution(..) => ["convolution", "convolutions"],
            Looks::Transposed(..) => ["transposed convolution", "transposed convolutions"],
            Looks::Linear(..) => ["linear layer", "linear layers"],
            Looks::BatchNorm(_) => ["batch norm", "batch norms"],
            Looks::Norm(_) => ["other norm", "other norms"],
            Looks::Attention(_) => ["attention", "attentions"],
            Looks::Recurrent => ["recurrent layer", "recurrent layers"],
            Looks::Other(_) => ["module of other tensors", "modules of other tensors"],
        }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = |count: usize| if count == 1 { "1 channel".to_owned() } else { format!("{count} channels") };
        let by = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        match self {
            Looks::Convolution(1, given @ 2.., kernel) => {
                let kernel = by(kernel);
                write!(f, "a convolution of 1 channel to {given}, or each of {given} by itself, kernel {kernel}")
            }
            Looks::Convolution(taken, given, kernel) => {
                write!(f, "a convolution of {} to {given}, kernel {}", channels(*taken), by(kernel))
            }
            Looks::Transposed(taken, given, kernel) => {
                write!(f, "a transposed convolution of {} to {given}, kernel {}", channels(*taken), by(kernel))
            }
            Looks::Linear(taken, given) => write!(f, "a linear layer of {taken} features to {given}"),
            Looks::BatchNorm(count) => write!(f, "a batch norm of {}", channels(*count)),
            Looks::Norm(count) => write!(f, "a norm of {}, or a factor for each", channels(*count)),
            Looks::Attention(features) => write!(f, "an attention of {features} features"),
            Looks::Recurrent => write!(f, "a recurrent layer"),
            Looks::Other(tensors) => {
                let tensors = tensors.iter().map(|(name, shape)| format!("{name} {shape:?}"));
                write!(f, "{}", tensors.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The layers of a state whose tensors have these keys and sizes, in the order of the first tensor of each.
pub fn layers(tensors: &[(String, Vec<usize>)]) -> Vec<Layer> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut modules: Vec<(&str, Vec<Part>)> = Vec::new();
    for (key, shape) in tensors {
        let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
        let place = *places.entry(path).or_insert_with(|| {
            modules.push((path, Vec::new()));
            modules.len() - 1
        });
        if let Some((_, tensors)) = modules.get_mut(place) {
            tensors.push((name, shape));
        }
    }
    modules.into_iter().map(|(path, tensors)| Layer { path: path.to_owned(), looks: Looks::of(&tensors) }).collect()
}

#[cfg(test)]
mod tests {
    use super::layers;

    #[test]
    fn layers_are_told_by_names_and_sizes() {
        let tensors = [
            ("a.weight", vec![8, 3, 5, 5]),
            ("a.bias", vec![8]),
            ("depthwise.weight", vec![8, 1, 3, 3]),
            ("up.weight", vec![8, 4, 2, 2]),
            ("up.bias", vec![4]),
            ("n.weight", vec![4]),
            ("n.bias", vec![4]),
            ("b.weight", vec![4]),
            ("b.running_mean", vec![4]),
            ("fc.weight", vec![10, 4]),
            ("m.in_proj_weight", vec![12, 4]),
            ("l.weight_ih_l0", vec![4, 4]),
            ("l.weight_hh_l0", vec![4, 4]),
            ("scale", vec![1, 4, 1, 1]),
        ];
        let tensors: Vec<(String, Vec<usize>)> = tensors.map(|(key, shape)| (key.to_owned(), shape)).into();
        let told: Vec<String> =
            layers(&tensors).iter().map(|layer| format!("{}: {}", layer.path, layer.looks)).collect();
        assert_eq!(
            told,
            [
                "a: a convolution of 3 channels to 8, kernel 5×5",
                "depthwise: a convolution of 1 channel to 8, or each of 8 by itself, kernel 3×3",
                "up: a transposed convolution of 8 channels to 4, kernel 2×2",
                "n: a norm of 4 channels, or a factor for each",
                "b: a batch norm of 4 channels",
                "fc: a linear layer of 4 features to 10",
                "m: an attention of 4 features",
                "l: a recurrent layer",
                ": scale [1, 4, 1, 1]",
            ]
        );
    }
}
