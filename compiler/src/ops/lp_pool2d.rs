//! LPPool2d: the norm of each window.

use super::common::by_common;
use super::lp_pool::LpPool;
use super::{Layer, Pair};

crate::layer! {
    /// The `norm_type`-norm of each window, `(Σ xᵖ)^(1/p)`, `[N, C, H, W]` to `[N, C, H', W']`: with 1 the sum, with
    /// 2 a length. The elements are taken as they are, so odd norms are those of numbers from 0 up.
    ///
    /// # Shape
    /// `H' = ⌊(H − kernel_size) / stride⌋ + 1`, `W'` alike.
    /// With `ceil_mode` the division rounds up, and what a last window sees is enlarged to the whole window's.
    ///
    /// # Errors
    /// E206 a norm that is not above 0; E302 window larger than its input; E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.LPPool2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 28, 28]
    /// LPPool2d(2, 2)
    /// expect [N, 6, 14, 14]
    /// ```
    LPPool2d {
        /// The power `p`, above 0.
        norm_type: f64,
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Pair> = None,
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

impl LPPool2d {
    fn common(&self) -> LpPool {
        LpPool::new::<_, 2>(self.norm_type, &self.kernel_size, &self.stride, self.ceil_mode, self.keywords())
    }
}

by_common! { LPPool2d, [] }

#[cfg(test)]
mod tests {
    use super::super::ShapeError;
    use super::super::test_layer::{on, refusal};

    #[test]
    fn there_is_no_padding_to_offer() {
        let layer = on("LPPool2d(2, (2, 3), ceil_mode=true)", &["[N, 6, 7, 7]"]);
        assert_eq!(layer.shape.to_string(), "[N, 6, 4, 3]");
        assert_eq!(layer.describe(), "norm_type=2.0, kernel_size=(2, 3), stride=None, ceil_mode=True");
        let refused = refusal("LPPool2d(2, 5)", &["[N, 6, 4, 7]"]);
        assert!(matches!(refused, ShapeError::WindowTooLarge { least_padding: None, same_padding: None, .. }));
    }
}
