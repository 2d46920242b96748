//! MultiheadAttention: every place of a sequence looks at all of them.

use super::{Argument, LayerField, Operator, ParameterDeclaration, Probability, ShapeError, inputs, matrices};
use crate::graph::{Initialiser, NodeId};
use crate::kernels::{Expression, KernelBuilder, Reduction, Unary};
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Self-attention (Vaswani et al. 2017) of `[L, N, E]` or, `batch_first`, `[N, L, E]`: queries, keys and values are
    /// made of the input by `in_proj`, each of `num_heads` parts of them gives `softmax(q·kᵀ / √(E / num_heads))·v`, and
    /// `out_proj` makes one of the parts.
    ///
    /// # Shape
    /// The input's; `E` must be a multiple of `num_heads`.
    ///
    /// # Parameters
    /// in_proj_weight `[3·E, E]`, in_proj_bias `[3·E]`, out_proj.weight `[E, E]`, out_proj.bias `[E]`
    ///
    /// # Errors
    /// E301 an embedding not divisible by heads; E303 an input of another number of axes; E307 an embedding that is a symbol
    ///
    /// # Source
    /// PyTorch `nn.MultiheadAttention`, called with one tensor as query, key and value, without its averaged weights.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 197, 192]
    /// sum { { LayerNorm; MultiheadAttention(3, batch_first=true) }; Identity }
    /// ```
    MultiheadAttention {
        /// Parts that the embedding is divided into.
        num_heads: usize,
        /// The chance of a weight of the attention to become zero in training.
        dropout: Probability = Probability(0.0),
        /// Whether there are biases.
        bias: bool = true,
        /// Whether the batch comes before the sequence.
        batch_first: bool = false,
    }
}

impl MultiheadAttention {
    fn embedding(&self, inputs: &[Shape]) -> Result<usize, ShapeError> {
        let form = if self.batch_first { "[N, L, E]" } else { "[L, N, E]" };
        match inputs.first().map(|shape| &**shape) {
            Some([_, _, embedding]) => inputs::number("embedding", embedding),
            _ => Err(inputs::rank(inputs, form, None, None)),
        }
    }

    /// Chances along the last axis of three.
    fn chances(&self, builder: &mut KernelBuilder, scores: NodeId) -> NodeId {
        let largest = builder.reduce(scores, Reduction::Max, &[2]);
        let shift = builder.fixed(Expression::operand(1));
        let powers = (Expression::operand(0) - shift).unary(Unary::Exp);
        let powers = builder.map(&[scores, largest], powers);
        let sum = builder.reduce(powers, Reduction::Sum, &[2]);
        let chances = builder.map(&[powers, sum], Expression::operand(0) / Expression::operand(1));
        let drawn = if self.dropout.0 > 0.0 { builder.uniform(1, 3) } else { None };
        let Some((uniform, [seed, step])) = drawn else { return chances };
        let kept = Expression::operand(0) * (1.0 / (1.0 - self.dropout.0));
        let dropped = Expression::Constant(self.dropout.0).greater(uniform).select(0.0, kept);
        builder.map(&[chances, seed, step], dropped)
    }
}

impl Operator for MultiheadAttention {
    const PARAMETERS: &'static [&'static str] = &["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"];

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let embedding = self.embedding(inputs)?;
        inputs::divisible("embedding", embedding, self.num_heads, "num_heads", &[embedding])?;
        let sizes = inputs::single(inputs)?;
        // The heads of all images are groups of one product, whose number is written out.
        let known = sizes.iter().filter_map(Dim::number).try_fold(self.num_heads as i64, i64::checked_mul);
        if known.is_some() { Ok(sizes) } else { Err(ShapeError::TooLarge) }
    }

    fn parameters(&self, inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let size = self.embedding(inputs)?;
        let three = size.checked_mul(3).ok_or(ShapeError::TooLarge)?;
        let one = |name, shape, start| ParameterDeclaration::trainable(name, shape, start);
        // PyTorch starts the first as `xavier_uniform_` does, the second as a linear layer does, and biases as zeros.
        let xavier = Initialiser::Uniform { bound: (6.0 / (4.0 * size as f64)).sqrt() };
        let mut all = vec![one("in_proj_weight", vec![three, size], xavier)];
        if self.bias {
            all.push(one("in_proj_bias", vec![three], Initialiser::Constant(0.0)));
        }
        all.push(one("out_proj.weight", vec![size, size], Initialiser::fan_in(size)));
        if self.bias {
            all.push(one("out_proj.bias", vec![size], Initialiser::Constant(0.0)));
        }
        Ok(all)
    }

    fn macs(&self, inputs: &[Vec<usize>], _output: &[usize]) -> u64 {
        let Some(&[first, second, size]) = inputs.first().map(Vec::as_slice) else { return 0 };
        let (batch, length) = if self.batch_first { (first, second) } else { (second, first) };
        let projections = super::count(&[batch, length, size, size]).saturating_mul(4);
        projections.saturating_add(super::count(&[batch, length, length, size]).saturating_mul(2))
    }

    /// All of the sequence and of the embedding.
    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::Whole(if self.batch_first { vec![1, 2] } else { vec![0, 2] })
    }

    /// PyTorch prints its child alone; these are its arguments.
    fn describe(&self, inputs: &[Shape]) -> String {
        format!(
            "embed_dim={}, num_heads={}, dropout={}, bias={}, batch_first={}",
            self.embedding(inputs).unwrap_or(0),
            self.num_heads,
            self.dropout.python(),
            self.bias.python(),
            self.batch_first.python()
        )
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output) = (builder.input(0), builder.output());
        let &[first, second, size] = output.as_slice() else { return x };
        let (batch, length) = if self.batch_first { (first, second) } else { (second, first) };
        let (heads, part, more) = (self.num_heads, size / self.num_heads, usize::from(self.bias));
        let (Some(into), Some(out)) = (builder.parameter(0), builder.parameter(1 + more)) else { return x };
        let matrix = builder.reshape(x, &[batch * length, size]);
        let made = builder.gemm(matrix, false, into, true);
        let made = if self.bias { builder.add_bias(made, 1) } else { made };
        // The axes: batch and sequence as the input has them, which of the three, head, part.
        let made = builder.reshape(made, &[first, second, 3, heads, part]);
        let (image, place) = if self.batch_first { (0, 1) } else { (1, 0) };
        let take = |builder: &mut KernelBuilder, which: usize, turned: bool| {
            let one = builder.slice(made, 2, which, 1);
            let axes = if turned { [2, image, 3, 4, place] } else { [2, image, 3, place, 4] };
            let one = builder.permute(one, &axes);
            let sizes = if turned { [part, length] } else { [length, part] };
            builder.reshape(one, &[batch * heads, sizes[0], sizes[1]])
        };
        let queries = take(builder, 0, false);
        let queries = builder.map(&[queries], Expression::operand(0) * (1.0 / (part as f64).sqrt()));
        let (keys, values) = (take(builder, 1, true), take(builder, 2, false));
        let scores = matrices::products(builder, [queries, keys]);
        let chances = self.chances(builder, scores);
        let seen = matrices::products(builder, [chances, values]);
        let seen = builder.reshape(seen, &[batch, heads, length, part]);
        let axes = if self.batch_first { [0, 2, 1, 3] } else { [2, 0, 1, 3] };
        let seen = builder.permute(seen, &axes);
        let seen = builder.reshape(seen, &[batch * length, size]);
        let y = builder.gemm(seen, false, out, true);
        let y = if self.bias { builder.add_bias(y, 3) } else { y };
        builder.reshape(y, &output)
    }

    /// As its kernels, in products of many matrices and a softmax.
    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let (x, output) = (nodes.input(0)?, nodes.output());
        let size = usize::try_from(output.get(2)?.number()?).ok()?;
        let (heads, part, more) = (self.num_heads, size / self.num_heads, usize::from(self.bias));
        let perm = |axes: &[i64]| vec![("perm", Attribute::Ints(axes.to_vec()))];
        let linear = |nodes: &mut Nodes, x: Value, place: usize| {
            let weight = nodes.node("Transpose", &[nodes.parameter(place)?], perm(&[1, 0]));
            let product = nodes.node("MatMul", &[x, weight], Vec::new());
            let bias = nodes.parameter(place + 1).filter(|_| self.bias);
            Some(bias.map_or(product, |bias| nodes.node("Add", &[product, bias], Vec::new())))
        };
        let made = linear(nodes, x, 0)?;
        let take = |nodes: &mut Nodes, which: usize, turned: bool| {
            let ends = [which * size, (which + 1) * size].map(Dim::from);
            let one = nodes.slice(made, 2, [&ends[0], &ends[1]], 1);
            let sizes = nodes.ints(&[0, 0, heads as i64, part as i64]);
            let one = nodes.node("Reshape", &[one, sizes], Vec::new());
            let (image, place) = if self.batch_first { (0, 1) } else { (1, 0) };
            nodes.node("Transpose", &[one], perm(&if turned { [image, 2, 3, place] } else { [image, 2, place, 3] }))
        };
        let (queries, keys, values) = (take(nodes, 0, false), take(nodes, 1, true), take(nodes, 2, false));
        let scale = nodes.float(1.0 / (part as f64).sqrt());
        let queries = nodes.node("Mul", &[queries, scale], Vec::new());
        let scores = nodes.node("MatMul", &[queries, keys], Vec::new());
        let chances = nodes.node("Softmax", &[scores], vec![("axis", Attribute::Int(-1))]);
        let seen = nodes.node("MatMul", &[chances, values], Vec::new());
        let seen = nodes.node("Transpose", &[seen], perm(&if self.batch_first { [0, 2, 1, 3] } else { [2, 0, 1, 3] }));
        let sizes = nodes.ints(&[0, 0, size as i64]);
        let seen = nodes.node("Reshape", &[seen, sizes], Vec::new());
        linear(nodes, seen, 1 + more)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn parameters_are_under_pytorch_s_keys() {
        let layer = on("MultiheadAttention(4, batch_first=true)", &["[N, 7, 8]"]);
        assert_eq!(layer.shape.to_string(), "[N, 7, 8]");
        let keys = "in_proj_weight [24, 8], in_proj_bias [24], out_proj.weight [8, 8], out_proj.bias [8]";
        assert_eq!(layer.parameters(), keys);
        assert_eq!(layer.macs(), 4 * 7 * 64 + 2 * 7 * 7 * 8);
        assert_eq!(layer.receptive_field(), LayerField::Whole(vec![1, 2]));
        let bare = on("MultiheadAttention(2, bias=false)", &["[L, N, 8]"]);
        assert_eq!(bare.parameters(), "in_proj_weight [24, 8], out_proj.weight [8, 8]");
    }

    #[test]
    fn heads_divide_the_embedding() {
        let refused = refusal("MultiheadAttention(3)", &["[N, 7, 8]"]);
        assert!(matches!(refused, ShapeError::NotDivisible { argument: "num_heads", .. }));
        assert!(matches!(refusal("MultiheadAttention(3)", &["[N, 8]"]), ShapeError::Rank { .. }));
    }
}
