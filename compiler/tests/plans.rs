//! Every network that ships is planned, and what is left of those whose kernels can be counted is counted.

mod common;

use cnnc_compiler::compile;
use cnnc_compiler::diagnostic::{Code, Diagnostic, Problems};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::infer::infer;
use cnnc_compiler::kernels::Gemm;
use cnnc_compiler::passes::Note;
use cnnc_compiler::plan::{Operation, Plan, Target};
use cnnc_compiler::resolve::{Request, Sources, load, resolve};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::span::Files;
use common::{Disk, MODELS};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Memory(&'static str);

impl Sources for Memory {
    fn read(&self, path: &str, _importer: Option<&str>) -> Result<(String, String), String> {
        Ok((path.to_owned(), self.0.to_owned()))
    }
}

fn shaped(sources: &dyn Sources, path: &str, model: Option<&str>) -> ShapedGraph {
    let (mut files, mut problems) = (Files::default(), Problems::default());
    let loaded = load(path, sources, &mut files, &mut problems);
    let request = Request { model: model.map(str::to_owned), ..Request::default() };
    let graph = resolve(&loaded, &request, &mut files, sources, &mut problems);
    let shaped = graph.ok().and_then(|graph| infer(graph, &mut problems).ok());
    let problems = problems.into_sorted();
    shaped.filter(|_| problems.is_empty()).unwrap_or_else(|| panic!("{path}: {problems:#?}"))
}

/// One example at a time, at the smallest sizes that fit.
fn smallest(graph: &ShapedGraph) -> Bindings {
    graph.sizes.symbols.iter().map(|symbol| (symbol.name.to_string(), symbol.start as usize)).collect()
}

fn compiled(file: &str, model: Option<&str>) -> (Plan, Vec<Note>) {
    compiled_for(&Target::reference(), file, model)
}

fn compiled_for(target: &Target, file: &str, model: Option<&str>) -> (Plan, Vec<Note>) {
    let graph = shaped(&Disk, &format!("{MODELS}/{file}"), model);
    compile(&graph, &smallest(&graph), target).unwrap_or_else(|error| panic!("{file}: {error:?}"))
}

/// How often each kernel occurs: `conv 20, gemm 1`.
fn counts(plan: &Plan) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for step in &plan.run {
        *counts.entry(step.operation.name()).or_default() += 1;
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn specs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of specs") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() && !path.ends_with("blocks") {
            specs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "cnn") {
            found.push(path);
        }
    }
}

#[test]
fn every_network_that_ships_has_a_plan() {
    let mut found = Vec::new();
    specs(Path::new(MODELS), &mut found);
    assert!(found.len() > 40, "{found:?}");
    for path in found {
        let graph = shaped(&Disk, path.to_str().unwrap(), None);
        for target in [Target::reference(), Target::blocked()] {
            if let Err(error) = compile(&graph, &smallest(&graph), &target) {
                panic!("{}: {error:?}", path.display());
            }
        }
    }
}

#[test]
fn networks_are_fused_as_far_as_the_rules_allow() {
    let lines = [
        ("lenet.cnn", None),
        ("vgg.cnn", Some("VGG11")),
        ("resnet18.cnn", None),
        ("torchvision/resnet50.cnn", None),
        ("torchvision/resnext50_32x4d.cnn", None),
        ("torchvision/mobilenet_v2.cnn", None),
        ("torchvision/mobilenet_v3_small.cnn", None),
        ("torchvision/efficientnet_b0.cnn", None),
        ("torchvision/squeezenet1_1.cnn", None),
        ("torchvision/googlenet.cnn", None),
        ("torchvision/densenet121.cnn", None),
        ("torchvision/shufflenet_v2_x1_0.cnn", None),
        ("unet.cnn", None),
        ("yolov3.cnn", None),
    ];
    let lines = lines.map(|(file, model)| {
        let (plan, _) = compiled(file, model);
        format!("{:3} {}: {}", plan.run.len(), model.unwrap_or(file), counts(&plan))
    });
    insta::assert_snapshot!(lines.join("\n"), @r"
      7 lenet.cnn: conv 2, gemm 3, pool_mean 2
     16 VGG11: conv 8, gemm 3, pool_max 5
     23 resnet18.cnn: conv 20, gemm 1, pool_max 1, pool_mean 1
     56 torchvision/resnet50.cnn: conv 53, gemm 1, pool_max 1, pool_mean 1
     56 torchvision/resnext50_32x4d.cnn: conv 53, gemm 1, pool_max 1, pool_mean 1
     54 torchvision/mobilenet_v2.cnn: conv 52, gemm 1, pool_mean 1
     73 torchvision/mobilenet_v3_small.cnn: conv 52, gemm 2, map 9, pool_mean 10
    115 torchvision/efficientnet_b0.cnn: conv 81, gemm 1, map 16, pool_mean 17
     30 torchvision/squeezenet1_1.cnn: conv 26, pool_max 3, pool_mean 1
     72 torchvision/googlenet.cnn: conv 57, gemm 1, pool_max 13, pool_mean 1
    188 torchvision/densenet121.cnn: conv 120, gemm 1, map 62, pool_max 1, pool_mean 4
     88 torchvision/shufflenet_v2_x1_0.cnn: conv 56, gemm 1, map 29, pool_max 1, pool_mean 1
     27 unet.cnn: conv 19, conv_data 4, pool_max 4
     77 yolov3.cnn: conv 75, resample 2
    ");
}

/// What a plan with channels in blocks has beside the heavy kernels: images change their layout at the edges alone.
#[test]
fn channels_stay_in_blocks() {
    let files = [
        "lenet.cnn",
        "vgg.cnn",
        "resnet18.cnn",
        "torchvision/resnext50_32x4d.cnn",
        "torchvision/mobilenet_v2.cnn",
        "torchvision/mobilenet_v3_small.cnn",
        "torchvision/squeezenet1_1.cnn",
        "torchvision/googlenet.cnn",
        "torchvision/densenet121.cnn",
        "torchvision/shufflenet_v2_x1_0.cnn",
        "unet.cnn",
        "yolov3.cnn",
    ];
    let lines = files.map(|file| format!("{file}: {}", counts(&compiled_for(&Target::blocked(), file, None).0)));
    insta::assert_snapshot!(lines.join("\n"), @r"
    lenet.cnn: conv 2, gemm 3, pool_mean 2
    vgg.cnn: conv 8, gemm 3, pool_max 5
    resnet18.cnn: conv 20, gemm 1, pool_max 1, pool_mean 1
    torchvision/resnext50_32x4d.cnn: conv 53, gemm 1, pool_max 1, pool_mean 1
    torchvision/mobilenet_v2.cnn: conv 52, gemm 1, pool_mean 1
    torchvision/mobilenet_v3_small.cnn: conv 52, gemm 2, map 9, pool_mean 10
    torchvision/squeezenet1_1.cnn: conv 26, pool_max 3, pool_mean 1
    torchvision/googlenet.cnn: conv 57, gemm 1, pool_max 13, pool_mean 1
    torchvision/densenet121.cnn: conv 120, gemm 1, map 62, pool_max 1, pool_mean 4
    torchvision/shufflenet_v2_x1_0.cnn: conv 56, gemm 1, map 48, pool_max 1, pool_mean 1, reorder 35
    unet.cnn: conv 19, conv_data 4, pool_max 4, reorder 1
    yolov3.cnn: conv 75, reorder 2, resample 2
    ");
}

#[test]
fn normalisation_activation_sum_and_dropout_leave_no_step() {
    for (file, model, steps) in [("lenet.cnn", None, 7), ("vgg.cnn", Some("VGG11"), 16), ("resnet18.cnn", None, 23)] {
        let (plan, _) = compiled(file, model);
        assert_eq!(plan.run.len(), steps, "{file}");
        assert!(!plan.run.iter().any(|step| matches!(step.operation, Operation::Map(_) | Operation::Pad(_))), "{file}");
    }
}

#[test]
fn what_is_copied_into_concatenations_is_said() {
    let copies = |file| compiled(file, None).1.into_iter().filter(|note| note.pass == "plan").count();
    assert_eq!(copies("torchvision/densenet121.cnn"), 0);
    assert_eq!(copies("torchvision/googlenet.cnn"), 0);
    assert_eq!(copies("torchvision/shufflenet_v2_x1_0.cnn"), 13 + 16, "the untouched halves, and the shuffles");
}

const HALVED: &str = "model Halved {
    input [N, 1, H, W]
    Conv2d(4, kernel_size=3, padding=1)
    sum { Identity; { MaxPool2d(2, stride=2); Upsample(scale_factor=2) } }
}";

fn refused(sizes: &[(&str, usize)]) -> Diagnostic {
    let graph = shaped(&Memory(HALVED), "halved.cnn", None);
    let bindings: Bindings = sizes.iter().map(|&(name, size)| (name.to_owned(), size)).collect();
    *compile(&graph, &bindings, &Target::reference()).expect_err("sizes that do not fit")
}

#[test]
fn every_symbol_needs_a_size() {
    let error = refused(&[("N", 1), ("H", 8)]);
    assert_eq!((error.code, error.message.as_str()), (Code::E402, "the size of `W` is not known"));
    assert_eq!(error.help, ["give the input's sizes, for example `--input-shape 1,1,224,224`"]);
}

#[test]
fn sizes_must_fit_the_network() {
    let error = refused(&[("N", 1), ("H", 7), ("W", 8)]);
    assert_eq!((error.code, error.message.as_str()), (Code::E308, "the network does not work with H = 7"));
    assert_eq!(error.notes, ["H = 7 must equal 2*(H//2) = 6"]);
    assert_eq!(error.help, ["next is H = 6 or 8", "sizes that work are H and W: any multiple of 2 from 2 up"]);
    assert_eq!(refused(&[("N", 0), ("H", 8), ("W", 8)]).code, Code::E308);
}

#[test]
fn sizes_past_counting_are_past_memory() {
    for size in [1 << 20, 1 << 40, usize::MAX & !1] {
        let error = refused(&[("N", 1), ("H", size), ("W", size)]);
        assert!(matches!(error.code, Code::E401 | Code::E308), "{size}: {error:?}");
    }
    let error = refused(&[("N", 2000), ("H", 512), ("W", 512)]);
    assert_eq!(error.code, Code::E401);
    assert!(error.message.contains("17.2 GB (17,179,869,184 bytes)"), "{}", error.message);
}

#[test]
fn a_join_may_have_any_number_of_branches() {
    const WIDE: &str = "model Wide { input [1, 4]; sum { for i in 0..5000 { Linear(4) } } }";
    let graph = shaped(&Memory(WIDE), "wide.cnn", None);
    let (plan, _) = compile(&graph, &smallest(&graph), &Target::reference()).unwrap();
    assert_eq!(plan.run.iter().filter(|step| matches!(step.operation, Operation::Gemm(_))).count(), 5000);
}

#[test]
fn a_transposed_weight_is_read_where_it_lies() {
    const AUTOENCODER: &str = "model Autoencoder {
        input [N, 4]
        encoder: Linear(3, bias=false)
        ReLU
        Linear(4, bias=false, weight=encoder.weight.T)
    }";
    let graph = shaped(&Memory(AUTOENCODER), "autoencoder.cnn", None);
    let (plan, _) = compile(&graph, &smallest(&graph), &Target::reference()).unwrap();
    assert_eq!((plan.parameters.len(), plan.prepare.len(), plan.run.len()), (1, 0, 2));
    assert_eq!(plan.run[1].operation, Operation::Gemm(Gemm { transpose_a: false, transpose_b: false }));
    assert_eq!(&*plan.run[1].origins[0], "2 Linear");
}
