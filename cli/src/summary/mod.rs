//! `cnnc summary FILE`: every layer with its shape, parameters and cost, in five forms.

mod data;
mod table;
mod torch;
mod tree;

use crate::arguments::{self, Format};
use crate::console::{Console, Outcome};
use crate::model;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::sizes::{Sizes, SymbolSizes};
use cnnc_compiler::summary::{Summary, summarize};
use cnnc_compiler::write_kernels::Bindings;

/// Prints the summary.
pub fn summary(arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome {
    let (_, shaped) = model::shaped(&arguments.file, &arguments.model, console)?;
    let text = match arguments.format {
        Format::Torch => torch::lines(&shaped),
        Format::Tree => tree::tree(&shaped, arguments.depth),
        Format::Table => table::table(&summed(&shaped, arguments.depth, console), console),
        Format::Json => data::json(&summed(&shaped, arguments.depth, console)),
        Format::Yaml => data::yaml(&summed(&shaped, arguments.depth, console)),
    };
    console.print(&text)
}

fn summed(shaped: &ShapedGraph, depth: Option<usize>, console: &mut Console<'_>) -> Summary {
    console.timed("summary", || summarize(shaped, &Bindings::new(), depth))
}

/// `H and W: any multiple of 32 from 32 up`; `None` when every size will do.
pub fn sizes_in_words(sizes: &Sizes) -> Option<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for symbol in sizes.symbols.iter().filter(|symbol| (symbol.start, symbol.step) != (1, 1)) {
        let words = progression(symbol);
        match groups.iter_mut().find(|(other, _)| *other == words) {
            Some((_, names)) => names.push(&symbol.name),
            None => groups.push((words, vec![&symbol.name])),
        }
    }
    let sentences: Vec<String> = groups.iter().map(|(words, names)| format!("{}: {words}", listed(names))).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

fn progression(SymbolSizes { start, step, .. }: &SymbolSizes) -> String {
    match (start, step) {
        (start, 1) => format!("any from {start} up"),
        (start, step) if start % step == 0 => format!("any multiple of {step} from {start} up"),
        (start, step) => format!("{start}, {}, {} and so on", start + step, start + 2 * step),
    }
}

/// `H`, `H and W`, `A, B and C`
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_words() {
        let symbol = |name: &str, start, step| SymbolSizes { name: name.into(), start, step };
        let words = |symbols: &[SymbolSizes]| sizes_in_words(&Sizes { symbols: symbols.to_vec() });
        assert_eq!(words(&[symbol("N", 1, 1)]), None);
        let both = words(&[symbol("N", 1, 1), symbol("H", 32, 32), symbol("W", 32, 32)]);
        assert_eq!(both.as_deref(), Some("H and W: any multiple of 32 from 32 up"));
        let each = words(&[symbol("H", 7, 1), symbol("W", 5, 4)]);
        assert_eq!(each.as_deref(), Some("H: any from 7 up; W: 5, 9, 13 and so on"));
    }
}
