//! Blurred by a bell of a random width.

use super::{Arguments, Misfit, Step, color};
use crate::pictures::Picture;
use crate::random::Draws;

/// The most pixels of a bell.
const LARGEST: usize = 255;

/// `gaussian_blur: 5`, `gaussian_blur: {kernel_size: 9, sigma: [0.1, 2]}`
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianBlur {
    /// Pixels of the bell, an odd number.
    pub kernel_size: usize,
    /// The least and the largest width of it.
    pub sigma: [f64; 2],
}

impl Step for GaussianBlur {
    const NAME: &'static str = "gaussian_blur";
    const MAIN: Option<&'static str> = Some("kernel_size");
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<GaussianBlur> {
        let is_odd =
            |numbers: &[f64]| matches!(numbers, [size] if size % 2.0 == 1.0 && (1.0..=LARGEST as f64).contains(size));
        let kernel_size = arguments.numbers("kernel_size", None, "an odd number of pixels, up to 255", &is_odd);
        let sigma = arguments.range("sigma", [0.1, 2.0], [1e-3, 1e3]);
        let kernel_size = kernel_size?.first().map_or(1, |size| *size as usize);
        Some(GaussianBlur { kernel_size, sigma: sigma? })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        Ok(color::gaussian_blur(&picture, [self.kernel_size; 2], draws.between(self.sigma)))
    }
}
