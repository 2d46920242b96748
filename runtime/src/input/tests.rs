//! Files that fit an input, files that do not, and files that lie.

use super::{Wanted, read, save_npy};
use crate::data::{Decoded, Pipeline};
use crate::random::Draws;
use crate::{Error, Tensor};
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
fn a_picture_of_another_size_is_refused_with_what_the_spec_could_say() {
    let failure = load(&png(GrayImage::from_pixel(4, 6, image::Luma([255]))), &wanted(&GREY)).unwrap_err();
    assert_eq!(failure.code, Code::E604);
    assert!(failure.message.ends_with("holds a picture of 6×4, and the input `input` is [?, 1, 2, 2]"), "{failure}");
    assert_eq!(failure.help, ["say it in the spec: `input [?, 1, 2, 2] image(resize=2, crop=2)`"]);
}

#[test]
fn what_of_a_picture_is_left_out_is_said() {
    let notes = |content: &[u8], shape: &[Option<usize>]| -> Vec<String> {
        load(content, &wanted(shape)).unwrap().notes.into_iter().map(|note| note.message).collect()
    };
    let colours = notes(&png(RgbImage::new(2, 2)), &GREY);
    assert!(matches!(colours.as_slice(), [said] if said.ends_with("become grey, for the input has one channel")));
    let alpha = notes(&png(image::RgbaImage::new(2, 2)), &COLOURS);
    assert!(matches!(alpha.as_slice(), [said] if said.contains("its alpha is left out")));
    assert!(notes(&png(RgbImage::new(2, 2)), &COLOURS).is_empty());
    let bytes = notes(&npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 2), }", &[9; 4]), &GREY);
    assert!(matches!(bytes.as_slice(), [said] if said.contains("numbers from 0 to 255")));
}

/// A photograph that a camera took lying on its side, 29×68 as it is stored: `field/exif` of the cases met in practice.
#[test]
fn a_photograph_stands_upright() {
    let loaded = load(include_bytes!("../../../tests/cases/field/exif/exif6.jpg"), &wanted(&COLOURS)).unwrap();
    let stored =
        image::load_from_memory(include_bytes!("../../../tests/cases/field/exif/exif6.jpg")).unwrap().into_rgb8();
    let [height, width] = [stored.width() as usize, stored.height() as usize];
    assert_eq!(loaded.tensor.shape(), [1, 3, height, width]);
    // Turned by 90° to the right: what was at the bottom of the left column comes first.
    let corner = stored.get_pixel(0, stored.height() - 1).0;
    let first = [0, 1, 2].map(|channel| loaded.tensor.data()[channel * height * width]);
    assert_eq!(first, corner.map(|value| f32::from(value) / 255.0));
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
fn a_file_and_a_sample_of_a_data_set_come_to_the_same_numbers() {
    let picture = RgbImage::from_fn(9, 7, |x, y| image::Rgb([29 * x as u8, 31 * y as u8, (x * y * 5) as u8]));
    let sample = Decoded::new([7, 9], 3, picture.as_raw()).unwrap();
    for channels in [1, 3] {
        let mut wanted = wanted(&[Some(1), Some(channels), Some(3), Some(4)]);
        wanted.image = Some(ImageTransform {
            resize: Some(5),
            interpolation: Interpolation::Bicubic,
            crop: Some([3, 4]),
            scale: 0.3,
            mean: vec![0.485, 0.456],
            std: vec![0.229, 0.224, 0.225],
        });
        let of_file = load(&png(picture.clone()), &wanted).unwrap().tensor;
        let pipeline = Pipeline::new(None, wanted.image.as_ref(), [channels, 3, 4]).unwrap();
        let mut of_sample = vec![0.0; channels * 12];
        pipeline.write(sample.clone(), "it", &mut Draws::new(0, "it"), &mut of_sample).unwrap();
        assert_eq!(of_file.data(), of_sample);
    }
}

#[test]
fn idx_files_give_as_many_pictures_as_are_wanted() {
    let all = load(&idx(3, 2, 2), &wanted(&GREY)).unwrap();
    assert_eq!((all.tensor.shape(), &all.tensor.data()[8..]), ([3, 1, 2, 2].as_slice(), [2.0 / 255.0; 4].as_slice()));
    let batch = wanted(&[Some(2), Some(1), Some(2), Some(2)]);
    for content in [idx(3, 2, 2), gzip(&idx(3, 2, 2))] {
        let two = load(&content, &batch).unwrap();
        assert_eq!(two.tensor.data()[..4], [0.0; 4]);
        assert_eq!(two.tensor.data()[4..], [1.0 / 255.0; 4]);
    }
    refused(&idx(3, 4, 4), &batch, Code::E604, "a picture of 4×4");

    refused(&idx(1, 2, 2), &batch, Code::E604, "1 pictures of 2×2");
    refused(&idx(0, 2, 2), &wanted(&GREY), Code::E604, "0 pictures of 2×2");
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

/// 20×12 pixels of colour, made with Pillow 13: `save(…, quality=60, progressive=True)`, and `restart_marker_blocks=1`.
const PROGRESSIVE: &[u8] = include_bytes!("../../tests/pictures/progressive.jpg");
const RESTARTS: &[u8] = include_bytes!("../../tests/pictures/restarts.jpg");

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
    assert!(load(&flat, &wanted(&[None, Some(1), None, None])).is_ok());
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

/// A spec's steps that resize the shorter side.
fn resized_to(side: usize) -> ImageTransform {
    ImageTransform {
        resize: Some(side),
        interpolation: Interpolation::Bilinear,
        crop: None,
        scale: 1.0 / 255.0,
        mean: vec![0.0],
        std: vec![1.0],
    }
}

#[test]
fn a_resize_is_refused_with_the_arithmetic() {
    let picture = png(GrayImage::from_pixel(8, 8, image::Luma([7])));
    let to = |width: usize| Wanted { image: Some(resized_to(width)), ..wanted(&[None, Some(1), None, None]) };
    let failure = load(&picture, &to(67_108_864)).unwrap_err();
    assert_eq!((failure.code, failure.notes.len()), (Code::E604, 1));
    assert!(failure.notes[0].contains("pixels, and a picture may have 134217728"), "{:?}", failure.notes);
    let flat = load(&picture, &to(16)).unwrap();
    assert!(flat.tensor.data().iter().all(|value| (value - 7.0 / 255.0).abs() < 1e-6));
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
    refused(b"%PDF-1.7", &wanted(&GREY), Code::E603, "it begins as a PDF document does");
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
