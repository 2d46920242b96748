//! Pooling and its gradient.

use super::reduce::reduce;
use super::{LaunchRequest, elementwise, planes};
use crate::cuda::source::{function, index_type_of, number, sizes};
use cnnc_compiler::kernels::{Divisor, Expression, PoolAxis, Pooling, Reduction};
use cnnc_compiler::plan::{Step, View};

/// The height and width of a view.
fn area(view: &View) -> [usize; 2] {
    let size = |back: usize| view.shape.iter().rev().nth(back).copied().unwrap_or(1);
    [size(1), size(0)]
}

/// The C type of the windows along an axis.
fn axis_type(axis: &PoolAxis) -> String {
    match axis {
        PoolAxis::Sliding(window) => {
            format!("Sliding<{}, {}, {}, {}>", window.kernel, window.stride, window.dilation, window.before)
        }
        PoolAxis::Adaptive => "Adaptive".into(),
    }
}

/// The sizes of a pooling from `large` to `small`; `more` is functions.
fn pool_sizes(
    axes: &[PoolAxis; 2],
    pooling: &Pooling,
    large: &View,
    small: &View,
    row: usize,
    index: &str,
    more: &[String],
) -> String {
    let ([height, width], [out_height, out_width]) = (area(large), area(small));
    let (divisor, fixed, after) = match pooling {
        Pooling::Mean(Divisor::Padded { after }) => (1, 1.0, *after),
        Pooling::Mean(Divisor::Fixed(divisor)) => (2, *divisor as f32, [0; 2]),
        Pooling::Mean(Divisor::Elements) | Pooling::Max | Pooling::Softmax => (0, 1.0, [0; 2]),
    };
    let room = |axis: usize, size: usize| match axes[axis] {
        PoolAxis::Sliding(window) => window.before + size + after[axis],
        PoolAxis::Adaptive => size,
    };
    let members = [
        ("height", height),
        ("width", width),
        ("row", row),
        ("out_height", out_height),
        ("out_width", out_width),
        ("divisor", divisor),
        ("room_h", room(0, height)),
        ("room_w", room(1, width)),
    ];
    let elements = (height * width).max(1);
    let mut lines = vec![
        format!("typedef {} rows;", axis_type(&axes[0])),
        format!("typedef {} columns;", axis_type(&axes[1])),
        format!("static __device__ float fixed() {{ return {}; }}", number(fixed)),
    ];
    lines.extend_from_slice(more);
    sizes(index, &members, &[("planes", large.elements() / elements)], &lines)
}

fn name(pooling: &Pooling) -> &'static str {
    match pooling {
        Pooling::Max => "max",
        Pooling::Mean(_) => "mean",
        Pooling::Softmax => "softmax",
    }
}

/// A pooling of whole planes, one window each, as what it is: a reduction of their elements, and of a mean its divisor.
fn whole_planes(step: &Step, axes: &[PoolAxis; 2], pooling: &Pooling) -> Option<Vec<LaunchRequest>> {
    let x = &step.operands[0];
    let sizes = area(x);
    let is_whole = |(axis, size): (&PoolAxis, usize)| match axis {
        PoolAxis::Sliding(window) => (window.kernel, window.dilation, window.before) == (size, 1, 0),
        PoolAxis::Adaptive => true,
    };
    if area(&step.output) != [1, 1] || !axes.iter().zip(sizes).all(is_whole) {
        return None;
    }
    let (reduction, divisor) = match pooling {
        Pooling::Max => (Reduction::Max, 1.0),
        Pooling::Mean(Divisor::Fixed(divisor)) => (Reduction::Sum, *divisor),
        Pooling::Mean(Divisor::Elements | Divisor::Padded { .. }) => (Reduction::Sum, (sizes[0] * sizes[1]) as f64),
        Pooling::Softmax => return None,
    };
    let plain = Expression::operand(0);
    let epilogue = step.epilogue.as_ref().unwrap_or(&plain);
    let mut step = step.clone();
    if divisor != 1.0 {
        let divided = |operand| if operand == 0 { plain.clone() / divisor } else { Expression::operand(operand) };
        step.epilogue = Some(epilogue.substitute(&divided));
    }
    let rank = x.shape.len();
    let gone: Vec<bool> = (0..rank).map(|axis| axis + 2 >= rank).collect();
    Some(reduce(&step, reduction, &gone))
}

/// `Pool`.
pub fn pool(step: &Step, axes: &[PoolAxis; 2], pooling: &Pooling) -> Vec<LaunchRequest> {
    if let Some(launches) = whole_planes(step, axes, pooling) {
        return launches;
    }
    let index = index_type_of(step, 1);
    let x = &step.operands[0];
    let (shape, strides, row) = planes(x);
    let structs = pool_sizes(axes, pooling, x, &step.output, row, index, &[function("at", &shape, &strides)]);
    let body = |sink: &str| format!("pool<@_sizes, pooled_{}<@_sizes>>(x, {sink})", name(pooling));
    vec![elementwise("pool", structs, &["x"], step, index, body)]
}

/// `PoolGrad`.
pub fn pool_grad(step: &Step, axes: &[PoolAxis; 2], pooling: &Pooling) -> LaunchRequest {
    let index = index_type_of(step, 1);
    let own = &step.operands[..step.own_operands];
    let (x, g) = (&own[0], &own[own.len() - 1]);
    let (shape, strides, row) = planes(x);
    let (g_shape, g_strides, g_row) = planes(g);
    let functions = [
        function("at", &shape, &strides),
        function("gradient", &g_shape, &g_strides),
        format!("static constexpr int gradient_row = {g_row};"),
    ];
    let structs = pool_sizes(axes, pooling, &step.output, g, row, index, &functions);
    // A mean has no use for x.
    let (names, from): (&[&str], _) = if own.len() == 1 { (&["g"], "g") } else { (&["x", "g"], "x") };
    elementwise("pool_grad", structs, names, step, index, |sink| {
        format!("pool_grad<@_sizes, handed_{}<@_sizes>>({from}, g, {sink})", name(pooling))
    })
}
