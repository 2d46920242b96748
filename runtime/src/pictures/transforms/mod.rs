//! What is done to a picture, one step at a time. Names and meanings are torchvision's (`transforms.v2`), on bytes.
//!
//! A transform is one file: what it takes, how a recipe says it, what is random about it, what it does. The list below names it
//! once. What is random is drawn first, from the numbers of the sample; what is then done is a function of these alone, in
//! `color.rs`, `warp.rs` and `augment.rs`, which the tests hold against torchvision's.

mod arguments;
mod augment;
mod color;
#[cfg(test)]
mod tests;
mod warp;

pub(crate) use arguments::Arguments;

use super::{Decoded, Picture, check_size};
use crate::random::Draws;
use std::fmt;

/// A transform.
pub(crate) trait Step: Sized {
    /// What a recipe calls it.
    const NAME: &'static str;
    /// The argument that may stand alone: `cutout: 8`.
    const MAIN: Option<&'static str> = None;
    /// Whether it takes numbers for pixels from 0 to 255, which they are no more after a normalisation.
    const NEEDS_PIXELS: bool = false;

    /// Reads what it takes; what is wrong is reported there.
    fn read(arguments: &mut dyn Arguments) -> Option<Self>;

    /// The size of every picture that comes out of it, where it says one.
    fn size(&self) -> Option<[usize; 2]> {
        None
    }

    /// Does it.
    ///
    /// # Errors
    /// When the picture is too small or would be too large.
    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit>;

    /// Does it to a picture as it was decoded: the same, sooner where not all of it has to become numbers.
    ///
    /// # Errors
    /// As [`Step::apply`].
    fn begin(&self, decoded: Decoded<'_>, draws: &mut Draws) -> Result<Picture, Misfit> {
        self.apply(decoded.into(), draws)
    }
}

macro_rules! transforms {
    ($($(#[doc = $doc:literal])* $file:ident::$name:ident,)*) => {
        $(mod $file; pub use $file::$name;)*

        /// One step.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Transform { $($(#[doc = $doc])* $name($name),)* }

        $(impl From<$name> for Transform {
            fn from(transform: $name) -> Transform {
                Transform::$name(transform)
            }
        })*

        /// What recipes call them.
        #[cfg(feature = "train")]
        pub(crate) const NAMES: &[&str] = &[$(<$name as Step>::NAME,)*];

        /// Reads the transform of that name, if there is one; the argument that may stand alone is told before.
        #[cfg(feature = "train")]
        pub(crate) fn read(name: &str, arguments: &mut dyn Arguments) -> Option<Transform> {
            match name {
                $(<$name as Step>::NAME => {
                    arguments.begin(<$name as Step>::MAIN);
                    <$name as Step>::read(arguments).map(Transform::$name)
                })*
                _ => None,
            }
        }

        impl Transform {
            /// What a recipe calls it.
            #[cfg(feature = "train")]
            pub(crate) fn name(&self) -> &'static str {
                match self { $(Transform::$name(_) => <$name as Step>::NAME,)* }
            }

            /// See [`Step::NEEDS_PIXELS`].
            #[cfg(feature = "train")]
            pub(crate) fn needs_pixels(&self) -> bool {
                match self { $(Transform::$name(_) => <$name as Step>::NEEDS_PIXELS,)* }
            }

            /// See [`Step::size`].
            #[cfg(feature = "train")]
            pub(crate) fn size(&self) -> Option<[usize; 2]> {
                match self { $(Transform::$name(transform) => transform.size(),)* }
            }

            /// See [`Step::apply`].
            pub(crate) fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
                match self { $(Transform::$name(transform) => transform.apply(picture, draws),)* }
            }

            /// See [`Step::begin`].
            pub(crate) fn begin(&self, decoded: Decoded<'_>, draws: &mut Draws) -> Result<Picture, Misfit> {
                match self { $(Transform::$name(transform) => transform.begin(decoded, draws),)* }
            }
        }
    };
}

transforms! {
    /// To another size.
    resize::Resize,
    /// The middle.
    center_crop::CenterCrop,
    /// A part at a random place, after zeros were put around.
    random_crop::RandomCrop,
    /// A part of random size, proportion and place, at another size.
    random_resized_crop::RandomResizedCrop,
    /// To another size without another proportion, with an even edge around.
    letterbox::Letterbox,
    /// Left and right changed over.
    random_horizontal_flip::RandomHorizontalFlip,
    /// Above and below changed over.
    random_vertical_flip::RandomVerticalFlip,
    /// Rows and columns changed over.
    transpose::Transpose,
    /// Turned around the middle.
    random_rotation::RandomRotation,
    /// Turned, moved, scaled and sheared.
    random_affine::RandomAffine,
    /// Seen from another place.
    random_perspective::RandomPerspective,
    /// Brightness, contrast, saturation and hue changed, in random order.
    color_jitter::ColorJitter,
    /// Without colours, now and then.
    random_grayscale::RandomGrayscale,
    /// Blurred.
    gaussian_blur::GaussianBlur,
    /// Some of many operations, all as strong.
    rand_augment::RandAugment,
    /// One of many operations, of random strength.
    trivial_augment_wide::TrivialAugmentWide,
    /// Two operations of those that were found for ImageNet.
    auto_augment::AutoAugment,
    /// Pixels to numbers around zero.
    normalize::Normalize,
    /// A rectangle of one number.
    random_erasing::RandomErasing,
    /// A square of zeros around a random pixel.
    cutout::Cutout,
}

/// Why a transform cannot be done to a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It would get a size that no picture may have.
    Size {
        /// How it would get it: "would be resized to 1×67108864".
        change: String,
        /// The arithmetic.
        reason: String,
    },
    /// It is smaller than what is to be cut out of it.
    Part {
        /// Its height and width.
        found: [usize; 2],
        /// Those of the part.
        part: [usize; 2],
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Size { change, reason } => write!(f, "{change} ({reason})"),
            Misfit::Part { found, part } => {
                write!(f, "is {}×{}, and {}×{} are to be cut out of it", found[0], found[1], part[0], part[1])
            }
        }
    }
}

/// Holds a size that a change makes against what a picture may have.
fn may_become(size: [usize; 2], change: impl FnOnce() -> String) -> Result<(), Misfit> {
    check_size(size).map_err(|reason| Misfit::Size { change: change(), reason })
}

fn has_part(found: [usize; 2], part: [usize; 2]) -> Result<(), Misfit> {
    let fits = part[0] <= found[0] && part[1] <= found[1];
    if fits { Ok(()) } else { Err(Misfit::Part { found, part }) }
}

/// The part of a picture that begins there; it is in it.
fn part(picture: &Picture, [top, left]: [usize; 2], [height, width]: [usize; 2]) -> Picture {
    let rows = |plane: &Vec<f32>| -> Vec<f32> {
        let rows = plane.chunks_exact(picture.width).skip(top).take(height);
        rows.flat_map(|row| row[left..left + width].iter().copied()).collect()
    };
    Picture { height, width, planes: picture.planes.iter().map(rows).collect() }
}

/// The picture with what a function makes of each plane.
fn by_plane(picture: &Picture, plane: impl Fn(&[f32]) -> Vec<f32>) -> Picture {
    Picture { planes: picture.planes.iter().map(|pixels| plane(pixels)).collect(), ..*picture }
}

/// The picture with what a function makes of each pixel of each plane.
fn by_pixel(mut picture: Picture, pixel: impl Fn(f32) -> f32) -> Picture {
    picture.planes.iter_mut().flatten().for_each(|value| *value = pixel(*value));
    picture
}
