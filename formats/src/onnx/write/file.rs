//! The bytes of an exported network: its nodes as messages, and after them one tensor after the other, each made when its place
//! in the file comes.
//!
//! A protobuf says how long a message is before it begins. So lengths are added up first, which needs no numbers, and nothing of
//! the weights is held but the tensor that is being written. What is past the 2 GB that a protobuf has room for lies in a file
//! beside it.

use super::Exported;
use super::constants::{self, Weights};
use crate::onnx::model::{
    self, AttributeKind, Dimension, Entry, Graph, Model, OperatorSet, TensorShape, TensorType, Type, ValueInfo,
};
use cnnc_compiler::onnx::{Attribute, Content, Initialiser, Node, Value, format_version};
use cnnc_compiler::shape::{Dim, Shape};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::io::{self, Write};

/// ONNX's numbers of types.
const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// Fields of the messages that are written by hand.
const GRAPH: u32 = 7;
const INITIALISER: u32 = 5;
const RAW_DATA: u32 = 9;

/// Bytes of the smallest tensor that lies beside the file.
const LEAST_BESIDE: u64 = 1024;

/// Each tensor beside the file begins at a multiple of this.
const ALIGNMENT: u64 = 64;

/// What a file says of itself.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The version of this program.
    pub version: String,
    /// The model's name.
    pub name: String,
    /// Keys and texts.
    pub metadata: Vec<(String, String)>,
}

/// A file that is ready to be written.
pub struct File<'e> {
    exported: &'e Exported,
    /// All fields of the model but the graph.
    model: Vec<u8>,
    /// All fields of the graph but the tensors.
    graph: Vec<u8>,
    tensors: Vec<Tensor<'e>>,
    /// Bytes beside the file.
    beside: u64,
}

/// A tensor of it.
struct Tensor<'e> {
    initialiser: &'e Initialiser,
    /// All fields but the values.
    head: Vec<u8>,
    bytes: u64,
    /// Where the values lie beside the file.
    offset: Option<u64>,
}

impl Tensor<'_> {
    /// The length of the message.
    fn length(&self) -> u64 {
        self.head.len() as u64 + if self.offset.is_some() { 0 } else { enclosed(RAW_DATA, self.bytes) }
    }
}

/// The length of a field that holds so many bytes.
fn enclosed(field: u32, bytes: u64) -> u64 {
    (prost::encoding::key_len(field) + prost::encoding::encoded_len_varint(bytes)) as u64 + bytes
}

fn begin(field: u32, bytes: u64, out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(bytes, out);
}

impl Exported {
    /// The bytes of all tensors.
    pub fn tensor_bytes(&self) -> u64 {
        self.written.initialisers.iter().map(bytes).fold(0, u64::saturating_add)
    }

    /// The file; the values of large tensors in another of that name, where there is one.
    pub fn file<'e>(&'e self, about: &About, beside: Option<&str>) -> File<'e> {
        let mut end = 0;
        let mut tensor = |initialiser: &'e Initialiser| {
            let bytes = bytes(initialiser);
            let offset = beside.filter(|_| bytes >= LEAST_BESIDE).map(|_| end);
            if offset.is_some() {
                end += bytes.next_multiple_of(ALIGNMENT);
            }
            let place = beside.zip(offset).map(|(location, offset)| {
                [("location", location.to_owned()), ("offset", offset.to_string()), ("length", bytes.to_string())]
            });
            let entry = |(key, value): (&str, String)| Entry { key: key.into(), value };
            let head = model::Tensor {
                dims: initialiser.shape.iter().map(|&size| size as i64).collect(),
                data_type: if matches!(initialiser.content, Content::Ints(_)) { INT64 } else { FLOAT },
                name: self.written.name(initialiser.value).to_owned(),
                data_location: i32::from(place.is_some()),
                external_data: place.into_iter().flatten().map(entry).collect(),
                ..Default::default()
            };
            Tensor { initialiser, head: head.encode_to_vec(), bytes, offset }
        };
        let tensors = self.written.initialisers.iter().map(&mut tensor).collect();
        let graph = Graph {
            name: about.name.clone(),
            node: self.written.nodes.iter().map(|node| self.node(node)).collect(),
            input: self.inputs.iter().map(port).collect(),
            output: self.outputs.iter().map(port).collect(),
            ..Default::default()
        };
        let entry = |(key, value): &(String, String)| Entry { key: key.clone(), value: value.clone() };
        let model = Model {
            ir_version: format_version(self.set),
            producer_name: "cnnc".into(),
            producer_version: about.version.clone(),
            opset_import: vec![OperatorSet { domain: String::new(), version: self.set }],
            metadata_props: about.metadata.iter().map(entry).collect(),
            ..Default::default()
        };
        let (model, graph) = (model.encode_to_vec(), graph.encode_to_vec());
        File { exported: self, model, graph, tensors, beside: end }
    }

    fn node(&self, node: &Node) -> model::Node {
        let name = |value: &Option<Value>| value.map_or(String::new(), |value| self.written.name(value).to_owned());
        model::Node {
            input: node.inputs.iter().map(name).collect(),
            output: node.outputs.iter().map(name).collect(),
            name: node.name.clone(),
            op_type: node.operator.into(),
            attribute: node.attributes.iter().map(attribute).collect(),
            ..Default::default()
        }
    }
}

fn attribute((name, value): &(&'static str, Attribute)) -> model::Attribute {
    let named = |kind| model::Attribute { name: (*name).into(), kind, ..Default::default() };
    match value {
        Attribute::Int(number) => model::Attribute { i: *number, ..named(AttributeKind::INT) },
        Attribute::Ints(numbers) => model::Attribute { ints: numbers.clone(), ..named(AttributeKind::INTS) },
        Attribute::Float(number) => model::Attribute { f: *number as f32, ..named(AttributeKind::FLOAT) },
        Attribute::Text(word) => model::Attribute { s: word.as_bytes().into(), ..named(AttributeKind::STRING) },
    }
}

/// An input or output: sizes that are open bear their names.
fn port((name, shape): &(String, Shape)) -> ValueInfo {
    let dimension = |dim: &Dim| match dim {
        Dim::Number(number) => Dimension { dim_value: Some(*number), dim_param: None },
        open => Dimension { dim_value: None, dim_param: Some(open.to_string()) },
    };
    let shape = Some(TensorShape { dim: shape.iter().map(dimension).collect() });
    let tensor_type = Some(TensorType { elem_type: FLOAT, shape });
    ValueInfo { name: name.clone(), r#type: Some(Type { tensor_type }) }
}

/// The bytes of a tensor's values.
fn bytes(initialiser: &Initialiser) -> u64 {
    let width = if matches!(initialiser.content, Content::Ints(_)) { 8 } else { 4 };
    initialiser.shape.iter().fold(width, |bytes, &size| bytes.saturating_mul(size as u64))
}

impl File<'_> {
    /// The bytes of the file itself.
    pub fn length(&self) -> u64 {
        self.model.len() as u64 + enclosed(GRAPH, self.graph_length())
    }

    /// The bytes beside it.
    pub fn length_beside(&self) -> u64 {
        self.beside
    }

    /// The tensors that lie beside it by their names, each with where it begins.
    pub fn places(&self) -> impl Iterator<Item = (&str, u64)> {
        let written = &self.exported.written;
        self.tensors.iter().filter_map(|tensor| Some((written.name(tensor.initialiser.value), tensor.offset?)))
    }

    fn graph_length(&self) -> u64 {
        let tensors = self.tensors.iter().map(|tensor| enclosed(INITIALISER, tensor.length()));
        self.graph.len() as u64 + tensors.sum::<u64>()
    }

    /// Writes it.
    ///
    /// # Errors
    /// What writing and the weights refuse.
    pub fn write(&self, out: &mut dyn Write, weights: &mut Weights<'_>) -> io::Result<()> {
        out.write_all(&self.model)?;
        let mut head = Vec::new();
        begin(GRAPH, self.graph_length(), &mut head);
        out.write_all(&head)?;
        out.write_all(&self.graph)?;
        for tensor in &self.tensors {
            head.clear();
            begin(INITIALISER, tensor.length(), &mut head);
            head.extend_from_slice(&tensor.head);
            if tensor.offset.is_some() {
                out.write_all(&head)?;
                continue;
            }
            begin(RAW_DATA, tensor.bytes, &mut head);
            out.write_all(&head)?;
            self.values(tensor, out, weights)?;
        }
        Ok(())
    }

    /// Writes what lies beside it.
    ///
    /// # Errors
    /// As [`File::write`].
    pub fn write_beside(&self, out: &mut dyn Write, weights: &mut Weights<'_>) -> io::Result<()> {
        for tensor in self.tensors.iter().filter(|tensor| tensor.offset.is_some()) {
            self.values(tensor, out, weights)?;
            let rest = tensor.bytes.next_multiple_of(ALIGNMENT) - tensor.bytes;
            out.write_all(&vec![0; usize::try_from(rest).unwrap_or(0)])?;
        }
        Ok(())
    }

    fn values(&self, tensor: &Tensor<'_>, out: &mut dyn Write, weights: &mut Weights<'_>) -> io::Result<()> {
        let made;
        let numbers = match &tensor.initialiser.content {
            Content::Ints(numbers) => {
                return numbers.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()));
            }
            Content::Floats(numbers) => numbers,
            Content::Parameter(parameter) => {
                let entry = self.exported.kernels.parameters.get(parameter.0 as usize);
                made = weights(entry.map_or("", |entry| &entry.path))?;
                &made
            }
            Content::Computed(node) => {
                made = constants::compute(&self.exported.kernels, *node, weights)?;
                &made
            }
        };
        if numbers.len() as u64 * 4 != tensor.bytes {
            return Err(io::Error::other("a tensor has another number of values than it says"));
        }
        const PART: usize = 1 << 14;
        numbers.chunks(PART).try_for_each(|part| {
            let bytes: Vec<u8> = part.iter().flat_map(|number| number.to_le_bytes()).collect();
            out.write_all(&bytes)
        })
    }
}
