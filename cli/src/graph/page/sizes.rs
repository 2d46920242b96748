//! Sizes on the page: every shape as expressions of what is open, controls for that, and what the network asks of it.
//!
//! An expression is one of JavaScript over `s`, the sizes by the numbers of their symbols, so that no name of the spec is ever
//! part of a script.

use super::super::facts::{Facts, batches};
use crate::draw::svg::escaped;
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::shape::{Arithmetic, Dim, Relation, Shape};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;

/// The shapes of a page, and of what they are made.
#[derive(Default)]
pub struct Sizes {
    /// The numbers of what has been asked for.
    values: HashMap<Shape, usize>,
    /// The shapes, each as numbers of `dims`.
    shapes: Vec<Vec<usize>>,
    dims: Vec<Dim>,
    numbers: HashMap<Dim, usize>,
}

impl Sizes {
    /// The number of a value's shape.
    pub fn value(&mut self, shaped: &ShapedGraph, node: NodeId) -> usize {
        let shape = shaped.shape(node);
        if let Some(&known) = self.values.get(&shape) {
            return known;
        }
        let dims = shape.iter().map(|dim| self.dim(dim)).collect();
        self.shapes.push(dims);
        self.values.insert(shape, self.shapes.len() - 1);
        self.shapes.len() - 1
    }

    fn dim(&mut self, dim: &Dim) -> usize {
        let next = self.dims.len();
        let number = *self.numbers.entry(dim.clone()).or_insert(next);
        if number == next {
            self.dims.push(dim.clone());
        }
        number
    }

    /// A slider and a number for each symbol.
    pub fn controls(&self, shaped: &ShapedGraph, facts: &Facts) -> String {
        let batches = batches(shaped);
        let mut controls = String::new();
        for (number, symbol) in shaped.sizes.symbols.iter().enumerate() {
            let at = start(shaped, facts, &symbol.name);
            let most = if batches.contains(&symbol.name) { 64 } else { (2 * at).max(512) };
            let most = symbol.last.map_or(most, |last| most.min(last.saturating_add(symbol.step)));
            let name = escaped(&symbol.name);
            let _ = write!(
                controls,
                "<label>{name} <input type=\"range\" data-symbol=\"{number}\" min=\"1\" max=\"{most}\" value=\"{at}\" \
                 aria-label=\"{name}\"> <input type=\"number\" data-symbol=\"{number}\" min=\"1\" value=\"{at}\" \
                 aria-label=\"{name} as a number\"></label> "
            );
        }
        controls
    }

    /// What the page's script reads.
    pub fn script(&mut self, shaped: &ShapedGraph, facts: &Facts) -> String {
        let symbols = &shaped.sizes.symbols;
        let places: HashMap<&str, usize> =
            symbols.iter().enumerate().map(|(number, symbol)| (&*symbol.name, number)).collect();
        let known: Vec<_> = shaped.graph.requirements.open.iter().collect();
        let asked: Vec<Value> = known
            .into_iter()
            .map(|one| {
                let relation = match one.relation {
                    Relation::Equal => "equal",
                    Relation::AtLeast => "be at least",
                    Relation::MultipleOf => "be a multiple of",
                };
                json!([self.dim(&one.left), relation, self.dim(&one.right), one.reason])
            })
            .collect();
        let starts: Vec<i64> = symbols.iter().map(|symbol| start(shaped, facts, &symbol.name)).collect();
        let names: Vec<&str> = symbols.iter().map(|symbol| &*symbol.name).collect();
        let texts: Vec<String> = self.dims.iter().map(Dim::to_string).collect();
        let data = json!({
            "names": names, "starts": starts, "shapes": self.shapes, "texts": texts, "asked": asked,
            "rule": shaped.sizes.to_string(),
        });
        let expressions: Vec<String> =
            self.dims.iter().map(|dim| dim.compute(&mut Script { places: &places })).collect();
        // No text of the spec ends the script.
        let data = data.to_string().replace('<', "\\u003c");
        format!("const network = {data};\nconst sizesOf = s => [{}];\n", expressions.join(", "))
    }
}

/// Where a size starts: as costs are counted.
fn start(shaped: &ShapedGraph, facts: &Facts, name: &str) -> i64 {
    let known = facts.sizes.get(name).and_then(|&size| i64::try_from(size).ok());
    let rule = || shaped.sizes.symbols.iter().find(|symbol| *symbol.name == *name).map(|symbol| symbol.start);
    known.or_else(rule).unwrap_or(1)
}

/// Sizes as JavaScript.
struct Script<'s> {
    places: &'s HashMap<&'s str, usize>,
}

impl Arithmetic for Script<'_> {
    type Value = String;

    fn number(&mut self, number: i64) -> String {
        if number < 0 { format!("({number})") } else { number.to_string() }
    }

    /// What no input has is no number there.
    fn symbol(&mut self, name: &str) -> String {
        self.places.get(name).map_or_else(|| "NaN".into(), |place| format!("s[{place}]"))
    }

    fn add(&mut self, a: String, b: String) -> String {
        format!("({a}+{b})")
    }

    fn multiply(&mut self, a: String, b: String) -> String {
        format!("{a}*{b}")
    }

    fn floor_divide(&mut self, a: String, divisor: i64) -> String {
        format!("Math.floor({a}/{divisor})")
    }

    fn minimum(&mut self, a: String, b: String) -> String {
        format!("Math.min({a},{b})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_keep_their_order() {
        let (height, width) = (Dim::symbol("H"), Dim::symbol("W"));
        let half = height.plus_number(-1).unwrap().floor_divided(2).unwrap();
        let area = half.plus_number(1).unwrap().times(&width).unwrap();
        let places = HashMap::from([("H", 0), ("W", 1)]);
        // Expanded, as sizes are: the half times the width, and the width.
        assert_eq!(area.to_string(), "W + W*((H - 1)//2)");
        assert_eq!(area.compute(&mut Script { places: &places }), "(s[1]+Math.floor((s[0]+(-1))/2)*s[1])");
        let smaller = height.minimum(&width).unwrap().floor_divided(3).unwrap();
        assert_eq!(smaller.compute(&mut Script { places: &places }), "Math.floor(Math.min(s[0],s[1])/3)");
    }
}
