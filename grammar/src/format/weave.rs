//! Puts the comments of a statement between its tokens: as many words before each as the AST says, and of the places in the gap
//! between two words where a line may end, at the last with no more brackets before it.

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
        let mut gap = Gap { start: 0, places: at_start.then_some((0, 0)).into_iter().collect(), brackets: 0 };
        for token in tokens {
            match token {
                Token::Word(_) => {
                    self.put(&mut woven, &gap);
                    self.words += 1;
                    woven.push(token);
                    gap = Gap { start: woven.len(), places: Vec::new(), brackets: 0 };
                }
                Token::Close(..) => {
                    gap.place(woven.len());
                    gap.brackets += 1;
                    woven.push(token);
                }
                Token::Open(_) | Token::Comma | Token::Place => {
                    gap.brackets += usize::from(matches!(token, Token::Open(_)));
                    woven.push(token);
                    gap.place(woven.len());
                }
                other => woven.push(other),
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
        let mut places: Vec<usize> = now.iter().filter_map(|comment| gap.place_of(comment, self.words)).collect();
        if places.is_empty()
            && let Some(place) = parenthesised(woven, gap.start)
        {
            places = vec![place; now.len()];
        }
        if places.len() == now.len() {
            let mut above = usize::MAX;
            for (comment, place) in now.iter().zip(places).rev() {
                above = above.min(place);
                woven.insert(above, Token::Comment(&comment.comment));
            }
            self.comments = later;
        }
    }
}

/// What stands between two words.
struct Gap {
    /// The first token.
    start: usize,
    /// The places where a line may end, each with the brackets before it.
    places: Vec<(usize, usize)>,
    /// The brackets so far.
    brackets: usize,
}

impl Gap {
    /// A line may end here.
    fn place(&mut self, at: usize) {
        self.places.push((at, self.brackets));
    }

    /// The place of a comment; one that waited stands at the first.
    fn place_of(&self, comment: &InsideComment, words: usize) -> Option<usize> {
        let brackets = if comment.words_before == words { comment.brackets_before } else { 0 };
        let first = self.places.first();
        self.places.iter().rev().find(|(_, before)| *before <= brackets).or(first).map(|(place, _)| *place)
    }
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
