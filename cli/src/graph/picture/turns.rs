//! Where a body that would be too high goes on beside itself.
//!
//! It is cut into strips between rows that one value connects. Its line goes down to below its strip, up between the two, and
//! from above to all that take it in the next.

use super::super::layout::Cell;
use super::body::Sized;
use std::ops::Range;

/// Width over height of a picture that fits a page as well as a slide.
const USUAL: f64 = 1.35;
/// The most strips.
const MOST: usize = 10;
/// How many times as high as the strips are on average one may be.
const LOPSIDED: f64 = 1.7;
/// How high a block in a picture may be before it is cut.
const HIGHEST: f64 = 720.0;
/// Between two strips; the line between them runs in the middle.
const BETWEEN: f64 = 26.0;
/// From a strip to the line below or above it.
const LANE: [f64; 2] = [12.0, 20.0];

/// Some rows of a body, below each other.
#[derive(Clone, Debug)]
pub struct Strip {
    /// Which.
    pub rows: Range<usize>,
    /// How far from its left edge each track's right edge is.
    pub middles: Vec<f64>,
    /// How far from its upper edge each row is.
    pub tops: Vec<f64>,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// A body's strips.
#[derive(Clone, Debug)]
pub struct Turns {
    /// From left to right.
    pub strips: Vec<Strip>,
    /// Where each begins.
    starts: Vec<[f64; 2]>,
    heights: Vec<f64>,
    /// How large all is together.
    pub size: [f64; 2],
}

impl Turns {
    /// As few as make a body fit: the network's own the usual page, a block's what a block may be high.
    pub fn of(sized: &Sized<'_>, level: usize) -> Turns {
        let heights = sized.heights();
        let whole = Turns::at(sized, &[], &heights);
        if level > 0 && whole.size[1] <= HIGHEST {
            return whole;
        }
        let cuts: Vec<usize> = (0..sized.rows()).filter(|&row| sized.can_be_cut(row)).collect();
        let badness = |turns: &Turns| match level {
            0 => (turns.size[0] / turns.size[1].max(1.0) / USUAL).ln().abs(),
            _ => (turns.size[1] - HIGHEST).max(0.0),
        };
        let mut best = (badness(&whole), whole.clone());
        for count in 2..=MOST {
            let chosen = chosen(&cuts, &whole, count);
            let turns = Turns::at(sized, &chosen, &heights);
            let found = badness(&turns);
            // A strip more has to be worth it, and none may be much higher than the others.
            let even = LOPSIDED * whole.size[1] / turns.strips.len() as f64;
            if found < best.0 && turns.size[1] < even.min(0.85 * best.1.size[1]) {
                best = (found, turns);
            }
        }
        best.1
    }

    /// Cut after these rows.
    fn at(sized: &Sized<'_>, cuts: &[usize], heights: &[f64]) -> Turns {
        let ends = cuts.iter().map(|cut| cut + 1).chain([sized.rows()]);
        let starts = std::iter::once(0).chain(cuts.iter().map(|cut| cut + 1));
        let strips: Vec<Strip> = starts.zip(ends).map(|(start, end)| Strip::of(sized, start..end, heights)).collect();
        let (mut x, mut height) = (0.0, 0.0f64);
        let mut places = Vec::new();
        for (number, strip) in strips.iter().enumerate() {
            let y = if number == 0 { 0.0 } else { LANE[1] };
            let below = if number + 1 == strips.len() { 0.0 } else { LANE[0] };
            places.push([x, y]);
            height = height.max(y + strip.height + below);
            x += strip.width + BETWEEN;
        }
        Turns { strips, starts: places, heights: heights.to_vec(), size: [(x - BETWEEN).max(0.0), height] }
    }

    /// Which strip a row is in.
    pub fn strip(&self, row: usize) -> usize {
        self.strips.iter().position(|strip| strip.rows.contains(&row)).unwrap_or_default()
    }

    /// The middle and the upper edge of a cell.
    pub fn place(&self, cell: &Cell) -> [f64; 2] {
        let number = self.strip(cell.row);
        let (Some(strip), Some([x, y])) = (self.strips.get(number), self.starts.get(number)) else { return [0.0, 0.0] };
        let top = strip.tops.get(cell.row - strip.rows.start).copied().unwrap_or_default();
        [x + strip.middles.get(cell.track).copied().unwrap_or_default(), y + top]
    }

    /// The lower edge of a row.
    pub fn bottom(&self, row: usize) -> f64 {
        self.place(&Cell { row, track: 0 })[1] + self.heights.get(row).copied().unwrap_or_default()
    }

    /// The corners of a line from the last row of a strip to the first of the next.
    pub fn corners(&self, [x, bottom]: [f64; 2], [entry, top]: [f64; 2], row: usize) -> [[f64; 2]; 4] {
        let number = self.strip(row);
        let strip = self.strips.get(number).zip(self.starts.get(number));
        let between = strip.map_or(x, |(strip, [start, _])| start + strip.width + BETWEEN / 2.0);
        let (low, high) = (bottom + LANE[0], top - LANE[1]);
        [[x, low], [between, low], [between, high], [entry, high]]
    }
}

/// The cuts that make so many strips about equally high.
fn chosen(cuts: &[usize], whole: &Turns, count: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = (1..count)
        .filter_map(|part| {
            let wished = whole.size[1] * part as f64 / count as f64;
            cuts.iter().copied().min_by(|&a, &b| {
                let off = |row: usize| (whole.bottom(row) - wished).abs();
                off(a).total_cmp(&off(b))
            })
        })
        .collect();
    chosen.dedup();
    chosen
}
