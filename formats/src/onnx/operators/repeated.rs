//! Constants that are the same for every image of an open batch: position encodings that an exporter spreads over it.
//!
//! They are followed as they are for one image, with a first axis of size 1, as long as nothing looks along that axis. Joined
//! with a value of the batch they need not be spread: sizes of 1 go with any.

use super::{Said, operator};
use crate::onnx::read::{Call, Fact, Reader, axes, axis};
use crate::onnx::tensor::Tensor;
use cnnc_compiler::shape::Dim;

/// What does the same to each element, or to each image.
const BY_ELEMENT: [&str; 28] = [
    "Abs", "Add", "And", "Cast", "Ceil", "Conv", "Cos", "Div", "Equal", "Erf", "Exp", "Floor", "Greater", "Identity",
    "Less", "Log", "Max", "Min", "Mul", "Neg", "Not", "Or", "Pow", "Sigmoid", "Sin", "Sqrt", "Sub", "Tanh",
];

/// What a value of the batch is joined with as it is for one image.
const JOINS: [&str; 6] = ["Add", "Div", "Max", "Min", "Mul", "Sub"];

const WHY: &str = "it works along an open batch on a constant that is the same for every image";

/// A constant of a shape whose first size alone is open: what it is for one image, by what makes it of sizes.
pub fn spread(sizes: &[Dim], of: impl Fn(&[i64]) -> Result<Tensor, String>) -> Option<Said> {
    let (count, rest) = sizes.split_first().filter(|(count, _)| count.number().is_none())?;
    let rest = rest.iter().map(Dim::number).collect::<Option<Vec<i64>>>()?;
    let one = of(&[&[1], &rest[..]].concat());
    Some(one.map(|tensor| vec![Fact::Repeated(Box::new(Fact::Tensor(tensor)), count.clone())]))
}

/// The batch that an argument is repeated over.
pub fn batch(call: &Call<'_>) -> Option<Dim> {
    let of = |fact: &Fact| match fact {
        Fact::Repeated(_, count) => Some(count.clone()),
        _ => None,
    };
    call.inputs.iter().flatten().find_map(of).filter(|_| !matches!(&*call.node.op_type, "Shape" | "Size"))
}

/// Reads a node that takes such constants.
pub fn read(reader: &mut Reader<'_>, call: &Call<'_>, count: &Dim) -> Said {
    let rank = |fact: &Fact| rank(reader, fact);
    let most = call.inputs.iter().flatten().filter_map(|fact| match fact {
        Fact::Repeated(inner, _) => rank(inner),
        _ => None,
    });
    let most = most.max().ok_or(WHY)?;
    let values = call.inputs.iter().flatten().filter_map(|fact| match fact {
        Fact::Value(value) => Some(reader.network.shape(*value)),
        _ => None,
    });
    let mut meets_value = false;
    for shape in values {
        meets_value = true;
        if shape.rank() != most || shape.first() != Some(count) {
            return Err(WHY.into());
        }
    }
    let mut inputs = Vec::with_capacity(call.inputs.len());
    for fact in &call.inputs {
        inputs.push(match fact {
            Some(Fact::Repeated(inner, own)) if own == count && rank(inner) == Some(most) => Some((**inner).clone()),
            Some(Fact::Repeated(..)) => return Err(WHY.into()),
            Some(Fact::Sizes(sizes)) => {
                let mut sizes = sizes.clone();
                let batch = sizes.numbers.first_mut().filter(|first| *first == count);
                batch.map(|first| *first = Dim::Number(1)).ok_or(WHY)?;
                Some(sizes.fact())
            }
            Some(Fact::Tensor(tensor)) if tensor.shape().len() > most => return Err(WHY.into()),
            other => other.clone(),
        });
    }
    if !(meets_value && JOINS.contains(&operator(call)) || !meets_value && leaves_first(call, most)) {
        return Err(WHY.into());
    }
    let one = Call { node: call.node, inputs, attributes: call.attributes.clone(), version: call.version };
    let results = super::read(reader, &one)?;
    if meets_value {
        return Ok(results);
    }
    let wrapped = results.into_iter().map(|fact| match first_size(reader, &fact) {
        Some(Dim::Number(1)) => Ok(Fact::Repeated(Box::new(fact), count.clone())),
        _ => Err(WHY.to_owned()),
    });
    wrapped.collect()
}

/// Whether an operator that takes a constant of so many axes looks at each image by itself.
fn leaves_first(call: &Call<'_>, rank: usize) -> bool {
    let behind = |given: Option<Vec<i64>>, rank: usize| {
        given.and_then(|given| axes(&given, rank).ok()).is_some_and(|axes| !axes.contains(&0))
    };
    match operator(call) {
        "Reshape" => true,
        "Concat" => call.int("axis").is_some_and(|given| axis(given, rank).is_ok_and(|axis| axis != 0)),
        "CumSum" => behind(call.ints(1), rank),
        "Slice" => behind(call.list("axes").or_else(|| call.ints(3)), rank),
        "Squeeze" => behind(call.list_or_input("axes", 1).ok().flatten(), rank),
        "Transpose" => call.list("perm").is_some_and(|order| order.first() == Some(&0)),
        "Unsqueeze" => {
            let added = call.list_or_input("axes", 1).ok().flatten();
            let total = rank + added.as_ref().map_or(0, Vec::len);
            behind(added, total)
        }
        other => BY_ELEMENT.contains(&other),
    }
}

fn rank(reader: &Reader<'_>, fact: &Fact) -> Option<usize> {
    match fact {
        Fact::Tensor(tensor) => Some(tensor.shape().len()),
        Fact::Value(value) => Some(reader.network.shape(*value).rank()),
        _ => None,
    }
}

fn first_size(reader: &Reader<'_>, fact: &Fact) -> Option<Dim> {
    match fact {
        Fact::Tensor(tensor) => tensor.shape().first().map(|&size| Dim::from(size)),
        Fact::Value(value) => reader.network.shape(*value).first().cloned(),
        _ => None,
    }
}
