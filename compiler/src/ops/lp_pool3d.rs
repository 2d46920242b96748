//! LPPool3d: the norm of each window of a volume.

use super::common::by_common;
use super::lp_pool::LpPool;
use super::{Extents, Layer};

crate::layer! {
    /// The `norm_type`-norm of each window, `(Σ xᵖ)^(1/p)`, `[N, C, D, H, W]` to `[N, C, D', H', W']`: with 1 the sum, with
    /// 2 a length. The elements are taken as they are, so odd norms are those of numbers from 0 up.
    ///
    /// # Shape
    /// `D' = ⌊(D − kernel_size) / stride⌋ + 1`, `H'` and `W'` alike.
    /// With `ceil_mode` the division rounds up, and what a last window sees is enlarged to the whole window's.
    ///
    /// # Errors
    /// E206 a norm that is not above 0; E302 window larger than its input; E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.LPPool3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 8, 28, 28]
    /// LPPool3d(2, 2)
    /// expect [N, 6, 4, 14, 14]
    /// ```
    LPPool3d {
        /// The power `p`, above 0.
        norm_type: f64,
        /// Depth, height and width of the window.
        kernel_size: Extents<3>,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Extents<3>> = None,
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

impl LPPool3d {
    fn common(&self) -> LpPool {
        LpPool::new::<_, 3>(self.norm_type, &self.kernel_size, &self.stride, self.ceil_mode, self.keywords())
    }
}

by_common! { LPPool3d, [] }

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn volumes_are_pooled_plane_by_plane() {
        let layer = on("LPPool3d(2, (1, 2, 2))", &["[N, 6, 3, 8, 8]"]);
        assert_eq!(layer.shape.to_string(), "[N, 6, 3, 4, 4]");
        assert_eq!(layer.kernels.iter().filter(|kernel| *kernel == "pool_mean").count(), 2);
    }
}
