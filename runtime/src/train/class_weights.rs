//! From what a recipe says of the weights of classes to a number for each: as they are listed, by the names of the classes, or
//! counted from the training set.

use super::recipe::{ClassWeightsChoice, Recipe, Weighing};
use crate::data::{DataSet, counts_of};
use crate::failure::failure;
use crate::{Error, Result};
use cnnc_compiler::diagnostic::{Code, Label, nearest};
use cnnc_compiler::training::{ClassWeights, Loss};
use cnnc_grammar::span::Span;

/// The recipe's loss with the weights of a network's classes.
///
/// # Errors
/// E610 when there are not as many weights as classes, or a class has no picture to count by; E607 when a name is no class.
pub fn weighted(recipe: &Recipe, data: &DataSet, classes: usize) -> Result<Loss> {
    let loss = recipe.training.loss.clone();
    let Some(ClassWeightsChoice { key, place, weighing }) = &recipe.class_weights else { return Ok(loss) };
    let numbers = match weighing {
        Weighing::Same(number) => vec![*number; classes],
        Weighing::Listed(numbers) if numbers.len() == classes => numbers.clone(),
        Weighing::Listed(numbers) => {
            let message = format!("`{key}` has {} numbers, and the model tells {classes} classes apart", numbers.len());
            return Err(at(*place, "a number for each class", failure(Code::E610, message)));
        }
        Weighing::Named(pairs) => named(key, pairs, &names(data, classes))?,
        Weighing::Balanced => {
            counted(key, &loss, data, classes).map_err(|wrong| at(*place, "counted from the training set", wrong))?
        }
    };
    let weights: ClassWeights = numbers.into_iter().map(|number| number as f32).collect();
    Ok(loss.with_class_weights(weights))
}

/// What the classes are called, or their numbers.
fn names(data: &DataSet, classes: usize) -> Vec<String> {
    let known = data.class_names.as_deref().unwrap_or_default();
    (0..classes).map(|class| known.get(class).cloned().unwrap_or_else(|| class.to_string())).collect()
}

/// Those that have a weight of their own; the others weigh 1.
fn named(key: &str, pairs: &[(String, f64, Span)], names: &[String]) -> Result<Vec<f64>> {
    let mut numbers = vec![1.0; names.len()];
    for (name, number, place) in pairs {
        let Some(class) = names.iter().position(|known| known == name) else {
            let mut unknown = failure(Code::E607, format!("`{key}` names the class `{name}`, and there is none"));
            unknown.help.extend(match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => Some(format!("there is `{near}`")),
                None => names.first().zip(names.last()).map(|(first, last)| format!("they are `{first}` to `{last}`")),
            });
            return Err(at(*place, "unknown class", unknown));
        };
        numbers[class] = *number;
    }
    Ok(numbers)
}

/// By how often a class occurs: n / (k · n_c), as scikit-learn's `compute_class_weight("balanced")` has it; for the ones of a
/// class by itself (n − n_c) / n_c, so that ones and zeros count the same.
fn counted(key: &str, loss: &Loss, data: &DataSet, classes: usize) -> Result<Vec<f64>> {
    let (all, counts) = (data.train.len(), counts_of(&*data.train, classes));
    let is_binary = matches!(loss, Loss::BinaryCrossEntropy(_));
    let odd = counts.iter().position(|&count| count == 0 || (is_binary && count == all));
    if let Some(class) = odd {
        let name = &names(data, classes)[class];
        let has = if counts[class] == 0 { "no picture" } else { "nothing but pictures" };
        let message = format!("`{key}` is balanced, and the training set has {has} of the class `{name}`");
        let instead =
            format!("give the numbers of the classes: `{}: {{{name}: 1}}`", key.rsplit('.').next().unwrap_or(key));
        return Err(failure(Code::E610, message).help(instead));
    }
    let weight = |count: usize| match is_binary {
        true => (all - count) as f64 / count as f64,
        false => all as f64 / (classes * count) as f64,
    };
    Ok(counts.into_iter().map(weight).collect())
}

fn at(place: Span, text: &str, mut failure: Error) -> Error {
    failure.labels.push(Label { span: place, text: text.into() });
    failure
}
