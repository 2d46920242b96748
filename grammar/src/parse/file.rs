//! A whole file: its declarations, and what stands between them.

use pest::iterators::Pair;

use super::comment::Between;
use super::recover::{braces_taken, lacks_body};
use super::{Builder, Rule, children};
use crate::ast::{Ast, Body, Item, ItemKind, Layout, Name, UnreadableItem};
use crate::error::SyntaxErrorKind;
use crate::span::Span;

/// Text between declarations; one error is enough for all that stands between two of them.
#[derive(Default)]
struct Stray {
    /// The first text's byte range.
    text: Option<(usize, usize)>,
    /// The last `}` that closes nothing.
    brace: Option<usize>,
    /// The declaration before lacks its body, so that a bare `{ }` on the next line is that.
    wants_body: bool,
}

impl Builder<'_> {
    /// A pair `file`.
    pub(super) fn file(&mut self, pair: Pair<'_, Rule>) -> Ast {
        let mut items = Vec::new();
        let mut stray = Stray::default();
        let mut between = Between::of_file();
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::stray_brace => stray.brace = Some(child.as_span().start()),
                Rule::unreadable_declaration => self.unreadable_declaration(child, &mut stray, &mut items),
                Rule::separator => take_separator(&mut items, &mut between, child.as_str()),
                Rule::EOI => {}
                _ => {
                    self.report_stray(&mut stray);
                    if let Some((kind, head)) = self.item(child) {
                        items.push(Item { kind, layout: self.layout(&mut between, head, &[]) });
                    }
                }
            }
        }
        self.report_stray(&mut stray);
        Ast { items, closing: between.closing() }
    }

    /// A declaration, and where it stands without its body.
    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<(ItemKind, Span)> {
        let kind = match pair.as_rule() {
            Rule::import => ItemKind::Import(self.import(pair)?),
            Rule::preset => ItemKind::Preset(self.preset(pair)?),
            Rule::declaration => ItemKind::Declaration(self.declaration(pair)?),
            _ => return None,
        };
        let head = match &kind {
            ItemKind::Import(import) => import.span,
            ItemKind::Preset(preset) => preset.span,
            ItemKind::Declaration(declaration) => declaration.header,
            ItemKind::Unreadable(_) => return None,
        };
        Some((kind, head))
    }

    /// Text that fits no declaration, and the body behind it.
    fn unreadable_declaration(&mut self, pair: Pair<'_, Rule>, stray: &mut Stray, items: &mut Vec<Item>) {
        let start = pair.as_span().start();
        let (mut name, mut body, mut text) = (None, None, None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::body => body = Some(self.outer_body(part, start)),
                _ => text = Some(part.as_span()),
            }
        }
        let wants_body = std::mem::take(&mut stray.wants_body);
        match text {
            Some(text) if is_header(text.as_str()) => {
                self.report_stray(stray);
                name = self.declared_name(text.as_str(), start);
                let error = self.diagnose(Rule::lone_declaration, start, text.end());
                stray.wants_body = body.is_none() && lacks_body(&error.kind);
                self.spare_braces += isize::from(stray.wants_body) + braces_taken(&error.kind, text.as_str());
                self.errors.push(error);
            }
            None if wants_body => {
                self.spare_braces -= 1;
                return give_body(items, body);
            }
            Some(text) => drop(stray.text.get_or_insert((start, text.end()))),
            None => drop(stray.text.get_or_insert((start, start))),
        }
        let kind = ItemKind::Unreadable(UnreadableItem { name, body });
        items.push(Item { kind, layout: Layout::default() });
    }

    /// The name behind `model` or `block`.
    fn declared_name(&self, header: &str, start: usize) -> Option<Name> {
        let rest = header.strip_prefix("model").or_else(|| header.strip_prefix("block"))?;
        let name = rest.trim_start_matches([' ', '\t']);
        self.leading_word(name, start + header.len() - name.len())
    }

    /// Reports what stood between two declarations: a `}` too many explains the text before it.
    fn report_stray(&mut self, stray: &mut Stray) {
        let Stray { text, brace, .. } = std::mem::take(stray);
        match (text, brace) {
            (_, Some(_)) if self.spare_braces > 0 => self.spare_braces = 0,
            (_, Some(brace)) => {
                self.report(SyntaxErrorKind::Unopened { close: '}' }, self.range(brace, brace + 1));
            }
            (Some((start, end)), None) => {
                let error = self.diagnose(Rule::lone_declaration, start, end);
                self.errors.push(error);
            }
            (None, None) => {}
        }
    }
}

/// Whether a text begins as a declaration does.
fn is_header(text: &str) -> bool {
    ["model", "block", "import"].iter().any(|word| {
        text.strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    })
}

/// Gives a bare `{ }` to the unreadable declaration before it.
fn give_body(items: &mut [Item], body: Option<Body>) {
    if let Some(Item { kind: ItemKind::Unreadable(last), .. }) = items.last_mut() {
        last.body = body;
    }
}

/// Gives the comment on the line of a declaration to it; the others wait in `between` for the next one.
fn take_separator(items: &mut [Item], between: &mut Between, text: &str) {
    if let (Some(behind), Some(last)) = (between.take(text), items.last_mut()) {
        last.layout.comments_mut().behind = Some(behind);
    }
}
