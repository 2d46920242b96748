//! LeakyReLU: a small slope where ReLU has none.

use super::pointwise::pointwise;

pointwise! {
    /// `x` where it is positive, `negative_slope · x` elsewhere (Maas et al. 2013).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.LeakyReLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// LeakyReLU(0.1)
    /// ```
    LeakyReLU {
        /// The slope below zero.
        negative_slope: f64 = 0.01,
    }
    layer, x => x.clone().greater(0.0).select(x.clone(), x * layer.negative_slope)
}
