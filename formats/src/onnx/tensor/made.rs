//! Tensors that are made of other tensors of the file: turned, scaled, standardised.
//!
//! A large one is made when it is written, so that it takes no memory before; a small one at once. What is made is held
//! against what the file has: neither its size nor the work behind it is out of proportion.

use super::array::{Array, broadcast};
use super::{MOST_LOOKED_AT, Source, Tensor};
use crate::element::Element;
use crate::onnx::external::{ExternalData, NoExternalData};
use std::sync::Arc;

/// How a tensor is made of others.
#[derive(Clone, Debug)]
pub enum Made {
    /// Axis `i` is axis `order[i]` of the other.
    Permuted(Tensor, Vec<usize>),
    /// Each value by itself.
    Each(Tensor, fn(f32) -> f32),
    /// Pairs of values; sizes of 1 go with any.
    Joined([Tensor; 2], fn(f32, f32) -> f32),
    /// One value of all along some axes, which stay with size 1.
    Reduced(Tensor, Vec<usize>, fn(&[f32]) -> f32),
    /// The elements at some places of an axis.
    Picked(Tensor, usize, Vec<usize>),
    /// One after the other along an axis.
    Concatenated(Vec<Tensor>, usize),
    /// Repeated along new axes and those of size 1.
    Expanded(Tensor, Vec<usize>),
}

/// What is behind a tensor.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The same for tensors that are made of the same values.
    pub root: Arc<()>,
    /// Whether a file holds about as many values.
    pub is_stored: bool,
    /// What those are there.
    pub element: Element,
    /// The values of the largest tensor behind it.
    pub base: usize,
    /// Values that are made on the way.
    pub work: usize,
    /// Tensors in a row.
    pub depth: usize,
}

impl Origin {
    /// Of what is in the file, or not.
    pub fn new(element: Element, is_stored: bool) -> Origin {
        Origin { root: Arc::new(()), is_stored, element, base: 0, work: 0, depth: 0 }
    }
}

/// Values that may be made on the way to one of the result, at most.
const MOST_WORK: usize = 48;

/// Tensors that may be made in a row.
const DEEPEST: usize = 48;

impl Made {
    /// Whether values of it lie beside the file.
    pub(super) fn is_external(&self) -> bool {
        self.inputs().into_iter().any(Tensor::is_external)
    }

    /// The one number that it is everywhere, where its inputs are such.
    fn uniform(&self) -> Option<f32> {
        match self {
            Made::Permuted(input, _) | Made::Picked(input, ..) | Made::Expanded(input, _) => input.uniform(),
            Made::Each(input, function) => input.uniform().map(function),
            Made::Joined([a, b], function) => Some(function(a.uniform()?, b.uniform()?)),
            Made::Reduced(..) | Made::Concatenated(..) => None,
        }
    }

    /// Those of its inputs that are not made yet.
    fn waiting(&self) -> impl Iterator<Item = &Tensor> {
        self.inputs().into_iter().filter(|input| matches!(&*input.source, Source::Made(_)))
    }

    fn inputs(&self) -> Vec<&Tensor> {
        match self {
            Made::Permuted(input, _)
            | Made::Each(input, _)
            | Made::Reduced(input, ..)
            | Made::Picked(input, ..)
            | Made::Expanded(input, _) => vec![input],
            Made::Joined(inputs, _) => inputs.iter().collect(),
            Made::Concatenated(inputs, _) => inputs.iter().collect(),
        }
    }

    /// The sizes; `None` where the inputs do not go together.
    fn shape(&self) -> Option<Vec<usize>> {
        let mut shape = self.inputs().first()?.shape.clone();
        match self {
            Made::Permuted(_, order) => {
                let mut seen = order.clone();
                seen.sort_unstable();
                seen.into_iter().eq(0..shape.len()).then(|| order.iter().map(|&axis| shape[axis]).collect())
            }
            Made::Each(..) => Some(shape),
            Made::Joined([a, b], _) => broadcast(&a.shape, &b.shape),
            Made::Reduced(_, axes, _) => {
                for (place, &axis) in axes.iter().enumerate() {
                    let is_new = !axes.iter().take(place).any(|other| *other == axis);
                    *shape.get_mut(axis).filter(|_| is_new)? = 1;
                }
                Some(shape)
            }
            Made::Picked(_, axis, places) => {
                let size = shape.get_mut(*axis)?;
                places.iter().all(|place| place < size).then(|| *size = places.len())?;
                Some(shape)
            }
            Made::Concatenated(all, axis) => {
                let total = all.iter().try_fold(0usize, |sum, tensor| sum.checked_add(*tensor.shape.get(*axis)?))?;
                *shape.get_mut(*axis)? = total;
                let same = |tensor: &Tensor| {
                    let others = tensor.shape.iter().zip(&shape).enumerate();
                    tensor.shape.len() == shape.len() && others.into_iter().all(|(at, (a, b))| at == *axis || a == b)
                };
                all.iter().all(same).then_some(shape)
            }
            Made::Expanded(_, wanted) => broadcast(&shape, wanted).filter(|both| both == wanted),
        }
    }

    /// The values.
    pub(super) fn values(&self, files: &dyn ExternalData) -> Result<Vec<f32>, String> {
        let of =
            |tensor: &Tensor| Ok::<_, String>(Array { shape: tensor.shape.clone(), values: tensor.floats(files)? });
        let unfit = || String::from("is made of tensors that do not go together");
        Ok(match self {
            Made::Permuted(input, order) => of(input)?.permuted(order),
            Made::Each(input, function) => of(input)?.each(function),
            Made::Joined([a, b], function) => of(a)?.joined(&of(b)?, function).ok_or_else(unfit)?,
            Made::Reduced(input, axes, function) => of(input)?.reduced(axes, function),
            Made::Picked(input, axis, places) => of(input)?.picked(*axis, places),
            Made::Concatenated(all, axis) => {
                let all = all.iter().map(of).collect::<Result<Vec<_>, _>>()?;
                Array::concatenated(&all, *axis).ok_or_else(unfit)?
            }
            Made::Expanded(input, shape) => of(input)?.expanded(shape),
        }
        .values)
    }
}

impl Tensor {
    /// A tensor that is made of others; `None` where they do not go together, or where it would be out of proportion to them.
    pub fn made(made: Made) -> Option<Tensor> {
        let shape = made.shape()?;
        let count = super::count(&shape)?;
        let inputs = made.inputs();
        // It goes by the name of what it is most of.
        let main = inputs.iter().rev().max_by_key(|input| (input.is_stored(), input.count()))?;
        let stored = inputs.iter().filter(|input| input.is_stored()).map(|input| input.count()).sum::<usize>();
        let own = inputs.iter().map(|input| input.count()).max()?;
        let origin = Origin {
            root: main.origin.root.clone(),
            is_stored: stored >= count,
            element: main.origin.element,
            base: inputs.iter().map(|input| input.origin.base).fold(own, usize::max),
            work: made.waiting().map(|input| input.origin.work).fold(count.max(own), usize::saturating_add),
            depth: made.waiting().map(|input| input.origin.depth).max().unwrap_or(0) + 1,
        };
        let is_small = count <= MOST_LOOKED_AT && !inputs.iter().any(|input| input.is_external());
        let most = count.max(origin.base).max(MOST_LOOKED_AT).saturating_mul(MOST_WORK);
        if !is_small && let Some(value) = made.uniform() {
            let origin = Origin { is_stored: false, ..origin };
            return Some(Tensor { origin, ..Tensor::filled(shape, value) });
        }
        let is_there = |input: &&Tensor| input.is_stored() || input.count() <= MOST_LOOKED_AT;
        if origin.work > most
            || origin.depth > DEEPEST
            || !(is_small || stored >= count)
            || !inputs.iter().all(is_there)
        {
            return None;
        }
        if is_small {
            let bytes = made.values(&NoExternalData).ok()?.into_iter().flat_map(f32::to_le_bytes).collect();
            return Some(Tensor::of_bytes(shape, Element::Float32, bytes, origin));
        }
        Some(Tensor { shape, element: Element::Float32, source: Arc::new(Source::Made(made)), origin })
    }

    /// What it took, or will take, to make it.
    pub fn work(&self) -> usize {
        self.origin.work
    }

    /// The one number that it is everywhere, as far as that is known without looking.
    pub fn uniform(&self) -> Option<f32> {
        match &*self.source {
            Source::Filled(value) => Some(*value),
            _ if self.count() == 1 => self.small_floats()?.first().copied(),
            _ => None,
        }
    }

    /// With its axes in another order; `None` where `order` is none.
    pub fn permuted(&self, order: &[usize]) -> Option<Tensor> {
        Tensor::made(Made::Permuted(self.clone(), order.to_vec()))
    }

    /// Each value times a number.
    pub fn scaled(&self, factor: f32) -> Option<Tensor> {
        if factor == 1.0 {
            return Some(self.clone());
        }
        self.joined(&Tensor::of_floats(Vec::new(), vec![factor]), |a, b| a * b)
    }

    /// Each value by itself.
    pub fn each(&self, of: fn(f32) -> f32) -> Option<Tensor> {
        Tensor::made(Made::Each(self.clone(), of))
    }

    /// Values of two, each pair by itself.
    pub fn joined(&self, other: &Tensor, of: fn(f32, f32) -> f32) -> Option<Tensor> {
        Tensor::made(Made::Joined([self.clone(), other.clone()], of))
    }

    /// One value of all along some axes, which stay with size 1.
    pub fn reduced(&self, axes: &[usize], of: fn(&[f32]) -> f32) -> Option<Tensor> {
        Tensor::made(Made::Reduced(self.clone(), axes.to_vec(), of))
    }
}
