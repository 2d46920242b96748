//! Specs exported as ONNX and imported again: every model of `models/` is the same kernel graph, from tensors of the same keys, and
//! every case of the layers gives the same numbers.

use bytes::Bytes;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_formats::onnx::{
    About, Exported, ExternalData, Imported, NoExternalData, Options, Refusal, Tensor, export, import,
};
use cnnc_formats::spec::{Form, same};
use cnnc_runtime::Parameters;
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::{answers, check, difference, formula, network, network_of_text};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

/// All specs of a folder and of those in it.
fn specs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            specs(&entry, found);
        } else if entry.extension().is_some_and(|ending| ending == "cnn") {
            found.push(entry);
        }
    }
}

fn exported(graph: &ShapedGraph, fused: bool) -> Exported {
    export(graph, Options { fused, ..Options::default() }).unwrap_or_else(|refusal| panic!("{:?}", refusal.0))
}

/// Imports what was exported, with these weights.
fn imported(
    exported: &Exported,
    weights: &mut dyn FnMut(&str) -> io::Result<Vec<f32>>,
) -> Result<Imported, Refusal> {
    let mut bytes = Vec::new();
    exported.file(&About::default(), None).write(&mut bytes, weights).expect("all weights");
    import(&bytes.into(), &NoExternalData, "net", Form::Flat)
}

/// Models that come back as other kernels, and why.
const OTHERS: &[(&str, &str)] = &[
    ("attention_pooling.cnn", "two permutations, one after the other, come back as one"),
    ("mobile_vit_xxs.cnn", "attention comes back as the products that it is"),
    ("vit_b_16.cnn", "attention comes back as the products that it is"),
    ("softmax_pooling.cnn", "there is no such pooling in ONNX"),
    ("ssd300_vgg16.cnn", "RMSNorm came with operator set 23, and has no word in parts"),
    ("yolov5n.cnn", "grids that are written out come back as parameters"),
    ("yolov8n.cnn", "grids that are written out come back as parameters"),
];

/// The first number of a tensor.
fn first(tensor: &Tensor) -> f32 {
    let mut number = [0.0];
    match tensor.comes_in_parts() {
        true => tensor.part(&Numbered, 0, &mut number).expect("a number"),
        false => number[0] = tensor.floats(&Numbered).expect("numbers")[0],
    }
    number[0]
}

/// Whether a network comes back as the same kernels of the same tensors.
fn comes_back(graph: &ShapedGraph) -> Result<(), String> {
    let exported = exported(graph, false);
    let file = exported.file(&About::default(), Some("net.data"));
    let keys: Vec<&str> = graph.graph.parameters.iter().map(|parameter| &*parameter.path).collect();
    let mut mark = |key: &str| {
        let place = keys.iter().position(|known| *known == key).expect("a parameter");
        Ok(vec![-1.0 - place as f32; graph.graph.parameters[place].shape.iter().product()])
    };
    let mut bytes = Vec::new();
    file.write(&mut bytes, &mut mark).expect("all weights");
    let back = import(&bytes.into(), &Numbered, "net", Form::Flat).map_err(|refusal| format!("{refusal:?}"))?;
    let places: HashMap<u64, &str> = file.places().map(|(name, offset)| (offset / APART, name)).collect();
    let key_of = |tensor: &Tensor| match first(tensor) {
        mark @ ..=-1.0 => keys[(-1.0 - mark) as usize],
        place => places.get(&(place as u64)).copied().unwrap_or_default(),
    };
    let written = back.written.tensors.iter();
    let known: HashMap<&str, &str> = written.map(|(key, number)| (&**key, key_of(&back.tensors[*number]))).collect();
    same(&back.written.graph, graph, &|key| known.get(key).copied().unwrap_or_default().to_owned()).map_err(|reason| format!("{reason:?}"))
}

#[test]
fn models_come_back_as_the_same_kernels() {
    let mut all = Vec::new();
    specs(Path::new("../models"), &mut all);
    all.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for name in all.iter().map(|path| path.display().to_string()) {
        if check(&name).networks.is_empty() {
            continue;
        }
        count += 1;
        let known = OTHERS.iter().find(|(known, _)| name.ends_with(known));
        match (comes_back(&network(&name, None)), known) {
            (Err(reason), None) => wrong.push(format!("{name}: {reason}")),
            (Ok(()), Some((_, reason))) => wrong.push(format!("{name} comes back, and is listed: {reason}")),
            _ => {}
        }
    }
    assert!(count > 70, "only {count} models were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a layer and its export, imported again, answer differently; nothing where its export has no word in the language.
fn layer_case(graph: &ShapedGraph, input: &cnnc_runtime::Tensor, fused: bool) -> Option<Result<(), String>> {
    let parameters = formula::parameters(&graph.graph, &[]);
    let mut weights = |key: &str| Ok(parameters.get(key).expect("a parameter").data().to_vec());
    let back = match imported(&exported(graph, fused), &mut weights) {
        Ok(back) => back,
        Err(Refusal::Unsaid(_)) => return None,
        Err(refusal) => return Some(Err(format!("{refusal:?}"))),
    };
    let mut theirs = Parameters::default();
    for (key, number) in &back.written.tensors {
        let tensor = &back.tensors[*number];
        let values = tensor.floats(&NoExternalData).expect("values");
        theirs.insert(key.as_str(), cnnc_runtime::Tensor::new(tensor.shape(), values).expect("a tensor"));
    }
    let inputs = std::slice::from_ref(input);
    let (ours, theirs) = (answers(graph, &parameters, inputs), answers(&back.written.graph, &theirs, inputs));
    let far = ours.iter().zip(&theirs).map(|(ours, theirs)| match ours.shape() == theirs.shape() {
        true => difference(theirs.data(), ours.data()),
        false => f64::INFINITY,
    });
    let far = far.fold(0.0, f64::max);
    Some(if far <= 1e-5 { Ok(()) } else { Err(format!("{far:e}\n{}", back.written.text)) })
}

#[test]
fn layers_give_the_same_numbers_when_they_come_back() {
    let (mut back, mut unsaid, mut wrong) = ([0; 2], [0; 2], Vec::new());
    for fixture in Fixture::all("layers") {
        for case in fixture.json("cases").as_array().expect("cases") {
            let (spec, shape) = (case["spec"].as_str().expect("a spec"), sizes(&case["input"]));
            let text = format!("model M {{ input {shape:?}; {spec} }}");
            let graph = network_of_text(&text);
            let input = formula::tensor("input", &shape, &[]);
            for fused in [false, true] {
                match layer_case(&graph, &input, fused) {
                    Some(Ok(())) => back[usize::from(fused)] += 1,
                    Some(Err(reason)) => wrong.push(format!("{spec} on {shape:?}, fused {fused}: {reason}")),
                    None => unsaid[usize::from(fused)] += 1,
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{back:?} came back, {unsaid:?} have no word");
    assert!(back[0] > 250 && back[1] > 200, "{back:?} came back, {unsaid:?} have no word");
}
