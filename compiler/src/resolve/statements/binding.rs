//! Names of values: `tied`.

use crate::resolve::builder::{Builder, Frame};
use crate::resolve::expression::{Recipe, Value};
use crate::resolve::report::KEPT;
use cnnc_grammar::ast::{Call, Name};
use std::rc::Rc;

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
