//! What the parser could not read, as facts: the compiler's diagnostics turn them into prose.

use crate::span::Span;

/// One syntax error. Parsing goes on after it.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// The characters that are at fault.
    pub span: Span,
}

/// The kinds of syntax error.
#[derive(Clone, Debug, PartialEq)]
pub enum SyntaxErrorKind {
    /// A statement or declaration that fits no rule.
    Unexpected {
        /// What stands there, in words and cut to a readable length: "`kernel`", "the end of the line".
        found: String,
        /// What could have stood there, in words such as "a layer or block", "`)`", "an expression", at most six.
        expected: Vec<&'static str>,
    },
    /// A slip whose mend is plain: `×` for `*`, `=` for `:`, `&&` for `and`. Putting `meant` over the span mends it.
    Mistaken {
        /// The source text under the span.
        found: String,
        /// What was surely meant; empty where nothing should stand, such as for an invisible character.
        meant: String,
    },
    /// A `{`, `(` or `[` that nothing closes; the span is the opening one.
    Unclosed {
        /// The opening bracket.
        open: char,
    },
    /// A `}`, `)` or `]` that nothing opened.
    Unopened {
        /// The closing bracket.
        close: char,
    },
    /// A string that its line does not end.
    UnclosedString,
    /// Brackets or operators nested deeper than the limit.
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A number that does not fit 64 bits, or a float that is not finite.
    NumberTooLarge {
        /// The digits.
        digits: String,
    },
    /// Items in braces among a call's arguments, and not behind it; the span is the argument.
    ItemsAsArgument {
        /// The call's parentheses.
        arguments: Span,
        /// The braces.
        items: Span,
        /// The other arguments.
        others: Vec<Span>,
    },
    /// `a < b < c`.
    ChainedComparison,
    /// A string inside the braces of a string.
    NestedString,
    /// A file of more words, numbers and signs than the limit; the span is the first one past it.
    TooManyTokens {
        /// The limit.
        limit: usize,
    },
    /// A file larger than the limit.
    FileTooLarge {
        /// Its size in bytes.
        size_bytes: usize,
        /// The limit in bytes.
        limit_bytes: usize,
    },
}
