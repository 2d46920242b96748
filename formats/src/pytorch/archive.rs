//! What `torch.save` writes since 1.6: a zip archive of one pickle and the numbers of each storage.

use super::pickle::{Heap, Id, load};
use super::zip::{Archive, Extent};
use crate::bytes::{Bytes, Stream};
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// The pickle's name, below the one folder of the archive.
const PICKLE: &str = "data.pkl";

/// What was saved, and where the numbers of each storage lie.
///
/// # Errors
/// When it is damaged, another kind of archive, or of another kind of machine.
pub fn read(bytes: &dyn Bytes, heap: &mut Heap) -> Result<(Id, HashMap<String, Extent>)> {
    let archive = Archive::open(bytes)?;
    let folder = archive.names().filter_map(|name| name.strip_suffix(PICKLE));
    let folder = folder.filter(|folder| folder.is_empty() || folder.ends_with('/')).min_by_key(|folder| folder.len());
    let Some(folder) = folder.map(str::to_owned) else {
        return Err(foreign(&archive));
    };
    if archive.extent(&format!("{folder}constants.pkl")).is_ok_and(|found| found.is_some()) {
        let help = "save its weights alone, in Python: `torch.save(torch.jit.load(\"x.pt\").state_dict(), \"x.pth\")`";
        return Err(Failure::broken(
            "is a TorchScript archive: a program with its weights, and no code of a file is run",
        )
        .help(help));
    }
    if let Some(order) = archive.extent(&format!("{folder}byteorder"))? {
        let mut stream = Stream::new(bytes, "its byte order", order.start, order.size)?;
        if stream.take(order.size.min(3))? == b"big" {
            return Err(super::big_endian());
        }
    }
    let pickle = archive.extent(&format!("{folder}{PICKLE}"))?.unwrap_or(Extent { start: 0, size: 0 });
    let mut stream = Stream::new(bytes, "`data.pkl`", pickle.start, pickle.size)?;
    let root = load(&mut stream, heap, &HashMap::new())?;
    let mut places = HashMap::new();
    for storage in heap.storages() {
        if places.contains_key(&storage.key) {
            continue;
        }
        if let Some(extent) = archive.extent(&format!("{folder}data/{}", storage.key))? {
            places.insert(storage.key.clone(), extent);
        }
    }
    Ok((root, places))
}

/// An archive of something else, told by what it has.
fn foreign(archive: &Archive<'_>) -> Failure {
    let mut names: Vec<&str> = archive.names().collect();
    names.sort_unstable();
    if !names.is_empty() && names.iter().all(|name| name.ends_with(".npy")) {
        let help = "in Python: `safetensors.numpy.save_file(dict(numpy.load(\"x.npz\")), \"x.safetensors\")`";
        return Failure::broken("is an archive of NumPy arrays (.npz), and weights of PyTorch are none").help(help);
    }
    let first = names.first().map_or(String::new(), |first| format!("; its first entry is `{first}`"));
    Failure::broken(format!("is a zip archive without `{PICKLE}`, so torch.save did not write it{first}"))
}
