//! Transforms against torchvision's, given the same numbers (`tests/reference/transforms.py`).

use super::augment::{EVEN, Operation, USUAL, WIDE};
use super::color::{self, gaussian_blur};
use super::warp::{Affine, affine, perspective, rotate};
use super::{RandomHorizontalFlip, RandomVerticalFlip, Step, Transform, part};
use crate::pictures::Picture;
use crate::pictures::resize::resize;
use crate::random::Draws;
use cnnc_compiler::graph::Interpolation;
use serde_json::Value;
use std::collections::BTreeMap;

/// As the script has it.
fn picture(channels: usize, height: usize, width: usize) -> Picture {
    let pixel = |place: usize| (((place * place * 31 + place * 17) % 251 + place % 5) & 255) as f32;
    let plane = |channel: usize| (0..height * width).map(|at| pixel(channel * height * width + at)).collect();
    Picture { height, width, planes: (0..channels).map(plane).collect() }
}

fn operation(name: &str) -> Operation {
    let known = EVEN.iter().chain([&Operation::Invert]).find(|operation| format!("{operation:?}") == name);
    *known.unwrap_or_else(|| panic!("no operation {name}"))
}

fn always(flip: impl Step, whole: &Picture) -> Picture {
    flip.apply(whole.clone(), &mut Draws::of_sample(0, 0, 0)).expect("a picture")
}

/// What a case of the script is here.
fn made(name: &str, numbers: &[Value], whole: &Picture) -> Picture {
    let of = |place: usize| numbers[place].as_f64().unwrap_or_else(|| f64::from(numbers[place] == true));
    let size = |place: usize| of(place) as usize;
    let (copy, is_true) = (whole.clone(), |place: usize| of(place) != 0.0);
    match name {
        "brightness" => color::adjust_brightness(copy, of(0)),
        "contrast" => color::adjust_contrast(copy, of(0)),
        "saturation" => color::adjust_saturation(copy, of(0)),
        "sharpness" => color::adjust_sharpness(whole, of(0)),
        "hue" => color::adjust_hue(copy, of(0)),
        "grayscale" => Picture { planes: vec![color::grey(whole); 3], ..copy },
        "posterize" => color::posterize(copy, size(0) as u32),
        "solarize" => color::solarize(copy, of(0)),
        "invert" => color::invert(copy),
        "autocontrast" => color::autocontrast(whole),
        "equalize" => color::equalize(whole),
        "blur" => gaussian_blur(whole, [size(0); 2], of(1)),
        "rotate" => rotate(whole, of(0), is_true(1), Some(of(2) as f32)),
        "affine" => {
            let (translate, shear) = ([of(1), of(2)], [of(4), of(5)]);
            let change = Affine { angle: of(0), translate, scale: of(3), shear, ..Affine::default() };
            affine(whole, change, is_true(6), Some(of(7) as f32))
        }
        "perspective" => {
            let corners = [0, 2, 4, 6].map(|place| [of(place), of(place + 1)]);
            perspective(whole, corners, is_true(8), Some(of(9) as f32))
        }
        "resized_crop" => {
            let cut = part(whole, [size(0), size(1)], [size(2), size(3)]);
            resize(&cut, size(4), size(5), Interpolation::Bilinear)
        }
        "horizontal_flip" => always(RandomHorizontalFlip { p: 1.0 }, whole),
        "vertical_flip" => always(RandomVerticalFlip { p: 1.0 }, whole),
        "operation" => operation(numbers[1].as_str().unwrap_or_default()).apply(copy, of(4) * of(5)),
        other => panic!("no case `{other}`"),
    }
}

#[test]
fn every_transform_is_torchvisions() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/reference/transforms.json")).unwrap();
    let mut differing = BTreeMap::<String, (usize, usize)>::new();
    for case in cases.iter().filter(|case| case["name"] != "magnitude") {
        let whole = if case["of"] == "grey" { picture(1, 7, 7) } else { picture(3, 9, 12) };
        let (name, numbers) = (case["name"].as_str().unwrap(), case["numbers"].as_array().unwrap());
        let found = made(name, numbers, &whole);
        let shape = serde_json::json!([found.planes.len(), found.height, found.width]);
        assert_eq!(shape, case["shape"], "{name} {numbers:?}");
        let hex = case["pixels"].as_str().unwrap();
        let expected = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        let count = differing.entry(name.to_owned()).or_default();
        for (at, (pixel, expected)) in found.planes.iter().flatten().zip(expected).enumerate() {
            let error = (pixel - f32::from(expected)).abs();
            assert!(error <= 1.0, "{name} {numbers:?}, number {at}: {pixel}, torchvision's {expected}");
            count.0 += usize::from(error > 0.0);
            count.1 += 1;
        }
    }
    assert_eq!(differing.len(), 19);
    // A sum that was rounded otherwise may end on the other side of a whole number, and seldom does.
    for (name, (others, all)) in &differing {
        assert!(others * 200 <= *all, "{name}: {others} of {all} are off by one");
    }
}

#[test]
fn strengths_are_torchvisions() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../../tests/reference/transforms.json")).unwrap();
    let with_strength = cases.iter().filter(|case| case["name"] == "magnitude" || case["name"] == "operation");
    let mut count = 0;
    for numbers in with_strength.map(|case| case["numbers"].as_array().unwrap()) {
        let strengths = if numbers[0] == "trivial" { WIDE } else { USUAL };
        let [step, bins] = [2, 3].map(|place| numbers[place].as_u64().unwrap() as usize);
        let (found, _) = strengths.magnitude(operation(numbers[1].as_str().unwrap()), step, bins, [9, 12]);
        let expected = numbers[5].as_f64().unwrap();
        assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{numbers:?}: {found}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}

fn applied(transform: impl Into<Transform>, picture: Picture, sample: usize) -> Picture {
    transform.into().apply(picture, &mut Draws::of_sample(0, 0, sample)).expect("a picture")
}

fn grey(height: usize, width: usize) -> Picture {
    Picture { height, width, planes: vec![(1..=height * width).map(|pixel| pixel as f32).collect()] }
}

#[test]
fn a_padded_crop_is_a_part_of_the_padded_picture() {
    let transform = super::RandomCrop { size: [3, 4], padding: 2 };
    let whole = grey(3, 4);
    let mut places = std::collections::BTreeSet::new();
    for sample in 0..200 {
        let part = applied(transform.clone(), whole.clone(), sample);
        assert_eq!((part.height, part.width), (3, 4));
        let matches = |top: isize, left: isize| {
            (0..3).all(|row| {
                (0..4).all(|column| {
                    let (y, x) = (row + top, column + left);
                    let inside = (0..3).contains(&y) && (0..4).contains(&x);
                    let expected = if inside { whole.planes[0][(y * 4 + x) as usize] } else { 0.0 };
                    part.planes[0][(row * 4 + column) as usize] == expected
                })
            })
        };
        let place = (-2..=2).flat_map(|top| (-2..=2).map(move |left| (top, left))).find(|&(t, l)| matches(t, l));
        places.insert(place.expect("a part of the padded picture"));
    }
    assert_eq!(places.len(), 25, "every place occurs");
}

#[test]
fn flips_half_of_the_time() {
    let once = |sample| applied(RandomHorizontalFlip { p: 0.5 }, grey(1, 3), sample).planes[0].clone();
    let flipped = (0..1000).filter(|&sample| once(sample) == [3.0, 2.0, 1.0]).count();
    assert!((450..550).contains(&flipped), "{flipped}");
    let allowed = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]];
    assert!((0..1000).all(|sample| allowed.contains(&once(sample)[..].try_into().unwrap())));
}

#[test]
fn rows_become_columns() {
    let turned = applied(super::Transpose, grey(2, 3), 0);
    assert_eq!((turned.height, turned.width), (3, 2));
    assert_eq!(turned.planes[0], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(applied(super::Transpose, turned, 0), grey(2, 3));
}

#[test]
fn cutout_is_a_square_of_zeros() {
    let zeros = |sample| {
        let cut = applied(super::Cutout { size: 4 }, grey(8, 8), sample);
        cut.planes[0].iter().filter(|&&pixel| pixel == 0.0).count()
    };
    let counts: Vec<usize> = (0..200).map(zeros).collect();
    assert!(counts.contains(&16) && counts.iter().all(|count| (4..=16).contains(count)), "{counts:?}");
}

#[test]
fn normalises_by_channel() {
    let two = Picture { height: 1, width: 1, planes: vec![vec![255.0], vec![51.0]] };
    let by_channel = super::Normalize { mean: vec![0.5, 0.1], std: vec![0.25, 0.1], of_pixels: true };
    let one = Picture { height: 1, width: 1, planes: vec![vec![51.0]] };
    assert_eq!(applied(by_channel.clone(), one, 0).planes, [vec![-1.2], vec![1.0]]);
    assert_eq!(applied(by_channel, two.clone(), 0).planes, [vec![2.0], vec![1.0]]);
    let by_one = super::Normalize { mean: vec![0.0], std: vec![0.5], of_pixels: true };
    assert_eq!(applied(by_one, two, 0).planes, [vec![2.0], vec![0.4]]);
}

#[test]
fn sizes_that_no_picture_has_are_refused_with_the_arithmetic() {
    use crate::pictures::resize::Size;
    let refused = |transform: Transform| {
        transform.apply(grey(4, 4), &mut Draws::of_sample(0, 0, 0)).expect_err("no picture").to_string()
    };
    let crop = |side, padding| refused(super::RandomCrop { size: [side, side], padding }.into());
    assert!(crop(32, usize::MAX / 2).contains("would be padded by"));
    assert!(crop(1 << 40, 1 << 41).contains("1208925819614629174706176 pixels, and a picture may have 134217728"));
    assert!(crop(usize::MAX, usize::MAX).contains("pixels"));
    let resize = |size| refused(super::Resize { size, interpolation: Interpolation::Bilinear }.into());
    assert!(resize(Size::To([1, 67_108_864])).contains("a side of a picture may have 65536 pixels"));
    assert!(resize(Size::ShorterSide(usize::MAX)).contains("pixels, and a picture may have 134217728"));
    let small = refused(super::CenterCrop { size: [5, 2] }.into());
    assert_eq!(small, "is 4×4, and 5×2 are to be cut out of it");
}

/// What is random is a function of the sample's numbers: the same again, another for another sample, for each that has any.
#[test]
fn policies_change_pictures_by_the_samples_numbers_alone() {
    let whole = picture(3, 13, 18);
    let perspective = super::RandomPerspective { distortion_scale: 0.5, p: 1.0, is_bilinear: true, fill: 0.0 };
    let one = [1.0, 1.0];
    let transforms: [Transform; 6] = [
        super::RandAugment { num_ops: 2, magnitude: 9, num_magnitude_bins: 31 }.into(),
        super::TrivialAugmentWide { num_magnitude_bins: 31 }.into(),
        super::AutoAugment.into(),
        super::ColorJitter { brightness: [0.5, 1.5], contrast: [0.5, 1.5], saturation: one, hue: [-0.1, 0.1] }.into(),
        perspective.into(),
        super::GaussianBlur { kernel_size: 3, sigma: [0.1, 2.0] }.into(),
    ];
    for transform in transforms {
        let all: Vec<Picture> = (0..40).map(|sample| applied(transform.clone(), whole.clone(), sample)).collect();
        let again: Vec<Picture> = (0..40).map(|sample| applied(transform.clone(), whole.clone(), sample)).collect();
        assert_eq!(all, again);
        let others = all.iter().filter(|picture| **picture != all[0]).count();
        assert!(others > 20, "{transform:?}: {others}");
        let are_bytes = |pixel: &f32| (0.0..=255.0).contains(pixel) && pixel.fract() == 0.0;
        assert!(all.iter().flat_map(|picture| picture.planes.iter().flatten()).all(are_bytes), "{transform:?}");
    }
}
