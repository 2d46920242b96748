//! Bodies whose `}` is missing: which `{` to point at.
//!
//! The grammar ends all open bodies where the next declaration begins, so the bracket that it finds unclosed is a declaration's
//! own. Indentation tells better: the first `}` that stands further left than the line of its `{` was meant for an outer one.

use pest::iterators::Pair;

use super::scan::{Scanner, TokenKind};
use super::words::quote;
use super::{Builder, Rule};
use crate::ast::Body;
use crate::error::SyntaxErrorKind;

impl Builder<'_> {
    /// The body of a declaration whose header begins at `header`; reports a missing `}` in it.
    pub(super) fn outer_body(&mut self, pair: Pair<'_, Rule>, header: usize) -> Body {
        let range = pair.as_span().start()..pair.as_span().end();
        let is_unclosed = pair.clone().into_inner().next_back().is_some_and(|last| last.as_rule() == Rule::unclosed);
        let body = self.body(pair);
        if is_unclosed {
            self.report_unclosed(header, range.start, range.end);
        }
        body
    }

    fn report_unclosed(&mut self, header: usize, start: usize, end: usize) {
        if self.spare_braces < 0 {
            self.spare_braces = 0;
            return;
        }
        let indentation = self.indentation(header).unwrap_or(0);
        let rest = self.text.get(end..).unwrap_or("");
        let word = Scanner::new(rest).next().filter(|token| token.kind == TokenKind::Word && token.start == 0);
        if let Some(word) = word
            && self.indentation(end).is_some_and(|inner| inner > indentation)
        {
            let found = quote(rest.get(..word.end).unwrap_or(""));
            let kind = SyntaxErrorKind::Unexpected { found, expected: vec!["a statement", "`}`"] };
            self.report(kind, self.range(end, end + word.end));
            self.spare_braces += 1;
            return;
        }
        let brace = start + unclosed_brace(self.text.get(start..end).unwrap_or(""), indentation);
        self.report(SyntaxErrorKind::Unclosed { open: '{' }, self.range(brace, brace + 1));
    }

    /// The blanks before a place that is the first of its line.
    fn indentation(&self, place: usize) -> Option<usize> {
        let before = self.text.get(..place)?;
        let line_start = before.trim_end_matches([' ', '\t']);
        (line_start.is_empty() || line_start.ends_with(['\n', '\r'])).then_some(before.len() - line_start.len())
    }
}

/// Where in the text of an unclosed body the `{` stands that was not closed.
fn unclosed_brace(text: &str, mut indentation: usize) -> usize {
    let (mut open, mut line_start) = (Vec::new(), None);
    for token in Scanner::new(text) {
        if token.kind == TokenKind::LineEnd {
            line_start = Some(token.end);
            continue;
        }
        let is_first = line_start.is_some();
        if let Some(line_start) = line_start.take() {
            indentation = token.start - line_start;
        }
        match token.kind {
            TokenKind::Open('{') => open.push((token.start, indentation)),
            TokenKind::Close('}') => {
                if let Some((brace, opened)) = open.pop()
                    && is_first
                    && indentation < opened
                {
                    return brace;
                }
            }
            _ => {}
        }
    }
    open.pop().map_or(0, |(brace, _)| brace)
}
