//! The specs that are known: texts by path come in, each of their networks goes out, by itself or with another argument.
//!
//! A model's arguments are not in a checkpoint but for what sizes say: a number of classes, or of channels that come in. Where
//! keys are a network's and some sizes are not, each whole number that it takes is tried with the sizes that differ.

use super::alone::declarations;

use crate::weights::{Differing, Keyed};
use cnnc_compiler::check::Spec;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::resolve::{Request, Sources, tidied};
use cnnc_grammar::ast::{Ast, DeclarationKind, ItemKind, Parameter, TypeKind};
use std::collections::BTreeSet;
use std::path::Path;

/// Specs, and the texts that they name, by their paths, under which they import each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Library<'l>(pub &'l [(&'l str, &'l str)]);

impl Sources for Library<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let beside = importer.and_then(|importer| Path::new(importer).parent()).unwrap_or(Path::new(""));
        let path = tidied(&beside.join(path));
        let found = self.0.iter().find(|(known, _)| Path::new(known) == path);
        let (path, text) = found.ok_or_else(|| format!("there is no `{}` among the known specs", path.display()))?;
        Ok(((*path).to_owned(), (*text).to_owned()))
    }
}

/// A model of a known spec, and what it is given.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The spec's path.
    pub file: String,
    /// The model in it.
    pub model: String,
    /// An argument that it has not by itself: a parameter's name, and a whole number.
    pub argument: Option<(String, usize)>,
    /// Channels of its input, where they are not those of the spec.
    pub channels: Option<usize>,
}

/// A choice, and the network that it is.
pub struct Known {
    /// What is chosen.
    pub choice: Choice,
    /// It.
    pub graph: ShapedGraph,
}

impl Choice {
    /// What people call it: `torchvision/resnet18/ResNet18`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.file.trim_end_matches(".cnn"), self.model)
    }

    /// Whether that is its name, or the end of it.
    pub fn is_called(&self, wanted: &str) -> bool {
        let name = self.name();
        name == wanted || name.strip_suffix(wanted).is_some_and(|before| before.ends_with('/'))
    }
}

/// Sizes that are tried for an argument, at most.
const MOST_TRIED: usize = 4;

impl Library<'_> {
    /// All networks of all specs, each with its own arguments.
    pub fn networks(&self) -> Vec<Known> {
        let mut all = Vec::new();
        for (file, _) in self.0.iter().filter(|(file, _)| file.ends_with(".cnn")) {
            let checked = Spec::read(file, self, &mut ()).check(&Request::default(), &mut ());
            all.extend(checked.networks.into_iter().map(|graph| {
                let (file, model) = ((*file).to_owned(), graph.graph.name.to_string());
                Known { choice: Choice { file, model, argument: None, channels: None }, graph }
            }));
        }
        all
    }

    /// The network as the file has it, where another argument makes its sizes those of the file.
    pub(super) fn adapted(&self, known: &Known, found: &Keyed, differing: &Differing) -> Option<Known> {
        let sizes = |axis: usize| -> BTreeSet<usize> {
            let differ = |(graph, file): &(Vec<usize>, Vec<usize>)| {
                let (one, other) = (graph.get(axis)?, file.get(axis)?);
                (one != other && graph.len() == file.len()).then_some(*other)
            };
            differing.iter().filter_map(differ).take(MOST_TRIED).collect()
        };
        let spec = Spec::read(&known.choice.file, self, &mut ());
        let trees = spec.loaded.trees.iter().map(|(_, tree)| tree);
        let names = whole_numbers(&trees.collect::<Vec<_>>(), &known.choice.model);
        let arguments = names.iter().flat_map(|name| sizes(0).into_iter().map(|size| (name.clone(), size)));
        let arguments: Vec<_> = std::iter::once(None).chain(arguments.map(Some)).collect();
        let channels: Vec<_> = std::iter::once(None).chain(sizes(1).into_iter().map(Some)).collect();
        let mut ways = channels.iter().flat_map(|channels| arguments.iter().map(move |argument| (*channels, argument)));
        ways.find_map(|(channels, argument)| {
            let choice = Choice { argument: argument.clone(), channels, ..known.choice.clone() };
            let graph = declarations(self, &choice)?.1.graph().clone();
            let fits = found.differing(&graph.graph).is_some_and(|differing| differing.is_empty());
            fits.then_some(Known { choice, graph })
        })
    }
}

/// The parameters of a model that are whole numbers; those of a preset are its base's.
fn whole_numbers(trees: &[&Ast], model: &str) -> Vec<String> {
    const MOST_PRESETS: usize = 16;
    let items = || trees.iter().flat_map(|tree| &tree.items);
    let mut name = model;
    for _ in 0..MOST_PRESETS {
        let found = items().find_map(|item| match &item.kind {
            ItemKind::Preset(preset) if preset.name.text == name => Some(Err(preset.base.callee.text.as_str())),
            ItemKind::Declaration(one) if one.kind == DeclarationKind::Model && one.name.text == name => Some(Ok(one)),
            _ => None,
        });
        match found {
            Some(Ok(declaration)) => {
                let is_int = |one: &&Parameter| matches!(&one.ty.kind, TypeKind::Named(name) if name == "int");
                return declaration.parameters.iter().filter(is_int).map(|one| one.name.text.clone()).collect();
            }
            Some(Err(base)) => name = base,
            None => break,
        }
    }
    Vec::new()
}
