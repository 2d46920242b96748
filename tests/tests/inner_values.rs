//! Inner values, and the arithmetic behind single numbers: held to what PyTorch's forward hooks see of ten networks, and to an
//! evaluation that shares no code with kernels.

use cnnc_compiler::graph::ModuleKind;
use cnnc_runtime::{Device, Model, PrepareOptions, Tensor, Weights};
use cnnc_tests::evaluation::{Mode, evaluate};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::formula::{self, Factors};
use serde_json::Value;

/// What values by float32 may differ by, as a share of a value's largest element.
const TOLERANCE: f64 = 2e-5;

/// What float64 may differ by where sums are made in another order.
const EXACT: f64 = 1e-12;

/// A model's parameters by the tests' formula.
fn weights(model: &Model, factors: &Factors) -> Weights {
    let mut weights = model.init(0).expect("parameters");
    for parameter in model.graph().graph.parameters.iter().filter(|parameter| !parameter.is_counter) {
        let values = formula::tensor(&parameter.path, &parameter.shape, factors);
        weights.set(&parameter.path, &values).expect("the same sizes");
    }
    weights
}

fn model_of(net: &Value) -> Model {
    let builder = Model::builder();
    let builder = match net["model"].as_str().unwrap_or_default() {
        "" => builder,
        name => builder.model(name),
    };
    builder.file(format!("../models/{}", net["file"].as_str().expect("a file"))).expect("a model")
}

fn factors(net: &Value) -> Vec<(String, f64)> {
    let pairs = net["factors"].as_array().expect("factors").iter();
    pairs.map(|pair| (pair[0].as_str().expect("a suffix").to_owned(), pair[1].as_f64().expect("a factor"))).collect()
}

#[test]
fn inner_values_are_those_that_pytorchs_hooks_see() {
    let fixture = &Fixture::all("inner_values")[0];
    let nets = fixture.json("nets");
    let (mut compared, mut wrong) = (0, String::new());
    for net in nets.as_array().expect("networks") {
        let model = model_of(net);
        let factors = factors(net);
        let weights = weights(&model, &factors);
        let shape = sizes(&net["input"]);
        let input: Tensor = formula::tensor("input", &shape, &[]);
        let modules = net["modules"].as_array().expect("modules");
        let known = |path: &str| {
            model.graph().graph.modules.iter().any(|module| &*module.path == path && module.output.is_some())
        };
        let paths: Vec<&str> =
            modules.iter().filter_map(|module| module["path"].as_str()).filter(|path| known(path)).collect();
        assert!(2 * paths.len() > modules.len(), "{}: only {} of {} paths", net["name"], paths.len(), modules.len());
        let options = paths.iter().fold(PrepareOptions::default(), |options, path| options.tap(path));
        let prepared = model.prepare(&weights, &Device::default(), options).expect("a plan");
        let mut session = prepared.session();
        let outputs = session.run(&[input]).expect("answers");
        let elements = fixture.tensor(net["name"].as_str().expect("a name")).1;
        let mut first = 0;
        for module in modules {
            let count = module["elements"].as_u64().expect("a count") as usize;
            let expected = &elements[first..first + count];
            first += count;
            let path = module["path"].as_str().expect("a path");
            let Some(found) = outputs.get(path).filter(|_| known(path)) else { continue };
            let shape = sizes(&module["shape"]);
            assert_eq!(found.shape(), shape, "{} {path}", net["name"]);
            let all: usize = shape.iter().product();
            let step = all.div_ceil(24).max(1);
            let largest = expected.iter().fold(1e-3f64, |largest, value| largest.max(value.abs()));
            let found = found.data().iter().step_by(step).map(|&value| f64::from(value));
            let off = found.zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max);
            if off > TOLERANCE * largest {
                wrong += &format!("{} {path}: off by {:.1e}\n", net["name"], off / largest);
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(compared > 250, "{compared} values");
}

/// Layers of every kind of arithmetic, and the input of each.
const LAYERS: &[(&str, &[usize])] = &[
    ("Conv2d(3, kernel_size=2)", &[1, 2, 4, 5]),
    ("Conv2d(4, kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2), groups=2)", &[2, 4, 5, 6]),
    ("Conv1d(3, kernel_size=3, padding=1)", &[1, 2, 6]),
    ("Conv3d(2, kernel_size=2)", &[1, 2, 3, 3, 3]),
    ("ConvTranspose2d(4, kernel_size=3, stride=2, padding=1, groups=2)", &[1, 4, 3, 4]),
    ("Linear(5)", &[2, 7]),
    ("MaxPool2d(3, stride=2, padding=1)", &[1, 2, 5, 6]),
    ("AvgPool2d(3, stride=2, padding=1, ceil_mode=true)", &[1, 2, 6, 5]),
    ("AdaptiveAvgPool2d((2, 3))", &[1, 2, 5, 7]),
    ("SoftPool2d(2)", &[1, 2, 4, 4]),
    ("LPPool2d(2.0, 2)", &[1, 2, 4, 4]),
    ("BatchNorm2d", &[2, 3, 3, 2]),
    ("GroupNorm(2)", &[1, 4, 3, 3]),
    ("LayerNorm", &[2, 3, 6]),
    ("LocalResponseNorm(3)", &[1, 5, 2, 2]),
    ("Softmax(1)", &[2, 6]),
    ("GELU", &[2, 3]),
    ("Hardswish", &[2, 3, 2]),
    ("Upsample(scale_factor=2, mode=\"bilinear\")", &[1, 2, 3, 4]),
    ("Upsample(scale_factor=2, mode=\"bicubic\")", &[1, 1, 3, 4]),
    ("PixelShuffle(2)", &[1, 4, 2, 3]),
    ("ReflectionPad2d(2)", &[1, 1, 4, 4]),
    ("ZeroPad2d((1, 0, 2, -1))", &[1, 2, 3, 3]),
    ("Roll((1, 2), (2, 3))", &[1, 2, 3, 4]),
    ("Unfold(2)", &[1, 2, 3, 3]),
    ("MultiheadAttention(2)", &[2, 3, 4]),
];

#[test]
fn explained_numbers_are_those_of_an_evaluation_in_float64() {
    for (layer, shape) in LAYERS {
        let text = format!("model Case {{\n    input {shape:?}\n    layer: {layer}\n}}\n");
        let model = Model::from_text("case.cnn", &text).expect("a model");
        let weights = weights(&model, &[]);
        let input: Tensor = formula::tensor("input", shape, &[]);
        let parameters = formula::parameters(&model.graph().graph, &[]);
        let expected = &evaluate(model.graph(), &parameters, std::slice::from_ref(&input), Mode::Inference).outputs[0];
        let largest = expected.elements.iter().fold(1e-6f64, |largest, number| largest.max(number.value().abs()));
        let count = expected.elements.len();
        for number in (0..count).step_by((count / 12).max(1)) {
            let index = cnnc_compiler::kernels::index_of(number, &expected.shape);
            let inputs = std::slice::from_ref(&input);
            let explained = model.explain("layer", &index, inputs, &weights, &Device::default());
            let explained = explained.unwrap_or_else(|error| panic!("{layer}: {error}"));
            let found = explained.steps.last().expect("a step").number;
            let exact = expected.elements[number].value();
            assert!((found - exact).abs() <= EXACT * largest, "{layer} {index:?}: {found} and {exact}");
            let off = (f64::from(explained.computed) - exact).abs();
            assert!(off <= TOLERANCE * largest, "{layer} {index:?}: the run gave {}", explained.computed);
        }
    }
}

#[test]
fn whole_networks_are_explained_layer_by_layer() {
    let model = Model::from_file("../models/resnet18.cnn").expect("a model");
    let weights = weights(&model, &[]);
    let input: Tensor = formula::tensor("input", &[1, 1, 32, 32], &[]);
    let model = Model::builder().input_shapes(&[&[1, 1, 32, 32]]).file("../models/resnet18.cnn").unwrap_or(model);
    let layers = model.graph().graph.modules.iter().filter(|module| matches!(module.kind, ModuleKind::Layer(_)));
    let paths: Vec<String> = layers.map(|module| module.path.to_string()).collect();
    for path in paths.iter().step_by(5) {
        let rank =
            model.graph().graph.modules.iter().find(|module| *module.path == **path).and_then(|module| module.output);
        let rank = rank.map_or(0, |node| model.graph().shape(node).rank());
        let explained = model.explain(path, &vec![0; rank], std::slice::from_ref(&input), &weights, &Device::default());
        let explained = explained.unwrap_or_else(|error| panic!("{path}: {error}"));
        let exact = explained.steps.last().expect("a step").number;
        assert!((f64::from(explained.computed) - exact).abs() <= 1e-5 * exact.abs().max(1.0), "{path}");
    }
}

#[test]
fn places_that_are_not_there_are_told() {
    let model = Model::from_text("case.cnn", "model Case { input [N, 2, 4, 4]\nConv2d(3, 3) }").expect("a model");
    let (weights, input) = (weights(&model, &[]), formula::tensor("input", &[1, 2, 4, 4], &[]));
    let said = |path: &str, index: &[usize]| {
        let told = model.explain(path, index, std::slice::from_ref(&input), &weights, &Device::default());
        told.expect_err("no such element").to_string()
    };
    assert!(said("0", &[0, 3, 0, 0]).contains("lies outside"), "{}", said("0", &[0, 3, 0, 0]));
    assert!(said("0", &[0]).contains("has 1 numbers, not 4"), "{}", said("0", &[0]));
    assert!(said("1", &[0]).contains("no layer or block `1`"));
}
