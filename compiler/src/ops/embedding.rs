//! Embedding: rows of a table, looked up by their numbers.

use super::{BindError, LayerField, Operator, ParameterDeclaration, ShapeError, inputs};
use crate::graph::{Initialiser, NodeId};
use crate::kernels::{Expression, KernelBuilder, Reduction};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Looks rows of a table up: `[...]`, whose values are numbers of rows from 0, to `[..., embedding_dim]`.
    ///
    /// A value that is no whole number from 0 to `num_embeddings - 1` gives not-a-number, where PyTorch ends with an error.
    ///
    /// # Shape
    /// The input's with `embedding_dim` behind it.
    ///
    /// # Parameters
    /// weight `[num_embeddings, embedding_dim]`
    ///
    /// # Errors
    /// E206 more rows than float32 can number, 16,777,216
    ///
    /// # Source
    /// PyTorch `nn.Embedding`; inputs are float32 here.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 128]
    /// Embedding(5000, 64)
    /// expect [N, 128, 64]
    /// ```
    Embedding {
        /// Rows of the table.
        num_embeddings: usize,
        /// Features of a row.
        embedding_dim: usize,
    }
}

/// Whole numbers up to here are float32.
const MOST_ROWS: usize = 1 << 24;

impl Operator for Embedding {
    const PARAMETERS: &'static [&'static str] = &["weight"];

    fn validate(&self) -> Result<(), BindError> {
        match self.num_embeddings {
            0 => {
                let message = "a table without rows".into();
                Err(BindError::Conflict { argument: "num_embeddings", message, mend: Some("1".into()) })
            }
            1..=MOST_ROWS => Ok(()),
            rows => {
                let message = format!("float32 numbers {MOST_ROWS} rows, and the table has {rows}");
                Err(BindError::Conflict { argument: "num_embeddings", message, mend: Some(MOST_ROWS.to_string()) })
            }
        }
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let mut sizes = inputs::single(inputs)?.to_vec();
        sizes.push(Dim::from(self.embedding_dim));
        Ok(Shape::from(sizes))
    }

    fn parameters(&self, _inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let shape = vec![self.num_embeddings, self.embedding_dim];
        Ok(vec![ParameterDeclaration::trainable("weight", shape, Initialiser::Normal { mean: 0.0, std: 1.0 })])
    }

    /// Of what lies before the new axis, an element alone.
    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let rank = inputs.first().map_or(0, Shape::rank);
        LayerField::whole_from(rank.saturating_sub(1), rank)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        format!("{}, {}", self.num_embeddings, self.embedding_dim)
    }

    /// A product of the table with a row of zeros and one 1 for each value: the table's rows as they are, and its gradient.
    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let Some(weight) = builder.parameter(0) else { return x };
        let values = builder.shape(x).iter().product();
        let column = builder.reshape(x, &[values, 1]);
        let [x, row] = [Expression::operand(0), Expression::Index(1)];
        let differs = x.clone().greater(row.clone()).maximum(row.greater(x));
        let chosen = builder.map_to(&[values, self.num_embeddings], &[column], Expression::from(1.0) - differs);
        // What numbers no row chooses none, and 0 / 0 is not-a-number; so is what is none itself less itself.
        let count = builder.reduce(chosen, Reduction::Sum, &[1]);
        let is_one = Expression::operand(1).greater(0.5) - Expression::operand(1).greater(1.5);
        let nothing = Expression::operand(2) - Expression::operand(2);
        let rows = builder.gemm(chosen, false, weight, false);
        let rows = builder.map(&[rows, count, column], Expression::operand(0) / is_one + nothing);
        builder.reshape(rows, &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on};
    use super::*;

    #[test]
    fn a_row_a_value() {
        let words = on("Embedding(5000, 64)", &["[N, T]"]);
        assert_eq!(words.shape.to_string(), "[N, T, 64]");
        assert_eq!(words.parameters(), "weight [5000, 64]");
        assert_eq!(words.describe(), "5000, 64");
        assert_eq!(words.kernels.iter().filter(|kernel| *kernel == "gemm").count(), 1);
        assert_eq!(on("Embedding(3, 2)", &["[N]"]).shape.to_string(), "[N, 2]");
    }

    #[test]
    fn rows_have_numbers() {
        assert!(matches!(bind("Embedding(16777217, 4)"), Err(BindError::Conflict { argument: "num_embeddings", .. })));
        assert!(bind("Embedding(16777216, 4)").is_ok());
    }
}
