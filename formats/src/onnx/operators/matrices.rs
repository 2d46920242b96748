//! An axis as a product with a matrix: what there is no layer for, and is a sum of some elements for each of others.

use super::ints;
use crate::onnx::read::Reader;
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;

/// Elements of a matrix, at most.
const LARGEST: usize = 1 << 22;

/// What an element of a matrix counts for, beside one of the file that is looked at.
const COST: usize = 16;

/// What becomes of an axis.
pub struct Along {
    /// The axis.
    pub axis: usize,
    /// Its size.
    pub size: usize,
    /// The size that it becomes.
    pub length: usize,
}

/// A value with an axis brought to another size: `row` says what an element of the result takes of each of the input, and what
/// is added to it.
///
/// # Errors
/// That a size is none, or the matrix would be too large.
pub fn product(
    reader: &mut Reader<'_>,
    mut value: ValueId,
    Along { axis, size, length }: Along,
    row: impl Fn(usize) -> (Vec<f32>, f32),
) -> Result<ValueId, String> {
    let elements = size.saturating_mul(length);
    if elements == 0 || elements > LARGEST {
        return Err(format!("it makes {length} elements of {size}"));
    }
    reader.charge(elements.saturating_mul(COST))?;
    let (rows, addends): (Vec<Vec<f32>>, Vec<f32>) = (0..length).map(row).unzip();
    let last = reader.network.shape(value).rank().saturating_sub(1);
    let mut order: Vec<i64> = (0..=last as i64).collect();
    order.swap(axis, last);
    let turned = (axis != last).then(|| vec![("dims", ints(&order))]);
    if let Some(turned) = turned.clone() {
        value = reader.layer("Permute", turned, value)?;
    }
    let mut tensors = vec![Tensor::of_floats(vec![length, size], rows.concat())];
    let mut arguments = vec![("out_features", Constant::Int(length as i64))];
    if addends.iter().all(|addend| *addend == 0.0) {
        arguments.push(("bias", Constant::Bool(false)));
    } else {
        tensors.push(Tensor::of_floats(vec![length], addends));
    }
    value = reader.weighted("Linear", arguments, value, &tensors)?;
    reader.note("axes became products with matrices, which no layer of PyTorch says");
    turned.map_or(Ok(value), |turned| reader.layer("Permute", turned, value))
}
