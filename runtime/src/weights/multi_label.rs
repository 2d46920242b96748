//! In the metadata of a file of weights, that they were trained on pictures which may have several classes: each score is one of
//! its own then, and its sigmoid the chance that the class is there.

use std::collections::HashMap;

/// The key of the metadata.
const KEY: &str = "multi_label";
/// Its value.
const YES: &str = "true";

/// The entry of the metadata, where it is so.
pub fn entry(multi_label: bool) -> Option<(&'static str, String)> {
    multi_label.then(|| (KEY, YES.to_owned()))
}

/// Whether a file's metadata say so.
pub fn read(about: &HashMap<String, String>) -> bool {
    about.get(KEY).is_some_and(|text| text == YES)
}
