//! LPPool1d: the norm of each window of a sequence.

use super::common::by_common;
use super::lp_pool::LpPool;
use super::{Extents, Layer};

crate::layer! {
    /// The `norm_type`-norm of each window, `(Σ xᵖ)^(1/p)`, `[N, C, L]` to `[N, C, L']`: with 1 the sum, with
    /// 2 a length. The elements are taken as they are, so odd norms are those of numbers from 0 up.
    ///
    /// # Shape
    /// `L' = ⌊(L − kernel_size) / stride⌋ + 1`.
    /// With `ceil_mode` the division rounds up, and what a last window sees is enlarged to the whole window's.
    ///
    /// # Errors
    /// E206 a norm that is not above 0; E302 window larger than its input; E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.LPPool1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 28]
    /// ReLU; LPPool1d(3, 2, stride=2)
    /// expect [N, 6, 14]
    /// ```
    LPPool1d {
        /// The power `p`, above 0.
        norm_type: f64,
        /// Length of the window.
        kernel_size: Extents<1>,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Extents<1>> = None,
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

impl LPPool1d {
    fn common(&self) -> LpPool {
        LpPool::new::<_, 1>(self.norm_type, &self.kernel_size, &self.stride, self.ceil_mode, self.keywords())
    }
}

by_common! { LPPool1d, [] }

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn powers_are_pooled_and_their_root_taken() {
        let layer = on("LPPool1d(3, 4, stride=2)", &["[N, 6, 28]"]);
        assert_eq!(layer.shape.to_string(), "[N, 6, 13]");
        assert_eq!(layer.describe(), "norm_type=3.0, kernel_size=4, stride=2, ceil_mode=False");
        let root = "map pow(x0 * 4, 0.3333333333333333)";
        assert_eq!(layer.kernels, ["map pow(x0, 3)", "reshape", "pool_mean", "reshape", root]);
        assert_eq!(on("LPPool1d(1, 4)", &["[N, 6, 28]"]).kernels, ["reshape", "pool_mean", "reshape", "map x0 * 4"]);
        assert!(matches!(bind("LPPool1d(0, 4)"), Err(BindError::Conflict { argument: "norm_type", .. })));
    }
}
