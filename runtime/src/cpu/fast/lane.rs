//! A row of elements at equal distances, by pointer.

/// Where elements lie: the first, and how many elements on the next one is; a stride of 0 repeats one element.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// The first element.
    pub pointer: *mut f32,
    /// Elements from one to the next.
    pub stride: usize,
}

impl Lane {
    /// The lane from element `index` on.
    ///
    /// # Safety
    /// The element must lie in the same storage.
    #[inline]
    pub unsafe fn at(self, index: usize) -> Lane {
        // SAFETY: as the caller promises.
        Lane { pointer: unsafe { self.pointer.add(index * self.stride) }, stride: self.stride }
    }

    /// Copies the elements out.
    ///
    /// # Safety
    /// The lane must be valid for as many elements, none of them in `into`.
    pub unsafe fn gather(self, into: &mut [f32]) {
        for (index, value) in into.iter_mut().enumerate() {
            // SAFETY: as the caller promises.
            *value = unsafe { *self.pointer.add(index * self.stride) };
        }
    }

    /// Writes the elements.
    ///
    /// # Safety
    /// The lane must be valid for as many elements, none of them in `from`, and be no one else's meanwhile.
    pub unsafe fn write(self, from: &[f32]) {
        if self.stride == 1 {
            // SAFETY: as the caller promises.
            return unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), self.pointer, from.len()) };
        }
        for (index, &value) in from.iter().enumerate() {
            // SAFETY: as above.
            unsafe { *self.pointer.add(index * self.stride) = value };
        }
    }

    /// Writes the elements of another lane.
    ///
    /// # Safety
    /// Both must be valid for `count` elements; where they share memory, it must be element for element.
    pub unsafe fn copy_from(self, from: Lane, count: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            if self.stride == 1 && from.stride == 1 {
                return std::ptr::copy(from.pointer, self.pointer, count);
            }
            for index in 0..count {
                *self.pointer.add(index * self.stride) = *from.pointer.add(index * from.stride);
            }
        }
    }

    /// The elements as a slice.
    ///
    /// # Safety
    /// The stride must be 1, the lane valid for `count` elements that nothing writes to while the slice lives.
    #[inline]
    pub unsafe fn slice<'a>(self, count: usize) -> &'a [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts(self.pointer, count) }
    }

    /// The elements as a slice to write to.
    ///
    /// # Safety
    /// The stride must be 1, the lane valid for `count` elements that nothing else reads or writes while the slice lives.
    #[inline]
    pub unsafe fn slice_mut<'a>(self, count: usize) -> &'a mut [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.pointer, count) }
    }
}
