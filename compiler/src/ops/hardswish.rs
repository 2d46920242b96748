//! Hardswish: SiLU with a sigmoid of straight lines.

use super::pointwise::pointwise;

pointwise! {
    /// `x · min(max(x + 3, 0), 6) / 6` (MobileNetV3).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Hardswish`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Hardswish
    /// ```
    Hardswish {}
    _layer, x => x.clone() * (x + 3.0).maximum(0.0).minimum(6.0) / 6.0
}
