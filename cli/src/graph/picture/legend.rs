//! What stands around the network: its name and what it costs above, what the colours mean below.

use super::boxes::cost_in_words;
use super::fragment::{Drawing, Fragment};
use super::{Anchor, Area, Box, Kind, Label, Picture, Style, Text};
use cnnc_compiler::summary::Cost;

/// Around everything.
const MARGIN: f64 = 20.0;
/// From one line of text to the next.
const LINE: f64 = 20.0;
/// The colour of a key, and from one key to the next.
const KEY: f64 = 13.0;
const APART: f64 = 16.0;

/// What each colour means: the largest share of all multiply-adds that has it, and that in words. Nothing has the first.
pub const SHADES: [(f64, &str); 6] =
    [(0.0, "none"), (0.01, "up to 1 %"), (0.03, "up to 3 %"), (0.1, "up to 10 %"), (0.3, "up to 30 %"), (1.0, "more")];

/// The colour of what costs so much of a total.
pub fn shade(cost: Cost, total: Cost) -> Option<usize> {
    let (macs, total) = (cost.macs?, total.macs?);
    let share = macs as f64 / total.max(1) as f64;
    SHADES.iter().position(|(most, _)| share <= *most).or(Some(SHADES.len() - 1))
}

/// The whole picture.
pub fn framed(drawing: &Drawing<'_>, network: Fragment) -> Picture {
    let title = Text::of([
        (Style::Title, drawing.shaped.graph.name.to_string()),
        (Style::Small, format!("   {}", cost_in_words(drawing.facts.cost))),
    ]);
    let sizes = drawing.facts.sizes_in_words(drawing.shaped);
    let at = if sizes.is_empty() { String::new() } else { format!(", at {sizes}") };
    let keys = keys(drawing, &format!("share of the MACs{at}:"));
    let (width, height) = (network.width, network.height);
    // A narrow network has its keys below each other.
    let widest = keys.iter().map(|(text, _)| key_width(text)).fold(title.width(), f64::max);
    let inner = width.max(widest);
    let mut picture = Picture::default();
    let top = MARGIN + LINE + 10.0;
    picture.add(network.picture, [MARGIN + (inner - width) / 2.0, top]);
    picture.texts.push(Label { text: title.at([MARGIN, MARGIN + 12.0], Anchor::Start), level: 0 });
    let (mut x, mut y) = (0.0, top + height + 14.0);
    for (text, shade) in keys {
        let step = if shade.is_some() { key_width(&text) } else { text.width() };
        if x > 0.0 && x + step > inner {
            (x, y) = (0.0, y + LINE);
        }
        let left = match shade {
            None => MARGIN + x,
            Some(shade) => {
                let area = Area { x: MARGIN + x, y, width: KEY, height: KEY };
                let hint = text.pieces.iter().map(|(_, text)| text.as_str()).collect();
                picture.boxes.push(Box { area, kind: Kind::Key, shade: Some(shade), texts: Vec::new(), hint });
                MARGIN + x + KEY + 5.0
            }
        };
        picture.texts.push(Label { text: text.at([left, y + 10.5], Anchor::Start), level: 0 });
        x += step + APART;
    }
    picture.size = [inner + 2.0 * MARGIN, y + KEY + MARGIN];
    picture
}

fn key_width(text: &Text) -> f64 {
    text.width() + KEY + 5.0
}

/// What the colours mean; nothing where no multiply-add is known.
fn keys(drawing: &Drawing<'_>, head: &str) -> Vec<(Text, Option<usize>)> {
    if drawing.facts.cost.macs.is_none_or(|macs| macs == 0) {
        return Vec::new();
    }
    let text = |words: &str| Text::of([(Style::Small, words.to_owned())]);
    let keys = SHADES.iter().enumerate().map(|(shade, (_, words))| (text(words), Some(shade)));
    std::iter::once((text(head), None)).chain(keys).collect()
}
