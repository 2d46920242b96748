//! Comments and the lines that part statements: what the grammar skips and [`Layout`] keeps.
//!
//! Between statements they stand in the text of `separator` pairs, inside statements in the blanks between tokens. A
//! statement without a `#` in it, which is nearly every one, costs one look for that.

use super::Builder;
use super::scan::{Scanner, TokenKind};
use crate::ast::{Body, BodyComments, Comment, Gap, InsideComment, Layout};
use crate::span::Span;

/// What stood since the last statement or declaration, to be given to the next one.
pub(super) struct Between {
    /// Comments on lines of their own.
    comments: Vec<Comment>,
    /// The gap behind the last of them.
    gap: Gap,
    /// Nothing stands before, so that empty lines part nothing.
    is_first: bool,
}

impl Between {
    /// At the start of a body, on the line of its `{`.
    pub(super) fn of_body() -> Self {
        Between { comments: Vec::new(), gap: Gap::SameLine, is_first: true }
    }

    /// At the start of a file, where a comment is behind nothing.
    pub(super) fn of_file() -> Self {
        Between { gap: Gap::NextLine, ..Between::of_body() }
    }

    /// Takes in the text between two statements; gives the comment on the line of what stands before.
    pub(super) fn take(&mut self, text: &str) -> Option<Comment> {
        let (mut comments, gap) = comments_in(text, self.gap);
        let is_behind = comments.first().is_some_and(|first| first.gap == Gap::SameLine);
        let behind = is_behind.then(|| comments.remove(0));
        for comment in comments {
            self.gap = comment.gap;
            let gap = self.next_gap();
            self.comments.push(Comment { gap, ..comment });
        }
        self.gap = gap;
        behind
    }

    /// The layout of what comes now, without the comments inside it.
    pub(super) fn layout(&mut self) -> Layout {
        let mut layout = Layout { gap: self.next_gap(), comments: None };
        if !self.comments.is_empty() {
            layout.comments_mut().before = std::mem::take(&mut self.comments);
        }
        layout
    }

    /// The comments behind the last statement.
    pub(super) fn closing(self) -> Vec<Comment> {
        self.comments
    }

    /// The gap before what comes now.
    fn next_gap(&mut self) -> Gap {
        let gap = std::mem::replace(&mut self.gap, Gap::SameLine);
        if std::mem::take(&mut self.is_first) { gap.without_empty_line() } else { gap }
    }
}

impl Builder<'_> {
    /// The layout of the statement or header that comes now and lies at `span`.
    pub(super) fn layout(&self, between: &mut Between, span: Span, bodies: &[&Body]) -> Layout {
        let mut layout = between.layout();
        let inside = self.comments_inside(span, bodies);
        if !inside.is_empty() {
            layout.comments_mut().inside = inside;
        }
        layout
    }

    /// The comments between the words at `span`, but for those in the bodies.
    fn comments_inside(&self, span: Span, bodies: &[&Body]) -> Vec<InsideComment> {
        let (mut comments, mut words_before, mut start) = (Vec::new(), 0, span.start);
        let end = Span { start: span.end, ..span };
        for body in bodies.iter().map(|body| body.span).chain([end]) {
            let text = self.text.get(start as usize..body.start as usize).unwrap_or("");
            if text.contains('#') {
                comments_between_tokens(text, words_before, &mut comments);
            }
            if bodies.len() > 1 {
                words_before += words(text) + 1;
            }
            start = body.end;
        }
        comments
    }
}

/// The comments of a body that no statement has; `None` where there are none.
pub(super) fn body_comments(opening: Option<Comment>, closing: Vec<Comment>) -> Option<Box<BodyComments>> {
    let is_any = opening.is_some() || !closing.is_empty();
    is_any.then(|| Box::new(BodyComments { opening, closing }))
}

/// How many words, numbers and strings a text has.
fn words(text: &str) -> usize {
    Scanner::new(text).filter(|token| is_word(token.kind)).count()
}

fn is_word(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Word | TokenKind::Number | TokenKind::String)
}

/// Adds the comments of a text without bodies that so many words stand before. Each comment stands before a line's end.
fn comments_between_tokens(text: &str, mut words_before: usize, comments: &mut Vec<InsideComment>) {
    let (mut end, mut gap, mut brackets_before) = (0, Gap::SameLine, 0);
    for token in Scanner::new(text) {
        if token.kind != TokenKind::LineEnd {
            if is_word(token.kind) {
                (words_before, brackets_before) = (words_before + 1, 0);
            }
            brackets_before += usize::from(matches!(token.kind, TokenKind::Open(_) | TokenKind::Close(_)));
            (end, gap) = (token.end, Gap::SameLine);
            continue;
        }
        let blanks = text.get(end..token.start).unwrap_or("");
        if let Some(at) = blanks.find('#') {
            let text = blanks.get(at..).unwrap_or("").trim_end_matches([' ', '\t']).to_owned();
            comments.push(InsideComment { words_before, brackets_before, comment: Comment { text, gap } });
        }
        (end, gap) = (token.end, Gap::NextLine);
    }
}

/// The comments of a text between statements, and the gap behind the last of them; `gap` stands before the text.
fn comments_in(text: &str, gap: Gap) -> (Vec<Comment>, Gap) {
    let (mut comments, mut line_ends) = (Vec::new(), usize::from(gap != Gap::SameLine));
    let mut rest = text;
    while let Some(at) = rest.find(['#', '\n', '\r']) {
        rest = rest.get(at..).unwrap_or("");
        let length = match rest.strip_prefix('#') {
            Some(_) => {
                let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
                let text = rest.get(..length).unwrap_or("").trim_end_matches([' ', '\t']).to_owned();
                comments.push(Comment { text, gap: Gap::of(line_ends) });
                line_ends = 0;
                length
            }
            None => {
                line_ends += 1;
                if rest.starts_with("\r\n") { 2 } else { 1 }
            }
        };
        rest = rest.get(length..).unwrap_or("");
    }
    (comments, Gap::of(line_ends))
}
