//! ReplicationPad1d: the border around a sequence.

use super::Sides;
use super::padding::{Filling, padding};

padding! {
    /// At each side of `[N, C, L]` the elements of its border again; negative numbers cut off.
    ///
    /// # Shape
    /// `L' = L + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is, nothing left, or more asked for than there is
    ///
    /// # Source
    /// PyTorch `nn.ReplicationPad1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32]
    /// ReplicationPad1d(2)
    /// expect [N, 3, 36]
    /// ```
    ReplicationPad1d {
        /// Elements at the left and the right, in this order; one int is both.
        padding: Sides<1>,
    }
    _layer => Filling::Replication
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("ReplicationPad1d((1, 2))", &["[N, 3, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 3, 12]");
        assert_eq!(layer.describe(), "(1, 2)");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "concat").count(), 1);
    }
}
