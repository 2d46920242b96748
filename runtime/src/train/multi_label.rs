//! What answers are worth where a picture may have several classes: of each class how many of its pictures are found and how many
//! of those found are its own, at even chances, and how well its scores order the pictures.

/// A class's scores, and whether the picture has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiLabel {
    classes: Vec<Vec<(f32, bool)>>,
}

/// What one class comes to, or all of them together. A picture is taken for a class where its score is above 0: the sigmoid then
/// is above one half.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    /// Pictures that have it.
    pub pictures: u64,
    /// Pictures that are taken for it.
    pub taken: u64,
    /// Pictures that have it and are taken for it.
    pub right: u64,
}

impl Found {
    /// Of the pictures that are taken for it the share that has it; `None` where there are none.
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.taken)
    }

    /// Of the pictures that have it the share that is taken for it; `None` where there are none.
    pub fn recall(&self) -> Option<f64> {
        share(self.right, self.pictures)
    }

    /// The harmonic mean of both, `2 · right / (pictures + taken)`; `None` where no picture has it or is taken for it.
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.right, self.pictures + self.taken)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl MultiLabel {
    /// Of so many classes, no answer yet.
    pub(super) fn of(classes: usize) -> MultiLabel {
        MultiLabel { classes: vec![Vec::new(); classes] }
    }

    /// Takes in the scores of a sample, and ones for its classes; gives whether all of them are right.
    pub(super) fn add(&mut self, scores: &[f32], targets: &[f32]) -> bool {
        let mut is_right = true;
        for ((class, &score), &target) in self.classes.iter_mut().zip(scores).zip(targets) {
            class.push((score, target > 0.5));
            is_right &= (score > 0.0) == (target > 0.5);
        }
        is_right
    }

    /// What a class comes to; nothing past the last.
    pub fn of_class(&self, class: usize) -> Found {
        let mut found = Found::default();
        for &(score, is_there) in self.classes.get(class).into_iter().flatten() {
            let is_taken = score > 0.0;
            found.pictures += u64::from(is_there);
            found.taken += u64::from(is_taken);
            found.right += u64::from(is_there && is_taken);
        }
        found
    }

    /// What all classes come to, added up (scikit-learn's `average="micro"`).
    pub fn of_all(&self) -> Found {
        (0..self.classes.len()).map(|class| self.of_class(class)).fold(Found::default(), |sum, one| Found {
            pictures: sum.pictures + one.pictures,
            taken: sum.taken + one.taken,
            right: sum.right + one.right,
        })
    }

    /// The average precision of a class: the precision at each score that pictures of it have, from the highest down, weighted by
    /// the recall that it adds (scikit-learn's `average_precision_score`). It asks no threshold. `None` where no picture has it.
    pub fn average_precision(&self, class: usize) -> Option<f64> {
        let mut scores = self.classes.get(class)?.clone();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let all = scores.iter().filter(|(_, is_there)| *is_there).count();
        let (mut seen, mut right, mut sum) = (0, 0, 0.0);
        for equal in scores.chunk_by(|a, b| a.0 == b.0) {
            let added = equal.iter().filter(|(_, is_there)| *is_there).count();
            (seen, right) = (seen + equal.len(), right + added);
            sum += added as f64 * right as f64 / seen as f64;
        }
        (all > 0).then(|| sum / all as f64)
    }

    /// The mean of the classes' average precision, over those that pictures have.
    pub fn mean_average_precision(&self) -> Option<f64> {
        let all: Vec<f64> = (0..self.classes.len()).filter_map(|class| self.average_precision(class)).collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::MultiLabel;

    /// sklearn.metrics 1.9.1 of the same numbers: precision_recall_fscore_support, average_precision_score, accuracy_score.
    #[test]
    fn figures_are_those_of_scikit_learn() {
        let (mut found, mut right) = (MultiLabel::of(4), 0);
        for (scores, targets) in [
            ([1.5, -0.2, 0.3, -1.0], [1.0, 0.0, 1.0, 0.0]),
            ([0.5, 0.7, 0.3, -2.0], [0.0, 1.0, 0.0, 0.0]),
            ([-0.5, 0.7, -0.1, -3.0], [1.0, 0.0, 1.0, 0.0]),
            ([2.5, -1.7, 0.9, 0.5], [1.0, 1.0, 0.0, 0.0]),
            ([-2.5, -1.9, -0.9, -0.5], [0.0, 0.0, 0.0, 0.0]),
        ] {
            right += usize::from(found.add(&scores, &targets));
        }
        let close = |found: Option<f64>, expected: f64| {
            assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?} and not {expected}");
        };
        close(found.average_precision(0), 11.0 / 12.0);
        close(found.average_precision(1), 0.5);
        close(found.average_precision(2), 5.0 / 12.0);
        assert_eq!(found.average_precision(3), None, "no picture has it");
        close(found.mean_average_precision(), 22.0 / 36.0);
        close(found.of_class(0).precision(), 2.0 / 3.0);
        close(found.of_class(2).precision(), 1.0 / 3.0);
        close(found.of_class(1).recall(), 0.5);
        close(found.of_class(2).f1(), 0.4);
        assert_eq!((found.of_class(3).recall(), found.of_class(3).precision()), (None, Some(0.0)));
        close(found.of_all().f1(), 0.5);
        close(found.of_all().precision(), 4.0 / 9.0);
        close(found.of_all().recall(), 4.0 / 7.0);
        assert_eq!(right, 2, "an accuracy of 0.4");
    }
}
