//! What the calls in a pickle stand for: tensors and plain data. No other is made.

use super::globals::Meaning;
use super::heap::{Heap, Id, MOST_AXES, Storage, Tensor, Value};
use crate::failure::{Failure, Result};

/// What a call of a value gives, whose arguments are a tuple.
///
/// # Errors
/// When it is of something that may not be called, or its arguments are not those that it takes.
pub fn call(heap: &mut Heap, callee: Id, arguments: Id) -> Result<Id> {
    let Some(named) = heap.name(callee) else {
        return Err(Failure::broken(format!("is refused: it calls {}, which is no function", heap.kind(callee))));
    };
    let meaning = named.meaning;
    let first = heap.items(arguments).and_then(|items| items.first().copied());
    match meaning {
        Meaning::Unknown | Meaning::Blocked => Err(refused(&named.path, "call")),
        Meaning::Dict => dict(heap, first),
        Meaning::DefaultDict => heap.add(Value::Dict(Vec::new())),
        // What it is made of stands for it: nothing is copied that a file could ask to have copied again.
        Meaning::List | Meaning::Size => match first {
            Some(items) if heap.items(items).is_some() => Ok(items),
            _ => heap.add(Value::List(Vec::new())),
        },
        Meaning::Wrapper | Meaning::Encode => first.ok_or_else(|| lacking(heap, callee)),
        Meaning::Object => {
            let class = first.ok_or_else(|| lacking(heap, callee))?;
            object(heap, class)
        }
        Meaning::TensorClass => object(heap, callee),
        Meaning::Rebuild | Meaning::RebuildTyped => {
            let tensor = rebuilt(heap, arguments, meaning).ok_or_else(|| lacking(heap, callee))?;
            let value = made(heap, tensor)?;
            heap.add(value)
        }
        Meaning::RebuildOfClass => of_class(heap, arguments)?.ok_or_else(|| lacking(heap, callee)),
        Meaning::Unreadable(what) => heap.add(Value::Unreadable(what)),
        Meaning::Inert | Meaning::Type(_) | Meaning::Storage(..) => heap.add(Value::Call(callee)),
    }
}

/// An object of a class, which has no attributes yet.
///
/// # Errors
/// When there are too many values.
pub fn object(heap: &mut Heap, class: Id) -> Result<Id> {
    let value = match heap.name(class).map(|named| named.meaning) {
        Some(Meaning::Dict | Meaning::DefaultDict) => Value::Dict(Vec::new()),
        _ => Value::Object(class, None),
    };
    heap.add(value)
}

/// Gives a value its attributes: those of an object are kept, of a tensor's class they are the tensor.
///
/// # Errors
/// When they are none that such a value has.
pub fn build(heap: &mut Heap, value: Id, state: Id) -> Result<()> {
    let &Value::Object(class, before) = heap.get(value) else { return Ok(()) };
    if heap.name(class).map(|named| named.meaning) == Some(Meaning::TensorClass) {
        let tensor = rebuilt(heap, state, Meaning::Rebuild).ok_or_else(|| lacking(heap, class))?;
        let tensor = made(heap, tensor)?;
        heap.put(value, tensor);
        return Ok(());
    }
    // Attributes may come as a pair, whose second part are those that have slots of their own.
    let state = match heap.get(state) {
        Value::Tuple(pair) if pair.len() == 2 => pair.first().copied().unwrap_or(state),
        _ => state,
    };
    heap.put(value, Value::Object(class, before.or(Some(state))));
    Ok(())
}

/// What a persistent id stands for: a storage, or the class of a module whose source was saved with it.
///
/// # Errors
/// When it is neither.
pub fn persistent(heap: &mut Heap, id: Id) -> Result<Id> {
    let wrong = || Failure::broken("is damaged: it refers to what is no storage");
    let parts: Vec<Id> = heap.items(id).filter(|parts| parts.len() <= 8).ok_or_else(wrong)?.to_vec();
    let kind = parts.first().and_then(|kind| heap.text(*kind));
    match (kind.as_deref(), parts.as_slice()) {
        (Some("module"), [_, class, ..]) => Ok(*class),
        (Some("storage"), [_, class, key, _, length, view @ ..]) => {
            let meaning = heap.name(*class).map(|named| named.meaning);
            let Some(Meaning::Storage(element, element_bytes)) = meaning else {
                return Err(Failure::broken(format!("is refused: it has a storage of {}", heap.kind(*class))));
            };
            let key = heap.text(*key).or_else(|| heap.count(*key).map(|key| key.to_string())).ok_or_else(wrong)?;
            let length = heap.count(*length).ok_or_else(wrong)?;
            let mut storage = Storage { key, element, element_bytes, shift: 0, length };
            if let Some([_, shift, size]) = view.first().and_then(|view| heap.items(*view)) {
                storage.shift = heap.count(*shift).ok_or_else(wrong)?;
                storage.length = heap.count(*size).ok_or_else(wrong)?;
            }
            heap.add_storage(storage)
        }
        _ => Err(wrong()),
    }
}

/// The failure to say that something is named that nobody should run.
pub fn refused(path: &str, what: &str) -> Failure {
    Failure::broken(format!("is refused: it asks to {what} `{path}`, and nothing of a file is run"))
        .note("what builds tensors and plain data is obeyed, by the list of PyTorch's `weights_only=True`")
        .help("ask whoever made it for its `state_dict`, or for safetensors")
}

fn lacking(heap: &Heap, callee: Id) -> Failure {
    Failure::broken(format!("is damaged: {} has other arguments than it takes", heap.kind(callee)))
}

/// A dictionary of a list of pairs, or of nothing.
fn dict(heap: &mut Heap, pairs: Option<Id>) -> Result<Id> {
    let pair = |pair: &Id| match heap.items(*pair) {
        Some([key, value]) => Some((*key, *value)),
        _ => None,
    };
    let pairs = match pairs.map(|pairs| heap.get(pairs)) {
        Some(Value::Dict(_)) => return pairs.map_or_else(|| heap.add(Value::Dict(Vec::new())), Ok),
        Some(Value::List(items) | Value::Tuple(items)) => items.iter().filter_map(pair).collect(),
        _ => Vec::new(),
    };
    heap.spend(pairs.len())?;
    heap.add(Value::Dict(pairs))
}

/// What a tensor is made of.
struct Parts {
    storage: u32,
    type_of: Option<Id>,
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<u64>,
    /// It is the negative or the conjugate of what is stored.
    is_changed: bool,
}

/// A tensor of these arguments; `None` when they are not those of a tensor.
fn rebuilt(heap: &Heap, arguments: Id, meaning: Meaning) -> Option<Parts> {
    let (storage, offset, shape, strides, rest) = match heap.items(arguments)? {
        [storage, offset, shape, strides, rest @ ..] => (*storage, *offset, *shape, *strides, rest),
        _ => return None,
    };
    let &Value::Storage(storage) = heap.get(storage) else { return None };
    let sizes = |id| -> Option<Vec<u64>> {
        let sizes = heap.items(id).filter(|sizes| sizes.len() <= MOST_AXES)?;
        sizes.iter().map(|size| heap.count(*size)).collect()
    };
    let (shape, strides) = (sizes(shape)?, sizes(strides)?);
    if shape.len() != strides.len() {
        return None;
    }
    let (type_of, about) = match meaning {
        Meaning::RebuildTyped => (Some(*rest.get(2)?), rest.get(3)),
        _ => (None, rest.get(2)),
    };
    let about = about.filter(|about| matches!(heap.get(**about), Value::Dict(pairs) if pairs.len() <= 8));
    let is_set = |name: &str| about.and_then(|about| heap.entry(*about, name)).map(|set| heap.get(set));
    Some(Parts {
        storage,
        type_of,
        offset: heap.count(offset)?,
        shape: shape.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<_>>()?,
        strides,
        is_changed: ["neg", "conj"].iter().any(|name| is_set(name) == Some(&Value::Bool(true))),
    })
}

/// The tensor of its parts, if its type can be read.
fn made(heap: &mut Heap, parts: Parts) -> Result<Value> {
    if parts.is_changed {
        return Ok(Value::Unreadable("the negative of a tensor that is stored"));
    }
    let element = match parts.type_of {
        Some(of) => match heap.name(of).map(|named| named.meaning) {
            Some(Meaning::Type(element)) => Some(element),
            _ => None,
        },
        None => heap.storage(parts.storage).and_then(|storage| storage.element),
    };
    let Some(element) = element else { return Ok(Value::Unreadable("a tensor of complex or other numbers")) };
    let Parts { storage, offset, shape, strides, .. } = parts;
    heap.tensor_value(Tensor { storage, element, offset, shape, strides })
}

/// A tensor of a class of its own: what its function gives, if that is one of PyTorch's own for tensors.
fn of_class(heap: &mut Heap, arguments: Id) -> Result<Option<Id>> {
    let Some([function, class, inner, ..]) = heap.items(arguments) else { return Ok(None) };
    let (function, class, inner) = (*function, *class, *inner);
    let Some(meaning) = heap.name(function).map(|named| named.meaning) else { return Ok(None) };
    match meaning {
        Meaning::Rebuild | Meaning::RebuildTyped | Meaning::Wrapper | Meaning::Unreadable(_) => {}
        _ => return Err(refused(&heap.kind(function).replace('`', ""), "call")),
    }
    let is_plain =
        heap.name(class).is_some_and(|named| matches!(named.meaning, Meaning::Wrapper | Meaning::TensorClass));
    if is_plain {
        call(heap, function, inner).map(Some)
    } else {
        heap.add(Value::Unreadable("a tensor of a class of its own")).map(Some)
    }
}
