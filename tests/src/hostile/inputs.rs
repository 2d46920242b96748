//! Arrays and pictures, as inputs of networks and as data sets.

use super::{Verdict, folder, put, refused_file};
use crate::Text;
use cnnc_compiler::check::{Checked, check};
use cnnc_compiler::resolve::Request;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::Result;
use cnnc_runtime::data::{self, Format, Picture};
use cnnc_runtime::input::{self, Loaded, Wanted};
use std::path::Path;
use std::sync::LazyLock;

/// Inputs of all kinds: of open and of fixed sizes, resized, cut, grey and coloured.
const WANTED: &str = "
model Any { input [N, C, H, W]; Identity }
model Grey { input [N, 1, 8, 8] image(resize=8, crop=8); Identity }
model Colour { input [2, 3, H, W] image(resize=5, interpolation=\"bicubic\", mean=[0.1, 0.2, 0.3], std=[0.5, 0.6, 0.7]); Identity }
model Cut { input [N, 3, 4, 6] image(crop=(4, 6)); Identity }
model Rows { input [2, K]; Identity }
model Row { input [6]; Identity }
";

static INPUTS: LazyLock<Vec<Wanted>> = LazyLock::new(|| {
    let Checked { problems, networks, .. } = check("wanted.cnn", &Request::default(), &Text(WANTED), &mut ());
    assert!(problems.is_empty(), "{problems:?}");
    networks
        .iter()
        .flat_map(|network| &network.graph.inputs)
        .map(|input| Wanted::new(input, &Bindings::new()))
        .collect()
});

/// Reads a file as every kind of input.
fn as_inputs(path: &Path, read: impl Fn(&Wanted) -> Result<Loaded>) -> Verdict {
    let mut verdict = Verdict::Refused;
    for wanted in INPUTS.iter() {
        match read(wanted) {
            Ok(loaded) => {
                let shape = loaded.tensor.shape();
                assert!(wanted.accepts(shape), "{shape:?} for {}", wanted.text);
                verdict = Verdict::Taken;
            }
            Err(problem) => {
                refused_file(&problem, path);
            }
        }
    }
    verdict
}

/// Reads an array of NumPy's.
pub fn npy(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "array.npy", bytes);
    as_inputs(&path, |wanted| input::read(&path, wanted))
}

/// Reads an IDX file, gzipped or not, as an input and as the pictures and the labels of a data set.
pub fn idx(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "pictures.idx", bytes);
    let verdict = as_inputs(&path, |wanted| input::read(&path, wanted));
    let ending = if bytes.starts_with(&[0x1f, 0x8b]) { ".gz" } else { "" };
    let (pictures, labels) =
        (&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 9][..], &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1][..]);
    for (part, [with_pictures, with_labels]) in [("as-pictures", [bytes, labels]), ("as-labels", [pictures, bytes])] {
        let [of_pictures, of_labels] = if part == "as-pictures" { [ending, ""] } else { ["", ending] };
        for half in ["train", "t10k"] {
            put(&folder, &format!("{part}/{half}-images-idx3-ubyte{of_pictures}"), with_pictures);
            put(&folder, &format!("{part}/{half}-labels-idx1-ubyte{of_labels}"), with_labels);
        }
        match data::open(Format::Idx, &folder.path().join(part)) {
            Ok(data) => (0..data.train.len()).for_each(|index| {
                assert!(data.train.label(index) < data.classes);
                data.train.picture(index, true).expect("a picture of a data set that was read");
            }),
            Err(problem) => {
                refused_file(&problem, Path::new("idx"));
            }
        }
    }
    verdict
}

/// Decodes a picture, as an input and in a data set.
pub fn picture(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "train/class/picture.png", bytes);
    put(&folder, "validation/class/picture.png", bytes);
    let verdict = as_inputs(&path, |wanted| input::read_picture(&path, bytes, wanted));
    as_inputs(&path, |wanted| input::read(&path, wanted));
    let data = data::open(Format::Folder, folder.path()).expect("a data set of one picture");
    for grey in [false, true] {
        match data.train.picture(0, grey) {
            Ok(decoded) => {
                let picture = Picture::from(decoded);
                assert!(picture.planes.iter().all(|plane| plane.len() == picture.height * picture.width));
            }
            Err(problem) => {
                refused_file(&problem, &path);
            }
        }
    }
    verdict
}
