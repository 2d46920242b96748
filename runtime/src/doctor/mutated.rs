//! Plans of the grid in which numbers were changed: each is refused, or runs inside the memory that it says.
//!
//! A plan's fields are public, so anybody can hand an engine any numbers. Every run here is in a process whose memory is guarded
//! (`guarded.rs`): a read or a write past anything ends that process, and the test names the change that did it. Nothing may
//! panic.

#![allow(clippy::print_stdout, reason = "the last line says what ended the process")]

use super::{Case, GRID, Road};
use crate::cpu::{Cpu, CpuOptions, Engine, InstructionSet};
use crate::random::Stream;
use crate::{Backend, Parameters, Tensor};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::{
    AxisWindow, Conv, ConvData, ConvWeight, Convolution, Expression, Pool, PoolAxis, PoolGrad,
};
use cnnc_compiler::plan::{
    Operation, PackedConv, PackedLinear, Packing, Plan, Reorder, SizedConvolution, Step, Storage, View,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Says in a child process which changes to make.
const CHILD: &str = "CNNC_TEST_MUTATED";
/// Changed plans of a process.
const CHANGES: usize = 3000;
/// Elements of inputs, parameters and answers that are still worth a run.
const FEW: usize = 1 << 16;
/// What a hang is.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn any_numbers_are_refused_or_stay_inside_the_plan_s_memory() {
    if let Ok(seed) = std::env::var(CHILD) {
        return child(seed.parse().unwrap());
    }
    let seeds: u64 = std::env::var("CNNC_MUTATIONS").map_or(1, |count| count.parse().unwrap());
    for seed in 0..seeds {
        let name = "doctor::mutated::any_numbers_are_refused_or_stay_inside_the_plan_s_memory";
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(["--exact", name, "--nocapture"]).env(CHILD, seed.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        let errors = String::from_utf8_lossy(&output.stderr);
        let errors: String = errors.chars().take(2000).collect();
        assert!(output.status.success(), "seed {seed}: {}\n{last:#?}\n{errors}", output.status);
        let ran = text.lines().filter(|line| line.starts_with("runs ")).count();
        println!("seed {seed}: {ran} of {CHANGES} ran");
        assert!(ran > CHANGES / 50, "too few changed plans were run: {ran}");
    }
}

/// Numbers drawn one after another.
struct Draws(Stream, u64);

impl Draws {
    fn below(&mut self, count: usize) -> usize {
        self.1 += 1;
        (self.0.uniform01(self.1)[0] * count as f64) as usize
    }
}

fn child(seed: u64) {
    crate::guarded::guard();
    let mut draws = Draws(Stream::new(seed, "mutations"), 0);
    let plans = plans();
    let mut panicked = Vec::new();
    for change in 0..CHANGES {
        let (name, set, plan, parameters) = &plans[draws.below(plans.len())];
        let mut plan = (**plan).clone();
        let mut words = Vec::new();
        for _ in 0..=draws.below(3) {
            words.push(change_one(&mut plan, &mut draws));
        }
        let options = CpuOptions { threads: 1 + draws.below(2), instructions: *set, ..CpuOptions::default() };
        let what = format!("change {change} of {name} by {}: {words:?}", set.name());
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run(Arc::new(plan), parameters, options, &what)));
        if outcome.is_err() {
            panicked.push(what.clone());
        }
        assert!(start.elapsed() < PATIENCE, "{:?}: {what}", start.elapsed());
    }
    assert!(panicked.is_empty(), "{} panics: {panicked:#?}", panicked.len());
}

/// Runs a plan twice, if an engine takes it.
fn run(plan: Arc<Plan>, parameters: &Parameters, options: CpuOptions, what: &str) {
    let few = |shape: &[usize]| {
        shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).is_some_and(|count| count <= FEW)
    };
    let ports = plan.inputs.iter().chain(&plan.outputs);
    let mut sizes = ports.map(|port| &port.view.shape).chain(plan.parameters.iter().map(|parameter| &parameter.shape));
    // Said before anything is done, so that what ends the process is known.
    println!("{what}");
    let worth = sizes.all(|shape| few(shape));
    let mut made = Parameters::default();
    for parameter in &plan.parameters {
        if worth && parameters.shape(&parameter.path) != Some(parameter.shape.as_slice()) {
            made.insert(parameter.path.clone(), filled(&parameter.shape, parameter.element, 0.5));
        } else if let Ok(tensor) = parameters.get(&parameter.path) {
            made.insert(parameter.path.clone(), (*tensor).clone());
        }
    }
    let Ok(mut engine) = Engine::new(plan.clone(), &made, options) else { return };
    if worth {
        println!("runs {what}");
        let inputs: Vec<Tensor> =
            plan.inputs.iter().map(|port| filled(&port.view.shape, port.view.element, 0.25)).collect();
        for _ in 0..2 {
            engine.run(&inputs).expect("an answer");
        }
    }
}

/// That number everywhere, or noughts where whole numbers are wanted.
fn filled(shape: &[usize], element: ElementType, value: f32) -> Tensor {
    match element {
        ElementType::Float32 | ElementType::Uint8(_) => Tensor::filled(shape, value),
        ElementType::Uint64 => Tensor::zeros(shape, element),
    }
}

type Named = (&'static str, InstructionSet, Arc<Plan>, Parameters);

/// The plans of the grid's small networks, for every instruction set.
fn plans() -> Vec<Named> {
    let mut plans = Vec::new();
    for subject in GRID {
        let small = |(_, shape): &&(&str, &[usize])| shape.iter().product::<usize>() <= 4096;
        for (layers, shape) in subject.cases.iter().filter(small).take(3) {
            let case = Case::new(layers, shape, subject.road).expect("a case");
            let sets = InstructionSet::available();
            let sets = if subject.road == Road::Plain { &sets[..1] } else { &sets[..] };
            for &instructions in sets {
                let cpu = Cpu::new(CpuOptions { instructions, ..CpuOptions::default() });
                if let Some(plan) = case.plan(subject.road, cpu.target()).expect("a plan, or none") {
                    plans.push((subject.name, instructions, plan, case.parameters.clone()));
                }
            }
        }
    }
    plans
}

/// Changes one thing, and says what.
fn change_one(plan: &mut Plan, draws: &mut Draws) -> String {
    if draws.below(8) == 0 {
        return change_structure(plan, draws);
    }
    let mut numbers = numbers(plan);
    let count = numbers.len();
    let place = draws.below(count);
    let before = *numbers[place].1;
    let other = *numbers[draws.below(count)].1;
    let values = [
        0,
        1,
        2,
        before.wrapping_add(1),
        before.wrapping_sub(1),
        before.wrapping_mul(2),
        before / 2,
        before.wrapping_add(16),
        other,
        other.wrapping_mul(before),
        draws.below(40),
        1000,
        1 << 20,
        (1 << 33) + 1,
        1 << 62,
        usize::MAX,
        usize::MAX / 2,
    ];
    let value = values[draws.below(values.len())];
    *numbers[place].1 = value;
    format!("{} number {place} from {before} to {value}", numbers[place].0)
}

/// Exchanges, takes away or adds a part.
fn change_structure(plan: &mut Plan, draws: &mut Draws) -> String {
    let prepared = plan.prepare.len();
    let count = prepared + plan.run.len();
    if count == 0 {
        return "nothing".into();
    }
    let [one, other] = [draws.below(count), draws.below(count)];
    let operation = step(plan, other).operation.clone();
    let view = step(plan, other).operands.first().cloned().unwrap_or_else(|| step(plan, other).output.clone());
    let place = draws.below(step(plan, one).operands.len().max(1));
    let way = draws.below(9);
    let changed = step(plan, one);
    match way {
        0 => changed.operation = operation,
        1 => changed.operands.reverse(),
        2 => drop(changed.operands.pop()),
        3 => changed.operands.push(view),
        4 if place < changed.operands.len() => changed.operands[place] = view,
        6 if place < changed.operands.len() => changed.operands[place].element = ElementType::Uint64,
        7 => (changed.output.element, changed.compute) = (ElementType::Uint64, ElementType::Uint64),
        5 => {
            changed.output.shape.push(1);
            changed.output.strides.push(draws.below(3));
        }
        _ => changed.output.shape.reverse(),
    }
    format!("step {one} of {count} in way {way} by {other}")
}

fn step(plan: &mut Plan, number: usize) -> &mut Step {
    let prepared = plan.prepare.len();
    if number < prepared { &mut plan.prepare[number] } else { &mut plan.run[number - prepared] }
}

type Numbers<'p> = Vec<(&'static str, &'p mut usize)>;

/// Every number of a plan, with what it is of.
fn numbers(plan: &mut Plan) -> Numbers<'_> {
    let mut all: Numbers<'_> = vec![("scratch", &mut plan.scratch_bytes), ("arena", &mut plan.arena_bytes)];
    all.extend(plan.prepared.iter_mut().map(|bytes| ("prepared", bytes)));
    for port in &mut plan.inputs {
        of_view("input", &mut port.view, &mut all);
    }
    for port in &mut plan.outputs {
        of_view("output", &mut port.view, &mut all);
    }
    all.extend(plan.parameters.iter_mut().flat_map(|one| &mut one.shape).map(|size| ("parameter", size)));
    for step in plan.prepare.iter_mut().chain(&mut plan.run) {
        all.push(("own operands", &mut step.own_operands));
        for view in &mut step.operands {
            of_view("operand", view, &mut all);
        }
        of_view("result", &mut step.output, &mut all);
        if let Some(expression) = &mut step.epilogue {
            of_expression(expression, &mut all);
        }
        of_operation(&mut step.operation, &mut all);
    }
    all
}

fn of_view<'p>(name: &'static str, view: &'p mut View, all: &mut Numbers<'p>) {
    if let Storage::Input(number) | Storage::Parameter(number) | Storage::Prepared(number) = &mut view.storage {
        all.push((name, number));
    }
    all.push((name, &mut view.offset_bytes));
    all.extend(view.shape.iter_mut().chain(&mut view.strides).map(|number| (name, number)));
}

fn of_window<'p>(axis: &'p mut AxisWindow, all: &mut Numbers<'p>) {
    let AxisWindow { kernel, stride, dilation, before } = axis;
    all.extend([kernel, stride, dilation, before].map(|number| ("window", number)));
}

fn of_operation<'p>(operation: &'p mut Operation, all: &mut Numbers<'p>) {
    match operation {
        Operation::Conv(Conv(Convolution { window, groups }))
        | Operation::ConvData(ConvData(Convolution { window, groups }))
        | Operation::ConvWeight(ConvWeight(Convolution { window, groups })) => {
            all.push(("groups", groups));
            window.iter_mut().for_each(|axis| of_window(axis, all));
        }
        Operation::Pool(Pool { axes, .. }) | Operation::PoolGrad(PoolGrad { axes, .. }) => {
            for axis in axes {
                if let PoolAxis::Sliding(window) = axis {
                    of_window(window, all);
                }
            }
        }
        Operation::Map(expression) => of_expression(expression, all),
        Operation::Reorder(Reorder { channels, lanes, .. }) => all.extend([("channels", channels), ("lanes", lanes)]),
        Operation::PackedConv(conv) | Operation::Pack(Packing::Conv(conv)) => of_conv(conv, all),
        Operation::PackedLinear(linear) | Operation::Pack(Packing::Linear(linear)) => {
            let PackedLinear { rows, in_channels, pixels, out_features, lanes, of_bytes: _ } = linear;
            all.extend([rows, in_channels, pixels, out_features, lanes].map(|number| ("packing", number)));
        }
        _ => {}
    }
}

fn of_conv<'p>(conv: &'p mut PackedConv, all: &mut Numbers<'p>) {
    let PackedConv { convolution: SizedConvolution { batch, channels, groups, sizes, window, .. }, lanes, .. } = conv;
    all.extend([batch, groups, lanes].map(|number| ("packing", number)));
    all.extend(channels.iter_mut().chain(sizes.iter_mut().flatten()).map(|number| ("packing", number)));
    window.iter_mut().for_each(|axis| of_window(axis, all));
}

fn of_expression<'p>(expression: &'p mut Expression, all: &mut Numbers<'p>) {
    match expression {
        Expression::Operand(number) | Expression::Index(number) => all.push(("expression", number)),
        Expression::Constant(_) => {}
        Expression::Unary(_, one) => of_expression(one, all),
        Expression::Binary(_, one, other) => [one, other].into_iter().for_each(|part| of_expression(part, all)),
        Expression::Select(one, other, third) => {
            [one, other, third].into_iter().for_each(|part| of_expression(part, all));
        }
        Expression::Uniform(_, parts) => parts.iter_mut().for_each(|part| of_expression(part, all)),
    }
}
