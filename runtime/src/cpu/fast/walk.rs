//! How several views of one shape are walked through together: leading axes by number, the rest as runs.
//!
//! Axes of size 1 are dropped and neighbours that lie behind each other in every view become one, so that most maps are one long
//! run. The lanes of a block are a short last axis; they are joined with the pixels where each view repeats or goes on in a
//! simple way.

use super::lane::Pattern;
use super::memory::Address;
use cnnc_compiler::plan::View;

/// Views of one shape.
#[derive(Clone, Debug)]
pub struct Walk {
    lead: Vec<usize>,
    /// Rows and columns of the run.
    run: [usize; 2],
    views: Vec<Steps>,
}

#[derive(Clone, Debug)]
struct Steps {
    address: Address,
    lead: Vec<usize>,
    /// From a row of the run to the next.
    row: usize,
    /// Within a row.
    pattern: Pattern,
}

/// A last axis of so many elements at most is joined with the one before it.
const SHORT: usize = 32;

/// An axis: its size and every view's stride.
type Axis = (usize, Vec<usize>);

impl Walk {
    /// Walks through whole views.
    pub fn whole(views: &[&View]) -> Walk {
        let axes = merged(axes(views, 0));
        let lead = axes.len().saturating_sub(2);
        Walk::new(views, &axes[..lead], &axes[lead..])
    }

    /// Walks with the first `lead` axes as they are. `None` when the others do not come to two.
    pub fn with_lead(views: &[&View], lead: usize) -> Option<Walk> {
        let run = merged(axes(views, lead));
        let rank = views.first()?.shape.len();
        let all: Vec<Axis> = (0..rank).map(|axis| one_axis(views, axis)).collect();
        (run.len() <= 2).then(|| Walk::new(views, &all[..lead], &run))
    }

    fn new(views: &[&View], lead: &[Axis], run: &[Axis]) -> Walk {
        let size = |from_end: usize| run.len().checked_sub(from_end).map_or(1, |axis| run[axis].0);
        let stride =
            |number: usize, from_end: usize| run.len().checked_sub(from_end).map_or(0, |axis| run[axis].1[number]);
        let steps = |(number, view): (usize, &&View)| Steps {
            address: Address::of(view),
            lead: lead.iter().map(|(_, strides)| strides[number]).collect(),
            row: stride(number, 2),
            pattern: Pattern::Stride(stride(number, 1)),
        };
        Walk {
            lead: lead.iter().map(|(size, _)| *size).collect(),
            run: [size(2), size(1)],
            views: views.iter().enumerate().map(steps).collect(),
        }
    }

    /// With short rows made one, where every view has a pattern for that. Parts of the run must then begin at multiples of
    /// [`SHORT`].
    pub fn joined(mut self) -> Walk {
        let [rows, columns] = self.run;
        if rows == 1 || columns > SHORT || !columns.is_power_of_two() {
            return self;
        }
        let patterns: Option<Vec<Pattern>> = self.views.iter().map(|view| view.joined(columns)).collect();
        for (view, pattern) in self.views.iter_mut().zip(patterns.iter().flatten()) {
            view.pattern = *pattern;
        }
        if patterns.is_some() {
            self.run = [1, rows * columns];
        }
        self
    }

    /// The number of combinations of the leading axes.
    pub fn leads(&self) -> usize {
        self.lead.iter().product()
    }

    /// Elements of the run of each.
    pub fn run_length(&self) -> usize {
        self.run[0] * self.run[1]
    }

    /// The number of views.
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// Where a view begins.
    pub fn address(&self, view: usize) -> Address {
        self.views[view].address
    }

    /// How elements follow each other within a row of the run.
    pub fn pattern(&self, view: usize) -> Pattern {
        self.views[view].pattern
    }

    /// Calls `row` for every part of a row in `start..end` of the run of lead number `lead`, with the number of elements; before
    /// that, `offsets` holds each view's offset.
    pub fn rows(
        &self,
        lead: usize,
        start: usize,
        end: usize,
        offsets: &mut Vec<usize>,
        mut row: impl FnMut(&[usize], usize),
    ) {
        let mut position = start;
        while position < end {
            let (at, column) = (position / self.run[1], position % self.run[1]);
            let count = (self.run[1] - column).min(end - position);
            offsets.clear();
            offsets.extend(
                self.views
                    .iter()
                    .map(|view| self.lead_offset(view, lead) + at * view.row + view.pattern.offset(column)),
            );
            row(offsets, count);
            position += count;
        }
    }

    fn lead_offset(&self, view: &Steps, mut lead: usize) -> usize {
        let mut offset = 0;
        for (size, stride) in self.lead.iter().zip(&view.lead).rev() {
            offset += lead % size * stride;
            lead /= size;
        }
        offset
    }
}

impl Steps {
    /// Rows of `columns` elements as one row, if there is a pattern for that.
    fn joined(&self, columns: usize) -> Option<Pattern> {
        match (self.row, self.pattern) {
            (row, Pattern::Stride(stride)) if row == columns * stride => Some(Pattern::Stride(stride)),
            (0, Pattern::Stride(1)) => Some(Pattern::Cycle(columns)),
            (stride, Pattern::Stride(0)) => Some(Pattern::Spread { times: columns, stride }),
            _ => None,
        }
    }
}

fn one_axis(views: &[&View], axis: usize) -> Axis {
    (views[0].shape[axis], views.iter().map(|view| view.strides[axis]).collect())
}

/// The axes from `first` on that have more than one element.
fn axes(views: &[&View], first: usize) -> Vec<Axis> {
    (first..views[0].shape.len()).map(|axis| one_axis(views, axis)).filter(|(size, _)| *size != 1).collect()
}

/// Neighbours made one where every view steps from one to the other without a gap.
fn merged(axes: Vec<Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for (size, strides) in axes {
        match merged.last_mut() {
            Some((outer, outer_strides))
                if outer_strides.iter().zip(&strides).all(|(outer, inner)| *outer == inner * size) =>
            {
                *outer *= size;
                *outer_strides = strides;
            }
            _ => merged.push((size, strides)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{Pattern, Walk};
    use cnnc_compiler::element::ElementType;
    use cnnc_compiler::plan::{Storage, View};

    fn view(shape: &[usize], strides: &[usize]) -> View {
        View { strides: strides.to_vec(), ..View::dense(Storage::Arena, ElementType::Float32, 0, shape) }
    }

    fn rows(walk: &Walk, lead: usize, start: usize, end: usize) -> Vec<(Vec<usize>, usize)> {
        let mut rows = Vec::new();
        walk.rows(lead, start, end, &mut Vec::new(), |offsets, count| rows.push((offsets.to_vec(), count)));
        rows
    }

    #[test]
    fn dense_views_are_one_run() {
        let dense = view(&[2, 3, 4], &[12, 4, 1]);
        let walk = Walk::whole(&[&dense, &dense]);
        assert_eq!((walk.leads(), walk.run_length(), walk.pattern(0)), (1, 24, Pattern::Stride(1)));
        assert_eq!(rows(&walk, 0, 5, 24), [(vec![5, 5], 19)]);
    }

    #[test]
    fn a_channel_s_number_is_repeated_along_its_plane() {
        let (value, bias) = (view(&[2, 3, 2, 2], &[12, 4, 2, 1]), view(&[2, 3, 2, 2], &[0, 1, 0, 0]));
        let walk = Walk::whole(&[&value, &bias]);
        assert_eq!(rows(&walk, 1, 3, 6), [(vec![15, 0], 1), (vec![16, 1], 2)]);
        let walk = walk.joined();
        assert_eq!((walk.leads(), walk.run_length()), (2, 12));
        assert_eq!(walk.pattern(1), Pattern::Spread { times: 4, stride: 1 });
        let lead = Walk::with_lead(&[&value, &bias], 2).unwrap();
        assert_eq!((lead.leads(), lead.run_length()), (6, 4));
        assert_eq!(rows(&lead, 4, 1, 4), [(vec![17, 1], 3)]);
    }

    #[test]
    fn a_row_s_numbers_break_the_plane_into_rows() {
        let (value, row) = (view(&[1, 1, 3, 4], &[12, 12, 4, 1]), view(&[1, 1, 3, 4], &[0, 0, 1, 0]));
        let lead = Walk::with_lead(&[&value, &row], 2).unwrap();
        assert_eq!(rows(&lead, 0, 2, 8), [(vec![2, 0], 2), (vec![4, 1], 4)]);
    }

    #[test]
    fn the_lanes_of_a_block_are_joined_with_its_pixels() {
        let (value, bias) = (view(&[2, 3, 5, 4], &[60, 20, 4, 1]), view(&[2, 3, 5, 4], &[0, 4, 0, 1]));
        let pixel = view(&[2, 3, 5, 4], &[5, 0, 1, 0]);
        let walk = Walk::whole(&[&value, &bias, &pixel]).joined();
        assert_eq!((walk.leads(), walk.run_length()), (6, 20));
        let patterns = [0, 1, 2].map(|view| walk.pattern(view));
        assert_eq!(patterns, [Pattern::Stride(1), Pattern::Cycle(4), Pattern::Spread { times: 4, stride: 1 }]);
        assert_eq!(rows(&walk, 4, 8, 20), [(vec![88, 4, 7], 12)]);
    }

    #[test]
    fn nothing_and_a_single_number_are_walked_too() {
        assert_eq!(Walk::whole(&[&view(&[], &[])]).run_length(), 1);
        assert_eq!(Walk::whole(&[&view(&[0, 3], &[3, 1])]).run_length(), 0);
    }
}
