//! Files of PyTorch: bytes come in, the tensors of one state go out, by key, in order, each with where its numbers lie.
//!
//! All three forms that `torch.save` ever wrote are told by their first bytes and read: a zip archive (`archive`), a stream of
//! pickles (`legacy`), a tar archive (`tarred`). The pickle is built as data (`pickle`); which of it is the state, `state` finds;
//! a tensor is then held against its storage, and its storage against the file (`place`), before anybody takes memory for it.
//! Numbers are not read here. Of a state whose network nobody knows, `layers` tells what its names and sizes do.

mod archive;
mod layers;
mod legacy;
mod pickle;
mod place;
mod state;
mod tar;
mod tarred;
mod zip;

pub use layers::{Layer, Looks, layers};

use crate::bytes::Bytes;
use crate::element::Element;
use crate::failure::{Failure, Result};
use pickle::Heap;

/// Bytes that tell a form: a tar archive's first header.
const FIRST: usize = 512;

/// The forms of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A zip archive, since PyTorch 1.6.
    Zip,
    /// A stream of pickles, since 0.1.10.
    Legacy,
    /// A tar archive.
    Tar,
}

/// What a file holds.
#[derive(Debug)]
pub struct Checkpoint {
    /// Its form.
    pub form: Form,
    /// Under which keys the state lies, from the outermost on; none where it is what was saved.
    pub under: Vec<String>,
    /// The class of the module whose state it is, where a whole module was saved: `torchvision.models.resnet.ResNet`.
    pub module: Option<String>,
    /// The tensors of the state in its order, by key.
    pub tensors: Vec<(String, StoredTensor)>,
    /// What else the state has, which is not read: its key, and what it is.
    pub left_out: Vec<(String, String)>,
    /// What lies beside the state in the file: its key, and what it is.
    pub beside: Vec<(String, String)>,
}

/// A tensor whose numbers are in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// What they are, lowest byte first.
    pub element: Element,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Where its first number lies in the file.
    pub start: u64,
    /// Elements from one to the next along each axis, where they do not simply lie one after the other.
    pub strides: Option<Vec<u64>>,
}

/// The form of a file, by its first bytes.
///
/// # Errors
/// When they cannot be read.
pub fn form(bytes: &dyn Bytes) -> Result<Option<Form>> {
    let mut first = vec![0; bytes.length().min(FIRST as u64) as usize];
    bytes.read_at(0, &mut first)?;
    Ok(match () {
        () if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") => Some(Form::Zip),
        () if legacy::is_stream(&first) => Some(Form::Legacy),
        () if tar::is_archive(&first) => Some(Form::Tar),
        () => None,
    })
}

/// Reads what a file of that form holds. Where it has several states, `key` says which: names from the outermost on, with dots
/// between.
///
/// # Errors
/// When it is damaged or cut off, asks for what nobody should do, or has no state, or several and no key says which.
pub fn open(bytes: &dyn Bytes, form: Form, key: Option<&str>) -> Result<Checkpoint> {
    let mut heap = Heap::default();
    let (root, places) = match form {
        Form::Zip => archive::read(bytes, &mut heap)?,
        Form::Legacy => legacy::read(bytes, &mut heap)?,
        Form::Tar => tarred::read(bytes, &mut heap)?,
    };
    let found = state::find(&heap, root, key)?;
    let mut left_out = found.left_out;
    let mut room = place::Room::of(bytes.length());
    let mut tensors = Vec::new();
    for (key, number) in found.tensors {
        let tensor = heap.tensor(number).zip(heap.tensor(number).and_then(|tensor| heap.storage(tensor.storage)));
        match tensor {
            Some((tensor, storage)) => tensors.push((key.clone(), room.place(&key, tensor, storage, &places)?)),
            None => left_out.push((key, "a tensor without a storage".into())),
        }
    }
    Ok(Checkpoint { form, under: found.under, module: found.module, tensors, left_out, beside: found.beside })
}

fn big_endian() -> Failure {
    Failure::broken("is of a machine that writes the highest byte first, which is not read")
        .help("load and save it with PyTorch on this machine: `torch.save(torch.load(\"x.pth\"), \"x.pth\")`")
}
