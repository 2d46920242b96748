//! What BatchNorm1d, BatchNorm2d and BatchNorm3d share: everything but the axes that they accept.
//!
//! `batch_norm! { /// doc  Name; inputs => shape }` declares one, with the arguments that all of them have.

use super::norm;
use super::{Argument, BindError, LayerField, Momentum, ParameterDeclaration};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Attribute, Nodes, Value};
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
                /// Share of a batch's statistics in the new running ones; `"cumulative"` is PyTorch's `None`, the mean of all
                /// batches.
                momentum: $crate::ops::Momentum = $crate::ops::Momentum::Share(0.1),
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

            fn receptive_field(
                &self,
                inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                self.common().receptive_field(inputs)
            }

            fn describe(&self, inputs: &[$crate::shape::Shape]) -> String {
                self.common().describe($crate::ops::inputs::channels(inputs).unwrap_or(0))
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

pub(super) use batch_norm;

/// The arguments that matter for what is computed; their meaning is told at the layers.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    pub eps: f64,
    pub momentum: Momentum,
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
            all.push(ParameterDeclaration::counter("num_batches_tracked"));
        }
        all
    }

    /// One element, or with the batch's statistics all of its channel.
    pub fn receptive_field(self, inputs: &[Shape]) -> LayerField {
        let rank = inputs.first().map_or(0, Shape::rank);
        if self.track_running_stats { LayerField::Point } else { LayerField::whole_from(2, rank) }
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

    /// With running statistics one `Map`, affine in `x` for each channel, so that it folds into a convolution. In training, and
    /// without running statistics at inference too, the batch's own are used; training then moves the running ones.
    pub fn lower(self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let rank = builder.shape(x).len();
        let learned = self.learned();
        let vectors = |builder: &mut KernelBuilder, range: std::ops::Range<usize>| -> Vec<NodeId> {
            let all: Vec<NodeId> = range.filter_map(|index| builder.parameter(index)).collect();
            all.into_iter().map(|vector| builder.per_channel(vector, rank)).collect()
        };
        let mut operands = vec![x];
        operands.extend(vectors(builder, 0..learned));
        if self.track_running_stats && !builder.is_training() {
            operands.extend(vectors(builder, learned..learned + 2));
        } else {
            let over: Vec<usize> = (0..rank).filter(|&axis| axis != 1).collect();
            let statistics = norm::statistics(builder, x, &over);
            operands.extend(statistics);
            if self.track_running_stats {
                self.move_running(builder, learned, statistics);
            }
        }
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

    pub fn onnx(self, nodes: &mut Nodes) -> Option<Value> {
        if !self.track_running_stats {
            return None;
        }
        let (x, [scale, bias], learned) = (nodes.input(0)?, self.scale_and_bias(nodes)?, self.learned());
        let (mean, variance) = (nodes.parameter(learned)?, nodes.parameter(learned + 1)?);
        // What a share of the new is here, is one of the old there.
        let kept = if let Momentum::Share(share) = self.momentum { 1.0 - share } else { 0.9 };
        let attributes = vec![("epsilon", Attribute::Float(self.eps)), ("momentum", Attribute::Float(kept))];
        Some(nodes.node("BatchNormalization", &[x, scale, bias, mean, variance], attributes))
    }

    /// Its weight and its bias in ONNX, which asks for both.
    pub fn scale_and_bias(self, nodes: &mut Nodes) -> Option<[Value; 2]> {
        let channels = usize::try_from(nodes.output().get(1)?.number()?).ok()?;
        Some(norm::scale_and_bias(nodes, &[channels], self.learned()))
    }

    /// The number of parameters that are learnt.
    pub fn learned(self) -> usize {
        usize::from(self.affine) + usize::from(self.affine && self.bias)
    }

    /// Moves running mean and variance towards the batch's by the share `momentum`, the variance as that of a sample: divided by
    /// one less than the number of elements. Counts the batch.
    fn move_running(self, builder: &mut KernelBuilder, first: usize, statistics: [NodeId; 2]) {
        let elements = |shape: Vec<usize>| shape.iter().product::<usize>();
        let (all, channels) = (elements(builder.shape(builder.input(0))), elements(builder.shape(statistics[0])));
        let count = all / channels.max(1);
        if count < 2 {
            builder.refuse(format!("{count} value a channel has no variance; a larger batch has one"));
        }
        let unbiased = count as f64 / count.saturating_sub(1) as f64;
        let batches = builder.current(first + 2);
        for (index, (value, factor)) in statistics.into_iter().zip([1.0, unbiased]).enumerate() {
            let Some(old) = builder.current(first + index) else { continue };
            let shape = builder.shape(old);
            let value = builder.reshape(value, &shape);
            let moved = moved(builder, self.momentum, [old, value], batches, factor);
            builder.update(first + index, moved);
        }
        if let Some(batches) = batches {
            let counted = builder.count(batches);
            builder.update(first + 2, counted);
        }
    }
}

/// A running statistic moved towards a batch's, which counts `factor` times; `batches` is how many there were before.
pub fn moved(
    builder: &mut KernelBuilder,
    momentum: Momentum,
    [old, value]: [NodeId; 2],
    batches: Option<NodeId>,
    factor: f64,
) -> NodeId {
    let [running, new] = [0, 1].map(Expression::operand);
    match (momentum, batches) {
        (Momentum::Share(share), _) => {
            let moved = running * (1.0 - share) + new * (share * factor);
            builder.map(&[old, value], moved)
        }
        (Momentum::Cumulative, Some(batches)) => {
            let batches = builder.with_rank(batches, 1);
            let step = (new * factor - running.clone()) / (Expression::operand(2) + 1.0);
            builder.map(&[old, value, batches], running + step)
        }
        (Momentum::Cumulative, None) => old,
    }
}
