//! Networks that become specs: a plain graph of layers, with the arguments and the keys of a `.cnn` file, comes in; its text and
//! the keys of its tensors go out.
//!
//! Free of any format. An importer adds layers to a [`Network`], each of which asks the compiler's operator for its shape at
//! once, so that what cannot be is known at the node that asks for it. [`write`](write()) finds branches and modules in the
//! graph and makes an `Ast` of it, which `cnnc_grammar` formats. Nothing is believed: the text is compiled, and its kernel
//! graph compared with that of the network itself, made without any text ([`prove`]).

mod expressions;
mod flow;
mod graph;
mod modules;
mod network;
mod progressions;
mod proof;
mod refusal;
pub(crate) mod statements;
mod syntax;
#[cfg(test)]
mod tests;

pub use network::{Held, Input, Network, Node, Operation, Output, ValueId, number};
pub use progressions::Progression;
pub use proof::{Proved, Unproved, prove, same, same_kernels};

use crate::roll::roll;
use cnnc_compiler::graph::ShapedGraph;
use modules::Named;
use statements::Program;
use std::collections::HashMap;

/// A network as a spec.
pub struct Written {
    /// The spec.
    pub text: String,
    /// Its network, with shapes: what compiling the text gives.
    pub graph: ShapedGraph,
    /// The network itself, every layer by its own, made without any text; its parameters have the keys of the spec.
    pub own: ShapedGraph,
    /// The tensors that its parameters are, by key, in the order of the text: numbers that the importer gave them.
    pub tensors: Vec<(String, usize)>,
    /// Modules that could not keep their names: what was wanted, and what it is called.
    pub renamed: Vec<(String, String)>,
}

/// How a spec is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Equal pieces as blocks and loops.
    Rolled,
    /// Every layer by itself.
    Flat,
}

/// Writes a network as a spec, and proves that the spec is it.
///
/// # Errors
/// Why it is not: the network is none that can be, or what was written is not it, which is a fault of ours.
pub fn write(network: &Network, form: Form) -> Result<Written, Unproved> {
    let Named { statements, paths } = modules::named(network, flow::flow(network));
    let mut keys: HashMap<ValueId, String> = HashMap::new();
    let mut renamed = Vec::new();
    for (value, path) in &paths {
        let wanted = network.node(*value).path.join(".");
        if wanted != *path {
            renamed.push((wanted, path.clone()));
        }
        keys.insert(*value, path.clone());
    }
    let program = match form {
        Form::Rolled => roll(network, statements),
        Form::Flat => Program { blocks: Vec::new(), body: statements },
    };
    let text = syntax::text(network, &program).ok_or_else(|| Unproved::Fault("it cannot be written".into()))?;
    let Proved { graph, own } = prove(network, &keys, &text)?;
    let mut tensors = Vec::new();
    for (value, path) in &paths {
        let held = network.node(*value).weights.iter();
        tensors.extend(held.map(|held| (graph::key(path, held.name), held.tensor)));
    }
    Ok(Written { text, graph, own, tensors, renamed })
}

/// Writes a network in a form, or flat where what was rolled is not it, with a note that says so.
///
/// # Errors
/// As [`write`](write()).
pub fn write_surely(network: &Network, form: Form) -> Result<(Written, Option<&'static str>), Unproved> {
    match (write(network, form), form) {
        (Err(Unproved::Fault(_)), Form::Rolled) => write(network, Form::Flat).map(|written| (written, Some(MISTAKEN))),
        (written, _) => written.map(|written| (written, None)),
    }
}

/// What people should know of a network that could not be rolled.
const MISTAKEN: &str = "every layer is written out: the blocks that cnnc found were not the network; please report it";

/// A file's name as that of a model: a word with a capital first.
pub fn model_name(name: &str) -> String {
    let mut word = String::new();
    let mut starts = true;
    for character in name.chars().filter(char::is_ascii).take(60) {
        if !character.is_ascii_alphanumeric() {
            starts = true;
        } else if starts {
            word.push(character.to_ascii_uppercase());
            starts = false;
        } else {
            word.push(character);
        }
    }
    let is_layer = cnnc_compiler::ops::layer(&word).is_some() || word == "Sequential";
    let begins = word.starts_with(|first: char| first.is_ascii_alphabetic());
    if begins && !is_layer { word } else { format!("Net{word}") }
}
