//! What the tests of the parser share: trees without errors, and errors as short lines.

#![allow(dead_code)]

use cnnc_grammar::ast::{Expr, ItemKind, Statement, StatementKind};
use cnnc_grammar::error::{SyntaxError, SyntaxErrorKind};
use cnnc_grammar::parse;
use cnnc_grammar::span::FileId;

/// The tree of a text that must read without an error.
pub fn tree(text: &str) -> String {
    let (ast, errors) = parse(text, FileId(0));
    assert_eq!(describe(text, &errors), Vec::<String>::new(), "{text}");
    ast.to_string()
}

/// The tree of statements that must read without an error, without the model around them.
pub fn body_tree(statements: &str) -> String {
    let tree = tree(&format!("model M {{\n{statements}\n}}\n"));
    let lines: Vec<&str> = tree.lines().skip(1).map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    lines.join("\n")
}

/// One expression that must read without an error; places in it count from its own start.
pub fn value(text: &str) -> Expr {
    const BEFORE: &str = "block B { let x = ";
    let padding = BEFORE.len();
    let (ast, errors) = parse(&format!("{BEFORE}{text} }}"), FileId(0));
    assert_eq!(errors, [], "{text}");
    let Some(ItemKind::Declaration(block)) = ast.items.into_iter().next().map(|item| item.kind) else {
        panic!("{text}: no block")
    };
    let Some(Statement { kind: StatementKind::Let { mut value, .. }, .. }) = block.body.statements.into_iter().next()
    else {
        panic!("{text}: no value")
    };
    value.span.start -= padding as u32;
    value.span.end -= padding as u32;
    value
}

/// The errors of a text, one a line: `line:column `source text`: what is wrong`.
pub fn errors(text: &str) -> Vec<String> {
    describe(text, &parse(text, FileId(0)).1)
}

/// The errors of statements; lines count from the first statement.
pub fn body_errors(statements: &str) -> Vec<String> {
    let text = format!("model M {{ #\n{statements}\n}}\n");
    let errors = parse(&text, FileId(0)).1;
    describe(&text, &errors).iter().map(|error| minus_a_line(error)).collect()
}

fn minus_a_line(error: &str) -> String {
    let (line, rest) = error.split_once(':').expect("a line number");
    format!("{}:{rest}", line.parse::<usize>().expect("a line number") - 1)
}

fn describe(text: &str, errors: &[SyntaxError]) -> Vec<String> {
    errors.iter().map(|error| format!("{}: {}", place(text, error), message(&error.kind))).collect()
}

fn place(text: &str, error: &SyntaxError) -> String {
    let (start, end) = (error.span.start as usize, error.span.end as usize);
    let before = &text[..start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("{line}:{column} {:?}", &text[start..end])
}

fn message(kind: &SyntaxErrorKind) -> String {
    match kind {
        SyntaxErrorKind::Unexpected { found, expected } => format!("found {found}, not {}", expected.join(" or ")),
        SyntaxErrorKind::Mistaken { meant, .. } => format!("meant {meant:?}"),
        SyntaxErrorKind::Unclosed { open } => format!("unclosed {open}"),
        SyntaxErrorKind::Unopened { close } => format!("unopened {close}"),
        SyntaxErrorKind::UnclosedString => "unclosed string".to_owned(),
        SyntaxErrorKind::TooDeep { limit } => format!("deeper than {limit}"),
        SyntaxErrorKind::NumberTooLarge { digits } => format!("too large: {digits}"),
        SyntaxErrorKind::ItemsAsArgument { others, .. } => format!("items beside {} arguments", others.len()),
        SyntaxErrorKind::ChainedComparison => "chained comparison".to_owned(),
        SyntaxErrorKind::NestedString => "nested string".to_owned(),
        SyntaxErrorKind::TooManyTokens { limit } => format!("more than {limit} tokens"),
        SyntaxErrorKind::FileTooLarge { size_bytes, limit_bytes } => format!("{size_bytes} bytes of {limit_bytes}"),
    }
}
