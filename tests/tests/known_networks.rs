//! Checkpoints are imported as the known spec that has their keys and sizes; what is none, or several, is told and not made up.
//! `tests/reference/known_networks.py` made the files.

use cnnc_runtime::{Model, Weights};
use cnnc_tests::{cnnc, imported, printed};
use std::fs;
use std::path::Path;

/// Where a spec is written, in a folder of its own.
fn spec_in(folder: &tempfile::TempDir) -> String {
    folder.path().join("net.cnn").to_str().expect("text").to_owned()
}

/// Holds an import that is refused to its reasons, and to writing nothing.
fn refused(arguments: &[&str], reasons: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = spec_in(&folder);
    let ran = cnnc(&[&["import"], arguments, &["-o", &spec]].concat());
    assert_eq!((ran.code, ran.output.as_str()), (1, ""), "{arguments:?}");
    // Lines are broken where the terminal ends.
    let errors = ran.errors.split_whitespace().collect::<Vec<_>>().join(" ");
    for reason in reasons {
        assert!(errors.contains(reason), "{arguments:?}: {reason} in\n{}", ran.errors);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0, "{arguments:?}");
}

#[test]
fn a_checkpoint_becomes_the_spec_that_has_its_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = spec_in(&folder);
    let facts = [
        "from      PyTorch, 18 tensors",
        "holds     17 layers, 309 parameters",
        "noted     the spec is `nested_blocks/NestedBlocks`",
        "noted     the state is what lies under `ema`",
        "noted     `module.` is taken off every key",
        "proved    each tensor of the spec is in the file, under its key and in its size",
        "from the stored output",
    ];
    let pair = ["reference/known/nested_blocks.input.npy", "reference/known/nested_blocks.output.npy"];
    let checked = [&["reference/known/nested_blocks.pth", "-o", &spec, "--check"], &pair[..]].concat();
    imported(&checked, &facts);
    let model = Model::from_file(&spec).unwrap_or_else(|error| panic!("{error}"));
    let weights = Weights::from_file(Path::new(&spec).with_extension("safetensors"), &model);
    assert_eq!(weights.unwrap_or_else(|error| panic!("{error}")).keys().count(), 18);
    let swapped = ["reference/known/nested_blocks.pth", "--check", pair[1], pair[0]];
    refused(&swapped, &["E604", "the model takes [N, 4]"]);
    refused(&["reference/known/nested_blocks.pth", "--check"], &["E610", "no layers that could be run"]);
}

#[test]
fn what_several_specs_have_is_asked_for() {
    let file = "reference/known/two_networks.pth";
    let names = ["`course/function_classes/Plain`", "`course/function_classes/Residual`"];
    refused(&[file], &["E602", names[0], names[1], "`--model course/function_classes/Plain` chooses"]);
    refused(&[file, "--model", "Nobody"], &["E602", "no known spec is called `Nobody`"]);
    refused(&[file, "--model", "MLP"], &["E602", "do not fit the model `MLP`"]);
    let folder = tempfile::tempdir().expect("a folder");
    let spec = spec_in(&folder);
    imported(&[file, "-o", &spec, "--model", "Residual"], &["`course/function_classes/Residual`"]);
    let text = fs::read_to_string(&spec).expect("the spec");
    assert!(text.contains("model Residual {") && !text.contains("Plain"), "{text}");
}

/// Weights that are drawn for a spec with these settings.
fn drawn(spec: &str, settings: &[&str], weights: &str) {
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    printed(&[&["params", spec][..], &settings.collect::<Vec<_>>(), &["--save", weights]].concat());
}

#[test]
fn classes_and_channels_follow_from_the_sizes() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (weights, other, spec) = (put("weights.safetensors"), put("other.cnn"), spec_in(&folder));
    // The same network for grey pictures, of which the spec that ships says nothing.
    let grey = |text: String| {
        let text = text.replace("    labels \"imagenet.txt\"\n", "").replace("[N, 3,", "[N, 1,");
        let (before, rest) = text.split_once(" image(").expect("pictures");
        let (_, behind) = rest.split_once(")\n").expect("the end of it");
        format!("{before}\n{behind}")
    };
    for (name, settings, is_grey, says, facts) in [
        ("squeezenet1_1", &["num_classes=7"][..], false, "num_classes: int = 7", &["`num_classes` is 7"][..]),
        ("squeezenet1_1", &[], true, "input [N, 1, 224, 224]\n", &["the channels of its input are 1"]),
        (
            "squeezenet1_1",
            &["num_classes=2"],
            true,
            "num_classes: int = 2",
            &["`num_classes` is 2", "the channels of its input are 1"],
        ),
        ("mobilenet_v3_small", &[], false, "num_classes: int = 1000", &[]),
        ("resnet18", &["num_classes=10"], false, "num_classes: int = 10", &["`num_classes` is 10"]),
    ] {
        let file = format!("../models/torchvision/{name}.cnn");
        if is_grey {
            fs::write(&other, grey(fs::read_to_string(&file).expect("a spec"))).expect("a file");
        }
        drawn(if is_grey { &other } else { &file }, settings, &weights);
        imported(&[&weights, "-o", &spec, "--force"], facts);
        let text = fs::read_to_string(&spec).expect("the spec");
        assert!(text.contains(says) && text.contains(&format!("`torchvision/{name}/")), "{text}");
        assert!(!text.contains("import ") && !text.contains("labels"), "{text}");
        let model = Model::from_file(&spec).unwrap_or_else(|error| panic!("{error}"));
        let written = Weights::from_file(Path::new(&spec).with_extension("safetensors"), &model);
        written.unwrap_or_else(|error| panic!("{error}"));
        fs::remove_file(&weights).expect("the weights");
    }
}

#[test]
fn classes_get_the_names_that_are_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (weights, spec, beside) = (put("weights.safetensors"), spec_in(&folder), put("net.txt"));
    drawn("../models/torchvision/squeezenet1_1.cnn", &["num_classes=3"], &weights);
    let own = put("own.txt");
    fs::write(&own, "\u{feff}cat\r\ndog\r\nhorse\r\n").expect("a file");
    imported(
        &[&weights, "-o", &spec, "--labels", &own],
        &["net.cnn, ", "net.txt and ", "what a picture has to be is not"],
    );
    let model = Model::from_file(&spec).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(model.labels(), ["cat", "dog", "horse"]);
    assert!(fs::read_to_string(&spec).expect("the spec").contains("labels \"net.txt\""));
    // A list that ships, of a preset: its base bears the names.
    let vgg = put("vgg.safetensors");
    drawn("../models/lenet.cnn", &[], &vgg);
    imported(&[&vgg, "-o", &spec, "--force", "--labels", "fashion_mnist", "--model", "lenet/ModernLeNet"], &[]);
    let model = Model::from_file(&spec).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(model.labels().last().map(String::as_str), Some("ankle boot"));
    fs::remove_file(&spec).expect("the spec");
    fs::remove_file(put("net.safetensors")).expect("the weights");
    let taken = cnnc(&["import", &vgg, "-o", &spec, "--labels", "fashion_mnist"]);
    assert!(taken.errors.contains("E617") && taken.errors.contains("net.txt"), "{}", taken.errors);
    assert!(!Path::new(&spec).exists() && Path::new(&beside).exists());
    refused(
        &[&weights, "--labels", "imagenet"],
        &["E224", "the names of classes in `imagenet`", "1000 labels for 3 classes"],
    );
    refused(
        &[&weights, "--labels", "nobody"],
        &["E601", "`nobody`", "lists that ship are `fashion_mnist`, `imagenet`"],
    );
}

#[test]
fn what_a_network_that_is_asked_for_has_not_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (spec, with_head, weights) = (spec_in(&folder), put("with_head.cnn"), put("weights.safetensors"));
    let text = fs::read_to_string("../models/nested_blocks.cnn").expect("a spec");
    let head = [
        ("    input [N, 4]\n", "    input [N, 4]\n    keep x\n    aux: Linear(2)\n    output extra\n    from x\n"),
        ("    Block2\n    Linear(1)\n    expect [N, 1]", "    \"0\": Block2\n    \"1\": Linear(1)\n    output y"),
    ];
    let head = head.iter().fold(text, |text, (from, to)| text.replace(from, to));
    fs::write(&with_head, head).expect("a file");
    drawn(&with_head, &[], &weights);
    refused(&[&weights], &["E602", "20 tensors", "nearest is `nested_blocks/NestedBlocks`", "leaves those out"]);
    let facts = ["tensors that the spec has not are left out: `aux.bias`, `aux.weight`", "309 parameters"];
    imported(&[&weights, "-o", &spec, "--model", "NestedBlocks"], &facts);
}

#[test]
fn what_no_spec_has_is_described_and_how_to_get_its_network() {
    refused(
        &["reference/checkpoints/zip_2.pth"],
        &[
            "E602",
            "no known spec has the keys and sizes of",
            "in which order a network computes with them is not in it",
            "`last` looks like a convolution of 3 channels to 2, kernel 2×2",
            "`row` looks like a linear layer of 3 features to 2",
            "model.load_state_dict(torch.load(\"reference/checkpoints/zip_2.pth\", map_location=\"cpu\"))",
            "torch.onnx.export(model.eval(), (torch.zeros(1, 3, 224, 224),), \"net.onnx\")",
            "cnnc run net.cnn --weights reference/checkpoints/zip_2.pth",
        ],
    );
    refused(&["reference/checkpoints/module_zip_2.pth"], &["E602", "a whole `", "weights_only=False)"]);
    refused(
        &["reference/checkpoints/refused_script.pth"],
        &["E603", "TorchScript", "torch.jit.load(\"reference/checkpoints/refused_script.pth\")", "torch.onnx.export("],
    );
    refused(&["reference/checkpoints/several.pth"], &["E602", "--key"]);
    refused(&["onnx/cases/conv1d.onnx", "--key", "ema"], &["E603", "is no checkpoint"]);
}
