//! Where a layer is written: what an error underlines and where a mend goes.

use cnnc_grammar::ast::Expr;
use cnnc_grammar::span::Span;

/// Where a call is written.
#[derive(Clone, Copy, Debug)]
pub(in crate::resolve) struct CallSite {
    /// Name and arguments.
    pub span: Span,
    /// Whether parentheses were written.
    pub parentheses: bool,
}

/// A call of a built-in layer or join with its arguments by name.
#[derive(Clone, Debug)]
pub(in crate::resolve) struct LayerSite<'a> {
    /// The layer's name.
    pub name: &'static str,
    /// Name and arguments.
    pub call: CallSite,
    /// The arguments that were given.
    pub arguments: Vec<SiteArgument<'a>>,
}

/// An argument that was given.
#[derive(Clone, Copy, Debug)]
pub(in crate::resolve) struct SiteArgument<'a> {
    /// Its name.
    pub name: &'static str,
    /// The value.
    pub expr: &'a Expr,
    /// Key and value.
    pub whole: Span,
}

impl<'a> LayerSite<'a> {
    /// The place of an argument's value; the whole call where it was not given.
    pub fn argument(&self, name: &str) -> Span {
        self.given(name).map_or(self.call.span, |argument| argument.whole)
    }

    /// The argument, if it was given.
    pub fn given(&self, name: &str) -> Option<&SiteArgument<'a>> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// The edit that gives an argument another value.
    pub fn change(&self, name: &str, value: &str) -> (Span, String) {
        if let Some(argument) = self.given(name) {
            return (argument.expr.span, value.to_owned());
        }
        let after = |span: Span| Span { start: span.end, ..span };
        match self.arguments.last() {
            Some(last) => (after(last.whole), format!(", {name}={value}")),
            None if self.call.parentheses => {
                let end = self.call.span.end.saturating_sub(1);
                (Span { start: end, end, ..self.call.span }, format!("{name}={value}"))
            }
            None => (after(self.call.span), format!("({name}={value})")),
        }
    }
}
