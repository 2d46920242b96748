//! The generated CUDA C, executed on the processor: every kernel, layer, gradient and some networks against the reference kernels.
//!
//! Compilation is most of the time, so many cases share a file. Where there is no C++ compiler nothing is tested, and said so.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::kernels::{
    AxisWindow, Divisor, Expression, Kernel, KernelGraph, PoolAxis, Pooling, Reduction, Resampling,
};
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, Step, Storage, View, plan};
use cnnc_compiler::training::{Adam, Loss, Optimiser, SumOrMean, Training, loss_and_gradients, names, training_step};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::cpu::initial_state;
use cnnc_runtime::cuda::program::{Options, Precision, target};
use cnnc_runtime::doctor::GRID;
use cnnc_runtime::{Parameters, Tensor, random};
use cnnc_tests::emulation::{Case, compiler, single, tolerance, wrong};
use cnnc_tests::fixture::{Fixture, sizes};
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

fn dense(index: usize, shape: &[usize]) -> View {
    View::dense(Storage::Input(index), 0, shape)
}

fn x(index: usize) -> Expression {
    Expression::operand(index)
}

/// A case of one step, with drawn operands.
fn drawn(name: String, plan: Arc<Plan>) -> Case {
    let inputs = plan.inputs.iter().map(|port| random::input(&port.name, &port.view.shape, 3)).collect();
    Case { name, plan, parameters: Parameters::default(), inputs }
}

/// A step whose result has a gap after each index of axis 0, and whose epilogue has a number a channel and a tensor like the result.
fn step(kernel: Kernel, operands: &[View], shape: &[usize]) -> Case {
    let name = format!("{kernel:?} of {:?}", operands.iter().map(|view| view.shape.as_slice()).collect::<Vec<_>>());
    let mut output = View::dense(Storage::Arena, 4, shape);
    output.strides[0] += 3;
    let own = operands.len();
    let mut by_channel = dense(own, shape);
    by_channel.strides = shape.iter().enumerate().map(|(axis, _)| usize::from(axis == 1)).collect();
    let all = [operands, &[by_channel, dense(own + 1, shape)]].concat();
    let epilogue = (x(0) + x(1)).maximum(-0.5) * x(2);
    drawn(name, single(kernel, &all, own, Some(epilogue), output))
}

fn axis(kernel: usize, stride: usize, dilation: usize, before: usize) -> AxisWindow {
    AxisWindow { kernel, stride, dilation, before }
}

/// The places of a window along an axis, with as much padding after as before.
fn count(size: usize, axis: &AxisWindow) -> usize {
    (size + 2 * axis.before - axis.dilation * (axis.kernel - 1) - 1) / axis.stride + 1
}

/// Convolutions by (channels, out channels, groups), size and windows: the three kernels of each.
fn convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (images, channels, size, window) in [
        (2, [3, 6, 1], [9, 7], [axis(3, 1, 1, 1); 2]),
        (1, [1, 6, 1], [28, 28], [axis(5, 1, 1, 2); 2]),
        (3, [20, 24, 1], [8, 9], [axis(1, 1, 1, 0); 2]),
        (2, [5, 7, 1], [11, 13], [axis(3, 2, 1, 1), axis(2, 3, 1, 0)]),
        (1, [4, 70, 1], [12, 12], [axis(3, 1, 2, 2), axis(3, 2, 2, 1)]),
        (1, [130, 140, 1], [5, 6], [axis(3, 1, 1, 1); 2]),
        (2, [16, 32, 2], [6, 6], [axis(3, 2, 1, 1); 2]),
        (2, [6, 6, 6], [9, 8], [axis(3, 1, 1, 1); 2]),
        (1, [4, 8, 4], [9, 9], [axis(5, 2, 1, 2); 2]),
        (2, [6, 4, 2], [7, 7], [axis(3, 2, 2, 1); 2]),
        (40, [2, 3, 1], [14, 14], [axis(3, 1, 1, 1); 2]),
    ] {
        let [ins, outs, groups] = channels;
        let places = [count(size[0], &window[0]), count(size[1], &window[1])];
        let image = |index, channels: usize, size: [usize; 2]| {
            let mut view = dense(index, &[images, channels, size[0], size[1]]);
            view.strides[0] += 5;
            view
        };
        let weight = [outs, ins / groups, window[0].kernel, window[1].kernel];
        let (large, small) = ([images, ins, size[0], size[1]], [images, outs, places[0], places[1]]);
        cases.push(step(Kernel::Conv { window, groups }, &[image(0, ins, size), dense(1, &weight)], &small));
        cases.push(step(Kernel::ConvData { window, groups }, &[image(0, outs, places), dense(1, &weight)], &large));
        cases.push(step(
            Kernel::ConvWeight { window, groups },
            &[image(0, ins, size), image(1, outs, places)],
            &weight,
        ));
    }
    cases
}

fn products() -> Vec<Case> {
    let mut cases = Vec::new();
    for [rows, columns, depth] in
        [[1, 10, 84], [1, 100, 515], [3, 7, 1], [5, 130, 70], [130, 5, 64], [9, 150, 40], [70, 66, 300]]
    {
        for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
            let a = if transpose_a { [depth, rows] } else { [rows, depth] };
            let b = if transpose_b { [columns, depth] } else { [depth, columns] };
            let mut left = dense(0, &a);
            left.strides[0] += 4;
            cases.push(step(Kernel::Gemm { transpose_a, transpose_b }, &[left, dense(1, &b)], &[rows, columns]));
        }
    }
    cases
}

fn poolings() -> Vec<Case> {
    let mut cases = Vec::new();
    let means = [Divisor::Elements, Divisor::Padded { after: [1, 0] }, Divisor::Fixed(7.0)].map(Pooling::Mean);
    for large in [&[2usize, 3, 13, 17][..], &[5, 9, 8], &[12, 10]] {
        let rank = large.len();
        let [height, width] = [large[rank - 2], large[rank - 1]];
        for (windows, counts) in [
            (PoolAxis::Sliding(axis(3, 2, 1, 1)), [height.div_ceil(2), width.div_ceil(2)]),
            (PoolAxis::Sliding(axis(2, 2, 1, 0)), [height.div_ceil(2), width.div_ceil(2)]),
            (PoolAxis::Sliding(axis(2, 1, 3, 1)), [height - 1, width - 1]),
            (PoolAxis::Adaptive, [1, 1]),
            (PoolAxis::Adaptive, [3, 20]),
        ] {
            let mut small = large.to_vec();
            small[rank - 2..].copy_from_slice(&counts);
            for pooling in [Pooling::Max, Pooling::Softmax].into_iter().chain(means) {
                let axes = [windows; 2];
                let apart = |index, shape: &[usize]| {
                    let mut view = dense(index, shape);
                    view.strides[0] += 2;
                    view
                };
                cases.push(step(Kernel::Window { axes, pooling }, &[apart(0, large)], &small));
                let both = [apart(0, large), apart(1, &small)];
                let own = if matches!(pooling, Pooling::Mean(_)) { &[apart(0, &small)][..] } else { &both };
                cases.push(step(Kernel::WindowGrad { axes, pooling }, own, large));
            }
        }
    }
    cases
}

fn reductions() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [&[3usize, 5, 7, 6][..], &[2, 300, 4], &[4, 1, 700], &[5000], &[40, 3, 21, 21], &[2000, 33]] {
        for marks in 0..1 << shape.len() {
            let axes: Vec<bool> = (0..shape.len()).map(|axis| marks >> axis & 1 == 1).collect();
            let result: Vec<usize> =
                shape.iter().zip(&axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
            let mut operand = dense(0, shape);
            operand.strides[0] += usize::from(shape.len() > 1);
            for reduction in [Reduction::Sum, Reduction::Max] {
                cases.push(step(
                    Kernel::Reduce { reduction, axes: axes.clone() },
                    std::slice::from_ref(&operand),
                    &result,
                ));
            }
        }
    }
    cases
}

fn moves() -> Vec<Case> {
    let mut cases = Vec::new();
    let shape = [2, 3, 5, 4];
    for padding in [
        [(0, 0), (0, 0), (1, 2), (3, 0)],
        [(1, 0), (-1, 2), (-2, -1), (0, -3)],
        [(0, 0), (0, 0), (-4, 6), (-3, 5)],
        [(0, 1), (0, 0), (0, 0), (7, -2)],
    ] {
        let padded =
            shape.iter().zip(&padding).map(|(&size, &(before, after))| (size as isize + before + after) as usize);
        let result: Vec<usize> = padded.collect();
        cases.push(step(Kernel::Pad { padding: padding.to_vec() }, &[dense(0, &shape)], &result));
    }
    for (size, scale) in [([10, 8], [0.5, 0.5]), ([7, 3], [5.0 / 7.0, 4.0 / 3.0]), ([1, 9], [0.0, 3.0 / 8.0])] {
        for resampling in [
            Resampling::Nearest { scale },
            Resampling::Bilinear { scale, align_corners: false },
            Resampling::Bilinear { scale, align_corners: true },
        ] {
            let large = [2, 3, size[0], size[1]];
            cases.push(step(Kernel::Resample(resampling), &[dense(0, &shape)], &large));
            cases.push(step(Kernel::ResampleGrad(resampling), &[dense(0, &large)], &shape));
        }
    }
    cases
}

/// A map over operands of any strides, into any.
fn map(expression: Expression, operands: &[View], output: View) -> Case {
    drawn(format!("map {expression}"), single(Kernel::Map(expression), operands, operands.len(), None, output))
}

fn maps() -> Vec<Case> {
    use cnnc_compiler::kernels::Unary;
    let view = |index, offset, shape: &[usize], strides: [usize; 4]| View {
        storage: Storage::Input(index),
        offset,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
    };
    let mut cases = Vec::new();
    // The second size goes by fours.
    for shape in [[3, 4, 5, 6], [2, 4, 3, 8]] {
        let [_, c, h, w] = shape;
        let operands = [
            view(0, 0, &shape, [c * h * w, h * w, w, 1]),
            view(1, 1, &shape, [0, 0, 0, 1]),
            view(2, 0, &shape, [0, 1, 0, 0]),
            view(3, 2, &shape, [1, 7, 40, 200]),
        ];
        let outputs = [
            View::dense(Storage::Arena, 8, &shape),
            View {
                offset: 1,
                strides: vec![2 * c * h * w, 2 * h * w, 2 * w, 2],
                ..View::dense(Storage::Arena, 0, &shape)
            },
        ];
        let sigmoid = (x(0) * x(1)).sigmoid();
        let place = Expression::Index(1) * 100.0 + Expression::Index(3) - Expression::Index(2) + Expression::Index(0);
        let uniform = Expression::uniform(0x1234_5678_9abc_def0, Expression::Constant(7.0), Expression::Constant(9.0));
        for expression in [
            x(0),
            x(3) + x(2),
            Expression::Constant(3.0),
            x(0) * sigmoid.clone() + sigmoid - x(2),
            x(0).greater(x(1)).select(x(0), x(2) * 0.25),
            x(0).maximum(x(1)).minimum(x(2)) - x(3),
            ((x(0) * x(0) + 1.0).power(0.75) / (x(1) * x(1) + 0.5)).unary(Unary::Sqrt),
            (x(0) * 3.0).unary(Unary::Tanh) + (x(1) * 2.0).unary(Unary::Erf) + x(0).unary(Unary::ExpM1),
            (x(0) * x(0) + 0.1).unary(Unary::Log) - (x(1) * 5.0).unary(Unary::Exp),
            x(0) * place + x(1) * uniform,
        ] {
            for output in &outputs {
                cases.push(map(expression.clone(), &operands, output.clone()));
            }
        }
    }
    cases
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
    none_wrong(&cases, &Options { precision: Precision::Tf32 });
}

/// Two elements to a word.
#[test]
fn products_in_fp16_and_bf16() {
    for precision in [Precision::Fp16, Precision::Bf16] {
        none_wrong(&products(), &Options { precision });
    }
    none_wrong(&convolutions(), &Options { precision: Precision::Bf16 });
}

/// Whole numbers that eight bits hold, each once: wherever an element of a fragment is taken for another, a sum differs.
#[test]
fn fragments_hold_the_elements_that_instructions_multiply() {
    let Some(compiler) = compiler() else { return };
    for (precision, depth) in [(Precision::Tf32, 8), (Precision::Fp16, 16), (Precision::Bf16, 16)] {
        let (a, b) = ([16, depth], [depth, 8]);
        let kernel = Kernel::Gemm { transpose_a: false, transpose_b: false };
        let plan = single(kernel, &[dense(0, &a), dense(1, &b)], 2, None, View::dense(Storage::Arena, 0, &[16, 8]));
        let counted = |shape: [usize; 2]| {
            let values = (0..shape[0] * shape[1]).map(|value| value as f32).collect();
            Tensor::new(&shape, values).expect("a number each")
        };
        let inputs = [a, b]
            .map(counted)
            .map(|tensor| Tensor::new(&[tensor.data().len()], tensor.data().to_vec()).expect("a line"))
            .to_vec();
        let case = Case { name: precision.name().into(), plan, parameters: Parameters::default(), inputs };
        let found = wrong(&compiler, &[], std::slice::from_ref(&case), &Options { precision }, &|_| 0.0);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn kernels_of_poolings() {
    none_wrong(&poolings(), &Options::default());
}

#[test]
fn other_kernels() {
    none_wrong(&[reductions(), moves(), maps()].concat(), &Options::default());
}

/// A graph as a case, fused and planned for the device.
fn case(name: String, mut graph: KernelGraph, network: &ShapedGraph, input: &dyn Fn(&str, &[usize]) -> Tensor) -> Case {
    passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
    let plan = Arc::new(plan(&graph, &target(MEMORY)).unwrap_or_else(|failure| panic!("{failure:?}")));
    let parameters = initial_state(&plan, &formula::parameters(&network.graph, &[]));
    let inputs = plan.inputs.iter().map(|port| input(&port.name, &port.view.shape)).collect();
    Case { name, plan, parameters, inputs }
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
fn training_input(loss: Loss, name: &str, shape: &[usize]) -> Tensor {
    match (name, loss) {
        (names::SEED, _) => Tensor::filled(&[], 5.0),
        (names::STEP, _) => Tensor::filled(&[], 7.0),
        (names::LEARNING_RATE, _) => Tensor::filled(&[], 0.1),
        (names::LABELS, Loss::CrossEntropy { .. }) => {
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
        let graph =
            loss_and_gradients(&network, &Bindings::new(), loss).unwrap_or_else(|failure| panic!("{failure:?}"));
        case(format!("gradient of {spec} on {shape:?}"), graph, &network, &|name, shape| {
            training_input(loss, name, shape)
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
    let loss = Loss::CrossEntropy { label_smoothing: 0.1 };
    let step = |optimiser| {
        let training = Training { loss, optimiser, ..Training::plain() };
        let graph =
            training_step(&network, &Bindings::new(), &training).unwrap_or_else(|failure| panic!("{failure:?}"));
        let name = format!("training step of {name}");
        case(name, graph, &network, &|name, shape| training_input(loss, name, shape))
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
