//! A window along one axis, as convolutions and poolings move it.

use super::print::pair;
use std::fmt::Write;

/// A window along one axis of a convolution or a pooling; how many windows there are is the output's size. Elements outside the
/// input are padding, before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AxisWindow {
    /// Elements of the window.
    pub kernel: usize,
    /// Step from window to window.
    pub stride: usize,
    /// Step from element to element within the window.
    pub dilation: usize,
    /// Padding before the first element of the input.
    pub before: usize,
}

impl AxisWindow {
    /// Whether it has elements and moves on. Where it lies is not limited: what it sees outside its input is padding.
    pub(super) fn moves(&self) -> bool {
        self.kernel > 0 && self.stride > 0 && self.dilation > 0
    }

    /// What window `place` sees of an axis of that size: places of the window with elements of the input, padding left out.
    pub(super) fn seen(&self, place: usize, size: usize) -> Vec<(usize, usize)> {
        let element = |k: usize| (place * self.stride + k * self.dilation).checked_sub(self.before);
        (0..self.kernel)
            .filter_map(|k| element(k).filter(|&element| element < size).map(|element| (k, element)))
            .collect()
    }

    /// The other way round: through which places of the window the elements of an axis of that size reach place `place` of what
    /// a transposed convolution makes of them.
    pub(super) fn seen_by(&self, place: usize, size: usize) -> Vec<(usize, usize)> {
        let element = |k: usize| {
            let from = (place + self.before).checked_sub(k * self.dilation)?;
            from.is_multiple_of(self.stride).then_some(from / self.stride)
        };
        (0..self.kernel)
            .filter_map(|k| element(k).filter(|&element| element < size).map(|element| (k, element)))
            .collect()
    }
}

/// ` 3x3 stride 2 dilation 2 before 1`; what is 1 or none is left out.
pub(super) fn details([height, width]: &[AxisWindow; 2]) -> String {
    let mut text = format!(" {}x{}", height.kernel, width.kernel);
    let parts = [
        ("stride", [height.stride, width.stride], 1),
        ("dilation", [height.dilation, width.dilation], 1),
        ("before", [height.before, width.before], 0),
    ];
    for (name, both, usual) in parts {
        if both != [usual; 2] {
            let _ = write!(text, " {name} {}", pair(both));
        }
    }
    text
}
