//! Pictures of pixels: kernels and feature maps as grids of tiles with a caption, written as PNG.
//!
//! Numbers come in; colours go out. Tiles of one picture share a scale, so that they can be compared: from the least to the
//! largest number as black to white, or, where numbers of both signs are weights, from blue through white to red around zero.

use cnnc_runtime::Result;
use cnnc_runtime::input::png;
use font8x8::UnicodeFonts;

/// Pixels between tiles and around the whole.
const GAP: usize = 2;
/// Pixels around everything.
const MARGIN: usize = 8;
/// Pixels of a line of text, with the room below it.
const LINE: usize = 12;
/// Pixels of a character.
const CHARACTER: usize = 8;
/// Pixels that the longer side of a tile has at least, among many and among a few.
const TILE: [usize; 2] = [72, 224];
/// Tiles that are a few.
const FEW: usize = 4;
/// Pixels that the longer side of a picture of a sheet has, where it is smaller.
const SHOWN: usize = 160;
/// Characters that a caption has room for, at least.
const LEAST_CAPTION: usize = 18;
/// The widest grid, in pixels.
const WIDEST: usize = 900;

/// Red, green and blue.
type Colour = [u8; 3];

const PAPER: Colour = [255, 255, 255];
/// Between tiles, so that a white one has an edge.
const BETWEEN: Colour = [196, 202, 210];
const INK: Colour = [31, 35, 40];
const FAINT: Colour = [93, 102, 112];
const FRAME: Colour = [233, 84, 32];
/// Pixels.
const FRAME_WIDTH: usize = 2;
const NOT_FINITE: Colour = [255, 0, 255];

/// How numbers become colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Black for the first number, white for the second.
    Grey(f32, f32),
    /// Blue for minus the number, white for zero, red for the number.
    Diverging(f32),
}

impl Scale {
    /// From the least to the largest finite number.
    pub fn grey(values: &[f32]) -> Scale {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high { Scale::Grey(0.0, 0.0) } else { Scale::Grey(low, high) }
    }

    /// Around zero, as far as the largest size.
    pub fn diverging(values: &[f32]) -> Scale {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        Scale::Diverging(finite.fold(0.0, |most, value| most.max(value.abs())))
    }

    fn colour(self, value: f32) -> Colour {
        if !value.is_finite() {
            return NOT_FINITE;
        }
        let byte = |share: f32| (255.0 * share.clamp(0.0, 1.0)).round() as u8;
        match self {
            Scale::Grey(low, high) if high > low => {
                let grey = byte((value - low) / (high - low));
                [grey, grey, grey]
            }
            Scale::Grey(..) => [128, 128, 128],
            Scale::Diverging(most) => {
                let share = if most > 0.0 { (value / most).clamp(-1.0, 1.0) } else { 0.0 };
                let faded = byte(1.0 - share.abs());
                if share >= 0.0 { [255, faded, faded] } else { [faded, faded, 255] }
            }
        }
    }

    /// What the colours mean: `black −1.2, white 3.4`.
    pub fn legend(self) -> String {
        match self {
            Scale::Grey(low, high) if high > low => format!("black {low:.4}, white {high:.4}"),
            Scale::Grey(low, _) => format!("all {low:.4}"),
            Scale::Diverging(most) => format!("blue -{most:.4}, white 0, red {most:.4}"),
        }
    }
}

/// Pixels of red, green and blue.
struct Pixels {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Pixels {
    fn blank(width: usize, height: usize) -> Pixels {
        Pixels { width, height, bytes: PAPER.repeat(width * height) }
    }

    /// Colours a pixel; one outside the picture is left out.
    fn put(&mut self, x: usize, y: usize, colour: Colour) {
        let at = 3 * (y * self.width + x);
        if x < self.width
            && let Some(pixel) = self.bytes.get_mut(at..at + 3)
        {
            pixel.copy_from_slice(&colour);
        }
    }

    /// A frame just around the pixels from `across.0` and `down.0` up to, but without, `across.1` and `down.1`.
    fn outline(&mut self, [left, top]: [usize; 2], across: (usize, usize), down: (usize, usize)) {
        let [x, y] = [(left, across), (top, down)]
            .map(|(at, (first, end))| ((at + first).saturating_sub(FRAME_WIDTH), at + end + FRAME_WIDTH));
        for thick in 0..FRAME_WIDTH {
            for column in x.0..x.1 {
                self.put(column, y.0 + thick, FRAME);
                self.put(column, y.1 - 1 - thick, FRAME);
            }
            for row in y.0..y.1 {
                self.put(x.0 + thick, row, FRAME);
                self.put(x.1 - 1 - thick, row, FRAME);
            }
        }
    }

    /// Text from that place on; a character without a shape is a blank.
    fn write(&mut self, [left, top]: [usize; 2], text: &str, ink: Colour) {
        for (number, character) in text.chars().enumerate() {
            let Some(rows) = font8x8::BASIC_FONTS.get(character).or_else(|| font8x8::LATIN_FONTS.get(character)) else {
                continue;
            };
            for (y, row) in rows.into_iter().enumerate() {
                for x in (0..CHARACTER).filter(|x| row >> x & 1 == 1) {
                    self.put(left + number * CHARACTER + x, top + y, ink);
                }
            }
        }
    }
}

/// Tiles of one size side by side, `planes` of `height` times `width` numbers, with lines of text above, as a PNG file.
///
/// # Errors
/// E604 when the picture cannot be encoded.
pub fn grid(captions: &[String], planes: &[&[f32]], size: [usize; 2], scale: Scale) -> Result<Vec<u8>> {
    framed(captions, planes, size, scale, None)
}

/// A grid whose tiles have a frame around `rows` and `columns`, from the first to the last.
///
/// # Errors
/// As [`grid`].
pub fn framed(
    captions: &[String],
    planes: &[&[f32]],
    size: [usize; 2],
    scale: Scale,
    frame: Option<[(usize, usize); 2]>,
) -> Result<Vec<u8>> {
    let Pixels { width, height, bytes } = pixels(captions, planes, size, scale, frame);
    png(width, height, &bytes)
}

fn pixels(
    captions: &[String],
    planes: &[&[f32]],
    size: [usize; 2],
    scale: Scale,
    frame: Option<[(usize, usize); 2]>,
) -> Pixels {
    let [height, width] = size.map(|size| size.max(1));
    let longer = height.max(width);
    let enlarged = TILE[usize::from(planes.len() <= FEW)].div_ceil(longer);
    let (tall, wide) = (height * enlarged, width * enlarged);
    let count = planes.len().max(1);
    let even = ((count * tall) as f64 / wide as f64).sqrt().ceil() as usize;
    let columns = even.clamp(1, count).min((WIDEST / (wide + GAP)).max(1));
    let rows = count.div_ceil(columns);
    let text = captions.iter().map(|caption| caption.chars().count() * CHARACTER).max().unwrap_or(0);
    let head = MARGIN + LINE * captions.len();
    let whole_width = (columns * (wide + GAP)).max(text) + 2 * MARGIN;
    let mut picture = Pixels::blank(whole_width, head + rows * (tall + GAP) + MARGIN);
    for (number, caption) in captions.iter().enumerate() {
        let ink = if number == 0 { INK } else { FAINT };
        picture.write([MARGIN, MARGIN + LINE * number], caption, ink);
    }
    for y in 0..rows * (tall + GAP) + GAP {
        for x in 0..columns * (wide + GAP) + GAP {
            picture.put(MARGIN - GAP + x, head - GAP + y, BETWEEN);
        }
    }
    for (number, plane) in planes.iter().enumerate() {
        let (left, top) = (MARGIN + number % columns * (wide + GAP), head + number / columns * (tall + GAP));
        for y in 0..tall {
            for x in 0..wide {
                let value = plane.get(y / enlarged * width + x / enlarged).copied().unwrap_or(0.0);
                picture.put(left + x, top + y, scale.colour(value));
            }
        }
        if let Some([rows, columns]) = frame {
            let [across, down] = [columns, rows].map(|(first, last)| (first * enlarged, (last + 1) * enlarged));
            picture.outline([left, top], across, down);
        }
    }
    picture
}

/// A picture with what it is called.
pub struct Tile {
    /// Below it.
    pub caption: String,
    /// One plane or three, a byte a pixel.
    pub planes: Vec<Vec<u8>>,
}

/// Pictures of one size side by side, each with its caption below, under a title, as a PNG file.
///
/// # Errors
/// E604 when the picture cannot be encoded.
pub fn sheet(title: &str, tiles: &[Tile], size: [usize; 2]) -> Result<Vec<u8>> {
    let [height, width] = size.map(|size| size.max(1));
    let enlarged = (SHOWN / height.max(width)).max(1);
    let (tall, wide) = (height * enlarged, width * enlarged);
    let cell = [tall + LINE + GAP, wide.max(LEAST_CAPTION * CHARACTER) + 2 * GAP];
    let columns = (WIDEST / cell[1]).clamp(1, tiles.len().max(1));
    let rows = tiles.len().div_ceil(columns);
    let whole = (columns * cell[1]).max(title.chars().count() * CHARACTER) + 2 * MARGIN;
    let mut picture = Pixels::blank(whole, MARGIN + LINE + rows * cell[0] + MARGIN);
    picture.write([MARGIN, MARGIN], title, INK);
    for (number, tile) in tiles.iter().enumerate() {
        let (left, top) = (MARGIN + number % columns * cell[1], MARGIN + LINE + number / columns * cell[0]);
        for (y, x) in (0..tall).flat_map(|y| (0..wide).map(move |x| (y, x))) {
            let at = y / enlarged * width + x / enlarged;
            picture.put(left + x, top + y, colour_at(&tile.planes, at));
        }
        let room = (cell[1] - GAP) / CHARACTER;
        let caption: String = tile.caption.chars().take(room).collect();
        picture.write([left, top + tall + GAP], &caption, FAINT);
    }
    png(picture.width, picture.height, &picture.bytes)
}

/// One picture of planes of `height` times `width` pixels, as a PNG file.
///
/// # Errors
/// E604 when the picture cannot be encoded.
pub fn coloured(planes: &[Vec<u8>], [height, width]: [usize; 2]) -> Result<Vec<u8>> {
    let bytes: Vec<u8> = (0..height * width).flat_map(|at| colour_at(planes, at)).collect();
    png(width, height, &bytes)
}

/// The colour of a pixel: of one plane its grey, else of the first three red, green and blue.
fn colour_at(planes: &[Vec<u8>], at: usize) -> Colour {
    [0, 1, 2].map(|channel: usize| {
        let plane = planes.get(channel.min(planes.len().saturating_sub(1)));
        plane.and_then(|plane| plane.get(at)).copied().unwrap_or(0)
    })
}

/// The darkest to the lightest shade of the terminal.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// Planes side by side in shades of the terminal, two characters a pixel, every other row and column left out until each is
/// `widest` characters at most.
pub fn shaded(planes: &[&[f32]], [height, width]: [usize; 2], scale: Scale, widest: usize) -> String {
    let step = (2 * width).div_ceil(widest.max(2)).max(1);
    let shade = |value: f32| {
        let share = match scale {
            Scale::Grey(low, high) if high > low => (value - low) / (high - low),
            Scale::Grey(..) => 0.5,
            Scale::Diverging(most) if most > 0.0 => (value / most + 1.0) / 2.0,
            Scale::Diverging(_) => 0.5,
        };
        let place = if share.is_finite() { (share * 4.0).round().clamp(0.0, 4.0) as usize } else { 0 };
        SHADES[place]
    };
    let mut text = String::new();
    for y in (0..height).step_by(step) {
        let rows: Vec<String> = planes
            .iter()
            .map(|plane| {
                let row = (0..width).step_by(step).filter_map(|x| plane.get(y * width + x));
                row.flat_map(|&value| [shade(value); 2]).collect()
            })
            .collect();
        text += rows.join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_colours() {
        let grey = Scale::grey(&[-1.0, f32::NAN, 3.0]);
        assert_eq!(grey, Scale::Grey(-1.0, 3.0));
        assert_eq!((grey.colour(-1.0), grey.colour(1.0), grey.colour(3.0)), ([0; 3], [128; 3], [255; 3]));
        assert_eq!(grey.colour(f32::NAN), NOT_FINITE);
        let weights = Scale::diverging(&[-2.0, 1.0]);
        assert_eq!((weights.colour(-2.0), weights.colour(0.0)), ([0, 0, 255], PAPER));
        assert_eq!(Scale::grey(&[]).colour(0.0), [128; 3]);
        assert_eq!(weights.legend(), "blue -2.0000, white 0, red 2.0000");
    }

    #[test]
    fn tiles_lie_side_by_side_under_their_captions() {
        let planes: Vec<Vec<f32>> = (0..6).map(|plane| vec![plane as f32; 25]).collect();
        let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        let (captions, scale) = (["0 Conv2d".into(), "black 0, white 5".into()], Scale::Grey(0.0, 5.0));
        assert!(grid(&captions, &planes, [5, 5], scale).unwrap().starts_with(b"\x89PNG"));
        let picture = pixels(&captions, &planes, [5, 5], scale, None);
        // Three by two tiles of 75 pixels.
        assert_eq!(picture.height, MARGIN + 2 * LINE + 2 * (75 + GAP) + MARGIN);
        let grey = |column: usize, row: usize| {
            let (x, y) = (MARGIN + column * (75 + GAP) + 3, MARGIN + 2 * LINE + row * (75 + GAP) + 3);
            picture.bytes[3 * (y * picture.width + x)]
        };
        assert_eq!([grey(0, 0), grey(1, 0), grey(2, 0), grey(0, 1), grey(2, 1)], [0, 51, 102, 153, 255]);
        assert!(picture.bytes.chunks(3).any(|pixel| pixel == INK), "a caption");
    }

    #[test]
    fn a_sheet_has_its_pictures_in_their_colours() {
        let tile = |colour: [u8; 3]| Tile { caption: "cat".into(), planes: colour.map(|part| vec![part; 4]).to_vec() };
        let grey = Tile { caption: "a caption that is longer than its room".into(), planes: vec![vec![9; 4]] };
        let png = sheet("title", &[tile([1, 2, 3]), grey], [2, 2]).unwrap();
        let model = cnnc_runtime::Model::from_text("m.cnn", "model M { input [N, 3, H, W]; ReLU }").unwrap();
        let read = cnnc_runtime::Preprocess::of(&model, 0).unwrap().encoded(&[&png]).unwrap();
        let &[_, _, height, width] = read.shape() else { panic!("{:?}", read.shape()) };
        let at = |channel: usize, x: usize| {
            let place = (channel * height + MARGIN + LINE + 5) * width + MARGIN + x;
            (255.0 * read.data()[place]).round()
        };
        assert_eq!([0, 1, 2].map(|channel| at(channel, 5)), [1.0, 2.0, 3.0]);
        assert_eq!([0, 1, 2].map(|channel| at(channel, SHOWN + 2 * GAP + 5)), [9.0; 3]);
    }

    #[test]
    fn a_frame_lies_around_what_it_frames() {
        let plane = [0.5; 20];
        let picture = pixels(&[], &[&plane], [4, 5], Scale::Grey(0.0, 1.0), Some([(1, 2), (3, 4)]));
        let (enlarged, at) = (TILE[1].div_ceil(5), |x: usize, y: usize| 3 * (y * picture.width + x));
        let (left, top) = (MARGIN + 3 * enlarged, MARGIN + enlarged);
        let is_frame = |x: usize, y: usize| picture.bytes[at(x, y)..at(x, y) + 3] == FRAME;
        assert!(is_frame(left - 1, top + 5) && is_frame(left + 5, top - 1) && is_frame(left + 5, top + 2 * enlarged));
        assert!(is_frame(left + 2 * enlarged, top) && !is_frame(left, top) && !is_frame(left - 3, top));
    }

    #[test]
    fn shades_of_the_terminal() {
        let text = shaded(&[&[0.0, 1.0, 2.0, 4.0], &[4.0; 4]], [2, 2], Scale::Grey(0.0, 4.0), 40);
        assert_eq!(text, "  ░░  ████\n▒▒██  ████\n");
    }
}
