//! What adaptive poolings share: windows that divide a plane of any size into a given number of parts.
//!
//! Of `n` windows over `size` elements, window `i` is `⌊i·size/n⌋ .. ⌈(i+1)·size/n⌉`; where `n` divides `size` they
//! are ordinary ones.
//!
//! `adaptive! { /// doc  Name { fields } pooling }` declares one.

use super::dimensions::{self, Over};
use super::window::PaddedWindow;
use super::{LayerField, OutputSizes, ShapeError, Taps, Window, inputs, pooling};
use crate::graph::NodeId;
use crate::kernels::{AxisWindow, KernelBuilder, PoolAxis};
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Shape};

macro_rules! adaptive {
    ($(#[doc = $doc:literal])* $name:ident { $($fields:tt)* } $pooling:expr) => {
        $crate::layer! { $(#[doc = $doc])* $name { $($fields)* } }

        impl $crate::ops::Operator for $name {
            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                _requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                $crate::ops::adaptive::shape(self.output_size, inputs)
            }

            fn receptive_field(
                &self,
                inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                $crate::ops::adaptive::receptive_field(self.output_size, inputs)
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                $crate::ops::Layer::keywords(self)
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                $crate::ops::adaptive::lower(builder, &$pooling)
            }

            fn onnx(&self, nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                $crate::ops::adaptive::onnx(nodes, self.output_size, &$pooling)
            }
        }
    };
}

pub(super) use adaptive;

/// `[N, C, ...]` to `[N, C, ...output_size]`.
pub fn shape<const D: usize>(output_size: OutputSizes<D>, inputs: &[Shape]) -> Result<Shape, ShapeError> {
    let (batch, channels, sizes) = inputs::spatial(inputs, D)?;
    let wanted = output_size.0.iter().zip(sizes);
    let sizes = wanted.map(|(wanted, size)| wanted.map_or_else(|| size.clone(), Dim::from));
    Ok([batch.clone(), channels.clone()].into_iter().chain(sizes).collect())
}

/// The whole of an axis when there is one window, and where its size is open.
pub fn receptive_field<const D: usize>(output_size: OutputSizes<D>, inputs: &[Shape]) -> LayerField {
    let sizes = inputs.first().and_then(|shape| shape.get(2..)).unwrap_or_default();
    let number = |size: &Dim| size.number().and_then(|size| usize::try_from(size).ok());
    let taps = |(wanted, size): (&Option<usize>, &Dim)| match (wanted, number(size)) {
        (None, _) => Some(Taps::POINT),
        (Some(parts), Some(size)) => Some(Taps::parts(size, *parts)),
        (Some(_), None) => None,
    };
    let all = output_size.0.iter().all(|&parts| parts == Some(1));
    match output_size.0.iter().zip(sizes).map(taps).collect::<Option<Vec<Taps>>>() {
        Some(taps) if !all => LayerField::of_axes(taps.into_iter()),
        _ => LayerField::whole_from(2, D + 2),
    }
}

/// The pooling over such windows.
pub fn lower(builder: &mut KernelBuilder, over: &Over) -> NodeId {
    let (x, output) = (builder.input(0), builder.output().split_off(2));
    let axis = |(&size, &windows): (&usize, &usize)| match size.checked_rem(windows) {
        Some(0) => {
            let kernel = size / windows;
            PoolAxis::Sliding(AxisWindow { kernel, stride: kernel, dilation: 1, before: 0 })
        }
        _ => PoolAxis::Adaptive,
    };
    let axes: Vec<PoolAxis> = builder.shape(x).iter().skip(2).zip(&output).map(axis).collect();
    dimensions::pool(builder, x, &axes, over, &output)
}

/// One part is all of a plane; parts of one size are ordinary windows.
pub fn onnx<const D: usize>(nodes: &mut Nodes, output_size: OutputSizes<D>, over: &Over) -> Option<Value> {
    let x = nodes.input(0)?;
    if output_size.0.iter().all(|&parts| parts == Some(1)) {
        let operator = if *over == Over::Max { "GlobalMaxPool" } else { "GlobalAveragePool" };
        return Some(nodes.node(operator, &[x], Vec::new()));
    }
    let sizes = nodes.shape(x);
    let axis = |(wanted, size): (&Option<usize>, &Dim)| {
        let size = usize::try_from(size.number()?).ok()?;
        let kernel =
            size.checked_div(wanted.unwrap_or(size)).filter(|kernel| kernel * wanted.unwrap_or(size) == size)?;
        Some(PaddedWindow { kernel, stride: kernel, dilation: 1, before: 0, after: 0 })
    };
    let axes = output_size.0.iter().zip(sizes.iter().skip(2)).map(axis).collect::<Option<Vec<PaddedWindow>>>()?;
    pooling::onnx(nodes, &Window { axes, ceil_mode: false, most_padding: vec![0; D] }, over)
}
