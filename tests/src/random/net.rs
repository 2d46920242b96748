//! A random net with all that it takes to run it: its shapes, its numbers, and what the evaluation says of it.

use super::spec::Spec;
use crate::evaluation::Array;
use crate::evaluation::number::Number;
use crate::evaluation::rounded;
use crate::{formula, possible_network};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{Parameter, ShapedGraph};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::{Parameters, Tensor, bind_input, random};

/// A net that the compiler takes.
pub struct Net {
    /// What it was made from.
    pub seed: u64,
    /// Its spec, with sizes that are open or not.
    pub spec: Spec,
    /// The network.
    pub network: ShapedGraph,
    /// The sizes that its inputs give to symbols.
    pub bindings: Bindings,
}

impl Net {
    /// The net of a spec, unless the compiler refuses it, or what it leaves open does not go together with these sizes.
    pub fn new(seed: u64, spec: Spec) -> Option<Net> {
        let network = possible_network(&spec.text)?;
        let mut bindings = Bindings::new();
        for (port, shape) in network.graph.inputs.iter().zip(&spec.inputs) {
            bind_input(port, shape, &mut bindings);
        }
        let fits = !matches!(write_kernels(&network, &bindings), Err(why) if why.code == Code::E308);
        fits.then_some(Net { seed, spec, network, bindings })
    }

    /// Its parameters.
    pub fn parameters(&self) -> Parameters {
        let draw = |parameter: &Parameter| {
            let drawn = formula::tensor(&format!("{}.{}", self.seed, parameter.path), &parameter.shape, &[]);
            drawn.converted(parameter.element()).expect("counters are whole")
        };
        let all = self.network.graph.parameters.iter();
        all.map(|parameter| (parameter.path.clone(), draw(parameter))).collect()
    }

    /// Its inputs, between −2 and 2.
    pub fn inputs(&self) -> Vec<Tensor> {
        let draw = |name: &str, shape: &[usize]| {
            let mut tensor = random::input(name, shape, self.seed);
            tensor.data_mut().iter_mut().for_each(|value| *value *= 2.0);
            tensor
        };
        let ports = self.network.graph.inputs.iter();
        ports.zip(&self.spec.inputs).map(|(port, shape)| draw(&port.name, shape)).collect()
    }
}

/// A precision, and what a computation in it may be off by.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    /// The unit roundoff.
    pub unit: f64,
    /// The share of a value's largest element that is always allowed.
    share: f64,
    /// The smallest number of full precision, which is always allowed too.
    smallest: f64,
}

/// float64, by the reference kernels.
pub const DOUBLE: Precision = Precision { unit: rounded::DOUBLE, share: 1e-10, smallest: f64::MIN_POSITIVE };
/// float32.
pub const SINGLE: Precision = Precision { unit: rounded::SINGLE, share: 1e-5, smallest: f32::MIN_POSITIVE as f64 };

/// So many deviations of rounding are allowed: sums are taken in other orders, weights are folded, Winograd's transforms
/// enlarge rounding errors,
/// and that of a factor which all terms of a sum share counts as often as the root of their number.
pub const DEVIATIONS: f64 = 60.0;

/// What float32 cannot hold, with room for what kernels make on their way.
pub const TOO_LARGE: f64 = 1e35;

/// How far a found value is off, as a share of what is allowed: more than 1 is wrong. Where rounding errors are past counting,
/// all is.
pub fn off(found: &[f64], expected: &Array, precision: Precision) -> f64 {
    if found.len() != expected.elements.len() {
        return f64::INFINITY;
    }
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, worse);
    let apart = |(&found, number): (&f64, &Number)| {
        // The largest of an empty window is minus infinity.
        if found == number.value() { 0.0 } else { (found - number.value()).abs() }
    };
    let difference = largest(&mut found.iter().zip(&expected.elements).map(apart));
    let finite = || expected.elements.iter().filter(|number| number.value().is_finite());
    let scale = largest(&mut finite().map(|number| number.value().abs()));
    let deviation = largest(&mut finite().map(|number| number.rounded.variance.sqrt()));
    let allowed = (precision.share * scale).max(DEVIATIONS * precision.unit * deviation).max(precision.smallest);
    if difference == 0.0 || !deviation.is_finite() { 0.0 } else { difference / allowed }
}

/// The larger; not-a-number once there is one.
pub fn worse(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}

/// A tensor's values in float64.
pub fn widened(tensor: &Tensor) -> Vec<f64> {
    tensor.numbers().collect()
}
