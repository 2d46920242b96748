//! Values of a tensor as text, laid out as PyTorch prints them.
//!
//! Four digits after the point, all values of one width; powers of ten when the sizes differ too much; of more than a thousand
//! values the first and last three along each axis (the defaults of `torch.set_printoptions`). Counters are whole numbers.

use cnnc_runtime::Tensor;

/// Values past which the middle is left out.
const MOST_VALUES: usize = 1000;
/// Values shown at each end of an axis then.
const EDGE: usize = 3;
/// Columns of a line.
const COLUMNS: usize = 80;

/// The values, one line or more, without a line end.
pub fn values(tensor: &Tensor) -> String {
    match tensor.counts() {
        Some([count]) => return count.to_string(),
        Some(counts) => return format!("{counts:?}"),
        None => {}
    }
    let edge = if tensor.data().len() > MOST_VALUES { EDGE } else { usize::MAX };
    let mut shown = Vec::new();
    visible(tensor.shape(), tensor.data(), edge, &mut shown);
    let style = Style::of(&shown);
    nested(tensor.shape(), tensor.data(), edge, &style, 0)
}

/// All values as a person would write them: without axes of size 1 in front, whole numbers without a point, others with as few
/// digits as say them, four at the most.
pub fn plain(tensor: &Tensor) -> String {
    let shape = tensor.shape();
    let ones = shape.iter().take_while(|size| **size == 1).count().min(shape.len().saturating_sub(1));
    let style = Style::plain(tensor.data());
    nested(&shape[ones..], tensor.data(), usize::MAX, &style, 0)
}

/// Which positions of an axis are shown.
fn positions(size: usize, edge: usize) -> Vec<Option<usize>> {
    if edge == usize::MAX || size <= 2 * edge {
        return (0..size).map(Some).collect();
    }
    (0..edge).map(Some).chain([None]).chain((size - edge..size).map(Some)).collect()
}

/// The part of the values under one position of the first axis.
fn part<'a>(shape: &[usize], data: &'a [f32], position: usize) -> &'a [f32] {
    let size: usize = shape[1..].iter().product();
    &data[position * size..(position + 1) * size]
}

/// Collects the values that will be shown.
fn visible(shape: &[usize], data: &[f32], edge: usize, shown: &mut Vec<f32>) {
    match shape.first() {
        None => shown.extend(data),
        Some(&size) => {
            for position in positions(size, edge).into_iter().flatten() {
                visible(&shape[1..], part(shape, data, position), edge, shown);
            }
        }
    }
}

fn nested(shape: &[usize], data: &[f32], edge: usize, style: &Style, indent: usize) -> String {
    match shape {
        [] => data.first().map(|&value| style.text(value).trim_start().to_owned()).unwrap_or_default(),
        [size] => {
            let cells = positions(*size, edge).into_iter();
            let cells: Vec<String> =
                cells.map(|position| position.map_or("...".into(), |index| style.text(data[index]))).collect();
            let in_a_line = ((COLUMNS.saturating_sub(indent)) / (style.width + 2)).max(1);
            let lines: Vec<String> = cells.chunks(in_a_line).map(|line| line.join(", ")).collect();
            format!("[{}]", lines.join(&format!(",\n{}", " ".repeat(indent + 1))))
        }
        [size, inner @ ..] => {
            let parts: Vec<String> = positions(*size, edge)
                .into_iter()
                .map(|position| match position {
                    Some(index) => nested(inner, part(shape, data, index), edge, style, indent + 1),
                    None => "...".into(),
                })
                .collect();
            let between = format!(",{}{}", "\n".repeat(inner.len()), " ".repeat(indent + 1));
            format!("[{}]", parts.join(&between))
        }
    }
}

/// How the values of one tensor are written.
struct Style {
    form: Form,
    width: usize,
}

#[derive(Clone, Copy)]
enum Form {
    Whole,
    Fixed,
    Scientific,
    /// So many digits after the point, none without one.
    Plain(usize),
}

impl Style {
    fn of(values: &[f32]) -> Style {
        let sizes = values.iter().filter(|value| value.is_finite() && **value != 0.0).map(|value| value.abs());
        let (smallest, largest) =
            sizes.fold((f32::INFINITY, 0f32), |(low, high), size| (low.min(size), high.max(size)));
        let far_apart = largest / smallest > 1000.0 || largest > 1e8;
        let whole = values.iter().all(|value| !value.is_finite() || value.fract() == 0.0);
        let form = match (whole, far_apart) {
            (true, false) => Form::Whole,
            (true, true) => Form::Scientific,
            (false, far_apart) if far_apart || smallest < 1e-4 => Form::Scientific,
            (false, _) => Form::Fixed,
        };
        Style { form, width: 0 }.widened(values)
    }

    fn plain(values: &[f32]) -> Style {
        let is_said = |digits: usize| {
            let finite = values.iter().filter(|value| value.is_finite());
            finite.into_iter().all(|value| format!("{value:.digits$}").parse() == Ok(*value))
        };
        let style = Style::of(values);
        match (style.form, (0..4).find(|digits| is_said(*digits))) {
            (Form::Scientific, Some(0)) | (Form::Whole | Form::Fixed, Some(_)) => {
                let digits = (0..4).find(|digits| is_said(*digits)).unwrap_or(4);
                Style { form: Form::Plain(digits), width: 0 }.widened(values)
            }
            _ => style,
        }
    }

    /// As wide as the widest of these.
    fn widened(mut self, values: &[f32]) -> Style {
        let style = Style { width: 0, ..self };
        self.width = values.iter().map(|&value| style.text(value).len()).max().unwrap_or(0);
        self
    }

    /// One value, right-aligned.
    fn text(&self, value: f32) -> String {
        let text = match self.form {
            _ if value.is_nan() => "nan".into(),
            _ if value.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.into(),
            Form::Whole => format!("{value:.0}."),
            Form::Fixed => format!("{value:.4}"),
            Form::Scientific => scientific(value),
            Form::Plain(digits) => format!("{value:.digits$}"),
        };
        format!("{text:>width$}", width = self.width)
    }
}

/// `1.2500e-02`
fn scientific(value: f32) -> String {
    let text = format!("{value:.4e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shape: &[usize], data: &[f32]) -> String {
        values(&Tensor::new(shape, data.to_vec()).expect("a tensor"))
    }

    #[test]
    fn looks_as_pytorch_prints() {
        assert_eq!(text(&[2, 2], &[19.0, 25.0, 37.0, 43.0]), "[[19., 25.],\n [37., 43.]]");
        assert_eq!(text(&[3], &[0.1, -0.25, 3.0]), "[ 0.1000, -0.2500,  3.0000]");
        assert_eq!(text(&[2], &[1e-6, 1.0]), "[1.0000e-06, 1.0000e+00]");
        assert_eq!(text(&[], &[42.0]), "42.");
        assert_eq!(text(&[2, 1, 1], &[1.0, f32::NAN]), "[[[ 1.]],\n\n [[nan]]]");
        assert_eq!(text(&[0], &[]), "[]");
    }

    #[test]
    fn small_answers_are_written_as_people_write() {
        let text = |shape: &[usize], data: &[f32]| plain(&Tensor::new(shape, data.to_vec()).expect("a tensor"));
        assert_eq!(text(&[1, 1, 2, 2], &[19.0, 25.0, 37.0, 43.0]), "[[19, 25],\n [37, 43]]");
        assert_eq!(text(&[1, 1, 1, 1], &[10.0]), "[10]");
        assert_eq!(text(&[1, 3], &[0.5, -0.25, 3.0]), "[ 0.50, -0.25,  3.00]");
        assert_eq!(text(&[2], &[0.1, 1.0 / 3.0]), "[0.1000, 0.3333]");
        assert_eq!(text(&[2], &[1e-6, 1.0]), "[1.0000e-06, 1.0000e+00]");
        assert_eq!(text(&[2], &[0.0, 20_000.0]), "[    0, 20000]");
        assert_eq!(text(&[], &[f32::NAN]), "nan");
        assert_eq!(text(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]), "[[[1, 2]],\n\n [[3, 4]]]");
    }

    #[test]
    fn the_middle_of_many_is_left_out() {
        let numbers: Vec<f32> = (0..1200).map(|number| 1.0 + number as f32 / 8.0).collect();
        assert_eq!(text(&[1200], &numbers).matches("...").count(), 1);
        let lines = text(&[30, 40], &numbers);
        assert!(lines.starts_with("[[  1.0000,   1.1250,   1.2500, ...,   5.6250,   5.7500,   5.8750],\n"), "{lines}");
        assert_eq!(lines.lines().count(), 7);
    }

    #[test]
    fn long_rows_are_broken() {
        let lines = text(&[1, 30], &[0.5; 30]);
        assert!(lines.lines().all(|line| line.len() <= 82) && lines.lines().count() == 4, "{lines}");
    }
}
