//! Specs exported as ONNX and imported again: every model of `models/` is the same kernel graph, from tensors of the same keys,
//! and every case of the layers gives the same numbers.

use bytes::Bytes;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_formats::onnx::{
    About, Exported, ExternalData, Imported, NoExternalData, Options, Refusal, Tensor, export, import,
};
use cnnc_formats::spec::{Form, same};
use cnnc_runtime::Parameters;
use cnnc_runtime::export::Options as FileOptions;
use cnnc_runtime::import::Options as ImportOptions;
use cnnc_runtime::{Model, Weights};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::random::{Net, spec};
use cnnc_tests::{Ran, answers, check, cnnc, difference, formula, network, network_of_text, specs};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

/// A file in which every number says where it lies: so a tensor is known wherever it comes up, and none is ever made.
struct Numbered;

/// Bytes between two places where a tensor may begin.
const APART: u64 = 64;

impl ExternalData for Numbered {
    fn read(&self, _: &str, offset: u64, length: u64) -> Result<Bytes, String> {
        let place = (offset / APART) as f32;
        let count = usize::try_from(length / 4).map_err(|_| "is too long")?;
        Ok(std::iter::repeat_n(place.to_le_bytes(), count).flatten().collect::<Vec<u8>>().into())
    }

    fn length(&self, _: &str) -> Result<u64, String> {
        Ok(u64::MAX)
    }
}

fn exported(graph: &ShapedGraph, fused: bool) -> Exported {
    export(graph, Options { fused, ..Options::default() }).unwrap_or_else(|refusal| panic!("{:?}", refusal.0))
}

/// Imports what was exported, with these weights.
fn imported(exported: &Exported, weights: &mut dyn FnMut(&str) -> io::Result<Vec<f32>>) -> Result<Imported, Refusal> {
    let mut bytes = Vec::new();
    exported.file(&About::default(), None).write(&mut bytes, weights).expect("all weights");
    import(&bytes.into(), &NoExternalData, "net", Form::Flat)
}

/// The first number of a tensor.
fn first(tensor: &Tensor) -> f32 {
    let mut number = [0.0];
    match tensor.comes_in_parts() {
        true => tensor.part(&Numbered, 0, &mut number).expect("a number"),
        false => number[0] = tensor.floats(&Numbered).expect("numbers")[0],
    }
    number[0]
}

/// Whether a network comes back as the same kernels of the same tensors: the spec that it comes back as.
fn comes_back(graph: &ShapedGraph, form: Form) -> Result<String, String> {
    let exported = exported(graph, false);
    let file = exported.file(&About::default(), Some("net.data"));
    let keys: Vec<&str> = graph.graph.parameters.iter().map(|parameter| &*parameter.path).collect();
    let mut mark = |key: &str| {
        let place = keys.iter().position(|known| *known == key).expect("a parameter");
        Ok(vec![-1.0 - place as f32; graph.graph.parameters[place].shape.iter().product()])
    };
    let mut bytes = Vec::new();
    file.write(&mut bytes, &mut mark).expect("all weights");
    let back = import(&bytes.into(), &Numbered, "net", form).map_err(|refusal| format!("{refusal:?}"))?;
    let places: HashMap<u64, &str> = file.places().map(|(name, offset)| (offset / APART, name)).collect();
    let key_of = |tensor: &Tensor| match first(tensor) {
        mark @ ..=-1.0 => keys[(-1.0 - mark) as usize],
        place => places.get(&(place as u64)).copied().unwrap_or_default(),
    };
    let written = back.written.tensors.iter();
    let known: HashMap<&str, &str> = written.map(|(key, number)| (&**key, key_of(&back.tensors[*number]))).collect();
    same(&back.written.graph, graph, &|key| known.get(key).copied().unwrap_or_default().to_owned())
        .map_err(|reason| format!("{reason:?}"))?;
    Ok(back.written.text)
}

#[test]
fn models_come_back_as_the_same_kernels() {
    let all = specs(Path::new("../models"));
    let (mut count, mut wrong) = (0, Vec::new());
    for name in all.iter().map(|path| path.display().to_string()) {
        if check(&name).networks.is_empty() {
            continue;
        }
        count += 1;
        if let Err(reason) = comes_back(&network(&name, None), Form::Flat) {
            wrong.push(format!("{name}: {reason}"));
        }
    }
    assert!(count > 70, "only {count} models were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_comes_back_is_about_as_short_as_a_person_writes_it() {
    // docs/onnx.md has these.
    const MOST: [(&str, usize); 8] = [
        ("resnet152", 60),
        ("densenet121", 60),
        ("inception_v3", 110),
        ("efficientnet_b0", 90),
        ("convnext_tiny", 90),
        ("googlenet", 60),
        ("vit_b_16", 60),
        ("../mobile_vit_xxs", 200),
    ];
    let densenet = fs::read_to_string("../models/torchvision/densenet121.cnn").expect("the spec");
    let of_201 = densenet.replace("24, 16", "48, 32").replace("labels \"imagenet.txt\"", "");
    let of_201 = network_of_text(&of_201);
    let others = MOST.map(|(name, most)| (name, network(&format!("../models/torchvision/{name}.cnn"), None), most));
    let mut wrong = Vec::new();
    for (name, network, most) in std::iter::once(("densenet201", of_201, 80)).chain(others) {
        let text = comes_back(&network, Form::Rolled).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        let lines = text.lines().count();
        if lines > most {
            wrong.push(format!("{name}: {lines} lines, and {most} are enough\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a network and its export, imported again, answer differently; nothing where what was exported has no word in the
/// language.
fn numbers_come_back(
    graph: &ShapedGraph,
    exported: &Exported,
    parameters: &Parameters,
    inputs: &[cnnc_runtime::Tensor],
) -> Option<Result<f64, String>> {
    let mut weights = |key: &str| Ok(parameters.get(key).expect("a parameter").data().to_vec());
    let back = match imported(exported, &mut weights) {
        Ok(back) => back,
        Err(Refusal::Unsaid(_)) => return None,
        // Numbers that are repeated to an open size and that nothing flows into: a spec has numbers in joins alone.
        Err(Refusal::Fault(reason)) if reason.contains("E209") => return None,
        Err(refusal) => return Some(Err(format!("{refusal:?}"))),
    };
    let mut theirs = Parameters::default();
    for (key, number) in &back.written.tensors {
        let tensor = &back.tensors[*number];
        let values = tensor.floats(&NoExternalData).expect("values");
        theirs.insert(key.as_str(), cnnc_runtime::Tensor::new(tensor.shape(), values).expect("a tensor"));
    }
    let (ours, theirs) = (answers(graph, parameters, inputs), answers(&back.written.graph, &theirs, inputs));
    let far = ours.iter().zip(&theirs).map(|(ours, theirs)| match ours.shape() == theirs.shape() {
        true => difference(theirs.data(), ours.data()),
        false => f64::INFINITY,
    });
    let far = far.fold(0.0, f64::max);
    Some(if far <= MOST { Ok(far) } else { Err(format!("{far:e}\n{}", back.written.text)) })
}

/// What numbers may be off, by DESIGN section 10's measure, of a whole network.
const MOST: f64 = 1e-4;

#[test]
fn layers_give_the_same_numbers_when_they_come_back() {
    let (mut back, mut unsaid, mut wrong) = ([0; 2], [0; 2], Vec::new());
    for fixture in Fixture::all("layers") {
        for case in fixture.json("cases").as_array().expect("cases") {
            let (spec, shape) = (case["spec"].as_str().expect("a spec"), sizes(&case["input"]));
            let text = format!("model M {{ input {shape:?}; {spec} }}");
            let graph = network_of_text(&text);
            let (parameters, inputs) =
                (formula::parameters(&graph.graph, &[]), [formula::tensor("input", &shape, &[])]);
            for fused in [false, true] {
                match numbers_come_back(&graph, &exported(&graph, fused), &parameters, &inputs) {
                    Some(Ok(_)) => back[usize::from(fused)] += 1,
                    Some(Err(reason)) => wrong.push(format!("{spec} on {shape:?}, fused {fused}: {reason}")),
                    None => unsaid[usize::from(fused)] += 1,
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(back[0] > 250 && back[1] > 200, "{back:?} came back, {unsaid:?} have no word");
}

#[test]
fn random_nets_come_back() {
    let (mut back, mut wrong, mut open) = (0, Vec::new(), 0);
    for seed in 0..300 {
        let made = |open: bool| Net::new(seed, spec(seed, false, open));
        let (Some(net), form) = (made(true).or_else(|| made(false)), Options::default()) else { continue };
        let (parameters, inputs) = (net.parameters(), net.inputs());
        for fused in [false, true] {
            let exported = match export(&net.network, Options { fused, ..form }) {
                Ok(exported) => exported,
                // Some sizes must be known: then they are, and nothing is refused.
                Err(refusal) => {
                    assert_eq!(refusal.0.code.name(), "E618");
                    let known = made(false).map(|net| export(&net.network, Options { fused, ..form }));
                    if let Some(Err(refusal)) = known {
                        wrong.push(format!("seed {seed}, fused {fused}: {:?}", refusal.0));
                    }
                    open += 1;
                    continue;
                }
            };
            match numbers_come_back(&net.network, &exported, &parameters, &inputs) {
                Some(Ok(_)) => back += 1,
                Some(Err(reason)) => wrong.push(format!("seed {seed}, fused {fused}: {reason}\n{}", net.spec.text)),
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(back > 100 && open < 60, "{back} came back, {open} need their sizes");
}

/// A command that does what it should.
fn done(arguments: &[&str]) -> String {
    let Ran { code, output, errors } = cnnc(arguments);
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    output
}

#[test]
fn the_command_says_what_it_made_and_replaces_nothing_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("net.onnx");
    let file = file.to_str().expect("text");
    let spec = "../models/lenet.cnn";
    let said = done(&["export", spec, "-o", file, "--weights", "../models/lenet.safetensors"]);
    for fact in ["net.onnx", "12 nodes of operator set 20", "`input` is [N, 1, 28, 28]", "`output` is [N, 10]"] {
        assert!(said.contains(fact), "{fact} in\n{said}");
    }
    let before = fs::read(file).expect("the file");
    for text in ["ankle boot", "\"resize\":28", "cnnc", "0.weight"] {
        assert!(before.windows(text.len()).any(|part| part == text.as_bytes()), "{text}");
    }
    let Ran { code, errors, .. } = cnnc(&["export", spec, "-o", file]);
    assert!(code == 1 && errors.contains("E617") && errors.contains("--force"), "{errors}");
    assert_eq!(fs::read(file).expect("the file"), before);
    let said = done(&["export", spec, "-o", file, "--force", "--fused", "--opset", "13"]);
    assert!(said.contains("operator set 13"), "{said}");
    assert_ne!(fs::read(file).expect("the file"), before);
    let Ran { code, errors, .. } = cnnc(&["export", spec, "-o", spec, "--force"]);
    assert!(code == 1 && errors.contains("E601") && errors.contains("it is a source"), "{errors}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

#[test]
fn what_cannot_be_exported_is_said_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (spec, file) = (folder.path().join("net.cnn"), folder.path().join("net.onnx"));
    fs::write(&spec, "model M {\n    input [N, 3, H, W]\n    AdaptiveAvgPool2d(2)\n}\n").expect("the spec");
    let (spec, file) = (spec.to_str().expect("text"), file.to_str().expect("text"));
    let Ran { code, output, errors } = cnnc(&["export", spec, "-o", file]);
    assert_eq!((code, output.as_str()), (1, ""));
    for part in ["E618", "`0 AdaptiveAvgPool2d` cannot be said with open sizes", "--input-shape"] {
        assert!(errors.contains(part), "{part} in\n{errors}");
    }
    assert!(!Path::new(file).exists());
    let said = done(&["export", spec, "-o", file, "--input-shape", "1,3,7,8"]);
    assert!(said.contains("`input` is [1, 3, 7, 8]"), "{said}");
    let Ran { code, errors, .. } = cnnc(&["export", spec, "-o", file, "--force", "--opset", "12"]);
    assert!(code == 2 && errors.contains("13..=22"), "{errors}");
    let Ran { code, errors, .. } = cnnc(&["export", "../models/lenet.cnn", "-o", "/nowhere/net.onnx"]);
    assert!(code == 1 && errors.contains("E601"), "{errors}");
    for set in [12, 23] {
        let refused = export(&network("../models/lenet.cnn", None), Options { set, fused: false });
        let Err(refusal) = refused else { panic!("set {set} is written") };
        assert_eq!(refusal.0.code.name(), "E618");
        assert!(refusal.0.message.contains("13 to 22"), "{}", refusal.0.message);
    }
}

#[test]
fn weights_past_the_room_of_the_file_lie_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Model::from_file("../models/lenet.cnn").unwrap_or_else(|error| panic!("{error}"));
    let weights = Weights::from_file("../models/lenet.safetensors", &model).unwrap_or_else(|error| panic!("{error}"));
    let file = folder.path().join("net.onnx");
    let options = FileOptions { most_within: 1000, ..FileOptions::default() };
    let export = || cnnc_runtime::export::export(&model, &weights, &file, &options);
    let made = export().unwrap_or_else(|error| panic!("{error}"));
    let beside = folder.path().join("net.onnx.data");
    assert_eq!(made.beside, Some(beside.clone()));
    let lengths = [&file, &beside].map(|path| fs::metadata(path).expect("a file").len());
    assert_eq!(lengths[0] + lengths[1], made.bytes);
    assert!(lengths[0] < 10_000 && lengths[1] > 240_000, "{lengths:?}");
    fs::remove_file(&file).expect("the file");
    let Err(error) = export() else { panic!("what lies beside is replaced") };
    assert!(error.to_string().contains("net.onnx.data` is there already"), "{error}");
    let again = FileOptions { force: true, ..options };
    cnnc_runtime::export::export(&model, &weights, &file, &again).unwrap_or_else(|error| panic!("{error}"));
    let spec = folder.path().join("back.cnn");
    let back = cnnc_runtime::import::import(&file, &spec, &ImportOptions::default());
    let back = back.unwrap_or_else(|error| panic!("{error}"));
    let model = Model::from_file(&back.spec).unwrap_or_else(|error| panic!("{error}"));
    let theirs = Weights::from_file(back.weights.expect("weights"), &model).unwrap_or_else(|error| panic!("{error}"));
    for (key, _) in weights.keys() {
        let (ours, theirs) = (weights.get(key).expect("a tensor"), theirs.get(key).expect("a tensor"));
        assert_eq!(ours.data(), theirs.data(), "{key}");
    }
}
