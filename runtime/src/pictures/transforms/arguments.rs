//! What a transform asks its arguments of: a recipe's reader, which knows their places and reports what is wrong with them.

use crate::pictures::resize::Size;
use cnnc_compiler::graph::Interpolation;

/// The ways to resample, by their names.
pub const SAMPLINGS: [&str; 2] = ["nearest", "bilinear"];

/// The arguments of one transform. What is `None` has been reported.
#[cfg_attr(not(feature = "train"), allow(dead_code, reason = "nothing reads transforms then"))]
pub(crate) trait Arguments {
    /// Which argument may stand alone.
    fn begin(&mut self, main: Option<&'static str>);

    /// A whole number from one to another; without a default it must be given.
    fn count(&mut self, key: &'static str, default: Option<usize>, from: usize, to: usize) -> Option<usize>;

    /// A number, or several in a list, that fit; in words what is wanted. Without a default they must be given.
    fn numbers(
        &mut self,
        key: &'static str,
        default: Option<&[f64]>,
        wanted: &str,
        fits: &dyn Fn(&[f64]) -> bool,
    ) -> Option<Vec<f64>>;

    /// Height and width, or one number for both.
    fn size(&mut self, key: &'static str) -> Option<[usize; 2]>;

    /// Height and width, or the shorter side.
    fn side_or_size(&mut self, key: &'static str) -> Option<Size>;

    /// One of some names, as its position; the default where none is given.
    fn choice(&mut self, key: &'static str, default: usize, names: &[&str]) -> Option<usize>;

    /// How often something is done.
    fn probability(&mut self, key: &'static str, default: f64) -> Option<f64> {
        let numbers = self.numbers(
            key,
            Some(&[default]),
            "a number from 0 to 1",
            &|numbers| matches!(numbers, [number] if (0.0..=1.0).contains(number)),
        );
        numbers.and_then(|numbers| numbers.first().copied())
    }

    /// A number that fits.
    fn number(&mut self, key: &'static str, default: f64, wanted: &str, fits: fn(f64) -> bool) -> Option<f64> {
        let numbers =
            self.numbers(key, Some(&[default]), wanted, &|numbers| matches!(numbers, [number] if fits(*number)));
        numbers.and_then(|numbers| numbers.first().copied())
    }

    /// Two numbers in order, between two others.
    fn range(&mut self, key: &'static str, default: [f64; 2], [least, most]: [f64; 2]) -> Option<[f64; 2]> {
        let wanted = match most.is_finite() {
            true => format!("two numbers in order, from {least} to {most}"),
            false => format!("two numbers in order, above {least}"),
        };
        let fits = |numbers: &[f64]| matches!(numbers, [first, second] if least <= *first && first <= second && *second <= most);
        let numbers = self.numbers(key, Some(&default), &wanted, &fits);
        numbers.and_then(|numbers| <[f64; 2]>::try_from(numbers).ok())
    }

    /// A number, which stands for as much on either side, or two in order.
    fn around_zero(&mut self, key: &'static str, default: Option<&[f64]>, most: f64) -> Option<[f64; 2]> {
        let fits = |numbers: &[f64]| match numbers {
            [number] => (0.0..=most).contains(number),
            [first, second] => first <= second && first.abs() <= most && second.abs() <= most,
            _ => false,
        };
        let wanted = format!("a number from 0 to {most}, or two in order");
        let numbers = self.numbers(key, default, &wanted, &fits)?;
        Some(match numbers.as_slice() {
            [first, second] => [*first, *second],
            numbers => numbers.first().map_or([0.0; 2], |number| [-number, *number]),
        })
    }

    /// What lies where no pixel of the picture does.
    fn fill(&mut self) -> Option<f32> {
        self.number("fill", 0.0, "a number from 0 to 255", |number| (0.0..=255.0).contains(&number))
            .map(|fill| fill as f32)
    }

    /// Whether pixels between pixels are made of four of these; else the nearest serves.
    fn is_bilinear(&mut self, default: bool) -> Option<bool> {
        self.choice("interpolation", usize::from(default), &SAMPLINGS).map(|name| name == 1)
    }

    /// By which pixels a picture is resized.
    fn resizing(&mut self) -> Option<Interpolation> {
        let names = Interpolation::NAMES.map(|(name, _)| name);
        let bilinear = Interpolation::NAMES.iter().position(|(_, kind)| *kind == Interpolation::Bilinear);
        let place = self.choice("interpolation", bilinear.unwrap_or(0), &names)?;
        Interpolation::NAMES.get(place).map(|(_, kind)| *kind)
    }
}
