//! Puts the comments of a statement between its tokens: as many words before each as the AST says, at the last place of
//! the gap between two words where a line may end.

use super::token::{Token, Trailing};
use crate::ast::InsideComment;

/// The comments of a statement that are still to be written, and how many words are.
pub(super) struct Weaver<'ast> {
    comments: &'ast [InsideComment],
    words: usize,
}

impl<'ast> Weaver<'ast> {
    pub(super) fn new(comments: &'ast [InsideComment]) -> Self {
        Weaver { comments, words: 0 }
    }

    /// The tokens with comments; a line may end before the first of them where `at_start` says so.
    pub(super) fn weave(&mut self, tokens: Vec<Token<'ast>>, at_start: bool) -> Vec<Token<'ast>> {
        if self.comments.is_empty() {
            return tokens;
        }
        let mut woven = Vec::with_capacity(tokens.len() + self.comments.len());
        let mut gap = Gap { start: 0, place: at_start.then_some(0) };
        for token in tokens {
            if matches!(token, Token::Word(_)) {
                self.put(&mut woven, &gap);
                self.words += 1;
            }
            let ends_line = matches!(token, Token::Open(_) | Token::Comma | Token::Place);
            if matches!(token, Token::Close(..)) {
                gap.place = Some(woven.len());
            }
            let is_word = matches!(token, Token::Word(_));
            woven.push(token);
            if is_word {
                gap = Gap { start: woven.len(), place: None };
            } else if ends_line {
                gap.place = Some(woven.len());
            }
        }
        self.put(&mut woven, &gap);
        bracketed(&mut woven);
        woven
    }

    /// Counts a body, which stands for one word.
    pub(super) fn body(&mut self) {
        self.words += 1;
    }

    /// The comments that had no place.
    pub(super) fn left(&self) -> &'ast [InsideComment] {
        self.comments
    }

    /// Puts the comments of the gap at the end of `woven`; without a place they wait for the next gap.
    fn put(&mut self, woven: &mut Vec<Token<'ast>>, gap: &Gap) {
        let count = self.comments.partition_point(|comment| comment.words_before <= self.words);
        let (now, later) = self.comments.split_at(count);
        if now.is_empty() {
            return;
        }
        if let Some(place) = gap.place.or_else(|| parenthesised(woven, gap.start)) {
            woven.splice(place..place, now.iter().map(|comment| Token::Comment(&comment.comment)));
            self.comments = later;
        }
    }
}

/// What stands between two words.
struct Gap {
    /// The first token.
    start: usize,
    /// The last place where a line may end.
    place: Option<usize>,
}

/// Makes a place where there is none: a parenthesis of those that may stand around the name or type that the gap begins or
/// ends at.
fn parenthesised(woven: &mut [Token<'_>], start: usize) -> Option<usize> {
    let gap = woven.iter_mut().enumerate().skip(start);
    let (at, opens, needed) = gap.rev().find_map(|(at, token)| match token {
        Token::Parenthesis { opens, needed } => Some((at, *opens, needed)),
        _ => None,
    })?;
    *needed = true;
    Some(if opens { at + 1 } else { at })
}

/// Makes brackets of the pairs of parentheses of which a comment needs one.
fn bracketed(woven: &mut [Token<'_>]) {
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    for (index, token) in woven.iter().enumerate() {
        match token {
            Token::Parenthesis { opens: true, needed } => open.push((index, *needed)),
            Token::Parenthesis { opens: false, needed } => {
                let pair = open.pop().filter(|(_, opening)| *opening || *needed);
                pairs.extend(pair.map(|(opening, _)| (opening, index)));
            }
            _ => {}
        }
    }
    for (opening, closing) in pairs {
        if let Some(token) = woven.get_mut(opening) {
            *token = Token::Open('(');
        }
        if let Some(token) = woven.get_mut(closing) {
            *token = Token::Close(')', Trailing::Never);
        }
    }
}
