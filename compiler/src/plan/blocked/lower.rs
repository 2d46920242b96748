//! Heavy kernels over channels in blocks: the method, the packed weights, the step.

use super::choose::{Circumstances, is_stem};
use super::{Blocks, Layout, Method, PackedConv, PackedLinear, Packing, SizedConvolution};
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelGraph, KernelNode};
use crate::passes::{Note, Saved};
use crate::plan::draft::Located;
use crate::plan::lower::{Density, Lowering};
use crate::plan::operation::Operation;

/// The most elements of packed weights: more is past any memory, which is then said.
const MOST_ELEMENTS: usize = 1 << 48;

impl Lowering<'_> {
    /// The steps of a kernel that goes about blocks, or about packed weights, in a way of its own; `None` where it is computed by
    /// its definition.
    pub(in crate::plan) fn in_a_way_of_blocks(&mut self, id: NodeId, node: &KernelNode) -> Option<Located> {
        let blocks = self.blocks?;
        let arguments = self.graph.dag.arguments(id);
        let &[x, weight, ref others @ ..] = arguments.as_slice() else { return None };
        match &node.kernel {
            Kernel::Conv(_) | Kernel::ConvData(_) => self.convolution(blocks, id, node, [x, weight], others),
            Kernel::ConvWeight(conv) => {
                Some(self.weight_gradient(blocks, id, node, [x, weight], others, conv.0.groups))
            }
            kernel if *kernel == PackedLinear::KERNEL => self.linear(blocks, id, node, [x, weight], others),
            _ => None,
        }
    }

    /// A convolution, or a transposed one, by a method of the target.
    fn convolution(
        &mut self,
        blocks: &Blocks,
        id: NodeId,
        node: &KernelNode,
        [x, weight]: [NodeId; 2],
        others: &[NodeId],
    ) -> Option<Located> {
        let convolution = SizedConvolution::of(&node.kernel, self.shape(x), &node.shape)?;
        let circumstances = Circumstances {
            input_is_blocked: self.layout(x) != Layout::Plain,
            packs_each_run: !self.constants.contains(&weight),
            cold: self.weights_are_cold,
        };
        let of_bytes = self.element(x).quantisation().is_some();
        let method = match self.layout(x) {
            Layout::Blocked { lanes } if of_bytes => convolution.of_bytes(lanes, blocks.lanes),
            _ => convolution.choose(blocks, circumstances),
        };
        // Only by rows is a plain image made, of which no element depends on where it lies.
        let fits = match self.layout(id) {
            Layout::Plain => method.writes_planes() && !node.epilogue.as_ref().is_some_and(Expression::is_placed),
            Layout::Blocked { .. } => !method.writes_planes(),
        };
        if !fits {
            return None;
        }
        let packed = PackedConv { convolution, method, lanes: blocks.lanes };
        let layout = match method {
            _ if method.reads_planes() => Layout::Plain,
            Method::Int8Stem => Layout::Blocked { lanes: Method::WORD },
            _ => Layout::Blocked { lanes: blocks.lanes },
        };
        let mut operands = vec![
            self.operand(x, layout, Density::FromAxis1, &node.origins),
            self.packed(weight, Packing::Conv(packed), node),
        ];
        operands.extend(others.iter().map(|&argument| self.broadcast(argument, id, &node.origins)));
        self.note_method(node, method);
        Some(self.step(id, node, Operation::PackedConv(packed), operands))
    }

    fn note_method(&mut self, node: &KernelNode, method: Method) {
        let text = format!("computed by the method `{}`", method.name());
        self.lowered.notes.push(Note { pass: "plan", place: node.place(), done: true, text, saved: Saved::default() });
    }

    /// The gradient of a convolution by its weights, of images in blocks; of one of few channels as it lies.
    fn weight_gradient(
        &mut self,
        blocks: &Blocks,
        id: NodeId,
        node: &KernelNode,
        [x, gradient]: [NodeId; 2],
        others: &[NodeId],
        groups: usize,
    ) -> Located {
        let channels = self.shape(x).get(1).copied().unwrap_or(0);
        let is_stem = is_stem(self.layout(x) != Layout::Plain, groups, channels);
        let layout = Layout::Blocked { lanes: blocks.lanes };
        let mut operands = vec![
            self.operand(x, if is_stem { Layout::Plain } else { layout }, Density::FromAxis1, &node.origins),
            self.operand(gradient, layout, Density::FromAxis1, &node.origins),
        ];
        operands.extend(others.iter().map(|&argument| self.broadcast(argument, id, &node.origins)));
        self.computed(id, node, operands)
    }

    /// A fully connected layer: rows times packed weights. Where the rows are images in blocks, laid flat, they are read as they
    /// lie.
    fn linear(
        &mut self,
        blocks: &Blocks,
        id: NodeId,
        node: &KernelNode,
        [rows, weight]: [NodeId; 2],
        others: &[NodeId],
    ) -> Option<Located> {
        let &[out_features, features] = self.shape(weight) else { return None };
        let (x, in_channels, pixels) = self.flattened(rows).unwrap_or((rows, features, 1));
        let count = node.shape.first().copied()?;
        let of_bytes = self.element(x).quantisation().is_some();
        let packed = PackedLinear { rows: count, in_channels, pixels, out_features, lanes: blocks.lanes, of_bytes };
        let mut operands = vec![
            self.operand(
                x,
                if pixels == 1 { Layout::Plain } else { self.layout(x) },
                Density::FromAxis1,
                &node.origins,
            ),
            self.packed(weight, Packing::Linear(packed), node),
        ];
        operands.extend(others.iter().map(|&argument| self.broadcast(argument, id, &node.origins)));
        Some(self.step(id, node, Operation::PackedLinear(packed), operands))
    }

    /// The image in blocks whose elements, laid flat, are these rows; its channels and its pixels.
    fn flattened(&self, rows: NodeId) -> Option<(NodeId, usize, usize)> {
        let Kernel::Reshape(_) = self.graph.dag.get(rows)?.kernel else { return None };
        let image = self.graph.dag.arguments(rows).first().copied()?;
        let &[batch, channels, height, width] = self.shape(image) else { return None };
        let is_flat = self.shape(rows) == [batch, channels * height * width];
        let is_image = self.layout(image) != Layout::Plain && height * width > 1;
        (is_flat && is_image).then_some((image, channels, height * width))
    }

    /// Whether all that use these rows read the image that they are.
    pub(in crate::plan) fn is_read_as_image(&self, rows: NodeId) -> bool {
        let reads_image = |&(user, slot): &(NodeId, u32)| {
            let kernel = self.graph.dag.get(user).map(|node| &node.kernel);
            slot == 0 && kernel == Some(&PackedLinear::KERNEL)
        };
        self.blocks.is_some()
            && self.flattened(rows).is_some()
            && !self.graph.is_output(rows)
            && self.graph.dag.uses(rows).iter().all(reads_image)
    }

    /// The weights as a method reads them: packed once for all that read them in that order.
    fn packed(&mut self, weight: NodeId, packing: Packing, node: &KernelNode) -> Located {
        let order = packing.order();
        if let Some(packed) = self.packs.get(&(weight, order)) {
            return packed.clone();
        }
        let constant = self.constants.contains(&weight);
        let from = self.operand(weight, Layout::Plain, Density::Whole, &node.origins);
        let into = self.fresh(&[packing.elements().unwrap_or(MOST_ELEMENTS)], from.view.element, constant);
        self.move_elements(Operation::Pack(packing), from, into.clone(), constant, &node.origins);
        self.packs.insert((weight, order), into.clone());
        into
    }
}

/// Whether the net's weights, all together, do not stay in the last-level cache from run to run.
pub(in crate::plan) fn weights_are_cold(graph: &KernelGraph, blocks: &Blocks) -> bool {
    let bytes = graph.parameters.iter().map(|parameter| parameter.element.tensor_bytes(&parameter.shape));
    bytes.fold(0, u64::saturating_add) > blocks.last_cache_bytes as u64
}
