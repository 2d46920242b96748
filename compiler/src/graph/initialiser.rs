//! How a parameter starts.
//!
//! Only the rule is here; numbers are drawn by the runtime's counter-based generator, keyed by seed and parameter path. Formulas
//! are those of `torch.nn.init`.

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
    /// Normally distributed, drawn again wherever it would lie outside `low..=high`.
    TruncatedNormal {
        /// The mean before cutting.
        mean: f64,
        /// The standard deviation before cutting.
        std: f64,
        /// The least value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// A deviation of `gain/√fan`, for two axes or more: xavier (Glorot & Bengio 2010) with the mean of both fans, kaiming (He et
    /// al. 2015) with one.
    Scaled {
        /// The shape of the distribution; an even one has the bound `√3·gain/√fan`.
        distribution: Distribution,
        /// The fan that counts.
        fan: Fan,
        /// A factor, for the nonlinearity that follows.
        gain: f64,
    },
    /// Rows, or columns where there are fewer, of length `gain` that are orthogonal to each other (Saxe et al. 2013), of the
    /// weight as a matrix of its first axis by all others; for two axes or more.
    Orthogonal {
        /// A factor.
        gain: f64,
    },
    /// These numbers, in order (`weight=[[1, -1]]`).
    Values(Arc<[f64]>),
}

/// The shape of a distribution around zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// All values between two bounds alike.
    Uniform,
    /// The bell.
    Normal,
}

/// How many numbers meet in one, as PyTorch counts them: the second size (in) or the first (out) times the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Those that one output adds up.
    In,
    /// Those that one gradient adds up.
    Out,
    /// The mean of both.
    Mean,
}

impl Fan {
    /// Its size for a weight of this shape; at least 1.
    pub fn of(self, shape: &[usize]) -> f64 {
        let window: f64 = shape.iter().skip(2).map(|&size| size as f64).product();
        let side = |axis: usize| shape.get(axis).map_or(1.0, |&size| size as f64) * window;
        let fan = match self {
            Fan::In => side(1),
            Fan::Out => side(0),
            Fan::Mean => (side(0) + side(1)) / 2.0,
        };
        fan.max(1.0)
    }
}

impl Initialiser {
    /// PyTorch's default for weight and bias of convolutions and linear layers: uniform with bound `1/√fan_in`.
    pub fn fan_in(fan_in: usize) -> Initialiser {
        Initialiser::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() }
    }

    /// `xavier_uniform_`: bound `gain·√(6/(fan_in + fan_out))`.
    pub fn xavier_uniform(gain: f64) -> Initialiser {
        Initialiser::Scaled { distribution: Distribution::Uniform, fan: Fan::Mean, gain }
    }

    /// Whether it needs an input and an output side, and so two axes at the least.
    pub fn needs_two_axes(&self) -> bool {
        matches!(self, Initialiser::Scaled { .. } | Initialiser::Orthogonal { .. })
    }
}
