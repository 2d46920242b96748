//! From a picture to an input's numbers: the one order of operations.

use super::transforms::{CenterCrop, Resize};
use super::{Decoded, Misfit, Normalization, Picture, Size, Transform};
use crate::random::Draws;
use cnnc_compiler::graph::ImageTransform;

/// What is done to every picture: it becomes grey where one channel is wanted, goes through the transforms one after another, and
/// its pixels are scaled and normalised by channel, unless a transform has done that.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conversion {
    transforms: Vec<Transform>,
    scaling: Option<Scaling>,
}

/// What a pixel of 0 to 255 is multiplied with, and what is then subtracted and divided by, by channel.
#[derive(Clone, Debug, PartialEq)]
struct Scaling {
    factor: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
}

/// Numbers from 0 to 1.
const PLAIN: Scaling = Scaling { factor: 1.0 / 255.0, mean: Vec::new(), std: Vec::new() };

impl Conversion {
    /// These transforms, or where none are given what the spec's `image(...)` says: resizing, then cutting the middle. Pixels are
    /// scaled as the spec says, to 0 to 1 where it says nothing, unless a transform normalises them.
    pub fn new(transforms: Option<&[Transform]>, image: Option<&ImageTransform>) -> Conversion {
        let mut transforms = match (transforms, image) {
            (Some(transforms), _) => transforms.to_vec(),
            (None, Some(image)) => of_spec(image),
            (None, None) => Vec::new(),
        };
        let normalisations = transforms.iter_mut().filter_map(|transform| match transform {
            Transform::Normalize(normalize) => Some(normalize),
            _ => None,
        });
        let mut are_pixels = true;
        for normalize in normalisations {
            normalize.of_pixels = std::mem::replace(&mut are_pixels, false);
        }
        let of_image =
            |image: &ImageTransform| Scaling { factor: image.scale, mean: image.mean.clone(), std: image.std.clone() };
        let scaling = are_pixels.then(|| image.map_or(PLAIN, of_image));
        Conversion { transforms, scaling }
    }

    /// The pixel that a number of a channel was made of: the way back through scaling and normalisations.
    #[cfg(feature = "train")]
    pub fn pixel(&self, channel: usize, value: f32) -> f64 {
        let back = |mean: &[f64], std: &[f64], value: f64| {
            let of = |numbers: &[f64], otherwise| numbers.get(channel).or(numbers.last()).copied().unwrap_or(otherwise);
            value * of(std, 1.0) + of(mean, 0.0)
        };
        if let Some(Scaling { factor, mean, std }) = &self.scaling {
            return back(mean, std, f64::from(value)) / factor;
        }
        let normalisations = self.transforms.iter().rev().filter_map(|transform| match transform {
            Transform::Normalize(normalize) => Some(normalize),
            _ => None,
        });
        normalisations
            .fold(f64::from(value), |value, by| back(&by.mean, &by.std, value) * if by.of_pixels { 255.0 } else { 1.0 })
    }

    /// The list of numbers by channel that has another length than the channels, and its length.
    pub fn misfitting_numbers(&self, channels: usize) -> Option<(&'static str, usize)> {
        let normalize = self.transforms.iter().filter_map(|transform| match transform {
            Transform::Normalize(normalize) => Some(normalize),
            _ => None,
        });
        let mut lists = normalize.flat_map(|by| [("mean", by.mean.len()), ("std", by.std.len())]);
        lists.find(|(_, count)| *count != 1 && *count != channels)
    }

    /// The picture after all transforms, for an input of so many channels.
    ///
    /// # Errors
    /// When one of them cannot be done to it.
    pub fn apply(&self, decoded: Decoded<'_>, channels: usize, draws: &mut Draws) -> Result<Picture, Misfit> {
        let decoded = if channels == 1 { decoded.grey() } else { decoded };
        let Some((first, others)) = self.transforms.split_first() else { return Ok(decoded.into()) };
        let picture = first.begin(decoded, draws)?;
        others.iter().try_fold(picture, |picture, transform| transform.apply(picture, draws))
    }

    /// Writes the numbers of a picture that went through the transforms, channel after channel; `into` has room for as many
    /// channels as are wanted.
    pub fn write(&self, picture: &Picture, into: &mut [f32]) {
        for (channel, into) in into.chunks_exact_mut(picture.height * picture.width).enumerate() {
            // A grey picture's one plane serves all channels.
            let plane = &picture.planes[channel.min(picture.planes.len() - 1)];
            into.copy_from_slice(plane);
            if let Some(Scaling { factor, mean, std }) = &self.scaling {
                Normalization { mean, std }.apply(channel, [*factor, 1.0], into);
            }
        }
    }
}

fn of_spec(image: &ImageTransform) -> Vec<Transform> {
    let interpolation = image.interpolation;
    let resize = image.resize.map(|side| Resize { size: Size::ShorterSide(side), interpolation }.into());
    resize.into_iter().chain(image.crop.map(|size| CenterCrop { size }.into())).collect()
}
