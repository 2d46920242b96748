//! A small tensor that is written where no spec is, such as a command's `--input '[[0, 1], [2, 3]]'`: text to sizes and numbers,
//! by the expression language and nothing else.

use super::calls::Declarations;
use super::error::ValueError;
use super::expression::{Evaluator, Scope, Value, tensor_shape};
use super::files::syntax_diagnostic;
use super::report::{Reporter, Shared};
use super::{LoadedSpec, Request};
use crate::diagnostic::{Diagnostic, Problems};
use cnnc_grammar::span::{FileId, Files};

/// A tensor as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// A size an axis, the outermost first; none for a number alone.
    pub shape: Vec<usize>,
    /// The numbers, the last axis the fastest.
    pub values: Vec<f64>,
}

/// Reads a number or a nested list of numbers: `[[0, 1], [2, 3]]`, `arange(9, 3, 3)`, `1 - ones(6, 8)`.
///
/// `file` holds nothing else.
///
/// # Errors
/// What is wrong with the text; E213 for another value, or rows of different lengths.
pub fn read_numbers(file: FileId, files: &Files) -> Result<Numbers, Vec<Diagnostic>> {
    let with_forms = |diagnostic: Diagnostic| match diagnostic.help.is_empty() {
        true => {
            diagnostic.help("numbers are written `[[0, 1], [2, 3]]`, `arange(4, 2, 2)`, `ones(6, 8)` or `zeros(6, 8)`")
        }
        false => diagnostic,
    };
    evaluated(file, files).map_err(|problems| problems.into_iter().map(with_forms).collect())
}

fn evaluated(file: FileId, files: &Files) -> Result<Numbers, Vec<Diagnostic>> {
    let text = files.get(file).map_or("", |file| file.text.as_str());
    let (expr, errors) = cnnc_grammar::parse_value(text, file);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| syntax_diagnostic(error, files)).collect());
    }
    let (loaded, mut problems) = (LoadedSpec::default(), Problems::default());
    let shared = Shared::new(files, &Request::default());
    let declarations = Declarations::new(&loaded, files, &mut problems);
    let mut reporter = Reporter::new(&shared, &mut problems);
    let scope = Scope::default();
    let value = Evaluator { reporter: &mut reporter, scope: &scope, names: &declarations }.evaluate(&expr);
    let shape = value.as_ref().and_then(tensor_shape);
    if let (Some(value), None) = (&value, &shape) {
        let (what, wanted) = ("an input that is written out", "a number, or lists of numbers of equal lengths");
        let value = value.shown();
        reporter.report(ValueError::NotA { what, wanted, value, span: expr.span }.diagnostic());
    }
    match value.zip(shape) {
        Some((value, shape)) => {
            let mut values = Vec::new();
            gather(&value, &mut values);
            Ok(Numbers { shape, values })
        }
        None => Err(problems.into_sorted()),
    }
}

fn gather(value: &Value<'_>, into: &mut Vec<f64>) {
    match value {
        Value::Int(number) => into.push(*number as f64),
        Value::Float(number) => into.push(*number),
        Value::List(items) => items.values().iter().for_each(|value| gather(value, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Numbers, Vec<String>> {
        let mut files = Files::default();
        let file = files.add("--input", text);
        read_numbers(file, &files).map_err(|problems| {
            problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
        })
    }

    #[test]
    fn numbers_lists_and_functions() {
        let shape = |text: &str| read(text).expect(text).shape;
        assert_eq!(read("[[0, 1.5], [-2, 3]]"), Ok(Numbers { shape: vec![2, 2], values: vec![0.0, 1.5, -2.0, 3.0] }));
        assert_eq!(shape(" 3 "), [0; 0]);
        assert_eq!(shape("[\n  [1, 2],\n  [3, 4],\n]"), [2, 2]);
        assert_eq!(shape("ones(6, 8)"), [6, 8]);
        assert_eq!(shape("stack(arange(9, 3, 3), arange(9, 3, 3) + 1)"), [2, 3, 3]);
        assert_eq!(read("[x * x for x in 0..3]").expect("a list").values, [0.0, 1.0, 4.0]);
        assert_eq!(read("1 - [0.25]").expect("a list").values, [0.75]);
    }

    #[test]
    fn what_is_no_tensor_is_told() {
        let code =
            |text: &str| read(text).expect_err(text).first().map(|said| said[..4].to_owned()).unwrap_or_default();
        assert_eq!(code("[[0, 1], [2]]"), "E213");
        assert_eq!(code("[0, true]"), "E213");
        assert_eq!(code("ReLU"), "E213");
        assert_eq!(code("photo"), "E202");
        assert_eq!(code("[0, 1"), "E102");
        assert_eq!(code("0, 1"), "E101");
        assert_eq!(code(""), "E101");
        assert_eq!(code("arange(9, 3, 4)"), "E213");
        assert_eq!(code("ones(1000, 1000, 1000)"), "E214");
    }
}
