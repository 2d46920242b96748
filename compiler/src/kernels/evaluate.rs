//! What a kernel graph computes, in float64 by the plainest loops: the judge of passes and planner in their tests.
//!
//! The runtime has reference kernels of its own, which the compiler cannot reach; both are written from the sentences at
//! [`Kernel`].

use super::{AxisWindow, Divisor, Expression, Kernel, KernelGraph, Place, PoolAxis, Pooling, Reduction, Resampling};
use crate::graph::NodeId;
use std::collections::HashMap;

/// A dense tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its elements, the last axis fastest.
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor made index by index.
    pub fn build(shape: &[usize], mut element: impl FnMut(&[usize]) -> f64) -> Tensor {
        let data = indices(shape).iter().map(|index| element(index)).collect();
        Tensor { shape: shape.to_vec(), data }
    }

    /// Numbers between −1 and 1 that depend on the name alone; between 0.5 and 1.5 when the name ends in `var`.
    pub fn named(name: &str, shape: &[usize]) -> Tensor {
        let mut state = name
            .bytes()
            .fold(0x9e37_79b9_7f4a_7c15u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Tensor::build(shape, |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
            if name.ends_with("var") { 0.5 + unit } else { 2.0 * unit - 1.0 }
        })
    }

    /// The element at an index; where a size is 1, any index is the first.
    pub fn at(&self, index: &[usize]) -> f64 {
        let place = self.shape.iter().zip(index).fold(0, |at, (&size, &i)| at * size + if size == 1 { 0 } else { i });
        self.data[place]
    }

    /// The element at signed indices, zero outside.
    fn padded(&self, index: &[isize]) -> f64 {
        let inside = index.iter().zip(&self.shape).all(|(&i, &size)| i >= 0 && (i as usize) < size);
        if inside { self.at(&index.iter().map(|&i| i as usize).collect::<Vec<_>>()) } else { 0.0 }
    }
}

/// All indices of a shape, in order.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |all, &size| {
        all.iter().flat_map(|index: &Vec<usize>| (0..size).map(|i| [index.as_slice(), &[i]].concat())).collect()
    })
}

/// The outputs of a graph, then its updates, whose inputs and parameters are [`Tensor::named`] after themselves.
pub fn outputs(graph: &KernelGraph) -> Vec<Tensor> {
    outputs_of(graph, &Tensor::named)
}

/// The outputs of a graph, then its updates, whose inputs and parameters are what `given` makes of their names and shapes.
pub fn outputs_of(graph: &KernelGraph, given: &dyn Fn(&str, &[usize]) -> Tensor) -> Vec<Tensor> {
    let mut values: HashMap<NodeId, Tensor> = HashMap::new();
    for id in graph.dag.order().unwrap() {
        let node = graph.dag.get(id).unwrap();
        let arguments: Vec<&Tensor> = graph.dag.arguments(id).iter().map(|argument| &values[argument]).collect();
        let value = match node.kernel {
            Kernel::Input(_) | Kernel::Parameter(_) => given(&graph.label(id), &node.shape),
            _ => step(&node.kernel, node.own_arguments, node.epilogue.as_ref(), &arguments, &node.shape),
        };
        values.insert(id, value);
    }
    graph.results().map(|node| values[&node].clone()).collect()
}

/// One kernel with its epilogue.
pub fn step(
    kernel: &Kernel,
    own: usize,
    epilogue: Option<&Expression>,
    arguments: &[&Tensor],
    shape: &[usize],
) -> Tensor {
    let (own, others) = arguments.split_at(own);
    let result = compute(kernel, own, shape);
    match epilogue {
        None => result,
        Some(expression) => {
            let operands: Vec<&Tensor> = [&result].into_iter().chain(others.iter().copied()).collect();
            map(expression, &operands, shape)
        }
    }
}

fn map(expression: &Expression, operands: &[&Tensor], shape: &[usize]) -> Tensor {
    let mut number = 0;
    Tensor::build(shape, |index| {
        number += 1;
        let place = Place { index, number: number - 1 };
        expression.evaluate_at(&operands.iter().map(|operand| operand.at(index)).collect::<Vec<_>>(), place)
    })
}

fn compute(kernel: &Kernel, own: &[&Tensor], shape: &[usize]) -> Tensor {
    match kernel {
        Kernel::Input(_) | Kernel::Parameter(_) => unreachable!("given, not computed"),
        Kernel::Reorder { .. } | Kernel::Pack(_) => unreachable!("only plans have it"),
        Kernel::Conv { window, groups } => conv(own[0], own[1], window, *groups, shape),
        Kernel::ConvData { window, groups } => conv_data(own[0], own[1], window, *groups, shape),
        Kernel::ConvWeight { window, groups } => conv_weight(own[0], own[1], window, *groups, shape),
        Kernel::WindowGrad { axes, pooling } => pool_grad(own, axes, pooling, shape),
        Kernel::ResampleGrad(resampling) => transposed(own[0], shape, |x| resample(x, resampling, &own[0].shape)),
        Kernel::Gemm { transpose_a, transpose_b } => gemm(own[0], *transpose_a, own[1], *transpose_b, shape),
        Kernel::Window { axes, pooling } => pool(own[0], axes, pooling, shape),
        Kernel::Reduce { reduction, axes } => reduce(own[0], *reduction, axes, shape),
        Kernel::Map(expression) => map(expression, own, shape),
        Kernel::Resample(resampling) => resample(own[0], resampling, shape),
        Kernel::Reshape => Tensor { shape: shape.to_vec(), data: own[0].data.clone() },
        Kernel::Permute { axes } => Tensor::build(shape, |index| {
            let mut from = vec![0; axes.len()];
            axes.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
            own[0].at(&from)
        }),
        Kernel::Pad { padding } => Tensor::build(shape, |index| {
            own[0].padded(&index.iter().zip(padding).map(|(&i, &(before, _))| i as isize - before).collect::<Vec<_>>())
        }),
        Kernel::Slice { axis, start } => Tensor::build(shape, |index| {
            let mut from = index.to_vec();
            from[*axis] += start;
            let whole: usize = from.iter().zip(&own[0].shape).fold(0, |at, (&i, &size)| at * size + i);
            own[0].data[whole]
        }),
        Kernel::Concat { axis } => concat(own, *axis, shape),
    }
}

fn concat(parts: &[&Tensor], axis: usize, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |index| {
        let mut from = index.to_vec();
        for part in parts {
            if from[axis] < part.shape[axis] {
                return part.at(&from);
            }
            from[axis] -= part.shape[axis];
        }
        f64::NAN
    })
}

fn conv(x: &Tensor, w: &Tensor, window: &[AxisWindow; 2], groups: usize, shape: &[usize]) -> Tensor {
    let channels = shape[1] / groups;
    Tensor::build(shape, |index| {
        let group = index[1] / channels;
        let terms = indices(&w.shape[1..]).into_iter().map(|k| {
            let place = |axis: usize| {
                let AxisWindow { stride, dilation, before, .. } = window[axis];
                (index[2 + axis] * stride + k[1 + axis] * dilation) as isize - before as isize
            };
            let channel = group * w.shape[1] + k[0];
            let element = x.padded(&[index[0] as isize, channel as isize, place(0), place(1)]);
            element * w.at(&[index[1], k[0], k[1], k[2]])
        });
        terms.sum()
    })
}

fn conv_data(x: &Tensor, w: &Tensor, window: &[AxisWindow; 2], groups: usize, shape: &[usize]) -> Tensor {
    let mut result = Tensor::build(shape, |_| 0.0);
    let (inputs, outputs) = (x.shape[1] / groups, w.shape[1]);
    for index in indices(&x.shape) {
        for k in indices(&w.shape[1..]) {
            let place = |axis: usize| {
                let AxisWindow { stride, dilation, before, .. } = window[axis];
                (index[2 + axis] * stride + k[1 + axis] * dilation)
                    .checked_sub(before)
                    .filter(|&at| at < shape[2 + axis])
            };
            let (Some(row), Some(column)) = (place(0), place(1)) else { continue };
            let channel = index[1] / inputs * outputs + k[0];
            let at = ((index[0] * shape[1] + channel) * shape[2] + row) * shape[3] + column;
            result.data[at] += x.at(&index) * w.at(&[index[1], k[0], k[1], k[2]]);
        }
    }
    result
}

fn conv_weight(x: &Tensor, g: &Tensor, window: &[AxisWindow; 2], groups: usize, shape: &[usize]) -> Tensor {
    let per_group = g.shape[1] / groups;
    Tensor::build(shape, |index| {
        let channel = index[0] / per_group * shape[1] + index[1];
        let places = indices(&[g.shape[0], g.shape[2], g.shape[3]]).into_iter().map(|place| {
            let seen = |axis: usize| {
                let AxisWindow { stride, dilation, before, .. } = window[axis];
                (place[1 + axis] * stride + index[2 + axis] * dilation) as isize - before as isize
            };
            let element = x.padded(&[place[0] as isize, channel as isize, seen(0), seen(1)]);
            element * g.at(&[place[0], index[0], place[1], place[2]])
        });
        places.sum()
    })
}

/// The sum over all windows of what `pool` changes when an element does: the derivative as its definition, for means; for the
/// others the sentence at the kernel.
fn pool_grad(own: &[&Tensor], axes: &[PoolAxis; 2], pooling: &Pooling, shape: &[usize]) -> Tensor {
    let (x, g) = match own {
        [g] => return transposed(g, shape, |x| pool(x, axes, pooling, &g.shape)),
        [x, g] => (x, g),
        _ => unreachable!("one argument or two"),
    };
    let rank = shape.len();
    let mut result = Tensor::build(shape, |_| 0.0);
    for index in indices(&g.shape) {
        let along = |axis: usize| {
            let at = rank - 2 + axis;
            let (first, step, number) = axes[axis].elements(index[at], g.shape[at], shape[at]);
            (0..number).map(move |i| first + i * step)
        };
        let place = |row: usize, column: usize| {
            let mut place = index.clone();
            (place[rank - 2], place[rank - 1]) = (row, column);
            place.iter().zip(shape).fold(0, |at, (i, size)| at * size + i)
        };
        let places: Vec<usize> =
            along(0).flat_map(|row| along(1).map(move |column| (row, column))).map(|(r, c)| place(r, c)).collect();
        let largest = places.iter().map(|&at| x.data[at]).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = match pooling {
            Pooling::Softmax => places.iter().map(|&at| (x.data[at] - largest).exp()).collect(),
            _ => {
                let first = places.iter().position(|&at| x.data[at] == largest);
                (0..places.len()).map(|at| f64::from(u8::from(Some(at) == first))).collect()
            }
        };
        let total: f64 = weights.iter().sum();
        let y = places.iter().zip(&weights).map(|(&at, weight)| x.data[at] * weight / total).sum::<f64>();
        for (&at, weight) in places.iter().zip(&weights) {
            let slope = if *pooling == Pooling::Softmax { 1.0 + x.data[at] - y } else { 1.0 };
            result.data[at] += g.at(&index) * weight / total * slope;
        }
    }
    result
}

/// A linear function turned round: element `i` of the result is the inner product of `g` with what the function makes of unit
/// `i`.
fn transposed(g: &Tensor, shape: &[usize], function: impl Fn(&Tensor) -> Tensor) -> Tensor {
    let mut unit = Tensor::build(shape, |_| 0.0);
    let data = (0..unit.data.len()).map(|at| {
        unit.data[at] = 1.0;
        let inner = function(&unit).data.iter().zip(&g.data).map(|(a, b)| a * b).sum();
        unit.data[at] = 0.0;
        inner
    });
    let data = data.collect();
    Tensor { shape: shape.to_vec(), data }
}

fn gemm(a: &Tensor, transpose_a: bool, b: &Tensor, transpose_b: bool, shape: &[usize]) -> Tensor {
    let inner = a.shape[usize::from(!transpose_a)];
    let at =
        |matrix: &Tensor, transpose, row, column| matrix.at(&if transpose { [column, row] } else { [row, column] });
    Tensor::build(shape, |index| {
        (0..inner).map(|k| at(a, transpose_a, index[0], k) * at(b, transpose_b, k, index[1])).sum()
    })
}

fn pool(x: &Tensor, axes: &[PoolAxis; 2], pooling: &Pooling, shape: &[usize]) -> Tensor {
    let rank = shape.len();
    Tensor::build(shape, |index| {
        let along = |axis: usize| {
            let at = rank - 2 + axis;
            let (first, step, number) = axes[axis].elements(index[at], shape[at], x.shape[at]);
            (0..number).map(move |i| first + i * step).collect::<Vec<_>>()
        };
        let mut elements = Vec::new();
        for row in along(0) {
            for column in along(1) {
                elements.push(x.at(&[&index[..rank - 2], &[row, column]].concat()));
            }
        }
        let sum: f64 = elements.iter().sum();
        let largest = elements.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match pooling {
            Pooling::Max => largest,
            Pooling::Mean(Divisor::Elements) => sum / elements.len() as f64,
            Pooling::Mean(Divisor::Fixed(divisor)) => sum / divisor,
            Pooling::Mean(Divisor::Padded { after }) => {
                let counted = |axis: usize| {
                    padded_length(&axes[axis], index[rank - 2 + axis], x.shape[rank - 2 + axis], after[axis])
                };
                sum / (counted(0) * counted(1)) as f64
            }
            Pooling::Softmax => {
                let weights: Vec<f64> = elements.iter().map(|element| (element - largest).exp()).collect();
                elements.iter().zip(&weights).map(|(element, weight)| element * weight).sum::<f64>()
                    / weights.iter().sum::<f64>()
            }
        }
    })
}

/// Elements of a window that lie in the input or its padding.
fn padded_length(axis: &PoolAxis, index: usize, size: usize, after: usize) -> usize {
    match axis {
        PoolAxis::Sliding(window) => {
            let end = (size + window.before + after) as isize;
            let start = (index * window.stride) as isize;
            (0..window.kernel).filter(|k| start + ((k * window.dilation) as isize) < end).count()
        }
        PoolAxis::Adaptive => unreachable!("adaptive windows have no padding"),
    }
}

fn reduce(x: &Tensor, reduction: Reduction, axes: &[bool], shape: &[usize]) -> Tensor {
    let gone: Vec<usize> = x.shape.iter().zip(axes).map(|(&size, &gone)| if gone { size } else { 1 }).collect();
    Tensor::build(shape, |index| {
        let elements = indices(&gone)
            .into_iter()
            .map(|inner| x.at(&index.iter().zip(inner).map(|(outer, inner)| outer + inner).collect::<Vec<_>>()));
        match reduction {
            Reduction::Sum => elements.sum(),
            Reduction::Max => elements.fold(f64::NEG_INFINITY, f64::max),
        }
    })
}

fn resample(x: &Tensor, resampling: &Resampling, shape: &[usize]) -> Tensor {
    Tensor::build(shape, |index| match *resampling {
        Resampling::Nearest { scale } => {
            let near = |axis: usize| ((index[2 + axis] as f64 * scale[axis]) as usize).min(x.shape[2 + axis] - 1);
            x.at(&[index[0], index[1], near(0), near(1)])
        }
        Resampling::Bilinear { scale, align_corners } => {
            let between = |axis: usize| {
                let place = index[2 + axis] as f64;
                let at = if align_corners { place * scale[axis] } else { ((place + 0.5) * scale[axis] - 0.5).max(0.0) };
                let low = (at as usize).min(x.shape[2 + axis] - 1);
                [(low, 1.0 - (at - low as f64)), ((low + 1).min(x.shape[2 + axis] - 1), at - low as f64)]
            };
            let pairs = between(0).into_iter().flat_map(|row| between(1).into_iter().map(move |column| (row, column)));
            pairs.map(|((row, a), (column, b))| a * b * x.at(&[index[0], index[1], row, column])).sum()
        }
    })
}
