//! Tanh: the hyperbolic tangent.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// The hyperbolic tangent.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Tanh`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 120]
    /// Tanh
    /// ```
    Tanh {}
    _layer, x => x.unary(Unary::Tanh)
}
