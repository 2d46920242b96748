//! First values of parameters: a rule and a shape come in, numbers of the counter-based generator go out.
//!
//! They depend on seed, key and shape alone, never on the other parameters or on threads.

use crate::parameters::{Make, Parts, Room};
use crate::random::Stream;
use crate::{Result, Tensor, threads};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::{Distribution, Initialiser, Parameter};
use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};
use std::sync::Arc;

/// Numbers to make orthogonal to another vector's that take longer than to start threads.
const WORTH_THREADS: usize = 1 << 18;

/// A parameter that is drawn when somebody asks for it.
pub struct Drawn {
    /// What is drawn.
    pub parameter: Parameter,
    /// Of all parameters of the network.
    pub seed: u64,
}

impl Make for Drawn {
    fn shape(&self) -> &[usize] {
        &self.parameter.shape
    }

    fn element(&self) -> ElementType {
        self.parameter.element()
    }

    fn make(&self, room: Room<'_>) -> Result<Tensor> {
        Ok(draw(&self.parameter, self.seed, room))
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        let has_rule = !self.parameter.is_counter && element_rule(&self.parameter).is_some();
        has_rule.then_some(self)
    }
}

impl Parts for Drawn {
    fn part(&self, start: usize, into: &mut [f32]) -> Result<()> {
        match element_rule(&self.parameter) {
            Some(rule) => Stream::new(self.seed, &self.parameter.path).fill_from(start, into, rule),
            None => self.make(Room::default())?.part(start, into)?,
        }
        Ok(())
    }
}

/// One parameter's first values.
pub fn draw(parameter: &Parameter, seed: u64, room: Room<'_>) -> Tensor {
    let count = parameter.shape.iter().product();
    if let (true, Initialiser::Constant(number)) = (parameter.is_counter, &parameter.initialiser) {
        let counts = Tensor::of_counts(&parameter.shape, vec![*number as u64; count]);
        return counts.unwrap_or_else(|| Tensor::count(*number as u64));
    }
    let memory = room.floats(count);
    let mut tensor = Tensor::new(&parameter.shape, memory).unwrap_or_else(|| Tensor::filled(&parameter.shape, 0.0));
    let stream = Stream::new(seed, &parameter.path);
    match (element_rule(parameter), &parameter.initialiser) {
        (Some(rule), _) => stream.fill(tensor.data_mut(), rule),
        (None, &Initialiser::Orthogonal { gain }) => orthogonal(tensor.data_mut(), &stream, &parameter.shape, gain),
        (None, _) => {}
    }
    tensor
}

/// What makes four elements in a row of the block of their number.
type ElementRule<'p> = Box<dyn Fn(&Stream, u64) -> [f64; 4] + Sync + 'p>;

/// The rule of a parameter whose elements do not depend on one another.
fn element_rule(parameter: &Parameter) -> Option<ElementRule<'_>> {
    let uniform =
        |bound: f64| -> ElementRule<'_> { Box::new(move |stream, block| stream.symmetric(block).map(|v| v * bound)) };
    let normal = |mean: f64, std: f64| -> ElementRule<'_> {
        Box::new(move |stream, block| stream.normal(block).map(|x| mean + std * x))
    };
    Some(match &parameter.initialiser {
        Initialiser::Orthogonal { .. } => return None,
        &Initialiser::Constant(number) => Box::new(move |_, _| [number; 4]),
        &Initialiser::Uniform { bound } => uniform(bound),
        &Initialiser::Normal { mean, std } => normal(mean, std),
        &Initialiser::TruncatedNormal { mean, std, low, high } => truncated_normal([mean, std], [low, high]),
        Initialiser::Scaled { distribution, fan, gain } => {
            let std = gain / fan.of(&parameter.shape).sqrt();
            match distribution {
                Distribution::Uniform => uniform(3f64.sqrt() * std),
                Distribution::Normal => normal(0.0, std),
            }
        }
        Initialiser::Values(numbers) => {
            let number = |place: u64| usize::try_from(place).ok().and_then(|place| numbers.get(place)).copied();
            Box::new(move |_, block| [0, 1, 2, 3].map(|place| number(4 * block + place).unwrap_or(0.0)))
        }
    })
}

/// By the inverse of the distribution, as `torch.nn.init.trunc_normal_` does, so that every value takes one random number.
fn truncated_normal([mean, std]: [f64; 2], [low, high]: [f64; 2]) -> ElementRule<'static> {
    // A deviation of 0 leaves nothing to draw.
    let spread = std.max(f64::MIN_POSITIVE) * SQRT_2;
    let (least, most) = (libm::erf((low - mean) / spread), libm::erf((high - mean) / spread));
    let value = move |u: f64| (mean + spread * inverse_erf(least + (most - least) * u)).clamp(low, high);
    Box::new(move |stream, block| stream.uniform01(block).map(value))
}

/// The `x` whose error function is `y`: Winitzki's approximation, then three steps of Halley's method.
fn inverse_erf(y: f64) -> f64 {
    if y.abs() >= 1.0 {
        return y * f64::INFINITY;
    }
    const A: f64 = 0.147;
    let logarithm = libm::log1p(-y * y);
    let half = FRAC_2_SQRT_PI * FRAC_2_SQRT_PI / (2.0 * A) + logarithm / 2.0;
    let mut x = ((half * half - logarithm / A).sqrt() - half).max(0.0).sqrt().copysign(y);
    for _ in 0..3 {
        let step = (libm::erf(x) - y) / (FRAC_2_SQRT_PI * libm::exp(-x * x));
        if step.is_finite() {
            x -= step / (1.0 + x * step);
        }
    }
    x
}

/// A random matrix whose shorter side is made orthogonal by Gram and Schmidt, in float64. As in PyTorch the sign is the one that
/// makes the triangular factor's diagonal positive.
fn orthogonal(values: &mut [f32], stream: &Stream, shape: &[usize], gain: f64) {
    let rows = shape.first().copied().unwrap_or(1);
    let columns = shape.iter().skip(1).product::<usize>();
    if values.is_empty() {
        return;
    }
    stream.fill(values, Stream::normal);
    let transposed = rows > columns;
    let (count, length) = if transposed { (columns, rows) } else { (rows, columns) };
    let place = |vector: usize, index: usize| match transposed {
        true => index * columns + vector,
        false => vector * columns + index,
    };
    let mut vectors: Vec<Vec<f64>> =
        (0..count).map(|vector| (0..length).map(|index| f64::from(values[place(vector, index)])).collect()).collect();
    for first in 0..count {
        let (done, open) = vectors.split_at_mut(first + 1);
        let unit = &mut done[first];
        let norm = dot(unit, unit).sqrt();
        unit.iter_mut().for_each(|value| *value /= norm);
        let subtract = |vector: &mut Vec<f64>| {
            let share = dot(vector, unit);
            vector.iter_mut().zip(unit.iter()).for_each(|(value, unit)| *value -= share * unit);
        };
        if open.len() * length < WORTH_THREADS {
            open.iter_mut().for_each(subtract);
        } else {
            let share = open.len().div_ceil(threads::cores());
            threads::for_each(open.chunks_mut(share), |vectors| vectors.iter_mut().for_each(subtract));
        }
    }
    for (vector, numbers) in vectors.iter().enumerate() {
        for (index, number) in numbers.iter().enumerate() {
            values[place(vector, index)] = (gain * number) as f32;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::{draw, inverse_erf};
    use crate::parameters::Room;
    use cnnc_compiler::graph::{Distribution, Fan, Initialiser, Parameter};
    use cnnc_grammar::span::Span;

    fn drawn(shape: &[usize], initialiser: Initialiser) -> Vec<f64> {
        let (path, shape, span) = ("0.weight".into(), shape.to_vec(), Span::default());
        let learning = cnnc_compiler::graph::Learning::default();
        let parameter = Parameter {
            path,
            aliases: Vec::new(),
            shape,
            trainable: true,
            initialiser,
            is_counter: false,
            learning,
            span,
        };
        draw(&parameter, 7, Room::default()).data().iter().map(|&value| f64::from(value)).collect()
    }

    fn mean_and_deviation(values: &[f64]) -> [f64; 2] {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        [mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()]
    }

    fn largest(values: &[f64]) -> f64 {
        values.iter().fold(0.0, |largest, value| value.abs().max(largest))
    }

    #[test]
    fn given_numbers_stand_as_they_are() {
        assert_eq!(drawn(&[2], Initialiser::Constant(42.0)), [42.0, 42.0]);
        assert_eq!(drawn(&[1, 2], Initialiser::Values([1.0, -1.0].into())), [1.0, -1.0]);
    }

    #[test]
    fn fans_are_those_of_pytorch() {
        // torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(6, 4, 5, 3)) is (60, 90).
        let shape = [6, 4, 5, 3];
        assert_eq!((Fan::In.of(&shape), Fan::Out.of(&shape), Fan::Mean.of(&shape)), (60.0, 90.0, 75.0));
    }

    #[test]
    fn scaled_values_have_the_deviation_and_the_bound_of_their_formula() {
        let shape = [64, 32, 5, 3];
        let (fan_in, fan_out) = (32.0 * 15.0, 64.0 * 15.0);
        for (fan, gain, deviation) in [
            (Fan::Mean, 1.0, (2.0f64 / (fan_in + fan_out)).sqrt()),
            (Fan::In, 2f64.sqrt(), (2.0f64 / fan_in).sqrt()),
            (Fan::Out, 5.0 / 3.0, 5.0 / 3.0 / f64::sqrt(fan_out)),
        ] {
            for distribution in [Distribution::Uniform, Distribution::Normal] {
                let values = drawn(&shape, Initialiser::Scaled { distribution, fan, gain });
                let [mean, found] = mean_and_deviation(&values);
                assert!(mean.abs() < 0.02 * deviation && (found / deviation - 1.0).abs() < 0.01, "{fan:?} {found}");
                if distribution == Distribution::Uniform {
                    let (bound, most) = (3f64.sqrt() * deviation, largest(&values));
                    assert!(most <= bound * (1.0 + 1e-6) && most > 0.999 * bound, "{most} of {bound}");
                }
            }
        }
    }

    #[test]
    fn even_and_normal_values_are_as_wide_as_was_said() {
        let even = drawn(&[4000], Initialiser::Uniform { bound: 0.5 });
        assert!(largest(&even) <= 0.5 && largest(&even) > 0.499);
        let [mean, deviation] = mean_and_deviation(&drawn(&[40_000], Initialiser::Normal { mean: 3.0, std: 0.01 }));
        assert!((mean - 3.0).abs() < 0.0002 && (deviation - 0.01).abs() < 0.0002, "{mean} {deviation}");
    }

    #[test]
    fn a_cut_bell_keeps_within_its_bounds() {
        let cut = |mean, std, low, high| drawn(&[40_000], Initialiser::TruncatedNormal { mean, std, low, high });
        // A standard bell cut at ±2 has the deviation √(1 − 4·φ(2)/(2·Φ(2) − 1)) = 0.87963.
        let [mean, deviation] = mean_and_deviation(&cut(0.0, 1.0, -2.0, 2.0));
        assert!(mean.abs() < 0.02 && (deviation - 0.87963).abs() < 0.01, "{mean} {deviation}");
        assert!(largest(&cut(0.0, 1.0, -2.0, 2.0)) <= 2.0);
        assert!(cut(0.0, 1.0, 1.0, 1.5).iter().all(|value| (1.0..=1.5).contains(value)));
        assert!(cut(0.5, 0.0, -2.0, 2.0).iter().all(|&value| value == 0.5));
    }

    #[test]
    fn the_inverse_of_the_error_function() {
        for x in [-4.0, -1.5, -0.1, -1e-9, 0.0, 0.3, 0.9, 2.0, 3.5] {
            let found = inverse_erf(libm::erf(x));
            assert!((found - x).abs() <= 1e-7 * x.abs(), "{found} of {x}");
        }
        assert_eq!(inverse_erf(1.0), f64::INFINITY);
    }

    #[test]
    fn orthogonal_rows_or_columns_are_so_to_five_digits() {
        for (shape, gain) in [([24, 6, 3, 3].as_slice(), 1.0), (&[50, 3, 2, 2], 1.5), (&[64, 64], 1.0), (&[1, 9], 2.0)]
        {
            let values = drawn(shape, Initialiser::Orthogonal { gain });
            let (rows, columns) = (shape[0], shape[1..].iter().product::<usize>());
            let count = rows.min(columns);
            let at = |vector: usize, index: usize| {
                if rows <= columns { values[vector * columns + index] } else { values[index * columns + vector] }
            };
            for (i, j) in (0..count).flat_map(|i| (0..count).map(move |j| (i, j))) {
                let product: f64 = (0..rows.max(columns)).map(|index| at(i, index) * at(j, index)).sum();
                let expected = if i == j { gain * gain } else { 0.0 };
                assert!((product - expected).abs() < 1e-5, "{shape:?}: {i}·{j} = {product}");
            }
        }
    }
}
