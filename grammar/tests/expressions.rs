//! Expressions: precedence, literals, strings, and the chains that the language has not.

mod common;

use cnnc_grammar::ast::{ExprKind, Number};
use common::{body_errors, value};

#[track_caller]
fn reads(text: &str, expected: &str) {
    assert_eq!(value(text).to_string(), expected, "{text}");
}

#[test]
fn operators_nest_as_in_python() {
    reads("1 + 2 * 3", "1 + (2 * 3)");
    reads("1 * 2 + 3", "(1 * 2) + 3");
    reads("1 - 2 - 3", "(1 - 2) - 3");
    reads("8 / 4 // 2 % 3 * 5", "(((8 / 4) // 2) % 3) * 5");
    reads("(1 - 2) - (3 - 4)", "(1 - 2) - (3 - 4)");
    reads("-a * b", "(-a) * b");
    reads("-a[0].b", "-a[0].b");
    reads("- - a", "-(-a)");
    reads("a - -b", "a - (-b)");
    reads("not a == b", "not (a == b)");
    reads("not not a", "not (not a)");
    reads("not a and not b or c", "((not a) and (not b)) or c");
    reads("a or b and c", "a or (b and c)");
    reads("a or b or c", "(a or b) or c");
    reads("a + 1 < b * 2 and c", "((a + 1) < (b * 2)) and c");
    reads("0..n + 1", "0..(n + 1)");
    reads("0..2 == x", "(0..2) == x");
    reads("1 if a else 2 if b else 3", "1 if a else (2 if b else 3)");
    reads("a or b if c and d else e + 1", "(a or b) if (c and d) else (e + 1)");
    reads("(1 if a else 2) if b else 3", "(1 if a else 2) if b else 3");
}

#[test]
fn powers_bind_as_in_python() {
    reads("2 ** 3 ** 2", "2 ** (3 ** 2)");
    reads("(2 ** 3) ** 2", "(2 ** 3) ** 2");
    reads("-a ** 2", "-(a ** 2)");
    reads("a ** -b", "a ** (-b)");
    reads("2 ** -3 ** 2 * 4", "(2 ** (-(3 ** 2))) * 4");
    reads("a * b ** 2 // c", "(a * (b ** 2)) // c");
    reads("x[0] ** 2", "x[0] ** 2");
    reads("2 ** n .. 8", "(2 ** n)..8");
}

#[test]
fn slices_leave_out_what_goes_to_the_end() {
    for text in ["x[1:]", "x[:-1]", "x[:]", "x[a:b]", "x[::-1]", "x[1:9:2]", "x[1:][0].y[:2]"] {
        reads(text, text);
    }
    reads("x[:9:]", "x[:9]");
    reads("x[a + 1 : b if c else d]", "x[a + 1:b if c else d]");
}

#[test]
fn lists_may_be_made_by_loops() {
    reads("[f(x) for x in xs]", "[f(x) for x in xs]");
    reads("[x for x in 0..n + 1 if x % 2 == 0 if x > 2]", "[x for x in (0..(n + 1)) if ((x % 2) == 0) if (x > 2)]");
    reads("[a if b else c for (b, c) in pairs]", "[a if b else c for (b, c) in pairs]");
    reads("[[x, y] for x in xs for y in x if y if not x]", "[[x, y] for x in xs for y in x if y if (not x)]");
    reads("[x\n  for x in xs # all\n  if x\n]", "[x for x in xs if x]");
    reads("[(x if a else b) for x in (a if c else d)]", "[x if a else b for x in (a if c else d)]");
}

#[test]
fn comparisons_have_all_six_signs() {
    for sign in ["==", "!=", "<", "<=", ">", ">="] {
        reads(&format!("a {sign} b"), &format!("a {sign} b"));
        reads(&format!("a{sign}b"), &format!("a {sign} b"));
    }
}

#[test]
fn numbers() {
    for (text, expected) in [("0", 0), ("007", 7), ("9223372036854775807", i64::MAX)] {
        assert_eq!(value(text).kind, ExprKind::Int(Number { value: expected, spelling: text.into() }));
    }
    for (text, expected) in [("0.5", 0.5), ("1e-6", 1e-6), ("1E+3", 1000.0), ("2.5e2", 250.0), ("10.0", 10.0)] {
        assert_eq!(value(text).kind, ExprKind::Float(Number { value: expected, spelling: text.into() }));
    }
    reads("0..4", "0..4");
    reads("0.0..4", "0.0..4");
    reads("a.b..c", "a.b..c");
    reads("1e5", "100000.0");
    reads("true", "true");
    assert_eq!(value("false").kind, ExprKind::Bool(false));
}

#[test]
fn tuples_lists_and_accesses() {
    reads("(a)", "a");
    reads("(a,)", "(a,)");
    reads("(a, b)", "(a, b)");
    reads("((a, b),)", "((a, b),)");
    reads("[]", "[]");
    reads("[1, [2, 3,],]", "[1, [2, 3]]");
    reads("x[0][i + 1].y.T", "x[0][i + 1].y.T");
    reads("f()[0]", "f()[0]");
}

#[test]
fn strings_hold_values() {
    reads(r#""block {i}""#, r#""block {i}""#);
    reads(r#""{a}{b + 1} {f(x, [1])}""#, r#""{a}{b + 1} {f(x, [1])}""#);
    reads(r#""""#, r#""""#);
    reads(r##""# no comment ([""##, r##""# no comment ([""##);
    reads(r#""{ i }é""#, r#""{i}é""#);
}

#[test]
fn a_group_is_its_value_with_a_wider_place() {
    let text = "( a + b ) * c";
    let whole = value(text);
    assert_eq!((whole.span.start, whole.span.end), (0, 13));
    let ExprKind::Binary(_, left, _) = whole.kind else { panic!("a product") };
    assert_eq!(left.span.end - left.span.start, 9);
    let blanks = value("  1 + 2  ");
    assert_eq!((blanks.span.start, blanks.span.end), (2, 7));
}

#[test]
fn what_does_not_chain_or_nest_is_refused() {
    let cases = [
        ("let x = a < b < c", "1:9 \"a < b < c\": chained comparison"),
        ("let x = a == b != c == d", "1:9 \"a == b != c\": chained comparison"),
        ("let x = 0..1..2", "1:13 \"..\": found `..`, not the end of the range"),
        ("let x = 1 + not y", "1:13 \"not\": found `not`, not an expression"),
        ("let x = - not y", "1:11 \"not\": found `not`, not an expression"),
        ("let x = 1 if a", "1:15 \"\": found the end of the line, not `else`"),
        ("f(1 if a, 2)", "1:9 \",\": found `,`, not `else`"),
        ("let x = 1 else 2", "1:11 \"else\": found `else`, not an `if` before it"),
        ("let x = 1 if a if b else c", "1:16 \"if\": found `if`, not `else`"),
        ("let x = f(1)(2)", "1:13 \"(\": found `(`, not the end of the line"),
        ("let x = f(a, *)", "1:14 \"*\": found `*`, not an expression or `)`"),
        ("let x = 2 ** not y", "1:14 \"not\": found `not`, not an expression"),
        ("let x = xs[]", "1:12 \"]\": found `]`, not an expression or `:`"),
        ("let x = xs[1:2:3:4]", "1:17 \":\": found `:`, not `]`"),
        ("let x = [a, b for a in xs]", "1:15 \"for\": found `for`, not `,` or `]`"),
        ("let x = [a for a xs]", "1:18 \"xs\": found `xs`, not `in`"),
        ("let x = [a for a in xs if b else c]", "1:29 \"else\": found `else`, not `]`"),
        ("input [n for n in xs]", "1:10 \"for\": found `for`, not `,` or `]`"),
        ("let x = ()", "1:10 \")\": found `)`, not an expression"),
        ("let x = in", "1:9 \"in\": found `in`, not an expression"),
        ("let x = 99999999999999999999 + 1", "1:9 \"99999999999999999999\": too large: 99999999999999999999"),
        ("let x = 1e999", "1:9 \"1e999\": too large: 1e999"),
    ];
    for (statement, error) in cases {
        assert_eq!(body_errors(statement), [error], "{statement}");
    }
    assert_eq!(common::body_tree("let x = (a < b) < c\nlet y = (0..1)[0]"), "let x = (a < b) < c\nlet y = (0..1)[0]");
}
