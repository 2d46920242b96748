//! Products of many matrices at once, in kernels that are there.
//!
//! The matrices are the groups of a convolution of one place whose weight is a value: a group's weight is its first matrix, its
//! input the second. So no kernel is needed that multiplies many matrices. One matrix on the right for all is a plain product,
//! and one on the left a convolution of one group.

use crate::graph::NodeId;
use crate::kernels::{AxisWindow, Expression, KernelBuilder};

/// A window of one place.
const POINT: [AxisWindow; 2] = [AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 }; 2];

/// `a[groups, rows, inner] · b[groups, inner, columns]`
pub fn products(builder: &mut KernelBuilder, [a, b]: [NodeId; 2]) -> NodeId {
    let (&[groups, rows, inner], &[_, _, columns]) = (builder.shape(a).as_slice(), builder.shape(b).as_slice()) else {
        return a;
    };
    let weight = builder.reshape(a, &[groups * rows, inner, 1, 1]);
    let x = builder.reshape(b, &[1, groups * inner, 1, columns]);
    let y = builder.conv(x, weight, POINT, groups, [1, columns]);
    builder.reshape(y, &[groups, rows, columns])
}

/// The product over the last two axes, the axes before them broadcast.
pub fn product(builder: &mut KernelBuilder, [a, b]: [NodeId; 2]) -> NodeId {
    let rank = builder.shape(a).len().max(builder.shape(b).len());
    let [a, b] = [a, b].map(|side| builder.with_rank(side, rank));
    let (left, right) = (builder.shape(a), builder.shape(b));
    let (&[ref before @ .., rows, inner], &[ref others @ .., _, columns]) = (left.as_slice(), right.as_slice()) else {
        return a;
    };
    let batch: Vec<usize> = before.iter().zip(others).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
    let whole = |sizes: &[usize]| [&batch, sizes].concat();
    let [first, second] = [before, others].map(|sizes| sizes.iter().product::<usize>());
    let all = batch.iter().product::<usize>();
    let y = if second == 1 {
        let (a, b) = (builder.reshape(a, &[all * rows, inner]), builder.reshape(b, &[inner, columns]));
        builder.gemm(a, false, b, false)
    } else if first == 1 {
        let (weight, x) = (builder.reshape(a, &[rows, inner, 1, 1]), builder.reshape(b, &[all, inner, 1, columns]));
        builder.conv(x, weight, POINT, 1, [1, columns])
    } else {
        let mut side = |node, sizes: [usize; 2]| {
            let shape = whole(&sizes);
            let repeated = match builder.shape(node) == shape {
                true => node,
                false => builder.map_to(&shape, &[node], Expression::operand(0)),
            };
            builder.reshape(repeated, &[all, sizes[0], sizes[1]])
        };
        let sides = [side(a, [rows, inner]), side(b, [inner, columns])];
        products(builder, sides)
    };
    builder.reshape(y, &whole(&[rows, columns]))
}
