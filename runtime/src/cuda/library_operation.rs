//! A product as a library of NVIDIA's takes it: plain data that a program holds, so that programs can be made and read without
//! any library.

use super::methods::ProductMethod;
use super::program::Precision;
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::View;
use std::fmt;

/// What a library is asked to compute, of two operands that are read and one that is written, all of float32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryOperation {
    /// A product of matrices, for cuBLASLt.
    Matmul(Matmul),
    /// A convolution or one of its gradients, for cuDNN.
    Convolution(Convolution),
}

/// `out[m, n] = Σ a[m, k] b[k, n]`, the result dense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matmul {
    /// Rows of `a` and of the result.
    pub rows: usize,
    /// Columns of `b` and of the result.
    pub columns: usize,
    /// Columns of `a`, rows of `b`.
    pub depth: usize,
    /// Elements of `a` from row to row and from column to column; one of them is 1.
    pub left: [usize; 2],
    /// The same of `b`.
    pub right: [usize; 2],
    /// In what it multiplies.
    pub precision: Precision,
}

/// A convolution of `x` to `y`, both `[N, C, H, W]`, or a gradient of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Which of the three is computed. The others are read: an image first, and `x` before `y`.
    pub result: Part,
    /// What the window moves over.
    pub x: Image,
    /// What it moves to.
    pub y: Image,
    /// `[C of y, C of x / groups, height, width]`, dense.
    pub weight: [usize; 4],
    /// Groups of channels.
    pub groups: usize,
    /// Padding on every side, stride and dilation, by height and by width.
    pub window: [[usize; 3]; 2],
    /// In what it multiplies.
    pub precision: Precision,
}

/// A part of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The image before.
    X,
    /// The weight.
    Weight,
    /// The image after.
    Y,
}

/// An image, `[N, C, H, W]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its sizes.
    pub sizes: [usize; 4],
    /// Elements from one image of the batch to the next; within one they are dense.
    pub apart: usize,
}

impl Image {
    /// Of a view of four axes, all but the first dense.
    pub fn of(view: &View) -> Option<Image> {
        let sizes: [usize; 4] = view.shape.as_slice().try_into().ok()?;
        let dense = sizes[1] * sizes[2] * sizes[3];
        let apart = *view.strides.first()?;
        (view.is_dense_from(1) && apart >= dense).then_some(Image { sizes, apart })
    }

    /// A dense one.
    pub fn dense(sizes: [usize; 4]) -> Image {
        Image { sizes, apart: sizes[1] * sizes[2] * sizes[3] }
    }
}

impl LibraryOperation {
    /// The method that it is.
    pub fn method(&self) -> ProductMethod {
        match self {
            LibraryOperation::Matmul(_) => ProductMethod::CublasLt,
            LibraryOperation::Convolution(_) => ProductMethod::Cudnn,
        }
    }

    /// A product of matrices; `None` where a library cannot read them.
    pub fn matmul([rows, columns, depth]: [usize; 3], left: [usize; 2], right: [usize; 2]) -> Option<LibraryOperation> {
        let sizes_fit =
            [rows, columns, depth].iter().chain(&left).chain(&right).all(|&size| i32::try_from(size).is_ok());
        let matmul = Matmul { rows, columns, depth, left, right, precision: Precision::Exact };
        let is_readable = |strides: [usize; 2]| strides.contains(&1) && !strides.contains(&0);
        (sizes_fit && is_readable(left) && is_readable(right)).then_some(LibraryOperation::Matmul(matmul))
    }

    /// A convolution; `None` where a library has it not: padding that differs before and after, or more elements than it counts.
    pub fn convolution(
        result: Part,
        [x, y]: [Image; 2],
        weight: [usize; 4],
        window: &[AxisWindow; 2],
        groups: usize,
    ) -> Option<LibraryOperation> {
        let reached = |axis: usize| {
            let AxisWindow { kernel, stride, dilation, before } = window[axis];
            let room = (x.sizes[2 + axis] + 2 * before).checked_sub(dilation * (kernel - 1) + 1)?;
            Some(room / stride + 1)
        };
        let is_even = (0..2).all(|axis| reached(axis) == Some(y.sizes[2 + axis]));
        let is_counted = [x, y].iter().all(|image| i32::try_from(image.sizes[0] * image.apart).is_ok());
        let window = [0, 1].map(|axis: usize| [window[axis].before, window[axis].stride, window[axis].dilation]);
        let convolution = Convolution { result, x, y, weight, groups, window, precision: Precision::Exact };
        (is_even && is_counted).then_some(LibraryOperation::Convolution(convolution))
    }

    /// The same in another precision.
    pub fn in_precision(mut self, precision: Precision) -> LibraryOperation {
        match &mut self {
            LibraryOperation::Matmul(Matmul { precision: own, .. })
            | LibraryOperation::Convolution(Convolution { precision: own, .. }) => *own = precision,
        }
        self
    }
}

/// `cuBLASLt [128, 64] = [128, 400] [400, 64]`, `cuDNN y of [1, 3, 8, 8] by [16, 3, 3, 3]`
impl fmt::Display for LibraryOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LibraryOperation::Matmul(Matmul { rows, columns, depth, .. }) => {
                write!(f, "cuBLASLt [{rows}, {columns}] = [{rows}, {depth}] [{depth}, {columns}]")
            }
            LibraryOperation::Convolution(Convolution { result, x, y, weight, .. }) => {
                let result = match result {
                    Part::X => "x",
                    Part::Weight => "the weight",
                    Part::Y => "y",
                };
                write!(f, "cuDNN {result} of {:?} to {:?} by {weight:?}", x.sizes, y.sizes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Image, LibraryOperation, Part};
    use cnnc_compiler::element::ElementType;
    use cnnc_compiler::kernels::AxisWindow;
    use cnnc_compiler::plan::{Storage, View};

    #[test]
    fn matrices_that_no_library_reads_are_left_to_us() {
        assert!(LibraryOperation::matmul([3, 4, 5], [5, 1], [1, 5]).is_some());
        assert!(LibraryOperation::matmul([3, 4, 5], [10, 2], [4, 1]).is_none());
        assert!(LibraryOperation::matmul([3, 4, 5], [0, 1], [4, 1]).is_none());
    }

    #[test]
    fn padding_that_differs_is_left_to_us() {
        let of = |before, size: usize| {
            let window = [AxisWindow { kernel: 3, stride: 2, dilation: 1, before }; 2];
            let images = [Image::dense([1, 2, 8, 8]), Image::dense([1, 4, size, size])];
            LibraryOperation::convolution(Part::Y, images, [4, 2, 3, 3], &window, 1)
        };
        assert!(of(1, 4).is_some(), "padded by 1 on both sides, or only before: the same places");
        assert!(of(0, 4).is_none(), "padded by 1 after the last element alone");
        assert!(of(0, 3).is_some());
    }

    #[test]
    fn an_image_may_be_a_part_of_a_larger_one() {
        let view = |strides: &[usize]| View {
            storage: Storage::Arena,
            element: ElementType::Float32,
            offset_bytes: 0,
            shape: vec![2, 3, 4, 5],
            strides: strides.to_vec(),
        };
        assert_eq!(Image::of(&view(&[100, 20, 5, 1])).map(|image| image.apart), Some(100));
        assert_eq!(Image::of(&view(&[60, 1, 15, 3])), None);
        assert_eq!(Image::of(&view(&[0, 20, 5, 1])), None);
    }
}
