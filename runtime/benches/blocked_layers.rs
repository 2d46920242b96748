//! Prints GFLOP/s and the share of the measured peak of every yardstick layer: `layers [filter] [runs]`.
#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints")]
use cnnc_runtime::cpu::blocked::{
    buffer::Buffer, call::*, cost, direct::*, peak, pool::Pool, shape::*, vector::*, winograd::*,
};
use std::time::Instant;

const LAYERS: &[(&str, usize, usize, usize, usize, usize, usize)] = &[
    // name, in, out, size, kernel, stride, padding
    ("3x3 64-64 @56", 64, 64, 56, 3, 1, 1),
    ("3x3 128-128 @28", 128, 128, 28, 3, 1, 1),
    ("3x3 256-256 @14", 256, 256, 14, 3, 1, 1),
    ("3x3 512-512 @7", 512, 512, 7, 3, 1, 1),
    ("7x7s2 3-64 @224", 3, 64, 224, 7, 2, 3),
    ("7x7s2 1-64 @96", 1, 64, 96, 7, 2, 3),
    ("1x1 64-256 @56", 64, 256, 56, 1, 1, 0),
    ("1x1 256-64 @56", 256, 64, 56, 1, 1, 0),
    ("1x1 1024-256 @14", 1024, 256, 14, 1, 1, 0),
    ("1x1 512-2048 @7", 512, 2048, 7, 1, 1, 0),
    ("1x1s2 256-512 @56", 256, 512, 56, 1, 2, 0),
    ("3x3s2 128-128 @56", 128, 128, 56, 3, 2, 1),
    ("3x3s2 64-128 @56", 64, 128, 56, 3, 2, 1),
    ("3x3s2 3-32 @224", 3, 32, 224, 3, 2, 1),
    ("3x3 1-64 @224", 1, 64, 224, 3, 1, 1),
    ("3x3 64-64 @24", 64, 64, 24, 3, 1, 1),
    ("3x3 128-128 @12", 128, 128, 12, 3, 1, 1),
    ("3x3 256-256 @6", 256, 256, 6, 3, 1, 1),
    ("3x3 512-512 @3", 512, 512, 3, 3, 1, 1),
    ("3x3 256-512 @28", 256, 512, 28, 3, 1, 1),
    ("3x3 512-512 @14", 512, 512, 14, 3, 1, 1),
    ("5x5 1-6 @28", 1, 6, 28, 5, 1, 2),
    ("5x5 6-16 @14", 6, 16, 14, 5, 1, 0),
];

fn best(runs: usize, mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let start = Instant::now();
    for _ in 0..runs {
        let s = Instant::now();
        f();
        best = best.min(s.elapsed().as_secs_f64());
        if start.elapsed().as_secs_f64() > 0.4 {
            break;
        }
    }
    best
}

/// What a call needs, for two threads.
struct Memory {
    input: Buffer,
    plain: Vec<f32>,
    weights: Buffer,
    bias: Buffer,
    output: Buffer,
    workspace: Buffer,
}

impl Memory {
    fn new(set: InstructionSet, shape: &ConvolutionShape, packed: usize, workspace: usize) -> Self {
        Self {
            input: Buffer::from(&vec![0.5; shape.batch * shape.input_length(set.lanes())][..]),
            plain: vec![0.01; shape.weight_count()],
            weights: Buffer::zeros(packed),
            bias: Buffer::from(&vec![0.1; shape.out_channels.next_multiple_of(set.lanes())][..]),
            output: Buffer::zeros(shape.batch * shape.output_length(set.lanes())),
            workspace: Buffer::zeros(2 * workspace),
        }
    }

    fn call(&mut self) -> Call<'static> {
        let input = Images { first: self.input.as_ptr(), step: 0 };
        let output = ImagesMut { first: self.output.as_mut_ptr(), step: 0 };
        let (weights, bias, workspace) = (self.weights.as_ptr(), self.bias.as_ptr(), self.workspace.as_mut_ptr());
        Call { weights, bias, limits: Call::RELU, workspace, ..Call::new(input, output) }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let filter = args.next().unwrap_or_default();
    let runs = args.next().and_then(|v| v.parse().ok()).unwrap_or(60);
    let set = match std::env::var("SET").as_deref() {
        Ok("avx2") => InstructionSet::Avx2,
        Ok("portable") => InstructionSet::Portable,
        _ => InstructionSet::detect(),
    };
    let peak = peak::measure(set);
    let multiply_adds_per_second = peak * 1e9 / 2.0 / set.lanes() as f64;
    let machine = cost::Machine { multiply_adds_per_second, bytes_per_second: 3e10, threads: 1, lanes: set.lanes() };
    println!("{set:?} peak {peak:.1} GFLOP/s");
    for &(name, ins, outs, size, kernel, stride, padding) in LAYERS.iter().filter(|l| l.0.contains(&filter)) {
        let window = Window::square(size, kernel, stride, padding);
        let shape = ConvolutionShape { batch: 1, in_channels: ins, out_channels: outs, groups: 1, window };
        let layout = if ins <= 3 { InputLayout::Plain } else { InputLayout::Blocked };
        let direct = Direct::new(set, shape, layout);
        let mut memory = Memory::new(set, &shape, direct.packed_length(), direct.workspace_length());
        direct.pack(&Pool::new(1), &memory.plain, &mut memory.weights);
        let estimate = 1e6 * cost::Algorithm::Direct.estimate(&shape, &machine, false);
        let choice = cost::Algorithm::choose(&shape, &machine, false);
        print!("{name:18} {choice:?}, estimate {estimate:.1}");
        for threads in [1, 2] {
            let pool = Pool::new(threads);
            let call = memory.call();
            // SAFETY: the memory is as large as the shape and the kernel ask for.
            let time = best(runs, || unsafe { direct.run(&pool, &call) });
            let rate = 2.0 * shape.macs() as f64 / time / 1e9;
            print!("  direct/{threads} {:8.1} µs {rate:6.1} {:.2}", time * 1e6, rate / peak / threads as f64);
        }
        println!();
        if std::env::var("WINOGRAD").is_ok() {
            winograd(set, shape, peak, runs, &machine);
        }
    }
}

fn winograd(set: InstructionSet, shape: ConvolutionShape, peak: f64, runs: usize, machine: &cost::Machine) {
    if !Winograd::supports(&shape) || shape.in_channels < 4 {
        return;
    }
    let numbers = |name: &str, default: &str| -> Vec<usize> {
        std::env::var(name).unwrap_or(default.into()).split(',').filter_map(|v| v.parse().ok()).collect()
    };
    for scheme in [Scheme::F2, Scheme::F4, Scheme::F6] {
        if !std::env::var("WINOGRAD").unwrap_or_default().contains(&format!("{scheme:?}")) {
            continue;
        }
        let mut blockings = Vec::new();
        for &tiles in &numbers("T", "") {
            for &group in &numbers("G", "2") {
                for &chunks in &numbers("C", "1") {
                    blockings.push(Blocking::new(
                        &shape,
                        scheme,
                        set.lanes(),
                        tiles,
                        group,
                        shape.out_channels.div_ceil(set.lanes()).div_ceil(group).div_ceil(chunks),
                    ));
                }
            }
        }
        blockings.insert(0, Blocking::choose(&shape, scheme, set.lanes()));
        for blocking in blockings {
            let (tiles, group, groups) = (blocking.tiles, blocking.group, blocking.groups);
            let kernel = Winograd::with_blocking(set, shape, scheme, blocking);
            let mut memory = Memory::new(set, &shape, kernel.packed_length(), kernel.workspace_length());
            kernel.pack(&Pool::new(1), &memory.plain, &mut memory.weights);
            let estimate = 1e6 * kernel.blocking().cost(&shape, scheme, set.lanes()) / machine.multiply_adds_per_second;
            print!("    estimate {estimate:.1} {scheme:?} tiles {tiles:3} group {group:2} groups {groups:2}");
            for threads in [1, 2] {
                let pool = Pool::new(threads);
                let call = memory.call();
                // SAFETY: the memory is as large as the shape and the kernel ask for.
                let time = best(runs, || unsafe { kernel.run(&pool, &call) });
                let rate = 2.0 * shape.macs() as f64 / time / 1e9;
                print!("  /{threads} {:8.1} µs {rate:6.1} {:.2}", time * 1e6, rate / peak / threads as f64);
            }
            println!();
        }
    }
}
