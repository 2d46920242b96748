//! Where the largest elements of windows are: the one gradient that a network needs which answers.

use super::super::{Refusal, Writer};
use super::plane::{attributes, extent, pads};
use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::{PoolAxis, PoolGrad, Pooling};
use cnnc_compiler::onnx::{Attribute, Value};
use cnnc_compiler::shape::Shape;

impl Writer<'_> {
    /// A gradient of a maximum: what is handed back goes to where the largest elements are.
    pub(super) fn places_of_largest(
        &mut self,
        id: NodeId,
        pool: &PoolGrad,
        own: &[Value],
        shape: &Shape,
    ) -> Result<Value, Refusal> {
        let (Pooling::Max, &[x, handed]) = (pool.pooling, own) else {
            return Err(Refusal::new("the gradient of a pooling is no part of a network that answers".into()));
        };
        let given = self.variants.arguments(id).get(1).copied().unwrap_or(NodeId::end());
        let sizes = |axis: usize| -> Vec<[usize; 2]> {
            let place = |shape: &[usize]| shape[2 + axis];
            let (whole, small) = (self.variants.nodes(id), self.variants.nodes(given));
            whole.zip(small).map(|(whole, small)| [place(&whole.shape), place(&small.shape)]).collect()
        };
        let window = |axis: usize| match pool.axes[axis] {
            PoolAxis::Sliding(window) if window.stride >= extent(&window) => {
                self.after(&window, &sizes(axis)).map(|after| (window, after))
            }
            _ => None,
        };
        let (4, Some(high), Some(wide)) = (shape.rank(), window(0), window(1)) else {
            return Err(self.variants.unclear(id, "its windows"));
        };
        let mut all = attributes(&[high.0, wide.0]);
        all.push(pads([(high.0.before, high.1), (wide.0.before, wide.1)]));
        let places = self.nodes.results("MaxPool", vec![Some(x)], all, &[true, true]);
        let row = self.nodes.ints(&[-1]);
        let [places, handed] = [places, handed].map(|value| self.nodes.node("Reshape", &[value, row], Vec::new()));
        let (zero, sizes) = (self.nodes.float(0.0), self.nodes.dims(shape));
        let zeros = self.nodes.node("Expand", &[zero, sizes], Vec::new());
        let zeros = self.nodes.node("Reshape", &[zeros, row], Vec::new());
        let put = self.nodes.node("ScatterElements", &[zeros, places, handed], vec![("axis", Attribute::Int(0))]);
        Ok(self.nodes.reshape(put, shape))
    }
}
