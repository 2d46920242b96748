//! A page for a browser: one file without anything from elsewhere, in the colours of light and of dark surroundings.
//!
//! What is in it and how that looks come in as text, in which whatever somebody else wrote is escaped already; the whole file
//! goes out.

use crate::draw::svg::escaped;

/// A page of that title, with a style of its own behind that of all pages. `permitted` says, as a Content-Security-Policy does,
/// what the page may use besides styles: nothing may come from elsewhere.
pub fn page(title: &str, permitted: &str, style: &str, body: &str) -> String {
    format!(
        include_str!("page.html"),
        title = escaped(title),
        permitted = permitted,
        common = include_str!("page.css"),
        style = style,
        body = body,
    )
}
