//! Answers as rows for programs, a row for each input of a batch: CSV with the likeliest class, where there may be several those
//! that are there and the chance of each, or all numbers; JSON with the five likeliest classes and whether they are there, or all
//! outputs.

use crate::answer::Classes;
use cnnc_runtime::Tensor;
use cnnc_runtime::answer::Likely;
use serde_json::{Value, json};
use std::sync::Arc;

/// Classes of a row of JSON.
const CLASSES: usize = 5;

/// Writes rows of one model.
pub struct Rows<'m> {
    names: &'m [Arc<str>],
    known: Option<Classes<'m>>,
    is_json: bool,
    written: usize,
    /// Numbers of a row, as the head of a CSV says.
    columns: usize,
}

impl<'m> Rows<'m> {
    /// For a model with these outputs, whose classes are named so where it has one of them.
    pub fn new(names: &'m [Arc<str>], known: Option<Classes<'m>>, is_json: bool) -> Self {
        Rows { names, known: known.filter(|_| names.len() == 1), is_json, written: 0, columns: 0 }
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
        match (self.known, parts) {
            (Some(known), [row]) if row.len() == known.labels.len() => Some(known.likeliest(row)),
            _ => None,
        }
    }

    fn csv(&mut self, name: &str, parts: &[&[f32]]) -> Result<String, String> {
        if let (Some(known), Some(classes)) =
            (self.known.filter(|known| known.scores.are_of_each()), self.classes(parts))
        {
            return Ok(self.several(name, known, classes));
        }
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

    /// A row of classes of which several may be there: these, and the chance of each in the order of their numbers.
    fn several(&self, name: &str, known: Classes<'_>, mut classes: Vec<Likely<'_>>) -> String {
        let labels = known.labels.iter().map(|label| cell(label)).collect::<Vec<String>>().join(",");
        let head = if self.written == 0 { format!("input,classes,{labels}\n") } else { String::new() };
        let there = classes.iter().filter(|likely| likely.is_there()).map(|likely| likely.label.unwrap_or_default());
        let there = cell(&there.collect::<Vec<&str>>().join(";"));
        classes.sort_by_key(|likely| likely.class);
        let chances: Vec<String> = classes.iter().map(|likely| format!("{:.6}", likely.probability)).collect();
        format!("{head}{},{there},{}\n", cell(name), chances.join(","))
    }

    fn json(&self, name: &str, answers: &[Tensor], parts: &[&[f32]]) -> String {
        let row = match self.classes(parts) {
            Some(classes) => {
                let are_several = self.known.is_some_and(|known| known.scores.are_of_each());
                let class = |likely: Likely<'_>| {
                    let mut class = json!({ "class": likely.label, "probability": likely.probability });
                    if are_several {
                        class["is_there"] = json!(likely.is_there());
                    }
                    class
                };
                let there = classes.iter().filter(|likely| are_several && likely.is_there()).count();
                let shown = classes.into_iter().take(CLASSES.max(there));
                json!({ "input": name, "classes": shown.map(class).collect::<Vec<_>>() })
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
    use crate::answer::Classes;
    use cnnc_runtime::Tensor;
    use cnnc_runtime::answer::Scores;
    use std::sync::Arc;

    fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape, values.to_vec()).unwrap()
    }

    #[test]
    fn classes() {
        let (names, labels) = ([Arc::from("output")], ["cat, tabby".to_owned(), "dog".to_owned()]);
        let answer = [tensor(&[2, 2], &[0.75, 0.25, 0.0, 1.0])];
        let known = Some(Classes { labels: &labels, scores: Scores::OfOne });
        let mut csv = Rows::new(&names, known, false);
        let text = csv.batch("a.png", &answer).unwrap() + csv.end();
        assert_eq!(text, "input,class,probability\na.png[0],\"cat, tabby\",0.750000\na.png[1],dog,1.000000\n");
        let mut json = Rows::new(&names, known, true);
        let text = json.batch("a.png", &[tensor(&[1, 2], &[0.75, 0.25])]).unwrap() + json.end();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value[0]["input"], &value[0]["classes"][1]["probability"]), (&"a.png".into(), &0.25.into()));
    }

    #[test]
    fn several_classes() {
        let (names, labels) = ([Arc::from("output")], ["cat, tabby".to_owned(), "dog".to_owned()]);
        let known = Some(Classes { labels: &labels, scores: Scores::ChancesOfEach });
        let answer = [tensor(&[3, 2], &[0.75, 0.875, 0.0, 0.5, 0.25, 1.0])];
        let mut csv = Rows::new(&names, known, false);
        let text = "input,classes,\"cat, tabby\",dog\n\
                    a.png[0],\"dog;cat, tabby\",0.750000,0.875000\na.png[1],,0.000000,0.500000\na.png[2],dog,0.250000,1.000000\n";
        assert_eq!(csv.batch("a.png", &answer).unwrap(), text);
        let mut json = Rows::new(&names, known, true);
        let text = json.batch("a.png", &[tensor(&[1, 2], &[0.25, 0.75])]).unwrap() + json.end();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let class = |name: &str, probability: f64| {
            let is_there = probability > 0.5;
            serde_json::json!({"class": name, "probability": probability, "is_there": is_there})
        };
        assert_eq!(value[0]["classes"], serde_json::json!([class("dog", 0.75), class("cat, tabby", 0.25)]));
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
