//! SiLU: an input gated by its own sigmoid.

use super::pointwise::pointwise;

pointwise! {
    /// `x · sigmoid(x)`, also called swish (Elfwing et al. 2017).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.SiLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// SiLU
    /// ```
    SiLU {}
    _layer, x => x.clone() * x.sigmoid()
}
