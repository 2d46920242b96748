//! Prints time, GFLOP/s and the share of the measured peak of yardstick layers:
//! `cargo bench -p cnnc-runtime --features kernels --bench blocked_layers -- [filter] [runs]`.
//!
//! The environment: `SET` forces an instruction set, `BATCH` the images, `COLD` takes weights from memory; `WINOGRAD=F2F4` tries
//! Winograd's method beside the direct one, with the blockings of `T` (tiles), `G` (blocks of a group) and `C` (chunks of
//! channels) beside the chosen one.
#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints")]
use cnnc_compiler::kernels::{PoolAxis, Pooling};
use cnnc_compiler::plan::Scheme;
use cnnc_runtime::cpu::blocked::{
    buffer::Buffer, call::*, direct::*, linear::*, peak, pool::Pool, shape::*, vector::*, window::*, winograd::*,
};
use std::time::Instant;

/// What a layer is, beside a convolution from blocks.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Conv,
    Stem,
    Transposed,
    Depthwise,
    MaxPool,
    Linear,
}

const fn conv(ins: usize, outs: usize, size: usize, kernel: usize, stride: usize) -> Layer {
    Layer { kind: Kind::Conv, ins, outs, size, kernel, stride, padding: kernel / 2, groups: 1 }
}

const fn depthwise(channels: usize, size: usize, kernel: usize, stride: usize) -> Layer {
    Layer { kind: Kind::Depthwise, groups: channels, ..conv(channels, channels, size, kernel, stride) }
}

const fn stem(ins: usize, outs: usize, size: usize, kernel: usize, stride: usize) -> Layer {
    Layer { kind: Kind::Stem, ..conv(ins, outs, size, kernel, stride) }
}

const fn pool(channels: usize, size: usize, stride: usize) -> Layer {
    Layer { kind: Kind::MaxPool, ..depthwise(channels, size, 3, stride) }
}

const fn linear(ins: usize, outs: usize) -> Layer {
    Layer { kind: Kind::Linear, padding: 0, ..conv(ins, outs, 1, 1, 1) }
}

#[derive(Clone, Copy)]
struct Layer {
    kind: Kind,
    ins: usize,
    outs: usize,
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    groups: usize,
}

const LAYERS: &[Layer] = &[
    conv(64, 64, 56, 3, 1),
    conv(128, 128, 28, 3, 1),
    conv(256, 256, 14, 3, 1),
    conv(512, 512, 7, 3, 1),
    stem(3, 64, 224, 7, 2),
    stem(1, 64, 96, 7, 2),
    conv(64, 256, 56, 1, 1),
    conv(256, 64, 56, 1, 1),
    conv(1024, 256, 14, 1, 1),
    conv(512, 2048, 7, 1, 1),
    conv(256, 512, 56, 1, 2),
    conv(128, 128, 56, 3, 2),
    conv(64, 128, 56, 3, 2),
    stem(3, 32, 224, 3, 2),
    stem(1, 64, 224, 3, 1),
    conv(64, 64, 24, 3, 1),
    conv(128, 128, 12, 3, 1),
    conv(256, 256, 6, 3, 1),
    conv(512, 512, 3, 3, 1),
    conv(256, 512, 28, 3, 1),
    conv(512, 512, 14, 3, 1),
    stem(1, 6, 28, 5, 1),
    Layer { padding: 0, ..conv(6, 16, 14, 5, 1) },
    Layer { groups: 32, ..conv(128, 128, 56, 3, 1) },
    Layer { groups: 32, ..conv(512, 512, 14, 3, 1) },
    Layer { kind: Kind::Transposed, padding: 1, ..conv(64, 64, 28, 4, 2) },
    Layer { kind: Kind::Transposed, padding: 0, ..conv(128, 64, 28, 2, 2) },
    // MobileNetV2.
    conv(32, 16, 112, 1, 1),
    conv(16, 96, 112, 1, 1),
    conv(96, 24, 56, 1, 1),
    conv(24, 144, 56, 1, 1),
    conv(144, 24, 56, 1, 1),
    conv(144, 32, 28, 1, 1),
    conv(32, 192, 28, 1, 1),
    conv(192, 64, 14, 1, 1),
    conv(64, 384, 14, 1, 1),
    conv(384, 96, 14, 1, 1),
    conv(96, 576, 14, 1, 1),
    conv(576, 160, 7, 1, 1),
    conv(160, 960, 7, 1, 1),
    conv(960, 320, 7, 1, 1),
    conv(320, 1280, 7, 1, 1),
    depthwise(32, 112, 3, 1),
    depthwise(96, 112, 3, 2),
    depthwise(144, 56, 3, 1),
    depthwise(144, 56, 3, 2),
    depthwise(192, 28, 3, 1),
    depthwise(192, 28, 3, 2),
    depthwise(384, 14, 3, 1),
    depthwise(576, 14, 3, 2),
    depthwise(960, 7, 3, 1),
    // EfficientNet-B0.
    depthwise(144, 56, 5, 2),
    depthwise(240, 28, 5, 1),
    depthwise(480, 14, 5, 1),
    depthwise(672, 14, 5, 2),
    depthwise(1152, 7, 5, 1),
    pool(64, 112, 2),
    pool(192, 28, 1),
    pool(480, 14, 1),
    pool(832, 7, 1),
    linear(400, 120),
    linear(512, 1000),
    linear(2048, 1000),
    linear(4096, 4096),
];

fn best(runs: usize, mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    for _ in 0..runs {
        let s = Instant::now();
        f();
        best = best.min(s.elapsed().as_secs_f64());
        if start.elapsed().as_secs_f64() > 0.3 {
            break;
        }
    }
    best
}

/// Packs plain weights.
type Pack = dyn Fn(&Pool, &[f32], &mut [f32]);
/// Runs a kernel.
type Run = dyn Fn(&Pool, &KernelCall<'_>);

/// A kernel with the memory that its call needs, for two threads, and how its weights are packed and it is run.
struct Bench {
    input: Buffer,
    plain: Vec<f32>,
    weights: Buffer,
    bias: Buffer,
    output: Buffer,
    workspace: Buffer,
    steps: [usize; 2],
    pack: Box<Pack>,
    run: Box<Run>,
}

macro_rules! bench {
    ($kernel:expr, $lengths:expr, $shape:expr, $unit:expr, $lanes:expr) => {{
        let kernel = std::rc::Rc::new($kernel);
        let packing = std::rc::Rc::clone(&kernel);
        let [packed, scratch]: [usize; 2] = $lengths(&kernel);
        Bench {
            input: filled($shape.batch * $shape.input_length($unit), 0.5),
            plain: vec![0.01; $shape.weight_count()],
            weights: filled(packed, 0.0),
            bias: filled($shape.out_channels.next_multiple_of($lanes), 0.1),
            output: filled($shape.batch * $shape.output_length($lanes), 0.0),
            workspace: filled(2 * scratch, 0.0),
            steps: [$shape.input_length($unit), $shape.output_length($lanes)],
            pack: Box::new(move |pool, weights, into| packing.pack(pool, weights, into)),
            // SAFETY: the memory is as large as the shape and the kernel ask for.
            run: Box::new(move |pool, call| unsafe { kernel.run(pool, call) }),
        }
    }};
}

fn filled(length: usize, value: f32) -> Buffer {
    let mut buffer = Buffer::zeros(length);
    buffer.fill(value);
    buffer
}

impl Layer {
    fn name(&self) -> String {
        let Self { ins, outs, size, kernel, stride, groups, .. } = self;
        let step = if *stride > 1 { format!("s{stride}") } else { String::new() };
        match self.kind {
            Kind::Conv | Kind::Stem if *groups == 1 => format!("{kernel}x{kernel}{step} {ins}-{outs} @{size}"),
            Kind::Conv | Kind::Stem => format!("{kernel}x{kernel}{step} {ins}-{outs} g{groups} @{size}"),
            Kind::Transposed => format!("transposed {kernel}x{kernel}{step} {ins}-{outs} @{size}"),
            Kind::Depthwise => format!("depthwise {kernel}x{kernel}{step} {ins} @{size}"),
            Kind::MaxPool => format!("max {kernel}x{kernel}{step} {ins} @{size}"),
            Kind::Linear => format!("linear {ins}-{outs}"),
        }
    }

    fn shape(&self, batch: usize) -> ConvolutionShape {
        let mut window = Window::square(self.size, self.kernel, self.stride, self.padding);
        if self.kind == Kind::Transposed {
            window.output = [(self.size - 1) * self.stride + self.kernel - 2 * self.padding; 2];
        }
        ConvolutionShape { batch, in_channels: self.ins, out_channels: self.outs, groups: self.groups, window }
    }

    fn bench(&self, set: InstructionSet, shape: ConvolutionShape) -> Bench {
        let (lanes, images) = (set.lanes(), [shape.batch, shape.in_channels]);
        let window = &shape.window;
        let direct = |kernel: &std::rc::Rc<Direct>| [kernel.packed_length(), kernel.workspace_length()];
        match self.kind {
            Kind::Conv => bench!(Direct::new(set, shape, InputLayout::Blocked), direct, shape, lanes, lanes),
            Kind::Stem => bench!(Direct::new(set, shape, InputLayout::Plain), direct, shape, 1, lanes),
            Kind::Transposed => bench!(Direct::transposed(set, shape), direct, shape, lanes, lanes),
            Kind::Depthwise => bench!(
                Windowed::depthwise(set, images, window),
                |kernel: &std::rc::Rc<Windowed>| [kernel.packed_length(), 0],
                shape,
                lanes,
                lanes
            ),
            Kind::MaxPool => {
                let [batch, channels] = images;
                let axes = window.axes.map(PoolAxis::Sliding);
                let shape = PoolShape { batch, channels, input: window.input, output: window.output, axes };
                let kernel = Windowed::pooling(set, shape, Pooling::Max);
                let mut bench = bench!(kernel, |_: &_| [0, 0], self.shape(batch), lanes, lanes);
                bench.pack = Box::new(|_, _, _| ());
                bench
            }
            Kind::Linear => {
                let order = FeatureOrder::Plain;
                let sizes = LinearShape {
                    rows: shape.batch,
                    in_features: self.ins,
                    out_features: self.outs,
                    order,
                    of_bytes: false,
                };
                let lengths = |kernel: &std::rc::Rc<Linear>| [kernel.packed_length(), kernel.workspace_length()];
                bench!(Linear::new(set, sizes), lengths, shape, 1, 1)
            }
        }
    }
}

impl Bench {
    /// Prints times and rates for one thread and two, and the time of packing.
    fn print(&mut self, macs: usize, peak: f64, runs: usize) {
        for threads in [1, 2] {
            let pool = Pool::new(threads).expect("threads");
            let packing = best(3, || (self.pack)(&pool, &self.plain, &mut self.weights));
            let mut call = KernelCall {
                weights: self.weights.as_ptr(),
                bias: self.bias.as_ptr(),
                limits: KernelCall::RELU,
                workspace: self.workspace.as_mut_ptr(),
                ..KernelCall::new(
                    Images { first: self.input.as_ptr(), step: self.steps[0] },
                    ImagesMut { first: self.output.as_mut_ptr(), step: self.steps[1] },
                )
            };
            // Copies of the weights, used in turn, that together do not fit the last cache.
            let copies = if variable("COLD").is_empty() { 0 } else { 16_000_000 / self.weights.len().max(1) + 1 };
            let copies: Vec<Buffer> = (0..copies).map(|_| Buffer::from(&self.weights[..])).collect();
            let mut turn = copies.iter().cycle();
            let time = best(runs, || {
                call.weights = turn.next().unwrap_or(&self.weights).as_ptr();
                (self.run)(&pool, &call);
            });
            let rate = 2.0 * macs as f64 / time / 1e9;
            print!("  /{threads} {:8.1} µs {rate:6.1} {:.2}", time * 1e6, rate / peak / threads as f64);
            if threads == 1 {
                print!(" (packed in {:.0} µs)", packing * 1e6);
            }
        }
        println!();
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let filter = args.next().unwrap_or_default();
    let runs = args.next().and_then(|v| v.parse().ok()).unwrap_or(60);
    let set = match variable("SET").as_str() {
        "avx2" => InstructionSet::Avx2,
        "portable" => InstructionSet::Portable,
        _ => InstructionSet::detect(),
    };
    let batch = variable("BATCH").parse().unwrap_or(1);
    let peak = peak::measure(set);
    println!("{set:?} peak {peak:.1} GFLOP/s");
    for layer in LAYERS.iter().filter(|layer| layer.name().contains(&filter)) {
        let shape = layer.shape(batch);
        let macs = match layer.kind {
            Kind::Transposed => batch * shape.window.input_pixels() * shape.weight_count(),
            _ => shape.macs(),
        };
        print!("{:26}", layer.name());
        layer.bench(set, shape).print(macs, peak, runs);
        if layer.kind == Kind::Conv && Scheme::computes(shape.groups, &shape.window.axes) {
            winograd(set, shape, peak, runs);
        }
    }
}

fn winograd(set: InstructionSet, shape: ConvolutionShape, peak: f64, runs: usize) {
    let numbers = |name: &str| -> Vec<usize> { variable(name).split(',').filter_map(|v| v.parse().ok()).collect() };
    let or = |numbers: Vec<usize>, other: usize| if numbers.is_empty() { vec![other] } else { numbers };
    let blocks = shape.out_channels.div_ceil(set.lanes());
    for scheme in [Scheme::F2, Scheme::F4] {
        if !variable("WINOGRAD").contains(&format!("{scheme:?}")) {
            continue;
        }
        let mut blockings = vec![Blocking::choose(&shape, scheme, set.lanes())];
        for tiles in numbers("T") {
            for group in or(numbers("G"), 2) {
                for chunks in or(numbers("C"), 1) {
                    let groups = blocks.div_ceil(group).div_ceil(chunks);
                    blockings.push(Blocking::new(&shape, scheme, set.lanes(), tiles, group, groups));
                }
            }
        }
        for blocking in blockings {
            let (tiles, group, groups) = (blocking.tiles, blocking.group, blocking.groups);
            print!("    {scheme:?} tiles {tiles:3} group {group:2} groups {groups:2}");
            let kernel = Winograd::with_blocking(set, shape, scheme, blocking);
            let lengths = |kernel: &std::rc::Rc<Winograd>| [kernel.packed_length(), kernel.workspace_length()];
            bench!(kernel, lengths, shape, set.lanes(), set.lanes()).print(shape.macs(), peak, runs);
        }
    }
}
