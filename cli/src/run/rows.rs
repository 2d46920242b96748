//! Answers as rows for programs, a row for each input of a batch: CSV with the likeliest class or all numbers, JSON with the five
//! likeliest classes or all outputs.

use cnnc_runtime::Tensor;
use cnnc_runtime::answer::{Likely, likeliest};
use serde_json::{Value, json};
use std::sync::Arc;

/// Classes of a row of JSON.
const CLASSES: usize = 5;

/// Writes rows of one model.
pub struct Rows<'m> {
    names: &'m [Arc<str>],
    labels: Option<&'m [String]>,
    is_json: bool,
    written: usize,
    /// Numbers of a row, as the head of a CSV says.
    columns: usize,
}

impl<'m> Rows<'m> {
    /// For a model with these outputs, whose classes are named so where it has one of them.
    pub fn new(names: &'m [Arc<str>], labels: Option<&'m [String]>, is_json: bool) -> Self {
        Rows { names, labels: labels.filter(|_| names.len() == 1), is_json, written: 0, columns: 0 }
    }

    /// The rows of a batch; each is called by the input's name, and by its number where there are several.
    ///
    /// # Errors
    /// In words, where an answer has no row for each input, or rows of CSV other numbers than those before.
    pub fn batch(&mut self, input: &str, answers: &[Tensor]) -> Result<String, String> {
        let rows = answers.first().and_then(|answer| answer.shape().first()).copied().unwrap_or(1);
        if answers.iter().any(|answer| answer.shape().first().is_some_and(|&size| size != rows)) {
            return Err("its outputs have batches of different sizes".into());
        }
        let mut text = String::new();
        for number in 0..rows {
            let name = if rows == 1 { input.to_owned() } else { format!("{input}[{number}]") };
            let parts: Vec<&[f32]> = answers
                .iter()
                .map(|answer| {
                    let size = answer.data().len() / rows;
                    &answer.data()[number * size..(number + 1) * size]
                })
                .collect();
            text += &if self.is_json { self.json(&name, answers, &parts) } else { self.csv(&name, &parts)? };
            self.written += 1;
        }
        Ok(text)
    }

    /// What ends the whole.
    pub fn end(&self) -> &'static str {
        match (self.is_json, self.written) {
            (false, _) => "",
            (true, 0) => "[]\n",
            (true, _) => "\n]\n",
        }
    }

    /// The classes of a row, the likeliest first, where it is one of scores.
    fn classes(&self, parts: &[&[f32]]) -> Option<Vec<Likely<'m>>> {
        match (self.labels, parts) {
            (Some(labels), [row]) if row.len() == labels.len() => Some(likeliest(row, labels)),
            _ => None,
        }
    }

    fn csv(&mut self, name: &str, parts: &[&[f32]]) -> Result<String, String> {
        if let Some(classes) = self.classes(parts) {
            let head = if self.written == 0 { "input,class,probability\n" } else { "" };
            let Some(Likely { label, probability, .. }) = classes.first() else { return Ok(String::new()) };
            return Ok(format!("{head}{},{},{probability:.6}\n", cell(name), cell(label.unwrap_or_default())));
        }
        let count = parts.iter().map(|part| part.len()).sum();
        let mut text = String::new();
        if self.written == 0 {
            let places = self.names.iter().zip(parts).flat_map(|(name, part)| {
                (0..part.len())
                    .map(move |place| if part.len() == 1 { name.to_string() } else { format!("{name}[{place}]") })
            });
            text = format!("input,{}\n", places.map(|place| cell(&place)).collect::<Vec<_>>().join(","));
            self.columns = count;
        }
        if count != self.columns {
            return Err(format!("{name} is answered by {count} numbers, and the row before by {}", self.columns));
        }
        let numbers: Vec<String> = parts.iter().flat_map(|part| part.iter()).map(f32::to_string).collect();
        Ok(format!("{text}{},{}\n", cell(name), numbers.join(",")))
    }

    fn json(&self, name: &str, answers: &[Tensor], parts: &[&[f32]]) -> String {
        let row = match self.classes(parts) {
            Some(classes) => {
                let class = |likely: Likely<'_>| json!({ "class": likely.label, "probability": likely.probability });
                json!({ "input": name, "classes": classes.into_iter().take(CLASSES).map(class).collect::<Vec<_>>() })
            }
            None => {
                let output = |((name, answer), part): ((&Arc<str>, &Tensor), &&[f32])| {
                    let shape = answer.shape().get(1..).unwrap_or_default();
                    json!({ "name": &**name, "shape": shape, "values": part.iter().map(number).collect::<Vec<_>>() })
                };
                let outputs: Vec<Value> = self.names.iter().zip(answers).zip(parts).map(output).collect();
                json!({ "input": name, "outputs": outputs })
            }
        };
        format!("{}{row}", if self.written == 0 { "[\n" } else { ",\n" })
    }
}

/// A number; infinities and not-a-number, which JSON lacks, as text.
fn number(value: &f32) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}

/// A cell of CSV (RFC 4180).
fn cell(text: &str) -> String {
    let needs_quotes = text.contains([',', '"', '\n', '\r']);
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::Rows;
    use cnnc_runtime::Tensor;
    use std::sync::Arc;

    fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape, values.to_vec()).unwrap()
    }

    #[test]
    fn classes() {
        let (names, labels) = ([Arc::from("output")], ["cat, tabby".to_owned(), "dog".to_owned()]);
        let answer = [tensor(&[2, 2], &[0.75, 0.25, 0.0, 1.0])];
        let mut csv = Rows::new(&names, Some(&labels), false);
        let text = csv.batch("a.png", &answer).unwrap() + csv.end();
        assert_eq!(text, "input,class,probability\na.png[0],\"cat, tabby\",0.750000\na.png[1],dog,1.000000\n");
        let mut json = Rows::new(&names, Some(&labels), true);
        let text = json.batch("a.png", &[tensor(&[1, 2], &[0.75, 0.25])]).unwrap() + json.end();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value[0]["input"], &value[0]["classes"][1]["probability"]), (&"a.png".into(), &0.25.into()));
    }

    #[test]
    fn numbers() {
        let names = [Arc::from("a"), Arc::from("b")];
        let answers = [tensor(&[1, 2], &[1.5, f32::INFINITY]), tensor(&[1], &[3.0])];
        let mut csv = Rows::new(&names, None, false);
        assert_eq!(csv.batch("x", &answers).unwrap(), "input,a[0],a[1],b\nx,1.5,inf,3\n");
        let other = [tensor(&[1, 3], &[0.0; 3]), tensor(&[1], &[3.0])];
        assert_eq!(csv.batch("y", &other).unwrap_err(), "y is answered by 4 numbers, and the row before by 3");
        let mut json = Rows::new(&names, None, true);
        assert_eq!(json.end(), "[]\n");
        let text = json.batch("x", &answers).unwrap() + json.end();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[0]["outputs"][0]["values"], serde_json::json!([1.5, "inf"]));
        assert_eq!(value[0]["outputs"][1]["shape"], serde_json::json!([]));
    }
}
