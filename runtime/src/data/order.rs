//! The order of an epoch's samples.

use crate::random::Draws;

/// The samples of an epoch in random order (Fisher and Yates), a function of seed and epoch alone.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order = in_order(count);
    let mut draws = Draws::new(seed, &format!("order of epoch {epoch}"));
    for last in (1..count).rev() {
        order.swap(last, draws.below(last + 1));
    }
    order
}

/// The samples in their own order.
pub fn in_order(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[cfg(test)]
mod tests {
    use super::shuffled;

    #[test]
    fn every_sample_comes_once_in_another_order_each_epoch() {
        let order = shuffled(1000, 3, 0);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
        assert_eq!(order, shuffled(1000, 3, 0));
        assert_ne!(order, shuffled(1000, 3, 1));
        assert_ne!(order, shuffled(1000, 4, 0));
        // A sample is where it was in one of a thousand cases; more than a few would be no shuffle.
        assert!(order.iter().enumerate().filter(|(place, sample)| place == *sample).count() < 8);
        assert!(shuffled(0, 0, 0).is_empty() && shuffled(1, 0, 0) == [0]);
    }
}
