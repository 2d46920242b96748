//! Zeros around a tensor.

use super::definition::{Definition, Layouts};
use super::reference::{Operand, Real, indices};
use super::terms::Terms;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Zeros around `x`; a negative number cuts off instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// Before and after, one pair an axis.
    pub padding: Vec<(isize, isize)>,
}

impl Definition for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn details(&self) -> String {
        format!(" {:?}", self.padding)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let [x] = own else { return false };
        let padded = |((&size, &(before, after)), &result): ((&usize, &(isize, isize)), &usize)| {
            size.checked_add_signed(before).and_then(|size| size.checked_add_signed(after)) == Some(result)
        };
        [x.len(), shape.len()] == [self.padding.len(); 2] && x.iter().zip(&self.padding).zip(shape).all(padded)
    }

    fn counts(&self) -> Vec<usize> {
        self.padding.iter().flat_map(|&(before, after)| [before.unsigned_abs(), after.unsigned_abs()]).collect()
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let x = &own[0];
        let source = |index: &[usize]| -> Option<Vec<usize>> {
            let axes = index.iter().zip(&self.padding).zip(x.shape);
            axes.map(|((&at, &(before, _)), &size)| at.checked_add_signed(-before).filter(|&at| at < size)).collect()
        };
        indices(shape).map(|index| source(&index).map_or(T::from_f64(0.0), |index| x.at(&index))).collect()
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let axes = index.iter().zip(&self.padding).zip(own.first()?.iter());
        let source = axes.map(|((&at, &(before, _)), &size)| at.checked_add_signed(-before).filter(|&at| at < size));
        Some(source.collect::<Option<_>>().map_or(Terms::Nothing, |source| Terms::Moved(0, source)))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let padding = self.padding.iter().map(|&(before, after)| (-before, -after)).collect();
        backward.hand_moved(handed, Kernel::Pad(Pad { padding }));
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        layouts.first() && self.padding.iter().take(2).all(|&sides| sides == (0, 0))
    }

    fn over_blocks(mut self) -> Pad {
        self.padding.push((0, 0));
        self
    }

    fn keeps_zeros(&self) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// Zeros around `x`, one (before, after) pair an axis; negative numbers cut off.
    pub fn pad(&mut self, x: NodeId, padding: &[(isize, isize)]) -> NodeId {
        let sizes = self.shape(x);
        let shape = sizes
            .iter()
            .zip(padding)
            .map(|(&size, &(before, after))| size.saturating_add_signed(before).saturating_add_signed(after))
            .collect();
        self.add(Kernel::Pad(Pad { padding: padding.to_vec() }), shape, &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Operand, Pad};

    #[test]
    fn adds_zeros_and_cuts_off() {
        let x = Operand { data: &[1.0f64, 2.0, 3.0, 4.0], shape: &[2, 2], strides: &[2, 1] };
        let pad =
            |padding: [(isize, isize); 2], shape: [usize; 2]| Pad { padding: padding.to_vec() }.reference(&[x], &shape);
        assert_eq!(pad([(1, 0), (0, 1)], [3, 3]), [0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 0.0]);
        assert_eq!(pad([(0, 0), (-1, 1)], [2, 2]), [2.0, 0.0, 4.0, 0.0]);
    }
}
