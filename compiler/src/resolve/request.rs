//! What a request asks for: which models are written out, with which settings.

use super::calls::Declarations;
use super::error::{ArgumentError, StructureError};
use super::files::{read_init, read_settings};
use super::model::Expansion;
use super::{LoadedSpec, Sources};
use crate::diagnostic::{Problems, nearest};
use crate::graph::{Graph, PartialGraph};
use crate::index::Use;
use cnnc_grammar::ast::Declaration;
use cnnc_grammar::span::Files;

/// Which network is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model's name; the last of the file when none is given.
    pub model: Option<String>,
    /// Model parameters by name, each value in the language's own syntax (`--set width_mult=0.5`).
    pub settings: Vec<(String, String)>,
    /// Initialisers that come after the model's own, as targets and scheme of an `init` (`Conv2d, Linear` and `xavier_uniform`).
    pub init: Vec<(String, String)>,
    /// Sizes of the inputs, one list an input in order (`--input-shape 1,3,224,224`). One that differs from what the spec fixes
    /// is an error of a check, and a warning where a network is run.
    pub input_shapes: Vec<Vec<usize>>,
    /// Whether sizes behind the channels that the spec fixes are taken for open, under the names that people give them (H and W),
    /// to find out which others a network takes.
    pub open: bool,
    /// Steps that expanding all models may take, a statement or an expression each: 60 million when not said, which a net of a
    /// million layers does not reach.
    pub most_work: Option<u64>,
    /// Whether an index of the text is wanted: what names stand for, and what statements made.
    pub index: bool,
}

/// What was made of a spec.
#[derive(Default)]
pub(crate) struct Resolved {
    /// The networks that were asked for, in the order of the text; of one in which something is wrong, what is right.
    pub graphs: Vec<Result<Graph, Box<PartialGraph>>>,
    /// What names stand for, where the request asks for an index.
    pub uses: Option<Vec<Use>>,
}

/// Writes a model out.
///
/// # Errors
/// With what is right of it, if it could be begun; `problems` says what is wrong.
pub fn resolve(
    loaded: &LoadedSpec,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Result<Graph, Option<Box<PartialGraph>>> {
    let resolved = resolve_one(loaded, request, files, sources, problems);
    resolved.graphs.into_iter().next().ok_or(None)?.map_err(Some)
}

/// Checks every declaration of all files, and writes out the model that is asked for.
pub(crate) fn resolve_one(
    loaded: &LoadedSpec,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Resolved {
    let chosen = choose(loaded, request, problems);
    let set = chosen.and_then(|name| read_settings(name, &request.settings, files, problems));
    if !request.settings.is_empty() && set.is_none() {
        return Resolved::default();
    }
    let Some(init) = read_init(&request.init, files, problems) else { return Resolved::default() };
    let declarations = Declarations::new(loaded, files, problems);
    let expansion = Expansion::new(&declarations, files, sources, request);
    let callable = chosen.and_then(|name| declarations.get(name)?.as_ref());
    let graph = callable.map(|callable| expansion.expand(&callable.with(set.as_ref()), request, &init, problems));
    expansion.finish(graph.into_iter().collect(), problems)
}

/// Checks every declaration of all files, and writes out the model that is asked for, or every model of the first file. A model
/// whose parameters have no values is checked by itself alone.
pub(crate) fn check_all(
    loaded: &LoadedSpec,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Resolved {
    let chosen = match &request.model {
        Some(_) => choose(loaded, request, problems).into_iter().collect(),
        None => loaded.models(),
    };
    let mut set = Vec::new();
    for name in &chosen {
        set.push(read_settings(name, &request.settings, files, problems));
    }
    let declarations = Declarations::new(loaded, files, problems);
    let mut expansion = Expansion::new(&declarations, files, sources, request);
    expansion.strict = true;
    let mut graphs = Vec::new();
    for (name, set) in chosen.iter().zip(&set) {
        let Some(Some(callable)) = declarations.get(name) else { continue };
        let callable = callable.with(set.as_ref());
        let is_complete = callable.unset().is_empty();
        if !is_complete && !is_expanded_as_another(callable.declaration, &chosen, &declarations) {
            let names = callable.unset().iter().map(|(_, parameter)| parameter.name.text.as_str()).collect();
            let span = callable.declaration.header;
            problems.add(ArgumentError::NamesAlone { name, names, span }.diagnostic());
        }
        if is_complete && set.is_some() != request.settings.is_empty() {
            graphs.push(expansion.expand(&callable, request, &[], problems));
        }
    }
    expansion.finish(graphs, problems)
}

/// Whether a preset of the same declaration has values for all its parameters.
fn is_expanded_as_another(declaration: &Declaration, models: &[&str], declarations: &Declarations<'_>) -> bool {
    let complete = |name: &&str| match declarations.get(name) {
        Some(Some(other)) => std::ptr::eq(other.declaration, declaration) && other.unset().is_empty(),
        _ => false,
    };
    models.iter().any(complete)
}

/// The name of the model that is wanted.
fn choose<'a>(loaded: &'a LoadedSpec, request: &Request, problems: &mut Problems) -> Option<&'a str> {
    let models = loaded.models();
    let Some(wanted) = &request.model else {
        let file = loaded.trees.first();
        if models.is_empty() && file.is_some_and(|(_, tree)| !tree.items.is_empty()) {
            problems.add(StructureError::NoModel { wanted: None, near: None, models: &models }.diagnostic());
        }
        return models.last().copied();
    };
    let imported = loaded.trees.iter().skip(1).flat_map(|(_, tree)| super::models_of(tree));
    let found = models.iter().copied().chain(imported).find(|name| name == wanted);
    if found.is_none() {
        let near = nearest(wanted, models.iter().copied());
        problems.add(StructureError::NoModel { wanted: Some(wanted), near, models: &models }.diagnostic());
    }
    found
}
