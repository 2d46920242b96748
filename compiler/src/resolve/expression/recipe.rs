//! Layers as values: what is called, and with what. Every use of one makes a new layer, unless it is tied.

use super::arithmetic::{Fault, equal};
use super::scope::Scope;
use super::value::{MAX_DEPTH, MAX_LEAVES, Value};
use crate::ops::LayerEntry;
use crate::resolve::error::CallSite;
use cnnc_grammar::ast::{Argument, Body, Declaration, Expr, Name, Parameter, Preset};
use cnnc_grammar::span::Span;
use std::collections::HashSet;
use std::rc::Rc;

/// What can be called as an item.
#[derive(Clone)]
pub(in crate::resolve) enum Callee<'a> {
    /// A built-in layer.
    Layer(&'static LayerEntry),
    /// A block or model.
    Declared(Rc<Callable<'a>>),
    /// Items in braces behind a block's call.
    Items(Rc<Braces<'a>>),
    /// A declaration that could not be read; its error is reported.
    Unreadable,
}

/// Items that are written out wherever the block that they are given to places them. They see the values that can be seen
/// where they stand, as those are there, and keep and name within themselves.
pub(in crate::resolve) struct Braces<'a> {
    /// The items.
    pub body: &'a Body,
    /// The values.
    pub scope: Scope<'a>,
}

/// A block or model, with the defaults that presets gave it.
#[derive(Debug)]
pub(in crate::resolve) struct Callable<'a> {
    /// The name under which it is called: the preset's, if it is one.
    pub name: &'a Name,
    /// Its parameters and body.
    pub declaration: &'a Declaration,
    /// The presets that led to the declaration, the one called first.
    pub presets: Vec<&'a Preset>,
}

/// A layer with its arguments.
pub(in crate::resolve) struct Recipe<'a> {
    /// What is called.
    pub callee: Callee<'a>,
    /// With what, evaluated where the recipe stands.
    pub arguments: Vec<Given<'a>>,
    /// Where arguments go when an error offers one.
    pub site: CallSite,
    /// The number of the `tied` statement that made it.
    pub tied: Option<usize>,
    leaves: usize,
    depth: usize,
}

/// An argument of a call. Its value is `None` after an error in it.
#[derive(Clone)]
pub(in crate::resolve) struct Given<'a> {
    /// The key of a keyword argument.
    pub key: Option<&'a Name>,
    /// The value, unless it is unknown.
    pub value: Option<Value<'a>>,
    /// As written.
    pub expr: &'a Expr,
    /// Key and value.
    pub span: Span,
}

impl<'a> Callee<'a> {
    /// The values that items in braces hold on to.
    fn seen(&self) -> impl Iterator<Item = &Value<'a>> {
        match self {
            Callee::Items(braces) => Some(braces.scope.values()),
            Callee::Layer(_) | Callee::Declared(_) | Callee::Unreadable => None,
        }
        .into_iter()
        .flatten()
    }

    /// The name under which it is known everywhere.
    fn name(&self) -> &str {
        match self {
            Callee::Layer(entry) => entry.signature.name,
            Callee::Declared(callable) => &callable.name.text,
            Callee::Items(_) | Callee::Unreadable => "",
        }
    }
}

impl<'a> Callable<'a> {
    /// The parameters that have no value when a call gives none, by their place.
    pub fn unset(&self) -> Vec<(usize, &'a Parameter)> {
        let parameters = &self.declaration.parameters;
        let arguments = self.presets.iter().map(|preset| preset.base.arguments.as_deref().unwrap_or_default());
        let name = |(position, argument): (usize, &'a Argument)| match &argument.key {
            Some(key) => Some(key.text.as_str()),
            None => parameters.get(position).map(|parameter| parameter.name.text.as_str()),
        };
        let set: HashSet<&str> =
            arguments.flat_map(|arguments| arguments.iter().enumerate().filter_map(name)).collect();
        let is_open =
            |parameter: &Parameter| parameter.default.is_none() && !set.contains(parameter.name.text.as_str());
        parameters.iter().enumerate().filter(|(_, parameter)| is_open(parameter)).collect()
    }

    /// The same with settings from outside before its presets.
    pub fn with(&self, settings: Option<&'a Preset>) -> Callable<'a> {
        let presets = settings.into_iter().chain(self.presets.iter().copied()).collect();
        Callable { name: self.name, declaration: self.declaration, presets }
    }
}

impl<'a> Recipe<'a> {
    /// A layer with arguments, and the `tied` statement that makes it.
    pub fn new(callee: Callee<'a>, arguments: Vec<Given<'a>>, site: CallSite, tied: Option<usize>) -> Self {
        let values = || arguments.iter().filter_map(|given| given.value.as_ref());
        let leaves = values().map(Value::leaves).fold(1, usize::saturating_add);
        let depth = 1 + values().map(Value::depth).chain(callee.seen().map(Value::depth)).max().unwrap_or(0);
        Recipe { callee, arguments, site, tied, leaves, depth }
    }

    /// Whether it holds more than a value may.
    pub fn is_too_large(&self) -> bool {
        self.leaves > MAX_LEAVES || self.depth > MAX_DEPTH
    }

    /// Whether two layers are the same with the same arguments, written in the same way.
    pub fn same(&self, other: &Recipe<'_>) -> Result<bool, Fault> {
        if let (Callee::Items(a), Callee::Items(b)) = (&self.callee, &other.callee) {
            return Ok(Rc::ptr_eq(a, b));
        }
        if self.callee.name() != other.callee.name()
            || self.tied != other.tied
            || self.arguments.len() != other.arguments.len()
        {
            return Ok(false);
        }
        self.arguments.iter().zip(&other.arguments).try_fold(true, |same, (a, b)| {
            let keys = a.key.map(|key| &key.text) == b.key.map(|key| &key.text);
            match (&a.value, &b.value) {
                (Some(a), Some(b)) if same && keys => equal(a, b),
                _ => Ok(false),
            }
        })
    }

    /// How many values it is made of.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// How deep its arguments nest.
    pub fn depth(&self) -> usize {
        self.depth
    }
}
