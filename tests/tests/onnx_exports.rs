//! Specs exported as ONNX and imported again: every model of `models/` is the same kernel graph, from tensors of the same keys, and
//! every case of the layers gives the same numbers.

use bytes::Bytes;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_formats::onnx::{
    About, Exported, ExternalData, Imported, NoExternalData, Options, Refusal, export, import,
};
use cnnc_formats::spec::{Form, same};
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::{answers, check, difference, formula, network, network_of_text};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file of zeros, as long as anybody asks for: what a weight is decides nothing about kernels.
struct Zeros;

impl ExternalData for Zeros {
    fn read(&self, _: &str, _: u64, length: u64) -> Result<Bytes, String> {
        Ok(vec![0; usize::try_from(length).map_err(|_| "is too long")?].into())
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

/// Imports what was exported, with the weights that these parameters are.
fn imported(
    exported: &Exported,
    beside: Option<&str>,
    files: &dyn ExternalData,
    weights: &mut dyn FnMut(&str) -> io::Result<Vec<f32>>,
) -> Result<Imported, Refusal> {
    let mut bytes = Vec::new();
    exported.file(&About::default(), beside).write(&mut bytes, weights).expect("all weights");
    import(&bytes.into(), files, "net", Form::Flat)
}

/// Networks that come back as other kernels, with the reason.
const OTHERS: &[(&str, &str)] = &[];

#[test]
fn models_come_back_as_the_same_kernels() {
    let mut all = Vec::new();
    specs(Path::new("../models"), &mut all);
    all.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for path in all {
        let name = path.display().to_string();
        if check(&name).networks.is_empty() {
            continue;
        }
        count += 1;
        let graph = network(&name, None);
        let parameters = &graph.graph.parameters;
        let mut weights = |key: &str| {
            let parameter = parameters.iter().find(|parameter| &*parameter.path == key).expect("a parameter");
            Ok(vec![0.0; parameter.shape.iter().product()])
        };
        let known = OTHERS.iter().find(|(known, _)| name.ends_with(known));
        let back = match imported(&exported(&graph, false), Some("net.data"), &Zeros, &mut weights) {
            Ok(back) => same(&back.written.graph, &graph).map_err(|reason| format!("{reason:?}")),
            Err(refusal) => Err(format!("{refusal:?}")),
        };
        match (back, known) {
            (Err(reason), None) => wrong.push(format!("{name}: {reason}")),
            (Ok(()), Some((_, reason))) => wrong.push(format!("{name} comes back, and is listed: {reason}")),
            _ => {}
        }
    }
    assert!(count > 70, "only {count} models were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a layer and its export, imported again, answer differently; nothing where its export has no word in the language.
fn layer_case(graph: &ShapedGraph, input: &Tensor, fused: bool) -> Option<Result<(), String>> {
    let parameters = formula::parameters(&graph.graph, &[]);
    let mut weights = |key: &str| Ok(parameters.get(key).expect("a parameter").data().to_vec());
    let back = match imported(&exported(graph, fused), None, &NoExternalData, &mut weights) {
        Ok(back) => back,
        Err(Refusal::Unsaid(_)) => return None,
        Err(refusal) => return Some(Err(format!("{refusal:?}"))),
    };
    let mut theirs = Parameters::default();
    for (key, number) in &back.written.tensors {
        let tensor = &back.tensors[*number];
        let values = tensor.floats(&NoExternalData).expect("values");
        theirs.insert(key.as_str(), Tensor::new(tensor.shape(), values).expect("a tensor"));
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
