//! The order of an epoch's samples.

use super::Samples;
use crate::random::Draws;
use std::collections::BTreeMap;

/// The samples of an epoch in random order (Fisher and Yates), a function of seed and epoch alone.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order = in_order(count);
    let mut draws = Draws::new(seed, &format!("order of epoch {epoch}"));
    for last in (1..count).rev() {
        order.swap(last, draws.below(last + 1));
    }
    order
}

/// As many samples of an epoch as there are, drawn with replacement so that each class comes as often: first a class, then one of
/// its samples. It is PyTorch's `WeightedRandomSampler` with weights of one over the number of a class's samples, and a function
/// of seed and epoch alone.
pub fn balanced(samples: &dyn Samples, seed: u64, epoch: usize) -> Vec<usize> {
    let mut by_class = BTreeMap::<usize, Vec<usize>>::new();
    for index in 0..samples.len() {
        by_class.entry(samples.label(index)).or_default().push(index);
    }
    let classes: Vec<Vec<usize>> = by_class.into_values().collect();
    let mut draws = Draws::new(seed, &format!("balanced order of epoch {epoch}"));
    let drawn = |_| {
        let class = &classes[draws.below(classes.len())];
        class[draws.below(class.len())]
    };
    (0..samples.len()).map(drawn).collect()
}

/// The samples in their own order.
pub fn in_order(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[cfg(test)]
mod tests {
    use super::{balanced, shuffled};
    use crate::Result;
    use crate::data::{Decoded, Samples};
    use crate::failure::fault;

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

    /// A thousand samples: one in ten of class 3, the others of class 0.
    struct Uneven;

    impl Samples for Uneven {
        fn len(&self) -> usize {
            1000
        }

        fn label(&self, index: usize) -> usize {
            if index.is_multiple_of(10) { 3 } else { 0 }
        }

        fn picture(&self, _index: usize, _grey: bool) -> Result<Decoded<'_>> {
            Err(fault("no picture"))
        }

        fn name(&self, index: usize) -> String {
            index.to_string()
        }
    }

    #[test]
    fn classes_come_as_often_as_each_other_and_so_do_their_samples() {
        let order = balanced(&Uneven, 3, 0);
        assert_eq!((order.len(), &order), (1000, &balanced(&Uneven, 3, 0)));
        assert!(order != balanced(&Uneven, 3, 1) && order != balanced(&Uneven, 4, 0));
        let mut counts = [0usize; 1000];
        (0..100).flat_map(|epoch| balanced(&Uneven, 3, epoch)).for_each(|sample| counts[sample] += 1);
        // Of 100,000 draws each of the hundred rare ones is 500, each of the others 55.6; five deviations are room.
        for (index, &count) in counts.iter().enumerate() {
            let expected: f64 = if index.is_multiple_of(10) { 500.0 } else { 1e5 / 1800.0 };
            assert!((count as f64 - expected).abs() < 5.0 * expected.sqrt(), "sample {index} came {count} times");
        }
    }
}
