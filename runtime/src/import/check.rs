//! Both sides of an import, run: the file's own layers, each by itself, by the plain reference in float64, and the spec by the
//! fast engine, as whoever uses it does. A pair of an input and an output that was stored with the file is held to the spec too.
//!
//! It comes before anything is written: where the sides are too far apart, nothing is.

use super::Read;
use super::pair::Pair;
use crate::cpu::{CpuOptions, Kernels, evaluate_f64};
use crate::failure::{Result, failure, fault};
use crate::{Device, Model, PrepareOptions, Tensor, Weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::plan;
use cnnc_compiler::write_kernels::write_kernels;
use cnnc_grammar::span::Files;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest difference of a whole network, as a share of the largest number of the output.
pub const MOST: f64 = 1e-4;

/// What is run.
///
/// # Errors
/// Where it is: E499 when the sides differ by more than 1e-4, E610 when an output that was stored does, or the pair is not of
/// this network, E604 when its input is not; E401 when there is too little memory, and as files of arrays are read.
#[derive(Clone, Copy, Debug)]
pub struct Check<'o> {
    /// What a drawn input depends on, and parameters where the file has none.
    pub seed: u64,
    /// A stored pair: nothing, a folder with `input_0.pb` and `output_0.pb`, or the file of an input and that of its output.
    pub pair: &'o [PathBuf],
}

/// How far the sides are apart, as shares of the largest number of the output that is furthest.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The sizes of the drawn inputs, and the difference; `None` where a file has no layers of its own.
    pub drawn: Option<(Vec<Vec<usize>>, f64)>,
    /// The difference to the stored output, where there is a pair.
    pub stored: Option<f64>,
}

impl Check<'_> {
    /// Runs both sides.
    pub(super) fn run(&self, path: &Path, read: &Read) -> Result<Checked> {
        let pair = Pair::of(self.pair)?;
        let model = Model::of(read.graph.clone(), Files::default(), Vec::new());
        let weights = match read.parameters.is_empty() {
            true => model.init(self.seed)?,
            false => Weights::of(&model, read.parameters.clone()),
        };
        let drawn = read.own.as_ref().map(|own| {
            let inputs = self.drawn(&model)?;
            let expected = by_reference(own, &model, &weights, &inputs)?;
            let far = furthest(&answers(&model, &weights, &inputs)?, &expected);
            let sizes = inputs.iter().map(|input| input.shape().to_vec()).collect();
            match far <= MOST {
                true => Ok((sizes, far)),
                false => {
                    Err(fault(format!("of `{}` spec and file differ by {far:.1e} on a drawn input", path.display())))
                }
            }
        });
        let drawn = drawn.transpose()?;
        if drawn.is_none() && pair.is_none() {
            let message = format!("`{}` has no layers that could be run beside the spec's", path.display());
            return Err(failure(Code::E610, message).help("--check INPUT.npy OUTPUT.npy compares with a stored output"));
        }
        let stored = pair.map(|pair| self.stored(&pair, &model, &weights)).transpose()?;
        Ok(Checked { drawn, stored })
    }

    /// Inputs from the seed: one sample, and of other open sizes the smallest that are not tiny.
    fn drawn(&self, model: &Model) -> Result<Vec<Tensor>> {
        const LEAST: i64 = 32;
        let mut reader = model.reader();
        let sizes = model.graph().sizes.symbols.iter().map(|symbol| {
            let (step, start) = (symbol.step.max(1), symbol.start);
            let least = if start >= LEAST { start } else { start + (LEAST - start + step - 1) / step * step };
            let size = least.min(symbol.last.unwrap_or(least));
            (symbol.name.to_string(), usize::try_from(size).unwrap_or(1))
        });
        reader.suggest(sizes.collect());
        (0..model.inputs().len()).map(|number| Ok(reader.drawn(number, self.seed)?.tensor)).collect()
    }

    /// How far the spec is from a stored output.
    fn stored(&self, pair: &Pair, model: &Model, weights: &Weights) -> Result<f64> {
        let outputs = model.graph().graph.outputs.len();
        if pair.inputs.len() != model.inputs().len() || pair.outputs.len() != outputs {
            let (given, answered) = (pair.inputs.len(), pair.outputs.len());
            let message = format!(
                "the pair has {given} inputs and {answered} outputs, and the network {} and {outputs}",
                model.inputs().len()
            );
            return Err(failure(Code::E610, message));
        }
        let answers = answers(model, weights, &pair.inputs)?;
        let expected: Vec<_> = pair
            .outputs
            .iter()
            .map(|output| (output.shape().to_vec(), output.data().iter().map(|&value| f64::from(value)).collect()))
            .collect();
        for (ours, (shape, _)) in answers.iter().zip(&expected) {
            if ours.shape() != shape {
                let message = format!("an output is stored as {shape:?}, and the spec gives {:?}", ours.shape());
                return Err(failure(Code::E610, message));
            }
        }
        let far = furthest(&answers, &expected);
        match far <= MOST {
            true => Ok(far),
            false => {
                let message =
                    format!("the stored output is {far:.1e} from what the spec gives, and {MOST:.0e} is allowed");
                Err(failure(Code::E610, message).help("is it that of this input, and of these weights?"))
            }
        }
    }
}

/// What the spec gives.
fn answers(model: &Model, weights: &Weights, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let options = PrepareOptions::default().sizes_of(inputs).once();
    let mut session = model.prepare(weights, &Device::cpu(0), options)?.session();
    let outputs = session.run(inputs)?;
    Ok((0..model.graph().graph.outputs.len()).map(|place| outputs.at(place).clone()).collect())
}

/// What the file's own layers give: no pass has touched them.
fn by_reference(
    own: &ShapedGraph,
    model: &Model,
    weights: &Weights,
    inputs: &[Tensor],
) -> Result<Vec<(Vec<usize>, Vec<f64>)>> {
    let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
    let kernels = write_kernels(own, &model.bindings(&shapes)?).map_err(|error| crate::Error::from(*error))?;
    let target = CpuOptions { kernels: Kernels::Reference, ..CpuOptions::default() }.target();
    let plan = plan(&kernels, &target).map_err(|error| crate::Error::from(*error))?;
    evaluate_f64(Arc::new(plan), weights.parameters(), inputs)
}

/// The largest difference of any output, as a share of its largest number; what is no number is infinitely far.
fn furthest(ours: &[Tensor], expected: &[(Vec<usize>, Vec<f64>)]) -> f64 {
    let far = |(ours, (_, expected)): (&Tensor, &(Vec<usize>, Vec<f64>))| {
        let pairs = ours.data().iter().zip(expected).map(|(&ours, expected)| (f64::from(ours) - expected).abs());
        let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let apart = pairs.fold(0.0_f64, |most, apart| if apart.is_nan() { f64::INFINITY } else { most.max(apart) });
        match (apart == 0.0, largest == 0.0) {
            (true, _) => 0.0,
            (false, true) => apart,
            (false, false) => apart / largest,
        }
    };
    ours.iter().zip(expected).map(far).fold(0.0, f64::max)
}
