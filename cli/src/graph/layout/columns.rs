//! Columns in which lines run straight.
//!
//! Every spot wants to stand in the middle of what it is tied to in the row beside, real items before bends, so that the line of
//! a block's layers stays straight and what goes round it gives way. A row is placed at once: the places nearest to the wished
//! ones, by least squares, that keep order and distance (isotonic regression, by pooling neighbours that would overlap).

use super::rows::Layered;

/// Sweeps, down and up in turns; the last goes down.
const SWEEPS: usize = 9;

/// Half columns from one spot to the next.
const APART: i64 = 2;

/// How much a bend's wish counts beside an item's: it never moves one.
const LINE: f64 = 1e-3;

/// The left track of each spot.
pub fn columns(layered: &Layered) -> Vec<usize> {
    let mut tracks = vec![0i64; layered.spots.len()];
    for row in &layered.rows {
        row.iter().zip(0..).for_each(|(&spot, place)| tracks[spot] = APART * place);
    }
    for sweep in 0..SWEEPS {
        let downwards = sweep % 2 == 0;
        let rows: Box<dyn Iterator<Item = &Vec<usize>>> =
            if downwards { Box::new(layered.rows.iter()) } else { Box::new(layered.rows.iter().rev()) };
        for row in rows {
            let wishes: Vec<(f64, f64)> = row.iter().map(|&spot| wish(layered, spot, downwards, &tracks)).collect();
            for (&spot, track) in row.iter().zip(nearest(&wishes)) {
                tracks[spot] = track;
            }
        }
    }
    let least = tracks.iter().min().copied().unwrap_or(0);
    tracks.into_iter().map(|track| usize::try_from(track - least).unwrap_or(0)).collect()
}

/// Where a spot wants to stand, and how much.
fn wish(layered: &Layered, spot: usize, downwards: bool, tracks: &[i64]) -> (f64, f64) {
    let this = &layered.spots[spot];
    let (tied, others) = if downwards { (&this.above, &this.below) } else { (&this.below, &this.above) };
    let of = |tied: &[usize], bends: Option<bool>| {
        let wanted = tied.iter().filter(|&&other| bends.is_none_or(|bends| layered.spots[other].is_bend == bends));
        wanted.map(|&other| tracks[other]).collect::<Vec<i64>>()
    };
    // A bend goes on where its line runs, on whichever side that is; an item looks to items first.
    let sources = match this.is_bend {
        true => [of(tied, Some(true)), of(others, Some(true)), of(tied, None)],
        false => [of(tied, Some(false)), of(tied, None), Vec::new()],
    };
    let mut places = sources.into_iter().find(|places| !places.is_empty()).unwrap_or_default();
    places.sort_unstable();
    let weight = if this.is_bend { LINE } else { 1.0 };
    match places.len() {
        0 => (tracks[spot] as f64, LINE * LINE),
        count => ((places[(count - 1) / 2] + places[count / 2]) as f64 / 2.0, weight),
    }
}

/// The places nearest to the wished ones that are in order and apart.
fn nearest(wishes: &[(f64, f64)]) -> Vec<i64> {
    // Blocks of neighbours that stand as close as they may: the mean wish of the first, the weight, how many.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (place, &(wish, weight)) in wishes.iter().enumerate() {
        let mut block = (wish - (APART * place as i64) as f64, weight, 1);
        while let Some(&(before, other, count)) = blocks.last().filter(|(before, ..)| *before > block.0) {
            block = ((before * other + block.0 * block.1) / (other + block.1), other + block.1, count + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let rounded = blocks.iter().flat_map(|&(mean, _, count)| std::iter::repeat_n(mean.round() as i64, count));
    rounded.zip(0..).map(|(mean, place)| mean + APART * place).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn rows_keep_order_and_distance() {
        assert_eq!(nearest(&[(0.0, 1.0), (9.0, 1.0)]), [0, 9]);
        // Four that want the same place stand around it.
        assert_eq!(nearest(&[(5.0, 1.0); 4]), [2, 4, 6, 8]);
        // What weighs more stays.
        assert_eq!(nearest(&[(4.0, 8.0), (4.0, 1.0)]), [4, 6]);
    }
}
