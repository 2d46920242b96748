//! Whether a step's operands have the number and sizes that its kernel takes.

use cnnc_compiler::kernels::{AxisWindow, Expression, Kernel, Method, Packing, Pooling};
use cnnc_compiler::plan::{Step, View};

type Checked = Result<(), String>;

/// Checks one step.
pub fn check(step: &Step) -> Checked {
    let output = step.output.shape.as_slice();
    let Some((own, others)) = step.operands.split_at_checked(step.own_operands) else {
        return Err(format!("{} own operands of {}", step.own_operands, step.operands.len()));
    };
    let expected = match step.kernel {
        Kernel::Conv { .. } | Kernel::ConvData { .. } | Kernel::ConvWeight { .. } | Kernel::Gemm { .. } => 2,
        Kernel::WindowGrad { pooling: Pooling::Mean(_), .. } | Kernel::ResampleGrad(_) => 1,
        Kernel::WindowGrad { .. } => 2,
        Kernel::Window { .. } | Kernel::Reduce { .. } | Kernel::Resample(_) | Kernel::Pad { .. } => 1,
        Kernel::Reorder { .. } | Kernel::Pack(_) => 1,
        _ => own.len(),
    };
    require(own.len() == expected, || format!("takes {expected} operands and has {}", own.len()))?;
    match &step.packing {
        Some(packing) => packed(step, packing, own, output)?,
        None => kernel(step, own, output)?,
    }
    if let Some(epilogue) = &step.epilogue {
        operands_exist(epilogue, 1 + others.len())?;
    }
    require(others.iter().all(|view| view.shape == output), || "an operand is not broadcast to the result".into())
}

fn kernel(step: &Step, own: &[View], output: &[usize]) -> Checked {
    let shape = |index: usize| own[index].shape.as_slice();
    match &step.kernel {
        Kernel::Conv { window, groups } => {
            let (x, weight) = (planes(shape(0))?, planes(shape(1))?);
            let [batch, channels, _, _] = planes(output)?;
            let fits = *groups > 0 && channels % groups == 0 && weight[1].checked_mul(*groups) == Some(x[1]);
            require(fits && x[0] == batch && weight[0] == channels, || "channels do not agree".into())?;
            kernel_size(window, weight)
        }
        Kernel::ConvData { window, groups } => {
            let (x, weight) = (planes(shape(0))?, planes(shape(1))?);
            let [batch, channels, _, _] = planes(output)?;
            let fits = *groups > 0 && x[1] % groups == 0 && weight[1].checked_mul(*groups) == Some(channels);
            require(fits && x[0] == batch && weight[0] == x[1], || "channels do not agree".into())?;
            kernel_size(window, weight)
        }
        Kernel::ConvWeight { window, groups } => {
            let (x, g, weight) = (shape(0), shape(1), planes(output)?);
            let ins = weight[1].checked_mul(*groups).ok_or("too many channels")?;
            let fits = *groups > 0 && weight[0] % groups == 0 && holds_channels(x, ins) && holds_channels(g, weight[0]);
            // Plain images beside blocks are those of a stem, which has one group.
            let alike = x.len() == g.len() || (g.len() == 5 && *groups == 1);
            require(fits && alike && x[0] == g[0], || "channels do not agree".into())?;
            kernel_size(window, weight)
        }
        Kernel::WindowGrad { .. } if output.len() == 5 => {
            let (g, to) = (image(shape(own.len() - 1))?, image(output)?);
            let fits = [g[0], g[1], g[4]] == [to[0], to[1], to[4]] && (own.len() == 1 || shape(0) == output);
            require(fits, || format!("windows of {output:?} are not {g:?}"))
        }
        Kernel::WindowGrad { .. } => {
            let (g, rank) = (shape(own.len() - 1), output.len());
            let fits = rank >= 2 && g.len() == rank && g[..rank - 2] == output[..rank - 2];
            require(fits && (own.len() == 1 || shape(0) == output), || format!("windows of {output:?} are not {g:?}"))
        }
        Kernel::Gemm { transpose_a, transpose_b } => {
            let (a, b) = (matrix(shape(0), *transpose_a)?, matrix(shape(1), *transpose_b)?);
            require(a[1] == b[0] && output == [a[0], b[1]], || format!("{a:?} times {b:?} is not {output:?}"))
        }
        Kernel::Window { .. } => {
            let (x, rank) = (shape(0), output.len());
            let fits = match rank {
                5 => x.len() == 5 && x[..2] == output[..2] && x[4] == output[4],
                _ => rank >= 2 && x.len() == rank && x[..rank - 2] == output[..rank - 2],
            };
            require(fits, || format!("windows of {x:?} are not {output:?}"))
        }
        Kernel::Reduce { axes, .. } => {
            let reduced: Vec<usize> =
                shape(0).iter().zip(axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
            require(axes.len() == shape(0).len() && reduced == output, || format!("{reduced:?} is not {output:?}"))
        }
        Kernel::Map(expression) => {
            operands_exist(expression, own.len())?;
            require(own.iter().all(|view| view.shape == output), || "an operand is not broadcast to the result".into())
        }
        Kernel::Resample(_) if output.len() == 5 => {
            let x = shape(0);
            let fits = x.len() == 5 && x[..2] == output[..2] && x[4] == output[4] && x[2] * x[3] > 0;
            require(fits, || format!("{x:?} is not {output:?}"))
        }
        Kernel::Reorder { channels } => {
            let (plain, blocked) = if output.len() == 5 { (shape(0), output) } else { (output, shape(0)) };
            let ([batch, count, height, width], blocks) = (planes(plain)?, image(blocked)?);
            let fits = count == *channels && blocks == [batch, count.div_ceil(blocks[4]), height, width, blocks[4]];
            require(fits, || format!("{plain:?} in blocks is not {blocked:?}"))
        }
        Kernel::Pack(packing) => {
            let fits = packing.elements() == Some(output.iter().product()) && output.len() == 1;
            let whole = own[0].elements() == weights(packing).unwrap_or(usize::MAX);
            require(whole, || format!("{:?} are not the weights that {packing:?} packs", own[0].shape))?;
            require(fits, || format!("{output:?} is not what {packing:?} packs"))
        }
        Kernel::Resample(_) => {
            let (x, to) = (planes(shape(0))?, planes(output)?);
            require(x[..2] == to[..2] && x[2..].iter().all(|&size| size > 0), || format!("{x:?} is not {to:?}"))
        }
        Kernel::ResampleGrad(_) => {
            let (g, to) = (planes(shape(0))?, planes(output)?);
            require(g[..2] == to[..2] && to[2..].iter().all(|&size| size > 0), || format!("{g:?} is not of {to:?}"))
        }
        Kernel::Pad { padding } => {
            let padded: Option<Vec<usize>> = shape(0)
                .iter()
                .zip(padding)
                .map(|(&size, &(before, after))| size.checked_add_signed(before)?.checked_add_signed(after))
                .collect();
            let ranks = [shape(0).len(), padding.len()];
            let fits = ranks == [output.len(); 2] && padded.as_deref() == Some(output);
            require(fits, || format!("{:?} padded is not {output:?}", shape(0)))
        }
        other => Err(format!("{} is no step of a plan", other.name())),
    }
}

/// A heavy kernel over blocks of channels.
fn packed(step: &Step, packing: &Packing, own: &[View], output: &[usize]) -> Checked {
    let Packing { method, lanes, in_channels, out_channels, groups, area } = *packing;
    let (x, weights) = (own[0].shape.as_slice(), own[1].shape.as_slice());
    let fits = packing.elements().is_some_and(|elements| weights == [elements]);
    require(fits, || format!("the packed weights {weights:?} are not those of {packing:?}"))?;
    if let (Kernel::Gemm { transpose_a: false, transpose_b: true }, Method::Linear) = (&step.kernel, method) {
        let [rows, features] = matrix(output, false)?;
        let fits = match *x {
            [count, depth] => area == 1 && count == rows && depth == in_channels,
            [count, blocks, height, width, block] => {
                [count, blocks, block] == [rows, in_channels.div_ceil(lanes), lanes] && height * width == area
            }
            _ => false,
        };
        return require(fits && features == out_channels, || format!("{x:?} is not what {packing:?} multiplies"));
    }
    let window = match (&step.kernel, method) {
        (Kernel::Conv { window, groups: parts }, Method::Direct | Method::Stem) if *parts == groups => window,
        (Kernel::Conv { window, groups: 1 }, Method::Rows) if groups == 1 && window[1].stride == 1 => window,
        (Kernel::ConvData { window, groups: parts }, Method::Direct) if *parts == groups => window,
        (Kernel::Conv { window, groups: 1 } | Kernel::ConvData { window, groups: 1 }, Method::Winograd(2 | 4))
            if groups == 1 =>
        {
            window
        }
        (Kernel::Conv { window, groups: parts }, Method::Depthwise) if *parts == groups => window,
        _ => return Err(format!("{} cannot be computed by {}", step.kernel.name(), method.name())),
    };
    let is_plain = matches!(method, Method::Stem | Method::Rows);
    let of_planes = |shape: &[usize]| {
        let [batch, channels, height, width] = planes(shape)?;
        Ok::<_, String>([batch, channels.div_ceil(lanes), height, width, lanes])
    };
    let to = if method == Method::Rows { of_planes(output)? } else { image(output)? };
    let from = if is_plain { of_planes(x)? } else { image(x)? };
    let whole = |channels: usize| groups > 0 && channels.is_multiple_of(groups);
    let is_winograd = |axis: &AxisWindow| (axis.kernel, axis.stride, axis.dilation) == (3, 1, 1) && axis.before < 3;
    let fits = from[0] == to[0]
        && [from[1], from[4]] == [in_channels.div_ceil(lanes), lanes]
        && [to[1], to[4]] == [out_channels.div_ceil(lanes), lanes]
        && (!is_plain || x[1] == in_channels)
        && (method != Method::Rows || output[1] == out_channels)
        && whole(in_channels)
        && whole(out_channels)
        && area == window.iter().map(|axis| axis.kernel).product::<usize>()
        && window.iter().all(|axis| axis.stride > 0)
        && (method != Method::Depthwise || [in_channels, out_channels] == [groups; 2])
        && (!matches!(method, Method::Winograd(_)) || window.iter().all(is_winograd));
    require(fits, || format!("{x:?} to {output:?} is not what {packing:?} computes"))
}

/// Elements of the weights that a packing reads, as parameters have them.
fn weights(packing: &Packing) -> Option<usize> {
    let Packing { in_channels, out_channels, groups, area, .. } = *packing;
    in_channels.checked_div(groups)?.checked_mul(out_channels)?.checked_mul(area)
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(message()) }
}

fn planes(shape: &[usize]) -> Result<[usize; 4], String> {
    shape.try_into().map_err(|_| format!("{shape:?} is not [N, C, H, W]"))
}

fn image(shape: &[usize]) -> Result<[usize; 5], String> {
    let image: [usize; 5] = shape.try_into().map_err(|_| format!("{shape:?} is not [N, C / lanes, H, W, lanes]"))?;
    require(image[4] > 0, || format!("{shape:?} has no lanes"))?;
    Ok(image)
}

/// Whether an image, plain or in blocks, has so many channels.
fn holds_channels(shape: &[usize], channels: usize) -> bool {
    match *shape {
        [_, count, _, _] => count == channels,
        [_, blocks, _, _, lanes] => lanes > 0 && blocks == channels.div_ceil(lanes),
        _ => false,
    }
}

fn matrix(shape: &[usize], transposed: bool) -> Result<[usize; 2], String> {
    let [rows, columns]: [usize; 2] = shape.try_into().map_err(|_| format!("{shape:?} is not a matrix"))?;
    Ok(if transposed { [columns, rows] } else { [rows, columns] })
}

fn kernel_size(window: &[AxisWindow; 2], weight: [usize; 4]) -> Checked {
    let agree = window.iter().zip(&weight[2..]).all(|(axis, &size)| axis.kernel == size && axis.stride > 0);
    require(agree, || "the weight's size is not the window's".into())
}

fn operands_exist(expression: &Expression, count: usize) -> Checked {
    match expression {
        Expression::Operand(index) => require(*index < count, || format!("operand {index} of {count}")),
        other => other.children().into_iter().try_for_each(|child| operands_exist(child, count)),
    }
}
