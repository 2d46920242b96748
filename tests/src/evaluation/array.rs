//! Arrays of numbers, and the sums and products of sizes that every layer needs.

use super::number::Number;

/// An array, the last axis fastest.
#[derive(Clone, Debug)]
pub struct Array {
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its elements.
    pub elements: Vec<Number>,
}

impl Array {
    /// The array whose element at each place is what `element` says.
    pub fn of(shape: &[usize], mut element: impl FnMut(&[usize]) -> Number) -> Array {
        let mut elements = Vec::with_capacity(shape.iter().product());
        each_place(shape, |place| elements.push(element(place)));
        Array { shape: shape.to_vec(), elements }
    }

    /// The same elements under another shape.
    pub fn reshaped(&self, shape: &[usize]) -> Array {
        assert_eq!(shape.iter().product::<usize>(), self.elements.len());
        Array { shape: shape.to_vec(), elements: self.elements.clone() }
    }

    /// The element at a place.
    pub fn at(&self, place: &[usize]) -> Number {
        assert_eq!(place.len(), self.shape.len());
        self.elements[number_of(place, &self.shape)]
    }

    /// The element at a place of an image's plane that may lie outside of it.
    pub fn pixel(&self, [image, channel]: [usize; 2], [row, column]: [isize; 2]) -> Option<Number> {
        let inside = |index: isize, axis: usize| usize::try_from(index).ok().filter(|&index| index < self.shape[axis]);
        Some(self.at(&[image, channel, inside(row, 2)?, inside(column, 3)?]))
    }

    /// The element at a place of one channel that may lie outside of it, whatever number of axes a channel has.
    pub fn inside(&self, image: usize, channel: usize, at: &[isize]) -> Option<Number> {
        let index = |(&index, &size): (&isize, &usize)| usize::try_from(index).ok().filter(|&index| index < size);
        let place: Option<Vec<usize>> = at.iter().zip(&self.shape[2..]).map(index).collect();
        Some(self.at(&[vec![image, channel], place?].concat()))
    }

    /// Each element by itself.
    pub fn each(&self, element: impl Fn(Number) -> Number) -> Array {
        Array { shape: self.shape.clone(), elements: self.elements.iter().map(|&number| element(number)).collect() }
    }

    /// The axis of a number, counted from the end when negative.
    pub fn axis(&self, number: i64) -> usize {
        let rank = self.shape.len() as i64;
        (if number < 0 { number + rank } else { number }) as usize
    }

    /// The sizes of an image.
    pub fn image(&self) -> [usize; 4] {
        self.shape.as_slice().try_into().expect("an image has four axes")
    }
}

/// Calls with every place of a shape, in the order of the elements.
pub fn each_place(shape: &[usize], mut call: impl FnMut(&[usize])) {
    let mut place = vec![0; shape.len()];
    for _ in 0..shape.iter().product() {
        call(&place);
        for (index, &size) in place.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < size {
                break;
            }
            *index = 0;
        }
    }
}

/// Every place of a shape, in the order of the elements.
pub fn places(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut places = Vec::new();
    each_place(shape, |place| places.push(place.to_vec()));
    places
}

/// The number of the element at a place.
pub fn number_of(place: &[usize], shape: &[usize]) -> usize {
    place.iter().zip(shape).fold(0, |number, (&index, &size)| number * size + index)
}
