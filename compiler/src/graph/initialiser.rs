//! How a parameter starts.
//!
//! Only the rule is here; numbers are drawn by the runtime's counter-based generator, keyed by seed and parameter path.

use std::sync::Arc;

/// A rule for first values. PyTorch's defaults are `Uniform` with bound `1/√fan_in` for weights and biases of convolutions and
/// linear layers (`kaiming_uniform_(a=√5)`), ones and zeros for normalisations.
#[derive(Clone, Debug, PartialEq)]
pub enum Initialiser {
    /// Every element this number.
    Constant(f64),
    /// Evenly between `−bound` and `bound`.
    Uniform {
        /// Half the width.
        bound: f64,
    },
    /// Normally distributed.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// `Uniform` with bound `gain·√(6/(fan_in + fan_out))` (Glorot & Bengio 2010); for two axes or more.
    XavierUniform {
        /// A factor; 1 unless the spec says otherwise.
        gain: f64,
    },
    /// These numbers, in order (`weight=[[1, -1]]`).
    Values(Arc<[f64]>),
}

impl Initialiser {
    /// PyTorch's default for weight and bias of convolutions and linear layers: uniform with bound `1/√fan_in`.
    pub fn fan_in(fan_in: usize) -> Initialiser {
        Initialiser::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() }
    }
}
