//! What adaptive poolings share: windows that divide a plane of any size into a given number of parts.
//!
//! Of `n` windows over `size` elements, window `i` is `⌊i·size/n⌋ .. ⌈(i+1)·size/n⌉`; where `n` divides `size` they
//! are ordinary ones.
//!
//! `adaptive! { /// doc  Name { fields } pooling }` declares one.

use super::{LayerField, Pair, ShapeError, Taps, inputs};
use crate::graph::NodeId;
use crate::kernels::{AxisWindow, KernelBuilder, PoolAxis, Pooling};
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

            fn receptive_field(&self, inputs: &[$crate::shape::Shape]) -> $crate::ops::LayerField {
                $crate::ops::adaptive::receptive_field(self.output_size, inputs)
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                $crate::ops::Layer::keywords(self)
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                $crate::ops::adaptive::lower(builder, $pooling)
            }
        }
    };
}

pub(super) use adaptive;

/// `[N, C, H, W]` to `[N, C, ...output_size]`.
pub fn shape(output_size: Pair, inputs: &[Shape]) -> Result<Shape, ShapeError> {
    let [batch, channels, _, _] = inputs::planes(inputs)?;
    Ok(Shape::from(vec![batch.clone(), channels.clone(), Dim::from(output_size.0), Dim::from(output_size.1)]))
}

/// The whole plane when there is one window, and where its size is open.
pub fn receptive_field(output_size: Pair, inputs: &[Shape]) -> LayerField {
    let size = |axis: usize| {
        let size = inputs.first().and_then(|shape| shape.get(axis)).and_then(Dim::number);
        size.and_then(|size| usize::try_from(size).ok())
    };
    match (output_size, size(2), size(3)) {
        (Pair(1, 1), ..) | (_, None, _) | (_, _, None) => LayerField::whole_from(2, 4),
        (Pair(rows, columns), Some(height), Some(width)) => {
            LayerField::Plane([Taps::parts(height, rows), Taps::parts(width, columns)])
        }
    }
}

/// The pooling over such windows.
pub fn lower(builder: &mut KernelBuilder, pooling: Pooling) -> NodeId {
    let (x, output) = (builder.input(0), builder.output_size());
    let axis = |size: usize, windows: usize| match size.checked_rem(windows) {
        Some(0) => {
            let kernel = size / windows;
            PoolAxis::Sliding(AxisWindow { kernel, stride: kernel, dilation: 1, before: 0 })
        }
        _ => PoolAxis::Adaptive,
    };
    let axes = match builder.shape(x).as_slice() {
        [.., height, width] => [axis(*height, output[0]), axis(*width, output[1])],
        _ => [PoolAxis::Adaptive; 2],
    };
    builder.pool(x, axes, pooling, output)
}
