//! Text of which it is known how wide it is: no wider, in any of the usual fonts without serifs, than it is reckoned here.
//!
//! The widths are the larger of DejaVu Sans and Liberation Sans (Arial's), the widest of those that browsers take where a page
//! asks for `system-ui` or `sans-serif`; `cli/tests/browser.rs` measures what one really makes of them.

use super::Area;

/// A line of text.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its pieces, one after the other.
    pub pieces: Vec<(Style, String)>,
    /// Where its anchor is: the base line's point.
    pub at: [f64; 2],
    /// Which point of it that is.
    pub anchor: Anchor,
}

/// Which point of a text is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
}

/// How letters look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// As most.
    Plain,
    /// What one looks for first.
    Bold,
    /// Shapes and costs, smaller.
    Small,
    /// The name of the network.
    Title,
}

impl Style {
    /// The size of its letters.
    pub fn size(self) -> f64 {
        match self {
            Style::Plain | Style::Bold => 12.0,
            Style::Small => 11.0,
            Style::Title => 15.0,
        }
    }

    /// Its class in SVG.
    pub fn class(self) -> &'static str {
        match self {
            Style::Plain => "ink",
            Style::Bold => "ink bold",
            Style::Small => "faint small",
            Style::Title => "ink head",
        }
    }
}

/// The most that a piece of text takes; what is longer loses its middle.
const WIDEST: f64 = 300.0;

impl Text {
    /// A text of these pieces, not placed yet. Empty ones are left out, long ones cut.
    pub fn of<const COUNT: usize>(pieces: [(Style, String); COUNT]) -> Text {
        let pieces = pieces.into_iter().filter(|(_, text)| !text.is_empty());
        let pieces = pieces.map(|(style, text)| (style, cut(style, &text))).collect();
        Text { pieces, at: [0.0, 0.0], anchor: Anchor::Start }
    }

    /// The same, placed.
    pub fn at(self, at: [f64; 2], anchor: Anchor) -> Text {
        Text { at, anchor, ..self }
    }

    /// How wide it is at the most.
    pub fn width(&self) -> f64 {
        self.pieces.iter().map(|(style, text)| width(*style, text)).sum()
    }

    /// What it covers.
    pub fn area(&self) -> Area {
        let (width, size) = (self.width(), self.size());
        let x = match self.anchor {
            Anchor::Start => self.at[0],
            Anchor::Middle => self.at[0] - width / 2.0,
        };
        Area { x, y: self.at[1] - size * 0.95, width, height: size * 1.25 }
    }

    /// The size of its largest letters.
    fn size(&self) -> f64 {
        self.pieces.iter().map(|(style, _)| style.size()).fold(0.0, f64::max)
    }
}

/// A text without so much of its middle that it is no wider than the widest.
fn cut(style: Style, text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
    if width(style, &text) <= WIDEST {
        return text;
    }
    let half = (WIDEST - width(style, "…")) / 2.0;
    let fitting = |letters: &mut dyn Iterator<Item = char>| {
        let mut taken = 0.0;
        letters
            .take_while(|&letter| {
                taken += letter_width(style, letter);
                taken <= half
            })
            .collect::<Vec<char>>()
    };
    let (start, end) = (fitting(&mut text.chars()), fitting(&mut text.chars().rev()));
    start.into_iter().chain(['…']).chain(end.into_iter().rev()).collect()
}

fn width(style: Style, text: &str) -> f64 {
    text.chars().map(|letter| letter_width(style, letter)).sum()
}

fn letter_width(style: Style, letter: char) -> f64 {
    let table = match style {
        Style::Plain | Style::Small => &REGULAR,
        Style::Bold | Style::Title => &BOLD,
    };
    let known = (letter as usize).checked_sub(0x20).and_then(|place| table.get(place)).copied();
    let thousandths = known.unwrap_or(match letter {
        '·' => 380,
        '–' => 557,
        '×' | '≥' => 838,
        '…' => 1000,
        // Latin letters of all kinds, Greek, Cyrillic; and everything up to what is drawn as a picture.
        _ => 1600,
    });
    f64::from(thousandths) / 1000.0 * style.size()
}

/// The widths of ASCII's letters from the blank on, in thousandths of their size.
const REGULAR: [u16; 95] = [
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337, 637, 637, 637, 637, 637, 637, 637,
    637, 637, 637, 337, 337, 838, 838, 838, 557, 1016, 685, 687, 723, 771, 667, 611, 778, 752, 295, 500, 667, 558, 863,
    749, 788, 667, 788, 723, 667, 611, 732, 685, 989, 686, 667, 686, 391, 337, 391, 838, 557, 500, 613, 635, 550, 635,
    616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637,
    337, 637, 838,
];
const BOLD: [u16; 95] = [
    349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366, 696, 696, 696, 696, 696, 696, 696,
    696, 696, 696, 400, 400, 838, 838, 838, 611, 1000, 774, 763, 734, 831, 684, 684, 821, 837, 373, 557, 775, 638, 996,
    837, 851, 733, 851, 771, 721, 683, 813, 774, 1104, 771, 725, 726, 458, 366, 458, 838, 557, 500, 675, 716, 593, 716,
    679, 436, 716, 712, 343, 343, 666, 343, 1042, 712, 688, 716, 716, 494, 596, 479, 712, 652, 924, 646, 652, 583, 712,
    366, 712, 838,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lose_their_middle() {
        let long = "a".repeat(100_000) + "z";
        let text = Text::of([(Style::Plain, long)]);
        assert!(text.width() <= WIDEST && text.width() > WIDEST - 20.0, "{}", text.width());
        assert!(text.pieces[0].1.starts_with("aaaa") && text.pieces[0].1.ends_with("aaaz"));
        assert_eq!(Text::of([(Style::Plain, "a\u{1b}b".into()), (Style::Bold, String::new())]).pieces.len(), 1);
    }
}
