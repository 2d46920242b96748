//! From a picture to an input's numbers: the one order of operations.

use super::{Misfit, Normalization, Picture, Resize, Transform, to_grey};
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
        let transforms = match (transforms, image) {
            (Some(transforms), _) => transforms.to_vec(),
            (None, Some(image)) => of_spec(image),
            (None, None) => Vec::new(),
        };
        let of_image =
            |image: &ImageTransform| Scaling { factor: image.scale, mean: image.mean.clone(), std: image.std.clone() };
        let scaling = (!transforms.iter().any(Transform::is_normalize)).then(|| image.map_or(PLAIN, of_image));
        Conversion { transforms, scaling }
    }

    /// The picture after all transforms, for an input of so many channels.
    ///
    /// # Errors
    /// When one of them cannot be done to it.
    pub fn apply(&self, picture: Picture, channels: usize, draws: &mut Draws) -> Result<Picture, Misfit> {
        let picture = if channels == 1 { to_grey(picture) } else { picture };
        let mut is_normalized = false;
        self.transforms.iter().try_fold(picture, |picture, transform| {
            let applied = transform.apply(picture, is_normalized, draws);
            is_normalized |= transform.is_normalize();
            applied
        })
    }

    /// Writes the numbers of a picture that went through the transforms, channel after channel; `into` has room for as many
    /// channels as are wanted.
    pub fn write(&self, picture: &Picture, into: &mut [f32]) {
        for (channel, into) in into.chunks_exact_mut(picture.height * picture.width).enumerate() {
            // A grey picture's one plane serves all channels.
            let plane = &picture.planes[channel.min(picture.planes.len() - 1)];
            let Some(Scaling { factor, mean, std }) = &self.scaling else {
                into.copy_from_slice(plane);
                continue;
            };
            let number = Normalization { mean, std }.of_channel(channel);
            for (value, &pixel) in into.iter_mut().zip(plane) {
                *value = number(f64::from(pixel) * factor);
            }
        }
    }
}

fn of_spec(image: &ImageTransform) -> Vec<Transform> {
    let resize = image.resize.map(|side| Transform::Resize(Resize::ShorterSide(side), image.interpolation));
    resize.into_iter().chain(image.crop.map(Transform::CenterCrop)).collect()
}
