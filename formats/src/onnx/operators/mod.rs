//! What each operator of ONNX is in the language: THE LIST, by name, and what they share.
//!
//! Adding one is a line here and a function in the file of its family. A function takes the node with its arguments and adds
//! layers to the network; what it cannot say it refuses in the end of a sentence. Where all arguments are tensors or sizes of the
//! file, `constants.rs` computes the result instead.

mod arithmetic;
mod attention;
mod constants;
mod convolution;
mod einsum;
mod forms;
mod interpolation;
mod matrices;
mod normalisation;
mod padding;
mod pointwise;
mod pooling;
mod product;
mod reduction;
mod repeated;
mod resize;
mod sizes;
mod slicing;
mod weights;

use super::model::Node;
use super::read::{Call, Fact, Reader};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;

/// What an operator gives: its results in order, or why it cannot be said.
type Said = Result<Vec<Fact>, String>;

/// How an operator is read.
type Rule = fn(&mut Reader<'_>, &Call<'_>) -> Said;

/// The operators by name.
const OPERATORS: &[(&str, Rule)] = &[
    ("Abs", pointwise::abs),
    ("Add", arithmetic::add),
    ("Attention", attention::attention),
    ("AveragePool", pooling::average),
    ("BatchNormalization", normalisation::batch),
    ("Cast", forms::cast),
    ("CastLike", forms::cast),
    ("Celu", pointwise::celu),
    ("Clip", pointwise::clip),
    ("Concat", forms::concat),
    ("Constant", constants::constant),
    ("ConstantOfShape", constants::constant_of_shape),
    ("Conv", convolution::convolution),
    ("ConvTranspose", convolution::transposed),
    ("DepthToSpace", forms::depth_to_space),
    ("Div", arithmetic::divide),
    ("Dropout", forms::dropout),
    ("Einsum", einsum::einsum),
    ("Elu", pointwise::elu),
    ("Erf", pointwise::erf),
    ("Exp", pointwise::exp),
    ("Expand", forms::expand),
    ("Flatten", forms::flatten),
    ("Gather", slicing::gather),
    ("Gelu", pointwise::gelu),
    ("Gemm", product::gemm),
    ("GlobalAveragePool", pooling::global_average),
    ("GlobalMaxPool", pooling::global_max),
    ("GroupNormalization", normalisation::group),
    ("HardSigmoid", pointwise::hard_sigmoid),
    ("HardSwish", pointwise::hard_swish),
    ("Identity", forms::identity),
    ("InstanceNormalization", normalisation::instance),
    ("LRN", normalisation::local_response),
    ("LayerNormalization", normalisation::layer),
    ("LeakyRelu", pointwise::leaky_relu),
    ("Log", pointwise::log),
    ("LogSoftmax", pointwise::log_softmax),
    ("LpPool", pooling::lp),
    ("MatMul", product::matmul),
    ("Max", arithmetic::largest),
    ("MaxPool", pooling::max),
    ("Mean", arithmetic::mean),
    ("Min", arithmetic::smallest),
    ("Mish", pointwise::mish),
    ("Mul", arithmetic::multiply),
    ("Neg", pointwise::negate),
    ("PRelu", pointwise::prelu),
    ("Pad", padding::pad),
    ("Pow", pointwise::power),
    ("RMSNormalization", normalisation::root_mean_square),
    ("Range", sizes::range),
    ("Reciprocal", pointwise::reciprocal),
    ("ReduceL1", reduction::l1),
    ("ReduceL2", reduction::l2),
    ("ReduceLogSum", reduction::log_of_sum),
    ("ReduceLogSumExp", reduction::log_of_sum_of_powers),
    ("ReduceMax", reduction::max),
    ("ReduceMean", reduction::mean),
    ("ReduceMin", reduction::min),
    ("ReduceSum", reduction::sum),
    ("ReduceSumSquare", reduction::sum_of_squares),
    ("Relu", pointwise::relu),
    ("Reshape", forms::reshape),
    ("Resize", resize::resize),
    ("Selu", pointwise::selu),
    ("Shape", sizes::shape),
    ("Shrink", pointwise::shrink),
    ("Sigmoid", pointwise::sigmoid),
    ("Size", sizes::size),
    ("Slice", slicing::slice),
    ("Softmax", pointwise::softmax),
    ("Softplus", pointwise::softplus),
    ("Softsign", pointwise::softsign),
    ("SpaceToDepth", forms::space_to_depth),
    ("Split", slicing::split),
    ("Sqrt", pointwise::sqrt),
    ("Squeeze", forms::squeeze),
    ("Sub", arithmetic::subtract),
    ("Sum", arithmetic::sum),
    ("Tanh", pointwise::tanh),
    ("ThresholdedRelu", pointwise::thresholded_relu),
    ("Tile", forms::tile),
    ("Transpose", forms::transpose),
    ("Unsqueeze", forms::unsqueeze),
    ("Upsample", resize::resize),
];

/// Reads a node.
///
/// # Errors
/// Why it cannot be said, in the end of a sentence.
pub fn read(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let operator = operator(call);
    if !matches!(call.node.domain.as_str(), "" | "ai.onnx") {
        return Err("the language has no word for an operator of that set".into());
    }
    if let Some(batch) = repeated::batch(call) {
        return repeated::read(reader, call, &batch);
    }
    let computed = !call.inputs.is_empty() && !call.inputs.iter().flatten().any(|fact| matches!(fact, Fact::Value(_)));
    if computed {
        reader.charge(weights::work(call))?;
        if let Some(result) = constants::fold(call) {
            reader.charge(result.work())?;
            return Ok(vec![result]);
        }
    }
    match OPERATORS.binary_search_by(|(name, _)| (*name).cmp(operator)) {
        Ok(place) => OPERATORS.get(place).map_or(Err(String::new()), |(_, rule)| rule(reader, call)),
        Err(_) => Err("the language has no word for it".into()),
    }
}

/// The operator of a node.
fn operator<'c>(call: &'c Call<'_>) -> &'c str {
    &call.node.op_type
}

/// What leaves numbers as they are, be they whole or not.
const KEEPING: [&str; 23] = [
    "Cast",
    "Clip",
    "Concat",
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Max",
    "MaxPool",
    "Min",
    "Pad",
    "ReduceMax",
    "ReduceMin",
    "Relu",
    "Reshape",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
];

/// Whether a node leaves numbers as they are, or asks for sizes alone: then it is the same of whole numbers as of floats.
pub fn keeps_numbers(node: &Node) -> bool {
    matches!(&*node.op_type, "Shape" | "Size") || KEEPING.contains(&&*node.op_type)
}

/// Whether a node's results are floats whatever its arguments are.
pub fn makes_floats(node: &Node) -> bool {
    let to = node.attribute.iter().find(|attribute| attribute.name == "to").map(|attribute| attribute.i);
    node.op_type == "Cast" && to.is_some_and(is_float)
}

/// Whether a number of ONNX's types is one of floats.
fn is_float(data_type: i64) -> bool {
    matches!(data_type, 1 | 10 | 11 | 16)
}

/// The value of argument 0, a tensor as a parameter, and its number of axes.
fn first(reader: &mut Reader<'_>, call: &Call<'_>) -> Result<(ValueId, usize), String> {
    let value = match call.tensor(0) {
        Some(tensor) => reader.parameter(tensor)?,
        None => reader.value(call, 0)?,
    };
    Ok((value, reader.network.shape(value).rank()))
}

/// One result.
fn one(value: ValueId) -> Said {
    Ok(vec![Fact::Value(value)])
}

/// A layer of that many axes besides batch and channels: `Conv1d`, `Conv2d`, `Conv3d`.
fn of_axes(names: [&'static str; 3], axes: usize) -> Result<&'static str, String> {
    let name = axes.checked_sub(1).and_then(|place| names.get(place).copied());
    name.ok_or_else(|| format!("it works on {axes} axes besides batch and channels, and there are layers of 1 to 3"))
}

/// Numbers an axis as an argument: one where all are the same.
fn per_axis(numbers: &[i64]) -> Constant {
    match numbers {
        [first, others @ ..] if others.iter().all(|other| other == first) => Constant::Int(*first),
        all => ints(all),
    }
}

/// A tuple of numbers.
fn ints(numbers: &[i64]) -> Constant {
    Constant::Tuple(numbers.iter().copied().map(Constant::Int).collect())
}

/// A float32 as an argument.
fn float(number: f32) -> Constant {
    Constant::Float(crate::spec::number(number))
}

/// A size as an argument.
fn size(dim: &Dim) -> Constant {
    match dim {
        Dim::Number(number) => Constant::Int(*number),
        open => Constant::Size(open.clone()),
    }
}

/// A shape as an argument.
fn shape(dims: &[Dim]) -> Constant {
    Constant::Tuple(dims.iter().map(size).collect())
}

/// Refuses results after the first that somebody may want.
fn only_first(call: &Call<'_>) -> Result<(), String> {
    let others = (1..call.results()).filter(|&index| call.gives(index)).count();
    if others == 0 { Ok(()) } else { Err("only its first result has a word".into()) }
}

#[cfg(test)]
mod tests {
    use super::OPERATORS;

    #[test]
    fn the_list_is_sorted() {
        assert!(OPERATORS.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
