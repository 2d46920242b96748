//! The messages of an ONNX file, as far as they are read: the bytes of a protobuf come in, structs go out.
//!
//! Written by hand for `prost`, so that neither `protoc` nor a build script is needed. Numbers of fields and types are those of
//! `onnx.proto` (ONNX 1.17, Apache-2.0). Tensors keep a part of the file's own bytes, so that reading takes no second copy of the
//! weights. `scan.rs` has bounded what a file makes of itself before anything here is decoded.

use bytes::Bytes;
use prost::Message;

/// The whole file.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// The version of the format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The program that wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Its version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// The operator sets that it is written in.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// What is said of it besides.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
    /// Operators that are made of others.
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<Function>,
}

/// A set of operators by domain and version.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSet {
    /// Empty for ONNX's own.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A network, or a branch of one.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// Nodes, arguments before users.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Tensors by name.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// Tensors of few values, which are refused.
    #[prost(message, repeated, tag = "15")]
    pub sparse_initializer: Vec<Skipped>,
    /// What comes in; up to IR 3 the initialisers too.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// What goes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
}

/// A message of which nothing is read.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Skipped {}

/// An operator with its values by name.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Arguments; an empty name is one left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Results; an empty name is one that nobody wants.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its name, in which exporters leave the module: `/layer1/layer1.0/conv1/Conv`.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its numbers and names.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// The operator's set.
    #[prost(string, tag = "7")]
    pub domain: String,
    /// Which of several functions of one name.
    #[prost(string, tag = "8")]
    pub overload: String,
    /// What exporters say of it besides.
    #[prost(message, repeated, tag = "9")]
    pub metadata_props: Vec<Entry>,
}

/// A key and its text.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// The key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// An attribute of a node.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// In a function: the attribute of the call that stands for it.
    #[prost(string, tag = "21")]
    pub ref_attr_name: String,
    /// Which of the fields holds it; see [`AttributeKind`].
    #[prost(int32, tag = "20")]
    pub kind: i32,
    /// A float.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// A whole number.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A text.
    #[prost(bytes = "bytes", tag = "4")]
    pub s: Bytes,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<Tensor>,
    /// A network.
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<Graph>>,
    /// Floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts.
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub strings: Vec<Bytes>,
}

/// Types of attributes, as far as they are read or written.
pub struct AttributeKind;

impl AttributeKind {
    /// A float.
    pub const FLOAT: i32 = 1;
    /// A whole number.
    pub const INT: i32 = 2;
    /// A text.
    pub const STRING: i32 = 3;
    /// Whole numbers.
    pub const INTS: i32 = 7;
}

/// A tensor: sizes, and values in one of many forms.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    /// Its sizes.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Its elements' type.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Values of float32.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Values of int32 and smaller, of bool, and halves as bits.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Values of int64.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Values as they lie in memory, little-endian.
    #[prost(bytes = "bytes", tag = "9")]
    pub raw_data: Bytes,
    /// Values of float64.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Values of uint32 and uint64.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
    /// The file that holds the values, and where.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<Entry>,
    /// 1 where another file holds them.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// A value's name and type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// A type, as far as it is a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct Type {
    /// A tensor's.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

/// A tensor's type.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// Of its elements.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its sizes; absent where even their number is open.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
}

/// Sizes.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
    /// One an axis.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// A size: a number, a name, or neither.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// The number.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// The name.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

/// An operator that is made of others.
#[derive(Clone, PartialEq, Message)]
pub struct Function {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Names of its arguments.
    #[prost(string, repeated, tag = "4")]
    pub input: Vec<String>,
    /// Names of its results.
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    /// Its nodes.
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<Node>,
    /// The operator sets that it is written in.
    #[prost(message, repeated, tag = "9")]
    pub opset_import: Vec<OperatorSet>,
    /// Its domain.
    #[prost(string, tag = "10")]
    pub domain: String,
    /// Attributes with values that a call may leave out.
    #[prost(message, repeated, tag = "11")]
    pub attribute_proto: Vec<Attribute>,
    /// Which of several of one name.
    #[prost(string, tag = "13")]
    pub overload: String,
}
