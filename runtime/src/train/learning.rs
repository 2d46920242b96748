//! What a recipe says of single parameters, written into the network: which are frozen, and which learn otherwise than the rest.

use super::recipe::{Frozen, Pattern, Recipe, Selection};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::graph::{Graph, Parameter};
use std::collections::{BTreeMap, BTreeSet};

/// Sets how each parameter learns in the first epoch.
///
/// # Errors
/// E607 with every pattern that no parameter fits; E609 when all that could be learnt is frozen.
pub fn set_learning(recipe: &Recipe, graph: &mut Graph) -> Result<(), Vec<Diagnostic>> {
    let of_groups = recipe.groups.iter().filter_map(|group| match &group.parameters {
        Selection::Keys(patterns) => Some(patterns),
        Selection::BiasAndNorm => None,
    });
    let of_frozen = recipe.freeze.iter().flat_map(|frozen| &frozen.parameters);
    let patterns = of_frozen.clone().chain(of_groups.flatten());
    let unknown: Vec<Diagnostic> = patterns.filter_map(|pattern| unknown(pattern, graph)).collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    set_learning_of(recipe, graph, 0, &BTreeMap::new());
    let useless: Vec<Diagnostic> =
        recipe.freeze.iter().filter_map(|frozen| frees_nothing(recipe, frozen, graph)).collect();
    if !useless.is_empty() {
        return Err(useless);
    }
    match (of_frozen.clone().next(), graph.parameters.iter().any(Parameter::is_learnt)) {
        (Some(first), false) => {
            let for_now = recipe.freeze.iter().any(|frozen| frozen.epochs.is_some());
            let when = if for_now { " in the first epoch" } else { "" };
            let name = &graph.name;
            let message = format!("every parameter of {name} is frozen{when}, and nothing is left to be learnt");
            let all = Diagnostic::new(Code::E609, message, first.place, "frozen by this, and what stands beside it");
            Err(vec![all.help("leave the last layer out: `\"*\"` fits it too")])
        }
        _ => Ok(()),
    }
}

/// Sets how each parameter learns after so many epochs. `begun` says, of the epochs before which something becomes free, how many
/// steps were over then.
pub fn set_learning_of(recipe: &Recipe, graph: &mut Graph, epoch: usize, begun: &BTreeMap<usize, u64>) {
    for parameter in &mut graph.parameters {
        let mut learning = parameter.learning;
        for group in recipe.groups.iter().filter(|group| group.parameters.has(parameter)) {
            learning.rate = group.rate.unwrap_or(learning.rate);
            learning.weight_decay = group.weight_decay.or(learning.weight_decay);
        }
        let holds = |frozen: &&Frozen| frozen.parameters.iter().any(|pattern| pattern.fits(parameter));
        let frozen = recipe.freeze.iter().filter(holds);
        learning.frozen = frozen.clone().any(|frozen| frozen.epochs.is_none_or(|epochs| epoch < epochs));
        let last = frozen.filter_map(|frozen| frozen.epochs).max().filter(|_| !learning.frozen);
        learning.since = last.and_then(|epochs| begun.get(&epochs)).copied().unwrap_or(0);
        parameter.learning = learning;
    }
}

/// The epochs before which something becomes free, as many as are over then.
pub fn changes(recipe: &Recipe) -> BTreeSet<usize> {
    recipe.freeze.iter().filter_map(|frozen| frozen.epochs).collect()
}

/// E609 for what is frozen for some epochs, and all of it for longer by something else that the recipe says.
fn frees_nothing(recipe: &Recipe, frozen: &Frozen, graph: &Graph) -> Option<Diagnostic> {
    let (epochs, first) = (frozen.epochs?, frozen.parameters.first()?);
    let fits = |parameter: &Parameter, frozen: &Frozen| frozen.parameters.iter().any(|one| one.fits(parameter));
    let is_longer = |other: &&Frozen| other.epochs.is_none_or(|longer| longer > epochs);
    let longer: Vec<&Frozen> = recipe.freeze.iter().filter(is_longer).collect();
    let is_held = |parameter: &Parameter| longer.iter().any(|other| fits(parameter, other));
    if graph.parameters.iter().filter(|parameter| fits(parameter, frozen)).any(|parameter| !is_held(parameter)) {
        return None;
    }
    let message = format!("nothing becomes free after {epochs} epochs: all of it is frozen for longer");
    let other = longer.iter().flat_map(|other| &other.parameters).next()?;
    let wrong = Diagnostic::new(Code::E609, message, first.place, "frozen for fewer epochs here");
    Some(wrong.label(other.place, "and for longer here").help("take the one out that is not meant"))
}

/// E607 for a pattern that no parameter fits.
fn unknown(pattern: &Pattern, graph: &Graph) -> Option<Diagnostic> {
    if graph.parameters.iter().any(|parameter| pattern.fits(parameter)) {
        return None;
    }
    Some(without_key(pattern, format!("{} has no parameter `{}`", graph.name, pattern.text), graph))
}

/// E607 for a pattern, with what could be meant.
pub fn without_key(pattern: &Pattern, message: String, graph: &Graph) -> Diagnostic {
    let wrong = Diagnostic::new(Code::E607, message, pattern.place, "fits no key");
    let keys = || graph.parameters.iter().map(|parameter| parameter.path.as_ref());
    let is_above = |key: &&str| key.strip_prefix(&pattern.text).is_some_and(|rest| rest.starts_with('.'));
    if keys().any(|key| is_above(&key)) {
        let whole = format!("{}.*", pattern.text);
        return wrong.help(format!("all of its parameters are `\"{whole}\"`"));
    }
    match nearest(&pattern.text, keys()) {
        Some(near) => wrong.help(format!("there is `{near}`")),
        None => wrong.note("`cnnc params FILE` lists all keys; `*` stands for any characters"),
    }
}
