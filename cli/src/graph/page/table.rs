//! The page of `cnnc summary --format html`: a row a layer, blocks as rows that open.

use super::super::facts::{Fact, Facts};
use super::super::outline::{Body, Content, Item, name_in};
use super::super::picture::shade;
use super::super::svg::in_lines;
use super::sizes::Sizes;
use super::{shell, told};
use crate::draw::svg::escaped;
use crate::numbers::{bytes, grouped};
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::summary::Cost;
use std::fmt::Write;

/// The page, with the blocks open whose path has fewer parts than `depth`, and `totals` below, a line each. `what_is_fixed` says
/// why sizes are not open.
pub fn table(
    shaped: &ShapedGraph,
    facts: &Facts,
    outline: &Body,
    depth: usize,
    totals: &str,
    what_is_fixed: Option<&str>,
) -> String {
    let mut table = Table { shaped, facts, depth, sizes: Sizes::default(), html: String::new() };
    table.html += "<div class=\"table\"><div class=\"row heads\"><span>path</span><span>layer</span><span>output</span>\
                   <span>params</span><span>MACs</span><span>memory</span><span>receptive field</span></div>";
    table.body(outline, "", 0);
    let Table { sizes, mut html, .. } = table;
    let _ = write!(html, "</div><pre class=\"totals\">{}</pre>", in_lines(totals));
    shell(shaped, facts, sizes, what_is_fixed, &html, "")
}

/// A table that is being written.
struct Table<'a> {
    shaped: &'a ShapedGraph,
    facts: &'a Facts,
    depth: usize,
    sizes: Sizes,
    html: String,
}

impl Table<'_> {
    fn body(&mut self, body: &Body, path: &str, level: usize) {
        for item in &body.items {
            match &item.content {
                Content::Input(_) | Content::Output(_) => {}
                Content::Layers(layers) => {
                    for &layer in layers {
                        self.layer(layer, path, level);
                    }
                }
                Content::Block(block) | Content::Run(block) => {
                    let open = if block.depth < self.depth { " open" } else { "" };
                    let _ = write!(
                        self.html,
                        "<details class=\"rows\"{open}><summary class=\"row\" data-path=\"{}\" data-told=\"{}\">\
                         <span style=\"--level:{level}\">{}</span><span><b>{}</b></span>",
                        escaped(&item.path),
                        in_lines(&told(item)),
                        escaped(item.name_in(path)),
                        escaped(&item.class()),
                    );
                    let last = last_layer(item).and_then(|layer| Some((layer, self.facts.of(layer)?)));
                    self.cells(last, item.cost);
                    self.html += "</summary>";
                    let inside = if matches!(item.content, Content::Run(_)) { path } else { &*item.path };
                    self.body(&block.body, inside, level + 1);
                    self.html += "</details>";
                }
            }
        }
    }

    fn layer(&mut self, layer: NodeId, path: &str, level: usize) {
        let Some(fact) = self.facts.of(layer) else { return };
        let _ = write!(
            self.html,
            "<div class=\"row layer\" data-path=\"{}\" data-told=\"{}\" data-value=\"{}\" tabindex=\"0\">\
             <span style=\"--level:{level}\">{}</span><span><b>{}</b></span>",
            escaped(&fact.path),
            in_lines(&format!("{}\n{}", fact.call(), fact.costs())),
            self.sizes.value(self.shaped, layer),
            escaped(name_in(&fact.path, path)),
            escaped(fact.layer),
        );
        self.cells(Some((layer, fact)), fact.cost);
        self.html += "</div>";
    }

    /// The cells of an output and of a cost.
    fn cells(&mut self, output: Option<(NodeId, &Fact)>, cost: Cost) {
        let shape = output.map(|(node, fact)| {
            let value = self.sizes.value(self.shaped, node);
            format!("<span class=\"shape\" data-value=\"{value}\">{}</span>", escaped(&fact.shape.to_string()))
        });
        let field = output.and_then(|(_, fact)| fact.receptive_field).map(|field| field.to_string());
        let count = |number: Option<u64>| {
            number.map_or("?".into(), |number| if number == 0 { "–".into() } else { grouped(number) })
        };
        let shade = shade(cost, self.facts.cost).unwrap_or_default();
        let _ = write!(
            self.html,
            "{}<span>{}</span><span class=\"shade{shade}\">{}</span><span>{}</span><span>{}</span>",
            shape.unwrap_or_else(|| "<span></span>".into()),
            count(Some(cost.parameters)),
            count(cost.macs),
            cost.activation_bytes.map_or("?".into(), bytes),
            field.unwrap_or_else(|| "–".into()),
        );
    }
}

/// The layer whose value an item ends with.
fn last_layer(item: &Item) -> Option<NodeId> {
    match &item.content {
        Content::Input(_) | Content::Output(_) => None,
        Content::Layers(layers) => layers.last().copied(),
        Content::Block(block) | Content::Run(block) => block.body.outputs.last().copied(),
    }
}
