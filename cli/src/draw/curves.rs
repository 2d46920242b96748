//! `curves.svg`: the losses of training and validation on the left, the accuracy on the right, by epoch. And `find_lr.svg`: the
//! loss by learning rate.

use super::axis::Axis;
use super::svg::{picture, text};
use cnnc_runtime::train::{FoundRates, History, Record};
use std::fmt::Write;

/// The width of a panel without its labels, and its height with them.
const PLOT: f64 = 300.0;
const HEIGHT: f64 = 340.0;
/// Room for tick labels on the left of a panel, above and below it.
const LEFT: f64 = 52.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 46.0;
/// What a letter of a line's label takes in the widest font that browsers take for `sans-serif`, bold.
const LETTER: f64 = 7.5;
/// The least distance of two labels, in pixels.
const LABEL_GAP: f64 = 15.0;

/// A line of a panel.
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Its class in the style.
    class: &'static str,
    /// Epochs, or rates, and values, some of which may be no numbers.
    points: Vec<(f64, f64)>,
    /// Whether it is a mark, at whose end its name stands alone.
    is_mark: bool,
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

    /// What stands at its end in a panel of that title; nothing where no value is a number.
    fn label(&self, title: &str) -> Option<String> {
        let (_, value) = self.end()?;
        if self.is_mark {
            return Some(self.name.clone());
        }
        let number = if title.ends_with('%') { format!("{value:.1}") } else { format!("{value:.3}") };
        Some(format!("{} {number}", self.name))
    }

    /// The last point that is a number.
    pub fn end(&self) -> Option<(f64, f64)> {
        self.pieces().last()?.last().copied()
    }
}

/// A panel: what it is called, and its lines.
pub type Panel = (&'static str, Vec<Series>);

/// The panels of a run: its losses and, where classes are told apart, its accuracy, and their mean average precision where there
/// may be several.
pub fn panels(history: &History) -> Vec<Panel> {
    let records = &history.records;
    let points = |value: &dyn Fn(&Record) -> f64| {
        records.iter().map(|record| (record.epoch as f64, value(record))).collect::<Vec<(f64, f64)>>()
    };
    let series = |name: &str, class, points| Series { name: name.to_owned(), class, points, is_mark: false };
    let train = series("train", "train", points(&|record: &Record| record.train_loss));
    let validation = series("validation", "validation", points(&|record| record.val_loss));
    let mut panels = vec![("loss", vec![train, validation])];
    if !records.is_empty() && records.iter().all(|record| record.val_accuracy.is_none()) {
        return panels;
    }
    let accuracy = points(&|record| 100.0 * record.val_accuracy.unwrap_or(f64::NAN));
    let mut right = vec![series("validation", "accuracy", accuracy)];
    if records.iter().any(|record| record.train_accuracy.is_some()) {
        let points = points(&|record| 100.0 * record.train_accuracy.unwrap_or(f64::NAN));
        right.insert(0, series("train", "train", points));
    }
    panels.push(("accuracy, %", right));
    if records.iter().any(|record| record.val_map.is_some()) {
        let map = points(&|record| 100.0 * record.val_map.unwrap_or(f64::NAN));
        panels.insert(1, ("mAP, %", vec![series("validation", "accuracy", map)]));
    }
    panels
}

/// The classes of the lines of several runs; a picture has so many at most.
pub const RUN_CLASSES: [&str; 8] = ["run0", "run1", "run2", "run3", "run4", "run5", "run6", "run7"];

/// The panels of several runs beside each other: the losses of training and of validation, and the accuracy of validation, each
/// left out where no run has it.
pub fn panels_of_runs(runs: &[(String, &History)]) -> Vec<Panel> {
    let panel = |title, value: &dyn Fn(&Record) -> Option<f64>| {
        let series = |((name, history), class): (&(String, &History), &'static str)| {
            let points = history.records.iter().map(|record| (record.epoch as f64, value(record).unwrap_or(f64::NAN)));
            Series { name: name.clone(), class, points: points.collect(), is_mark: false }
        };
        (title, runs.iter().zip(RUN_CLASSES).map(series).collect::<Vec<Series>>())
    };
    let panels = [
        panel("train loss", &|record| Some(record.train_loss)),
        panel("val loss", &|record| Some(record.val_loss)),
        panel("val mAP, %", &|record| record.val_map.map(|share| 100.0 * share)),
        panel("val accuracy, %", &|record| record.val_accuracy.map(|share| 100.0 * share)),
    ];
    panels.into_iter().filter(|(_, series)| series.iter().any(|series| series.end().is_some())).collect()
}

/// The panel of what a finder of learning rates found: the running mean of the loss, and the rate that is proposed.
pub fn panels_of_rates(found: &FoundRates) -> Vec<Panel> {
    let points = found.steps.iter().map(|step| (step.rate, step.smooth)).collect();
    let mut series = vec![Series { name: "loss".into(), class: "train", points, is_mark: false }];
    if let Some(rate) = found.proposal() {
        let values = Axis::over(series[0].values(), 5);
        let points = vec![(rate, values.low), (rate, values.high)];
        series.push(Series { name: format!("lr {rate}"), class: "accuracy", points, is_mark: true });
    }
    vec![("smoothed loss", series)]
}

/// The axis of learning rates of a finder.
pub fn axis_of_rates(found: &FoundRates) -> Axis {
    let power = |rate: Option<f64>| rate.unwrap_or(1.0).log10();
    let [first, last] = [found.steps.first(), found.steps.last()].map(|step| power(step.map(|step| step.rate)));
    Axis::of_powers([(first + 1e-9).floor() as i32, (last - 1e-9).ceil() as i32])
}

/// The picture of what a finder of learning rates found.
pub fn rates(name: &str, found: &FoundRates) -> String {
    let across = Across { axis: axis_of_rates(found), name: "learning rate" };
    drawn(&format!("learning rates for {name}"), &panels_of_rates(found), &across)
}

/// What a panel shows from left to right.
struct Across {
    axis: Axis,
    name: &'static str,
}

impl Across {
    fn epochs(count: usize) -> Across {
        Across { axis: Axis::counting(count, 6), name: "epoch" }
    }
}

/// The picture of a history of a run of so many epochs.
pub fn curves(name: &str, history: &History, epochs: usize) -> String {
    let epochs = epochs.max(history.records.len());
    drawn(&format!("training of {name}"), &panels(history), &Across::epochs(epochs))
}

/// The panels of the picture of a history, each alone, for where they may stand below each other.
pub fn curves_apart(name: &str, history: &History, epochs: usize) -> Vec<String> {
    let across = Across::epochs(epochs.max(history.records.len()));
    let one = |panel: Panel| drawn(&format!("{} of {name}", panel.0), &[panel], &across);
    panels(history).into_iter().map(one).collect()
}

/// The picture of several runs beside each other.
pub fn curves_of_runs(runs: &[(String, &History)]) -> String {
    let epochs = runs.iter().map(|(_, history)| history.records.len()).max().unwrap_or(1);
    let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
    drawn(&format!("training of {}", names.join(", ")), &panels_of_runs(runs), &Across::epochs(epochs))
}

/// Panels beside each other, each with room for the labels on its right.
fn drawn(title: &str, panels: &[Panel], across: &Across) -> String {
    let labels = panels.iter().flat_map(|(title, series)| series.iter().filter_map(|series| series.label(title)));
    let widest = labels.map(|label| label.chars().count()).max().unwrap_or(0);
    let (mut body, width) = (String::new(), LEFT + PLOT + LETTER * widest as f64);
    for (position, (title, series)) in panels.iter().enumerate() {
        let start = position as f64 * width + LEFT;
        panel(&mut body, [start, start + PLOT], title, series, across);
    }
    picture(panels.len() as f64 * width + 8.0, HEIGHT, title, &body)
}

fn panel(body: &mut String, [x0, x1]: [f64; 2], title: &str, series: &[Series], across: &Across) {
    let (y0, y1) = (HEIGHT - BOTTOM, TOP);
    let values = Axis::over(series.iter().flat_map(Series::values), 5);
    let x = |place: f64| x0 + (x1 - x0) * across.axis.share(place);
    let y = |value: f64| y0 + (y1 - y0) * values.share(value);
    text(body, [x0, TOP - 20.0], "ink title", "start", title);
    // Many lines, or long names, have them at their ends alone.
    if series.iter().map(|series| 7.0 * series.name.len() as f64 + 36.0).sum::<f64>() < x1 - x0 - 90.0 {
        legend(body, x1, series);
    }
    for &tick in &values.ticks {
        line(body, "grid", [x0, y(tick)], [x1, y(tick)]);
        text(body, [x0 - 8.0, y(tick) + 4.0], "faint", "end", &values.label(tick));
    }
    line(body, "axis", [x0, y0], [x1, y0]);
    for &tick in &across.axis.ticks {
        line(body, "axis", [x(tick), y0], [x(tick), y0 + 4.0]);
        text(body, [x(tick), y0 + 18.0], "faint", "middle", &across.axis.label(tick));
    }
    text(body, [(x0 + x1) / 2.0, HEIGHT - 8.0], "faint", "middle", across.name);
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
    let ends: Vec<(f64, f64)> =
        series.iter().filter_map(Series::end).map(|(epoch, value)| (x(epoch), y(value))).collect();
    let places = apart(ends.iter().map(|end| end.1).collect());
    let labels = series.iter().filter_map(|series| Some((series.class, series.label(title)?)));
    for (((class, label), &(x, _)), y) in labels.zip(&ends).zip(places) {
        text(body, [x + 8.0, y + 4.0], &format!("label {class}"), "start", &label);
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

/// Heights of labels, moved apart where they would stand on each other: those that meet become a group, which lies around the
/// middle of where they were.
fn apart(places: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for &label in &order {
        groups.push((places[label], 1));
        while let [.., (before, many), (middle, more)] = groups.as_slice() {
            let room = LABEL_GAP * (many + more) as f64 / 2.0;
            if middle - before >= room - 1e-9 {
                break;
            }
            let all = many + more;
            let joined = (before * *many as f64 + middle * *more as f64) / all as f64;
            groups.truncate(groups.len() - 2);
            groups.push((joined, all));
        }
    }
    let starts = groups.iter().flat_map(|&(middle, many)| {
        (0..many).map(move |place| middle + LABEL_GAP * (place as f64 - (many - 1) as f64 / 2.0))
    });
    let mut moved = places.clone();
    order.iter().zip(starts).for_each(|(&label, height)| moved[label] = height);
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(epochs: usize) -> History {
        let record = |epoch: usize| Record {
            epoch,
            train_loss: 2.3 / epoch as f64,
            train_accuracy: None,
            val_loss: 2.4 / epoch as f64,
            val_accuracy: Some(1.0 - 0.9 / epoch as f64),
            val_map: None,
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
        assert_eq!(
            apart(vec![50.0, 50.0, 52.0, 90.0]),
            [35.666666666666664, 50.666666666666664, 65.66666666666666, 90.0]
        );
        let many = apart((0..8).map(|label| 100.0 + f64::from(label)).collect());
        assert!(many.windows(2).all(|pair| pair[1] - pair[0] > LABEL_GAP - 1e-6), "{many:?}");
    }

    /// `UPDATE_DOCS=1` draws them anew.
    #[test]
    fn the_pictures_of_the_page_are_those_of_its_logs() {
        let of_log = |name: &str| {
            let path = format!("../docs/training/{name}.jsonl");
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            History { records: text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect() }
        };
        for (picture, log, model) in [
            ("lenet", "cnnc_lenet_0", "LeNet"),
            ("modern_lenet", "cnnc_modern_lenet_0", "ModernLeNet"),
            ("embedded_lenet", "cnnc_embedded_lenet", "LeNet"),
            ("resnet18", "cnnc_resnet18", "ResNet18"),
            ("vgg_small", "cnnc_vgg_small", "VGGSmall"),
            ("cifar_resnet18", "cnnc_cifar_resnet18", "CifarResNet18"),
        ] {
            let svg = curves(model, &of_log(log), 1);
            let path = format!("../docs/pictures/{picture}.svg");
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, &svg).expect("written");
            }
            assert!(std::fs::read_to_string(&path).is_ok_and(|kept| kept == svg), "{path} is another picture");
        }
    }

    /// In a wide font too: a letter of a label at `LETTER` pixels, one of a tick at 8. The legends stand above both.
    #[test]
    fn labels_do_not_run_into_the_next_panel() {
        let (three, seven) = (history(3), history(7));
        let long = "a run of a long name".to_owned();
        for svg in [curves("LeNet", &seven, 10), curves_of_runs(&[(long, &three), ("b".into(), &seven)])] {
            let texts = svg.lines().filter(|line| line.starts_with("<text"));
            let place = |line: &str| {
                let number = line.split("x=\"").nth(1).and_then(|rest| rest.split('"').next());
                let words = line.split('>').nth(1).and_then(|rest| rest.split('<').next()).expect("words");
                (number.expect("a place").parse::<f64>().expect("a number"), words.chars().count() as f64)
            };
            let (labels, others): (Vec<&str>, Vec<&str>) = texts.partition(|line| line.contains("label "));
            let ticks: Vec<(f64, f64)> = others
                .iter()
                .filter(|line| line.contains("\"end\"") && !line.contains("y=\"28.0\""))
                .map(|line| place(line))
                .collect();
            for (x, letters) in labels.iter().map(|line| place(line)) {
                let end = x + LETTER * letters;
                let next = ticks.iter().map(|(right, letters)| right - 8.0 * letters).filter(|left| *left > x);
                assert!(
                    next.clone().all(|left| left > end),
                    "{end} and {next:?} in\n{svg}",
                    next = next.collect::<Vec<_>>()
                );
            }
        }
    }

    #[test]
    fn runs_beside_each_other_have_a_line_each_in_every_panel() {
        let (mut numbers, mut short) = (history(4), history(2));
        numbers.records.iter_mut().chain(&mut short.records).for_each(|record| record.val_accuracy = None);
        let both = [("slow".to_owned(), &numbers), ("fast <1>".to_owned(), &short)];
        let svg = curves_of_runs(&both);
        assert_eq!((svg.matches("<polyline").count(), svg.matches("class=\"line run1\"").count()), (4, 2 + 2), "{svg}");
        assert!(svg.contains("fast &lt;1&gt;") && !svg.contains("accuracy, %"), "{svg}");
        let (three, seven) = (history(3), history(7));
        let svg = curves_of_runs(&[("a".into(), &three), ("b".into(), &seven)]);
        assert!(svg.contains("val accuracy, %") && svg.matches("<polyline").count() == 6, "{svg}");
    }
}
