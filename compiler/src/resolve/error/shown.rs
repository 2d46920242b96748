//! A value as sentences speak of it.

use std::fmt;

/// What a sentence may say of a value. As text it is "the int 3", "a list".
pub(in crate::resolve) struct ShownValue {
    /// What kind of value it is, with its article: "an int", "a list".
    pub kind: &'static str,
    /// Its type as it would be declared: `[int]`.
    pub type_name: String,
    /// As it would be written; `None` where the kind says more.
    pub written: Option<String>,
    /// How many elements it has, for a list, tuple or range.
    pub length: Option<i64>,
}

impl ShownValue {
    /// The number, of a float.
    pub fn float(&self) -> Option<f64> {
        self.written.as_ref().filter(|_| self.kind == "a float")?.parse().ok()
    }

    /// With its type in full: "the int 3", "a (int, float)".
    pub fn with_type(&self) -> String {
        match self.kind {
            "a tuple" | "a list" => format!("a {}", self.type_name),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for ShownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            Some(written) => write!(f, "the {} {written}", self.type_name),
            None => f.write_str(self.kind),
        }
    }
}
