//! The names of the classes in the metadata of a file of weights: written with what was trained on classes by name, and read with
//! it, so that an answer has a name wherever the weights go.

use serde_json::{Value, json};
use std::collections::HashMap;

/// The key of the metadata; its value is a list of texts in JSON.
const KEY: &str = "classes";
/// Names past which a list is taken for something else.
const MOST: usize = 1_000_000;

/// The entry of the metadata; none where classes have no names.
pub fn entry(names: &[String]) -> Option<(&'static str, String)> {
    (!names.is_empty()).then(|| (KEY, json!(names).to_string()))
}

/// The names that a file's metadata have.
pub fn read(about: &HashMap<String, String>) -> Option<Vec<String>> {
    let Value::Array(names) = serde_json::from_str(about.get(KEY)?).ok()? else { return None };
    let text = |name: Value| if let Value::String(text) = name { Some(text) } else { None };
    let names: Vec<String> = names.into_iter().map(text).collect::<Option<_>>()?;
    (!names.is_empty() && names.len() <= MOST).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let names = ["a, b", "\u{fc}\"", "c"].map(str::to_owned);
        let of = |text: &str| read(&HashMap::from([(KEY.to_owned(), text.to_owned())]));
        assert_eq!(of(&entry(&names).unwrap().1).unwrap(), names);
        assert_eq!(entry(&[]), None);
        for other in ["", "3", "[]", "[1, 2]", "{\"a\": 1}", "[\"a\""] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(read(&HashMap::new()), None);
    }
}
