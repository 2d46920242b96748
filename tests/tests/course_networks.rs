//! The blocks and networks of the course, from the specs that ship: shapes, names, printed forms, first values.

use cnnc_compiler::summary::{ReceptiveField, Seen, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::{Parameters, Tensor, random};
use cnnc_tests::{answer, answers, network, printed};

/// What `summary --format torch` prints, a layer and its sizes a line.
fn torch_lines(rows: &[(&str, &str)]) -> String {
    rows.iter().map(|(layer, sizes)| format!("{layer} output shape:\ttorch.Size([{sizes}])\n")).collect()
}

fn torch(file: &str, arguments: &[&str]) -> String {
    let file = format!("../models/{file}");
    printed(&[&["summary", &file, "--format", "torch"], arguments].concat())
}

/// The keys and sizes of a network.
fn keys(file: &str) -> Vec<(String, Vec<usize>)> {
    let network = network(&format!("../models/{file}"), None);
    network.graph.parameters.iter().map(|one| (one.path.to_string(), one.shape.clone())).collect()
}

#[test]
fn perceptron() {
    let net = network("../models/mlp.cnn", None);
    assert_eq!(answer(&net, &random::input("x", &[2, 20], 0)).shape(), [2, 10]);
}

#[test]
fn parameters_have_names() {
    let named = |path: &str, shape: &[usize]| (path.to_owned(), shape.to_vec());
    assert_eq!(
        keys("named_parameters.cnn"),
        [named("0.weight", &[8, 4]), named("0.bias", &[8]), named("2.weight", &[1, 8]), named("2.bias", &[1])]
    );
    let one = printed(&["params", "../models/named_parameters.cnn", "2.bias"]);
    assert!(one.starts_with("2.bias [1]\n[") && one.lines().count() == 2, "{one}");
    let layer = printed(&["params", "../models/named_parameters.cnn", "2"]);
    assert!(layer.starts_with("2.weight [1, 8]\n[["), "{layer}");
    assert!(layer.contains("2.bias [1]\n["), "{layer}");
}

#[test]
fn nested_blocks() {
    let tree = printed(&["summary", "../models/nested_blocks.cnn", "--format", "tree"]);
    let block = |name: &str| {
        format!(
            "    (block {name}): Block1(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=4, bias=True)
      (3): ReLU()
    )\n"
        )
    };
    let blocks: String = ["0", "1", "2", "3"].map(block).concat();
    let last = "  (1): Linear(in_features=4, out_features=1, bias=True)\n";
    assert_eq!(tree, format!("NestedBlocks(\n  (0): Block2(\n{blocks}  )\n{last})\n"));

    let by_name = printed(&["params", "../models/nested_blocks.cnn", "0.block 1.0.bias"]);
    let by_position = printed(&["params", "../models/nested_blocks.cnn", "[0][1][0].bias"]);
    assert!(by_name.starts_with("0.block 1.0.bias [8]\n"), "{by_name}");
    assert_eq!(by_name, by_position);
}

#[test]
fn built_in_initialisers() {
    let drawn = |model: &str| {
        let net = network("../models/initialisers.cnn", Some(model));
        Parameters::draw(&net.graph, 0).expect("parameters")
    };
    let data = |parameters: &Parameters, key: &str| parameters.get(key).expect("the parameter").data().to_vec();

    let normal = drawn("Normal");
    let weights = data(&normal, "net.0.weight");
    let mean = weights.iter().sum::<f32>() / weights.len() as f32;
    let variance = weights.iter().map(|weight| (weight - mean).powi(2)).sum::<f32>() / weights.len() as f32;
    assert!(mean.abs() < 0.005 && (0.006..0.014).contains(&variance.sqrt()), "mean {mean}, variance {variance}");
    assert!(data(&normal, "net.0.bias").iter().all(|&bias| bias == 0.0));

    let constant = drawn("Constant");
    assert!(data(&constant, "net.0.weight").iter().all(|&weight| weight == 1.0));
    assert!(data(&constant, "net.2.bias").iter().all(|&bias| bias == 0.0));

    let both = drawn("XavierAndConstant");
    let bound = (6.0f32 / (4.0 + 8.0)).sqrt();
    let weights = data(&both, "net.0.weight");
    assert!(
        weights.iter().all(|weight| weight.abs() <= bound) && weights.iter().any(|weight| weight.abs() > 0.5 * bound)
    );
    assert!(data(&both, "net.2.weight").iter().all(|&weight| weight == 42.0));

    let everywhere = drawn("XavierEverywhere");
    let bound = (6.0f32 / (9.0 + 4.0 * 9.0)).sqrt();
    assert!(data(&everywhere, "0.weight").iter().all(|weight| weight.abs() <= bound));
}

#[test]
fn tied_layers_share_their_parameters() {
    let net = network("../models/tied.cnn", None);
    let keys: Vec<&str> = net.graph.parameters.iter().map(|one| one.path.as_ref()).collect();
    assert_eq!(keys, ["0.weight", "0.bias", "2.weight", "2.bias", "6.weight", "6.bias"]);
    let aliases: Vec<&str> = net.graph.parameters[2].aliases.iter().map(AsRef::as_ref).collect();
    assert_eq!(aliases, ["4.weight"]);
    assert_eq!(summarize(&net, &Bindings::new(), None).totals.cost.parameters, 121);

    // Twice the identity less one: x is shifted down and cut off at zero by both uses.
    let mut parameters = Parameters::draw(&net.graph, 0).expect("parameters");
    let filled = |shape: &[usize], value| Tensor::filled(shape, value);
    parameters.insert("0.weight", filled(&[8, 4], 0.0));
    parameters.insert("0.bias", filled(&[8], 3.0));
    let mut identity = filled(&[8, 8], 0.0);
    (0..8).for_each(|index| identity.data_mut()[index * 9] = 1.0);
    parameters.insert("2.weight", identity);
    parameters.insert("2.bias", filled(&[8], -1.0));
    parameters.insert("6.weight", filled(&[1, 8], 1.0));
    parameters.insert("6.bias", filled(&[1], 0.0));
    assert_eq!(answers(&net, &parameters, &[filled(&[1, 4], 7.0)])[0].data(), [8.0]);
}

#[test]
fn shapes_are_lazy() {
    let plain = printed(&["summary", "../models/lenet.cnn", "--model", "PlainLeNet", "--format", "tree"]);
    assert!(plain.contains("Linear(in_features=256, out_features=120, bias=True)"), "{plain}");
    let text = std::fs::read_to_string("../models/lenet.cnn").expect("the spec");
    assert!(!text.contains("256"), "the spec itself does not say it");
}

#[test]
fn receptive_fields() {
    let summary = summarize(&network("../models/lenet.cnn", None), &Bindings::new(), None);
    let square = |size| Some(ReceptiveField { height: Seen::Elements(size), width: Seen::Elements(size) });
    let whole = Some(ReceptiveField { height: Seen::Whole, width: Seen::Whole });
    let fields: Vec<_> = summary.rows.iter().map(|row| row.receptive_field).collect();
    let expected: Vec<_> = [5, 5, 6, 14, 14, 16, 16].map(square).into_iter().chain([whole; 5]).collect();
    assert_eq!(fields, expected);
    // Paths of 1, 3, 5 and a 3×3 pooling: the union is the largest, for all lie around the same pixel.
    let inception = summarize(&network("../models/inception_block.cnn", None), &Bindings::new(), None);
    assert_eq!(inception.totals.receptive_field, square(5));
    // As published for VGG-16: 212 behind the last pooling (Araujo, Norris and Sim 2019).
    let vgg = summarize(&network("../models/torchvision/vgg16.cnn", None), &Bindings::new(), Some(1));
    assert_eq!(vgg.rows.first().and_then(|features| features.receptive_field), square(212));
}

#[test]
fn lenet() {
    let layers = |activation, pooling| {
        torch_lines(&[
            ("Conv2d", "1, 6, 28, 28"),
            (activation, "1, 6, 28, 28"),
            (pooling, "1, 6, 14, 14"),
            ("Conv2d", "1, 16, 10, 10"),
            (activation, "1, 16, 10, 10"),
            (pooling, "1, 16, 5, 5"),
            ("Flatten", "1, 400"),
            ("Linear", "1, 120"),
            (activation, "1, 120"),
            ("Linear", "1, 84"),
            (activation, "1, 84"),
            ("Linear", "1, 10"),
        ])
    };
    assert_eq!(torch("lenet.cnn", &[]), layers("Sigmoid", "AvgPool2d"));
    assert_eq!(torch("lenet.cnn", &["--model", "ModernLeNet"]), layers("ReLU", "MaxPool2d"));
    let plain = torch("lenet.cnn", &["--model", "PlainLeNet"]);
    let rows: Vec<&str> = plain.lines().collect();
    assert!(rows[2].ends_with("[1, 6, 12, 12])") && rows[5].ends_with("[1, 16, 4, 4])"), "{plain}");
    assert!(rows[6].ends_with("[1, 256])"), "{plain}");
}

#[test]
fn vgg() {
    let rows = torch_lines(&[
        ("Sequential", "1, 64, 112, 112"),
        ("Sequential", "1, 128, 56, 56"),
        ("Sequential", "1, 256, 28, 28"),
        ("Sequential", "1, 512, 14, 14"),
        ("Sequential", "1, 512, 7, 7"),
        ("Flatten", "1, 25088"),
        ("Linear", "1, 4096"),
        ("ReLU", "1, 4096"),
        ("Dropout", "1, 4096"),
        ("Linear", "1, 4096"),
        ("ReLU", "1, 4096"),
        ("Dropout", "1, 4096"),
        ("Linear", "1, 10"),
    ]);
    assert_eq!(torch("vgg.cnn", &[]), rows);
    assert_eq!(torch("vgg.cnn", &["--model", "VGG16"]), rows);
    assert_eq!(torch("vgg.cnn", &["--model", "VGG19"]), rows);
    let convolutions = |model| {
        let summary = summarize(&network("../models/vgg.cnn", Some(model)), &Bindings::new(), None);
        summary.rows.iter().filter(|row| &*row.layer == "Conv2d").count()
    };
    assert_eq!(["VGG11", "VGG16", "VGG19", "VGGSmall"].map(convolutions), [8, 13, 16, 8]);
}

#[test]
fn first_vgg_block() {
    let tree = printed(&["summary", "../models/vgg_block.cnn", "--format", "tree"]);
    let expected = "VGGBlock(
  (0): Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (1): ReLU()
  (2): Conv2d(64, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (3): ReLU()
  (4): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
)\n";
    assert_eq!(tree, expected);
}

#[test]
fn residual_blocks() {
    let shape = |file: &str, model: Option<&str>, input: &[usize]| {
        answer(&network(&format!("../models/{file}"), model), &random::input("x", input, 0)).shape().to_vec()
    };
    assert_eq!(shape("residual_block.cnn", None, &[4, 3, 6, 6]), [4, 3, 6, 6]);
    assert_eq!(shape("residual_block.cnn", Some("ProjectedResidualBlock"), &[4, 3, 6, 6]), [4, 6, 3, 3]);
    assert_eq!(shape("residual_plain.cnn", None, &[1, 64, 56, 56]), [1, 64, 56, 56]);
    assert_eq!(shape("resnext_block.cnn", None, &[4, 32, 96, 96]), [4, 32, 96, 96]);
    assert_eq!(shape("resnext_block.cnn", Some("ProjectedResNeXtBlock"), &[4, 32, 96, 96]), [4, 32, 48, 48]);
}

#[test]
fn the_resnext_block_normalises_every_convolution() {
    let projected =
        printed(&["summary", "../models/resnext_block.cnn", "--model", "ProjectedResNeXtBlock", "--format", "tree"]);
    let grouped = "(conv2): Conv2d(32, 32, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=2)";
    assert!(projected.contains(grouped), "{projected}");
    assert_eq!(projected.matches("BatchNorm2d(32").count(), 4, "{projected}");
}

#[test]
fn resnet18() {
    let rows = [
        ("Sequential", "1, 64, 24, 24"),
        ("Sequential", "1, 64, 24, 24"),
        ("Sequential", "1, 128, 12, 12"),
        ("Sequential", "1, 256, 6, 6"),
        ("Sequential", "1, 512, 3, 3"),
        ("Sequential", "1, 10"),
    ];
    assert_eq!(torch("resnet18.cnn", &[]), torch_lines(&rows));
}

#[test]
fn the_inception_block_joins_its_paths_along_channels() {
    assert_eq!(torch("inception_block.cnn", &[]), torch_lines(&[("Inception", "1, 256, 28, 28")]));
}
