//! A row of elements, by pointer, and where each lies from the first.

/// How the elements of a row follow each other in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// At equal distances; 0 repeats one element.
    Stride(usize),
    /// So many neighbours, again and again: one number for each channel of a block.
    Cycle(usize),
    /// Each so many times before the next, which lies `stride` elements on: one number for all channels of a block.
    Spread {
        /// How often each is repeated.
        times: usize,
        /// Elements to the next one.
        stride: usize,
    },
}

impl Pattern {
    /// How far element `index` lies from the first.
    #[inline]
    pub fn offset(self, index: usize) -> usize {
        match self {
            Pattern::Stride(stride) => index * stride,
            Pattern::Cycle(period) => index % period,
            Pattern::Spread { times, stride } => index / times * stride,
        }
    }
}

/// Where the elements of a row lie.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// The first element.
    pub pointer: *mut f32,
    /// The others.
    pub pattern: Pattern,
}

impl Lane {
    /// The lane from element `index` on; for a pattern that repeats, a multiple of what it repeats.
    ///
    /// # Safety
    /// The element must lie in the same storage.
    #[inline]
    pub unsafe fn at(self, index: usize) -> Lane {
        // SAFETY: the caller promises an element in the same storage.
        Lane { pointer: unsafe { self.pointer.add(self.pattern.offset(index)) }, pattern: self.pattern }
    }

    /// A whole number of a lane of such, which lies in two floats.
    ///
    /// # Safety
    /// The lane must hold whole numbers, this one among them.
    #[inline]
    pub unsafe fn count(self, index: usize) -> u64 {
        // SAFETY: the caller promises a lane of whole numbers with this one among them.
        unsafe { self.pointer.add(self.pattern.offset(index)).cast::<u64>().read_unaligned() }
    }

    /// Writes a whole number of a lane of such.
    ///
    /// # Safety
    /// As for `count`; the number must be no one else's meanwhile.
    #[inline]
    pub unsafe fn set_count(self, index: usize, number: u64) {
        // SAFETY: the caller promises a lane of whole numbers with this one among them, and it is nobody else's.
        unsafe { self.pointer.add(self.pattern.offset(index)).cast::<u64>().write_unaligned(number) }
    }

    /// Copies the elements out.
    ///
    /// # Safety
    /// The lane must be valid for as many elements, none of them in `into`.
    pub unsafe fn gather(self, into: &mut [f32]) {
        if let Pattern::Cycle(period) = self.pattern {
            // SAFETY: the caller promises a valid lane, and one that repeats is valid for a whole period.
            let one = unsafe { std::slice::from_raw_parts(self.pointer, period) };
            return into.chunks_mut(period).for_each(|part| part.copy_from_slice(&one[..part.len()]));
        }
        if let Pattern::Spread { times, stride } = self.pattern {
            for (index, part) in into.chunks_mut(times).enumerate() {
                // SAFETY: the caller promises as many elements as `into` takes, and this is one of them.
                part.fill(unsafe { *self.pointer.add(index * stride) });
            }
            return;
        }
        for (index, value) in into.iter_mut().enumerate() {
            // SAFETY: the caller promises as many elements as `into` takes, and this is one of them.
            *value = unsafe { *self.pointer.add(self.pattern.offset(index)) };
        }
    }

    /// Writes the elements.
    ///
    /// # Safety
    /// The lane must be valid for as many elements, none of them in `from`, and be no one else's meanwhile.
    pub unsafe fn write(self, from: &[f32]) {
        if self.pattern == Pattern::Stride(1) {
            // SAFETY: the caller promises as many elements as `from` has, which are neighbours here and lie elsewhere.
            return unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), self.pointer, from.len()) };
        }
        for (index, &value) in from.iter().enumerate() {
            // SAFETY: the caller promises as many elements as `from` has, and this is one of them.
            unsafe { *self.pointer.add(self.pattern.offset(index)) = value };
        }
    }

    /// Writes the elements of another lane.
    ///
    /// # Safety
    /// Both must be valid for `count` elements; where they share memory, it must be element for element.
    pub unsafe fn copy_from(self, from: Lane, count: usize) {
        // SAFETY: the caller promises `count` elements on both sides, which are read before they are written over.
        unsafe {
            if self.pattern == Pattern::Stride(1) && from.pattern == Pattern::Stride(1) {
                return std::ptr::copy(from.pointer, self.pointer, count);
            }
            for index in 0..count {
                *self.pointer.add(self.pattern.offset(index)) = *from.pointer.add(from.pattern.offset(index));
            }
        }
    }

    /// The elements as a slice.
    ///
    /// # Safety
    /// The elements must be neighbours, the lane valid for `count` elements that nothing writes to while the slice lives.
    #[inline]
    pub unsafe fn slice<'a>(self, count: usize) -> &'a [f32] {
        // SAFETY: the caller promises neighbours that nothing writes to while the slice lives.
        unsafe { std::slice::from_raw_parts(self.pointer, count) }
    }

    /// The elements as a slice to write to.
    ///
    /// # Safety
    /// The elements must be neighbours, the lane valid for `count` elements that nothing else reads or writes while the slice
    /// lives.
    #[inline]
    pub unsafe fn slice_mut<'a>(self, count: usize) -> &'a mut [f32] {
        // SAFETY: the caller promises neighbours that nothing else reads or writes while the slice lives.
        unsafe { std::slice::from_raw_parts_mut(self.pointer, count) }
    }
}
