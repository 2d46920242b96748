//! Sequences and volumes in kernels of planes: convolution and pooling of `[N, C, L]` and `[N, C, D, H, W]`.
//!
//! A sequence is a plane of one row, which no element moves for. A volume is a batch of planes, one a depth: for a
//! convolution each takes the window's neighbours along the depth as channels of its own, so that one convolution of planes
//! does all the products, and what is copied is as many numbers as the window is deep for each of the input. A pooling goes
//! over the planes and then over the depth, since a largest is the largest of largest, and a mean the mean of means.

use crate::graph::NodeId;
use crate::kernels::{AxisWindow, Divisor, Expression, KernelBuilder, PoolAxis, Pooling};

/// A window that takes elements as they are.
const POINT: AxisWindow = AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 };

/// Cross-correlation of `x[N, C, ...]` with `weight[C', C/groups, ...]`, to the given sizes.
pub fn conv(
    builder: &mut KernelBuilder,
    [x, weight]: [NodeId; 2],
    window: &[AxisWindow],
    groups: usize,
    size: &[usize],
) -> NodeId {
    match (window, size) {
        (&[height, width], &[rows, columns]) => builder.conv(x, weight, [height, width], groups, [rows, columns]),
        (&[line], &[length]) => {
            let (x, weight) = (as_plane(builder, x), as_plane(builder, weight));
            let y = builder.conv(x, weight, [POINT, line], groups, [1, length]);
            as_line(builder, y)
        }
        (&[depth, height, width], &[planes, rows, columns]) => {
            let x = neighbours(builder, x, depth, planes);
            let weight = deep(builder, weight);
            let y = builder.conv(x, weight, [height, width], groups, [rows, columns]);
            let channels = builder.shape(y).get(1).copied().unwrap_or(1);
            volume(builder, y, [planes, channels, rows, columns])
        }
        _ => x,
    }
}

/// The transposed convolution, with `weight[C, C'/groups, ...]`.
pub fn conv_data(
    builder: &mut KernelBuilder,
    [x, weight]: [NodeId; 2],
    window: &[AxisWindow],
    groups: usize,
    size: &[usize],
) -> NodeId {
    match (window, size) {
        (&[height, width], &[rows, columns]) => builder.conv_data(x, weight, [height, width], groups, [rows, columns]),
        (&[line], &[length]) => {
            let (x, weight) = (as_plane(builder, x), as_plane(builder, weight));
            let y = builder.conv_data(x, weight, [POINT, line], groups, [1, length]);
            as_line(builder, y)
        }
        (&[depth, height, width], &[planes, rows, columns]) => {
            let (given, x) = planes_of(builder, x);
            let weight = deep(builder, weight);
            let y = builder.conv_data(x, weight, [height, width], groups, [rows, columns]);
            let y = laid(builder, y, depth, [given, planes]);
            builder.permute(y, &[0, 2, 1, 3, 4])
        }
        _ => x,
    }
}

/// What a pooling makes of its windows, of any number of axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// The largest.
    Max,
    /// The mean of the elements.
    Mean,
    /// The mean of the elements and the padding, whose number after each axis is given.
    MeanWithPadding(Vec<usize>),
    /// The sum divided by that number.
    SumBy(f64),
    /// Weighted by a softmax.
    Softmax,
}

impl Over {
    /// Over two axes, whose padding counts from that of the given numbers on; a sum that others are added to is divided by 1.
    fn pooling(&self, axes: [Option<usize>; 2], is_last: bool) -> Pooling {
        let padding = |after: &[usize]| axes.map(|axis| axis.and_then(|axis| after.get(axis)).copied().unwrap_or(0));
        match self {
            Over::Max => Pooling::Max,
            Over::Mean => Pooling::Mean(Divisor::Elements),
            Over::MeanWithPadding(after) => Pooling::Mean(Divisor::Padded { after: padding(after) }),
            Over::SumBy(number) => Pooling::Mean(Divisor::Fixed(if is_last { *number } else { 1.0 })),
            Over::Softmax => Pooling::Softmax,
        }
    }
}

/// Pooling over all axes after the channels, to the given sizes.
pub fn pool(builder: &mut KernelBuilder, x: NodeId, axes: &[PoolAxis], over: &Over, size: &[usize]) -> NodeId {
    match (axes, size) {
        (&[height, width], &[rows, columns]) => {
            builder.pool(x, [height, width], over.pooling([Some(0), Some(1)], true), [rows, columns])
        }
        (&[line], &[length]) => {
            let (x, axes) = (as_plane(builder, x), [PoolAxis::Sliding(POINT), line]);
            let y = builder.pool(x, axes, over.pooling([None, Some(0)], true), [1, length]);
            as_line(builder, y)
        }
        (&[depth, height, width], &[planes, rows, columns]) => {
            let &[batch, channels, given, tall, wide] = builder.shape(x).as_slice() else { return x };
            if is_whole(depth, given) && is_whole(height, tall) && matches!(over, Over::Max | Over::Mean) {
                let (x, all) = (builder.reshape(x, &[batch, channels, given * tall, wide]), given * tall);
                let rows = PoolAxis::Sliding(AxisWindow { kernel: all, stride: all, dilation: 1, before: 0 });
                let y = builder.pool(x, [rows, width], over.pooling([None, None], true), [1, columns]);
                return builder.reshape(y, &[batch, channels, 1, 1, columns]);
            }
            let x = builder.reshape(x, &[batch, channels * given, tall, wide]);
            let flat = builder.pool(x, [height, width], over.pooling([Some(1), Some(2)], false), [rows, columns]);
            let flat = builder.reshape(flat, &[batch, channels, given, rows * columns]);
            let axes = [depth, PoolAxis::Sliding(POINT)];
            let y = builder.pool(flat, axes, over.pooling([Some(0), None], true), [planes, rows * columns]);
            builder.reshape(y, &[batch, channels, planes, rows, columns])
        }
        _ => x,
    }
}

/// Whether an axis of that size is one window.
fn is_whole(axis: PoolAxis, size: usize) -> bool {
    matches!(axis, PoolAxis::Sliding(AxisWindow { kernel, dilation: 1, before: 0, .. }) if kernel == size)
}

/// `[N, C, L]` as planes of one row.
fn as_plane(builder: &mut KernelBuilder, x: NodeId) -> NodeId {
    match builder.shape(x).as_slice() {
        &[batch, channels, length] => builder.reshape(x, &[batch, channels, 1, length]),
        _ => x,
    }
}

/// Planes of one row as `[N, C, L]`.
fn as_line(builder: &mut KernelBuilder, x: NodeId) -> NodeId {
    match builder.shape(x).as_slice() {
        &[batch, channels, _, length] => builder.reshape(x, &[batch, channels, length]),
        _ => x,
    }
}

/// A weight whose depth is folded into the axis before it.
fn deep(builder: &mut KernelBuilder, weight: NodeId) -> NodeId {
    match builder.shape(weight).as_slice() {
        &[first, second, depth, rows, columns] => builder.reshape(weight, &[first, second * depth, rows, columns]),
        _ => weight,
    }
}

/// `[N, C, D, H, W]` as `[N·D, C, H, W]`, with `D`.
fn planes_of(builder: &mut KernelBuilder, x: NodeId) -> (usize, NodeId) {
    let turned = builder.permute(x, &[0, 2, 1, 3, 4]);
    match builder.shape(turned).as_slice() {
        &[batch, depth, channels, rows, columns] => {
            (depth, builder.reshape(turned, &[batch * depth, channels, rows, columns]))
        }
        _ => (1, x),
    }
}

/// `[N·D, C, H, W]` as `[N, C, D, H, W]`.
fn volume(builder: &mut KernelBuilder, x: NodeId, [depth, channels, rows, columns]: [usize; 4]) -> NodeId {
    let batch = builder.shape(x).first().copied().unwrap_or(1) / depth.max(1);
    let apart = builder.reshape(x, &[batch, depth, channels, rows, columns]);
    builder.permute(apart, &[0, 2, 1, 3, 4])
}

/// Every window along the depth as one plane with a channel for each of its elements: `[N, C, D, H, W]` to
/// `[N·planes, C·kernel, H, W]`.
fn neighbours(builder: &mut KernelBuilder, x: NodeId, depth: AxisWindow, planes: usize) -> NodeId {
    let turned = builder.permute(x, &[0, 2, 1, 3, 4]);
    let &[batch, given, channels, rows, columns] = builder.shape(turned).as_slice() else { return x };
    let AxisWindow { kernel, stride, dilation, before } = depth;
    // As long as every element of the window has room for all its steps.
    let whole = dilation * (kernel - 1) + planes * stride;
    let turned = moved(builder, turned, before as isize, whole as isize - (before + given) as isize);
    let one = |builder: &mut KernelBuilder, index: usize| {
        let part = builder.slice(turned, 1, index * dilation, planes * stride);
        let part = if stride == 1 {
            part
        } else {
            let steps = builder.reshape(part, &[batch, planes, stride, channels, rows, columns]);
            builder.slice(steps, 2, 0, 1)
        };
        builder.reshape(part, &[batch, planes, channels, 1, rows, columns])
    };
    let parts: Vec<NodeId> = (0..kernel).map(|index| one(builder, index)).collect();
    let all = match parts.as_slice() {
        [single] => *single,
        parts => builder.concat(parts, 3),
    };
    builder.reshape(all, &[batch * planes, channels * kernel, rows, columns])
}

/// The counterpart of [`neighbours`]: planes `[N·given, C·kernel, H, W]` each laid where its element of the window lies along the
/// depth, and added up to `[N, planes, C, H, W]`.
fn laid(builder: &mut KernelBuilder, y: NodeId, depth: AxisWindow, [given, planes]: [usize; 2]) -> NodeId {
    let AxisWindow { kernel, stride, dilation, before } = depth;
    let &[all, channels, rows, columns] = builder.shape(y).as_slice() else { return y };
    let (batch, channels) = (all / given.max(1), channels / kernel.max(1));
    let apart = builder.reshape(y, &[batch, given, channels, kernel, rows, columns]);
    let one = |builder: &mut KernelBuilder, index: usize| {
        let part = builder.slice(apart, 3, index, 1);
        let part = builder.reshape(part, &[batch, given, 1, channels * rows * columns]);
        let spread = match stride {
            1 => part,
            _ => builder.pad(part, &[(0, 0), (0, 0), (0, stride as isize - 1), (0, 0)]),
        };
        let spread = builder.reshape(spread, &[batch, given * stride, channels, rows, columns]);
        let first = (index * dilation) as isize - before as isize;
        moved(builder, spread, first, planes as isize - (given * stride) as isize - first)
    };
    let parts: Vec<NodeId> = (0..kernel).map(|index| one(builder, index)).collect();
    let sum = (1..kernel).fold(Expression::operand(0), |sum, index| sum + Expression::operand(index));
    if let [single] = parts.as_slice() { *single } else { builder.map(&parts, sum) }
}

/// With zeros before and after along axis 1 of five; negative numbers cut off.
fn moved(builder: &mut KernelBuilder, x: NodeId, before: isize, after: isize) -> NodeId {
    if (before, after) == (0, 0) {
        return x;
    }
    builder.pad(x, &[(0, 0), (before, after), (0, 0), (0, 0), (0, 0)])
}
