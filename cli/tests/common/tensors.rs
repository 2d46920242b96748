//! What a file of weights holds, read without the library that wrote it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Of each key the shape and the bytes.
pub type Tensors = BTreeMap<String, (serde_json::Value, Vec<u8>)>;

/// The tensors of a file, without its metadata.
pub fn of_file(path: &Path) -> Tensors {
    let bytes = fs::read(path).expect("a file of weights");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&bytes[8..8 + length]).expect("the header");
    let tensor = |(key, info): (String, serde_json::Value)| {
        let offset = |index: usize| 8 + length + info["data_offsets"][index].as_u64().expect("an offset") as usize;
        let values = bytes[offset(0)..offset(1)].to_vec();
        (key, (info["shape"].clone(), values))
    };
    header.into_iter().filter(|(key, _)| key != "__metadata__").map(tensor).collect()
}
