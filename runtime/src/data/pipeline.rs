//! From a sample to the network's input, whose size is known.

use super::{Decoded, Transform};
use crate::failure::failure;
use crate::pictures::Conversion;
use crate::random::Draws;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ImageTransform;

/// What is done to every picture of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    conversion: Conversion,
    /// Channels, height and width of the input; of arrays its sizes.
    shape: Vec<usize>,
}

impl Pipeline {
    /// The pipeline of an input of `[channels, height, width]`: these transforms, or where none are given what the spec's
    /// `image(...)` says. Pixels are scaled as the spec says, unless a transform normalises them.
    ///
    /// # Errors
    /// E610 when an input of so many channels is no picture, or a list has numbers for other channels.
    pub fn new(
        transforms: Option<&[Transform]>,
        image: Option<&ImageTransform>,
        shape: [usize; 3],
    ) -> Result<Pipeline> {
        if !matches!(shape[0], 1 | 3) {
            let message = format!("the model's input has {} channels; pictures have 1 or 3", shape[0]);
            return Err(failure(Code::E610, message));
        }
        let conversion = Conversion::new(transforms, image);
        if let Some((key, count)) = conversion.misfitting_numbers(shape[0]) {
            let message =
                format!("`{key}` of `normalize` has {count} numbers, and the model's input has {} channels", shape[0]);
            return Err(failure(Code::E610, message));
        }
        Ok(Pipeline { conversion, shape: shape.to_vec() })
    }

    /// That of arrays of these sizes, which go into the network as they are.
    pub fn of_arrays(shape: &[usize]) -> Pipeline {
        Pipeline { conversion: Conversion::new(Some(&[]), None), shape: shape.to_vec() }
    }

    /// Channels, height and width of what it makes; of arrays their sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The pixel, from 0 to 255, that a number of a channel was made of.
    pub fn pixel(&self, channel: usize, value: f32) -> u8 {
        self.conversion.pixel(channel, value).round().clamp(0.0, 255.0) as u8
    }

    /// Whether pictures are wanted in one plane.
    pub fn is_grey(&self) -> bool {
        self.shape.first() == Some(&1)
    }

    /// Writes one picture as the network takes it; `name` is what messages call it.
    ///
    /// # Errors
    /// E610 when it does not come to the input's size.
    pub(crate) fn write(&self, picture: Decoded<'_>, name: &str, draws: &mut Draws, into: &mut [f32]) -> Result<()> {
        let [channels, height, width] = self.picture_shape();
        let picture = self.conversion.apply(picture, channels, draws);
        let picture = picture.map_err(|misfit| self.refuse(name, &misfit.to_string()))?;
        if [picture.height, picture.width] != [height, width] {
            return Err(self.refuse(name, &format!("comes to {}×{}", picture.height, picture.width)));
        }
        self.conversion.write(&picture, into);
        Ok(())
    }

    /// Channels, height and width.
    fn picture_shape(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.shape.get(axis).copied().unwrap_or(0))
    }

    fn refuse(&self, name: &str, reason: &str) -> Error {
        let [channels, height, width] = self.picture_shape();
        let mut refused =
            failure(Code::E610, format!("{name} {reason}, and the model takes {channels}×{height}×{width}"));
        refused.help.push(format!("resize pictures in the recipe: `- resize: [{height}, {width}]`"));
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::transforms::Normalize;
    use cnnc_compiler::graph::Interpolation;

    fn written(pipeline: &Pipeline, picture: Decoded<'_>) -> Result<Vec<f32>> {
        let mut into = vec![0.0; pipeline.shape().iter().product()];
        pipeline.write(picture, "it", &mut Draws::of_sample(0, 0, 0), &mut into).map(|()| into)
    }

    fn grey(pixels: &[u8]) -> Decoded<'_> {
        Decoded::new([1, pixels.len()], 1, pixels).expect("a picture")
    }

    #[test]
    fn without_transforms_the_spec_decides() {
        let image = ImageTransform {
            resize: Some(1),
            interpolation: Interpolation::Bilinear,
            crop: Some([1, 1]),
            scale: 0.5,
            mean: vec![1.0],
            std: vec![2.0],
        };
        let pipeline = Pipeline::new(None, Some(&image), [1, 1, 1]).expect("a pipeline");
        assert_eq!(written(&pipeline, grey(&[6, 8, 10])).expect("numbers"), [1.5]);
        let plain = Pipeline::new(None, None, [1, 1, 2]).expect("a pipeline");
        assert_eq!(written(&plain, grey(&[0, 255])).expect("numbers"), [0.0, 1.0]);
    }

    #[test]
    fn a_normalisation_of_the_recipe_replaces_the_spec_s() {
        let image = ImageTransform {
            resize: None,
            interpolation: Interpolation::Bilinear,
            crop: None,
            scale: 0.5,
            mean: vec![1.0],
            std: vec![2.0],
        };
        let normalize = [Normalize { mean: vec![0.5], std: vec![0.5], of_pixels: true }.into()];
        let pipeline = Pipeline::new(Some(&normalize), Some(&image), [1, 1, 2]).expect("a pipeline");
        assert_eq!(written(&pipeline, grey(&[0, 255])).expect("numbers"), [-1.0, 1.0]);
    }

    #[test]
    fn channels_are_made_to_fit() {
        let three = Pipeline::new(None, None, [3, 1, 1]).expect("a pipeline");
        assert_eq!(written(&three, grey(&[255])).expect("numbers"), [1.0; 3]);
        let one = Pipeline::new(None, None, [1, 1, 1]).expect("a pipeline");
        let colours = Decoded::new([1, 1], 3, vec![255; 3]).expect("a picture");
        assert_eq!(written(&one, colours).expect("numbers"), [1.0]);
        assert!(Pipeline::new(None, None, [2, 1, 1]).is_err());
    }

    #[test]
    fn another_size_is_refused() {
        let pipeline = Pipeline::new(None, None, [1, 28, 28]).expect("a pipeline");
        let refused = written(&pipeline, grey(&[0])).expect_err("a failure");
        assert_eq!(refused.message, "it comes to 1×1, and the model takes 1×28×28");
    }
}
