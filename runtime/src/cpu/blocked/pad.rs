//! Zeros around blocked images, or rows and columns cut off.

use crate::cpu::blocked::call::{Images, ImagesMut};
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use std::ops::Range;

/// Padding of height and width.
pub struct Pad {
    lanes: usize,
    input: [usize; 2],
    output: [usize; 2],
    /// Rows and columns before; negative ones are cut off.
    before: [isize; 2],
    planes: Planes,
}

impl Pad {
    /// Of `[batch, channels]` images from size `input` to `output`, with `before` rows and columns before what was there.
    pub fn new(
        lanes: usize,
        [batch, channels]: [usize; 2],
        input: [usize; 2],
        output: [usize; 2],
        before: [isize; 2],
    ) -> Self {
        let planes = Planes::new([batch, channels.div_ceil(lanes)], output[0], output[0] * output[1]);
        Self { lanes, input, output, before, planes }
    }

    /// Runs over blocked images.
    ///
    /// # Safety
    /// Input and output are images of the sizes that `new` was told, and do not overlap.
    pub unsafe fn run(&self, pool: &Pool, input: Images, output: ImagesMut) {
        let ([height, width], lanes) = (self.output, self.lanes);
        let columns = self.kept(1);
        let skipped = (columns.start as isize - self.before[1]).max(0) as usize;
        self.planes.run(pool, |part| {
            for row in part.rows {
                let to = output.at(part.image, (part.block * height + row) * width * lanes);
                // SAFETY: the row lies in the output, and no other part has it.
                let to = unsafe { std::slice::from_raw_parts_mut(to, width * lanes) };
                if !self.kept(0).contains(&row) {
                    to.fill(0.0);
                    continue;
                }
                let source = (row as isize - self.before[0]) as usize;
                let at = ((part.block * self.input[0] + source) * self.input[1] + skipped) * lanes;
                // SAFETY: the kept rows and columns lie in the input.
                let from = unsafe { std::slice::from_raw_parts(input.at(part.image, at), columns.len() * lanes) };
                let (left, rest) = to.split_at_mut(columns.start * lanes);
                let (middle, right) = rest.split_at_mut(from.len());
                left.fill(0.0);
                middle.copy_from_slice(from);
                right.fill(0.0);
            }
        });
    }

    /// The rows (axis 0) or columns (axis 1) of output that hold some of the input.
    fn kept(&self, axis: usize) -> Range<usize> {
        let size = self.output[axis] as isize;
        let first = self.before[axis].clamp(0, size);
        let end = (self.before[axis] + self.input[axis] as isize).clamp(first, size);
        first as usize..end as usize
    }
}
