//! Pictures that are an input, those that are none, and files of every kind with damage.

use super::{GREY, gzip, idx, load, npy, refused, wanted};
use crate::Tensor;
use crate::input::read;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{ImageTransform, Interpolation};
use flate2::Compression;
use image::{GrayImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use std::fs;
use std::io::{Cursor, Write};

fn png(image: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    image.into().write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
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
    assert_eq!(loaded.notes.len(), 1);
    assert_eq!(loaded.notes[0].message, "resized from 6×4 to 2×2");
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
fn what_takes_no_picture_says_so() {
    refused(&png(GrayImage::new(2, 2)), &wanted(&[None, Some(20)]), Code::E604, "the input `input` is [?, 20]");
    refused(&png(GrayImage::new(2, 2)), &wanted(&[None, Some(2), None, None]), Code::E604, "1 or 3 channels");
    refused(&png(GrayImage::new(2, 2)), &wanted(&[Some(4), Some(1), None, None]), Code::E604, "1 picture");
    refused(&png(GrayImage::new(200, 200))[..60], &wanted(&GREY), Code::E603, "cannot be decoded");
}

/// 20×12 pixels of colour, made with Pillow 13: `save(…, quality=60, progressive=True)`, and `restart_marker_blocks=1`.
const PROGRESSIVE: &[u8] = include_bytes!("../../../tests/pictures/progressive.jpg");
const RESTARTS: &[u8] = include_bytes!("../../../tests/pictures/restarts.jpg");

/// The same without either, from another encoder.
fn baseline() -> Vec<u8> {
    let picture = RgbImage::from_fn(20, 12, |x, y| image::Rgb([12 * x as u8, 20 * y as u8, 8 * (x + y) as u8]));
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, ImageFormat::Jpeg).unwrap();
    content.into_inner()
}

/// A JPEG whose frame says another size.
fn resized_jpeg(content: &[u8], height: u16, width: u16) -> Vec<u8> {
    let mut content = content.to_vec();
    let frame = content.windows(2).position(|marker| matches!(marker, [0xFF, 0xC0 | 0xC2])).unwrap();
    content[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    content[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    content
}

/// A PNG of chunks, each its name and its content.
fn png_of(chunks: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        let mut sum = flate2::Crc::new();
        sum.update(&[*name, data].concat());
        content.extend((data.len() as u32).to_be_bytes());
        content.extend([*name, *data, &sum.sum().to_be_bytes()].concat());
    }
    content
}

/// The first chunk of a PNG: sizes, bits of a sample, and what samples are.
fn png_head(height: u32, width: u32, bits: u8, kind: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, kind, 0, 0, 0]].concat()
}

const COLOURS: [Option<usize>; 4] = [None, Some(3), None, None];

#[test]
fn a_jpeg_that_is_cut_off_anywhere_is_refused_and_what_follows_one_is_not_read() {
    for whole in [PROGRESSIVE, RESTARTS, &baseline()] {
        let picture = load(whole, &wanted(&COLOURS)).unwrap().tensor;
        assert_eq!(picture.shape(), [1, 3, 12, 20]);
        for length in 3..whole.len() {
            refused(&whole[..length], &wanted(&COLOURS), Code::E603, "cut off");
        }
        let followed = [whole, b"garbage \xFF\xD8\xFF", &whole[..100]].concat();
        assert_eq!(load(&followed, &wanted(&COLOURS)).unwrap().tensor, picture);
        // A picture's end within a note is none, and 0xFF may stand before a marker any number of times.
        let noted = [&whole[..2], b"\xFF\xFF\xFE\x00\x06a\xFF\xD9b", &whole[2..]].concat();
        assert_eq!(load(&noted, &wanted(&COLOURS)).unwrap().tensor, picture);
    }
}

#[test]
fn a_png_that_is_cut_off_is_refused() {
    let whole = png(RgbImage::from_fn(20, 12, |x, y| image::Rgb([(x * y * 31) as u8, (x * 7) as u8, y as u8])));
    let picture = load(&whole, &wanted(&COLOURS)).unwrap().tensor;
    // Behind the pixels are four bytes of a sum and the end's twelve.
    for length in 4..whole.len() - 20 {
        let failure = load(&whole[..length], &wanted(&COLOURS)).unwrap_err();
        assert!(failure.code == Code::E603 && failure.message.contains("input.file"), "{length}: {}", failure.message);
    }
    assert_eq!(load(&[&whole[..], &[7; 99]].concat(), &wanted(&COLOURS)).unwrap().tensor, picture);
}

#[test]
fn pixels_are_counted_before_any_is_decoded() {
    let small = baseline();
    let large = "20000×20000 is 400000000 pixels, and a picture may have 134217728";
    refused(&resized_jpeg(&small, 20_000, 20_000), &wanted(&COLOURS), Code::E603, large);
    refused(
        &resized_jpeg(PROGRESSIVE, 9000, 9000),
        &wanted(&COLOURS),
        Code::E603,
        "it has 9000×9000, 81000000 pixels, and its",
    );
    refused(&resized_jpeg(&small, 0, 20), &wanted(&COLOURS), Code::E603, "0×20 is no pixel");
    let claims = |height, width| png_of(&[(b"IHDR", &png_head(height, width, 1, 0)), (b"IDAT", &[0x78, 0x9C, 1, 2])]);
    refused(&claims(8190, 65535), &wanted(&COLOURS), Code::E603, "8190×65535 is 536731650 pixels");
    refused(&claims(1, 70_000), &wanted(&COLOURS), Code::E603, "a side of a picture may have 65536 pixels");
    refused(&claims(11_000, 12_000), &wanted(&COLOURS), Code::E603, "132000000 pixels, and its");
    // What bytes hold at most is held: one bit a pixel of zeros, a thousand to one.
    let flat = png(image::DynamicImage::ImageLuma8(GrayImage::new(4000, 1000)));
    assert!(load(&flat, &wanted(&[None, Some(1), Some(2), Some(2)])).is_ok());
}

#[test]
fn no_more_of_a_jpeg_is_read_than_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input.file");
    let put = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        // Zeros that take no room on the disk.
        fs::File::options().write(true).open(&path).unwrap().set_len(100 << 30).unwrap();
    };
    put(PROGRESSIVE);
    assert!(read(&path, &wanted(&COLOURS)).is_ok());
    put(&PROGRESSIVE[..PROGRESSIVE.len() - 2]);
    let failure = read(&path, &wanted(&COLOURS)).unwrap_err();
    assert!(failure.message.contains("whose end has not come after 67112704 bytes"), "{}", failure.message);
}

#[test]
fn a_decoder_that_panics_is_an_error_of_the_file() {
    // A palette whose length is no multiple of three: image-rs/image-png#694.
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&[0, 0]).unwrap();
    let head = png_head(1, 1, 8, 3);
    let content = png_of(&[(b"IHDR", &head), (b"PLTE", b"abcd"), (b"IDAT", &packed.finish().unwrap()), (b"IEND", b"")]);
    refused(&content, &wanted(&COLOURS), Code::E603, "cannot be decoded");
}

#[test]
fn a_resize_is_refused_with_the_arithmetic() {
    let picture = png(GrayImage::from_pixel(8, 8, image::Luma([7])));
    let failure = load(&picture, &wanted(&[None, Some(1), Some(1), Some(67_108_864)])).unwrap_err();
    assert_eq!((failure.code, failure.notes.len()), (Code::E604, 1));
    assert!(failure.notes[0].contains("a side of a picture may have 65536 pixels"), "{:?}", failure.notes);
    let flat = load(&picture, &wanted(&[None, Some(1), Some(1), Some(65_536)])).unwrap();
    assert!(flat.tensor.data().iter().all(|value| (value - 7.0 / 255.0).abs() < 1e-6));
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
