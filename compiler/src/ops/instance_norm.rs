//! What InstanceNorm1d, InstanceNorm2d and InstanceNorm3d share: everything but the axes that they accept.
//!
//! `instance_norm! { /// doc  Name, axes }` declares one, with the arguments that all of them have.

use super::batch_norm::{BatchNorm, moved};
use super::norm;
use super::{LayerField, ParameterDeclaration};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value};

macro_rules! instance_norm {
    ($(#[doc = $doc:literal])* $name:ident, $axes:literal) => {
        $crate::layer! {
            $(#[doc = $doc])*
            $name {
                /// Added to the variance, so that it is never zero.
                eps: f64 = 1e-5,
                /// Share of a batch's statistics in the new running ones; PyTorch's `None` is 0 here.
                momentum: f64 = 0.1,
                /// Whether there is a weight, and with it a bias.
                affine: bool = false,
                /// Whether there are running statistics, which are used at inference in the place of the image's own.
                track_running_stats: bool = false,
                /// Whether there is a bias beside the weight.
                bias: bool = true,
            }
        }

        impl $name {
            fn common(&self) -> $crate::ops::instance_norm::InstanceNorm {
                let $name { eps, momentum, affine, track_running_stats, bias } = *self;
                let momentum = $crate::ops::Momentum::Share(momentum);
                let norm = $crate::ops::batch_norm::BatchNorm { eps, momentum, affine, bias, track_running_stats };
                $crate::ops::instance_norm::InstanceNorm { norm, axes: $axes }
            }
        }

        impl $crate::ops::Operator for $name {
            const PARAMETERS: &'static [&'static str] = $crate::ops::batch_norm::PARAMETERS;

            fn validate(&self) -> Result<(), $crate::ops::BindError> {
                self.common().norm.validate()
            }

            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                _requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                $crate::ops::inputs::spatial(inputs, $axes)?;
                $crate::ops::inputs::channels(inputs)?;
                $crate::ops::inputs::single(inputs)
            }

            fn parameters(
                &self,
                inputs: &[$crate::shape::Shape],
            ) -> Result<Vec<$crate::ops::ParameterDeclaration>, $crate::ops::ShapeError> {
                Ok(self.common().parameters($crate::ops::inputs::channels(inputs)?))
            }

            fn receptive_field(
                &self,
                _inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                self.common().receptive_field()
            }

            fn describe(&self, inputs: &[$crate::shape::Shape]) -> String {
                self.common().norm.describe($crate::ops::inputs::channels(inputs).unwrap_or(0))
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                self.common().lower(builder)
            }

            fn onnx(&self, nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                self.common().onnx(nodes)
            }
        }
    };
}

pub(super) use instance_norm;

/// The arguments, which are a batch norm's, and the number of axes after the channels.
#[derive(Clone, Copy, Debug)]
pub struct InstanceNorm {
    pub norm: BatchNorm,
    pub axes: usize,
}

impl InstanceNorm {
    /// In PyTorch's order.
    pub fn parameters(self, channels: usize) -> Vec<ParameterDeclaration> {
        self.norm.parameters(channels)
    }

    /// All of the channel, or with running statistics one element.
    pub fn receptive_field(self) -> LayerField {
        if self.norm.track_running_stats { LayerField::Point } else { LayerField::whole_from(2, self.axes + 2) }
    }

    /// With running statistics at inference a batch norm; else each channel of each image by its own.
    pub fn lower(self, builder: &mut KernelBuilder) -> NodeId {
        if self.norm.track_running_stats && !builder.is_training() {
            return self.norm.lower(builder);
        }
        let (x, rank) = (builder.input(0), self.axes + 2);
        let over: Vec<usize> = (2..rank).collect();
        let count: usize = builder.shape(x).iter().skip(2).product();
        if builder.is_training() && count < 2 {
            builder.refuse(format!("{count} value a channel has no variance; a larger image has one"));
        }
        let statistics = norm::statistics(builder, x, &over);
        let normal = norm::normalised(builder, x, statistics, self.norm.eps);
        let learned = self.norm.learned();
        if self.norm.track_running_stats {
            self.move_running(builder, learned, statistics, count);
        }
        norm::scaled(builder, normal, learned, |builder, vector| builder.per_channel(vector, rank))
    }

    pub fn onnx(self, nodes: &mut Nodes) -> Option<Value> {
        if self.norm.track_running_stats {
            return self.norm.onnx(nodes);
        }
        let (x, [scale, bias]) = (nodes.input(0)?, self.norm.scale_and_bias(nodes)?);
        Some(nodes.node("InstanceNormalization", &[x, scale, bias], vec![("epsilon", Attribute::Float(self.norm.eps))]))
    }

    /// Moves the running statistics towards the mean of the images'. As in PyTorch no batch is counted.
    fn move_running(self, builder: &mut KernelBuilder, first: usize, statistics: [NodeId; 2], count: usize) {
        let unbiased = count as f64 / count.saturating_sub(1) as f64;
        for (index, (value, factor)) in statistics.into_iter().zip([1.0, unbiased]).enumerate() {
            let Some(old) = builder.current(first + index) else { continue };
            let mean = builder.mean(value, &[0]);
            let shape = builder.shape(old);
            let mean = builder.reshape(mean, &shape);
            let moved = moved(builder, self.norm.momentum, [old, mean], None, factor);
            builder.update(first + index, moved);
        }
    }
}
