//! `matmul { }`: branches multiplied as matrices.

use super::{LayerField, Operator, ShapeError, broadcast, inputs, matrices};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Multiplies its branches as matrices, from left to right: over the last two axes, for each place along the axes before
    /// them, which broadcast as PyTorch's do.
    ///
    /// # Shape
    /// `[…, M, K]` and `[…, K, P]` give `[…, M, P]`.
    ///
    /// # Errors
    /// E303 a branch of fewer than two axes; E304 branches whose shapes do not go together
    ///
    /// # Source
    /// PyTorch `torch.matmul`, of values with two axes or more.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 49]
    /// matmul { Permute((0, 2, 1)); Identity }
    /// expect [N, 49, 49]
    /// ```
    Matmul as "matmul" {}
}

/// What both sides agree in.
const REASON: &str = "`matmul` multiplies the columns of the left by the rows of the right";

impl Matmul {
    /// The axes before the matrix, its rows and its columns.
    fn matrix(branch: usize, input: &Shape) -> Result<(Shape, [Dim; 2]), ShapeError> {
        match &**input {
            [before @ .., rows, columns] => Ok((Shape::from(before.to_vec()), [rows.clone(), columns.clone()])),
            _ => Err(ShapeError::Other {
                code: Code::E303,
                message: format!("`matmul` multiplies matrices, and its branch {} is {input}", branch + 1),
                argument: None,
                note: Some(
                    "a matrix has two axes; `Unsqueeze(-1)` makes a column of a vector, `Unsqueeze(-2)` a row".into(),
                ),
                mend: None,
            }),
        }
    }

    /// The refusal of a right side whose rows are others than the left side's columns.
    fn misfit([left, right]: [&Shape; 2], [columns, rows]: [&Dim; 2], turned: bool) -> ShapeError {
        let order: Vec<String> = match right.rank() {
            2 => vec!["1".into(), "0".into()],
            rank => (0..rank - 2).chain([rank - 1, rank - 2]).map(|axis| axis.to_string()).collect(),
        };
        let turned = match turned {
            true => format!("; `Permute(({}))` turns the right side round", order.join(", ")),
            false => String::new(),
        };
        ShapeError::Other {
            code: Code::E304,
            message: format!("`matmul` of {left} and {right}: {columns} columns meet {rows} rows"),
            argument: None,
            note: Some(format!("{REASON}{turned}")),
            mend: None,
        }
    }
}

impl Operator for Matmul {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let mut whole = inputs::single(inputs)?;
        Matmul::matrix(0, &whole)?;
        for (branch, right) in inputs.iter().enumerate().skip(1) {
            let (before, [rows, inner]) = Matmul::matrix(branch - 1, &whole)?;
            let (others, [same, columns]) = Matmul::matrix(branch, right)?;
            if !requirements.equal(&inner, &same, REASON)? {
                return Err(Matmul::misfit([&whole, right], [&inner, &same], inner == columns));
            }
            let batch =
                broadcast::shape(&[before, others], requirements, "`matmul` needs the axes before its matrices alike")?;
            whole = batch.iter().cloned().chain([rows, columns]).collect();
        }
        Ok(whole)
    }

    fn macs(&self, inputs: &[Vec<usize>], output: &[usize]) -> u64 {
        let (Some(first), Some(rows)) = (inputs.first(), output.iter().rev().nth(1)) else { return 0 };
        let mut batch: Vec<usize> = first.iter().rev().skip(2).copied().collect();
        let mut total = 0u64;
        for right in inputs.iter().skip(1) {
            let [.., inner, columns] = right.as_slice() else { return 0 };
            for (axis, &size) in right.iter().rev().skip(2).enumerate() {
                match batch.get_mut(axis) {
                    Some(common) => *common = (*common).max(size),
                    None => batch.push(size),
                }
            }
            let one = super::count(&[super::count(&batch) as usize, *rows, *inner, *columns]);
            total = total.saturating_add(one);
        }
        total
    }

    /// All of the matrices; of branches that differ in their axes all of everything.
    fn receptive_field(&self, inputs: &[Shape], output: &Shape) -> LayerField {
        let rank = output.rank();
        let alike = inputs.iter().all(|input| input.rank() == rank);
        LayerField::whole_from(if alike { rank.saturating_sub(2) } else { 0 }, rank)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let sides = builder.inputs().into_iter();
        sides.reduce(|left, right| matrices::product(builder, [left, right])).unwrap_or(NodeId::end())
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.fold("MatMul")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn matrices_are_multiplied_place_by_place() {
        let many = on("matmul", &["[N, 3, 4, 5]", "[N, 3, 5, W]"]);
        assert_eq!(many.shape.to_string(), "[N, 3, 4, W]");
        assert_eq!(many.kernels.iter().filter(|one| *one == "conv").count(), 1);
        assert_eq!(many.macs(), 3 * 4 * 5);
        assert_eq!(many.receptive_field(), LayerField::Whole(vec![2, 3]));
        let one = on("matmul", &["[N, 4, 5]", "[5, 6]"]);
        assert_eq!(one.shape.to_string(), "[N, 4, 6]");
        assert_eq!(one.kernels, ["reshape", "reshape", "reshape", "gemm", "reshape"]);
        assert_eq!(one.receptive_field(), LayerField::Whole(vec![0, 1, 2]));
        assert_eq!(on("matmul", &["[4, 5]", "[N, 5, 6]"]).kernels.iter().filter(|one| *one == "conv").count(), 1);
        assert_eq!(on("matmul", &["[N, 1, 4, 5]", "[N, 3, 5, 6]"]).shape.to_string(), "[N, 3, 4, 6]");
        let three = on("matmul", &["[2, 3]", "[3, 4]", "[4, 5]"]);
        assert_eq!((three.shape.to_string().as_str(), three.macs()), ("[2, 5]", 2 * 3 * 4 + 2 * 4 * 5));
        assert_eq!(on("matmul", &["[2, 3]", "[H, 4]"]).requirements, ["3 Equal H"]);
    }

    #[test]
    fn columns_meet_rows() {
        let ShapeError::Other { code, message, note, .. } = refusal("matmul", &["[N, 4, 5]", "[N, 6, 5]"]) else {
            panic!("another error")
        };
        assert_eq!(
            (code, message.as_str()),
            (Code::E304, "`matmul` of [N, 4, 5] and [N, 6, 5]: 5 columns meet 6 rows")
        );
        assert!(note.is_some_and(|note| note.ends_with("`Permute((0, 2, 1))` turns the right side round")));
        assert!(matches!(refusal("matmul", &["[N, 4, 5]", "[5]"]), ShapeError::Other { code: Code::E303, .. }));
        assert!(matches!(refusal("matmul", &["[2, 4, 5]", "[3, 5, 6]"]), ShapeError::Mismatch { .. }));
    }
}
