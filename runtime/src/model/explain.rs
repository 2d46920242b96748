//! One number of a run explained: the layer's inputs are computed, and the compiler says by which arithmetic its value follows.

use super::Model;
use crate::failure::failure;
use crate::{Device, PrepareOptions, Prepared, Result, Tensor, Weights};
use cnnc_compiler::diagnostic::{Code, nearest};
use cnnc_compiler::explain::{Known, Step, Unexplained, explain};
use cnnc_compiler::graph::{Graph, NodeId, NodeKind, Output};
use cnnc_compiler::summary::{SeenPart, seen_by};
use cnnc_compiler::write_kernels::write_kernels;
use std::sync::Arc;

/// How a number came about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The layer whose value it is, `path Layer`.
    pub layer: String,
    /// The sizes of that value.
    pub shape: Vec<usize>,
    /// The arithmetic in float64, in the order in which it is computed.
    pub steps: Vec<Step>,
    /// What the device computed, in float32.
    pub computed: f32,
    /// The values that the layer takes, by name and sizes.
    pub inputs: Vec<(Arc<str>, Vec<usize>)>,
    /// What the number sees of the model's inputs that are planes.
    pub receptive_field: Vec<SeenPart>,
}

impl Model {
    /// The arithmetic behind one number: element `index` of what the layer, block or group at `path` gives for these inputs. Of a
    /// block or a group it is that of its last layer.
    ///
    /// # Errors
    /// E202 when the model has nothing of that path, E604 when there is no such element, or its arithmetic is not told; and as
    /// [`Model::prepare`] and [`crate::Session::run`].
    pub fn explain(
        &self,
        path: &str,
        index: &[usize],
        inputs: &[Tensor],
        weights: &Weights,
        device: &Device,
    ) -> Result<Explanation> {
        let graph = &self.graph().graph;
        let found = graph.modules.iter().find(|module| *module.path == *path).and_then(|module| module.output);
        let Some(node) = found else {
            let unknown = failure(Code::E202, format!("{} has no layer or block `{path}`", graph.name));
            let near = nearest(path, graph.modules.iter().map(|module| module.path.as_ref()));
            return Err(match near {
                Some(near) => unknown.help(format!("there is `{near}`")),
                None => unknown.help("`cnnc summary FILE` lists their paths"),
            });
        };
        let mut shown = self.graph().clone();
        let taken = graph.dag.arguments(node);
        let outputs = taken.iter().chain([&node]);
        shown.graph.outputs = outputs.map(|&node| Output { name: name(graph, node), node }).collect();
        let model = Model::of(shown, self.files().clone(), Vec::new());
        let options = PrepareOptions::default().exact().once().sizes_of(inputs);
        let mut session = Prepared::new(model.clone(), weights, device, options, &mut ())?.session();
        let answers = session.run(inputs)?.all().to_vec();
        let known: Vec<Known> =
            taken.iter().zip(&answers).map(|(&node, value)| known(name(graph, node), value)).collect();
        let value = answers.last().ok_or_else(|| crate::failure::fault("a layer without a value"))?;

        let sizes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
        let bindings = model.with_batch(&model.bindings(&sizes)?);
        let kernels =
            write_kernels(model.graph(), &bindings).map_err(|fault| crate::Error::new(*fault, self.files()))?;
        let parameter = |key: &str| {
            let tensor = weights.get(key).ok().filter(|tensor| tensor.counts().is_none())?;
            Some(self::known(key.into(), &tensor))
        };
        // A place in a batch of one may be said without it.
        let missing = value.shape().len().saturating_sub(index.len());
        let given = if value.shape().iter().take(missing).all(|size| *size == 1) { missing } else { 0 };
        let whole: Vec<usize> = std::iter::repeat_n(0, given).chain(index.iter().copied()).collect();
        let index = whole.as_slice();
        let steps = explain(&kernels, index, &known, &parameter).map_err(|why| {
            let message = match why {
                Unexplained::Axes { shape } => {
                    format!("`{path}` is {shape:?}, and the place has {} numbers, not {}", index.len(), shape.len())
                }
                Unexplained::Outside { shape } => format!("{index:?} lies outside of `{path}`, which is {shape:?}"),
                Unexplained::Kernel(kernel) => format!("the arithmetic of `{path}` is not told: it has a `{kernel}`"),
                Unexplained::TooMany => format!("a number of `{path}` is made of too many others to be told"),
            };
            failure(Code::E604, message)
        })?;
        let place = index.iter().zip(value.shape()).fold(0, |at, (index, size)| at * size + index);
        let receptive_field = seen_by(self.graph(), &bindings, node, index);
        let inputs = known.iter().map(|known| (known.name.clone(), known.shape.clone())).collect();
        Ok(Explanation {
            layer: label(graph, node),
            shape: value.shape().to_vec(),
            steps,
            computed: value.data().get(place).copied().unwrap_or(f32::NAN),
            inputs,
            receptive_field,
        })
    }
}

/// What a value is called: an input's name, or the path of the layer that gives it.
fn name(graph: &Graph, node: NodeId) -> Arc<str> {
    match graph.dag.get(node).map(|node| (&node.kind, &node.path)) {
        Some((NodeKind::Input(input), _)) => {
            graph.inputs.get(*input).map_or_else(|| "input".into(), |input| input.name.clone())
        }
        Some((NodeKind::Operator(operator), path)) if path.is_empty() => operator.name().into(),
        Some((NodeKind::Operator(_), path)) => path.clone(),
        None => "".into(),
    }
}

/// `0 Conv2d`
fn label(graph: &Graph, node: NodeId) -> String {
    match graph.dag.get(node).map(|node| (&node.kind, &node.path)) {
        Some((NodeKind::Operator(operator), path)) => format!("{path} {}", operator.name()).trim().to_owned(),
        _ => String::new(),
    }
}

fn known(name: Arc<str>, value: &Tensor) -> Known {
    let numbers = value.data().iter().map(|&number| f64::from(number)).collect();
    Known { name, shape: value.shape().to_vec(), numbers }
}
