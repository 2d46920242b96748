//! Every kind of file that is read, against what Pillow reads of it (`tests/reference/picture_files.py`).

use super::decode_noted;
use crate::{Error, pictures::Picture};
use cnnc_compiler::diagnostic::Code;
use serde_json::Value;
use std::io::Cursor;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/picture_files");

fn decoded(name: &Path, bytes: &[u8], grey: bool) -> Result<Picture, Error> {
    decode_noted(name, Cursor::new(bytes), grey).map(|(picture, _)| picture.into())
}

fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    assert!(files.len() > 25, "{} files", files.len());
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn pixels_are_those_of_pillow() {
    let expected: Value = serde_json::from_str(include_str!("../../../../tests/reference/picture_files.json")).unwrap();
    for (path, bytes) in files() {
        let (name, expected) = (name(&path), &expected[name(&path)]);
        let picture = decoded(&path, &bytes, false).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(serde_json::json!([picture.height, picture.width]), expected["shape"], "{name}");
        // What is rounded on the way to a lossy file's pixels, decoders may round otherwise.
        let most = if ["lossy.webp", "cmyk.jpg", "progressive.jpg", "grey.jpg"].contains(&name) { 2.0 } else { 0.0 };
        for (at, pixel) in expected["pixels"].as_array().unwrap().iter().enumerate() {
            let found = picture.planes[at % 3][at / 3];
            let expected = pixel.as_f64().unwrap() as f32;
            assert!((found - expected).abs() <= most, "{name}: number {at} is {found}, Pillow's {expected}");
        }
        let as_it_is = |grey| decode_noted(&path, Cursor::new(&bytes), grey).unwrap().0;
        assert_eq!(as_it_is(true), as_it_is(false).grey(), "{name}");
    }
}

/// The end of a file may be missing where it holds no pixel; nothing else is taken for a picture.
#[test]
fn a_file_that_is_cut_off_is_refused() {
    for (path, bytes) in files() {
        let whole = decoded(&path, &bytes, false).unwrap();
        for length in 0..bytes.len() {
            match decoded(&path, &bytes[..length], false) {
                Ok(picture) => assert_eq!(picture, whole, "{} at {length} of {}", name(&path), bytes.len()),
                Err(failure) => assert_eq!(failure.code, Code::E603, "{failure}"),
            }
        }
    }
}

#[test]
fn what_is_left_out_is_said() {
    let said = |name: &str| {
        let bytes = std::fs::read(Path::new(FOLDER).join(name)).unwrap();
        decode_noted(Path::new(name), Cursor::new(bytes), false).unwrap().1.len()
    };
    assert_eq!(["alpha.webp", "alpha.tif", "alpha.png", "colour.bmp"].map(said), [1, 1, 1, 0]);
}

/// A head alone may claim any size: of formats of which a few bytes can hold much, only so much is believed.
#[test]
fn sizes_are_held_against_bytes_before_pixels_are() {
    let gif = |width: u16, height: u16| {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        bytes.extend([0, 0, 0, b',', 0, 0, 0, 0]);
        bytes.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
        bytes.extend([0, 2, 0, b';']);
        bytes
    };
    let failure = decoded(Path::new("a.gif"), &gif(10_000, 10_000), false).unwrap_err();
    assert!(failure.message.contains("100000000 pixels, and its 26 bytes hold at most"), "{failure}");
    let failure = decoded(Path::new("a.gif"), &gif(60_000, 60_000), false).unwrap_err();
    assert!(failure.message.contains("too large to be an input"), "{failure}");
    assert_eq!(decoded(Path::new("a.gif"), &gif(100, 100), false).unwrap_err().code, Code::E603);
}
