//! Everything that is random in data: the order of an epoch, and numbers for each sample of it.

use crate::random::Stream;

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

/// Random numbers, one after another, of one name under one seed.
pub struct Draws {
    stream: Stream,
    four: [f64; 4],
    next: u64,
}

impl Draws {
    /// The numbers of that name.
    pub fn new(seed: u64, name: &str) -> Draws {
        Draws { stream: Stream::new(seed, name), four: [0.0; 4], next: 0 }
    }

    /// The numbers of one sample in one epoch.
    pub fn of_sample(seed: u64, epoch: usize, index: usize) -> Draws {
        Draws::new(seed, &format!("sample {index} of epoch {epoch}"))
    }

    /// A number in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        let place = (self.next % 4) as usize;
        if place == 0 {
            self.four = self.stream.uniform01(self.next / 4);
        }
        self.next += 1;
        self.four[place]
    }

    /// A whole number from 0 to `count − 1`, for counts below 2²⁴ or so.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.uniform() * count as f64) as usize).min(count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Draws, shuffled};

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

    #[test]
    fn draws_are_even() {
        let mut draws = Draws::of_sample(1, 2, 3);
        let mut counts = [0; 5];
        (0..10_000).for_each(|_| counts[draws.below(5)] += 1);
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
    }
}
