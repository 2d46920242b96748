//! ReLU6: ReLU with a ceiling.

use super::pointwise::pointwise;

pointwise! {
    /// `min(max(x, 0), 6)` (Krizhevsky 2010; MobileNet).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.ReLU6`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ReLU6
    /// ```
    ReLU6 {}
    _layer, x => x.maximum(0.0).minimum(6.0)
}
