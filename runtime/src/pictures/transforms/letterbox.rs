//! To another size without another proportion: as large as fits, with an even edge around, as detectors are fed (YOLO).

use super::{Arguments, Misfit, Step, may_become};
use crate::pictures::Picture;
use crate::pictures::resize::resize;
use crate::random::Draws;
use cnnc_compiler::graph::Interpolation;

/// `letterbox: 416`, `letterbox: {size: [320, 416], fill: 0}`
#[derive(Clone, Debug, PartialEq)]
pub struct Letterbox {
    /// Height and width.
    pub size: [usize; 2],
    /// What lies around the picture.
    pub fill: f32,
    /// By which pixels.
    pub interpolation: Interpolation,
}

impl Step for Letterbox {
    const NAME: &'static str = "letterbox";
    const MAIN: Option<&'static str> = Some("size");

    fn read(arguments: &mut dyn Arguments) -> Option<Letterbox> {
        let (size, interpolation) = (arguments.size("size"), arguments.resizing());
        let fill = arguments.number("fill", 114.0, "a number from 0 to 255", |number| (0.0..=255.0).contains(&number));
        Some(Letterbox { size: size?, fill: fill? as f32, interpolation: interpolation? })
    }

    fn size(&self) -> Option<[usize; 2]> {
        Some(self.size)
    }

    fn apply(&self, picture: Picture, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let [height, width] = self.size;
        may_become(self.size, || format!("would be resized to {height}×{width}"))?;
        let scale = (height as f64 / picture.height as f64).min(width as f64 / picture.width as f64);
        let side = |found: usize, most: usize| ((found as f64 * scale).round() as usize).clamp(1, most);
        let inner = resize(&picture, side(picture.height, height), side(picture.width, width), self.interpolation);
        let (top, left) = ((height - inner.height) / 2, (width - inner.width) / 2);
        let plane = |plane: &Vec<f32>| {
            let mut whole = vec![self.fill; height * width];
            for (into, row) in whole.chunks_exact_mut(width).skip(top).zip(plane.chunks_exact(inner.width)) {
                into[left..left + inner.width].copy_from_slice(row);
            }
            whole
        };
        Ok(Picture { height, width, planes: inner.planes.iter().map(plane).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_lies_in_the_middle_of_an_even_edge() {
        let letterbox = Letterbox { size: [4, 4], fill: 9.0, interpolation: Interpolation::Nearest };
        let picture = Picture { height: 2, width: 4, planes: vec![(1..=8u8).map(f32::from).collect()] };
        let boxed = letterbox.apply(picture, &mut Draws::of_sample(0, 0, 0)).expect("a picture");
        let expected = [9., 9., 9., 9., 1., 2., 3., 4., 5., 6., 7., 8., 9., 9., 9., 9.];
        assert_eq!(boxed.planes[0], expected);
        let tall = Picture { height: 300, width: 1, planes: vec![vec![5.0; 300]] };
        let boxed = letterbox.apply(tall, &mut Draws::of_sample(0, 0, 0)).expect("a picture");
        assert_eq!(boxed.planes[0].iter().filter(|&&pixel| pixel == 5.0).count(), 4);
    }
}
