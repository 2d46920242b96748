//! Rows and columns changed over, as EMNIST's pictures lie.

use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

/// `transpose`
#[derive(Clone, Debug, PartialEq)]
pub struct Transpose;

impl Step for Transpose {
    const NAME: &'static str = "transpose";

    fn read(_arguments: &mut dyn Arguments) -> Option<Transpose> {
        Some(Transpose)
    }

    fn apply(&self, picture: Picture, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let Picture { height, width, planes } = picture;
        let plane = |plane: &Vec<f32>| -> Vec<f32> {
            (0..width).flat_map(|column| plane.iter().skip(column).step_by(width)).copied().collect()
        };
        Ok(Picture { height: width, width: height, planes: planes.iter().map(plane).collect() })
    }
}
