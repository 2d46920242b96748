//! Files that fit an input, files that do not, and files that lie.

use super::{Wanted, read, save_npy};
use crate::{Failure, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{ImageTransform, Interpolation};
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{GrayImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use std::fs;
use std::io::{Cursor, Write};

fn wanted(shape: &[Option<usize>]) -> Wanted {
    let word = |size: &Option<usize>| size.map_or("?".to_string(), |size| size.to_string());
    let text = format!("[{}]", shape.iter().map(word).collect::<Vec<_>>().join(", "));
    Wanted { name: "input".into(), shape: shape.to_vec(), text, image: None }
}

fn load(content: &[u8], wanted: &Wanted) -> Result<super::Loaded, Failure> {
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

fn png(image: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    image.into().write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
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
fn pictures_become_planes_from_zero_to_one() {
    let colours = RgbImage::from_fn(2, 1, |x, _| image::Rgb([255, 0, if x == 0 { 51 } else { 102 }]));
    let loaded = load(&png(colours.clone()), &wanted(&[None, Some(3), None, None])).unwrap();
    assert_eq!(loaded.tensor, Tensor::new(&[1, 3, 1, 2], vec![1.0, 1.0, 0.0, 0.0, 0.2, 0.4]).unwrap());
    assert!(loaded.notes.is_empty());

    let grey = load(&png(colours), &wanted(&[None, Some(1), None, None])).unwrap();
    assert_eq!(grey.tensor.data()[0], 82.0 / 255.0);
    let into_three = load(&png(GrayImage::from_pixel(1, 1, image::Luma([255]))), &wanted(&[None, Some(3), None, None]));
    assert_eq!(into_three.unwrap().tensor.data(), [1.0; 3]);
}

#[test]
fn a_picture_of_another_size_is_resized_with_a_note() {
    let loaded = load(&png(GrayImage::from_pixel(4, 6, image::Luma([255]))), &wanted(&GREY)).unwrap();
    assert_eq!(loaded.notes, ["resized from 6×4 to 2×2"]);
    assert!(loaded.tensor.data().iter().all(|value| (value - 1.0).abs() < 1e-6));
}

#[test]
fn the_spec_says_how_a_picture_becomes_an_input() {
    let mut wanted = wanted(&[Some(1), Some(3), Some(2), Some(2)]);
    let steps = ImageTransform {
        resize: Some(4),
        interpolation: Interpolation::Bilinear,
        crop: Some([2, 2]),
        scale: 1.0 / 255.0,
        mean: vec![0.5, 0.0, 1.0],
        std: vec![0.5],
    };
    wanted.image = Some(steps);
    let picture = RgbImage::from_pixel(20, 8, image::Rgb([255, 255, 0]));
    let loaded = load(&png(picture.clone()), &wanted).unwrap();
    assert!(loaded.notes.is_empty());
    let expected = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, -2.0, -2.0, -2.0, -2.0];
    assert!(loaded.tensor.data().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", loaded.tensor);

    wanted.image.as_mut().unwrap().crop = Some([5, 5]);
    refused(&png(picture.clone()), &wanted, Code::E604, "comes to 4×10");
    wanted.image.as_mut().unwrap().crop = Some([3, 3]);
    refused(&png(picture.clone()), &wanted, Code::E604, "come to [1, 3, 3, 3]");
    wanted.image.as_mut().unwrap().resize = Some(1 << 40);
    refused(&png(picture), &wanted, Code::E604, "resized to");
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
fn what_takes_no_picture_says_so() {
    refused(&png(GrayImage::new(2, 2)), &wanted(&[None, Some(20)]), Code::E604, "the input `input` is [?, 20]");
    refused(&png(GrayImage::new(2, 2)), &wanted(&[None, Some(2), None, None]), Code::E604, "1 or 3 channels");
    refused(&png(GrayImage::new(2, 2)), &wanted(&[Some(4), Some(1), None, None]), Code::E604, "1 picture");
    refused(&png(GrayImage::new(200, 200))[..60], &wanted(&GREY), Code::E603, "cannot be decoded");
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

proptest! {
    #[test]
    fn no_damage_makes_it_panic(kind in 0usize..4, place: u16, byte: u8, keep: u16) {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2), }";
        let mut content = match kind {
            0 => npy(header, &[0; 16]),
            1 => png(GrayImage::from_pixel(2, 2, image::Luma([9]))),
            2 => idx(3, 2, 2),
            _ => gzip(&idx(3, 2, 2)),
        };
        let place = usize::from(place) % content.len();
        content[place] = byte;
        let keep = usize::from(keep) % (2 * content.len());
        content.truncate(keep);
        if let Err(failure) = load(&content, &wanted(&GREY)) {
            prop_assert!(matches!(failure.code, Code::E603 | Code::E604), "{}", failure.message);
        }
    }
}
