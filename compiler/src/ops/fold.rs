//! Fold: columns laid where their windows lie, and added up.

use super::argument_types::{PerAxis, written};
use super::{Layer, LayerField, Operator, PadPair, Pair, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Dim, Requirements, Shape};

crate::layer! {
    /// Lays columns out as windows of a plane, `[N, C·kernel_h·kernel_w, L]` to `[N, C, output_h, output_w]`, and adds up
    /// what overlaps: the counterpart of `Unfold`.
    ///
    /// # Shape
    /// `output_size`; `L` must be the number of windows in it, `⌊(output_h + 2·padding − dilation·(kernel_h − 1) − 1) /
    /// stride⌋ + 1` times the same of the width.
    ///
    /// # Errors
    /// E301 channels not divisible by the window's elements; E303 an input of another number of axes; E307 channels that
    /// are a symbol; E310 another number of windows, or none that fits
    ///
    /// # Source
    /// PyTorch `nn.Fold`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 12, 16]
    /// Fold((8, 8), kernel_size=2, stride=2)
    /// expect [N, 3, 8, 8]
    /// ```
    Fold {
        /// Height and width of the output.
        output_size: Pair,
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step between the window's elements.
        dilation: Pair = Pair(1, 1),
        /// Rows and columns cut off on each side.
        padding: PadPair = PadPair(0, 0),
        /// Step of the window.
        stride: Pair = Pair(1, 1),
    }
}

/// How windows lie along one axis.
#[derive(Clone, Copy)]
struct Along {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    /// Of the output.
    size: usize,
}

impl Along {
    /// From a window's first element to its last.
    fn extent(self) -> Option<usize> {
        self.dilation.checked_mul(self.kernel.checked_sub(1)?)?.checked_add(1)
    }

    /// The number of windows; `None` where none fits.
    fn count(self) -> Option<usize> {
        let room = self.size.checked_add(self.before.checked_mul(2)?)?.checked_sub(self.extent()?)?;
        Some(room / self.stride + 1)
    }

    /// The least output that holds so many windows.
    fn size_of(self, count: usize) -> Option<usize> {
        let padded = count.checked_sub(1)?.checked_mul(self.stride)?.checked_add(self.extent()?)?;
        padded.checked_sub(self.before.checked_mul(2)?).filter(|size| *size > 0)
    }

    /// `x[a, kernel, count, b]` laid out as `[a, size, b]`.
    fn lay(self, builder: &mut KernelBuilder, x: NodeId) -> NodeId {
        let Along { kernel, stride, dilation, before, size } = self;
        let &[outer, _, count, inner] = builder.shape(x).as_slice() else { return x };
        if stride == kernel && dilation == 1 {
            let rows = builder.permute(x, &[0, 2, 1, 3]);
            let rows = builder.reshape(rows, &[outer, count * kernel, inner]);
            return moved(builder, rows, -(before as isize), size);
        }
        let one = |builder: &mut KernelBuilder, index: usize| {
            let part = builder.slice(x, 1, index, 1);
            let part = builder.reshape(part, &[outer, count, 1, inner]);
            let part = match stride {
                1 => part,
                _ => builder.pad(part, &[(0, 0), (0, 0), (0, stride as isize - 1), (0, 0)]),
            };
            let part = builder.reshape(part, &[outer, count * stride, inner]);
            moved(builder, part, (index * dilation) as isize - before as isize, size)
        };
        let parts: Vec<NodeId> = (0..kernel).map(|index| one(builder, index)).collect();
        added(builder, &parts)
    }
}

/// Axis 1 of three moved by that many places, to a size: zeros come in, the rest is cut off.
fn moved(builder: &mut KernelBuilder, x: NodeId, by: isize, size: usize) -> NodeId {
    let given = builder.shape(x).get(1).copied().unwrap_or(0);
    let after = size as isize - given as isize - by;
    if (by, after) == (0, 0) { x } else { builder.pad(x, &[(0, 0), (by, after), (0, 0)]) }
}

/// The sum of values of one shape, a few at a time.
fn added(builder: &mut KernelBuilder, values: &[NodeId]) -> NodeId {
    const TOGETHER: usize = 16;
    let mut sums: Vec<NodeId> = values.to_vec();
    while sums.len() > 1 {
        let chunks: Vec<Vec<NodeId>> = sums.chunks(TOGETHER).map(<[NodeId]>::to_vec).collect();
        sums = chunks
            .iter()
            .map(|chunk| {
                let sum = (1..chunk.len()).fold(Expression::operand(0), |sum, index| sum + Expression::operand(index));
                builder.map(chunk, sum)
            })
            .collect();
    }
    sums.first().copied().unwrap_or(NodeId::end())
}

impl Fold {
    /// Height, then width.
    fn axes(&self) -> [Along; 2] {
        let (Pair(tall, wide), Pair(rows, columns)) = (self.output_size, self.kernel_size);
        let (Pair(down, across), Pair(apart, aside)) = (self.stride, self.dilation);
        let PadPair(above, left) = self.padding;
        [
            Along { kernel: rows, stride: down, dilation: apart, before: above, size: tall },
            Along { kernel: columns, stride: across, dilation: aside, before: left, size: wide },
        ]
    }

    /// An output that holds so many windows: with the height that is written, else its width, else as many down as across.
    fn output_of(&self, windows: &Dim) -> Option<String> {
        let windows = usize::try_from(windows.number()?).ok()?;
        let [down, across] = self.axes();
        let beside =
            |count: Option<usize>| count.filter(|count| windows.is_multiple_of(*count)).map(|count| windows / count);
        let counts = match (down.count(), across.count()) {
            (rows, _) if beside(rows).is_some() => (rows?, beside(rows)?),
            (_, columns) if beside(columns).is_some() => (beside(columns)?, columns?),
            _ => (windows.isqrt(), windows.isqrt()),
        };
        let is_all = counts.0.checked_mul(counts.1) == Some(windows);
        Some(written(&[down.size_of(counts.0)?, across.size_of(counts.1)?])).filter(|_| is_all)
    }

    fn other(message: String, note: Option<String>, mend: Option<String>) -> ShapeError {
        let mend = mend.map(|size| ("output_size", size));
        ShapeError::Other { code: Code::E310, message, argument: Some("output_size"), note, mend }
    }
}

impl Operator for Fold {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let (batch, _, sizes) = inputs::spatial(inputs, 1)?;
        let area = self.kernel_size.0.checked_mul(self.kernel_size.1).ok_or(ShapeError::TooLarge)?;
        let columns = inputs::channels(inputs)?;
        if columns.checked_rem(area) != Some(0) {
            let message = format!("{columns} channels are no multiple of the {area} elements of a window");
            let argument = Some("kernel_size");
            return Err(ShapeError::Other { code: Code::E301, message, argument, note: None, mend: None });
        }
        let [down, across] = self.axes().map(Along::count);
        let Some((down, across)) = down.zip(across) else {
            let (kernel, size) = (written(&self.kernel_size.per_axis()), written(&self.output_size.per_axis()));
            let mend = sizes.first().and_then(|given| self.output_of(given));
            return Err(Self::other(format!("no window of kernel_size={kernel} fits output_size={size}"), None, mend));
        };
        let windows = Dim::from(down.checked_mul(across).ok_or(ShapeError::TooLarge)?);
        for given in sizes {
            if !requirements.equal(given, &windows, "`Fold` lays out as many windows as fit")? {
                let note = Some(format!("{down} · {across} = {windows} windows lie in the output"));
                return Err(Self::other(format!("the input has {given} windows"), note, self.output_of(given)));
            }
        }
        let [height, width] = self.axes().map(|axis| Dim::from(axis.size));
        Ok(Shape::from(vec![batch.clone(), Dim::from(columns / area), height, width]))
    }

    /// Columns are no plane; all of them are said to be seen.
    fn receptive_field(&self, _inputs: &[Shape], _output: &Shape) -> LayerField {
        LayerField::whole_from(1, 3)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    /// Along the width, then along the height: as many sums as the window is wide and tall, not as it has elements.
    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (x, output, [down, across]) = (builder.input(0), builder.output(), self.axes());
        let (&[batch, channels, ..], Some(rows), Some(columns)) = (output.as_slice(), down.count(), across.count())
        else {
            return x;
        };
        let parted = builder.reshape(x, &[batch * channels * down.kernel, across.kernel, rows, columns]);
        let turned = builder.permute(parted, &[0, 2, 1, 3]);
        let lines = [batch * channels * down.kernel * rows, across.kernel, columns, 1];
        let turned = builder.reshape(turned, &lines);
        let wide = across.lay(builder, turned);
        let wide = builder.reshape(wide, &[batch * channels, down.kernel, rows, across.size]);
        let whole = down.lay(builder, wide);
        builder.reshape(whole, &output)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn columns_become_windows() {
        let layer = on("Fold((5, 7), (2, 3), padding=1, stride=2)", &["[N, 24, 12]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 5, 7]");
        assert_eq!(layer.describe(), "output_size=(5, 7), kernel_size=(2, 3), dilation=1, padding=1, stride=2");
        assert_eq!(on("Fold(4, 2, stride=2)", &["[N, 8, L]"]).requirements, ["L Equal 4"]);
    }

    #[test]
    fn windows_side_by_side_are_moved_alone() {
        let moves = ["reshape", "permute"];
        let kernels = on("Fold(8, 2, stride=2)", &["[N, 12, 16]"]).kernels;
        assert!(kernels.iter().all(|kernel| moves.contains(&kernel.as_str())), "{kernels:?}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let code = |text: &str, input: &str| match refusal(text, &[input]) {
            ShapeError::Other { code, .. } => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code("Fold(4, 2)", "[N, 7, 9]"), Code::E301);
        assert_eq!(code("Fold(4, 2)", "[N, 8, 8]"), Code::E310);
        assert_eq!(code("Fold(4, 5)", "[N, 25, 1]"), Code::E310);
        let mend = |text: &str, input: &str| match refusal(text, &[input]) {
            ShapeError::Other { mend, .. } => mend.map(|(_, size)| size),
            other => panic!("{other:?}"),
        };
        assert_eq!(mend("Fold((8, 10), 2, stride=2)", "[N, 12, 16]").as_deref(), Some("8"));
        assert_eq!(mend("Fold((7, 9), 2, stride=2)", "[N, 12, 20]").as_deref(), Some("(10, 8)"));
        assert_eq!(mend("Fold(3, 5)", "[N, 25, 4]").as_deref(), Some("6"));
        assert_eq!(mend("Fold((6, 8), 2, stride=2)", "[N, 12, 7]"), None);
    }
}
