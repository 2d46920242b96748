//! Boxes and frames: how items look, and how large they are.

use super::super::facts::Fact;
use super::super::outline::{Content, Item, name_in};
use super::body::body;
use super::fragment::{Drawing, Fragment};
use super::legend::shade;
use super::{Anchor, Area, Box, Frame, Kind, Picture, Style, Text};
use crate::numbers::grouped;
use cnnc_compiler::summary::Cost;

/// From one line of text to the next.
const LINE: f64 = 17.0;
/// Around the text of a box.
const PADDING: [f64; 2] = [10.0, 6.0];
/// Around what is in a frame, and the line of its title.
const MARGIN: f64 = 10.0;
const TITLE: f64 = 24.0;
/// Between a frame's title and the line that goes by.
const BESIDE: f64 = 8.0;

/// An item in a block of that path; `None` where there is more than is drawn.
pub fn item(drawing: &Drawing<'_>, item: &Item, around: &str, level: usize) -> Option<Fragment> {
    match drawing.view.inside(item) {
        Some(inside) => {
            let path = match &item.content {
                Content::Run(run) => run.body.items.first().map_or(&item.path, |first| &first.path),
                _ => &item.path,
            };
            Some(framed(drawing, item, body(drawing, inside, path, level + 1)?, around, level))
        }
        None => Some(boxed(drawing, item, around)),
    }
}

/// A closed item.
fn boxed(drawing: &Drawing<'_>, item: &Item, around: &str) -> Fragment {
    let lines = lines(drawing, item, around);
    let width = lines.iter().map(Text::width).fold(0.0, f64::max) + 2.0 * PADDING[0];
    let height = lines.len() as f64 * LINE + 2.0 * PADDING[1];
    let line = |(text, number): (Text, usize)| {
        let y = PADDING[1] + LINE * number as f64 + 12.5;
        match item.content {
            Content::Input(_) | Content::Output(_) => text.at([width / 2.0, y], Anchor::Middle),
            Content::Layers(_) | Content::Block(_) | Content::Run(_) => text.at([PADDING[0], y], Anchor::Start),
        }
    };
    let texts = lines.into_iter().zip(0..).map(line).collect();
    let kind = match item.content {
        Content::Input(_) | Content::Output(_) => Kind::Port,
        Content::Layers(_) => Kind::Layers,
        Content::Block(_) => Kind::Block,
        Content::Run(_) => Kind::Run,
    };
    let area = Area { x: 0.0, y: 0.0, width, height };
    let shade = shade(item.cost, drawing.facts.cost);
    let one = Box { area, kind, shade, texts, hint: hint(drawing, item) };
    // The sheets behind the first of a run.
    let behind = if kind == Kind::Run { 6.0 } else { 0.0 };
    Fragment {
        picture: Picture { boxes: vec![one], ..Picture::default() },
        width: width + behind,
        height: height + behind,
        middle: width / 2.0,
        is_box: true,
        ..Fragment::default()
    }
}

/// An open one around what is in it.
fn framed(drawing: &Drawing<'_>, item: &Item, inside: Fragment, around: &str, level: usize) -> Fragment {
    let title = head(item, around, Style::Small);
    let [inner, wide] = [inside.width, title.width()];
    // The line that comes in passes the title on one side.
    let lines: Vec<f64> = inside.entries.values().map(|entry| MARGIN + entry).collect();
    let first = lines.iter().copied().fold(f64::INFINITY, f64::min);
    let last = lines.iter().copied().fold(0.0, f64::max);
    let (start, width) = match first {
        first if first >= MARGIN + wide + BESIDE => (MARGIN, inner + 2.0 * MARGIN),
        first if first.is_infinite() => (MARGIN, (inner + 2.0 * MARGIN).max(wide + 2.0 * MARGIN)),
        _ => (last + BESIDE, (inner + 2.0 * MARGIN).max(last + BESIDE + wide + MARGIN)),
    };
    let height = TITLE + inside.height + MARGIN;
    let frame = Frame {
        area: Area { x: 0.0, y: 0.0, width, height },
        level,
        title: title.at([start, 16.0], Anchor::Start),
        hint: hint(drawing, item),
    };
    let mut picture = Picture { frames: vec![frame], ..Picture::default() };
    // The first line comes from the frame's edge, the last goes to it.
    for &x in inside.entries.values() {
        picture.edges.push(super::Edge { points: vec![[MARGIN + x, 0.0], [MARGIN + x, TITLE]], arrow: false });
    }
    for &x in inside.exits.values() {
        let points = vec![[MARGIN + x, height - MARGIN], [MARGIN + x, height]];
        picture.edges.push(super::Edge { points, arrow: false });
    }
    picture.add(inside.picture, [MARGIN, TITLE]);
    let moved =
        |places: std::collections::HashMap<_, f64>| places.into_iter().map(|(value, x)| (value, x + MARGIN)).collect();
    Fragment {
        picture,
        width,
        height,
        middle: MARGIN + inside.middle,
        entries: moved(inside.entries),
        exits: moved(inside.exits),
        is_box: false,
    }
}

/// `layer1.0  Bottleneck ×3`
fn head(item: &Item, around: &str, style: Style) -> Text {
    let name = item.name_in(around);
    let gap = if name.is_empty() { "" } else { "  " };
    Text::of([(style, format!("{name}{gap}")), (Style::Bold, item.class())])
}

/// What stands in a box.
fn lines(drawing: &Drawing<'_>, item: &Item, around: &str) -> Vec<Text> {
    match &item.content {
        Content::Input(_) | Content::Output(_) => vec![Text::of([(Style::Bold, item.path.to_string())])],
        Content::Layers(layers) => {
            let facts = layers.iter().filter_map(|&layer| drawing.facts.of(layer));
            facts.map(|fact| layer(fact, around)).collect()
        }
        Content::Block(_) | Content::Run(_) => {
            let cost = Text::of([(Style::Small, cost_in_words(item.cost))]);
            std::iter::once(head(item, around, Style::Plain)).chain((!cost.pieces.is_empty()).then_some(cost)).collect()
        }
    }
}

/// `conv1  Conv2d 7×7, stride 2`
fn layer(fact: &Fact, around: &str) -> Text {
    let name = name_in(&fact.path, around);
    let gap = if name.is_empty() { "" } else { "  " };
    let arguments = short_arguments(fact);
    let before = if arguments.is_empty() { "" } else { " " };
    Text::of([
        (Style::Plain, format!("{name}{gap}")),
        (Style::Bold, fact.layer.to_owned()),
        (Style::Plain, format!("{before}{arguments}")),
    ])
}

/// Of a layer's arguments those that people draw: `7×7, stride 2`.
pub fn short_arguments(fact: &Fact) -> String {
    let value = |name: &str| {
        let (_, rest) = fact.arguments.split_once(&format!("{name}="))?;
        let rest = match rest.strip_prefix('(') {
            Some(tuple) => tuple.split_once(')')?.0,
            None => rest.split(',').next()?,
        };
        let sizes: Vec<&str> = rest.split(',').map(str::trim).filter(|size| !size.is_empty()).collect();
        Some(sizes)
    };
    let dimensions = fact.layer.strip_suffix('d').and_then(|name| name.chars().last()?.to_digit(10)).unwrap_or(1);
    let kernel = value("kernel_size").map(|sizes| match sizes.as_slice() {
        [one] => vec![*one; dimensions as usize].join("×"),
        sizes => sizes.join("×"),
    });
    let stride =
        value("stride").filter(|sizes| sizes.iter().any(|size| *size != "1")).map(|sizes| match sizes.as_slice() {
            [first, rest @ ..] if rest.iter().all(|size| size == first) => format!("stride {first}"),
            sizes => format!("stride {}", sizes.join("×")),
        });
    kernel.into_iter().chain(stride).collect::<Vec<_>>().join(", ")
}

/// `75.0 k parameters · 231 M MACs`; nothing of what costs nothing.
pub fn cost_in_words(cost: Cost) -> String {
    let parameters = (cost.parameters > 0).then(|| format!("{} params", rounded(cost.parameters)));
    let macs = cost.macs.filter(|&macs| macs > 0).map(|macs| format!("{} MACs", rounded(macs)));
    parameters.into_iter().chain(macs).collect::<Vec<_>>().join(" · ")
}

/// `11.7 M`
pub fn rounded(number: u64) -> String {
    const UNITS: [&str; 4] = ["k", "M", "G", "T"];
    if number < 1000 {
        return number.to_string();
    }
    let mut amount = number as f64 / 1e3;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1e3;
        unit += 1;
    }
    let digits = if amount < 9.995 { 2 } else { usize::from(amount < 99.95) };
    format!("{amount:.digits$} {}", UNITS[unit])
}

/// What hovering says: everything, a line a layer.
fn hint(drawing: &Drawing<'_>, item: &Item) -> String {
    match &item.content {
        Content::Input(place) => {
            let input = drawing.shaped.graph.inputs.get(*place);
            input.map(|input| format!("{} {}", input.name, input.shape)).unwrap_or_default()
        }
        Content::Output(place) => {
            let output = drawing.shaped.graph.outputs.get(*place);
            output.map(|output| format!("{} {}", output.name, drawing.shaped.shape(output.node))).unwrap_or_default()
        }
        Content::Layers(layers) => {
            let facts = layers.iter().filter_map(|&layer| drawing.facts.of(layer));
            facts.map(Fact::in_words).collect::<Vec<_>>().join("\n")
        }
        Content::Block(_) | Content::Run(_) => format!("{} {}, {}", item.path, item.class(), costs(item.cost)),
    }
}

impl Fact {
    /// `Conv2d(3, 64, kernel_size=(7, 7), …)`
    pub fn call(&self) -> String {
        format!("{}({})", self.layer, self.arguments)
    }

    /// `9,408 parameters, 118,013,952 MACs, receptive field 7×7`
    pub fn costs(&self) -> String {
        let field = self.receptive_field.map(|field| format!(", receptive field {field}")).unwrap_or_default();
        format!("{}{field}", costs(self.cost))
    }

    /// `conv1 Conv2d(3, 64, …): [N, 64, 112, 112], 9,408 parameters, 118,013,952 MACs, receptive field 7×7`
    fn in_words(&self) -> String {
        format!("{} {}: {}, {}", self.path, self.call(), self.shape, self.costs())
    }
}

/// `9,408 parameters, 118,013,952 MACs`
pub fn costs(cost: Cost) -> String {
    let macs = cost.macs.map_or_else(|| "MACs open".to_owned(), |macs| format!("{} MACs", grouped(macs)));
    format!("{} parameters, {macs}", grouped(cost.parameters))
}
