//! Training by a recipe: a network, data and a [`recipe::Recipe`] come in; trained weights, a log and events on the way go out.

pub mod recipe;
pub mod schedule;
