//! `cnnc quantize` as a process: from weights and samples to weights of bytes, to the same answers by any instructions, and what
//! is said where something is missing.

#[path = "common/case.rs"]
mod case;

use case::Case;
use cnnc_runtime::InstructionSet;
use safetensors::{Dtype, SafeTensors};
use std::fs;
use std::path::Path;

/// A network that tells dark pictures from bright ones once it is trained, of every kind of kernel that bytes go through.
const SPEC: &str = "model M {
    input [N, 3, 16, 16] image(resize=16)
    conv: Conv2d(16, kernel_size=3, padding=1); norm: BatchNorm2d; ReLU; MaxPool2d(2)
    body: sum {
        { deep: Conv2d(16, kernel_size=3, padding=1, groups=16); SiLU; wide: Conv2d(16, kernel_size=1) }
        Identity
    }
    AdaptiveAvgPool2d(1); Flatten; fc: Linear(2)
}
";
const RECIPE: &str = "model: m.cnn\ndata: {format: folder, path: animals, split: 0.25}\noptimizer: {name: adam, lr: 0.01}\n\
                      batch_size: 4\nepochs: 6\noutput: out\n";

fn trained() -> Case {
    let case = Case::empty();
    fs::write(case.path("m.cnn"), SPEC).expect("a file");
    fs::write(case.path("r.yaml"), RECIPE).expect("a file");
    for number in 0..12u8 {
        for (class, colour) in [("dog", [number, 10, 0]), ("cat", [255 - number, 250, 240])] {
            let folder = case.path("animals").join(class);
            fs::create_dir_all(&folder).expect("a folder");
            let pixels: Vec<u8> = (0..256).flat_map(|at| colour.map(|value| value ^ (at as u8 & number))).collect();
            let png = cnnc_runtime::input::png(16, 16, &pixels).expect("a picture");
            fs::write(folder.join(format!("{number}.png")), png).expect("a file");
        }
    }
    case.ends(0, "train r.yaml", &[]);
    case
}

#[test]
fn weights_become_bytes_and_answer_alike_by_any_instructions() {
    let case = trained();
    let quantize = "quantize m.cnn --weights out/best.safetensors --data r.yaml -o w8.safetensors";
    let said = case.ends(0, quantize, &[]);
    assert!(said.contains("likeliest class the same as in float32: 16 of 16"), "{said}");
    assert!(said.contains("4 weights of"), "{said}");
    let bytes = fs::read(case.path("w8.safetensors")).expect("the file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    for key in ["conv.weight", "body.deep.weight", "body.wide.weight", "fc.weight"] {
        let (weight, scale) = (file.tensor(key).expect(key), file.tensor(&format!("{key}_scale")).expect("its scales"));
        assert_eq!((weight.dtype(), scale.shape()), (Dtype::I8, &weight.shape()[..1]), "{key}");
        // Every channel uses its whole range.
        let channel = weight.data().len() / weight.shape()[0];
        let largest = |part: &[u8]| part.iter().map(|&byte| (byte as i8).unsigned_abs()).max();
        assert!(weight.data().chunks(channel).all(|part| largest(part) == Some(127)), "{key}");
    }
    assert_eq!(file.tensor("input.activation_zero_point").expect("of the input").dtype(), Dtype::U8);

    let run = "run m.cnn --weights w8.safetensors --input animals/cat/3.png";
    let answer = |name: &str, more: &str| {
        case.ends(0, &format!("{run} --output {name}.npy {more}"), &[]);
        fs::read(case.path(&format!("{name}.npy"))).expect("the answer")
    };
    let (one, floats) = (answer("one", "--threads 1"), answer("floats", "--precision fp32"));
    assert_eq!(one, answer("two", "--threads 2 --precision int8"));
    assert_ne!(one, floats, "bytes are not floats");
    for instructions in InstructionSet::available() {
        let output = format!("{}.npy", instructions.name());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.args(run.split(' ')).args(["--output", &output]).current_dir(case.path("."));
        let done = command.env("CNNC_INSTRUCTIONS", instructions.name()).output().expect("cnnc");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(fs::read(case.path(&output)).expect("the answer"), one, "{instructions:?}");
    }
    case.ends(0, "eval r.yaml --weights w8.safetensors", &[]);

    // A folder of pictures serves too, and nothing is written over.
    case.ends(1, quantize, &["`w8.safetensors` is there already", "--force"]);
    case.ends(0, "quantize m.cnn --weights out/best.safetensors --data animals -o w8.safetensors --force", &[]);
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let case = trained();
    case.ends(1, "quantize m.cnn --data animals -o w8.safetensors", &["E602", "no weights to quantise", "--weights"]);
    case.ends(
        1,
        "run m.cnn --weights out/best.safetensors --precision int8 --input animals/cat/3.png",
        &["E602", "do not say what bytes of values stand for", "cnnc quantize"],
    );
    case.ends(0, "quantize m.cnn --weights out/best.safetensors --data animals -o w8.safetensors", &[]);
    for (key, dtype, data, words) in [
        ("input.activation_scale", Dtype::F32, 0.0f32.to_le_bytes().to_vec(), "the scale 0, which is none,"),
        ("input.activation_scale", Dtype::F32, f32::NAN.to_le_bytes().to_vec(), "the scale NaN"),
        ("input.activation_zero_point", Dtype::F32, 300.0f32.to_le_bytes().to_vec(), "the zero 300, which is no byte,"),
        ("input.activation_zero_point", Dtype::F32, 1.5f32.to_le_bytes().to_vec(), "the zero 1.5"),
    ] {
        changed(&case.path("w8.safetensors"), &case.path("broken.safetensors"), key, dtype, &data);
        case.ends(1, "run m.cnn --weights broken.safetensors --input animals/cat/3.png", &["E603", words, "`input`"]);
    }
}

/// The file with another tensor, of one number, in the place of one.
fn changed(from: &Path, to: &Path, key: &str, dtype: Dtype, data: &[u8]) {
    let bytes = fs::read(from).expect("the file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let other = safetensors::tensor::TensorView::new(dtype, vec![1], data).expect("a tensor");
    let tensors = file.tensors().into_iter().map(|(name, tensor)| match name == key {
        true => (name, other.clone()),
        false => (name, tensor),
    });
    fs::write(to, safetensors::serialize(tensors, None).expect("a file")).expect("a file");
}
