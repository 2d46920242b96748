//! Windows over an axis, as ONNX counts them: what kernels leave to the output's size becomes padding after the last element.

use super::super::Writer;
use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::onnx::Attribute;

/// From the first element of a window to its last.
pub fn extent(window: &AxisWindow) -> usize {
    window.dilation * (window.kernel - 1) + 1
}

/// `kernel_shape`, `strides` and `dilations` of two windows.
pub fn attributes(windows: &[AxisWindow; 2]) -> Vec<(&'static str, Attribute)> {
    let both = |of: fn(&AxisWindow) -> usize| Attribute::Ints(windows.iter().map(|window| of(window) as i64).collect());
    vec![
        ("kernel_shape", both(|window| window.kernel)),
        ("strides", both(|window| window.stride)),
        ("dilations", both(|window| window.dilation)),
    ]
}

/// `pads` of two axes, each before and after.
pub fn pads([height, width]: [(usize, usize); 2]) -> (&'static str, Attribute) {
    let all = [height.0, width.0, height.1, width.1];
    ("pads", Attribute::Ints(all.map(|side| side as i64).to_vec()))
}

impl Writer<'_> {
    /// The sizes of an axis from the last, 0 width and 1 height, of a node's first argument and of its result, at each choice.
    pub(super) fn along(&self, id: NodeId, from_last: usize) -> Vec<[usize; 2]> {
        let argument = self.variants.arguments(id).first().copied().unwrap_or(NodeId::end());
        let size = |shape: &[usize]| {
            shape.len().checked_sub(from_last + 1).and_then(|axis| shape.get(axis)).copied().unwrap_or(1)
        };
        let (taken, given) = (self.variants.nodes(argument), self.variants.nodes(id));
        taken.zip(given).map(|(taken, given)| [size(&taken.shape), size(&given.shape)]).collect()
    }

    /// The least padding after an axis with which there are as many windows as there are, at each choice.
    pub(super) fn after(&self, window: &AxisWindow, sizes: &[[usize; 2]]) -> Option<usize> {
        let fits = |after: &usize| {
            sizes.iter().all(|&[size, count]| {
                let room = (size + window.before + after).checked_sub(extent(window));
                room.map(|room| room / window.stride + 1) == Some(count)
            })
        };
        (0..=extent(window) + window.stride).find(fits)
    }
}
