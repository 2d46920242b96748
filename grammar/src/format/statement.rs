//! Files, bodies and statements as lines.
//!
//! A body stays on one line where people wrote it so and it fits. Else each statement begins a line, unless it shared one
//! with the statement before it and still can.

use super::head::Head;
use super::lines::Text;
use super::token::{Token, width};
use super::weave::Weaver;
use super::{INDENT, Unreadable, WIDTH};
use crate::ast::{Ast, Body, Comment, Gap, Item, ItemKind, Layout, Statement, StatementKind};

/// Writes a file.
#[derive(Default)]
pub(super) struct Writer {
    text: Text,
    unreadable: Option<Unreadable>,
}

/// A statement or declaration taken apart: tokens and the body behind them, an `if` once for each arm.
struct Sentence<'ast> {
    parts: Vec<(Vec<Token<'ast>>, Option<&'ast Body>)>,
    layout: &'ast Layout,
    /// Comments without a place between the tokens.
    homeless: Vec<&'ast Comment>,
}

/// The lines of a file or a body.
struct Lines {
    indent: usize,
    /// Nothing is written of it yet.
    is_first: bool,
    /// The statement before is on one line, so that another may follow it there.
    is_open: bool,
}

impl Writer {
    pub(super) fn finish(self) -> Result<String, Unreadable> {
        self.unreadable.map_or_else(|| Ok(self.text.finish()), Err)
    }

    pub(super) fn file(&mut self, ast: &Ast) {
        let mut lines = Lines { indent: 0, is_first: true, is_open: false };
        for item in &ast.items {
            let sentence = self.declaration(item);
            self.sentence(&sentence, &mut lines);
            lines.is_open = false;
        }
        self.comments(&ast.closing, &mut lines);
        if !lines.is_first {
            self.text.line(0);
        }
    }

    fn declaration<'ast>(&mut self, item: &'ast Item) -> Sentence<'ast> {
        let mut head = Head::default();
        let mut body = None;
        match &item.kind {
            ItemKind::Import(import) => head.import(import),
            ItemKind::Preset(preset) => head.preset(preset),
            ItemKind::Declaration(declaration) => {
                head.declaration(declaration);
                body = Some(&declaration.body);
            }
            ItemKind::Unreadable(_) => head.unreadable = Some(Unreadable),
        }
        self.sentence_of(vec![(head, body)], &item.layout)
    }

    fn statement<'ast>(&mut self, statement: &'ast Statement) -> Sentence<'ast> {
        let mut first = Head::default();
        first.statement(&statement.kind);
        let mut heads = vec![first];
        if let StatementKind::If { arms, otherwise } = &statement.kind {
            for (condition, _) in arms.iter().skip(1) {
                let mut head = Head::default();
                head.keyword("else");
                head.condition(condition);
                heads.push(head);
            }
            heads.extend(otherwise.iter().map(|_| {
                let mut head = Head::default();
                head.word("else");
                head
            }));
        }
        let mut bodies = statement.kind.bodies().into_iter();
        let parts = heads.into_iter().map(|head| (head, bodies.next())).collect();
        self.sentence_of(parts, &statement.layout)
    }

    /// Weaves the comments inside a statement between its tokens.
    fn sentence_of<'ast>(
        &mut self,
        heads: Vec<(Head<'ast>, Option<&'ast Body>)>,
        layout: &'ast Layout,
    ) -> Sentence<'ast> {
        let inside = layout.comments.as_deref().map_or(&[][..], |comments| &comments.inside);
        let mut weaver = Weaver::new(inside);
        let mut parts = Vec::with_capacity(heads.len());
        for (index, (head, body)) in heads.into_iter().enumerate() {
            self.unreadable = self.unreadable.or(head.unreadable);
            parts.push((weaver.weave(head.tokens, index > 0), body));
            weaver.body();
        }
        let homeless = weaver.left().iter().map(|inside| &inside.comment).collect();
        Sentence { parts, layout, homeless }
    }

    /// Writes a statement with its comments, on the line of the one before it where it stood there and fits.
    fn sentence(&mut self, sentence: &Sentence<'_>, lines: &mut Lines) {
        let comments = sentence.layout.comments.as_deref();
        self.comments(comments.map_or(&[], |comments| &comments.before), lines);
        for comment in &sentence.homeless {
            lines.begin(&mut self.text, Gap::NextLine);
            self.text.push(&comment.text);
        }
        let shares = lines.is_open && sentence.layout.gap == Gap::SameLine;
        let shared = shares.then(|| self.flat(&sentence.parts, "; ".len())).flatten();
        if let Some(text) = shared {
            self.text.push("; ");
            self.text.push(&text);
        } else {
            lines.begin(&mut self.text, sentence.layout.gap);
            match self.flat(&sentence.parts, 0) {
                Some(text) => {
                    self.text.push(&text);
                    lines.is_open = true;
                }
                None => self.broken(&sentence.parts, lines.indent),
            }
        }
        if let Some(behind) = comments.and_then(|comments| comments.behind.as_ref()) {
            self.text.comment(behind, lines.indent);
            lines.is_open = false;
        }
    }

    fn comments(&mut self, comments: &[Comment], lines: &mut Lines) {
        for comment in comments {
            lines.begin(&mut self.text, comment.gap);
            self.text.push(&comment.text);
        }
    }

    /// A statement over several lines.
    fn broken(&mut self, parts: &[(Vec<Token<'_>>, Option<&Body>)], indent: usize) {
        for (index, (tokens, body)) in parts.iter().enumerate() {
            let before = tokens.iter().take_while(|token| index > 0 && matches!(token, Token::Comment(_))).count();
            let (before, tokens) = tokens.split_at_checked(before).unwrap_or_default();
            for token in before {
                if let Token::Comment(comment) = token {
                    self.text.comment(comment, indent);
                }
            }
            self.text.push(if index > 0 && before.is_empty() { " " } else { "" });
            self.text.tokens(tokens, indent, if body.is_some() { " {".len() } else { 0 });
            if let Some(body) = body {
                self.text.push(if tokens.is_empty() { "" } else { " " });
                self.body(body, indent);
            }
        }
    }

    /// A body over several lines, unless it is empty.
    fn body(&mut self, body: &Body, indent: usize) {
        let comments = body.comments.as_deref();
        if body.statements.is_empty() && comments.is_none() {
            return self.text.push("{}");
        }
        self.text.push("{");
        if let Some(opening) = comments.and_then(|comments| comments.opening.as_ref()) {
            self.text.comment(opening, indent + INDENT);
        }
        let mut lines = Lines { indent: indent + INDENT, is_first: true, is_open: false };
        for statement in &body.statements {
            let sentence = self.statement(statement);
            self.sentence(&sentence, &mut lines);
        }
        self.comments(comments.map_or(&[], |comments| &comments.closing), &mut lines);
        self.text.line(indent);
        self.text.push("}");
    }

    /// A statement on one line with the text so far, `before` columns behind it; `None` where it does not fit or may not be.
    fn flat(&mut self, parts: &[(Vec<Token<'_>>, Option<&Body>)], before: usize) -> Option<String> {
        let mut line = Line { text: String::new(), room: WIDTH.checked_sub(self.text.column() + before)? };
        self.flat_parts(parts, &mut line)?;
        Some(line.text)
    }

    fn flat_parts(&mut self, parts: &[(Vec<Token<'_>>, Option<&Body>)], line: &mut Line) -> Option<()> {
        for (index, (tokens, body)) in parts.iter().enumerate() {
            line.push(if index > 0 { " " } else { "" })?;
            line.tokens(tokens)?;
            if let Some(body) = body {
                line.push(if tokens.is_empty() { "" } else { " " })?;
                self.flat_body(body, line)?;
            }
        }
        Some(())
    }

    fn flat_body(&mut self, body: &Body, line: &mut Line) -> Option<()> {
        if body.comments.is_some() {
            return None;
        }
        line.push("{")?;
        for (index, statement) in body.statements.iter().enumerate() {
            if statement.layout.gap != Gap::SameLine || statement.layout.comments.is_some() {
                return None;
            }
            line.push(if index > 0 { "; " } else { " " })?;
            let sentence = self.statement(statement);
            self.flat_parts(&sentence.parts, line)?;
        }
        line.push(if body.statements.is_empty() { "}" } else { " }" })
    }
}

impl Lines {
    /// Begins the line of a statement or a comment.
    fn begin(&mut self, text: &mut Text, gap: Gap) {
        match gap {
            Gap::EmptyLine if !self.is_first => text.empty_line(self.indent),
            _ => text.line(self.indent),
        }
        (self.is_first, self.is_open) = (false, false);
    }
}

/// One line being tried.
struct Line {
    text: String,
    /// Columns that are left.
    room: usize,
}

impl Line {
    fn push(&mut self, text: &str) -> Option<()> {
        self.room = self.room.checked_sub(text.chars().count())?;
        self.text.push_str(text);
        Some(())
    }

    fn tokens(&mut self, tokens: &[Token<'_>]) -> Option<()> {
        self.room = self.room.checked_sub(width(tokens)?)?;
        tokens.iter().for_each(|token| token.write_flat(&mut self.text));
        Some(())
    }
}
