//! Unfold: every window as a column.

use super::argument_types::PerAxis;
use super::{Layer, LayerField, Operator, PadPair, Pair, ShapeError, Window, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// The elements of each window as a column, `[N, C, H, W]` to `[N, C·kernel_h·kernel_w, L]`, where `L` are the windows,
    /// row by row.
    ///
    /// # Shape
    /// `L` is the product of a convolution's `H'` and `W'`.
    ///
    /// # Errors
    /// E302 window larger than its padded input; E303 an input of another number of axes; E307 channels that are a symbol
    ///
    /// # Source
    /// PyTorch `nn.Unfold`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 8, 8]
    /// Unfold(kernel_size=2, stride=2)
    /// expect [N, 12, 16]
    /// ```
    Unfold {
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step between the window's elements.
        dilation: Pair = Pair(1, 1),
        /// Zeros on each side.
        padding: PadPair = PadPair(0, 0),
        /// Step of the window.
        stride: Pair = Pair(1, 1),
    }
}

impl Unfold {
    fn window(&self) -> Window {
        let padding = super::Padding::Sizes(self.padding);
        Window::convolution(&self.kernel_size, &self.stride, &padding, &self.dilation)
    }
}

impl Operator for Unfold {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let (batch, _, sizes) = inputs::spatial(inputs, 2)?;
        let area = self.kernel_size.0.checked_mul(self.kernel_size.1).ok_or(ShapeError::TooLarge)?;
        let column = inputs::channels(inputs)?.checked_mul(area).ok_or(ShapeError::TooLarge)?;
        let counts = self.window().output_size(sizes, requirements)?;
        let places = counts.iter().try_fold(Dim::Number(1), |product, size| product.times(size))?;
        Ok(Shape::from(vec![batch.clone(), Dim::from(column), places]))
    }

    /// Columns are no plane; all of it is said to be seen.
    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::whole_from(2, 4)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let &[batch, channels, height, width] = builder.shape(x).as_slice() else { return x };
        let (kernel, stride, dilation) =
            (self.kernel_size.per_axis(), self.stride.per_axis(), self.dilation.per_axis());
        let padding = self.padding.per_axis();
        let axis = |axis: usize, size: usize| {
            let of = |sizes: &[usize]| sizes.get(axis).copied().unwrap_or(1);
            let (kernel, stride, dilation, before) =
                (of(&kernel), of(&stride), of(&dilation), padding.get(axis).copied().unwrap_or(0));
            let count = (size + 2 * before - dilation * (kernel - 1) - 1) / stride + 1;
            // As long as every element of the window has room for all its steps.
            let whole = dilation * (kernel - 1) + count * stride;
            (count, (before as isize, whole as isize - (before + size) as isize))
        };
        let ((rows, above), (columns, beside)) = (axis(0, height), axis(1, width));
        let x = builder.pad(x, &[(0, 0), (0, 0), above, beside]);
        let mut parts = Vec::new();
        for row in 0..self.kernel_size.0 {
            for column in 0..self.kernel_size.1 {
                let part = builder.slice(x, 2, row * self.dilation.0, rows * self.stride.0);
                let part = builder.slice(part, 3, column * self.dilation.1, columns * self.stride.1);
                let steps = [batch, channels, rows, self.stride.0, columns, self.stride.1];
                let part = builder.reshape(part, &steps);
                let part = builder.slice(part, 3, 0, 1);
                let part = builder.slice(part, 5, 0, 1);
                parts.push(builder.reshape(part, &[batch, channels, 1, rows * columns]));
            }
        }
        let all = builder.concat(&parts, 2);
        builder.reshape(all, &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn windows_as_columns() {
        let layer = on("Unfold((2, 3), padding=1, stride=2)", &["[N, 4, 5, 7]"]);
        assert_eq!(layer.shape.to_string(), "[N, 24, 12]");
        assert_eq!(layer.describe(), "kernel_size=(2, 3), dilation=1, padding=1, stride=2");
        assert!(matches!(refusal("Unfold(7)", &["[N, 4, 5, 5]"]), ShapeError::WindowTooLarge { .. }));
    }
}
