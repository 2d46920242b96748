//! Dropout: nothing at inference.

use super::pointwise::pointwise;
use super::{Layer, Probability};

pointwise! {
    /// Sets elements to zero by chance in training (Srivastava et al. 2014); the identity at inference.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Dropout`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64]
    /// Dropout(0.2)
    /// ```
    Dropout {
        /// The chance of an element to become zero.
        p: Probability = Probability(0.5),
    }
    layer, x => x; describe format!("{}, inplace=False", layer.keywords())
}
