//! One set in two: a share of the samples of each class is kept for validation, which ones a seed decides. A sample of several
//! classes is taken for one of its rarest.

use super::{Decoded, Samples, Set, counts_of};
use crate::Result;
use crate::failure::failure;
use crate::random::Draws;
use cnnc_compiler::diagnostic::Code;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Some samples of a set, in its order.
pub(super) struct Chosen {
    pub samples: Arc<dyn Samples>,
    pub numbers: Vec<usize>,
}

impl Samples for Chosen {
    fn len(&self) -> usize {
        self.numbers.len()
    }

    fn label(&self, index: usize) -> usize {
        self.samples.label(self.numbers[index])
    }

    fn labels(&self, index: usize) -> Option<Vec<usize>> {
        self.samples.labels(self.numbers[index])
    }

    fn target(&self, index: usize) -> Option<&[f32]> {
        self.samples.target(self.numbers[index])
    }

    fn values(&self, index: usize) -> Option<&[f32]> {
        self.samples.values(self.numbers[index])
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        self.samples.picture(self.numbers[index], grey)
    }

    fn name(&self, index: usize) -> String {
        self.samples.name(self.numbers[index])
    }
}

/// The part to learn from, and the share that is asked. Of a class with two samples or more each part has at least one.
///
/// # Errors
/// E610 when nothing is left to ask.
pub fn split(set: Set, share: f64, seed: u64, path: &Path) -> Result<[Set; 2]> {
    let mut by_class = BTreeMap::<usize, Vec<usize>>::new();
    let counts = if set.multi_label { counts_of(&*set.samples, set.classes) } else { Vec::new() };
    for index in 0..set.samples.len() {
        let class = match set.samples.labels(index) {
            None => set.samples.label(index),
            Some(labels) => labels.into_iter().min_by_key(|&label| counts.get(label)).unwrap_or(set.classes),
        };
        by_class.entry(class).or_default().push(index);
    }
    let mut kept = vec![false; set.samples.len()];
    for (label, mut numbers) in by_class {
        let count = ((numbers.len() as f64 * share).round() as usize).clamp(1, numbers.len().max(2) - 1);
        let mut draws = Draws::new(seed, &format!("split of class {label}"));
        for place in 0..count.min(numbers.len() - 1) {
            let other = place + draws.below(numbers.len() - place);
            numbers.swap(place, other);
            kept[numbers[place]] = true;
        }
    }
    if kept.iter().all(|kept| !kept) {
        let message = format!("no class of `{}` has two pictures, one of them to validate by", path.display());
        return Err(failure(Code::E610, message));
    }
    Ok([false, true].map(|wanted| {
        let numbers = (0..kept.len()).filter(|&index| kept[index] == wanted).collect();
        let notes = if wanted { Vec::new() } else { set.notes.clone() };
        Set { samples: Arc::new(Chosen { samples: set.samples.clone(), numbers }), notes, ..set.clone() }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::fault;

    /// Sixty samples: thirty of class 0, twenty-nine of class 1, one of class 2.
    struct Sixty;

    impl Samples for Sixty {
        fn len(&self) -> usize {
            60
        }

        fn label(&self, index: usize) -> usize {
            if index == 59 { 2 } else { index % 2 }
        }

        fn picture(&self, _index: usize, _grey: bool) -> Result<Decoded<'_>> {
            Err(fault("no picture"))
        }

        fn name(&self, index: usize) -> String {
            index.to_string()
        }
    }

    fn names(share: f64, seed: u64) -> [Vec<String>; 2] {
        let parts = split(Set::of_classes(Sixty, 3, None), share, seed, Path::new("it")).expect("two parts");
        parts.map(|part| (0..part.samples.len()).map(|index| part.samples.name(index)).collect())
    }

    #[test]
    fn as_many_of_each_class_are_kept_and_each_sample_is_in_one_part() {
        let [train, validation] = names(0.2, 1);
        let of_class =
            |class: usize| validation.iter().filter(|name| Sixty.label(name.parse().unwrap()) == class).count();
        assert_eq!([of_class(0), of_class(1), of_class(2)], [6, 6, 0]);
        let mut all: Vec<usize> = train.iter().chain(&validation).map(|name| name.parse().unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..60));
        assert_eq!(names(0.2, 1), [train, validation.clone()]);
        assert_ne!(names(0.2, 2)[1], validation, "another seed keeps others");
        assert_eq!(names(0.999, 1)[0].len(), 3, "one of each class is left to learn from");
        assert_eq!(names(0.001, 1)[1].len(), 2);
    }
}
