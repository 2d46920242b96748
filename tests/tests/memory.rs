//! The memory that is foretold of a plan is the memory that an engine takes: as an allocator counts it, and as the system does.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::{Plan, PlanPort, Preparation, PreparedKey};
use cnnc_compiler::training::{Training, compile_step, names};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::{CpuOptions, Engine, Footprint, TrainingEngine, footprint, initial_state, training_footprint};
use cnnc_runtime::{Device, Model, Parameters, PrepareOptions, Session, Tensor, random, weights};
use cnnc_tests::{network, network_for, plans::planned};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashSet;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, counted: the bytes that are taken now, and the most since they were last asked for.
struct Counting;

static TAKEN: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn take(bytes: usize) {
    let taken = TAKEN.fetch_add(bytes as u64, Ordering::SeqCst) + bytes as u64;
    MOST.fetch_max(taken, Ordering::SeqCst);
}

// SAFETY: everything is the system's allocator's, which keeps the promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's layout is handed on as it is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's layout is handed on as it is.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size() as u64, Ordering::SeqCst);
        // SAFETY: the block came from `System`, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// A network with a batch of one, and how it is run.
struct Case {
    shaped: ShapedGraph,
    plan: Arc<Plan>,
    options: CpuOptions,
}

impl Case {
    fn new(path: &str, threads: usize) -> Case {
        let shape = |file: &str| {
            let shaped = network(file, None);
            let sizes = shaped.graph.inputs.iter().map(|input| input.shape.iter().map(|dim| dim.number().unwrap_or(1)));
            sizes.map(|sizes| sizes.map(|size| size as usize).collect()).collect::<Vec<Vec<usize>>>()
        };
        let shaped = network_for(path, None, &shape(path));
        let options = CpuOptions { threads, ..CpuOptions::default() };
        let plan = planned(&shaped, true, &options.target());
        Case { shaped, plan, options }
    }

    fn foretold(&self) -> Footprint {
        footprint(&self.plan, &self.options).expect("a plan")
    }

    fn drawn(&self) -> Parameters {
        Parameters::draw(&self.shaped.graph, 0).expect("parameters")
    }

    fn engine(&self, parameters: &Parameters) -> Engine {
        Engine::new(self.plan.clone(), parameters, self.options).expect("an engine")
    }

    fn inputs(&self) -> Vec<Tensor> {
        let ports = self.plan.inputs.iter();
        ports.map(|port| random::input(&port.name, &port.view.shape, 0)).collect()
    }
}

/// What was taken at the most while `work` ran, past what was taken before.
fn most<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = TAKEN.load(Ordering::SeqCst);
    MOST.store(before, Ordering::SeqCst);
    let made = work();
    (made, MOST.load(Ordering::SeqCst) - before)
}

#[track_caller]
fn near(what: &str, foretold: u64, found: u64, share: f64) {
    let off = found as f64 / foretold as f64 - 1.0;
    assert!(off.abs() <= share, "{what}: {foretold} bytes foretold, {found} found, {:.1}% off", 100.0 * off);
}

/// One test, since the counter is that of the whole process.
#[test]
fn what_is_foretold_is_what_is_taken() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    // Threads that draw keep some memory of their own.
    random::input("warm", &[1 << 20], 0);
    let nets = ["lenet", "torchvision/squeezenet1_1", "torchvision/mobilenet_v2", "torchvision/resnet18"];
    for path in nets.into_iter().chain(["torchvision/googlenet", "vgg"]) {
        [1, 2].into_iter().for_each(|threads| counted(&Case::new(&format!("../models/{path}.cnn"), threads), path));
    }
    // A thread that happens to multiply nothing, or did so for a network before, takes no memory for products, a megabyte:
    // batches are large beside that.
    for (path, batch) in [("lenet", 512), ("resnet18", 8), ("torchvision/squeezenet1_1", 2)] {
        [false, true].into_iter().for_each(|recompute| trained(path, batch, recompute));
    }
    shared_by_sessions("torchvision/resnet18");
    shared_by_batches("torchvision/resnet18");
    for path in ["vgg", "torchvision/resnet50"] {
        resident(path);
    }
}

/// Four sessions on threads of their own take little more than one: the packed weights are there once.
fn shared_by_sessions(path: &str) {
    let model = Model::from_file(format!("../models/{path}.cnn")).expect("a model");
    let weights = model.init(0).expect("weights");
    let input = [random::input("input", &[1, 3, 224, 224], 0)];
    let before = TAKEN.load(Ordering::SeqCst);
    let prepared = model.prepare(&weights, &Device::cpu(1), PrepareOptions::default()).expect("packed weights");
    let mut sessions: Vec<Session> = Vec::with_capacity(4);
    let answer = |sessions: &mut Vec<Session>| {
        sessions.push(prepared.session());
        let session = sessions.last_mut().expect("a session");
        let answer = session.run(&input).expect("answers").at(0).clone();
        (answer, TAKEN.load(Ordering::SeqCst) - before)
    };
    let (expected, one) = answer(&mut sessions);
    let others: Vec<Tensor> = (0..3).map(|_| answer(&mut sessions).0).collect();
    let four = TAKEN.load(Ordering::SeqCst) - before;
    assert!(others.iter().all(|answer| *answer == expected), "other bits");
    assert!(four as f64 <= 1.25 * one as f64, "one session takes {one} bytes, and four {four}");
    let foretold = prepared.memory(&[&[1, 3, 224, 224]]).expect("a plan").run_bytes;
    near(&format!("a session of {path}"), foretold, one + input[0].data().len() as u64 * 4, 0.1);
}

/// Another batch takes the memory of what no batch before it has packed alike, and little more; by methods that are the same for
/// any batch that is nothing.
fn shared_by_batches(path: &str) {
    let model = Model::from_file(format!("../models/{path}.cnn")).expect("a model");
    let weights = model.init(0).expect("weights");
    for exact in [true, false] {
        let options = PrepareOptions::default();
        let options = if exact { options.exact() } else { options };
        let prepared = model.prepare(&weights, &Device::cpu(1), options).expect("packed weights");
        let plan = |batch: usize| prepared.plan(&[&[batch, 3, 224, 224]]).expect("a plan");
        let first = plan(1);
        let mut known: HashSet<PreparedKey> = Preparation::of(&first).keys().collect();
        for batch in [2, 8] {
            let before = TAKEN.load(Ordering::SeqCst);
            let plan = plan(batch);
            let added = TAKEN.load(Ordering::SeqCst) - before;
            let preparation = Preparation::of(&plan);
            let values = preparation.keys().zip(&plan.prepared);
            let new: usize = values.filter(|(key, _)| known.insert(key.clone())).map(|(_, bytes)| bytes).sum();
            assert!(!exact || new == 0, "batch {batch} packs {new} bytes in another order");
            let most = new as u64 + first.prepared_bytes() / 10;
            assert!(added < most, "batch {batch} adds {added} bytes, {new} of them new");
        }
    }
}

/// A training step: the state that the caller holds, and the engine.
fn trained(path: &str, batch: usize, recompute: bool) {
    let graph = network(&format!("../models/{path}.cnn"), None);
    let options = CpuOptions { threads: 2, ..CpuOptions::default() };
    let training = Training { recompute, ..Training::plain() };
    let bindings = Bindings::from([("N".to_owned(), batch)]);
    let (plan, _) = compile_step(&graph, &bindings, &training, &options.target()).expect("a plan");
    let foretold = training_footprint(&plan, &options).expect("a plan");
    let plan = Arc::new(plan);
    let parameters = Parameters::draw(&graph.graph, 0).expect("parameters");
    let ((), found) = most(|| {
        let mut state = initial_state(&plan, &parameters).expect("a state");
        let mut engine = TrainingEngine::new(plan.clone(), &state, options).expect("an engine");
        let input = |port: &PlanPort| match port.name.as_ref() {
            names::LABELS => Tensor::filled(&port.view.shape, 0.0),
            names::SEED => Tensor::count(0),
            names::LEARNING_RATE => Tensor::filled(&[], 1e-6),
            names::STEP => Tensor::count(1),
            name => random::input(name, &port.view.shape, 0),
        };
        let inputs: Vec<Tensor> = plan.inputs.iter().map(input).collect();
        (0..2).for_each(|_| assert!(engine.step(&mut state, &inputs).is_ok()));
    });
    let most = foretold.load_bytes.max(foretold.run_bytes);
    near(&format!("{path}, training {batch}, recomputing {recompute}"), most, found, 0.05);
}

fn counted(case: &Case, path: &str) {
    let (parameters, foretold, threads) = (case.drawn(), case.foretold(), case.options.threads);
    let (engine, load) = most(|| case.engine(&parameters));
    near(&format!("{path}, loading with {threads} threads"), foretold.load_bytes, load, 0.05);
    drop(engine);
    let ((), run) = most(|| {
        let mut engine = case.engine(&parameters);
        // What loading took at the most is not asked here.
        MOST.store(TAKEN.load(Ordering::SeqCst), Ordering::SeqCst);
        let inputs = case.inputs();
        (0..2).for_each(|_| assert!(engine.run(&inputs).is_ok()));
    });
    near(&format!("{path}, running with {threads} threads"), foretold.run_bytes, run, 0.05);
}

/// Names the network that a child of this test is to load and run.
const CHILD: &str = "CNNC_MEMORY_TEST";

/// A large network is loaded in a process of its own, whose growth the system tells.
fn resident(path: &str) {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD, path)
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&child.stdout);
    let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    match (figure("foretold"), figure("grown")) {
        (Some(foretold), Some(grown)) => near(&format!("{path}, resident"), foretold, grown, 0.1),
        _ => panic!("{text}{}", String::from_utf8_lossy(&child.stderr)),
    }
}

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("the process");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("a line");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
}

/// What [`resident`] starts: the course's VGG with drawn parameters, another network with those of a file.
#[test]
#[allow(clippy::print_stdout, reason = "the process that started this one reads it")]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let case = Case::new(&format!("../models/{path}.cnn"), 2);
    let folder = tempfile::tempdir().expect("a folder");
    let parameters = if path == "vgg" {
        case.drawn()
    } else {
        let file = folder.path().join("weights.safetensors");
        weights::save(&file, &case.drawn(), &[]).expect("a file");
        weights::load(&file, &case.shaped.graph, "").expect("parameters")
    };
    let before = status("VmRSS");
    let mut engine = case.engine(&parameters);
    assert!(engine.run(&case.inputs()).is_ok());
    let foretold = case.foretold();
    println!("\nforetold {}", foretold.load_bytes.max(foretold.run_bytes));
    println!("grown {}", status("VmHWM") - before);
}
