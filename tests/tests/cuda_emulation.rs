//! The generated CUDA C, executed on the processor: every kernel, layer, gradient and some networks against the reference
//! kernels.
//!
//! Compilation is most of the time, so many cases share a file. Where there is no C++ compiler nothing is tested, and said so.

use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::kernels::{Expression, Gemm, KernelGraph};
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Operation, Step, Storage, View, plan};
use cnnc_compiler::training::{Adam, Loss, Optimiser, SumOrMean, Training, loss_and_gradients, names, training_step};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::cpu::initial_state;
use cnnc_runtime::cuda::program::{Entry, Options, Precision, Program, Task, target};
use cnnc_runtime::doctor::GRID;
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::emulation::{Case, compiler, single, tolerance, wrong, wrong_programs};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::kernel_cases::{convolutions, counters, dense, maps, moves, poolings, products, reductions};
use cnnc_tests::{formula, network_of_text};
use std::sync::Arc;

/// Memory that no case comes near.
const MEMORY: u64 = 16 << 30;

/// Cases of a file: compilers take longer than in proportion for large ones.
const TOGETHER: usize = 60;

/// Executes cases, and fails with all that is wrong.
fn none_wrong(cases: &[Case], options: &Options) {
    let Some(compiler) = compiler() else { return };
    let tolerance = |step: &Step| tolerance(step, options.precision).0;
    let wrong = |cases| wrong(&compiler, &[], cases, options, &tolerance);
    let all: Vec<String> = cases.chunks(TOGETHER).flat_map(wrong).collect();
    assert!(all.is_empty(), "{} wrong:\n{}", all.len(), all.join("\n"));
}

#[test]
fn kernels_of_products() {
    none_wrong(&[convolutions(), products()].concat(), &Options::default());
}

/// On tensor cores: the same kernels as in float32, and a training step.
#[test]
fn products_in_tf32() {
    let mut cases = [convolutions(), products()].concat();
    cases.extend(training_steps("LeNet", LENET, [2, 1, 28, 28]));
    none_wrong(&cases, &Options { precision: Precision::Tf32, ..Options::default() });
}

/// Two elements to a word.
#[test]
fn products_in_fp16_and_bf16() {
    for precision in [Precision::Fp16, Precision::Bf16] {
        none_wrong(&products(), &Options { precision, ..Options::default() });
    }
    none_wrong(&convolutions(), &Options { precision: Precision::Bf16, ..Options::default() });
}

/// Whole numbers that eight bits hold, each once: wherever an element of a fragment is taken for another, a sum differs.
#[test]
fn fragments_hold_the_elements_that_instructions_multiply() {
    let Some(compiler) = compiler() else { return };
    for (precision, depth) in [(Precision::Tf32, 8), (Precision::Fp16, 16), (Precision::Bf16, 16)] {
        let (a, b) = ([16, depth], [depth, 8]);
        let kernel = Operation::Gemm(Gemm { transpose_a: false, transpose_b: false });
        let plan = single(
            kernel,
            &[dense(0, &a), dense(1, &b)],
            2,
            None,
            View::dense(Storage::Arena, ElementType::Float32, 0, &[16, 8]),
        );
        let counted = |shape: [usize; 2]| {
            let values = (0..shape[0] * shape[1]).map(|value| value as f32).collect();
            Tensor::new(&shape, values).expect("a number each")
        };
        let inputs = [a, b]
            .map(counted)
            .map(|tensor| Tensor::new(&[tensor.data().len()], tensor.data().to_vec()).expect("a line"))
            .to_vec();
        let case =
            Case { name: precision.name().into(), plan, parameters: Parameters::default(), inputs, cancels: false };
        let found =
            wrong(&compiler, &[], std::slice::from_ref(&case), &Options { precision, ..Options::default() }, &|_| 0.0);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn kernels_of_poolings() {
    none_wrong(&poolings(), &Options::default());
}

#[test]
fn other_kernels() {
    none_wrong(&[reductions(), moves(), maps(), counters()].concat(), &Options::default());
}

/// What a mistake in a kernel looks like: wherever one is made by hand, the harness says so.
#[test]
fn a_wrong_kernel_is_found() {
    let Some(compiler) = compiler() else { return };
    let network = layer("Conv2d(20, kernel_size=3, padding=1); ReLU", &[2, 6, 9, 9]);
    let case = inference("a convolution".into(), &network, 1.0);
    let sound = case.program(&Options::default());
    let broken = [
        ("k / area * plane + y", "k / area * plane + 1 + y", "off by"),
        ("(Index)blockIdx.y * Tile::rows", "(Index)(blockIdx.y + 1) * Tile::rows", "off by"),
        ("();\n        __syncthreads();\n        begin(", "();\n        begin(", "off by"),
        ("__syncthreads();\n        begin(", "if (threadIdx.x < 32) __syncthreads();\n        begin(", "barrier"),
        ("copies_wait<AHEAD - 1>();", "", "before its copies have come"),
        (
            "copies_wait<AHEAD - 1>();\n        __syncthreads();",
            "__syncthreads();\n        copies_wait<AHEAD - 1>();",
            "off by",
        ),
        ("slot == 0 ? AHEAD : slot - 1", "slot", "off by"),
    ];
    for (right, mistake, said) in broken {
        assert!(sound.library.contains(right), "{right}");
        let program = Program { library: sound.library.replace(right, mistake), ..sound.clone() };
        let found = wrong_programs(&compiler, &[], std::slice::from_ref(&case), &[program], &|_| 1e-5);
        assert!(found.iter().any(|text| text.contains(said)), "{mistake}: {found:?}");
    }
}

/// Copies in groups: 32 floats singly, then 64 by fours, and nothing where a copy lies outside.
const COPIES: &str = "ENTRY(32) copies(const float* __restrict__ x, float* out) {
    alignas(16) __shared__ float shared[128];
    const int lane = threadIdx.x;
    copy_later<1>(shared + lane, x + lane, true);
    copies_end();
    if (lane < 16) copy_later<4>(shared + 32 + 4 * lane, x + 32 + 4 * lane, true);
    else if (lane < 24) copy_later<4>(shared + 32 + 4 * lane, x, false);
    copies_end();
    copies_wait<1>();
    out[lane] = shared[lane];
    copies_wait<0>();
    __syncthreads();
    for (int i = 32 + lane; i < 128; i += 32) out[i] = shared[i];
}

";

/// The shim's copies: sound ones bring what is asked, and what breaks their rules is found.
#[test]
fn copies_come_when_they_are_waited_for() {
    let Some(compiler) = compiler() else { return };
    let kernel = Operation::Map(Expression::operand(0).maximum(0.0));
    let plan =
        single(kernel, &[dense(0, &[128])], 1, None, View::dense(Storage::Arena, ElementType::Float32, 0, &[128]));
    let values = (0..128).map(|value| if value < 96 { value as f32 } else { -1.0 }).collect();
    let inputs = vec![Tensor::new(&[128], values).expect("a number each")];
    let case = Case { name: "copies".into(), plan, parameters: Parameters::default(), inputs, cancels: false };
    let mut sound = case.program(&Options::default());
    sound.run[0].task = Task::Entry { name: "copies".into(), grid: [1, 1, 1], block: [32, 1, 1] };
    for (right, mistake, said) in [
        ("", "", ""),
        ("copies_wait<1>();", "", "off by"),
        ("copies_wait<0>();", "", "before its copies have come"),
        ("copies_end();\n    copies_wait<1>", "copies_wait<1>", "copies of no group"),
        ("copies_wait<0>();\n    __syncthreads();", "__syncthreads();\n    copies_wait<0>();", "off by"),
        ("x + 32 + 4 * lane", "x + 31 + 4 * lane", "does not lie on its size"),
        ("shared + 32 + 4", "shared + 34 + 4", "does not lie on its size"),
    ] {
        let entry = Entry { name: "copies".into(), text: COPIES.replace(right, mistake) };
        let program = Program { entries: vec![entry], ..sound.clone() };
        let found = wrong_programs(&compiler, &[], std::slice::from_ref(&case), &[program], &|_| 0.0);
        let as_said = if said.is_empty() { found.is_empty() } else { found.iter().any(|text| text.contains(said)) };
        assert!(as_said, "{mistake}: {found:?}");
    }
}

/// A graph as a case, fused and planned for the device.
fn case(name: String, mut graph: KernelGraph, network: &ShapedGraph, input: &dyn Fn(&str, &[usize]) -> Tensor) -> Case {
    passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
    let plan = Arc::new(plan(&graph, &target(MEMORY)).unwrap_or_else(|failure| panic!("{failure:?}")));
    let parameters = initial_state(&plan, &formula::parameters(&network.graph, &[])).expect("a state");
    let inputs = plan.inputs.iter().map(|port| input(&port.name, &port.view.shape)).collect();
    Case { name, plan, parameters, inputs, cancels: false }
}

/// The inference of a spec.
fn inference(name: String, network: &ShapedGraph, reach: f32) -> Case {
    let graph = write_kernels(network, &Bindings::new()).unwrap_or_else(|failure| panic!("{failure:?}"));
    case(name, graph, network, &|name, shape| {
        let mut tensor = formula::tensor(name, shape, &[]);
        tensor.data_mut().iter_mut().for_each(|value| *value *= reach);
        tensor
    })
}

/// What a training step is given.
fn training_input(loss: &Loss, name: &str, shape: &[usize]) -> Tensor {
    match (name, loss) {
        (names::SEED, _) => Tensor::count(5),
        (names::STEP, _) => Tensor::count(7),
        (names::LEARNING_RATE, _) => Tensor::filled(&[], 0.1),
        (names::LABELS, Loss::CrossEntropy(_)) => {
            let labels = (0..shape.iter().product()).map(|row| (3 * row % 10) as f32).collect();
            Tensor::new(shape, labels).expect("a label each")
        }
        _ => formula::tensor(name, shape, &[]),
    }
}

fn layer(layers: &str, shape: &[usize]) -> ShapedGraph {
    network_of_text(&format!("model Case {{\n    input {shape:?}\n    {layers}\n}}\n"))
}

#[test]
fn layers() {
    let mut cases = Vec::new();
    for fixture in Fixture::all("layers") {
        for case in fixture.json("cases").as_array().expect("cases") {
            let (spec, shape) = (case["spec"].as_str().expect("a spec"), sizes(&case["input"]));
            cases.push(inference(format!("{spec} on {shape:?}"), &layer(spec, &shape), 1.0));
        }
    }
    for (spec, shape) in GRID.iter().flat_map(|subject| subject.cases) {
        cases.push(inference(format!("{spec} on {shape:?}"), &layer(spec, shape), 6.0));
    }
    none_wrong(&cases, &Options::default());
}

#[test]
fn gradients() {
    let fixtures = Fixture::all("gradients");
    let fixture = fixtures.iter().find(|fixture| fixture.name == "layers").expect("the layers");
    let loss = Loss::MeanSquaredError(SumOrMean::Sum);
    let cases = fixture.json("cases");
    let cases = cases.as_array().expect("cases").iter().map(|found| {
        let (spec, shape) = (found["spec"].as_str().expect("a spec"), sizes(&found["input"]));
        let network = layer(spec, &shape);
        let graph = loss_and_gradients(&network, &Bindings::new(), loss.clone())
            .unwrap_or_else(|failure| panic!("{failure:?}"));
        case(format!("gradient of {spec} on {shape:?}"), graph, &network, &|name, shape| {
            training_input(&loss, name, shape)
        })
    });
    none_wrong(&cases.collect::<Vec<_>>(), &Options::default());
}

/// A residual block of two widths, and a stage of a VGG, small.
const RESIDUAL: &str = "Conv2d(8, kernel_size=3, stride=2, padding=1); BatchNorm2d; ReLU
    sum {
        { Conv2d(16, kernel_size=3, stride=2, padding=1); BatchNorm2d; ReLU; Conv2d(16, kernel_size=3, padding=1); BatchNorm2d }
        { Conv2d(16, kernel_size=1, stride=2); BatchNorm2d }
    }
    ReLU; AdaptiveAvgPool2d(1); Flatten; Linear(10)";
const VGG: &str =
    "Conv2d(8, kernel_size=3, padding=1); ReLU; Conv2d(12, kernel_size=3, padding=1); ReLU; MaxPool2d(2, stride=2)
    Flatten; Linear(20); ReLU; Dropout(0.5); Linear(10)";
const LENET: &str = "Conv2d(6, kernel_size=5, padding=2); Sigmoid; AvgPool2d(2, stride=2)
    Conv2d(16, kernel_size=5); Sigmoid; AvgPool2d(2, stride=2)
    Flatten; Linear(120); Sigmoid; Linear(84); Sigmoid; Linear(10)";

/// Training steps by SGD and by Adam.
fn training_steps(name: &str, layers: &str, shape: [usize; 4]) -> Vec<Case> {
    let network = layer(layers, &shape);
    let loss = Loss::cross_entropy(0.1);
    let step = |optimiser| {
        let training = Training { loss: loss.clone(), optimiser, ..Training::plain() };
        let graph =
            training_step(&network, &Bindings::new(), &training).unwrap_or_else(|failure| panic!("{failure:?}"));
        let name = format!("training step of {name}");
        case(name, graph, &network, &|name, shape| training_input(&loss, name, shape))
    };
    [Training::plain().optimiser, Optimiser::Adam(Adam::default())].map(step).to_vec()
}

#[test]
fn networks() {
    let mut cases = Vec::new();
    for (name, layers, shape) in
        [("LeNet", LENET, [2, 1, 28, 28]), ("ResNet", RESIDUAL, [2, 3, 18, 18]), ("VGG", VGG, [3, 3, 12, 12])]
    {
        cases.push(inference(format!("inference of {name}"), &layer(layers, &shape), 1.0));
        cases.extend(training_steps(name, layers, shape));
    }
    none_wrong(&cases, &Options::default());
}
