//! Identity: nothing is done.

use super::pointwise::pointwise;

pointwise! {
    /// Gives back what it takes: a branch that changes nothing.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Identity`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// sum { Conv2d(8, kernel_size=1); Identity }
    /// ```
    Identity {}
    _layer, x => x
}
