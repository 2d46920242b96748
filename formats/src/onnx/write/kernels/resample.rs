//! Planes made larger or smaller.

use super::super::{Refusal, Writer};
use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::{Kernel, Resampling};
use cnnc_compiler::onnx::{Attribute, Value};
use cnnc_compiler::shape::Shape;

impl Writer<'_> {
    /// By sizes where the steps follow from them, by the steps where they were chosen. The nearest element of a step that is no
    /// whole part is looked up, since programs round such steps each in its way.
    pub(super) fn resample(
        &mut self,
        id: NodeId,
        resampling: &Resampling,
        x: Value,
        shape: &Shape,
    ) -> Result<Value, Refusal> {
        let axes = [self.along(id, 1), self.along(id, 0)];
        let whole = axes.iter().flatten().all(|[size, count]| count % size == 0);
        let is_open = shape.iter().skip(2).any(|dim| dim.number().is_none());
        if matches!(resampling, Resampling::Nearest { .. }) && !whole && !is_open {
            return Ok(self.looked_up(resampling, x, &axes));
        }
        let steps: Vec<[f64; 2]> = self
            .variants
            .nodes(id)
            .filter_map(|node| match &node.kernel {
                Kernel::Resample(resample) => Some(match resample.0 {
                    Resampling::Nearest { scale } | Resampling::Bilinear { scale, .. } => scale,
                }),
                _ => None,
            })
            .collect();
        let align = matches!(resampling, Resampling::Bilinear { align_corners: true, .. });
        let follows = |axis: usize| {
            let mut both = axes[axis].iter().zip(&steps);
            align || both.all(|([size, count], step)| (step[axis] - *size as f64 / *count as f64).abs() < 1e-9)
        };
        let same = steps.iter().all(|step| Some(step) == steps.first());
        let by_sizes = follows(0) && follows(1);
        let inputs = match steps.first() {
            Some(step) if same && !align && (is_open || !by_sizes) => {
                let scales = step.map(|step| (1.0 / step) as f32);
                let counts = |axis: usize| {
                    axes[axis].iter().all(|[size, count]| (*size as f32 * scales[axis]).floor() as usize == *count)
                };
                if !counts(0) || !counts(1) {
                    return Err(self.variants.unclear(id, "its size"));
                }
                let scales = self.nodes.floats(vec![1.0, 1.0, scales[0], scales[1]], &[4]);
                vec![Some(x), None, Some(scales)]
            }
            _ if by_sizes => vec![Some(x), None, None, Some(self.nodes.dims(shape))],
            _ => return Err(self.variants.unclear(id, "its step")),
        };
        let mut attributes = match resampling {
            Resampling::Nearest { .. } => {
                vec![("mode", Attribute::Text("nearest")), ("nearest_mode", Attribute::Text("floor"))]
            }
            Resampling::Bilinear { .. } => vec![("mode", Attribute::Text("linear"))],
        };
        let places = match resampling {
            Resampling::Nearest { .. } => "asymmetric",
            Resampling::Bilinear { align_corners: true, .. } => "align_corners",
            Resampling::Bilinear { .. } => "half_pixel",
        };
        attributes.push(("coordinate_transformation_mode", Attribute::Text(places)));
        Ok(self.nodes.results("Resize", inputs, attributes, &[true]))
    }

    fn looked_up(&mut self, resampling: &Resampling, x: Value, axes: &[Vec<[usize; 2]>; 2]) -> Value {
        let mut value = x;
        for (axis, sizes) in axes.iter().enumerate() {
            let [size, count] = sizes.first().copied().unwrap_or([1, 1]);
            let places = resampling.sources(axis, size, count);
            let places: Vec<i64> = places.iter().map(|source| source.low as i64).collect();
            let places = self.nodes.ints(&places);
            value = self.nodes.node("Gather", &[value, places], vec![("axis", Attribute::Int(2 + axis as i64))]);
        }
        value
    }
}
