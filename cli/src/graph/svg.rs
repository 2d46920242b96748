//! A picture as SVG: one file for light and dark surroundings, with no font and no script of its own.

use super::picture::{Anchor, Area, Edge, Kind, Picture, SHADES, Text};
use crate::draw::svg::{escaped, picture};
use std::fmt::Write;

/// Colours by class; the second set holds where the reader's surroundings are dark. Frames alternate between two grounds; a
/// text that stands on a line has the ground of its frame behind it.
const STYLE: &str = "
text { white-space: pre } .small { font-size: 11px } .bold { font-weight: 600 } .head { font-size: 15px; font-weight: 600 }
.edge { fill: none; stroke: #7a838d; stroke-width: 1.3 } .tip { fill: #7a838d; stroke: none }
.frame { stroke: #b8c0c9 } .level0 { fill: #ffffff } .level1 { fill: #f3f5f8 }
.box { stroke: #7a838d } .port { fill: #1f2328; stroke: none } .on { fill: #ffffff } .open { stroke-dasharray: 4 3 }
.shade0 { fill: #ffffff } .shade1 { fill: #eaf2fd } .shade2 { fill: #d3e4fb } .shade3 { fill: #b5d1f8 } .shade4 { fill: #93bbf4 }
.shade5 { fill: #6fa3ef } .in .faint { fill: #38414a }
@media (prefers-color-scheme: dark) {
.edge { stroke: #8b949e } .tip { fill: #8b949e } .frame { stroke: #3d444d } .level0 { fill: #0d1117 } .level1 { fill: #151b23 }
.box { stroke: #6e7781 } .port { fill: #e6edf3 } .on { fill: #0d1117 }
.shade0 { fill: #1a2028 } .shade1 { fill: #172a45 } .shade2 { fill: #17345c } .shade3 { fill: #184176 } .shade4 { fill: #1a4f92 }
.shade5 { fill: #1f60b3 } .in .faint { fill: #d0d7de }
}
";

/// The whole file.
pub fn svg(drawn: &Picture, title: &str) -> String {
    let mut body = format!("<style>{STYLE}</style>\n");
    body += "<marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
             <path class=\"tip\" d=\"M0 0.5L8 4L0 7.5z\"/></marker>\n";
    for frame in &drawn.frames {
        let level = format!("frame level{}", (frame.level + 1) % 2);
        let hint = in_lines(&frame.hint);
        let _ = writeln!(body, "<g><title>{hint}</title>{}</g>", rectangle(frame.area, &level, 8.0));
    }
    for edge in &drawn.edges {
        let tip = if edge.arrow { " marker-end=\"url(#tip)\"" } else { "" };
        let _ = writeln!(body, "<path class=\"edge\" d=\"{}\"{tip}/>", path(edge));
    }
    for frame in &drawn.frames {
        text(&mut body, &frame.title, "");
    }
    for label in &drawn.texts {
        let ground = label.text.area();
        body += &rectangle(ground, &format!("level{}", label.level % 2), 2.0);
        text(&mut body, &label.text, "");
    }
    for one in &drawn.boxes {
        let shade = one
            .shade
            .filter(|&shade| shade < SHADES.len())
            .map_or(" shade0 open".into(), |shade| format!(" shade{shade}"));
        let _ = writeln!(body, "<g class=\"in\"><title>{}</title>", in_lines(&one.hint));
        match one.kind {
            Kind::Port => body += &rectangle(one.area, "port", one.area.height / 2.0),
            Kind::Run => {
                for behind in [6.0, 3.0, 0.0] {
                    let area = Area { x: one.area.x + behind, y: one.area.y + behind, ..one.area };
                    body += &rectangle(area, &format!("box{shade}"), 5.0);
                }
            }
            Kind::Layers | Kind::Block => body += &rectangle(one.area, &format!("box{shade}"), 5.0),
            Kind::Key => body += &rectangle(one.area, &format!("box{shade}"), 3.0),
        }
        let on = if one.kind == Kind::Port { " on" } else { "" };
        one.texts.iter().for_each(|line| text(&mut body, line, on));
        body += "</g>\n";
    }
    let [width, height] = drawn.size.map(f64::ceil);
    picture(width, height, title, &body)
}

fn rectangle(area: Area, class: &str, round: f64) -> String {
    let Area { x, y, width, height } = area;
    format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
    )
}

/// A line of text; pieces keep their blanks.
fn text(body: &mut String, text: &Text, class: &str) {
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
    };
    let [x, y] = text.at;
    let _ = write!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">");
    for (style, piece) in &text.pieces {
        let _ = write!(body, "<tspan class=\"{}{class}\">{}</tspan>", style.class(), escaped(piece));
    }
    body.push_str("</text>\n");
}

/// How far from a corner a line begins to turn.
const ROUND: f64 = 7.0;

/// The line through its corners: straight where two are below or beside each other, else a curve that begins and ends upright.
fn path(edge: &Edge) -> String {
    let points = &edge.points;
    let mut path = String::new();
    for (number, &[x, y]) in points.iter().enumerate() {
        let Some(&[from_x, from_y]) = number.checked_sub(1).and_then(|before| points.get(before)) else {
            let _ = write!(path, "M{x:.1} {y:.1}");
            continue;
        };
        let is_straight = |[a, b]: [f64; 2], [c, d]: [f64; 2]| (a - c).abs() < 0.05 || (b - d).abs() < 0.05;
        let next = points.get(number + 1).filter(|&&next| is_straight([x, y], next));
        if !is_straight([from_x, from_y], [x, y]) {
            let middle = (from_y + y) / 2.0;
            let _ = write!(path, "C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}");
            continue;
        }
        match next {
            Some(&[to_x, to_y]) => {
                let towards = |a: f64, b: f64| a + (b - a).clamp(-ROUND, ROUND);
                let [before, after] = [[towards(x, from_x), towards(y, from_y)], [towards(x, to_x), towards(y, to_y)]];
                let _ =
                    write!(path, "L{:.1} {:.1}Q{x:.1} {y:.1} {:.1} {:.1}", before[0], before[1], after[0], after[1]);
            }
            None => {
                let _ = write!(path, "L{x:.1} {y:.1}");
            }
        }
    }
    path
}

/// A text of several lines as it may stand in markup, also in an attribute.
pub fn in_lines(text: &str) -> String {
    text.split('\n').map(escaped).collect::<Vec<_>>().join("&#10;")
}
