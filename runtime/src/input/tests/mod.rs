//! Files that fit an input, files that do not, and files that lie.

#[cfg(feature = "pictures")]
mod pictures;

use super::{Wanted, read, save_npy};
use crate::{Error, Tensor};
use cnnc_compiler::diagnostic::Code;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;

fn wanted(shape: &[Option<usize>]) -> Wanted {
    let word = |size: &Option<usize>| size.map_or("?".to_string(), |size| size.to_string());
    let text = format!("[{}]", shape.iter().map(word).collect::<Vec<_>>().join(", "));
    Wanted { name: "input".into(), shape: shape.to_vec(), text, image: None }
}

fn load(content: &[u8], wanted: &Wanted) -> Result<super::Loaded, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.file");
    fs::write(&path, content).unwrap();
    read(&path, wanted)
}

fn refused(content: &[u8], wanted: &Wanted, code: Code, expected: &str) {
    let failure = load(content, wanted).unwrap_err();
    assert_eq!(failure.code, code, "{}", failure.message);
    assert!(failure.message.contains(expected), "`{}` lacks `{expected}`", failure.message);
    assert!(failure.message.contains("input.file"), "{}", failure.message);
}

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut content = b"\x93NUMPY\x01\x00".to_vec();
    content.extend((header.len() as u16).to_le_bytes());
    content.extend(header.as_bytes());
    content.extend(data);
    content
}

/// `count` pictures whose pixels are all their number.
fn idx(count: u32, height: u32, width: u32) -> Vec<u8> {
    let mut content = vec![0, 0, 8, 3];
    content.extend([count, height, width].iter().flat_map(|size| size.to_be_bytes()));
    content.extend((0..count).flat_map(|number| vec![number as u8; (height * width) as usize]));
    content
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

const GREY: [Option<usize>; 4] = [None, Some(1), Some(2), Some(2)];

#[test]
fn what_is_saved_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("y.npy");
    for shape in [&[2usize, 3][..], &[3], &[]] {
        let count = shape.iter().product();
        let tensor = Tensor::new(shape, (0..count).map(|index| index as f32 * 0.1).collect()).unwrap();
        save_npy(&path, &tensor).unwrap();
        assert_eq!(fs::read(&path).unwrap().len() % 64, tensor.data().len() * 4 % 64);
        let open: Vec<Option<usize>> = shape.iter().map(|_| None).collect();
        assert_eq!(read(&path, &wanted(&open)).unwrap().tensor, tensor);
    }
}

#[test]
fn arrays_of_other_orders_and_types_are_read() {
    let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }";
    let loaded = load(&npy(header, &[1, 4, 2, 5, 3, 6]), &wanted(&[None, Some(3)])).unwrap();
    assert_eq!(loaded.tensor, Tensor::new(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
}

#[test]
fn arrays_that_lie_or_do_not_fit_are_refused() {
    let plane = wanted(&GREY);
    let header = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    refused(
        &npy(&header("(1, 1, 2, 3)"), &[0; 24]),
        &plane,
        Code::E604,
        "[1, 1, 2, 3], and the input `input` is [?, 1, 2, 2]",
    );
    refused(&npy(&header("(1, 1, 2, 2)"), &[0; 15]), &plane, Code::E603, "only 15 bytes");
    refused(&npy(&header("(4611686018427387904, 1, 2, 2)"), &[0; 16]), &plane, Code::E603, "only 16 bytes");
    refused(&npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1, 1, 2, 2)}", &[]), &plane, Code::E603, "'<U4'");
    refused(&npy("{'shape': (1, 1, 2, 2)}", &[]), &plane, Code::E603, "no 'descr'");
    refused(b"\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF", &plane, Code::E603, "4294967295 bytes");
    refused(b"\x93NUMPY\x09\x00", &plane, Code::E603, "version 9");
    refused(b"\x93NUMPY\x01\x00\x40\x00{", &plane, Code::E603, "cut off");
    let failure = load(&npy(&header("(1, 2, 2)"), &[0; 16]), &plane).unwrap_err();
    assert_eq!(failure.help, ["the batch axis is missing; in NumPy `x[None]` adds it"]);
}

#[test]
fn idx_files_give_the_first_pictures() {
    let one = load(&idx(3, 2, 2), &wanted(&GREY)).unwrap();
    assert_eq!(one.tensor, Tensor::filled(&[1, 1, 2, 2], 0.0));
    let batch = wanted(&[Some(2), Some(1), Some(2), Some(2)]);
    for content in [idx(3, 2, 2), gzip(&idx(3, 2, 2))] {
        let two = load(&content, &batch).unwrap();
        assert_eq!(two.tensor.data()[..4], [0.0; 4]);
        assert_eq!(two.tensor.data()[4..], [1.0 / 255.0; 4]);
    }
    let resized = load(&idx(3, 4, 4), &batch).unwrap();
    assert_eq!((resized.tensor.shape(), resized.notes.len()), ([2, 1, 2, 2].as_slice(), 1));

    refused(&idx(1, 2, 2), &batch, Code::E604, "1 pictures of 2×2");
    refused(&idx(3, 2, 2)[..18], &batch, Code::E603, "ends in number 0");
    refused(&gzip(&idx(3, 2, 2))[..20], &batch, Code::E603, "cut off");
    refused(&[0, 0, 8, 1, 0, 0, 0, 9, 1, 2, 3], &batch, Code::E604, "9 labels");
    refused(&[0, 0, 13, 3], &batch, Code::E603, "0x0d");
    refused(&gzip(b"text"), &batch, Code::E603, "no IDX file");
    refused(&[0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], &batch, Code::E604, "IDX array");
}

#[test]
fn other_files_are_refused_by_name() {
    refused(b"", &wanted(&GREY), Code::E603, "is empty");
    refused(b"hello", &wanted(&GREY), Code::E603, "no kind that cnnc reads");
    refused(b"PK\x03\x04", &wanted(&GREY), Code::E603, "no kind that cnnc reads");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read(folder.path(), &wanted(&GREY)).unwrap_err().code, Code::E601);
    assert_eq!(read(&folder.path().join("none"), &wanted(&GREY)).unwrap_err().code, Code::E601);
}

#[test]
fn arrays_without_values_and_numbers_past_float32_are_named() {
    let header =
        |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let open = wanted(&[None, Some(1), Some(2), Some(2)]);
    refused(
        &npy(&header("<f4", "(0, 1, 2, 2)"), &[]),
        &open,
        Code::E604,
        "an array of [0, 1, 2, 2], which has no values",
    );
    let large = [1e300f64, 0.0, 0.0, 0.0].map(f64::to_le_bytes).concat();
    refused(&npy(&header("<f8", "(1, 1, 2, 2)"), &large), &open, Code::E603, "too large for float32");
    refused(&npy(&header("<f4", "(1,,1, 2, 2)"), &[0; 16]), &open, Code::E603, "`` is no size");
    // Versions 2 and 3 have a longer length; what follows the array is another's.
    let text = header("|b1", "(1, 1, 2, 2)");
    let long = |version: u8| {
        let length = (text.len() as u32).to_le_bytes();
        [b"\x93NUMPY", &[version, 0][..], &length, text.as_bytes(), &[0, 1, 2, 255, 9, 9]].concat()
    };
    for version in [2, 3] {
        assert_eq!(load(&long(version), &open).unwrap().tensor.data(), [0.0, 1.0, 1.0, 1.0]);
    }
    // As large as the disk says, which memory is not.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.file");
    fs::write(&path, npy(&header("|u1", "(250000000000, 1, 2, 2)"), &[])).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(1_000_000_001_000).unwrap();
    let failure = read(&path, &open).unwrap_err();
    assert!(failure.message.contains("4000000000000 bytes as float32"), "{}", failure.message);
}

#[test]
fn what_is_gzipped_is_read_as_far_as_its_header_says() {
    // A thousand to one: 64 MB of zeros behind four pictures of 2×2.
    let content = [idx(4, 2, 2), vec![0; 64 << 20]].concat();
    let packed = gzip(&content);
    assert!(load(&packed, &wanted(&GREY)).is_ok());
    let claims = gzip(&[0, 0, 8, 3, 0, 0, 1, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 0]);
    let batch = wanted(&[Some(256), Some(1), Some(4096), Some(4096)]);
    refused(&claims, &batch, Code::E603, "256 pictures and ends in number 0");
    refused(&idx(3, 2, 2)[..18], &wanted(&[Some(3), Some(1), Some(2), Some(2)]), Code::E603, "ends in number 0");
    refused(&[0, 0, 8, 200, 0, 0, 0, 0], &wanted(&GREY), Code::E603, "200 axes");
    refused(b"GIF89a", &wanted(&GREY), Code::E603, "it begins as a GIF picture does");
}
