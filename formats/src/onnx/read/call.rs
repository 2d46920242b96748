//! A node with its arguments and attributes at hand, as operators see it.

use super::fact::{Fact, Sizes};
use crate::onnx::model::{Attribute, AttributeKind, Node};
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;
use std::collections::HashMap;

/// A node that is being read.
pub struct Call<'n> {
    /// The node.
    pub node: &'n Node,
    /// Its arguments; `None` where one is left out.
    pub inputs: Vec<Option<Fact>>,
    /// Its attributes, those of a function's call filled in.
    pub attributes: HashMap<&'n str, &'n Attribute>,
    /// The version of its operator set.
    pub version: i64,
}

impl Call<'_> {
    /// The number of results that somebody may want.
    pub fn results(&self) -> usize {
        self.node.output.len()
    }

    /// Whether result `index` has a name.
    pub fn gives(&self, index: usize) -> bool {
        self.node.output.get(index).is_some_and(|name| !name.is_empty())
    }

    /// Argument `index`, where it is there.
    pub fn input(&self, index: usize) -> Option<&Fact> {
        self.inputs.get(index)?.as_ref()
    }

    /// A value of the network.
    pub fn value(&self, index: usize) -> Option<ValueId> {
        match self.input(index)? {
            Fact::Value(value) => Some(*value),
            _ => None,
        }
    }

    /// A tensor of the file.
    pub fn tensor(&self, index: usize) -> Option<&Tensor> {
        match self.input(index)? {
            Fact::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// Argument `index` as a tensor of the file.
    ///
    /// # Errors
    /// That it is none.
    pub fn weight(&self, index: usize, what: &str) -> Result<&Tensor, String> {
        self.tensor(index).ok_or_else(|| match self.input(index) {
            Some(_) => format!("its {what} is computed from other values, and a parameter holds it here"),
            None => format!("it has no {what}"),
        })
    }

    /// Argument `index` as whole numbers.
    pub fn sizes(&self, index: usize) -> Option<Sizes> {
        self.input(index)?.sizes()
    }

    /// Argument `index` as whole numbers that are known.
    pub fn ints(&self, index: usize) -> Option<Vec<i64>> {
        match self.input(index)? {
            Fact::Tensor(tensor) => tensor.ints(),
            Fact::Sizes(sizes) => sizes.numbers.iter().map(|number| number.number()).collect(),
            _ => None,
        }
    }

    /// Argument `index` as one float.
    pub fn float(&self, index: usize) -> Option<f32> {
        match self.tensor(index)?.small_floats()?.as_slice() {
            [number] => Some(*number),
            _ => None,
        }
    }

    /// An attribute of whole numbers.
    pub fn list(&self, name: &str) -> Option<Vec<i64>> {
        let found = self.attributes.get(name)?;
        // A list of none is written as a list, or as nothing.
        (found.kind != AttributeKind::INT).then(|| found.ints.clone())
    }

    /// An attribute that is a whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.attributes.get(name).map(|found| found.i)
    }

    /// An attribute that is a float.
    pub fn number(&self, name: &str) -> Option<f32> {
        self.attributes.get(name).map(|found| if found.kind == AttributeKind::INT { found.i as f32 } else { found.f })
    }

    /// An attribute that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(|found| std::str::from_utf8(&found.s).ok())
    }

    /// The whole numbers of an attribute, or of an argument where newer sets have them; `None` where neither is given.
    ///
    /// # Errors
    /// That the argument's numbers are not known.
    pub fn list_or_input(&self, name: &str, index: usize) -> Result<Option<Vec<i64>>, String> {
        if let Some(list) = self.list(name) {
            return Ok(Some(list));
        }
        match self.input(index) {
            None => Ok(None),
            Some(_) => self.ints(index).map(Some).ok_or_else(|| format!("its {name} are computed from other values")),
        }
    }
}

/// Axes counted from the front.
pub fn axes(given: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    given.iter().map(|&axis| self::axis(axis, rank)).collect()
}

/// An axis counted from the front.
pub fn axis(given: i64, rank: usize) -> Result<usize, String> {
    let rank = rank as i64;
    let axis = if given < 0 { given + rank } else { given };
    usize::try_from(axis).ok().filter(|_| axis < rank).ok_or_else(|| format!("there is no axis {given} of {rank}"))
}
