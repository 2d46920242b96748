//! The input rows that a band of output rows needs, with padding written out and columns sorted by `column % stride`.
//!
//! Then the input of tap `(y, x)` of every pixel lies at one offset from that of tap `(0, 0)`, neighbouring output
//! pixels are neighbours in the band whatever the stride, and rows no longer lie a power of two apart. Rows and columns
//! that no tap reads, because the window is smaller than the stride, are left out.

use crate::cpu::blocked::shape::Window;

/// What of an image the windows of an output see; each pair is height, then width.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BandWindows {
    /// Size of the image.
    pub(crate) input: [usize; 2],
    /// Windows.
    pub(crate) output: [usize; 2],
    /// Steps between windows.
    pub(crate) stride: [usize; 2],
    /// Elements from the first to the last of one window.
    pub(crate) extent: [usize; 2],
    /// Elements of the first window that lie before the image; negative where that begins inside it.
    pub(crate) before: [isize; 2],
}

impl BandWindows {
    /// Of a convolution.
    pub(crate) fn of(window: &Window) -> Self {
        Self {
            input: window.input,
            output: window.output,
            stride: window.axes.map(|axis| axis.stride),
            extent: [window.extent(0), window.extent(1)],
            before: window.axes.map(|axis| axis.before as isize),
        }
    }

    /// Elements along `axis` from the first window's first to the last window's last.
    fn total_extent(&self, axis: usize) -> usize {
        self.output[axis].saturating_sub(1) * self.stride[axis] + self.extent[axis]
    }

    /// Whether all windows lie in the image, next to each other.
    fn is_inside(&self) -> bool {
        let fits = |axis| {
            self.before[axis] <= 0 && self.total_extent(axis) as isize - self.before[axis] <= self.input[axis] as isize
        };
        self.stride == [1; 2] && fits(0) && fits(1)
    }
}

/// Sizes of a band. A unit is a block of channels, or one channel of plain input.
pub(crate) struct Band {
    windows: BandWindows,
    units: usize,
    unit: usize,
    /// Rows of the packed band; 0 where the input is read in place.
    rows: usize,
    /// Rows of the band, and phases of columns, for every step of the stride: the stride, or the window if it is smaller.
    kept: [usize; 2],
    /// Columns of one phase (columns with the same remainder by the stride).
    phase: usize,
}

impl Band {
    /// The band of `output_rows` rows of output, for `units` units of `unit` channels.
    pub(crate) fn new(windows: &BandWindows, units: usize, unit: usize, output_rows: usize) -> Self {
        let in_place = windows.is_inside();
        let kept = [0, 1].map(|axis| windows.stride[axis].min(windows.extent[axis]));
        Self {
            windows: *windows,
            units,
            unit,
            rows: if in_place { 0 } else { output_rows.saturating_sub(1) * kept[0] + windows.extent[0] },
            kept,
            phase: if in_place { windows.input[1] } else { windows.total_extent(1).div_ceil(windows.stride[1]) },
        }
    }

    /// Floats of the packed band.
    pub(crate) fn length(&self) -> usize {
        self.units * self.rows * self.row_length()
    }

    /// Units.
    pub(crate) fn units(&self) -> usize {
        self.units
    }

    /// Channels of a unit.
    pub(crate) fn unit(&self) -> usize {
        self.unit
    }

    /// Pixels of the input image.
    fn plane(&self) -> usize {
        self.windows.input[0] * self.windows.input[1]
    }

    /// Floats of the input that one image has for these units.
    pub(crate) fn input_length(&self) -> usize {
        self.units * self.unit * self.plane()
    }

    fn row_length(&self) -> usize {
        self.phase * self.kept[1] * self.unit
    }

    /// Floats from the input of an output row to that of the next.
    pub(crate) fn row_step(&self) -> usize {
        self.kept[0] * self.row_length()
    }

    /// Where element `(y, x)` of a window lies in unit `unit`, from where `fill` says that its first element lies.
    pub(crate) fn offset(&self, unit: usize, y: usize, x: usize) -> usize {
        let unit_length = if self.rows == 0 { self.plane() * self.unit } else { self.rows * self.row_length() };
        let column = x % self.windows.stride[1] * self.phase + x / self.windows.stride[1];
        unit * unit_length + self.packed_row(y) * self.row_length() + column * self.unit
    }

    /// Packs what `rows` output rows from `first` need; returns where element `(0, 0)` of the first pixel's window lies.
    /// `input` is one image of one group, and `padding` what lies around it.
    pub(crate) fn fill<'a>(
        &self,
        input: &'a [f32],
        first: usize,
        rows: usize,
        padding: f32,
        scratch: &'a mut [f32],
    ) -> &'a [f32] {
        if self.rows == 0 {
            let [row, column] = self.windows.before.map(isize::unsigned_abs);
            return &input[((first + row) * self.windows.input[1] + column) * self.unit..];
        }
        if self.plane() == 0 {
            scratch.fill(padding);
            return scratch;
        }
        let needed = (rows - 1) * self.kept[0] + self.windows.extent[0];
        let input_row = self.windows.input[1] * self.unit;
        let planes = input.chunks_exact(self.windows.input[0] * input_row);
        for (plane, packed) in planes.zip(scratch.chunks_exact_mut(self.rows * self.row_length())) {
            for (y, packed) in packed.chunks_exact_mut(self.row_length()).take(needed).enumerate() {
                let row =
                    (first * self.windows.stride[0] + self.image_row(y)).checked_add_signed(-self.windows.before[0]);
                match row.filter(|row| *row < self.windows.input[0]) {
                    Some(row) => self.fill_row(&plane[row * input_row..][..input_row], padding, packed),
                    None => packed.fill(padding),
                }
            }
        }
        scratch
    }

    /// The row of the image, counted from the band's first, that row `packed` of the band holds; see `packed_row`.
    fn image_row(&self, packed: usize) -> usize {
        packed / self.kept[0] * self.windows.stride[0] + packed % self.kept[0]
    }

    /// The row of the band that holds row `row` of the image. Where rows are left out, a window reaches only one step.
    fn packed_row(&self, row: usize) -> usize {
        row / self.windows.stride[0] * self.kept[0] + row % self.windows.stride[0]
    }

    fn fill_row(&self, row: &[f32], value: f32, packed: &mut [f32]) {
        let stride = self.windows.stride[1];
        let before = self.windows.before[1];
        let (padding, skipped) = (before.max(0) as usize, (-before).max(0) as usize);
        for (remainder, phase) in packed.chunks_exact_mut(self.phase * self.unit).enumerate() {
            // Column `remainder + stride · j` of the padded row is column `… - before` of the image.
            let start = padding.saturating_sub(remainder).div_ceil(stride).min(self.phase);
            let first = (remainder + stride * start).saturating_sub(padding) + skipped;
            let inside = self.windows.input[1].saturating_sub(first).div_ceil(stride).min(self.phase - start);
            let (left, rest) = phase.split_at_mut(start * self.unit);
            let (middle, right) = rest.split_at_mut(inside * self.unit);
            left.fill(value);
            right.fill(value);
            self.copy_columns(&row[(first * self.unit).min(row.len())..], middle);
        }
    }

    /// Copies every `stride`-th column.
    fn copy_columns(&self, from: &[f32], to: &mut [f32]) {
        let step = self.windows.stride[1] * self.unit;
        match (self.windows.stride[1], self.unit) {
            (1, _) => to.copy_from_slice(&from[..to.len()]),
            (2, 1) => copy_even(from, to),
            (_, 1) => to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, from)| *to = *from),
            (_, 16) => copy_blocks::<16>(from, to, step),
            (_, 4) => copy_blocks::<4>(from, to, step),
            (_, 2) => copy_blocks::<2>(from, to, step),
            (_, 8) => copy_blocks::<8>(from, to, step),
            (_, unit) => {
                to.chunks_exact_mut(unit)
                    .zip(from.chunks(step))
                    .for_each(|(to, from)| to.copy_from_slice(&from[..unit]));
            }
        }
    }
}

/// Copies every other float, in a form that the compiler makes vectors of.
fn copy_even(from: &[f32], to: &mut [f32]) {
    let (pairs, rest) = from.as_chunks::<2>();
    for (to, [even, _]) in to.iter_mut().zip(pairs) {
        *to = *even;
    }
    if let (Some(to), Some(last)) = (to.get_mut(pairs.len()), rest.first()) {
        *to = *last;
    }
}

/// Copies the first `UNIT` floats of every `step`.
fn copy_blocks<const UNIT: usize>(from: &[f32], to: &mut [f32], step: usize) {
    let (to, _) = to.as_chunks_mut::<UNIT>();
    for (to, from) in to.iter_mut().zip(from.chunks(step)) {
        if let Some(from) = from.first_chunk::<UNIT>() {
            *to = *from;
        }
    }
}
