//! Repeat: a value laid out several times.

use super::receptive_field::AxisMove;
use super::{Layer, LayerField, Operator, ShapeError, Sizes, inputs};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Lays the whole of a value out as often as is said along each axis; axes that are not there yet are put in front.
    ///
    /// # Shape
    /// Every size times its number.
    ///
    /// # Errors
    /// E303 fewer numbers than the input has axes
    ///
    /// # Source
    /// PyTorch `torch.Tensor.repeat`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 1, H, W]
    /// Repeat((1, 3, 1, 1))
    /// expect [N, 3, H, W]
    /// ```
    Repeat {
        /// How often, along each axis, the batch first.
        repeats: Sizes,
    }
}

impl Operator for Repeat {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let Some(new) = self.repeats.0.len().checked_sub(input.rank()) else {
            return Err(inputs::rank(inputs, "no more axes than `repeats` has numbers", None, None));
        };
        let sizes = (0..new).map(|_| Dim::Number(1)).chain(input.iter().cloned());
        let repeated = sizes.zip(&self.repeats.0).map(|(size, &times)| size.times(&Dim::from(times)));
        Ok(repeated.collect::<Result<Vec<Dim>, _>>()?.into())
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let rank = inputs.first().map_or(0, Shape::rank);
        let new = self.repeats.0.len().saturating_sub(rank);
        let one = |(axis, times): (usize, &usize)| match times {
            1 => AxisMove::To(axis),
            _ => AxisMove::Among(axis),
        };
        LayerField::Axes(self.repeats.0.iter().enumerate().skip(new).map(one).collect())
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    /// A repeated axis stands behind a new one, along which it is repeated.
    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let output = builder.output();
        let x = builder.with_rank(builder.input(0), output.len());
        let (mut apart, mut wide) = (Vec::new(), Vec::new());
        for (&times, size) in self.repeats.0.iter().zip(builder.shape(x)) {
            if times > 1 {
                apart.push(1);
                wide.push(times);
            }
            apart.push(size);
            wide.push(size);
        }
        let x = builder.reshape(x, &apart);
        let repeated = if wide == apart { x } else { builder.map_to(&wide, &[x], Expression::operand(0)) };
        builder.reshape(repeated, &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn values_are_laid_out_again() {
        let layer = on("Repeat((1, 3, 1, 2))", &["[N, 4, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 12, H, 2*W]");
        assert_eq!(layer.kernels, ["reshape", "map x0", "reshape"]);
        let wider = on("Repeat((2, 1, 3))", &["[4, 5]"]);
        assert_eq!(wider.shape.to_string(), "[2, 4, 15]");
        assert_eq!(wider.receptive_field(), LayerField::Axes(vec![AxisMove::To(1), AxisMove::Among(2)]));
        assert_eq!(on("Repeat((1, 1))", &["[N, 5]"]).kernels, Vec::<String>::new());
        assert!(matches!(refusal("Repeat(2)", &["[N, 5]"]), ShapeError::Rank { .. }));
    }
}
