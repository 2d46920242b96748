//! Tensors of a file: sizes, and values that are made when somebody asks for them.
//!
//! Values stay in the file's own bytes, or in a file beside it, until they are written out; what an importer does to them
//! (another order of axes, a factor, what `made.rs` has) is noted and done then. So weights that many nodes share, or that are
//! turned, take no second memory. A tensor whose bytes are not as many as its sizes say is refused when it is read.

pub mod array;
mod made;

pub use made::Made;

use super::external::{External, ExternalData, NoExternalData};
use super::model;
use crate::element::{self, Element};
use bytes::Bytes;
use made::Origin;
use std::sync::Arc;

/// Values that are looked at while a file is read: sizes, axes, small constants.
pub const MOST_LOOKED_AT: usize = 1 << 18;

/// The elements of that type's number in a file; `None` for texts, complex numbers and parts of bytes.
pub fn element_of(data_type: i32) -> Option<Element> {
    Some(match data_type {
        1 => Element::Float32,
        2 => Element::Uint8,
        3 => Element::Int8,
        4 => Element::Uint16,
        5 => Element::Int16,
        6 => Element::Int32,
        7 => Element::Int64,
        9 => Element::Bool,
        10 => Element::Float16,
        11 => Element::Float64,
        12 => Element::Uint32,
        13 => Element::Uint64,
        16 => Element::BFloat16,
        17 => Element::Float8E4M3fn,
        18 => Element::Float8E4M3fnuz,
        19 => Element::Float8E5M2,
        20 => Element::Float8E5M2fnuz,
        _ => return None,
    })
}

/// A tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    shape: Vec<usize>,
    element: Element,
    source: Arc<Source>,
    origin: Origin,
}

#[derive(Debug)]
enum Source {
    /// The elements, one after the other.
    Bytes(Bytes),
    /// So many bytes of a file beside the first.
    External(External),
    /// Computed of others.
    Made(Made),
    /// One value, over and over.
    Filled(f32),
}

/// The number of elements; `None` where it is past counting, a size of 0 taken for 1, so that no part of a shape is past
/// counting.
fn count(shape: &[usize]) -> Option<usize> {
    let most = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)))?;
    (most < 1 << 40).then(|| shape.iter().product())
}

impl Tensor {
    /// A tensor of a file.
    ///
    /// # Errors
    /// What is wrong with it, in the end of a sentence.
    pub fn of_file(tensor: &model::Tensor, files: &dyn ExternalData) -> Result<Tensor, String> {
        let element = element_of(tensor.data_type)
            .ok_or_else(|| format!("holds values of a type that is not read, number {}", tensor.data_type))?;
        let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
        let shape: Vec<usize> = sizes.collect::<Option<_>>().ok_or("has a negative size")?;
        let count = count(&shape).ok_or("has more elements than can be counted")?;
        let width = element.bytes() as usize;
        let source = if tensor.data_location == 1 {
            Source::External(External::of(tensor, (count * width) as u64, files)?)
        } else if !tensor.raw_data.is_empty() || count == 0 {
            Source::Bytes(tensor.raw_data.clone())
        } else {
            Source::Bytes(listed(tensor, element).into())
        };
        let found = match &source {
            Source::Bytes(bytes) if bytes.len() % width != 0 => return Err("ends in the middle of a value".into()),
            Source::Bytes(bytes) => bytes.len() / width,
            _ => count,
        };
        if found != count {
            return Err(format!("is {shape:?}, which is {count} values, and holds {found}"));
        }
        Ok(Tensor { shape, element, source: Arc::new(source), origin: Origin::new(element, true) })
    }

    /// With its values in memory, where they are few: what may be looked at while a file is read. A file that
    /// cannot be read is told when its values are.
    pub fn at_hand(self, files: &dyn ExternalData) -> Tensor {
        match &*self.source {
            Source::External(external) if self.count() <= MOST_LOOKED_AT => match external.whole(files) {
                Ok(bytes) => Tensor { source: Arc::new(Source::Bytes(bytes)), ..self },
                Err(_) => self,
            },
            _ => self,
        }
    }

    /// Float32 values in that form.
    pub fn of_floats(shape: Vec<usize>, values: Vec<f32>) -> Tensor {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::of_bytes(shape, Element::Float32, bytes, Origin::new(Element::Float32, true))
    }

    /// Whole numbers in that form.
    pub fn of_ints(shape: Vec<usize>, values: Vec<i64>) -> Tensor {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::of_bytes(shape, Element::Int64, bytes, Origin::new(Element::Int64, true))
    }

    fn of_bytes(shape: Vec<usize>, element: Element, bytes: Vec<u8>, origin: Origin) -> Tensor {
        Tensor { shape, element, source: Arc::new(Source::Bytes(bytes.into())), origin }
    }

    /// One float32 everywhere.
    pub fn filled(shape: Vec<usize>, value: f32) -> Tensor {
        let source = Arc::new(Source::Filled(value));
        Tensor { shape, element: Element::Float32, source, origin: Origin::new(Element::Float32, false) }
    }

    /// Its sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What its elements are.
    pub fn element(&self) -> Element {
        self.element
    }

    /// What the values that it is made of are in the file.
    pub fn stored_as(&self) -> Element {
        self.origin.element
    }

    /// The number of its elements.
    pub fn count(&self) -> usize {
        count(&self.shape).unwrap_or(usize::MAX)
    }

    /// A number that tensors share which are made of the same values, however they are turned.
    pub fn root(&self) -> usize {
        Arc::as_ptr(&self.origin.root).addr()
    }

    /// Whether a file holds about as many values.
    pub fn is_stored(&self) -> bool {
        self.origin.is_stored
    }

    /// The same values in another form; `None` where there are not as many.
    pub fn reshaped(&self, shape: Vec<usize>) -> Option<Tensor> {
        (count(&shape) == Some(self.count())).then(|| Tensor { shape, ..self.clone() })
    }

    /// Its values as whole numbers, where they are and are few.
    pub fn ints(&self) -> Option<Vec<i64>> {
        if self.count() > MOST_LOOKED_AT {
            return None;
        }
        match &*self.source {
            Source::Bytes(bytes) => element::to_i64(self.element, bytes),
            _ => {
                let bytes: Vec<u8> = self.small_floats()?.into_iter().flat_map(f32::to_le_bytes).collect();
                element::to_i64(Element::Float32, &bytes)
            }
        }
    }

    /// Its values as float32, where they are few and at hand.
    pub fn small_floats(&self) -> Option<Vec<f32>> {
        (self.count() <= MOST_LOOKED_AT && !self.is_external()).then(|| self.floats(&NoExternalData).ok()).flatten()
    }

    fn is_external(&self) -> bool {
        match &*self.source {
            Source::External(_) => true,
            Source::Made(made) => made.is_external(),
            Source::Bytes(_) | Source::Filled(_) => false,
        }
    }

    /// Whether its values lie as they are written, so that a part of them can be had alone.
    pub fn comes_in_parts(&self) -> bool {
        match &*self.source {
            Source::Bytes(_) | Source::External(_) | Source::Filled(_) => true,
            Source::Made(_) => false,
        }
    }

    /// The values from `start` on, as many as `into` takes, of a tensor that comes in parts; of another nothing is written.
    ///
    /// # Errors
    /// As [`Tensor::floats`].
    pub fn part(&self, files: &dyn ExternalData, start: usize, into: &mut [f32]) -> Result<(), String> {
        let width = self.element.bytes() as usize;
        let (first, length) = (start * width, into.len() * width);
        let values = match &*self.source {
            Source::Bytes(bytes) => element::to_f32(self.element, bytes.get(first..first + length).unwrap_or_default()),
            Source::External(external) => {
                element::to_f32(self.element, &external.part(files, first as u64, length as u64)?)
            }
            Source::Filled(value) => vec![*value; into.len()],
            _ => Vec::new(),
        };
        into.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        Ok(())
    }

    /// Its values as float32, in order.
    ///
    /// # Errors
    /// Why a file beside the first cannot be read, in the end of a sentence.
    pub fn floats(&self, files: &dyn ExternalData) -> Result<Vec<f32>, String> {
        Ok(match &*self.source {
            Source::Bytes(bytes) => element::to_f32(self.element, bytes),
            Source::External(external) => element::to_f32(self.element, &external.whole(files)?),
            Source::Made(made) => made.values(files)?,
            Source::Filled(value) => vec![*value; self.count()],
        })
    }
}

/// The values of a tensor that lie in lists of their own, as its elements are.
fn listed(tensor: &model::Tensor, element: Element) -> Vec<u8> {
    let low =
        |bytes: usize| tensor.int32_data.iter().flat_map(move |value| value.to_le_bytes().into_iter().take(bytes));
    match element {
        Element::Float32 => tensor.float_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::Float64 => tensor.double_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::Int64 => tensor.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::Uint64 => tensor.uint64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::Uint32 => tensor.uint64_data.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect(),
        Element::Bool => tensor.int32_data.iter().map(|value| u8::from(*value != 0)).collect(),
        // All others lie in the low bytes of 32 bits, the bits of floats too.
        narrow => low(narrow.bytes() as usize).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_every_form() {
        let raw = |data_type, bytes: &[u8]| model::Tensor {
            data_type,
            dims: vec![2],
            raw_data: Bytes::copy_from_slice(bytes),
            ..Default::default()
        };
        let floats = |tensor: &model::Tensor| Tensor::of_file(tensor, &NoExternalData).unwrap().small_floats().unwrap();
        assert_eq!(floats(&raw(10, &[0x00, 0x3C, 0x00, 0xC0])), [1.0, -2.0]);
        assert_eq!(floats(&raw(16, &[0x80, 0x3F, 0x00, 0xC0])), [1.0, -2.0]);
        assert_eq!(floats(&raw(3, &[1, 0xFF])), [1.0, -1.0]);
        let halves = model::Tensor { data_type: 10, dims: vec![1], int32_data: vec![0x3C00], ..Default::default() };
        assert_eq!(floats(&halves), [1.0]);
        let doubles = model::Tensor { data_type: 11, dims: vec![], double_data: vec![0.5], ..Default::default() };
        assert_eq!(floats(&doubles), [0.5]);
    }

    #[test]
    fn a_tensor_has_as_many_values_as_its_sizes_say() {
        let refused = |tensor: model::Tensor| Tensor::of_file(&tensor, &NoExternalData).unwrap_err();
        let short = model::Tensor { data_type: 1, dims: vec![2, 2], float_data: vec![0.0; 3], ..Default::default() };
        assert_eq!(refused(short), "is [2, 2], which is 4 values, and holds 3");
        let huge = model::Tensor { data_type: 1, dims: vec![1 << 40, 1 << 40], ..Default::default() };
        assert_eq!(refused(huge), "has more elements than can be counted");
        assert!(refused(model::Tensor { data_type: 1, dims: vec![-1], ..Default::default() }).contains("negative"));
        let odd =
            model::Tensor { data_type: 1, dims: vec![1], raw_data: Bytes::from_static(&[0; 3]), ..Default::default() };
        assert_eq!(refused(odd), "ends in the middle of a value");
    }

    #[test]
    fn parts_are_those_of_the_whole() {
        let bytes: Vec<u8> = (0..10u16).flat_map(|number| (0x3C00 + 16 * number).to_le_bytes()).collect();
        let tensor = model::Tensor { data_type: 10, dims: vec![10], raw_data: bytes.into(), ..Default::default() };
        let tensor = Tensor::of_file(&tensor, &NoExternalData).unwrap().reshaped(vec![2, 5]).unwrap();
        let mut part = [0.0; 4];
        assert!(tensor.comes_in_parts());
        tensor.part(&NoExternalData, 3, &mut part).unwrap();
        assert_eq!(part, tensor.small_floats().unwrap()[3..7]);
    }

    #[test]
    fn axes_change_places() {
        let tensor = Tensor::of_floats(vec![2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let turned = tensor.permuted(&[1, 0]).unwrap();
        assert_eq!(turned.shape(), [3, 2]);
        assert_eq!(turned.small_floats().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(tensor.permuted(&[0, 0]).is_none());
        assert_eq!(tensor.scaled(2.0).unwrap().small_floats().unwrap()[5], 10.0);
    }

    #[test]
    fn large_tensors_are_made_when_they_are_written() {
        let count = MOST_LOOKED_AT + 2;
        let tensor = Tensor::of_floats(vec![2, count / 2], (0..count).map(|value| (value % 7) as f32).collect());
        let turned = tensor.permuted(&[1, 0]).unwrap();
        assert_eq!((turned.root(), turned.comes_in_parts()), (tensor.root(), false));
        let most = turned.reduced(&[0], |all| all.iter().copied().fold(f32::MIN, f32::max)).unwrap();
        assert_eq!((most.shape(), most.small_floats().unwrap()), (&[1, 2][..], vec![6.0, 6.0]));
        let below = turned.joined(&most, |a, b| a - b).unwrap().each(f32::abs).unwrap();
        assert_eq!(below.floats(&NoExternalData).unwrap()[..3], [6.0, 6.0 - (count / 2 % 7) as f32, 5.0]);
        // One number over and over stays one number.
        let filled = Tensor::filled(vec![1 << 15, 1 << 14], 2.0).scaled(3.0).unwrap();
        assert_eq!(
            (filled.is_stored(), filled.comes_in_parts(), filled.shape()),
            (false, true, &[1 << 15, 1 << 14][..])
        );
    }

    #[test]
    fn what_is_made_is_in_proportion_to_the_file() {
        let row = Tensor::of_floats(vec![1, 1 << 12], vec![1.0; 1 << 12]);
        assert!(row.joined(&row.permuted(&[1, 0]).unwrap(), |a, b| a + b).is_none());
        let count = MOST_LOOKED_AT + 1;
        let mut twice = Tensor::of_floats(vec![count], vec![1.0; count]);
        let often = (0..99).position(|_| match twice.joined(&twice, |a, b| a + b) {
            Some(sum) => std::mem::replace(&mut twice, sum).count() == 0,
            None => true,
        });
        assert!(often.is_some_and(|often| often < 8), "{often:?}");
    }
}
