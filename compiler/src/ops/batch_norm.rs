//! What BatchNorm1d and BatchNorm2d share: everything but the axes that they accept.
//!
//! `batch_norm! { /// doc  Name; inputs => shape }` declares one, with the arguments that all of them have.

use super::norm;
use super::{Argument, BindError, ParameterDeclaration, Reach};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::Shape;

/// Parameters and buffers that a batch norm may have.
pub const PARAMETERS: &[&str] = &["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];

macro_rules! batch_norm {
    ($(#[doc = $doc:literal])* $name:ident; $inputs:ident => $shape:expr) => {
        $crate::layer! {
            $(#[doc = $doc])*
            $name {
                /// Added to the variance, so that it is never zero.
                eps: f64 = 1e-5,
                /// Share of a batch's statistics in the new running ones.
                momentum: f64 = 0.1,
                /// Whether there is a weight, and with it a bias.
                affine: bool = true,
                /// Whether there are running statistics; without them, the batch's own are used at inference too.
                track_running_stats: bool = true,
                /// Whether there is a bias beside the weight.
                bias: bool = true,
            }
        }

        impl $name {
            fn common(&self) -> $crate::ops::batch_norm::BatchNorm {
                let $name { eps, momentum, affine, track_running_stats, bias } = *self;
                $crate::ops::batch_norm::BatchNorm { eps, momentum, affine, bias, track_running_stats }
            }
        }

        impl $crate::ops::Operator for $name {
            const PARAMETERS: &'static [&'static str] = $crate::ops::batch_norm::PARAMETERS;

            fn validate(&self) -> Result<(), $crate::ops::BindError> {
                self.common().validate()
            }

            fn infer(
                &self,
                $inputs: &[$crate::shape::Shape],
                _requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                let shape = $shape?;
                $crate::ops::inputs::channels($inputs)?;
                Ok(shape)
            }

            fn parameters(
                &self,
                inputs: &[$crate::shape::Shape],
            ) -> Result<Vec<$crate::ops::ParameterDeclaration>, $crate::ops::ShapeError> {
                Ok(self.common().parameters($crate::ops::inputs::channels(inputs)?))
            }

            fn reach(&self, inputs: &[$crate::shape::Shape]) -> $crate::ops::Reach {
                self.common().reach(inputs)
            }

            fn describe(&self, inputs: &[$crate::shape::Shape]) -> String {
                self.common().describe($crate::ops::inputs::channels(inputs).unwrap_or(0))
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                self.common().lower(builder)
            }
        }
    };
}

pub(super) use batch_norm;

/// The arguments that matter for what is computed; their meaning is told at the layers.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    pub eps: f64,
    pub momentum: f64,
    pub affine: bool,
    pub bias: bool,
    pub track_running_stats: bool,
}

impl BatchNorm {
    pub fn validate(self) -> Result<(), BindError> {
        norm::positive(self.eps)
    }

    /// In PyTorch's order.
    pub fn parameters(self, channels: usize) -> Vec<ParameterDeclaration> {
        let mut all = norm::weight_and_bias(&[channels], self.affine, self.bias);
        if self.track_running_stats {
            all.push(ParameterDeclaration::buffer("running_mean", vec![channels], 0.0));
            all.push(ParameterDeclaration::buffer("running_var", vec![channels], 1.0));
            all.push(ParameterDeclaration::buffer("num_batches_tracked", Vec::new(), 0.0));
        }
        all
    }

    /// One element, or with the batch's statistics all of its channel.
    pub fn reach(self, inputs: &[Shape]) -> Reach {
        let rank = inputs.first().map_or(0, Shape::rank);
        if self.track_running_stats { Reach::Point } else { Reach::whole_from(2, rank) }
    }

    pub fn describe(self, channels: usize) -> String {
        format!(
            "{channels}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={}",
            self.eps.python(),
            self.momentum.python(),
            self.affine.python(),
            (self.affine && self.bias).python(),
            self.track_running_stats.python()
        )
    }

    /// With running statistics one `Map`, affine in `x` for each channel, so that it folds into a convolution;
    /// without them the batch's own statistics are used, at inference too.
    pub fn lower(self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let rank = builder.shape(x).len();
        if !self.track_running_stats {
            let over: Vec<usize> = (0..rank).filter(|&axis| axis != 1).collect();
            let normal = norm::normalise(builder, x, &over, self.eps);
            return norm::scale_and_shift(builder, normal, |builder, vector| builder.per_channel(vector, rank));
        }
        let learned = usize::from(self.affine) + usize::from(self.affine && self.bias);
        let vectors: Vec<NodeId> = (0..learned + 2).filter_map(|index| builder.parameter(index)).collect();
        let mut operands = vec![x];
        operands.extend(vectors.into_iter().map(|vector| builder.per_channel(vector, rank)));
        let operand = Expression::operand;
        let (mean, variance) = (operand(learned + 1), operand(learned + 2));
        let mut y = (operand(0) - mean) / (variance + self.eps).sqrt();
        if learned > 0 {
            y = y * operand(1);
        }
        if learned > 1 {
            y = y + operand(2);
        }
        builder.map(&operands, y)
    }
}
