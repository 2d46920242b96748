//! `cnnc dump FILE --prove`: the network fused and not, on the same random inputs and parameters, and how far they are apart
//! layer by layer.
//!
//! The fused network's kernels run as on this machine; every kernel's value is taken out, after the passes, so that nothing is
//! fused less for being looked at. The network without passes runs by the reference kernels, and gives every layer's value. What
//! a fused kernel gives is the value of the last layer that went into it.

use crate::arguments::Dump;
use crate::console::{Console, Outcome};
use crate::model::{self, MOST_PLANNED};
use crate::numbers::{counted, grouped, padded};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{NodeKind, Output, ShapedGraph};
use cnnc_compiler::kernels::{KernelGraph, Port};
use cnnc_compiler::passes;
use cnnc_compiler::plan::plan;
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::random::input;
use cnnc_runtime::{Device, DeviceName, DeviceOptions, Model, Parameters, Tensor, bind_batch};
use std::collections::HashMap;
use std::sync::Arc;

/// Layers that are told one by one: those that are furthest apart.
const MOST_TOLD: usize = 20;

/// How far a whole network may be off float64, twice: both sides are float32.
const TOLERANCE: f64 = 2e-4;

/// Runs both, and prints the differences.
pub fn prove(arguments: &Dump, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let shaped = model.graph();
    if shaped.graph.dag.len() > MOST_PLANNED {
        let message = format!("networks of up to {} layers are proved", grouped(MOST_PLANNED as u64));
        return Err(console.fail(&Diagnostic::without_place(Code::E217, message), model.files()));
    }
    let mut bindings = Bindings::new();
    bind_batch(shaped, &mut bindings, 1);
    let failed = |problem: Box<Diagnostic>, console: &mut Console<'_>| console.fail(&problem, model.files());
    let (every, paths) = every_layer(shaped);
    let plain = write_kernels(&every, &bindings).map_err(|problem| failed(problem, console))?;
    let mut fused = write_kernels(shaped, &bindings).map_err(|problem| failed(problem, console))?;
    passes::run(&mut fused).map_err(|problem| failed(problem, console))?;
    let kernels = every_kernel(&mut fused);
    let inputs = inputs(&model, &bindings);
    let reference = answers(&plain, DeviceOptions::default().reference(), &inputs, &model, console)?;
    let values = answers(&fused, DeviceOptions::default(), &inputs, &model, console)?;
    let by_path: HashMap<&str, &Tensor> = paths.iter().map(AsRef::as_ref).zip(&reference).collect();
    let mut rows = Vec::new();
    for (origins, value) in kernels.iter().zip(&values) {
        let last =
            origins.last().map_or("", |origin| origin.rsplit_once(' ').map_or(origin.as_ref(), |(path, _)| path));
        if let Some(expected) = by_path.get(last).filter(|expected| expected.data().len() == value.data().len()) {
            rows.push(Row { layers: origins.join(" + "), error: error(value, expected) });
        }
    }
    told(rows, kernels.len(), console)
}

/// A fused kernel's value beside that of its last layer.
struct Row {
    layers: String,
    error: f64,
}

/// The network with every layer's value as an output, and their paths.
fn every_layer(shaped: &ShapedGraph) -> (ShapedGraph, Vec<Arc<str>>) {
    let mut shown = shaped.clone();
    let layers = shaped.graph.dag.iter().filter(|(_, node)| matches!(node.kind, NodeKind::Operator(_)));
    // Of joins without names, which share the path of what is around them, the last one is what that gives.
    let (outputs, paths) =
        layers.map(|(node, layer)| (Output { name: layer.path.clone(), node }, layer.path.clone())).unzip();
    shown.graph.outputs = outputs;
    (shown, paths)
}

/// Takes every kernel's value out of a network that is fused already; gives the layers of each, none where the last of them is
/// only finished by a later kernel, as a convolution whose bias is added there.
fn every_kernel(fused: &mut KernelGraph) -> Vec<Vec<Arc<str>>> {
    let constants = fused.constants();
    let order = fused.dag.order().unwrap_or_default();
    let nodes = order.into_iter().filter_map(|id| Some((id, fused.dag.get(id)?)));
    let computed: Vec<_> = nodes
        .filter(|(id, node)| !constants.contains(id) && !node.kernel.is_given())
        .map(|(id, node)| (id, node.origins.clone()))
        .collect();
    let mut finished: HashMap<Arc<str>, usize> = HashMap::new();
    for (place, (_, origins)) in computed.iter().enumerate() {
        finished.extend(origins.iter().map(|origin| (origin.clone(), place)));
    }
    fused.outputs = Default::default();
    for (place, (node, _)) in computed.iter().enumerate() {
        fused.outputs.push(Port { name: format!("{place}").into(), node: *node });
    }
    let kernels = computed.into_iter().enumerate().map(|(place, (_, origins))| {
        let is_finished = origins.last().is_some_and(|last| finished.get(last) == Some(&place));
        if is_finished { origins } else { Vec::new() }
    });
    kernels.collect()
}

/// An input of random numbers for each of the model's.
fn inputs(model: &Model, bindings: &Bindings) -> Vec<Tensor> {
    let size = |name: &str| bindings.get(name).and_then(|&size| i64::try_from(size).ok());
    let shape = |shape: &cnnc_compiler::shape::Shape| shape.at(&size).unwrap_or_default();
    model.inputs().iter().map(|port| input(&port.name, &shape(&port.shape), 0)).collect()
}

/// The outputs of a kernel graph on a device of this machine.
fn answers(
    kernels: &KernelGraph,
    options: DeviceOptions,
    inputs: &[Tensor],
    model: &Model,
    console: &mut Console<'_>,
) -> Outcome<Vec<Tensor>> {
    let fault = |problem: Box<Diagnostic>, console: &mut Console<'_>| console.fail(&problem, model.files());
    let device = Device::open(DeviceName::Cpu, &options).map_err(|failure| console.show(&failure))?;
    let plan = plan(kernels, &device.target()).map_err(|problem| fault(problem, console))?;
    let parameters = Parameters::draw(&model.graph().graph, 0).map_err(|failure| console.show(&failure))?;
    let run = |device: &Device| {
        device.backend().prepare(Arc::new(plan), &parameters)?.run(&inputs).map(|answers| answers.to_vec())
    };
    run(&device).map_err(|failure| console.show(&failure))
}

/// The largest difference, by the largest number that was expected.
fn error(found: &Tensor, expected: &Tensor) -> f64 {
    let largest = expected.data().iter().fold(0.0f64, |largest, number| largest.max(f64::from(number.abs())));
    let pairs = found.data().iter().zip(expected.data());
    let apart = pairs.fold(0.0f64, |apart, (found, expected)| {
        let difference = (f64::from(*found) - f64::from(*expected)).abs();
        if difference.is_nan() { f64::INFINITY } else { apart.max(difference) }
    });
    if apart == 0.0 { 0.0 } else { apart / largest.max(f64::MIN_POSITIVE) }
}

/// The largest differences first; an error where one is more than rounding.
fn told(mut rows: Vec<Row>, kernels: usize, console: &mut Console<'_>) -> Outcome {
    rows.sort_by(|one, other| other.error.total_cmp(&one.error));
    let compared = format!("{} of {} compared", grouped(rows.len() as u64), counted(kernels, "kernel"));
    let largest = rows.first().map_or(0.0, |row| row.error);
    console.print(&format!(" fused and not, on random inputs: {compared}, {largest:.1e} apart at most\n\n"))?;
    for row in rows.iter().take(MOST_TOLD) {
        console.print(&format!(" {}  {}\n", padded(&format!("{:.1e}", row.error), 8), row.layers))?;
    }
    if let Some(more @ 1..) = rows.len().checked_sub(MOST_TOLD) {
        console.print(&format!(" and {}, none further apart\n", counted(more, "more kernel")))?;
    }
    match rows.first().filter(|row| row.error > TOLERANCE) {
        None => Ok(()),
        Some(row) => {
            let message = format!(
                "`{}` is {:.1e} off what its layers give, and {TOLERANCE:.0e} is rounding",
                row.layers, row.error
            );
            let fault = Diagnostic::without_place(Code::E502, message);
            Err(console.fail(&fault, &cnnc_grammar::span::Files::default()))
        }
    }
}
