//! `Attention`, of set 23 on: as the scaled products and the softmax that it is, of which a pattern makes a layer where they
//! are attention of one value to itself.

use super::pointwise::by_number;
use super::{Said, first, ints, one, only_first};
use crate::onnx::read::{Call, Reader};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// `[N, L, heads · part]`, with the number of heads beside it, or `[N, heads, L, part]`.
pub fn attention(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    only_first(call)?;
    if (4..call.inputs.len()).any(|index| call.input(index).is_some()) {
        return Err("it goes on from keys and values of before".into());
    }
    if call.int("is_causal").unwrap_or(0) != 0 {
        return Err("no place looks at those behind it, which is a mask that is not written out".into());
    }
    if call.number("softcap").unwrap_or(0.0) != 0.0 {
        return Err("its products are bounded by `softcap`".into());
    }
    let (_, rank) = first(reader, call)?;
    let [queries, keys, values] = [(0, "q_num_heads"), (1, "kv_num_heads"), (2, "kv_num_heads")]
        .map(|(index, name)| by_heads(reader, call, index, name));
    let (queries, keys, values) = (queries?, keys?, values?);
    let size = |reader: &Reader<'_>, value: ValueId, axis: usize| reader.network.shape(value).get(axis).cloned();
    if size(reader, queries, 1) != size(reader, keys, 1) {
        return Err("several heads of its queries share one of its keys".into());
    }
    let part = size(reader, queries, 3).and_then(|part| part.number()).ok_or("the size of its heads is open")?;
    let scale = call.number("scale").unwrap_or(1.0 / (part as f32).sqrt());
    let queries = by_number(reader, JoinKind::Product, queries, scale)?;
    let keys = reader.layer("Permute", vec![("dims", ints(&[0, 1, 3, 2]))], keys)?;
    let mut scores = reader.network.join(JoinKind::Matmul, Vec::new(), &[queries, keys])?;
    if call.input(3).is_some() {
        if call.tensor(3).is_some_and(|mask| !mask.element().is_float()) {
            return Err("its mask says which places are seen, and masks are added here".into());
        }
        let mask = reader.value(call, 3)?;
        scores = reader.network.join(JoinKind::Sum, Vec::new(), &[scores, mask])?;
    }
    let chances = reader.layer("Softmax", vec![("dim", Constant::Int(3))], scores)?;
    let seen = reader.network.join(JoinKind::Matmul, Vec::new(), &[chances, values])?;
    if rank == 4 {
        return one(seen);
    }
    let turned = reader.layer("Permute", vec![("dims", ints(&[0, 2, 1, 3]))], seen)?;
    one(reader.layer("Flatten", vec![("start_dim", Constant::Int(2))], turned)?)
}

/// An argument as `[N, heads, L, part]`.
fn by_heads(reader: &mut Reader<'_>, call: &Call<'_>, index: usize, name: &str) -> Result<ValueId, String> {
    let value = reader.value(call, index)?;
    match reader.network.shape(value).rank() {
        4 => Ok(value),
        3 => {
            let heads = call.int(name).ok_or_else(|| format!("it has no `{name}`"))?;
            let parts = Constant::Tuple(vec![Constant::Int(heads), Constant::Int(-1)]);
            let apart = vec![("dim", Constant::Int(2)), ("unflattened_size", parts)];
            let apart = reader.layer("Unflatten", apart, value)?;
            reader.layer("Permute", vec![("dims", ints(&[0, 2, 1, 3]))], apart)
        }
        rank => Err(format!("it takes three axes or four, and there are {rank}")),
    }
}
