//! Convolutions, transposed ones, and products of many matrices, which kernels have as convolutions of one place.

use super::super::{Refusal, Writer};
use super::plane::{attributes, extent, pads};
use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::{AxisWindow, Convolution, Kernel, KernelNode};
use cnnc_compiler::onnx::{Attribute, Value};
use cnnc_compiler::shape::{Dim, Shape};

/// A window of one element.
const POINT: AxisWindow = AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 };

impl Writer<'_> {
    pub(super) fn convolution(
        &mut self,
        id: NodeId,
        convolution: Convolution,
        own: &[Value],
        shape: &Shape,
    ) -> Result<Value, Refusal> {
        let Convolution { window, groups } = convolution;
        let &[x, weight, ..] = own else { return Err(Refusal::new("a convolution lacks its weight".into())) };
        let is_value = self.variants.arguments(id).get(1).is_some_and(|&weight| !self.is_tensor(weight));
        if window == [POINT; 2] && is_value && shape.first() == Some(&Dim::Number(1)) && own.len() == 2 {
            return self.matrices(id, [x, weight], shape);
        }
        let others =
            self.variants.nodes(id).any(|node| !matches!(&node.kernel, Kernel::Conv(conv) if conv.0 == convolution));
        let after = [1, 0].map(|axis| self.after(&window[1 - axis], &self.along(id, axis)));
        let (false, [Some(below), Some(beside)]) = (others, after) else {
            return Err(self.variants.unclear(id, "its window"));
        };
        let mut all = attributes(&window);
        all.push(pads([(window[0].before, below), (window[1].before, beside)]));
        all.push(("group", Attribute::Int(groups as i64)));
        Ok(self.nodes.node("Conv", own, all))
    }

    /// A product a group: the first matrices are the weight, `[groups · rows, inner, 1, 1]`, the second the image,
    /// `[1, groups · inner, 1, columns]`.
    fn matrices(&mut self, id: NodeId, [x, weight]: [Value; 2], shape: &Shape) -> Result<Value, Refusal> {
        let argument = self.variants.arguments(id).get(1).copied().unwrap_or(NodeId::end());
        let both = self.variants.nodes(id).zip(self.variants.nodes(argument));
        let sizes = |(node, weight): (&KernelNode, &KernelNode)| match (&node.kernel, &*weight.shape, &*node.shape) {
            (Kernel::Conv(conv), &[outs, inner, ..], &[.., height, width]) => {
                Some([conv.0.groups, outs.checked_div(conv.0.groups)?, inner, height * width])
            }
            _ => None,
        };
        let all = both.map(sizes).collect::<Option<Vec<[usize; 4]>>>();
        let part =
            |which: usize| self.variants.dim(&all.as_ref()?.iter().map(|one| one[which]).collect::<Vec<usize>>());
        let parts = || Some([part(0)?, part(1)?, part(2)?, part(3)?]);
        let [groups, rows, inner, columns] =
            parts().ok_or_else(|| self.variants.unclear(id, "the number of matrices"))?;
        let first = self.nodes.reshape(weight, &[groups.clone(), rows, inner.clone()]);
        let second = self.nodes.reshape(x, &[groups, inner, columns]);
        let product = self.nodes.node("MatMul", &[first, second], Vec::new());
        Ok(self.nodes.reshape(product, shape))
    }

    /// The output's size says what is cut off behind, or added.
    pub(super) fn transposed_convolution(
        &mut self,
        id: NodeId,
        convolution: Convolution,
        own: &[Value],
    ) -> Result<Value, Refusal> {
        self.same(id, "its window")?;
        let Convolution { window, groups } = convolution;
        let side = |axis: usize| {
            let window = &window[1 - axis];
            let behind = |[size, given]: &[usize; 2]| {
                let whole = size.saturating_sub(1) * window.stride + extent(window);
                whole as i64 - window.before as i64 - *given as i64
            };
            let all: Vec<i64> = self.along(id, axis).iter().map(behind).collect();
            let first = *all.first()?;
            all.iter().all(|other| *other == first).then_some(first)
        };
        let [Some(below), Some(beside)] = [side(1), side(0)] else {
            return Err(self.variants.unclear(id, "what is cut off"));
        };
        let cut = [below, beside].map(|side| usize::try_from(side).unwrap_or(0));
        let more = [below, beside].map(|side| (-side).max(0));
        let fits = more.iter().zip(&window).all(|(&more, window)| more < window.stride as i64);
        let mut all = attributes(&window);
        all.push(pads([(window[0].before, cut[0]), (window[1].before, cut[1])]));
        all.push(("group", Attribute::Int(groups as i64)));
        if fits {
            all.extend((more != [0, 0]).then(|| ("output_padding", Attribute::Ints(more.to_vec()))));
            return Ok(self.nodes.node("ConvTranspose", own, all));
        }
        // What lies behind all that the input reaches is a bias and nothing else.
        let value = self.nodes.node("ConvTranspose", &own[..2], all);
        let pads = self.nodes.ints(&[0, 0, 0, 0, 0, 0, more[0], more[1]]);
        let value = self.nodes.node("Pad", &[value, pads], Vec::new());
        let Some(&bias) = own.get(2) else { return Ok(value) };
        let sizes = self.nodes.ints(&[-1, 1, 1]);
        let bias = self.nodes.node("Reshape", &[bias, sizes], Vec::new());
        Ok(self.nodes.node("Add", &[value, bias], Vec::new()))
    }
}
