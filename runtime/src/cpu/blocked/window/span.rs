//! Where the windows of an axis lie: which of their elements exist, and from which input element on.

use cnnc_compiler::kernels::{AxisWindow, PoolAxis};
use std::ops::Range;

/// What of one window lies in the input, along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first element of the input.
    pub(super) first: usize,
    /// Elements of the window that lie before the input.
    pub(super) skipped: usize,
    /// Elements of the window in the input.
    pub(super) count: usize,
}

/// All windows of an axis.
pub(super) struct Spans {
    pub(super) spans: Vec<Span>,
    /// Steps from element to element of a window, and from window to window; the latter means nothing outside `inside`.
    pub(super) dilation: usize,
    pub(super) stride: usize,
    /// The windows that lie in the input as a whole, at regular steps.
    pub(super) inside: Range<usize>,
    /// Elements of a window that lies inside.
    pub(super) kernel: usize,
}

impl Spans {
    /// Of `count` windows over `size` elements.
    pub(super) fn new(axis: &PoolAxis, count: usize, size: usize) -> Self {
        let span = |index: usize| {
            let (first, _, number) = axis.elements(index, count, size);
            let skipped = match axis {
                PoolAxis::Sliding(window) => {
                    window.before.saturating_sub(index * window.stride).div_ceil(window.dilation)
                }
                PoolAxis::Adaptive => 0,
            };
            Span { first, skipped, count: number }
        };
        let spans: Vec<Span> = (0..count).map(span).collect();
        let AxisWindow { kernel, stride, dilation, .. } = match axis {
            PoolAxis::Sliding(window) => *window,
            PoolAxis::Adaptive => AxisWindow { kernel: usize::MAX, stride: 1, dilation: 1, before: 0 },
        };
        let whole = |span: &Span| span.count == kernel;
        let start = spans.iter().position(whole).unwrap_or(count);
        let end = spans.iter().skip(start).position(|span| !whole(span)).map_or(count, |length| start + length);
        Self { spans, dilation, stride, inside: start..end, kernel }
    }
}
