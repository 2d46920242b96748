//! Generated CUDA C executed on the processor: programs as C++ behind `cuda/shim.h`, compiled, run, and every step held against
//! the reference kernels in float64, given the values that the step itself was given, so that errors do not add up and a wrong
//! step is named.

mod text;

use crate::skipped;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::{Expression, Reduce, Reduction};
use cnnc_compiler::plan::{Operation, Plan, PlanPort, Step, Storage, View};
use cnnc_runtime::cpu::{CpuOptions, Engine, Kernels, evaluate_f64};
use cnnc_runtime::cuda::program::{Options, Precision, Program};
use cnnc_runtime::{Parameters, Tensor};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use text::{entry, steps, storage_number, text};

/// A plan with what it reads.
#[derive(Clone)]
pub struct Case {
    /// What messages call it.
    pub name: String,
    /// The plan, for the CUDA target.
    pub plan: Arc<Plan>,
    /// Parameters by name.
    pub parameters: Parameters,
    /// The inputs.
    pub inputs: Vec<Tensor>,
    /// Whether values may cancel to nothing, as in a random net; a step may then also err four times as the reference in float32
    /// does.
    pub cancels: bool,
}

impl Case {
    /// What is written for the plan.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn program(&self, options: &Options) -> Program {
        Program::of(&self.plan, options).unwrap_or_else(|failure| panic!("{}: {failure:?}", self.name))
    }
}

/// The C++ compiler, if the machine has one; where it has none, says that the test is skipped.
///
/// # Panics
/// When there is none and tests of CUDA are required.
pub fn compiler() -> Option<String> {
    let named = std::env::var("CXX").ok().into_iter();
    let mut names = named.chain(["c++", "g++", "clang++"].map(str::to_owned));
    let found =
        names.find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
    if found.is_none() {
        skipped("no C++ compiler");
    }
    found
}

/// Everything that is wrong with cases whose programs are executed: `flags` go to the compiler, `tolerance` says what a step may
/// be off, as a share of its largest result.
///
/// # Panics
/// When a program cannot be written, compiled or run.
pub fn wrong(
    compiler: &str,
    flags: &[&str],
    cases: &[Case],
    options: &Options,
    tolerance: &dyn Fn(&Step) -> f64,
) -> Vec<String> {
    let programs: Vec<Program> = cases.iter().map(|case| case.program(options)).collect();
    wrong_programs(compiler, flags, cases, &programs, tolerance)
}

/// As [`wrong`], of these programs for the cases.
///
/// # Panics
/// When a program cannot be compiled or run.
pub fn wrong_programs(
    compiler: &str,
    flags: &[&str],
    cases: &[Case],
    programs: &[Program],
    tolerance: &dyn Fn(&Step) -> f64,
) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("cases.cpp"), text(cases, programs)).expect("a file");
    let memory: Vec<u8> =
        cases.iter().zip(programs).flat_map(|(case, program)| Memory::new(case, program).bytes()).collect();
    std::fs::write(path("in"), memory).expect("a file");
    compile(compiler, flags, folder.path());
    let ran = Command::new(path("cases")).arg(path("in")).arg(path("out")).output().expect("the program");
    let mut wrong: Vec<String> = String::from_utf8_lossy(&ran.stderr).lines().map(str::to_owned).collect();
    if !ran.status.success() && wrong.is_empty() {
        wrong.push(format!("the program ended with {}", ran.status));
    }
    let bytes = std::fs::read(path("out")).unwrap_or_default();
    let mut values = bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    for (case, program) in cases.iter().zip(programs) {
        wrong.extend(compare(case, program, tolerance, &mut values));
    }
    wrong
}

fn compile(compiler: &str, flags: &[&str], folder: &Path) {
    let shim = Path::new("cuda").canonicalize().expect("the shim's folder");
    let output = Command::new(compiler)
        .args(["-std=c++17", "-O1", "-w", "-ffp-contract=off", "-I"])
        .arg(shim)
        .args(flags)
        .args(["cases.cpp", "-o", "cases"])
        .current_dir(folder)
        .output()
        .expect("the compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The storages of a case by number, in words of four bytes.
struct Memory(Vec<Vec<f32>>);

impl Memory {
    fn new(case: &Case, program: &Program) -> Memory {
        let nothing = |count: usize| vec![f32::NAN; count];
        let parameters = case.plan.parameters.iter().map(|parameter| {
            let tensor = case.parameters.get(&parameter.path);
            words_of(&tensor.unwrap_or_else(|failure| panic!("{}: {}", case.name, failure.message)))
        });
        let Plan { scratch_bytes, ref prepared, arena_bytes, .. } = *case.plan;
        let storages = [scratch_bytes, arena_bytes].into_iter().chain(prepared.iter().copied());
        let storages = storages.map(|bytes| bytes / WORD_BYTES);
        let own = storages.chain([program.workspace_elements]).map(nothing);
        Memory(case.inputs.iter().map(words_of).chain(parameters).chain(own).collect())
    }

    /// Writes what a step left in a view of words.
    fn write(&mut self, case: &Case, view: &View, values: Vec<f32>) {
        let into = &mut self.0[storage_number(case, view.storage)];
        places(view).into_iter().zip(values).for_each(|(place, value)| into[place] = value);
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = (self.0.len() as u64).to_le_bytes().to_vec();
        for storage in &self.0 {
            bytes.extend((storage.len() as u64).to_le_bytes());
            bytes.extend(storage.iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes
    }
}

/// Bytes of a word.
const WORD_BYTES: usize = 4;

/// A tensor's values in words.
fn words_of(tensor: &Tensor) -> Vec<f32> {
    match tensor.counts() {
        Some(counts) => {
            counts.iter().flat_map(|&count| [count as u32, (count >> 32) as u32].map(f32::from_bits)).collect()
        }
        None => tensor.data().to_vec(),
    }
}

/// The whole numbers that words are.
fn counts_of(words: &[f32]) -> Vec<u64> {
    words.as_chunks().0.iter().map(|&[low, high]| u64::from(high.to_bits()) << 32 | u64::from(low.to_bits())).collect()
}

/// A view as one of words: a whole number is two of them.
fn words(view: &View) -> View {
    let mut words = view.clone();
    if view.element == ElementType::Uint64 {
        words.element = ElementType::Float32;
        words.strides.iter_mut().for_each(|stride| *stride *= 2);
        words.shape.push(2);
        words.strides.push(1);
    }
    words
}

/// Holds each step of a case against the reference.
fn compare(
    case: &Case,
    program: &Program,
    tolerance: &dyn Fn(&Step) -> f64,
    values: &mut dyn Iterator<Item = f32>,
) -> Vec<String> {
    let mut memory = Memory::new(case, program);
    let mut wrong = Vec::new();
    for (number, (step, launches)) in steps(case, program).into_iter().enumerate() {
        let output = words(&step.output);
        let found: Vec<f32> = values.take(output.elements()).collect();
        if step.compute == ElementType::Uint64 {
            if counts_of(&found) != counted(case, step, &memory) {
                wrong.push(format!("{}, step {number}, {}: counts wrongly", case.name, step.operation.name()));
            }
            memory.write(case, &output, found);
            continue;
        }
        let exact = evaluate(case, step, &memory, false);
        let largest = |values: &[f64]| values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        // Where terms cancel, what is left is held against them.
        let terms = if is_sum(&step.operation) { 1e-2 * largest(&evaluate(case, step, &memory, true)) } else { 0.0 };
        let scale = largest(&exact).max(terms);
        let differences = found.iter().zip(&exact).map(|(&a, b)| (f64::from(a) - b).abs());
        let off = differences.fold(0.0f64, |worst, off| if off > worst || off.is_nan() { off } else { worst });
        let tolerance = tolerance(step);
        let allowed = tolerance * scale;
        let rounds_alike = || case.cancels && off <= allowed + 4.0 * rounding(case, step, &memory, &exact);
        if found.len() < exact.len() || off.is_nan() || (off > allowed && !rounds_alike()) {
            let entries: Vec<&str> = launches.iter().map(|launch| entry(launch).0).collect();
            wrong.push(format!(
                "{}, step {number}, {} by {}: off by {:.1e}, more than {tolerance:.0e}",
                case.name,
                step.operation.name(),
                entries.join(" and "),
                off / scale
            ));
        }
        memory.write(case, &output, found);
    }
    wrong
}

/// A step that counts, by what its expression means.
fn counted(case: &Case, step: &Step, memory: &Memory) -> Vec<u64> {
    let Operation::Map(expression) = &step.operation else { panic!("{}: only a map counts", case.name) };
    let values = |view: &View| {
        let storage = &memory.0[storage_number(case, view.storage)];
        counts_of(&places(&words(view)).into_iter().map(|place| storage[place]).collect::<Vec<f32>>())
    };
    let operands: Vec<Vec<u64>> = step.operands.iter().map(values).collect();
    let element = |index: usize| {
        let elements: Vec<u64> = operands.iter().map(|operand| operand[index]).collect();
        expression.evaluate_whole(&elements).expect("an expression that counts")
    };
    (0..step.output.elements()).map(element).collect()
}

/// What a step may be off in a precision, as a share of its largest result, and why.
pub fn tolerance(step: &Step, precision: Precision) -> (f64, &'static str) {
    match (&step.operation, precision) {
        (kernel, precision) if is_product(kernel) => match precision {
            Precision::Exact | Precision::Int8 => {
                (2e-6, "each product and sum rounds; errors grow as the root of their number")
            }
            Precision::Tf32 | Precision::Fp16 => (2e-3, "operands have 11 bits: each is off by 2^-11 at most"),
            Precision::Bf16 => (1e-2, "operands have 8 bits: each is off by 2^-8 at most"),
            other => panic!("nothing is known of {}", other.name()),
        },
        (Operation::Map(_) | Operation::Reduce(_), _) => (1e-5, "of a few operations differences may cancel"),
        _ => (3e-6, "a few operations in float32, functions good to a few units of the last place"),
    }
}

fn is_product(operation: &Operation) -> bool {
    matches!(operation, Operation::Conv(_) | Operation::ConvData(_) | Operation::ConvWeight(_) | Operation::Gemm(_))
}

/// Whether a kernel adds up terms that may cancel.
fn is_sum(operation: &Operation) -> bool {
    is_product(operation) || matches!(operation, Operation::Reduce(Reduce { reduction: Reduction::Sum, .. }))
}

/// A step alone in float64 on the values it was given; `of_terms`: without its epilogue, of their absolute values.
fn evaluate(case: &Case, step: &Step, memory: &Memory, of_terms: bool) -> Vec<f64> {
    let (plan, inputs) = alone(case, step, memory, of_terms);
    let mut answers = evaluate_f64(plan, &Parameters::default(), &inputs)
        .unwrap_or_else(|failure| panic!("{}: {failure:?}", case.name));
    answers.remove(0).1
}

/// The largest error of the reference in float32, on what the step was given.
fn rounding(case: &Case, step: &Step, memory: &Memory, exact: &[f64]) -> f64 {
    let (plan, inputs) = alone(case, step, memory, false);
    let options = CpuOptions { threads: 1, kernels: Kernels::Reference, ..CpuOptions::default() };
    let answers = Engine::new(plan, &Parameters::default(), options)
        .and_then(|mut engine| engine.run(&inputs).map(|answers| answers.to_vec()))
        .unwrap_or_else(|failure| panic!("{}: {failure:?}", case.name));
    let pairs = answers[0].data().iter().zip(exact);
    pairs.map(|(&found, exact)| (f64::from(found) - exact).abs()).fold(0.0, f64::max)
}

/// A plan of that step alone, and the values that it was given.
fn alone(case: &Case, step: &Step, memory: &Memory, of_terms: bool) -> (Arc<Plan>, Vec<Tensor>) {
    let operands = if of_terms { &step.operands[..step.own_operands] } else { &step.operands[..] };
    let mut alone = step.clone();
    alone.output = View::dense(Storage::Arena, step.output.element, 0, &step.output.shape);
    if of_terms {
        alone.epilogue = None;
    }
    alone.operands.clear();
    let (mut inputs, mut tensors) = (Vec::new(), Vec::new());
    for (index, view) in operands.iter().enumerate() {
        let extent = view.extent();
        let floats = view.element.size_bytes() / WORD_BYTES;
        let from = &memory.0[storage_number(case, view.storage)][view.offset_bytes / WORD_BYTES..][..extent * floats];
        let tensor = match view.element {
            ElementType::Uint64 => Tensor::of_counts(&[extent], counts_of(from)),
            ElementType::Float32 | ElementType::Uint8(_) => {
                Tensor::new(&[extent], from.iter().map(|value| if of_terms { value.abs() } else { *value }).collect())
            }
        };
        tensors.push(tensor.expect("as many values as the view extends over"));
        let whole = View::dense(Storage::Input(index), view.element, 0, &[extent]);
        inputs.push(PlanPort { name: format!("x{index}").into(), view: whole });
        alone.operands.push(View { storage: Storage::Input(index), offset_bytes: 0, ..view.clone() });
    }
    let outputs = vec![PlanPort { name: "output".into(), view: alone.output.clone() }];
    let arena_bytes = alone.output.end_bytes();
    let (prepare, parameters) = (Vec::new(), Vec::new());
    let plan = Plan {
        inputs,
        class_input: None,
        outputs,
        parameters,
        prepare,
        run: vec![alone],
        scratch_bytes: 0,
        prepared: Vec::new(),
        arena_bytes,
    };
    (Arc::new(plan), tensors)
}

/// The elements of a view, the last axis fastest.
fn places(view: &View) -> Vec<usize> {
    let mut places = vec![view.offset()];
    for (&size, &stride) in view.shape.iter().zip(&view.strides) {
        places = places.iter().flat_map(|place| (0..size).map(move |index| place + index * stride)).collect();
    }
    places
}

/// A plan of one step, whose operands are inputs as the views say: `reach` elements each.
pub fn single(
    operation: Operation,
    operands: &[View],
    own_operands: usize,
    epilogue: Option<Expression>,
    output: View,
) -> Arc<Plan> {
    let port = |(index, view): (usize, &View)| PlanPort {
        name: format!("x{index}").into(),
        view: View::dense(Storage::Input(index), view.element, 0, &[view.end_bytes() / view.element.size_bytes()]),
    };
    let (operands, output): (Vec<View>, View) =
        (operands.iter().cloned().map(View::canonical).collect(), output.canonical());
    let arena_bytes = output.end_bytes();
    Arc::new(Plan {
        inputs: operands.iter().enumerate().map(port).collect(),
        class_input: None,
        outputs: vec![PlanPort { name: "output".into(), view: output.clone() }],
        parameters: Vec::new(),
        prepare: Vec::new(),
        run: vec![Step {
            operation,
            operands,
            own_operands,
            compute: output.element,
            epilogue,
            output,
            origins: vec!["0 Layer".into()],
        }],
        scratch_bytes: 0,
        prepared: Vec::new(),
        arena_bytes,
    })
}
