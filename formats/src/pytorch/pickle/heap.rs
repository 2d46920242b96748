//! The values that pickles build.

use super::globals::Meaning;
use crate::element::Element;
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// More values than these are no checkpoint: a tensor of a state takes a dozen.
pub const MOST_VALUES: usize = 1 << 21;
/// Bytes of a name: of a key, a class, a storage.
pub const MOST_NAME: usize = 1024;
/// Sizes of one tensor, as in PyTorch.
pub const MOST_AXES: usize = 64;

/// The number of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u32);

/// A value. Those that hold others hold their numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    Nothing,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A number that nothing here asks for: a larger one, or one with a fraction.
    Number,
    /// A text, or bytes that may be one: a part of the heap's texts.
    Text(u32, u32),
    /// Bytes or a text too long to be a name, which are passed over.
    Bytes,
    /// A tuple, or `torch.Size`.
    Tuple(Vec<Id>),
    /// A list or a set.
    List(Vec<Id>),
    /// A dictionary of any kind, in order; a key that comes twice has its last value.
    Dict(Vec<(Id, Id)>),
    /// A class or a function by its name.
    Global(u32),
    /// An object: its class, and its attributes once they are known.
    Object(Id, Option<Id>),
    /// What a call that is never made would give: of what.
    Call(Id),
    /// A storage of numbers.
    Storage(u32),
    /// A tensor.
    Tensor(u32),
    /// A tensor whose values are not to be had, and what it is.
    Unreadable(&'static str),
}

/// A class or a function.
#[derive(Debug)]
pub struct Named {
    /// Its module and its name: `torch._utils._rebuild_tensor_v2`.
    pub path: String,
    /// What it means here.
    pub meaning: Meaning,
}

/// A storage as a pickle names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// What the file calls it.
    pub key: String,
    /// What its elements are; `None` where the tensors that use it say so, or they cannot be read.
    pub element: Option<Element>,
    /// Bytes of an element, where they are known.
    pub element_bytes: u64,
    /// Elements before the first, in the storage of that key: it may be a view of it.
    pub shift: u64,
    /// Elements.
    pub length: u64,
}

/// A tensor: a view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The number of its storage among the heap's.
    pub storage: u32,
    /// What its elements are.
    pub element: Element,
    /// Elements before its first.
    pub offset: u64,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Elements from one to the next along each axis.
    pub strides: Vec<u64>,
}

/// All values of a file.
#[derive(Default)]
pub struct Heap {
    values: Vec<Value>,
    texts: Vec<u8>,
    names: Vec<Named>,
    numbers: HashMap<String, u32>,
    storages: Vec<Storage>,
    tensors: Vec<Tensor>,
    /// How many values there could be in the place of all that was taken.
    spent: usize,
}

impl Heap {
    /// Adds a value.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add(&mut self, value: Value) -> Result<Id> {
        self.spend(1)?;
        self.values.push(value);
        Ok(Id(self.values.len() as u32 - 1))
    }

    /// Counts what takes as much memory as so many values: an instruction of a few bytes may ask for it again and again.
    ///
    /// # Errors
    /// When there are too many.
    pub fn spend(&mut self, values: usize) -> Result<()> {
        self.spent = self.spent.saturating_add(values);
        if self.spent <= MOST_VALUES {
            return Ok(());
        }
        Err(Failure::broken(format!(
            "holds more than {MOST_VALUES} values beside its tensors, which no checkpoint does"
        )))
    }

    /// A value.
    pub fn get(&self, id: Id) -> &Value {
        self.values.get(id.0 as usize).unwrap_or(&Value::Nothing)
    }

    /// Puts a value in the place of another, which all who hold it see.
    pub fn put(&mut self, id: Id, value: Value) {
        if let Some(place) = self.values.get_mut(id.0 as usize) {
            *place = value;
        }
    }

    /// A value to be changed.
    pub fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.values.get_mut(id.0 as usize)
    }

    /// Adds a text.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add_text(&mut self, text: &[u8]) -> Result<Id> {
        let (start, size) = (u32::try_from(self.texts.len()), u32::try_from(text.len()));
        let (Ok(start), Ok(size)) = (start, size) else {
            return Err(Failure::broken("holds more than 4 GB of texts"));
        };
        self.texts.extend_from_slice(text);
        self.add(Value::Text(start, size))
    }

    /// A text as its bytes; `None` when the value is another.
    pub fn bytes(&self, id: Id) -> Option<&[u8]> {
        let &Value::Text(start, size) = self.get(id) else { return None };
        self.texts.get(start as usize..)?.get(..size as usize)
    }

    /// A text that may be a name; `None` when the value is another, or it is too long.
    pub fn text(&self, id: Id) -> Option<String> {
        let text = self.bytes(id).filter(|text| text.len() <= MOST_NAME)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// A whole number from 0; `None` when the value is another.
    pub fn count(&self, id: Id) -> Option<u64> {
        match self.get(id) {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// What a tuple or a list holds; `None` when the value is another.
    pub fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a text key in a dictionary.
    pub fn entry(&self, dict: Id, key: &str) -> Option<Id> {
        let Value::Dict(pairs) = self.get(dict) else { return None };
        pairs.iter().rev().find(|(name, _)| self.bytes(*name) == Some(key.as_bytes())).map(|(_, value)| *value)
    }

    /// Adds a class or a function.
    ///
    /// # Errors
    /// As [`Heap::add`].
    pub fn add_name(&mut self, path: String) -> Result<Id> {
        let number = match self.numbers.get(&path) {
            Some(&number) => number,
            None => {
                self.spend(path.len().div_ceil(16))?;
                let number = self.names.len() as u32;
                self.names.push(Named { meaning: Meaning::of(&path), path: path.clone() });
                self.numbers.insert(path, number);
                number
            }
        };
        self.add(Value::Global(number))
    }

    /// A class or a function; `None` when the value is another.
    pub fn name(&self, id: Id) -> Option<&Named> {
        match self.get(id) {
            Value::Global(number) => self.names.get(*number as usize),
            _ => None,
        }
    }

    /// Adds a storage.
    ///
    /// # Errors
    /// As [`Heap::add`].
    pub fn add_storage(&mut self, storage: Storage) -> Result<Id> {
        // One that many tensors share is named by each of them.
        let last = self.storages.last().filter(|last| **last == storage);
        if last.is_none() {
            self.spend(storage.key.len().div_ceil(16) + 4)?;
            self.storages.push(storage);
        }
        self.add(Value::Storage(self.storages.len() as u32 - 1))
    }

    /// A storage by its number.
    pub fn storage(&self, number: u32) -> Option<&Storage> {
        self.storages.get(number as usize)
    }

    /// All storages that are named.
    pub fn storages(&self) -> &[Storage] {
        &self.storages
    }

    /// A tensor that another value becomes.
    ///
    /// # Errors
    /// As [`Heap::add`].
    pub fn tensor_value(&mut self, tensor: Tensor) -> Result<Value> {
        self.spend(tensor.shape.len() + 4)?;
        self.tensors.push(tensor);
        Ok(Value::Tensor(self.tensors.len() as u32 - 1))
    }

    /// A tensor by its number.
    pub fn tensor(&self, number: u32) -> Option<&Tensor> {
        self.tensors.get(number as usize)
    }

    /// What a value is, in a word or its class's name.
    pub fn kind(&self, id: Id) -> String {
        let class = |class: Id| self.name(class).map_or("an object".into(), |named| format!("`{}`", named.path));
        match self.get(id) {
            Value::Nothing => "`None`".into(),
            Value::Bool(_) => "a truth value".into(),
            Value::Int(_) | Value::Number => "a number".into(),
            Value::Text(..) => "a text".into(),
            Value::Bytes => "bytes".into(),
            Value::Tuple(_) | Value::List(_) => "a list".into(),
            Value::Dict(_) => "a dictionary".into(),
            Value::Global(_) => class(id),
            Value::Object(of, _) | Value::Call(of) => class(*of),
            Value::Storage(_) => "a storage".into(),
            Value::Tensor(_) => "a tensor".into(),
            Value::Unreadable(what) => (*what).into(),
        }
    }
}
