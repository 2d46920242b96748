//! A network as a page: one file, without anything from elsewhere, in which blocks open and close.
//!
//! There are two: the network drawn (`network.rs`), and its layers in a table (`table.rs`). Both have their sizes open where the
//! spec lets them, and write every shape down as expressions of these (`sizes.rs`), so that the page says what comes of other
//! sizes; both search, and say of what is pointed at what the editor says. Whatever comes from the spec is escaped.

mod network;
mod sizes;
mod table;

pub use network::network;
pub use table::table;

use super::facts::Facts;
use super::outline::Item;
use super::picture::{SHADES, cost_in_words, costs};
use crate::draw::svg::escaped;
use crate::numbers::counted;
use crate::page::page;
use cnnc_compiler::graph::ShapedGraph;
use sizes::Sizes;
use std::fmt::Write;

/// The whole file around what a network's page shows, with a script of its own besides that of all pages.
fn shell(
    shaped: &ShapedGraph,
    facts: &Facts,
    mut sizes: Sizes,
    what_is_fixed: Option<&str>,
    content: &str,
    script: &str,
) -> String {
    let rule = match what_is_fixed {
        Some(reason) => format!("its sizes cannot be changed: {reason}"),
        None => shaped.sizes.to_string(),
    };
    let data = sizes.script(shaped, facts);
    let body = format!(
        include_str!("page.html"),
        name = escaped(&shaped.graph.name),
        cost = escaped(&cost_in_words(facts.cost)),
        controls = sizes.controls(shaped, facts),
        rule = escaped(&rule),
        keys = keys(shaped, facts),
        content = content,
        data = data,
        common = include_str!("page.js"),
        script = script,
    );
    page(&shaped.graph.name, "script-src 'unsafe-inline'", include_str!("page.css"), &body)
}

/// What the colours mean; nothing where no multiply-add is known.
fn keys(shaped: &ShapedGraph, facts: &Facts) -> String {
    if facts.cost.macs.is_none_or(|macs| macs == 0) {
        return String::new();
    }
    let sizes = facts.sizes_in_words(shaped);
    let at = if sizes.is_empty() { sizes } else { format!(", at {sizes}") };
    let mut keys = format!("<p class=\"keys\">share of the MACs{}:", escaped(&at));
    for (shade, (_, words)) in SHADES.iter().enumerate() {
        let _ = write!(keys, " <span><i class=\"key shade{shade}\"></i>{words}</span>");
    }
    keys + "</p>"
}

/// What a page says of a block when it is pointed at.
fn told(item: &Item) -> String {
    format!("{}\n{}, {}", item.class(), counted(item.layers(), "layer"), costs(item.cost))
}
