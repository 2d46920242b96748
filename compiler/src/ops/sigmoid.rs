//! Sigmoid: the logistic function.

use super::pointwise::pointwise;

pointwise! {
    /// The logistic function, `1 / (1 + e⁻ˣ)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Sigmoid`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 120]
    /// Sigmoid
    /// ```
    Sigmoid {}
    _layer, x => x.sigmoid()
}
