//! What a kernel of the vocabulary says of itself, each in the file of its name: arguments and shape, meaning, print, gradient,
//! work, and how it goes about images in blocks of channels.
//!
//! Builder, verifier, passes, planner and engines ask these questions and know no kernel by name where they can. A default answer
//! is that of a kernel which has nothing to say.

use super::convolution::Convolution;
use super::reference::{Operand, Real};
use super::terms::Terms;
use super::window::AxisWindow;
use crate::gradient::{Backward, Handed};
use std::ops::RangeInclusive;

/// A kernel's own file, as everything else sees it.
pub trait Definition: Clone {
    /// Its name in plans, profiles and messages.
    fn name(&self) -> &'static str;

    /// The convolution that it is, or is a gradient of.
    fn convolution(&self) -> Option<Convolution> {
        None
    }

    /// What the name does not say, with a space before it: ` 3x3 stride 2 before 1`.
    fn details(&self) -> String {
        self.convolution().map_or_else(String::new, |convolution| convolution.details())
    }

    /// How many arguments it takes, those of an epilogue not counted.
    fn arity(&self) -> RangeInclusive<usize>;

    /// Whether a value of that shape follows from arguments of these shapes, as many as it takes. Any numbers may stand in its
    /// fields and in the shapes.
    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool;

    /// As [`Definition::fits`], where some of them are images in blocks of channels, `[N, C / lanes, H, W, lanes]`.
    fn fits_in_blocks(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        self.fits(shape, own)
    }

    /// The windows that it moves over its input.
    fn windows(&self) -> Vec<AxisWindow> {
        self.convolution().map_or_else(Vec::new, |convolution| convolution.window.to_vec())
    }

    /// The other numbers in its fields, for whoever asks whether they are of this world.
    fn counts(&self) -> Vec<usize> {
        self.convolution().map_or_else(Vec::new, |convolution| vec![convolution.groups])
    }

    /// The value as plain loops, dense, the last axis fastest: what the kernel means, exactly. Sums are made in `T`.
    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T>;

    /// What an element of its value is made of; `None` of kernels whose sums nobody shows, which are gradients.
    fn terms(&self, _index: &[usize], _own: &[&[usize]], _shape: &[usize]) -> Option<Terms> {
        None
    }

    /// Hands the gradient of its value on to its arguments. Nothing asks for those of kernels that are gradients themselves.
    fn gradient(&self, _backward: &mut Backward<'_>, _handed: &Handed) {}

    /// Multiply-adds of the definition, padding counted as if it were multiplied; 0 for what is no product.
    fn multiply_adds(&self, _shape: &[usize], _own: &[&[usize]]) -> usize {
        0
    }

    /// Whether its value is its argument's memory, read otherwise.
    fn is_view(&self) -> bool {
        false
    }

    /// Whether it does enough work an element that what follows element by element is best done on its result at once.
    fn takes_epilogue(&self) -> bool {
        false
    }

    /// The weight's shape with output channels as axes of their own, and which axes they are, where the second argument is a
    /// weight whose output channels may be scaled in place of the result's.
    fn output_channels(&self, _weight: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        None
    }

    /// The kernel that reads an argument, a matrix, as if it were transposed first.
    fn reading_transposed(&self, _argument: usize) -> Option<Self> {
        None
    }

    /// Whether its first argument, and its value, may be bytes that stand for numbers.
    fn takes_bytes(&self) -> bool {
        false
    }

    /// Whether its value is made of numbers of its first argument alone, none of them changed.
    fn selects(&self) -> bool {
        false
    }

    /// Whether an argument must lie without any gap; the others have none from axis 1 on.
    fn reads_whole(&self, _argument: usize) -> bool {
        false
    }

    /// Whether its value may be held in blocks of channels.
    fn in_blocks(&self, _layouts: &Layouts<'_>) -> bool {
        false
    }

    /// The kernel over images in blocks: what is said of every axis is said of the lanes too.
    fn over_blocks(self) -> Self {
        self
    }

    /// Whether channels of zeros give channels of zeros.
    fn keeps_zeros(&self) -> bool {
        false
    }
}

/// A value that might be held in blocks of channels, and how its arguments are.
pub struct Layouts<'a> {
    /// Channels of a block.
    pub lanes: usize,
    /// The value's sizes, `[N, C, H, W]`.
    pub shape: &'a [usize],
    /// The sizes of each argument, and whether it is held in blocks.
    pub arguments: Vec<(&'a [usize], bool)>,
}

impl Layouts<'_> {
    /// Whether the first argument is held in blocks.
    pub fn first(&self) -> bool {
        self.arguments.first().is_some_and(|&(_, blocked)| blocked)
    }
}
