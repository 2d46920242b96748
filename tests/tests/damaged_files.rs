//! Small valid files of every format that is read, damaged in thousands of ways: each is read or refused by an error that names
//! it, without a panic, a fault of cnnc's own, or more memory than its bytes can be worth.

use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{ImageTransform, Interpolation};
use cnnc_grammar::span::Files;

use cnnc_runtime::data::{self, Format};
use cnnc_runtime::input::{self, Wanted};
use cnnc_runtime::train::recipe;
use cnnc_runtime::{Error, WeightsOptions, convert_file};
use cnnc_tests::allocations::{Counting, most_bytes};
use flate2::{Compression, write::GzEncoder};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

/// Files that are made of each whole one; `CNNC_DAMAGES` says another number.
const DAMAGES: usize = 700;
/// Bytes that reading one may take: its own are fewer than ten thousand, of which each can be worth 8256 pixels of 15 bytes, and
/// are not.
const MOST_BYTES: i64 = 64 << 20;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Numbers without end that are the same each time (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % count.max(1) as u64) as usize
    }

    /// A place, half of the time in the first bytes, where headers are.
    fn place(&mut self, length: usize) -> usize {
        let within = if self.below(2) == 0 { length.min(64) } else { length };
        self.below(within)
    }

    fn byte(&mut self) -> u8 {
        let likely = [0, 1, 0x7F, 0x80, 0xFE, 0xFF, b'\n', b' ', b'[', b'{', b':', b'-', b'9', b'&', b'*', b'"'];
        if self.below(2) == 0 { likely[self.below(likely.len())] } else { self.below(256) as u8 }
    }
}

/// One to four changes: bytes that differ, are cut off, left out, put in or doubled.
fn damaged(whole: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=numbers.below(4) {
        let place = numbers.place(bytes.len());
        match numbers.below(8) {
            0 => bytes.truncate(place),
            1 => {
                let end = (place + 1 + numbers.below(16)).min(bytes.len());
                bytes.drain(place.min(end)..end);
            }
            2 => {
                let added: Vec<u8> = (0..=numbers.below(8)).map(|_| numbers.byte()).collect();
                bytes.splice(place..place, added);
            }
            3 => {
                let end = (place + numbers.below(200)).min(bytes.len());
                let again = bytes[place.min(end)..end].to_vec();
                bytes.splice(place..place, again);
            }
            4 => bytes.get_mut(place..place + 4).into_iter().for_each(|four| four.fill(0xFF)),
            _ => {
                let byte = numbers.byte();
                bytes.get_mut(place).into_iter().for_each(|into| *into = byte);
            }
        }
    }
    bytes
}

/// Reads many files made of a whole one, which must itself be read.
fn survive(folder: &Path, name: &str, whole: &[u8], read: impl Fn(&Path) -> Result<(), Vec<Diagnostic>>) {
    let path = folder.join(name);
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15 ^ whole.len() as u64);
    fs::write(&path, whole).expect("a file");
    read(&path).unwrap_or_else(|problems| panic!("{name}: {}", problems[0].message));
    let damages = std::env::var("CNNC_DAMAGES").ok().and_then(|number| number.parse().ok()).unwrap_or(DAMAGES);
    let mut refused = 0;
    for number in 0..damages {
        let bytes = damaged(whole, &mut numbers);
        fs::write(&path, &bytes).expect("a file");
        let (result, most) = most_bytes(|| read(&path));
        assert!(most < MOST_BYTES, "{name}, damage {number}: {most} bytes for {} of {bytes:02x?}", bytes.len());
        for problem in result.err().into_iter().flatten() {
            refused += 1;
            assert_ne!(problem.code, Code::E499, "{name}, damage {number}: {}", problem.message);
            let is_named = problem.message.contains(name) || !problem.labels.is_empty();
            assert!(is_named, "{name}, damage {number}: {}", problem.message);
        }
    }
    assert!(refused > damages / 10, "{name}: {refused} of {damages} damages were seen");
    fs::write(&path, whole).expect("a file");
}

fn one<T>(result: Result<T, Error>) -> Result<(), Vec<Diagnostic>> {
    result.map(drop).map_err(|failure| vec![(*failure).clone()])
}

fn as_input(path: &Path) -> Result<(), Vec<Diagnostic>> {
    let shape = vec![None, Some(1), Some(2), Some(3)];
    let image = ImageTransform {
        resize: Some(3),
        interpolation: Interpolation::Bilinear,
        crop: Some([2, 3]),
        scale: 1.0,
        mean: vec![0.0],
        std: vec![1.0],
    };
    one(input::read(path, &Wanted { name: "x".into(), shape, text: "[N, 1, 2, 3]".into(), image: Some(image) }))
}

/// Opens a data set and reads all of its pictures.
fn as_data(format: Format, folder: &Path) -> Result<(), Vec<Diagnostic>> {
    let set = data::open(format, folder).map_err(|failure| vec![(*failure).clone()])?;
    for samples in [set.train, set.validation] {
        if set.target.is_some() {
            // Arrays are no pictures, and those that a table names are other files.
            (0..samples.len()).for_each(|index| assert!(samples.target(index).is_some()));
            continue;
        }
        if format == Format::MultiLabel {
            (0..samples.len()).for_each(|index| assert!(samples.labels(index).is_some()));
            continue;
        }
        (0..samples.len()).try_for_each(|index| one(samples.picture(index, index % 2 == 0)))?;
    }
    Ok(())
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

fn idx(sizes: &[u32]) -> Vec<u8> {
    let head: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
    let count = sizes.iter().product::<u32>() as usize;
    [&[0, 0, 8, sizes.len() as u8], head.as_slice(), &vec![1; count]].concat()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

#[test]
fn pictures() {
    let folder = tempfile::tempdir().expect("a folder");
    let colours = RgbImage::from_fn(20, 12, |x, y| Rgb([12 * x as u8, 20 * y as u8, (x * y) as u8]));
    let grey = GrayImage::from_fn(9, 7, |x, y| Luma([(x * y) as u8]));
    let deep = DynamicImage::ImageRgba8(DynamicImage::ImageRgb8(colours.clone()).to_rgba8());
    for (name, whole) in [
        ("grey.png", encoded(grey.clone(), ImageFormat::Png)),
        ("colours.png", encoded(colours.clone(), ImageFormat::Png)),
        ("deep.png", encoded(deep.to_rgba16(), ImageFormat::Png)),
        ("palette.png", include_bytes!("../../runtime/tests/pictures/palette.png").to_vec()),
        ("grey.jpg", encoded(grey, ImageFormat::Jpeg)),
        ("colours.jpg", encoded(colours, ImageFormat::Jpeg)),
        ("progressive.jpg", include_bytes!("../../runtime/tests/pictures/progressive.jpg").to_vec()),
        ("restarts.jpg", include_bytes!("../../runtime/tests/pictures/restarts.jpg").to_vec()),
    ] {
        survive(folder.path(), name, &whole, as_input);
    }
}

#[test]
fn arrays() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, descr, order, size) in
        [("a.npy", "<f4", "False", 4), ("b.npy", ">f8", "True", 8), ("c.npy", "|b1", "False", 1)]
    {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': (2, 1, 2, 3), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        let whole = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &vec![0; 12 * size]].concat();
        survive(folder.path(), name, &whole, as_input);
    }
    survive(folder.path(), "d.idx", &idx(&[2, 2, 3]), as_input);
    survive(folder.path(), "e.gz", &packed(&idx(&[2, 2, 3])), as_input);
}

#[test]
fn checkpoints() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.safetensors");
    let written = |path: &Path| one(convert_file(path, &out, &WeightsOptions::default()));
    for name in
        ["zip_2.pth", "zip_5.pth", "legacy_0.pth", "legacy_2.pth", "tar_2.pth", "module_legacy_2.pth", "nested.pth"]
    {
        let whole = fs::read(Path::new("reference/checkpoints").join(name)).expect("a checkpoint");
        survive(folder.path(), name, &whole, written);
    }
}

#[test]
fn data_sets() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("train-images-idx3-ubyte", idx(&[3, 2, 3])),
        ("train-labels-idx1-ubyte", idx(&[3])),
        ("t10k-images-idx3-ubyte.gz", packed(&idx(&[2, 2, 3]))),
        ("t10k-labels-idx1-ubyte.gz", packed(&idx(&[2]))),
    ];
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
    files.iter().for_each(|(name, whole)| put(name, whole));
    for (name, whole) in &files {
        survive(folder.path(), name, whole, |_| as_data(Format::Idx, folder.path()));
    }

    let record: Vec<u8> = (0..3073usize).map(|byte| (byte % 10) as u8).collect();
    (1..=5).for_each(|number| put(&format!("data_batch_{number}.bin"), &record));
    survive(folder.path(), "test_batch.bin", &record.repeat(2), |_| as_data(Format::Cifar10, folder.path()));

    let picture = encoded(GrayImage::from_pixel(5, 4, Luma([9])), ImageFormat::Png);
    for class in ["train/a", "val/a"] {
        fs::create_dir_all(folder.path().join(class)).expect("a folder");
        put(&format!("{class}/x.png"), &picture);
    }
    survive(folder.path(), "train/a/x.png", &picture, |_| as_data(Format::Folder, folder.path()));

    let table = b"file,\"how, much\"\ntrain/a/x.png,1.5\n\"train/a/x.png\",-2e3\n";
    put("validation.csv", table);
    survive(folder.path(), "train.csv", table, |_| as_data(Format::Csv, folder.path()));

    let list = b"train/a/x.png,cat;dog\n\"train/a/x.png\",\n";
    survive(folder.path(), "train.csv", list, |path| {
        // A class that the one lacks and the other has would be no fault of either.
        fs::copy(path, folder.path().join("validation.csv")).expect("a copy");
        as_data(Format::MultiLabel, folder.path())
    });

    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    let array = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &[0; 24]].concat();
    put("train_targets.npy", &array);
    survive(folder.path(), "train_inputs.npy", &array, |_| as_data(Format::Npy, folder.path()));
}

#[test]
fn recipes() {
    let folder = tempfile::tempdir().expect("a folder");
    let reference = include_str!("../../docs/recipes.md");
    let examples = reference.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let shared = "model: a.cnn\ndata: {format: idx, path: d, train: &t [{resize: 4}], validation: *t}\n\
                  optimizer: {name: sgd, lr: 5e-1}\nbatch_size: 2\nepochs: 1\n";
    for (number, whole) in examples.chain([shared]).enumerate() {
        survive(folder.path(), &format!("{number}.yaml"), whole.as_bytes(), |path| {
            let text = recipe::load(path).map_err(|failure| vec![(*failure).clone()])?;
            let mut files = Files::default();
            let file = files.add("recipe", text.as_str());
            recipe::read(&text, file, path).map(drop)
        });
    }
}
