//! What a convolution and its two gradients share: the window and the groups, what they are printed as and which shapes go with
//! them, and which elements meet in the reference's loops.

use super::window::{self, AxisWindow};
use std::ops::Range;

/// A window that moves over planes, and channels that are divided into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Height, then width.
    pub window: [AxisWindow; 2],
    /// Parts that channels are divided into.
    pub groups: usize,
}

impl Convolution {
    /// The window, and the groups where there are several.
    pub(super) fn details(&self) -> String {
        let groups = if self.groups == 1 { String::new() } else { format!(" groups {}", self.groups) };
        format!("{}{groups}", window::details(&self.window))
    }

    /// Whether it takes `x` with such a weight to that shape.
    pub(super) fn fits(&self, x: &[usize], weight: &[usize], shape: &[usize]) -> bool {
        let (&[batch, channels, _, _], &[outs, inner, rows, columns]) = (x, weight) else { return false };
        let &[same, out, _, _] = shape else { return false };
        self.groups > 0
            && batch == same
            && out == outs
            && out % self.groups == 0
            && inner.checked_mul(self.groups) == Some(channels)
            && self.has_window([rows, columns])
    }

    /// Whether its window moves, and has the size of a weight.
    pub(super) fn has_window(&self, size: [usize; 2]) -> bool {
        self.window.map(|axis| axis.kernel) == size && self.window.iter().all(AxisWindow::moves)
    }
}

/// The input element that output element `place` sees through window element `k`, padding taken off.
pub(super) fn seen(window: &AxisWindow, k: usize, place: usize) -> usize {
    place * window.stride + k * window.dilation - window.before
}

/// The output elements of `count` that see an input element of `size` through window element `k`, and not padding.
pub(super) fn inside(window: &AxisWindow, k: usize, count: usize, size: usize) -> Range<usize> {
    let padded = |place: &usize| *place * window.stride + k * window.dilation;
    let first = (0..count).find(|place| padded(place) >= window.before).unwrap_or(count);
    let last = (first..count).find(|place| padded(place) >= window.before + size).unwrap_or(count);
    first..last
}
