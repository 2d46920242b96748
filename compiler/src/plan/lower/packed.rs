//! Heavy kernels over channels in blocks: the method, the packed weights, the step.

use super::super::Blocks;
use super::super::draft::Located;
use super::super::layout::Layout;
use super::super::method::{self, Convolution};
use super::Lowering;
use super::operand::Density;
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelNode, Method, Packing};
use crate::passes::Note;

/// The most elements of packed weights: more is past any memory, which is then said.
const MOST_ELEMENTS: usize = 1 << 48;

impl Lowering<'_> {
    /// A convolution, or a transposed one, by a method of the target.
    pub(super) fn convolution(&mut self, id: NodeId, node: &KernelNode) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let (&[x, weight, ref others @ ..], Some(blocks)) = (arguments.as_slice(), self.blocks) else {
            return self.compute(id, node, &node.kernel);
        };
        let packs_each_run = !self.constants.contains(&weight);
        let convolution = Convolution::of(self.shape(x), node, self.layout(x) != Layout::Plain)
            .map(|convolution| Convolution { packs_each_run, ..convolution });
        let chosen =
            convolution.map(|convolution| (convolution, convolution.choose(blocks, self.weights_are_cold(blocks))));
        // Only by rows is a plain image made, of which no element depends on where it lies.
        let fits = |method: Method| match self.layout(id) {
            Layout::Plain => method == Method::Rows && !node.epilogue.as_ref().is_some_and(Expression::is_placed),
            Layout::Blocked { .. } => true,
        };
        let Some((convolution, method)) = chosen.filter(|&(_, method)| fits(method)) else {
            return self.compute(id, node, &node.kernel);
        };
        let packing = convolution.packing(method, blocks.lanes);
        let layout = match method {
            Method::Stem | Method::Rows => Layout::Plain,
            _ => Layout::Blocked { lanes: blocks.lanes },
        };
        let mut operands = vec![
            self.operand(x, layout, Density::FromAxis1, &node.origins),
            self.packed(weight, packing, format!("{} {}", node.kernel.name(), convolution.key()), node),
        ];
        for &argument in others {
            operands.push(self.broadcast(argument, id, &node.origins));
        }
        let text = format!("computed by the method `{}`", method.name());
        self.lowered.notes.push(Note { pass: "plan", place: node.place(), done: true, text });
        self.step(id, node, node.kernel.clone(), operands, Some(packing))
    }

    /// The gradient of a convolution by its weights, of images in blocks; of one of few channels as it lies.
    pub(super) fn weight_gradient(&mut self, id: NodeId, node: &KernelNode, groups: usize) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let (&[x, gradient, ref others @ ..], Some(blocks)) = (arguments.as_slice(), self.blocks) else {
            return self.compute(id, node, &node.kernel);
        };
        let channels = self.shape(x).get(1).copied().unwrap_or(0);
        let is_stem = method::is_stem(self.layout(x) != Layout::Plain, groups, channels);
        let layout = Layout::Blocked { lanes: blocks.lanes };
        let mut operands = vec![
            self.operand(x, if is_stem { Layout::Plain } else { layout }, Density::FromAxis1, &node.origins),
            self.operand(gradient, layout, Density::FromAxis1, &node.origins),
        ];
        for &argument in others {
            operands.push(self.broadcast(argument, id, &node.origins));
        }
        self.step(id, node, node.kernel.clone(), operands, None)
    }

    /// A fully connected layer: rows times packed weights. Where the rows are images in blocks, laid flat, they are read as they
    /// lie.
    pub(super) fn linear(&mut self, id: NodeId, node: &KernelNode) -> Located {
        let arguments = self.graph.dag.arguments(id);
        let (&[a, weight, ref others @ ..], Some(blocks)) = (arguments.as_slice(), self.blocks) else {
            return self.compute(id, node, &node.kernel);
        };
        let &[out_channels, features] = self.shape(weight) else { return self.compute(id, node, &node.kernel) };
        let image = self.flattened(a);
        let (a, in_channels, area) = image.unwrap_or((a, features, 1));
        let packing =
            Packing { method: Method::Linear, lanes: blocks.lanes, in_channels, out_channels, groups: 1, area };
        let layout = self.layout(a);
        let mut operands = vec![
            self.operand(a, layout, Density::FromAxis1, &node.origins),
            self.packed(weight, packing, format!("{in_channels}x{area}"), node),
        ];
        for &argument in others {
            operands.push(self.broadcast(argument, id, &node.origins));
        }
        self.step(id, node, node.kernel.clone(), operands, Some(packing))
    }

    /// The image in blocks whose elements, laid flat, are these rows; its channels and its pixels.
    fn flattened(&self, rows: NodeId) -> Option<(NodeId, usize, usize)> {
        let Kernel::Reshape = self.graph.dag.get(rows)?.kernel else { return None };
        let image = self.graph.dag.arguments(rows).first().copied()?;
        let &[batch, channels, height, width] = self.shape(image) else { return None };
        let is_flat = self.shape(rows) == [batch, channels * height * width];
        let is_image = self.layout(image) != Layout::Plain && height * width > 1;
        (is_flat && is_image).then_some((image, channels, height * width))
    }

    /// Whether all that use these rows read the image that they are.
    pub(super) fn is_read_as_image(&self, rows: NodeId) -> bool {
        let reads_image = |&(user, slot): &(NodeId, u32)| {
            let kernel = self.graph.dag.get(user).map(|node| &node.kernel);
            slot == 0 && matches!(kernel, Some(Kernel::Gemm { transpose_a: false, transpose_b: true }))
        };
        self.blocks.is_some()
            && self.flattened(rows).is_some()
            && !self.graph.is_output(rows)
            && self.graph.dag.uses(rows).iter().all(reads_image)
    }

    /// The weights as a method reads them: packed once for all that read them so.
    fn packed(&mut self, weight: NodeId, packing: Packing, key: String, node: &KernelNode) -> Located {
        let key = format!("{} {key}", packing.method.name());
        if let Some(packed) = self.packs.get(&(weight, key.clone())) {
            return packed.clone();
        }
        let constant = self.constants.contains(&weight);
        let from = self.operand(weight, Layout::Plain, Density::Whole, &node.origins);
        let into = self.fresh(&[packing.elements().unwrap_or(MOST_ELEMENTS)], from.view.element, constant);
        self.move_elements(Kernel::Pack(packing), from, into.clone(), constant, &node.origins);
        self.packs.insert((weight, key), into.clone());
        into
    }

    /// Whether the net's weights, all together, do not stay in the last-level cache from run to run.
    fn weights_are_cold(&self, blocks: &Blocks) -> bool {
        let bytes = self.graph.parameters.iter().map(|parameter| parameter.element.tensor_bytes(&parameter.shape));
        bytes.fold(0, u64::saturating_add) > blocks.last_cache_bytes as u64
    }
}
