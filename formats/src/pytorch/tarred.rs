//! What `torch.save` wrote before 0.1.10: a tar archive of storages, tensors and one pickle that refers to them by number.

use super::legacy::numbers;
use super::pickle::{Heap, Id, Storage, Tensor, Value, load};
use super::tar::members;
use super::zip::Extent;
use crate::bytes::{Bytes, Stream};
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// Sizes of one tensor.
const MOST_AXES: i32 = 64;

/// What was saved, and where the numbers of each storage lie.
///
/// # Errors
/// When it is damaged or cut off.
pub fn read(bytes: &dyn Bytes, heap: &mut Heap) -> Result<(Id, HashMap<String, Extent>)> {
    let [storages, tensors, pickle] = members(bytes, ["storages", "tensors", "pickle"])?;
    let mut given = HashMap::new();
    let mut stream = Stream::new(bytes, "its member `storages`", storages.start, storages.size)?;
    let places = read_storages(&mut stream, heap, &mut given)?;
    let mut stream = Stream::new(bytes, "its member `tensors`", tensors.start, tensors.size)?;
    read_tensors(&mut stream, heap, &mut given)?;
    let mut stream = Stream::new(bytes, "its member `pickle`", pickle.start, pickle.size)?;
    Ok((load(&mut stream, heap, &given)?, places))
}

/// How many of something follow.
fn count(stream: &mut Stream<'_>, heap: &mut Heap) -> Result<u64> {
    let count = load(stream, heap, &HashMap::new())?;
    heap.count(count).ok_or_else(|| stream.wrong("there is no count"))
}

/// The number that something is referred to by.
fn number(stream: &Stream<'_>, heap: &Heap, id: Id) -> Result<i64> {
    match heap.get(id) {
        Value::Int(number) => Ok(*number),
        _ => Err(stream.wrong("what is referred to has no number")),
    }
}

/// Storages with their numbers, then views of them.
fn read_storages(
    stream: &mut Stream<'_>,
    heap: &mut Heap,
    given: &mut HashMap<i64, Id>,
) -> Result<HashMap<String, Extent>> {
    let mut places = HashMap::new();
    for _ in 0..count(stream, heap)? {
        let about = load(stream, heap, &HashMap::new())?;
        let Some(&[key, place, class]) = heap.items(about) else { return Err(stream.wrong("a storage has no name")) };
        let key = number(stream, heap, key)?;
        // As the later forms name it, with no length yet.
        let parts = [heap.add_text(b"storage")?, class, heap.add(Value::Int(key))?, place, heap.add(Value::Int(0))?];
        let pid = heap.add(Value::Tuple(parts.to_vec()))?;
        let id = super::pickle::persistent(heap, pid)?;
        let &Value::Storage(storage) = heap.get(id) else { return Err(stream.wrong("a storage is none")) };
        let storage = heap.storage(storage).cloned().ok_or_else(|| stream.wrong("a storage is none"))?;
        let extent = numbers(stream, storage.element_bytes)?;
        let length = extent.size.checked_div(storage.element_bytes).unwrap_or(0);
        places.insert(storage.key.clone(), extent);
        given.insert(key, heap.add_storage(Storage { length, ..storage })?);
    }
    let views = load(stream, heap, &HashMap::new())?;
    let views = heap.items(views).ok_or_else(|| stream.wrong("there is no list of views"))?.to_vec();
    for view in views {
        let Some(&[target, root, offset, length]) = heap.items(view) else {
            return Err(stream.wrong("a view is none"));
        };
        let (target, root) = (number(stream, heap, target)?, number(stream, heap, root)?);
        let (shift, length) = (heap.count(offset), heap.count(length));
        let (Some(shift), Some(length)) = (shift, length) else { return Err(stream.wrong("a view has no sizes")) };
        let storage = given.get(&root).and_then(|id| storage_of(heap, *id));
        let storage = storage.ok_or_else(|| stream.wrong(format!("a view is of {root}, which there is not")))?;
        given.insert(target, heap.add_storage(Storage { shift, length, ..storage })?);
    }
    Ok(places)
}

fn storage_of(heap: &Heap, id: Id) -> Option<Storage> {
    match heap.get(id) {
        Value::Storage(storage) => heap.storage(*storage).cloned(),
        _ => None,
    }
}

/// Tensors, each with its sizes.
fn read_tensors(stream: &mut Stream<'_>, heap: &mut Heap, given: &mut HashMap<i64, Id>) -> Result<()> {
    for _ in 0..count(stream, heap)? {
        let about = load(stream, heap, &HashMap::new())?;
        let Some(&[key, storage, _]) = heap.items(about) else { return Err(stream.wrong("a tensor has no name")) };
        let (key, storage) = (number(stream, heap, key)?, number(stream, heap, storage)?);
        let axes = i32::from_le_bytes(stream.array()?);
        if !(0..=MOST_AXES).contains(&axes) {
            return Err(stream.wrong(format!("a tensor has {axes} axes")));
        }
        // Axes were once counted in eight bytes.
        stream.skip(4)?;
        let mut numbers = |count| -> Result<Vec<u64>> {
            (0..count)
                .map(|_| Ok(i64::from_le_bytes(stream.array()?)))
                .map(|number| number.and_then(positive))
                .collect()
        };
        let (sizes, strides, offset) = (numbers(axes)?, numbers(axes)?, numbers(1)?);
        let id = given.get(&storage).copied();
        let id = id.ok_or_else(|| stream.wrong(format!("a tensor is of storage {storage}, which there is not")))?;
        let &Value::Storage(storage) = heap.get(id) else { return Err(stream.wrong("a tensor's storage is none")) };
        let value = match heap.storage(storage).and_then(|storage| storage.element) {
            Some(element) => {
                let shape = sizes.iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
                let offset = offset.first().copied().unwrap_or(0);
                heap.tensor_value(Tensor { storage, element, offset, shape, strides })?
            }
            None => Value::Unreadable("a tensor of complex or other numbers"),
        };
        let id = heap.add(value)?;
        given.insert(key, id);
    }
    Ok(())
}

fn positive(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Failure::broken("is damaged: a tensor has sizes below zero"))
}
