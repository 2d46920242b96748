//! What every SVG of cnnc shares: its frame, its colours for light and dark surroundings, and text that is safe in it.

use std::fmt::Write;

/// Colours by class; the second set holds where the reader's surroundings are dark. What takes a colour away stands behind them.
const STYLE: &str = "
.paper { fill: #ffffff } .grid { stroke: #e3e6ea } .axis { stroke: #8a929b } .ink { fill: #1f2328 } .faint { fill: #5d6670 }
.train { stroke: #2f6fde; fill: #2f6fde } .validation { stroke: #d9600d; fill: #d9600d } .accuracy { stroke: #15803d; fill: #15803d }
.cell { fill: #2f6fde } .on { fill: #ffffff }
.run0 { stroke: #2f6fde; fill: #2f6fde } .run1 { stroke: #d9600d; fill: #d9600d } .run2 { stroke: #15803d; fill: #15803d }
.run3 { stroke: #a626a4; fill: #a626a4 } .run4 { stroke: #0e7f92; fill: #0e7f92 } .run5 { stroke: #a6341b; fill: #a6341b }
.run6 { stroke: #5a6472; fill: #5a6472 } .run7 { stroke: #8a6d00; fill: #8a6d00 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round } .label { stroke: none; font-weight: 600 }
text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif } .title { font-size: 14px; font-weight: 600 }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 } .grid { stroke: #262c34 } .axis { stroke: #6e7781 } .ink { fill: #e6edf3 } .faint { fill: #9aa4af }
.train { stroke: #6ea8ff; fill: #6ea8ff } .validation { stroke: #ff9e57; fill: #ff9e57 } .accuracy { stroke: #4cc878; fill: #4cc878 }
.cell { fill: #6ea8ff } .on { fill: #0d1117 }
.run0 { stroke: #6ea8ff; fill: #6ea8ff } .run1 { stroke: #ff9e57; fill: #ff9e57 } .run2 { stroke: #4cc878; fill: #4cc878 }
.run3 { stroke: #d98cff; fill: #d98cff } .run4 { stroke: #4fc3d9; fill: #4fc3d9 } .run5 { stroke: #ff8a75; fill: #ff8a75 }
.run6 { stroke: #aab4c0; fill: #aab4c0 } .run7 { stroke: #e0c04f; fill: #e0c04f }
.line { fill: none } .label { stroke: none }
}";

/// A picture of that size, with what is in it.
pub fn picture(width: f64, height: f64, title: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n{body}</svg>\n",
        escaped(title)
    )
}

/// A line of text; `anchor` is `start`, `middle` or `end`.
pub fn text(body: &mut String, [x, y]: [f64; 2], class: &str, anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// Text as it may stand in SVG.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two rules for an element the later one holds: a line in a run's colour is not filled with it.
    #[test]
    fn lines_are_not_filled_and_labels_have_no_outline() {
        for part in STYLE.split("@media") {
            let last = |what: &str| part.rfind(what).expect("a rule");
            let colours = part.rfind(".run7 {").expect("colours");
            assert!(last(".line { fill: none") > colours && last(".label { stroke: none") > colours, "{part}");
        }
    }
}
