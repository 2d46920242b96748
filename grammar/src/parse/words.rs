//! pest's rules in words: what could have stood at a place.

use super::Rule;
use super::scan::{Scanner, TokenKind};
use crate::ast::JoinKind;

/// What `found` says where a line ends, and `expected` where one should.
pub(super) const END_OF_LINE: &str = "the end of the line";

/// What `found` says where a file ends.
pub(super) const END_OF_FILE: &str = "the end of the file";

/// What a budget may be held against besides values.
pub(super) const AMOUNT: &str = "an amount such as `5M`";

/// What a body begins with.
pub(super) const OPEN_BRACE: &str = "`{`";

/// What the rules that pest tried at a place expected there, best first, each once, at most six.
///
/// Operators and accesses could nearly always stand behind a value, so they are named only when nothing else fits.
pub(super) fn expected(rules: &[Rule]) -> Vec<&'static str> {
    let is_value = rules.iter().any(|rule| is_value(*rule));
    let mut words: Vec<(u8, &'static str)> = rules
        .iter()
        .filter(|rule| !(is_value && matches!(rule, Rule::callee | Rule::call | Rule::list | Rule::string)))
        .filter_map(|rule| word(*rule))
        .collect();
    words.sort_unstable();
    words.dedup();
    // Braces could stand behind every item, as operators could.
    if words.iter().any(|(_, word)| *word == END_OF_LINE) {
        words.retain(|(_, word)| *word != OPEN_BRACE);
    }
    let last = if words.first().is_some_and(|(rank, _)| *rank < OPERATOR) { OPERATOR } else { u8::MAX };
    words.into_iter().filter(|(rank, _)| *rank < last).map(|(_, word)| word).take(6).collect()
}

/// The rank of what only goes on after a complete value.
const OPERATOR: u8 = 9;

/// Whether a rule begins a value and nothing else.
fn is_value(rule: Rule) -> bool {
    matches!(rule, Rule::expression | Rule::unconditional | Rule::argument | Rule::number | Rule::tuple | Rule::prefix)
}

/// A rule's rank, lower first, and its words; `None` for a rule that says nothing beside the others.
fn word(rule: Rule) -> Option<(u8, &'static str)> {
    if is_value(rule) {
        return Some((1, "an expression"));
    }
    Some(match rule {
        Rule::statement => (0, "a statement"),
        Rule::import | Rule::import_word => (3, "`import`"),
        Rule::declaration | Rule::block_word => (1, "`block`"),
        Rule::preset | Rule::model_word => (2, "`model`"),
        Rule::callee | Rule::call => (1, "a layer or block"),
        Rule::join | Rule::join_word => (2, "a join"),
        Rule::sequential | Rule::sequential_word => (3, "`Sequential`"),
        Rule::identifier | Rule::pattern | Rule::label | Rule::word => (1, "a name"),
        Rule::comparison => (3, "a comparison such as `<=`"),
        Rule::amount => (2, AMOUNT),
        Rule::target => (1, "a layer type or a path in quotes"),
        Rule::type_ | Rule::type_name => (1, "a type"),
        Rule::parameter => (1, "a parameter"),
        Rule::string => (2, "a string"),
        Rule::plain_string | Rule::characters => (2, "a path in quotes"),
        Rule::shape => (2, "a shape in brackets"),
        Rule::parameters => (3, "`(`"),
        Rule::in_word => (4, "`in`"),
        Rule::else_word => (4, "`else`"),
        Rule::colon => (4, "`:`"),
        Rule::equals | Rule::key => (6, "`=`"),
        Rule::comma => (5, "`,`"),
        Rule::close_parenthesis => (6, "`)`"),
        Rule::close_bracket => (6, "`]`"),
        Rule::open_brace | Rule::body => (7, OPEN_BRACE),
        Rule::end | Rule::EOI => (8, END_OF_LINE),
        Rule::arguments | Rule::open_parenthesis => (OPERATOR, "`(`"),
        Rule::list | Rule::index | Rule::member | Rule::open_bracket => (OPERATOR, "`[`"),
        Rule::image | Rule::image_word => (OPERATOR, "`image(...)`"),
        Rule::dot => (OPERATOR, "`.`"),
        Rule::if_word => (4, "`if`"),
        Rule::operator => (OPERATOR, "an operator"),
        _ => return None,
    })
}

/// Whether a word begins a statement, as the grammar's `keyword` does.
pub(super) fn is_keyword(word: &str) -> bool {
    is_join(word)
        || matches!(
            word,
            "if" | "for" | "repeat" | "input" | "output" | "expect" | "keep" | "from" | "init" | "let" | "tied"
        )
}

/// Whether a text is a word that means what its author says, wherever it stands: none of the language's own.
pub fn is_free_word(text: &str) -> bool {
    let mut characters = text.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let is_word = begins && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
    is_word && !is_keyword(text) && !is_reserved(text)
}

/// Whether a word needs a body behind it, a label before it or not.
pub(super) fn is_join(word: &str) -> bool {
    JoinKind::of(word).is_some() || word == "Sequential"
}

/// Whether no value may have a word as its name, as the grammar's `reserved` says.
pub(super) fn is_reserved(word: &str) -> bool {
    matches!(word, "if" | "else" | "and" | "or" | "not" | "in" | "true" | "false")
}

/// The longest source text in an error, in characters.
const QUOTED_CHARACTERS: usize = 40;

/// Source text in backticks, cut to a readable length and to its first line; control characters are written out.
pub(super) fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let cut: String = line.chars().take(QUOTED_CHARACTERS).collect();
    let more = if cut.len() < text.trim_end().len() { "…" } else { "" };
    let shown: String = cut
        .chars()
        .map(|character| match character.is_control() {
            true => character.escape_default().to_string(),
            false => character.to_string(),
        })
        .collect();
    format!("`{shown}{more}`")
}

/// The token that a text begins with, behind blanks, in words, and its place in the text.
pub(super) fn next_in_words(text: &str) -> (String, usize, usize) {
    match Scanner::new(text).next() {
        Some(token) if token.kind == TokenKind::LineEnd => (END_OF_LINE.to_owned(), 0, 0),
        Some(token) => (quote(text.get(token.start..token.end).unwrap_or("")), token.start, token.end),
        None => (END_OF_FILE.to_owned(), 0, 0),
    }
}
