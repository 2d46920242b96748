//! Source text to AST: runs pest on the text, then builds the AST from its pairs.
//!
//! Text comes in, an [`Ast`] and the syntax errors come out, sorted by place. The grammar matches any text, so the whole
//! file always yields an AST; what fits no rule is an unreadable node in it, and `recover` finds out what was expected there.
//! Only this folder sees pest's rules. `limits` bounds the nesting before pest recurses, `expression` the depth of its trees.

mod body;
mod comment;
mod declaration;
mod expression;
mod failure;
mod file;
mod limits;
mod mistake;
mod operator;
mod recover;
mod scan;
mod statement;
mod token;
mod unclosed;
mod value;
mod words;

pub use words::is_free_word;

pub use limits::{TOKEN_LIMIT, token_count};
pub(crate) use operator::Operator;
pub(crate) use scan::{Scanner, TokenKind};

use pest::Parser;
use pest::iterators::Pair;

use crate::ast::{Ast, Expr, ExprKind};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::span::{FileId, Span};

/// The parser that pest makes from the grammar; its documentation is the grammar's own.
#[allow(missing_docs)]
mod generated {
    #[derive(pest_derive::Parser)]
    #[grammar = "cnn.pest"]
    pub struct CnnParser;
}
use generated::{CnnParser, Rule};

/// Reads one file. What could not be read is in the errors, sorted by place; the rest is in the AST.
///
/// A file that is too large or too deeply nested gives an empty AST and that one error.
pub fn parse(text: &str, file: FileId) -> (Ast, Vec<SyntaxError>) {
    if let Err(error) = limits::check(text, file) {
        return (Ast::default(), vec![error]);
    }
    let mut builder = Builder::new(text, file);
    let ast = match CnnParser::parse(Rule::file, text) {
        Ok(mut pairs) => pairs.next().map(|pair| builder.file(pair)).unwrap_or_default(),
        Err(error) => {
            // The grammar matches any text; should it not, this says where.
            let place = builder.range(failure::location(&error), text.len());
            let kind = SyntaxErrorKind::Unexpected { found: words::END_OF_FILE.to_owned(), expected: Vec::new() };
            builder.report(kind, place);
            Ast::default()
        }
    };
    let mut errors = builder.errors;
    errors.sort_by_key(|error| (error.span.start, error.span.end));
    (ast, errors)
}

/// Parses a text that is one value and nothing else, such as a command's argument. An error's value is
/// [`Unreadable`](crate::ast::ExprKind::Unreadable), or holds one.
pub fn parse_value(text: &str, file: FileId) -> (Expr, Vec<SyntaxError>) {
    let mut builder = Builder::new(text, file);
    let unreadable = Expr { kind: ExprKind::Unreadable, span: builder.range(0, text.len()), grouped: false };
    if let Err(error) = limits::check(text, file) {
        return (unreadable, vec![error]);
    }
    let value = match CnnParser::parse(Rule::lone_value, text) {
        Ok(mut pairs) => pairs.next().map_or(unreadable, |pair| builder.expression(pair)),
        Err(_) => {
            let error = builder.diagnose(Rule::lone_value, 0, text.len());
            builder.report(error.kind, error.span);
            unreadable
        }
    };
    (value, builder.errors)
}

/// Builds the AST of one file and gathers its errors.
struct Builder<'text> {
    text: &'text str,
    file: FileId,
    errors: Vec<SyntaxError>,
    /// How many `}` will be left over because of what is reported already, such as a missing `{`; negative for missing ones.
    spare_braces: isize,
}

impl<'text> Builder<'text> {
    fn new(text: &'text str, file: FileId) -> Self {
        Builder { text, file, errors: Vec::new(), spare_braces: 0 }
    }

    /// Takes an error in; of a file that is nothing but errors, the first ones.
    fn report(&mut self, kind: SyntaxErrorKind, span: Span) {
        const MOST: usize = 10_000;
        if self.errors.len() < MOST {
            self.errors.push(SyntaxError { kind, span });
        }
    }

    /// The span of a byte range; the file's size is bounded, so that it fits.
    fn range(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end as u32 }
    }

    /// Where a pair stands, without the blanks that pest lets it end with.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = pair.as_span().start();
        self.range(start, start + pair.as_str().trim_end().len())
    }
}

/// The children of a pair without punctuation and the words that only part them.
fn children<'text>(pair: Pair<'text, Rule>) -> impl Iterator<Item = Pair<'text, Rule>> {
    pair.into_inner().filter(|child| {
        !matches!(
            child.as_rule(),
            Rule::comma
                | Rule::colon
                | Rule::equals
                | Rule::dot
                | Rule::end
                | Rule::in_word
                | Rule::if_word
                | Rule::for_word
                | Rule::clause_if_word
                | Rule::else_word
                | Rule::separator
                | Rule::open_parenthesis
                | Rule::close_parenthesis
                | Rule::open_bracket
                | Rule::close_bracket
        )
    })
}
