//! Products: `Gemm` and `MatMul`, which are linear layers where one side is a weight.

use super::pointwise::by_number;
use super::{Said, first, ints, one};
use crate::onnx::read::{Call, Fact, Reader};
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

fn linear(reader: &mut Reader<'_>, value: ValueId, weight: &Tensor, bias: Option<Tensor>) -> Result<ValueId, String> {
    let features = weight.shape().first().copied().unwrap_or(0) as i64;
    let mut arguments = vec![("out_features", Constant::Int(features))];
    if bias.is_none() {
        arguments.push(("bias", Constant::Bool(false)));
    }
    let tensors: Vec<Tensor> = std::iter::once(weight.clone()).chain(bias).collect();
    reader.weighted("Linear", arguments, value, &tensors)
}

fn turned(reader: &mut Reader<'_>, value: ValueId) -> Result<ValueId, String> {
    reader.layer("Permute", vec![("dims", ints(&[1, 0]))], value)
}

/// `alpha · A · B + beta · C`
pub fn gemm(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (alpha, beta) = (call.number("alpha").unwrap_or(1.0), call.number("beta").unwrap_or(1.0));
    let is_turned = |name: &str| call.int(name).unwrap_or(0) != 0;
    let (mut value, rank) = first(reader, call)?;
    if rank != 2 {
        return Err(format!("it takes matrices, and its first argument has {rank} axes"));
    }
    if is_turned("transA") {
        value = turned(reader, value)?;
    }
    let constant = match (call.tensor(1), call.value(0)) {
        (Some(weight), Some(_)) if weight.shape().len() == 2 => Some(weight.clone()),
        _ => None,
    };
    let Some(weight) = constant else {
        let mut right = reader.value(call, 1)?;
        if is_turned("transB") {
            right = turned(reader, right)?;
        }
        let mut result = reader.network.join(JoinKind::Matmul, Vec::new(), &[value, right])?;
        if alpha != 1.0 {
            result = by_number(reader, JoinKind::Product, result, alpha)?;
        }
        return one(with_addend(reader, call, result, beta)?);
    };
    let weight =
        if is_turned("transB") { weight } else { weight.permuted(&[1, 0]).ok_or("its weight is no matrix")? };
    if alpha != 1.0 || (beta != 1.0 && call.input(2).is_some()) {
        reader.note("factors of products were multiplied into weights");
    }
    let features = weight.shape().first().copied().unwrap_or(0);
    let bias = call.tensor(2).and_then(|bias| match bias.count() {
        1 if bias.shape().iter().all(|size| *size == 1) && features != 1 => {
            bias.small_floats().map(|values| Tensor::filled(vec![features], values.first().copied().unwrap_or(0.0)))
        }
        count if count == features && bias.shape().last() == Some(&features) => bias.reshaped(vec![features]),
        _ => None,
    });
    let folds = bias.is_some();
    let scaled =
        |tensor: &Tensor, factor| tensor.scaled(factor).ok_or("its factors cannot be multiplied into its weights");
    let bias = bias.map(|bias| scaled(&bias, beta)).transpose()?;
    let result = linear(reader, value, &scaled(&weight, alpha)?, bias)?;
    one(if folds { result } else { with_addend(reader, call, result, beta)? })
}

/// What `Gemm` adds, where it is no bias.
fn with_addend(reader: &mut Reader<'_>, call: &Call<'_>, value: ValueId, beta: f32) -> Result<ValueId, String> {
    if call.input(2).is_none() || beta == 0.0 {
        return Ok(value);
    }
    let mut addend = reader.value(call, 2)?;
    if beta != 1.0 {
        addend = by_number(reader, JoinKind::Product, addend, beta)?;
    }
    reader.network.join(JoinKind::Sum, Vec::new(), &[value, addend])
}

pub fn matmul(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    if let (Some(Fact::Value(value)), Some(weight)) = (call.input(0), call.tensor(1))
        && weight.shape().len() == 2
        && reader.network.shape(*value).rank() >= 2
    {
        let weight = weight.permuted(&[1, 0]).ok_or("its weight is no matrix")?;
        return one(linear(reader, *value, &weight, None)?);
    }
    let values = [reader.value(call, 0)?, reader.value(call, 1)?];
    one(reader.network.join(JoinKind::Matmul, Vec::new(), &values)?)
}
