//! What an ONNX file would take to hold, before it is held: the bytes of a stranger's protobuf come in, a bound or a refusal
//! goes out.
//!
//! Two bytes of a file can make a struct of two hundred, so a small file could ask for a large memory. The scan walks the wire
//! format by the messages that `model.rs` reads, takes no memory, and adds up what decoding would: structs, texts, numbers that
//! are packed. It refuses what nests too deeply, ends too early, or takes out of proportion to its length.

use super::model::{self, Attribute, Function, Graph, Node, OperatorSet, Tensor, ValueInfo};

/// Messages nest at most so deeply: a graph in an attribute of a node in a graph is three.
const DEEPEST: usize = 40;

/// Memory that any file may take besides its own bytes.
const FREE_BYTES: u64 = 32 << 20;

/// Memory a byte of the file, besides its own.
const BYTES_A_BYTE: u64 = 6;

/// A message, as far as its fields matter.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    TensorShape,
    Function,
    /// A message whose fields are numbers and texts.
    Leaf,
}

/// What a field of bytes holds.
enum Holds {
    /// A message, and the bytes of its struct.
    Message(Kind, usize),
    /// A text, which is copied.
    Text,
    /// Numbers, each of so many bytes in the file at least, and in memory.
    Packed(u64, u64),
    /// Bytes that stay where they are, and their handle.
    Shared,
    /// What is passed over.
    Passed,
}

fn holds(kind: Kind, field: u64) -> Holds {
    let message = |kind, bytes| Holds::Message(kind, bytes);
    let leaf = |bytes| Holds::Message(Kind::Leaf, bytes);
    match (kind, field) {
        (Kind::Model, 7) => message(Kind::Graph, size_of::<Graph>()),
        (Kind::Model, 8) | (Kind::Function, 9) => leaf(size_of::<OperatorSet>()),
        (Kind::Model, 25) => message(Kind::Function, size_of::<Function>()),
        (Kind::Graph, 1) | (Kind::Function, 7) => message(Kind::Node, size_of::<Node>()),
        (Kind::Graph, 5) | (Kind::Attribute, 5) => message(Kind::Tensor, size_of::<Tensor>()),
        (Kind::Graph, 15) => leaf(1),
        (Kind::Graph, 11 | 12) => message(Kind::ValueInfo, size_of::<ValueInfo>()),
        (Kind::Node, 5) | (Kind::Function, 11) => message(Kind::Attribute, size_of::<Attribute>()),
        (Kind::Node, 9) | (Kind::Tensor, 13) => leaf(size_of::<model::Entry>()),
        (Kind::Attribute, 6) => message(Kind::Graph, size_of::<Graph>()),
        (Kind::Attribute, 4 | 9) | (Kind::Tensor, 9) => Holds::Shared,
        (Kind::Attribute, 7) | (Kind::Tensor, 4) => Holds::Packed(4, 4),
        (Kind::Attribute, 8) | (Kind::Tensor, 1 | 7 | 11) => Holds::Packed(1, 8),
        (Kind::Tensor, 5) => Holds::Packed(1, 4),
        (Kind::Tensor, 10) => Holds::Packed(8, 8),
        (Kind::ValueInfo, 2) => message(Kind::Type, size_of::<model::Type>()),
        (Kind::Type, 1) => message(Kind::TensorType, size_of::<model::TensorType>()),
        (Kind::TensorType, 2) => message(Kind::TensorShape, size_of::<model::TensorShape>()),
        (Kind::TensorShape, 1) => leaf(size_of::<model::Dimension>()),
        (Kind::Model, 2 | 3)
        | (Kind::Graph, 2)
        | (Kind::Node, 1..=4 | 7 | 8)
        | (Kind::Attribute, 1 | 21)
        | (Kind::Tensor | Kind::ValueInfo, 8 | 1)
        | (Kind::Function, 1 | 4 | 5 | 10 | 13)
        | (Kind::Leaf, _) => Holds::Text,
        _ => Holds::Passed,
    }
}

/// Holds a file against what decoding it would take.
///
/// # Errors
/// In a sentence's end: "ends in the middle of a field".
pub fn scan(bytes: &[u8]) -> Result<(), &'static str> {
    let mut scan = Scan { taken: 0, most: FREE_BYTES + BYTES_A_BYTE * bytes.len() as u64 };
    scan.message(Kind::Model, bytes, 0)
}

/// Whether a tensor that is a file of its own may be decoded.
///
/// # Errors
/// What is wrong, in words that go on after "it".
pub fn scan_tensor(bytes: &[u8]) -> Result<(), &'static str> {
    let mut scan = Scan { taken: 0, most: FREE_BYTES + BYTES_A_BYTE * bytes.len() as u64 };
    scan.message(Kind::Tensor, bytes, 0)
}

struct Scan {
    taken: u64,
    most: u64,
}

impl Scan {
    fn take(&mut self, bytes: u64) -> Result<(), &'static str> {
        self.taken = self.taken.saturating_add(bytes);
        if self.taken > self.most { Err("would take far more memory than it is long") } else { Ok(()) }
    }

    fn message(&mut self, kind: Kind, mut bytes: &[u8], depth: usize) -> Result<(), &'static str> {
        if depth > DEEPEST {
            return Err("nests too deeply");
        }
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            match tag & 7 {
                0 => {
                    varint(&mut bytes)?;
                    // A number that repeats without being packed.
                    self.take(8)?;
                }
                1 => {
                    skip(&mut bytes, 8)?;
                    self.take(8)?;
                }
                5 => {
                    skip(&mut bytes, 4)?;
                    self.take(4)?;
                }
                2 => {
                    let length = varint(&mut bytes)?;
                    let field = skip(&mut bytes, length)?;
                    self.field(holds(kind, tag >> 3), field, depth)?;
                }
                _ => return Err("has a field of no known form"),
            }
        }
        Ok(())
    }

    fn field(&mut self, holds: Holds, field: &[u8], depth: usize) -> Result<(), &'static str> {
        let length = field.len() as u64;
        match holds {
            Holds::Message(kind, bytes) => {
                // A list that grows holds up to twice what is in it.
                self.take(2 * bytes as u64)?;
                self.message(kind, field, depth + 1)
            }
            Holds::Text => self.take(2 * size_of::<String>() as u64 + length),
            Holds::Packed(in_file, in_memory) => self.take(length / in_file * in_memory),
            Holds::Shared => self.take(2 * size_of::<bytes::Bytes>() as u64),
            Holds::Passed => Ok(()),
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, &'static str> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or("ends in the middle of a field")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("has a number of more than 64 bits")
}

fn skip<'b>(bytes: &mut &'b [u8], length: u64) -> Result<&'b [u8], &'static str> {
    let length = usize::try_from(length).map_err(|_| "ends in the middle of a field")?;
    let (field, rest) = bytes.split_at_checked(length).ok_or("ends in the middle of a field")?;
    *bytes = rest;
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::scan;

    #[test]
    fn what_a_file_would_take_is_bounded_before_it_is_taken() {
        // 8 million nodes of two bytes each in a graph.
        let nodes = [0x0A, 0x00].repeat(8 << 20);
        let mut file = vec![0x3A];
        let mut length = nodes.len();
        while length >= 0x80 {
            file.push(length as u8 | 0x80);
            length >>= 7;
        }
        file.push(length as u8);
        file.extend(nodes);
        assert_eq!(scan(&file), Err("would take far more memory than it is long"));
    }

    #[test]
    fn ends_and_depths_are_seen() {
        assert_eq!(scan(&[0x08]), Err("ends in the middle of a field"));
        assert_eq!(scan(&[0x3A, 0x05, 0x00]), Err("ends in the middle of a field"));
        assert_eq!(scan(&[0x0B]), Err("has a field of no known form"));
        // A graph in an attribute in a node in a graph, and so on.
        let mut nested = Vec::new();
        for _ in 0..30 {
            for tag in [0x32, 0x2A, 0x0A] {
                let mut outer = vec![tag, nested.len() as u8 | 0x80, (nested.len() >> 7) as u8];
                outer.extend(&nested);
                nested = outer;
            }
        }
        let mut file = vec![0x3A, nested.len() as u8 | 0x80, (nested.len() >> 7) as u8];
        file.extend(&nested);
        assert_eq!(scan(&file), Err("nests too deeply"));
        assert_eq!(scan(&[0x08, 0x08, 0x3A, 0x02, 0x0A, 0x00]), Ok(()));
    }
}
