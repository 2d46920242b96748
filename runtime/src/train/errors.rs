//! How far answers in numbers are off their targets: squared and absolute errors by place of the answer, and how much of the
//! targets' variance the answers explain.

/// Sums over samples, by place of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors {
    /// Samples.
    count: usize,
    places: Vec<Place>,
}

/// Sums of one place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    squares: f64,
    absolutes: f64,
    /// Mean of the targets so far, and their squared distances from it (Welford's way).
    mean: f64,
    spread: f64,
}

/// How far one number of the answer, or all of them, are off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorOf {
    /// The root of the mean squared error.
    pub root_mean_square: f64,
    /// The mean of the absolute error.
    pub mean_absolute: f64,
    /// The share of the targets' variance that the answers explain, R²: 1 is all of it, 0 is as good as their mean; `None` where
    /// all targets are the same.
    pub explained: Option<f64>,
}

impl Errors {
    /// Of answers of so many numbers, none of which came yet.
    pub(super) fn of(size: usize) -> Errors {
        Errors { count: 0, places: vec![Place::default(); size] }
    }

    /// Takes in the answer to a sample.
    pub(super) fn add(&mut self, answers: &[f32], targets: &[f32]) {
        self.count += 1;
        for ((place, &answer), &target) in self.places.iter_mut().zip(answers).zip(targets) {
            let (error, target) = (f64::from(answer) - f64::from(target), f64::from(target));
            place.squares += error * error;
            place.absolutes += error.abs();
            let distance = target - place.mean;
            place.mean += distance / self.count as f64;
            place.spread += distance * (target - place.mean);
        }
    }

    /// All squared errors together.
    pub(super) fn squares(&self) -> f64 {
        self.places.iter().map(|place| place.squares).sum()
    }

    /// Numbers of an answer.
    pub fn size(&self) -> usize {
        self.places.len()
    }

    /// How far one number of the answer is off; `None` past the last.
    pub fn of_place(&self, place: usize) -> Option<ErrorOf> {
        self.places.get(place).map(|place| self.error(std::slice::from_ref(place)))
    }

    /// How far all numbers are off.
    pub fn of_all(&self) -> ErrorOf {
        self.error(&self.places)
    }

    fn error(&self, places: &[Place]) -> ErrorOf {
        let sum = |value: fn(&Place) -> f64| places.iter().map(value).sum::<f64>();
        let count = (self.count * places.len()).max(1) as f64;
        let (squares, spread) = (sum(|place| place.squares), sum(|place| place.spread));
        ErrorOf {
            root_mean_square: (squares / count).sqrt(),
            mean_absolute: sum(|place| place.absolutes) / count,
            explained: (spread > 0.0).then(|| 1.0 - squares / spread),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Errors;

    /// sklearn.metrics: root_mean_squared_error, mean_absolute_error, r2_score of the same numbers.
    #[test]
    fn errors_are_those_of_their_definition() {
        let mut errors = Errors::of(2);
        for (answer, target) in
            [([2.5, 1.0], [3.0, 1.0]), ([0.0, 1.0], [-0.5, 1.0]), ([2.0, 1.0], [2.0, 1.0]), ([8.0, 1.0], [7.0, 1.0])]
        {
            errors.add(&answer, &target);
        }
        let first = errors.of_place(0).unwrap();
        assert!((first.root_mean_square - 0.375f64.sqrt()).abs() < 1e-12, "{first:?}");
        assert!((first.mean_absolute - 0.5).abs() < 1e-12, "{first:?}");
        assert!((first.explained.unwrap() - 0.948_608_137_044_967_9).abs() < 1e-12, "{first:?}");
        let second = errors.of_place(1).unwrap();
        assert_eq!((second.root_mean_square, second.explained), (0.0, None));
        assert!((errors.of_all().root_mean_square - 0.1875f64.sqrt()).abs() < 1e-12);
        assert!(errors.of_place(2).is_none() && errors.size() == 2);
    }
}
