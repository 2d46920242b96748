//! ELU: an exponential below zero.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `x` where it is positive, `alpha · (eˣ − 1)` elsewhere (Clevert et al. 2015).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.ELU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ELU
    /// ```
    ELU {
        /// The value far below zero, negated.
        alpha: f64 = 1.0,
    }
    layer, x => x.clone().greater(0.0).select(x.clone(), x.unary(Unary::ExpM1) * layer.alpha)
}
