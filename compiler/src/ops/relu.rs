//! ReLU: what is negative becomes zero.

use super::pointwise::pointwise;

pointwise! {
    /// Rectified linear unit, `max(x, 0)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.ReLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ReLU
    /// ```
    ReLU {}
    _layer, x => x.maximum(0.0)
}
