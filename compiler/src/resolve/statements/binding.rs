//! Names of values: `tied`, and what a `let` hides.

use crate::resolve::builder::{Builder, Frame};
use crate::resolve::error::ValueError;
use crate::resolve::expression::{Recipe, Value};
use crate::resolve::report::{KEPT, Reporter};
use cnnc_grammar::ast::{Call, Name, Pattern};
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// Warns of a `let` in a loop that hides a name from outside: each turn begins with the outer value again.
pub(in crate::resolve) fn warn_of_hiding(reporter: &mut Reporter<'_>, frame: &Frame<'_>, pattern: &Pattern) {
    let Some(place) = frame.loop_places.last() else { return };
    match pattern {
        Pattern::Name(name) => {
            let is_inside = |span: &Span| span.file == place.file && (place.start..place.end).contains(&span.start);
            let outer = frame.scope.declared(&name.text).filter(|span| !is_inside(span) && name.text != "_");
            if let Some(outer) = outer {
                reporter.warn(ValueError::Hides { name: &name.text, span: name.span, outer }.diagnostic());
            }
        }
        Pattern::Tuple(parts, _) => parts.iter().for_each(|part| warn_of_hiding(reporter, frame, part)),
    }
}

/// `tied NAME = Layer(...)`
pub(in crate::resolve) fn tied<'a>(
    builder: &mut Builder<'a, '_>,
    frame: &mut Frame<'a>,
    name: &'a Name,
    layer: &'a Call,
) {
    let declarations = builder.declarations;
    let recipe = builder.at(frame, |evaluator, _| {
        let recipe = declarations.recipe(evaluator, layer)?;
        declarations.check_recipe(evaluator, &recipe);
        Some(recipe)
    });
    let value = recipe.map(|recipe| {
        let Recipe { callee, arguments, site, .. } = &*recipe;
        builder.reporter.spend(KEPT, name.span);
        let tied = Some(builder.network.tied.declare());
        Value::Layer(Rc::new(Recipe::new(callee.clone(), arguments.clone(), *site, tied)))
    });
    frame.scope.bind(name, value);
}
