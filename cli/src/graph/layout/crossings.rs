//! The order within rows: sweeps by barycentre, of which the one is kept in which fewest lines cross.

use super::rows::Layered;

/// Sweeps down and up; what is gained later is little.
const SWEEPS: usize = 12;

/// Orders the rows. The order that lines were followed in stays where nothing crosses.
pub fn reduce(layered: &mut Layered) {
    let mut places = vec![0; layered.spots.len()];
    place(&layered.rows, &mut places);
    let mut fewest = crossings(layered, &places);
    let mut best = layered.rows.clone();
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let count = layered.rows.len();
        for step in 1..count {
            let downwards = sweep % 2 == 0;
            let row = if downwards { step } else { count - 1 - step };
            sort(layered, row, downwards, &mut places);
        }
        let found = crossings(layered, &places);
        if found < fewest {
            fewest = found;
            best.clone_from(&layered.rows);
        }
    }
    layered.rows = best;
}

fn place(rows: &[Vec<usize>], places: &mut [usize]) {
    rows.iter().for_each(|row| row.iter().enumerate().for_each(|(place, &spot)| places[spot] = place));
}

/// Sorts one row by the middles of what its spots are tied to in the row before; what is tied to nothing stays.
fn sort(layered: &mut Layered, row: usize, downwards: bool, places: &mut [usize]) {
    let Layered { spots, rows, .. } = layered;
    let middle = |spot: usize| {
        let tied = if downwards { &spots[spot].above } else { &spots[spot].below };
        let sum: usize = tied.iter().map(|&other| places[other]).sum();
        if tied.is_empty() { places[spot] as f64 } else { sum as f64 / tied.len() as f64 }
    };
    let mut keyed: Vec<(f64, usize)> = rows[row].iter().map(|&spot| (middle(spot), spot)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    for (place, (_, spot)) in keyed.into_iter().enumerate() {
        rows[row][place] = spot;
        places[spot] = place;
    }
}

/// How many pairs of lines cross.
fn crossings(layered: &Layered, places: &[usize]) -> u64 {
    let mut sum = 0;
    for (row, below) in layered.rows.iter().zip(layered.rows.iter().skip(1)) {
        // Ends of lines in the order of their starts; a pair that is the wrong way round crosses. Counted in a Fenwick tree.
        let mut tree = vec![0u64; below.len() + 1];
        let mut seen = 0;
        for &spot in row {
            let mut ends: Vec<usize> = layered.spots[spot].below.iter().map(|&other| places[other]).collect();
            ends.sort_unstable();
            for &end in &ends {
                let (mut at, mut before) = (end + 1, 0);
                while at > 0 {
                    before += tree[at];
                    at &= at - 1;
                }
                sum += seen - before;
            }
            for end in ends {
                let mut at = end + 1;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    sum
}
