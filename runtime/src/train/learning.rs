//! What a recipe says of single parameters, written into the network: which are frozen, and which learn otherwise than the rest.

use super::recipe::{Pattern, Recipe, Selection};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::graph::{Graph, Parameter};

/// Sets how each parameter learns.
///
/// # Errors
/// E607 with every pattern that no parameter fits; E609 when all that could be learnt is frozen.
pub fn set_learning(recipe: &Recipe, graph: &mut Graph) -> Result<(), Vec<Diagnostic>> {
    let of_groups = recipe.groups.iter().filter_map(|group| match &group.parameters {
        Selection::Keys(patterns) => Some(patterns),
        Selection::BiasAndNorm => None,
    });
    let patterns = recipe.freeze.iter().chain(of_groups.flatten());
    let unknown: Vec<Diagnostic> = patterns.filter_map(|pattern| unknown(pattern, graph)).collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    for parameter in &mut graph.parameters {
        let mut learning = parameter.learning;
        for group in recipe.groups.iter().filter(|group| group.parameters.has(parameter)) {
            learning.rate = group.rate.unwrap_or(learning.rate);
            learning.weight_decay = group.weight_decay.or(learning.weight_decay);
        }
        learning.frozen = recipe.freeze.iter().any(|pattern| pattern.fits(parameter));
        parameter.learning = learning;
    }
    match (recipe.freeze.first(), graph.parameters.iter().any(Parameter::is_learnt)) {
        (Some(first), false) => {
            let message = format!("every parameter of {} is frozen, and nothing is left to be learnt", graph.name);
            let all = Diagnostic::new(Code::E609, message, first.place, "frozen by this, and what stands beside it");
            Err(vec![all.help("leave the last layer out: `\"*\"` fits it too")])
        }
        _ => Ok(()),
    }
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
