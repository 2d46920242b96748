//! `curves.svg`: the losses of training and validation on the left, the accuracy on the right, by epoch.

use super::axis::Axis;
use super::svg::{picture, text};
use cnnc_runtime::train::History;
use std::fmt::Write;

/// The width of a panel, and what the last label needs besides in a wide font.
const PANEL: f64 = 440.0;
const SPARE: f64 = 24.0;
const HEIGHT: f64 = 340.0;
/// Room for tick labels on the left of a panel, for line labels on its right, above and below it.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 88.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 46.0;
/// The least distance of two labels, in pixels.
const LABEL_GAP: f64 = 15.0;

/// A line of a panel.
pub struct Series {
    /// What it is called.
    pub name: &'static str,
    /// Its class in the style.
    class: &'static str,
    /// Epochs and values, some of which may be no numbers.
    points: Vec<(f64, f64)>,
}

impl Series {
    /// The line's pieces: what is no number is a gap.
    pub fn pieces(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        self.points.split(|(_, value)| !value.is_finite()).filter(|piece| !piece.is_empty())
    }

    /// The values that are numbers.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.pieces().flatten().map(|point| point.1)
    }

    /// The last point that is a number.
    pub fn end(&self) -> Option<(f64, f64)> {
        self.pieces().last()?.last().copied()
    }
}

/// The two panels: what they are called, and their lines.
pub fn panels(history: &History) -> [(&'static str, Vec<Series>); 2] {
    let records = &history.records;
    let points = |value: &dyn Fn(&cnnc_runtime::train::Record) -> f64| {
        records.iter().map(|record| (record.epoch as f64, value(record))).collect::<Vec<(f64, f64)>>()
    };
    let train = Series { name: "train", class: "train", points: points(&|record| record.train_loss) };
    let validation = Series { name: "validation", class: "validation", points: points(&|record| record.val_loss) };
    let accuracy =
        Series { name: "validation", class: "accuracy", points: points(&|record| 100.0 * record.val_accuracy) };
    let mut right = vec![accuracy];
    if records.iter().any(|record| record.train_accuracy.is_some()) {
        let points = points(&|record| 100.0 * record.train_accuracy.unwrap_or(f64::NAN));
        right.insert(0, Series { name: "train", class: "train", points });
    }
    [("loss", vec![train, validation]), ("accuracy, %", right)]
}

/// The picture of a history of a run of so many epochs.
pub fn curves(name: &str, history: &History, epochs: usize) -> String {
    let mut body = String::new();
    let epochs = Axis::counting(epochs.max(history.records.len()), 6);
    for (position, (title, series)) in panels(history).iter().enumerate() {
        let left = position as f64 * PANEL;
        panel(&mut body, left, title, series, &epochs);
    }
    picture(2.0 * PANEL + SPARE, HEIGHT, &format!("training of {name}"), &body)
}

fn panel(body: &mut String, left: f64, title: &str, series: &[Series], epochs: &Axis) {
    let (x0, x1) = (left + LEFT, left + PANEL - RIGHT);
    let (y0, y1) = (HEIGHT - BOTTOM, TOP);
    let values = Axis::over(series.iter().flat_map(Series::values), 5);
    let x = |epoch: f64| x0 + (x1 - x0) * epochs.share(epoch);
    let y = |value: f64| y0 + (y1 - y0) * values.share(value);
    text(body, [x0, TOP - 20.0], "ink title", "start", title);
    legend(body, x1, series);
    for &tick in &values.ticks {
        line(body, "grid", [x0, y(tick)], [x1, y(tick)]);
        text(body, [x0 - 8.0, y(tick) + 4.0], "faint", "end", &values.label(tick));
    }
    line(body, "axis", [x0, y0], [x1, y0]);
    for &tick in &epochs.ticks {
        line(body, "axis", [x(tick), y0], [x(tick), y0 + 4.0]);
        text(body, [x(tick), y0 + 18.0], "faint", "middle", &epochs.label(tick));
    }
    text(body, [(x0 + x1) / 2.0, HEIGHT - 8.0], "faint", "middle", "epoch");
    for series in series {
        let class = series.class;
        for piece in series.pieces() {
            let path: Vec<String> =
                piece.iter().map(|&(epoch, value)| format!("{:.1},{:.1}", x(epoch), y(value))).collect();
            let _ = writeln!(body, "<polyline class=\"line {class}\" points=\"{}\"/>", path.join(" "));
        }
        // A piece of one point is no line; the end of each is seen as a dot.
        for &(epoch, value) in series.pieces().filter_map(|piece| piece.last()) {
            let (x, y) = (x(epoch), y(value));
            let _ = writeln!(body, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
        }
    }
    let ends: Vec<(f64, f64, f64)> =
        series.iter().filter_map(Series::end).map(|(epoch, value)| (x(epoch), y(value), value)).collect();
    let places = apart(ends.iter().map(|end| end.1).collect());
    let drawn = series.iter().filter(|series| series.end().is_some());
    for ((series, &(x, _, value)), y) in drawn.zip(&ends).zip(places) {
        let label = if title.ends_with('%') { format!("{value:.1}") } else { format!("{value:.3}") };
        let (class, label) = (format!("label {}", series.class), format!("{} {label}", series.name));
        text(body, [x + 8.0, y + 4.0], &class, "start", &label);
    }
}

/// The names of the lines, in their colours, above the panel.
fn legend(body: &mut String, right: f64, series: &[Series]) {
    let mut x = right;
    for Series { name, class, .. } in series.iter().rev() {
        text(body, [x, TOP - 20.0], "faint", "end", name);
        x -= 7.0 * name.len() as f64 + 6.0;
        line(body, &format!("line {class}"), [x - 16.0, TOP - 24.0], [x, TOP - 24.0]);
        x -= 30.0;
    }
}

/// A straight line.
fn line(body: &mut String, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
    let _ = writeln!(body, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

/// Heights of labels, moved apart where they would stand on each other.
fn apart(mut places: Vec<f64>) -> Vec<f64> {
    if let [a, b] = places.as_mut_slice() {
        let overlap = LABEL_GAP - (*a - *b).abs();
        if overlap > 0.0 {
            let (up, down) = if a <= b { (a, b) } else { (b, a) };
            *up -= overlap / 2.0;
            *down += overlap / 2.0;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use cnnc_runtime::train::Record;

    fn history(epochs: usize) -> History {
        let record = |epoch: usize| Record {
            epoch,
            train_loss: 2.3 / epoch as f64,
            train_accuracy: None,
            val_loss: 2.4 / epoch as f64,
            val_accuracy: 1.0 - 0.9 / epoch as f64,
            learning_rate: 0.1,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        History { records: (1..=epochs).map(record).collect() }
    }

    #[test]
    fn every_epoch_is_a_point_of_every_line() {
        let svg = curves("LeNet", &history(7), 10);
        let lines: Vec<&str> = svg.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.split(' ').count() == 7));
        for words in ["train 0.329", "validation 0.343", "validation 87.1", "prefers-color-scheme: dark"] {
            assert!(svg.contains(words), "{words} in\n{svg}");
        }
    }

    #[test]
    fn nothing_one_epoch_and_no_numbers_do_no_harm() {
        let mut odd = history(2);
        odd.records[1].val_loss = f64::NAN;
        for (history, epochs) in [(history(0), 1), (history(1), 1), (odd, 2)] {
            let svg = curves("<&>", &history, epochs);
            assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.contains("&lt;&amp;&gt;"), "{svg}");
        }
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let mut odd = history(7);
        (odd.records[2].val_loss, odd.records[4].val_loss) = (f64::INFINITY, f64::NAN);
        let svg = curves("LeNet", &odd, 7);
        let line = |class: &str| svg.matches(&format!("<polyline class=\"line {class}\"")).count();
        assert_eq!([line("train"), line("validation"), line("accuracy")], [1, 3, 1], "{svg}");
        assert!(svg.contains("validation 0.343"), "{svg}");
    }

    #[test]
    fn labels_do_not_stand_on_each_other() {
        assert_eq!(apart(vec![100.0, 103.0]), [94.0, 109.0]);
        assert_eq!(apart(vec![103.0, 100.0]), [109.0, 94.0]);
        assert_eq!(apart(vec![10.0, 90.0]), [10.0, 90.0]);
    }
}
