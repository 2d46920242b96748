//! Tensors of a file: sizes, and values that are made when somebody asks for them.
//!
//! Values stay in the file's own bytes, or in a file beside it, until they are written out; what an importer does to them
//! (another order of axes, a factor) is noted and done then. So weights that many nodes share, or that are turned, take no
//! second memory. A tensor whose bytes are not as many as its sizes say is refused when it is read.

use super::model;
use bytes::Bytes;
use std::sync::Arc;

/// Values that are looked at while a file is read: sizes, axes, small constants.
pub const MOST_LOOKED_AT: usize = 1 << 16;

/// Files beside an ONNX file, which hold values of large tensors.
pub trait ExternalData {
    /// The bytes of a file whose name has no way out of its folder; to its end where no length is given.
    ///
    /// # Errors
    /// Why they cannot be had, in the end of a sentence.
    fn read(&self, location: &str, offset: u64, length: u64) -> Result<Bytes, String>;

    /// How many bytes it has.
    ///
    /// # Errors
    /// As [`ExternalData::read`].
    fn length(&self, location: &str) -> Result<u64, String>;
}

/// No file beside it.
pub struct NoExternalData;

impl ExternalData for NoExternalData {
    fn read(&self, location: &str, _: u64, _: u64) -> Result<Bytes, String> {
        Err(format!("`{location}` is not there"))
    }

    fn length(&self, location: &str) -> Result<u64, String> {
        Err(format!("`{location}` is not there"))
    }
}

/// The types of elements that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE's 32 bits.
    Float,
    /// IEEE's 16 bits.
    Half,
    /// The upper half of float32.
    Brain,
    /// IEEE's 64 bits.
    Double,
    /// A whole number with a sign, of so many bytes.
    Int(usize),
    /// A whole number without one.
    Unsigned(usize),
    /// A byte, 0 or 1.
    Bool,
}

impl Element {
    /// The type of that number in a file.
    pub fn of(data_type: i32) -> Option<Element> {
        Some(match data_type {
            1 => Element::Float,
            2 => Element::Unsigned(1),
            3 => Element::Int(1),
            4 => Element::Unsigned(2),
            5 => Element::Int(2),
            6 => Element::Int(4),
            7 => Element::Int(8),
            9 => Element::Bool,
            10 => Element::Half,
            11 => Element::Double,
            12 => Element::Unsigned(4),
            13 => Element::Unsigned(8),
            16 => Element::Brain,
            _ => return None,
        })
    }

    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Element::Half | Element::Brain => 2,
            Element::Float => 4,
            Element::Double => 8,
            Element::Int(bytes) | Element::Unsigned(bytes) => bytes,
            Element::Bool => 1,
        }
    }

    /// Whether it is a float of whatever width.
    pub fn is_float(self) -> bool {
        matches!(self, Element::Float | Element::Half | Element::Brain | Element::Double)
    }
}

/// A tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    shape: Vec<usize>,
    element: Element,
    source: Arc<Source>,
}

#[derive(Debug)]
enum Source {
    Bytes(Bytes),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
    Ints(Vec<i64>),
    External {
        location: String,
        offset: u64,
        length: u64,
    },
    /// The same values in another form.
    Reshaped(Tensor),
    /// Axis `i` is axis `order[i]` of the other.
    Permuted(Tensor, Vec<usize>),
    /// Each value times a number.
    Scaled(Tensor, f32),
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
        let element = Element::of(tensor.data_type)
            .ok_or_else(|| format!("holds values of a type that is not read, number {}", tensor.data_type))?;
        let sizes = tensor.dims.iter().map(|&size| usize::try_from(size).ok());
        let shape: Vec<usize> = sizes.collect::<Option<_>>().ok_or("has a negative size")?;
        let count = count(&shape).ok_or("has more elements than can be counted")?;
        let source = if tensor.data_location == 1 {
            external(tensor, count * element.bytes(), files)?
        } else if !tensor.raw_data.is_empty() || count == 0 {
            Source::Bytes(tensor.raw_data.clone())
        } else {
            listed(tensor, element)
        };
        let found = match &source {
            Source::Bytes(bytes) if bytes.len() % element.bytes() != 0 => {
                return Err("ends in the middle of a value".into());
            }
            Source::Bytes(bytes) => bytes.len() / element.bytes(),
            Source::Floats(values) => values.len(),
            Source::Doubles(values) => values.len(),
            Source::Ints(values) => values.len(),
            _ => count,
        };
        if found != count {
            return Err(format!("is {shape:?}, which is {count} values, and holds {found}"));
        }
        Ok(Tensor { shape, element, source: Arc::new(source) })
    }

    /// Float32 values in that form.
    pub fn of_floats(shape: Vec<usize>, values: Vec<f32>) -> Tensor {
        Tensor { shape, element: Element::Float, source: Arc::new(Source::Floats(values)) }
    }

    /// Whole numbers in that form.
    pub fn of_ints(shape: Vec<usize>, values: Vec<i64>) -> Tensor {
        Tensor { shape, element: Element::Int(8), source: Arc::new(Source::Ints(values)) }
    }

    /// One float32 everywhere.
    pub fn filled(shape: Vec<usize>, value: f32) -> Tensor {
        Tensor { shape, element: Element::Float, source: Arc::new(Source::Filled(value)) }
    }

    /// Its sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What its elements are in the file.
    pub fn element(&self) -> Element {
        self.element
    }

    /// The number of its elements.
    pub fn count(&self) -> usize {
        count(&self.shape).unwrap_or(usize::MAX)
    }

    /// A number that tensors share which are made of the same values, however they are turned.
    pub fn root(&self) -> usize {
        match &*self.source {
            Source::Reshaped(inner) | Source::Permuted(inner, _) | Source::Scaled(inner, _) => inner.root(),
            _ => Arc::as_ptr(&self.source).addr(),
        }
    }

    /// Whether a file holds each of its values.
    pub fn is_stored(&self) -> bool {
        match &*self.source {
            Source::Filled(_) => false,
            Source::Reshaped(inner) | Source::Permuted(inner, _) | Source::Scaled(inner, _) => inner.is_stored(),
            _ => true,
        }
    }

    /// The same values in another form; `None` where there are not as many.
    pub fn reshaped(&self, shape: Vec<usize>) -> Option<Tensor> {
        let fits = count(&shape) == Some(self.count());
        fits.then(|| Tensor { shape, element: self.element, source: Arc::new(Source::Reshaped(self.clone())) })
    }

    /// With its axes in another order; `None` where `order` is none.
    pub fn permuted(&self, order: &[usize]) -> Option<Tensor> {
        let mut seen: Vec<usize> = order.to_vec();
        seen.sort_unstable();
        let shape = order.iter().map(|&axis| self.shape.get(axis).copied()).collect::<Option<Vec<usize>>>()?;
        let fits = seen.into_iter().eq(0..self.shape.len());
        let source = Arc::new(Source::Permuted(self.clone(), order.to_vec()));
        fits.then_some(Tensor { shape, element: self.element, source })
    }

    /// Each value times a number.
    pub fn scaled(&self, factor: f32) -> Tensor {
        if factor == 1.0 {
            return self.clone();
        }
        Tensor {
            shape: self.shape.clone(),
            element: self.element,
            source: Arc::new(Source::Scaled(self.clone(), factor)),
        }
    }

    /// Its values as whole numbers, where they are and are few.
    pub fn ints(&self) -> Option<Vec<i64>> {
        if self.count() > MOST_LOOKED_AT {
            return None;
        }
        match &*self.source {
            Source::Ints(values) => Some(values.clone()),
            Source::Bytes(bytes) => ints(self.element, bytes),
            Source::Reshaped(other) => other.ints(),
            _ => {
                let values = self.small_floats()?.into_iter();
                let whole = |value: f32| (value.fract() == 0.0 && value.abs() < 1e9).then_some(value as i64);
                values.map(whole).collect()
            }
        }
    }

    /// Its values as float32, where they are few and at hand.
    pub fn small_floats(&self) -> Option<Vec<f32>> {
        (self.count() <= MOST_LOOKED_AT && !self.is_external()).then(|| self.floats(&NoExternalData).ok()).flatten()
    }

    fn is_external(&self) -> bool {
        match &*self.source {
            Source::External { .. } => true,
            Source::Reshaped(other) | Source::Permuted(other, _) | Source::Scaled(other, _) => other.is_external(),
            _ => false,
        }
    }

    /// Whether its values lie as they are written, so that a part of them can be had alone.
    pub fn comes_in_parts(&self) -> bool {
        match &*self.source {
            Source::Bytes(_) | Source::External { .. } | Source::Filled(_) => true,
            Source::Reshaped(inner) => inner.comes_in_parts(),
            _ => false,
        }
    }

    /// The values from `start` on, as many as `into` takes, of a tensor that comes in parts; of another nothing is written.
    ///
    /// # Errors
    /// As [`Tensor::floats`].
    pub fn part(&self, files: &dyn ExternalData, start: usize, into: &mut [f32]) -> Result<(), String> {
        let width = self.element.bytes();
        let (first, length) = (start * width, into.len() * width);
        let values = match &*self.source {
            Source::Bytes(bytes) => floats(self.element, bytes.get(first..first + length).unwrap_or_default()),
            Source::External { location, offset, .. } => {
                floats(self.element, &files.read(location, offset + first as u64, length as u64)?)
            }
            Source::Reshaped(inner) => return inner.part(files, start, into),
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
            Source::Bytes(bytes) => floats(self.element, bytes),
            Source::Floats(values) => values.clone(),
            Source::Doubles(values) => values.iter().map(|&value| value as f32).collect(),
            Source::Ints(values) => values.iter().map(|&value| value as f32).collect(),
            Source::External { location, offset, length } => {
                let bytes = files.read(location, *offset, *length)?;
                if bytes.len() as u64 != *length {
                    return Err(format!("`{location}` has become shorter"));
                }
                floats(self.element, &bytes)
            }
            Source::Reshaped(other) => other.floats(files)?,
            Source::Permuted(other, order) => permuted(&other.floats(files)?, &other.shape, order),
            Source::Scaled(other, factor) => {
                let mut values = other.floats(files)?;
                values.iter_mut().for_each(|value| *value *= factor);
                values
            }
            Source::Filled(value) => vec![*value; self.count()],
        })
    }
}

/// The values of a tensor that lie in lists of their own.
fn listed(tensor: &model::Tensor, element: Element) -> Source {
    let wide = |values: &[i32]| values.iter().map(|&value| i64::from(value)).collect::<Vec<i64>>();
    match element {
        Element::Float => Source::Floats(tensor.float_data.clone()),
        Element::Double => Source::Doubles(tensor.double_data.clone()),
        Element::Half | Element::Brain => {
            let pair = |bits: &i32| (*bits as u16).to_le_bytes();
            Source::Bytes(tensor.int32_data.iter().flat_map(pair).collect::<Vec<u8>>().into())
        }
        Element::Int(8) => Source::Ints(tensor.int64_data.clone()),
        Element::Unsigned(4 | 8) => {
            Source::Ints(tensor.uint64_data.iter().map(|&value| i64::try_from(value).unwrap_or(i64::MAX)).collect())
        }
        Element::Int(_) | Element::Unsigned(_) | Element::Bool => Source::Ints(wide(&tensor.int32_data)),
    }
}

/// Where a tensor's values lie in another file, which must be in the folder of the first.
fn external(tensor: &model::Tensor, bytes: usize, files: &dyn ExternalData) -> Result<Source, String> {
    let entry =
        |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    let location = entry("location").ok_or("lies in another file, and does not say in which")?;
    let number = |key: &str| entry(key).map_or(Ok(None), |text| text.trim().parse::<u64>().map(Some));
    let (Ok(offset), Ok(length)) = (number("offset"), number("length")) else {
        return Err(format!("lies in `{location}`, and it is no number where"));
    };
    let leaves = location.starts_with(['/', '\\']) || location.contains(':');
    if location.is_empty() || leaves || location.split(['/', '\\']).any(|part| part == ".." || part.is_empty()) {
        return Err(format!("lies in `{location}`, which is outside of the file's own folder"));
    }
    let (offset, bytes) = (offset.unwrap_or(0), bytes as u64);
    if length.is_some_and(|length| length != bytes) {
        return Err(format!("takes {bytes} bytes, and `{location}` is said to have {} of it", length.unwrap_or(0)));
    }
    let there = files.length(location)?;
    if offset.checked_add(bytes).is_none_or(|end| end > there) {
        return Err(format!("ends behind the end of `{location}`, which has {there} bytes"));
    }
    Ok(Source::External { location: location.to_owned(), offset, length: bytes })
}

fn each<const BYTES: usize, T>(bytes: &[u8], convert: impl Fn([u8; BYTES]) -> T) -> Vec<T> {
    bytes.as_chunks::<BYTES>().0.iter().map(|&chunk| convert(chunk)).collect()
}

fn floats(element: Element, bytes: &[u8]) -> Vec<f32> {
    match element {
        Element::Float => each(bytes, f32::from_le_bytes),
        Element::Half => each(bytes, |pair| of_half(u16::from_le_bytes(pair))),
        Element::Brain => each(bytes, |pair| f32::from_bits(u32::from(u16::from_le_bytes(pair)) << 16)),
        Element::Double => each(bytes, |eight| f64::from_le_bytes(eight) as f32),
        _ => ints(element, bytes).unwrap_or_default().into_iter().map(|value| value as f32).collect(),
    }
}

fn ints(element: Element, bytes: &[u8]) -> Option<Vec<i64>> {
    Some(match element {
        Element::Int(1) => each(bytes, |one| i64::from(i8::from_le_bytes(one))),
        Element::Int(2) => each(bytes, |two| i64::from(i16::from_le_bytes(two))),
        Element::Int(4) => each(bytes, |four| i64::from(i32::from_le_bytes(four))),
        Element::Int(_) => each(bytes, i64::from_le_bytes),
        Element::Unsigned(1) => each(bytes, |one| i64::from(u8::from_le_bytes(one))),
        Element::Unsigned(2) => each(bytes, |two| i64::from(u16::from_le_bytes(two))),
        Element::Unsigned(4) => each(bytes, |four| i64::from(u32::from_le_bytes(four))),
        Element::Unsigned(_) => each(bytes, |eight| i64::try_from(u64::from_le_bytes(eight)).unwrap_or(i64::MAX)),
        Element::Bool => bytes.iter().map(|&byte| i64::from(byte != 0)).collect(),
        _ => {
            let whole = |value: f32| (value.fract() == 0.0 && value.abs() < 1e9).then_some(value as i64);
            return floats(element, bytes).into_iter().map(whole).collect();
        }
    })
}

/// A number of half precision: 1 sign bit, 5 of the exponent, 10 of the fraction.
fn of_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF) / 1024.0);
    match exponent {
        0 => sign * fraction * 2.0f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction) * 2.0f32.powi(exponent - 15),
    }
}

/// Values with their axes in another order.
fn permuted(values: &[f32], shape: &[usize], order: &[usize]) -> Vec<f32> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let sizes: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let mut index = vec![0; sizes.len()];
    let mut place = 0;
    let mut result = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        result.push(values[place]);
        for axis in (0..sizes.len()).rev() {
            index[axis] += 1;
            place += steps[axis];
            if index[axis] < sizes[axis] {
                break;
            }
            place -= steps[axis] * sizes[axis];
            index[axis] = 0;
        }
    }
    result
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
    fn values_beside_the_file_stay_in_its_folder() {
        let entry = |key: &str, value: &str| model::Entry { key: key.into(), value: value.into() };
        for (location, wanted) in [
            ("../weights", "outside"),
            ("/etc/passwd", "outside"),
            ("a/../../b", "outside"),
            ("", "outside"),
            ("weights", "is not there"),
        ] {
            let tensor = model::Tensor {
                data_type: 1,
                dims: vec![1],
                data_location: 1,
                external_data: vec![entry("location", location)],
                ..Default::default()
            };
            let refused = Tensor::of_file(&tensor, &NoExternalData).unwrap_err();
            assert!(refused.contains(wanted), "{location}: {refused}");
        }
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
        assert_eq!(tensor.scaled(2.0).small_floats().unwrap()[5], 10.0);
    }
}
