//! Names of values within one call of a block or model.
//!
//! Braces nest without copies: a binding shadows what was there, and the end of the braces takes back what was bound inside.

use super::value::Value;
use cnnc_grammar::ast::Name;
use cnnc_grammar::span::Span;
use std::collections::HashMap;

/// What a name stands for: a value, or `None` where an error took it.
type Binding<'a> = Option<Value<'a>>;

/// A binding, and where its name is declared.
type Declared<'a> = (Binding<'a>, Span);

/// The names that can be seen at one point.
#[derive(Default)]
pub(in crate::resolve) struct Scope<'a> {
    values: HashMap<&'a str, Declared<'a>>,
    shadowed: Vec<(&'a str, Option<Declared<'a>>)>,
    /// Whether a name may be missing because of a statement that could not be read; such a name is no error.
    pub incomplete: bool,
}

impl<'a> Scope<'a> {
    /// Binds a name until the current braces end; `_` binds nothing.
    pub fn bind(&mut self, name: &'a Name, value: Binding<'a>) {
        self.bind_at(&name.text, name.span, value);
    }

    /// As [`Scope::bind`], for a name in an expression.
    pub fn bind_at(&mut self, name: &'a str, declared: Span, value: Binding<'a>) {
        if name != "_" {
            let before = self.values.insert(name, (value, declared));
            self.shadowed.push((name, before));
        }
    }

    /// Binds a name to nothing known, unless it stands for something already.
    pub fn bind_new(&mut self, name: &'a str, declared: Span) {
        if !self.values.contains_key(name) {
            self.bind_at(name, declared, None);
        }
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&Binding<'a>> {
        self.values.get(name).map(|(binding, _)| binding)
    }

    /// Where what it stands for is declared.
    pub fn declared(&self, name: &str) -> Option<Span> {
        self.values.get(name).map(|(_, declared)| *declared)
    }

    /// How many names there are.
    pub fn size(&self) -> usize {
        self.values.len()
    }

    /// What all names stand for, where that is known.
    pub fn values(&self) -> impl Iterator<Item = &Value<'a>> {
        self.values.values().filter_map(|(binding, _)| binding.as_ref())
    }

    /// The same names, to bind more that no others see: those of an expression's loops, and of items in braces.
    pub fn inner(&self) -> Scope<'a> {
        Scope { values: self.values.clone(), shadowed: Vec::new(), incomplete: self.incomplete }
    }

    /// All names, sorted, for "did you mean".
    pub fn names(&self) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = self.values.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Where braces begin; give it back to [`Scope::leave`].
    pub fn enter(&self) -> usize {
        self.shadowed.len()
    }

    /// Takes back what was bound since.
    pub fn leave(&mut self, mark: usize) {
        while self.shadowed.len() > mark {
            match self.shadowed.pop() {
                Some((name, Some(before))) => self.values.insert(name, before),
                Some((name, None)) => self.values.remove(name),
                None => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_give_back_what_they_shadowed() {
        let mut scope = Scope::default();
        let bind = |scope: &mut Scope<'static>, name, value| scope.bind_at(name, Span::default(), value);
        bind(&mut scope, "a", Some(Value::Int(1)));
        let mark = scope.enter();
        bind(&mut scope, "a", Some(Value::Int(2)));
        bind(&mut scope, "b", None);
        assert!(matches!(scope.get("a"), Some(Some(Value::Int(2)))));
        scope.leave(mark);
        assert!(matches!(scope.get("a"), Some(Some(Value::Int(1)))));
        assert!(scope.get("b").is_none());
    }
}
