//! Where the windows of an axis lie: which of their elements exist, and from which input element on.

use cnnc_compiler::kernels::{AxisWindow, PoolAxis};
use std::ops::Range;

/// What of one window lies in the input, along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClippedWindow {
    /// The first element of the input.
    pub(crate) first: usize,
    /// Elements of the window that lie before the input.
    pub(crate) skipped: usize,
    /// Elements of the window in the input.
    pub(crate) count: usize,
}

/// All windows of an axis.
pub(crate) struct ClippedWindows {
    pub(crate) windows: Vec<ClippedWindow>,
    /// Steps from element to element of a window, and from window to window; the latter means nothing outside `inside`.
    pub(crate) dilation: usize,
    pub(crate) stride: usize,
    /// The windows that lie in the input as a whole, at regular steps.
    pub(crate) inside: Range<usize>,
    /// Elements of a window that lies inside.
    pub(crate) kernel: usize,
}

impl ClippedWindows {
    /// Of `count` windows over `size` elements.
    pub(crate) fn new(axis: &PoolAxis, count: usize, size: usize) -> Self {
        let window = |index: usize| {
            let (first, _, number) = axis.elements(index, count, size);
            let skipped = match axis {
                PoolAxis::Sliding(window) => {
                    window.before.saturating_sub(index * window.stride).div_ceil(window.dilation)
                }
                PoolAxis::Adaptive => 0,
            };
            ClippedWindow { first, skipped, count: number }
        };
        let windows: Vec<ClippedWindow> = (0..count).map(window).collect();
        let AxisWindow { kernel, stride, dilation, .. } = match axis {
            PoolAxis::Sliding(window) => *window,
            PoolAxis::Adaptive => AxisWindow { kernel: usize::MAX, stride: 1, dilation: 1, before: 0 },
        };
        let whole = |window: &ClippedWindow| window.count == kernel;
        let start = windows.iter().position(whole).unwrap_or(count);
        let end = windows.iter().skip(start).position(|window| !whole(window)).map_or(count, |length| start + length);
        Self { windows, dilation, stride, inside: start..end, kernel }
    }
}
