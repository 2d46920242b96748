//! What several elements are together, along axes.

use super::pointwise::absolute;
use super::{Said, first, one};
use crate::onnx::read::{Call, Reader, axes};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// A reduction of the first argument, or of what was made of it; axes are an attribute up to set 12 or 17, then an argument.
fn reduced(reader: &mut Reader<'_>, call: &Call<'_>, name: &'static str, value: ValueId) -> Said {
    let rank = reader.network.shape(value).rank();
    let given = call.list_or_input("axes", 1)?.filter(|axes| !axes.is_empty());
    let all = match given {
        None if call.int("noop_with_empty_axes").unwrap_or(0) != 0 => return one(value),
        None => (0..rank).collect(),
        Some(given) => axes(&given, rank)?,
    };
    let dims: Vec<Constant> = all.into_iter().map(|axis| Constant::Int(axis as i64)).collect();
    let dims = match dims.as_slice() {
        [single] => single.clone(),
        _ => Constant::Tuple(dims),
    };
    let mut arguments = vec![("dim", dims)];
    if call.int("keepdims").unwrap_or(1) != 0 {
        arguments.push(("keepdim", Constant::Bool(true)));
    }
    one(reader.layer(name, arguments, value)?)
}

fn plain(reader: &mut Reader<'_>, call: &Call<'_>, name: &'static str) -> Said {
    let (value, _) = first(reader, call)?;
    reduced(reader, call, name, value)
}

pub fn mean(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Mean")
}

pub fn sum(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Sum")
}

pub fn max(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Max")
}

pub fn min(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Min")
}

pub fn l1(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let value = absolute(reader, value)?;
    reduced(reader, call, "Sum", value)
}

pub fn sum_of_squares(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let squares = reader.network.join(JoinKind::Product, Vec::new(), &[value, value])?;
    reduced(reader, call, "Sum", squares)
}
