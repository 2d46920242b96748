//! MaxUnpool2d: values put back to where the largest elements of windows were.

use super::argument_types::{PerAxis, written};
use super::{BindError, LayerField, Operator, PadPair, Pair, ShapeError, Window};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Puts the elements of `[N, C, h, w]` back to where a MaxPool2d found the largest of each window, and zeros elsewhere.
    ///
    /// PyTorch hands the places on as a second result of the pooling. Here the braces give what was pooled, and the
    /// places are those of its largest elements, the first of equal ones, as the pooling has them.
    ///
    /// # Shape
    /// That of the value in braces; `h` and `w` are those that the pooling makes of it.
    ///
    /// # Errors
    /// E204 without braces; E206 windows that overlap, where one place would get several values; E304 an input of another
    /// size than the pooling gives
    ///
    /// # Source
    /// PyTorch `nn.MaxUnpool2d`, with the pooled value's size as `output_size`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 16, 32, 32]
    /// keep before
    /// MaxPool2d(2); Conv2d(16, kernel_size=3, padding=1)
    /// MaxUnpool2d(2) { from before }
    /// expect [N, 16, 32, 32]
    /// ```
    MaxUnpool2d {
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window, at least its size; `kernel_size` when left out.
        stride: Option<Pair> = None,
        /// Rows and columns on each side that windows may reach into, at most half of `kernel_size`.
        padding: PadPair = PadPair(0, 0),
    }
}

impl MaxUnpool2d {
    fn window(&self) -> Window {
        Window::pooling(&self.kernel_size, &self.stride, &self.padding, &[1, 1], false)
    }

    /// Height, then width.
    fn strides(&self) -> [usize; 2] {
        let Pair(down, across) = self.stride.unwrap_or(self.kernel_size);
        [down, across]
    }
}

impl Operator for MaxUnpool2d {
    const SECOND: Option<&'static str> = Some("the value that was pooled");

    fn validate(&self) -> Result<(), BindError> {
        let kernel = self.kernel_size.per_axis();
        if self.strides().iter().zip(&kernel).any(|(stride, size)| stride < size) {
            let (size, stride) = (written(&kernel), written(&self.strides()));
            let message =
                format!("stride={stride} is less than kernel_size={size}: windows that overlap may share a place");
            return Err(BindError::Conflict { argument: "stride", message, mend: Some(size) });
        }
        self.window().validate()
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [x, pooled] = inputs else {
            return Err(ShapeError::Other {
                code: Code::E204,
                message: "`MaxUnpool2d` needs the value that was pooled".into(),
                argument: None,
                note: Some("`keep NAME` before the pooling, and `MaxUnpool2d(…) { from NAME }`".into()),
                mend: None,
            });
        };
        let made = self.window().pooled(std::slice::from_ref(pooled), requirements)?;
        let refusal = || ShapeError::Other {
            code: Code::E304,
            message: format!("the input is {x}, and pooling {pooled} gives {made}"),
            argument: None,
            note: None,
            mend: None,
        };
        if x.rank() != made.rank() {
            return Err(refusal());
        }
        for (size, made) in x.iter().zip(made.iter()) {
            if !requirements.equal(size, made, "`MaxUnpool2d` puts back what a pooling of the same windows gives")? {
                return Err(refusal());
            }
        }
        Ok(pooled.clone())
    }

    /// The largest of a whole window decides; all of it is said to be seen.
    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::whole_from(2, 4)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        let all = |sizes: &[usize]| format!("({})", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", "));
        format!(
            "kernel_size={}, stride={}, padding={}",
            all(&self.kernel_size.per_axis()),
            all(&self.strides()),
            all(&self.padding.per_axis())
        )
    }

    /// Each element as often as a window's step is wide and tall; of these stays the one where a 1 lies that each window hands
    /// to its largest element.
    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, pooled) = (builder.input(0), builder.input(1));
        let (small, output) = (builder.shape(x), builder.output());
        let (&[batch, channels, rows, columns], &[_, _, height, width]) = (small.as_slice(), output.as_slice()) else {
            return x;
        };
        let [down, across] = self.strides();
        let parts = builder.reshape(x, &[batch * channels, rows, 1, columns, 1]);
        let spread = [batch * channels, rows, down, columns, across];
        let spread = builder.map_to(&spread, &[parts], Expression::operand(0));
        let spread = builder.reshape(spread, &[batch, channels, rows * down, columns * across]);
        let PadPair(above, left) = self.padding;
        let side = |before: usize, size: usize, given: usize| {
            (-(before as isize), size as isize + before as isize - given as isize)
        };
        let sides = [(0, 0), (0, 0), side(above, height, rows * down), side(left, width, columns * across)];
        let spread = if sides == [(0, 0); 4] { spread } else { builder.pad(spread, &sides) };
        let [tall, wide] = self.window().pool_axes()[..] else { return x };
        let places = builder.places_of_largest(pooled, [tall, wide], [rows, columns]);
        let is_place = Expression::operand(1).greater(0.5);
        builder.map(&[spread, places], is_place.select(Expression::operand(0), 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn the_size_is_that_of_what_was_pooled() {
        let back = on("MaxUnpool2d(2)", &["[N, 16, 14, 14]", "[N, 16, 28, 29]"]);
        assert_eq!(back.shape.to_string(), "[N, 16, 28, 29]");
        assert_eq!(back.describe(), "kernel_size=(2, 2), stride=(2, 2), padding=(0, 0)");
        let open = on("MaxUnpool2d(3, stride=4, padding=1)", &["[N, 2, 3, 2]", "[N, 2, 9, 7]"]);
        assert_eq!(open.shape.to_string(), "[N, 2, 9, 7]");
    }

    #[test]
    fn what_no_pooling_gave_is_refused() {
        let code = |inputs: &[&str]| match refusal("MaxUnpool2d(2)", inputs) {
            ShapeError::Other { code, .. } => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code(&["[N, 16, 14, 14]"]), Code::E204);
        assert_eq!(code(&["[N, 16, 14, 14]", "[N, 16, 14, 14]"]), Code::E304);
        assert_eq!(code(&["[N, 8, 14, 14]", "[N, 16, 28, 28]"]), Code::E304);
        assert!(matches!(bind("MaxUnpool2d(3, stride=2)"), Err(BindError::Conflict { argument: "stride", .. })));
        assert!(bind("MaxUnpool2d(2, padding=2)").is_err());
    }
}
