//! What is known of a value of the file while its graph is followed.

use super::places::Places;
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;
use cnnc_compiler::shape::Dim;

/// A value.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A value of the network.
    Value(ValueId),
    /// A tensor of the file, or one that is made of such.
    Tensor(Tensor),
    /// Whole numbers that depend on open sizes.
    Sizes(Sizes),
    /// Such numbers divided by one, to be rounded.
    Quotient(Sizes, i64),
    /// A table of places that depends on open sizes.
    Places(Places),
    /// A tensor or a value whose first axis, of size 1, is repeated so often: what is the same for every image of a batch.
    Repeated(Box<Fact>, Dim),
    /// Something that could not be said, which has been noted.
    Unknown,
}

/// Whole numbers, one or a list, that depend on open sizes.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// The numbers.
    pub numbers: Vec<Dim>,
    /// Whether it is one number and no list.
    pub is_scalar: bool,
}

impl Sizes {
    /// A list.
    pub fn list(numbers: Vec<Dim>) -> Sizes {
        Sizes { numbers, is_scalar: false }
    }

    /// As a value: a tensor where no size is open.
    pub fn fact(self) -> Fact {
        match self.numbers.iter().map(Dim::number).collect::<Option<Vec<i64>>>() {
            Some(numbers) => {
                let shape = if self.is_scalar { Vec::new() } else { vec![numbers.len()] };
                Fact::Tensor(Tensor::of_ints(shape, numbers))
            }
            None => Fact::Sizes(self),
        }
    }
}

impl Fact {
    /// Elements of a tensor, of one number over and over one.
    pub fn elements(&self) -> usize {
        match self {
            Fact::Tensor(tensor) => tensor.uniform().map_or(tensor.count(), |_| 1),
            Fact::Repeated(one, _) => one.elements(),
            Fact::Value(_) | Fact::Sizes(_) | Fact::Quotient(..) | Fact::Places(_) | Fact::Unknown => 0,
        }
    }

    /// What it took, or will take, to make a tensor.
    pub fn work(&self) -> usize {
        match self {
            Fact::Tensor(tensor) => tensor.work().saturating_add(self.elements()),
            other => other.elements(),
        }
    }

    /// As a table of places.
    pub fn places(&self) -> Option<Places> {
        match self {
            Fact::Places(places) => Some(places.clone()),
            Fact::Tensor(tensor) => Places::of_tensor(tensor),
            Fact::Value(_) | Fact::Sizes(_) | Fact::Quotient(..) | Fact::Repeated(..) | Fact::Unknown => None,
        }
    }

    /// As whole numbers.
    pub fn sizes(&self) -> Option<Sizes> {
        match self {
            Fact::Sizes(sizes) => Some(sizes.clone()),
            Fact::Tensor(tensor) if tensor.shape().len() <= 1 => {
                let numbers = tensor.ints()?.into_iter().map(Dim::Number).collect();
                Some(Sizes { numbers, is_scalar: tensor.shape().is_empty() })
            }
            _ => None,
        }
    }
}
