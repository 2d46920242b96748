//! Pictures that may have several classes, on the page: how well each class is found, and how well its scores order the pictures.

use super::percent;
use crate::draw::svg::escaped;
use crate::numbers::grouped;
use cnnc_runtime::train::MultiLabel;
use std::fmt::Write;

/// A line a class.
pub fn write(body: &mut String, found: &MultiLabel, names: &[String]) {
    *body += "<h2>Classes</h2>\n<p class=\"about\">A class counts as found where its chance, the sigmoid of the score, is above \
              50\u{a0}%.</p>\n<div class=\"wide\"><table class=\"classes\">\n<tr><th>class</th><th>pictures</th><th>precision</th>\
              <th>recall</th><th>F1</th><th>average precision</th></tr>\n";
    for (class, name) in names.iter().enumerate() {
        let one = found.of_class(class);
        let shares = [one.precision(), one.recall(), one.f1(), found.average_precision(class)];
        let cells: String = shares.into_iter().map(|share| format!("<td>{}</td>", percent(share))).collect();
        let _ = writeln!(body, "<tr><td>{}</td><td>{}</td>{cells}</tr>", escaped(name), grouped(one.pictures));
    }
    *body += "</table></div>\n";
}
