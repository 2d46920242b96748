//! Recovery: what cannot be read costs its statement, and one place gives one error, precisely placed.

mod common;

use cnnc_grammar::ast::{ItemKind, StatementKind, TypeKind};
use cnnc_grammar::error::{SyntaxError, SyntaxErrorKind};
use cnnc_grammar::parse;
use cnnc_grammar::span::FileId;
use common::{body_errors, errors};

/// Each statement alone has this one error.
#[track_caller]
fn one_error_each(cases: &[(&str, &str)]) {
    for (statement, error) in cases {
        assert_eq!(body_errors(statement), [*error], "{statement}");
    }
}

#[test]
fn the_furthest_failure_is_the_place() {
    one_error_each(&[
        ("Conv2d(64 kernel_size=3)", "1:11 \"kernel_size\": found `kernel_size`, not `,` or `)`"),
        ("Conv2d(64,, 3)", "1:11 \",\": found `,`, not an expression or `)`"),
        ("Conv2d(64, 3 4, 5)", "1:14 \"4\": found `4`, not `,` or `)`"),
        ("Conv2d(kernel size=3)", "1:15 \"size\": found `size`, not `,` or `)` or `=`"),
        ("ReLU ReLU", "1:6 \"ReLU\": found `ReLU`, not the end of the line"),
        ("conv1 Conv2d(3)", "1:7 \"Conv2d\": found `Conv2d`, not `:` or the end of the line"),
        ("conv1:", "1:7 \"\": found the end of the line, not a layer or block or a join or `Sequential` or `{`"),
        ("conv1: 64", "1:8 \"64\": found `64`, not a layer or block or a join or `Sequential` or `{`"),
        ("a.b: ReLU", "1:2 \".\": found `.`, not `:` or the end of the line"),
        ("let x =", "1:8 \"\": found the end of the line, not an expression"),
        ("let x 3", "1:7 \"3\": found `3`, not `=`"),
        ("let x = (3 + )", "1:14 \")\": found `)`, not an expression"),
        ("let x = [1, 2)", "1:14 \")\": found `)`, not `,` or `]`"),
        ("let 3 = x", "1:5 \"3\": found `3`, not a name"),
        ("for i of xs { ReLU }", "1:7 \"of\": found `of`, not `in`"),
        ("for i in { ReLU }", "1:10 \"{\": found `{`, not an expression"),
        ("repeat { ReLU }", "1:8 \"{\": found `{`, not an expression"),
        ("repeat 2 ReLU", "1:10 \"ReLU\": found `ReLU`, not `{`"),
        ("if a b { ReLU } else { Tanh }", "1:6 \"b\": found `b`, not `{`"),
        ("if a { ReLU } else if { Tanh }", "1:23 \"{\": found `{`, not an expression"),
        ("else { ReLU }", "1:1 \"else\": found `else`, not a statement"),
        ("input N, 3", "1:8 \",\": found `,`, not a shape in brackets"),
        ("input [N, 3 4]", "1:13 \"4\": found `4`, not `,` or `]`"),
        ("input [N] picture(3)", "1:11 \"picture\": found `picture`, not the end of the line"),
        ("expect N, 3", "1:8 \"N\": found `N`, not a shape in brackets"),
        ("init Conv2d xavier", "1:13 \"xavier\": found `xavier`, not `:` or `,`"),
        ("init Conv2d:", "1:13 \"\": found the end of the line, not a layer or block"),
        ("tied shared Linear(8)", "1:13 \"Linear\": found `Linear`, not `=`"),
        ("tied shared = 8", "1:15 \"8\": found `8`, not a layer or block"),
        ("labels [\"a\" \"b\"]", "1:13 \"\\\"b\\\"\": found `\"b\"`, not `,` or `]`"),
        ("keep x y", "1:8 \"y\": found `y`, not the end of the line"),
        ("@foo", "1:1 \"@\": found `@`, not a statement"),
        ("\"a{i +}\": ReLU", "1:7 \"}\": found `}`, not an expression"),
        ("\"a{}\": ReLU", "1:4 \"}\": found `}`, not an expression"),
        ("\"a{ {b} }\": ReLU", "1:5 \"{\": found `{`, not `}`"),
    ]);
}

#[test]
fn brackets_and_strings_without_their_other_half() {
    one_error_each(&[
        ("Conv2d(64, kernel_size=3", "1:7 \"(\": unclosed ("),
        ("let x = [1, (2, 3]", "1:18 \"]\": found `]`, not `,` or `)`"),
        ("let x = [[1, 2]", "1:9 \"[\": unclosed ["),
        ("if f(a { ReLU }", "1:5 \"(\": unclosed ("),
        ("Conv2d(3))", "1:10 \")\": unopened )"),
        ("let x = 3]", "1:10 \"]\": unopened ]"),
        ("\"abc: ReLU", "1:1 \"\\\"abc: ReLU\": unclosed string"),
        ("keep \"a", "1:6 \"\\\"a\": unclosed string"),
        ("\"a{i\": ReLU", "1:3 \"{\": unclosed {"),
        ("\"a}\": ReLU", "1:3 \"}\": unopened }"),
        ("\"a{(i}\": ReLU", "1:4 \"(\": unclosed ("),
        ("\"a{i)}\": ReLU", "1:5 \")\": unopened )"),
        ("\"a{f(\"b\")}\": ReLU", "1:6 \"\\\"b\\\"\": nested string"),
    ]);
}

#[test]
fn slips_with_a_plain_mend() {
    one_error_each(&[
        ("conv1 = Conv2d(3)", "1:7 \"=\": meant \":\""),
        ("join = sum { ReLU }", "1:6 \"=\": meant \":\""),
        ("n = 3", "1:1 \"n\": meant \"let n\""),
        ("var n = 3", "1:1 \"var\": meant \"let\""),
        ("if a = 3 { ReLU }", "1:6 \"=\": meant \"==\""),
        ("Conv2d(6, kernel_size: 5)", "1:22 \":\": meant \"=\""),
        ("elif a { ReLU }", "1:1 \"elif\": meant \"else if\""),
        ("for i, x in xs { ReLU }", "1:5 \"i, x\": meant \"(i, x)\""),
        ("let a, b = x", "1:5 \"a, b\": meant \"(a, b)\""),
        ("let w = a && b", "1:11 \"&&\": meant \"and\""),
        ("let w = a || b", "1:11 \"||\": meant \"or\""),
        ("let w = a&&b", "1:10 \"&&\": meant \" and \""),
        ("let w = !b", "1:9 \"!\": meant \"not \""),
        ("let w = 3 × 4", "1:11 \"×\": meant \"*\""),
        ("let w = 3 − 4", "1:11 \"−\": meant \"-\""),
        ("let w = a ≤ b", "1:11 \"≤\": meant \"<=\""),
        ("Conv2d（3)", "1:7 \"（\": meant \"(\""),
        ("Conv2d(3，4)", "1:9 \"，\": meant \",\""),
        ("Conv2d(\u{a0}3)", "1:8 \"\\u{a0}\": meant \" \""),
        ("Re\u{200b}LU", "1:3 \"\\u{200b}\": meant \"\""),
        ("Сonv2d(3)", "1:1 \"С\": meant \"C\""),
        ("Conv2d('zeros')", "1:8 \"'zeros'\": meant \"\\\"zeros\\\"\""),
        ("Conv2d(“zeros”)", "1:8 \"“zeros”\": meant \"\\\"zeros\\\"\""),
        ("Conv2d('zeros)", "1:8 \"'\": meant \"\\\"\""),
        ("Conv2d(1., 3)", "1:8 \"1.\": meant \"1.0\""),
        ("let x = 1.", "1:9 \"1.\": meant \"1.0\""),
        ("Conv2d(.5, 3)", "1:8 \".5\": meant \"0.5\""),
        ("let n = 1_000", "1:9 \"1_000\": meant \"1000\""),
        ("ReLU // comment", "1:6 \"//\": meant \"#\""),
        ("// comment", "1:1 \"//\": meant \"#\""),
        ("let n = 3x3", "1:9 \"3x3\": found `3x3`, not a number"),
        ("café: ReLU", "1:1 \"café\": found `café`, not a name made of the letters a to z, digits and `_`"),
    ]);
}

#[test]
fn a_mend_put_over_its_place_mends() {
    let statements = [
        "conv1 = Conv2d(3)",
        "n = 3",
        "var n = 3",
        "if a = 3 { ReLU }",
        "if a { ReLU } elif b { ReLU }",
        "for i, x in xs { }",
        "let a, b = x",
        "let w = a && b",
        "let w = a||b",
        "let w = !b",
        "let w = 3 × 4",
        "let w = a≤b",
        "Conv2d（3)",
        "Conv2d(3，4)",
        "Conv2d(\u{a0}3)",
        "Re\u{200b}LU",
        "Сonv2d(3)",
        "Conv2d('zeros')",
        "Conv2d(«zeros»)",
        "Conv2d(1., 3)",
        "Conv2d(.5)",
        "let n = 1_000",
        "ReLU // comment",
        "let x = 0…3",
    ];
    for statement in statements {
        let text = format!("model M {{\n{statement}\n}}\n");
        let problems = parse(&text, FileId(0)).1;
        let [SyntaxError { kind, span }] = problems.as_slice() else { panic!("{statement}: {problems:?}") };
        let SyntaxErrorKind::Mistaken { meant, .. } = kind else { panic!("{statement}: {kind:?}") };
        let mended = format!("{}{meant}{}", &text[..span.start as usize], &text[span.end as usize..]);
        assert_eq!(errors(&mended), Vec::<String>::new(), "{mended}");
    }
}

#[test]
fn a_missing_comma_between_lines_is_one_error() {
    let row = "found `(`, not `,` or `]`";
    let cases = [
        (
            "Conv2d(\n  64\n  kernel_size=3\n  padding=1\n)\nReLU",
            "3:3 \"kernel_size\": found `kernel_size`, not `,` or `)`".to_owned(),
        ),
        ("Conv2d(64\n  padding)\nReLU", "2:3 \"padding\": found `padding`, not `,` or `)`".to_owned()),
        ("Conv2d(\n  64\n  padding\n)\nReLU", "3:3 \"padding\": found `padding`, not `,` or `)`".to_owned()),
        ("let rows = [\n  (1, 2)\n  (3, 4),\n  (5, 6),\n]\nReLU", format!("3:3 \"(\": {row}")),
        ("let rows = [\n  (1, 2),)\n  (3, 4),\n]", "2:10 \")\": found `)`, not an expression or `]`".to_owned()),
    ];
    for (statements, error) in cases {
        assert_eq!(body_errors(statements), [error], "{statements}");
    }
}

#[test]
fn what_follows_an_unreadable_line_is_read() {
    let cases = [
        (
            "Conv2d(64\nReLU\nFoo bar",
            vec!["1:7 \"(\": unclosed (", "3:5 \"bar\": found `bar`, not the end of the line"],
        ),
        ("let y = 3 +\nlet z = 4 +", vec!["1:12 \"\": found the end of the line, not an expression"]),
        (
            "a b; c d; e",
            vec![
                "1:3 \"b\": found `b`, not `:` or the end of the line",
                "1:8 \"d\": found `d`, not `:` or the end of the line",
            ],
        ),
        (
            "foo bar { x y\n ReLU }",
            vec![
                "1:5 \"bar\": found `bar`, not `:` or the end of the line",
                "1:13 \"y\": found `y`, not `:` or the end of the line",
            ],
        ),
        (
            "if a = 1 { x y } else if b = 2 { z w } else { u v }",
            vec![
                "1:6 \"=\": meant \"==\"",
                "1:14 \"y\": found `y`, not `:` or the end of the line",
                "1:28 \"=\": meant \"==\"",
                "1:36 \"w\": found `w`, not `:` or the end of the line",
                "1:49 \"v\": found `v`, not `:` or the end of the line",
            ],
        ),
    ];
    for (statements, expected) in cases {
        assert_eq!(body_errors(statements), expected, "{statements}");
    }
}

#[test]
fn a_body_on_the_next_line_belongs_to_its_header() {
    for header in ["sum", "for i in 0..3", "if a == b", "x: concat(dim=1)", "repeat 2", "Sequential"] {
        let text = format!("{header}\n{{\n  ReLU\n}}\nTanh");
        assert_eq!(body_errors(&text).len(), 1, "{text}");
        assert!(body_errors(&text)[0].contains("found the end of the line, not `{`"), "{text}");
        let (ast, _) = parse(&format!("model M {{\n{text}\n}}"), FileId(0));
        assert_eq!(ast.to_string(), "model M\n  unreadable\n    use ReLU\n  use Tanh\n", "{text}");
    }
    let (ast, problems) = parse("model M\n{\n  ReLU\n}\nblock B { }", FileId(0));
    assert_eq!((ast.to_string().as_str(), problems.len()), ("unreadable M\n  use ReLU\nblock B\n", 1));
}

#[test]
fn names_that_can_be_read_are_kept() {
    let text = "model M(a, b: int = , c: int) {\n  let x = 3 +* 4\n  tied t = 8\n  for (i, j) in 0.. { f(i) }\n}\nblock B[3] { ReLU }";
    let (ast, problems) = parse(text, FileId(0));
    assert_eq!(problems.len(), 6, "{problems:?}");
    let tree = "model M\n  parameter a: unreadable = unreadable\n  parameter b: unreadable = unreadable\n  parameter c: int\n  \
                let x = unreadable\n  let t = unreadable\n  for (i, j) in unreadable\n    use f(i)\nunreadable B\n  use ReLU\n";
    assert_eq!(ast.to_string(), tree);
    let Some(ItemKind::Declaration(model)) = ast.items.first().map(|item| &item.kind) else { panic!("{ast:?}") };
    assert_eq!(model.parameters[0].ty.kind, TypeKind::Unreadable);
    assert!(matches!(model.body.statements[0].kind, StatementKind::Let { .. }));
}

#[test]
fn a_missing_brace_ends_at_the_next_declaration() {
    let inner = "model B {\n    sum {\n        ReLU\n    Linear(4)\n}\nmodel C { Tanh }\n";
    assert_eq!(errors(inner), ["2:9 \"{\": unclosed {"]);
    assert_eq!(errors("model A {\n  ReLU\n\nblock B {\n}\n"), ["1:9 \"{\": unclosed {"]);
    assert_eq!(errors("model A {\n  sum {\n    ReLU\n"), ["2:7 \"{\": unclosed {"]);
    assert_eq!(errors("model A {\n  ReLU\nmodel B = A(3)\nimport \"x\"\n"), ["1:9 \"{\": unclosed {"]);
    let (ast, _) = parse("model A {\n  x: {\n    ReLU\nblock B { }", FileId(0));
    assert_eq!(ast.to_string(), "model A\n  x: sequential\n    use ReLU\nblock B\n");
    let Some(ItemKind::Declaration(model)) = ast.items.first().map(|item| &item.kind) else { panic!("{ast:?}") };
    assert_eq!(model.body.span.end, "model A {\n  x: {\n    ReLU".len() as u32);
}

#[test]
fn a_brace_too_many_is_one_error() {
    assert_eq!(errors("model A {\n  ReLU }\n  Conv2d(3)\n  Linear(10)\n}\nblock B { }"), ["5:1 \"}\": unopened }"]);
    assert_eq!(errors("block E { ReLU }\n}\n"), ["2:1 \"}\": unopened }"]);
}

#[test]
fn a_brace_left_over_by_an_error_is_none() {
    assert_eq!(errors("model A {\n  sum\n    ReLU\n  }\n}\n"), ["2:6 \"\": found the end of the line, not `{`"]);
    assert_eq!(
        errors("model A\n  ReLU\n}\nblock B { }"),
        ["1:8 \"\": found the end of the line, not `(` or `=` or `{`"]
    );
    assert_eq!(errors("model A {\n  \"x: {\n    ReLU\n  }\n}\n"), ["2:3 \"\\\"x: {\": unclosed string"]);
    assert_eq!(errors("model A {\n  sum { f(\"x) }\n}\n"), ["2:11 \"\\\"x) }\": unclosed string"]);
}

#[test]
fn declarations_do_not_nest() {
    let text = "model C {\n    block D {\n        ReLU\n    }\n    Tanh\n}\nblock E { x y }\n";
    let expected = [
        "2:5 \"block\": found `block`, not a statement or `}`",
        "7:13 \"y\": found `y`, not `:` or the end of the line",
    ];
    assert_eq!(errors(text), expected);
}

#[test]
fn declarations_that_cannot_be_read() {
    let cases = [
        ("block Y a: int { ReLU }", "1:9 \"a\": found `a`, not `(` or `{`"),
        ("block X(a: int { ReLU }", "1:8 \"(\": unclosed ("),
        ("block X(a: int)) { ReLU }", "1:16 \")\": unopened )"),
        ("block X(a) { ReLU }", "1:10 \")\": found `)`, not `:` and a type"),
        ("block X(a=3) { ReLU }", "1:10 \"=\": found `=`, not `:` and a type"),
        ("block X(a: ) { ReLU }", "1:12 \")\": found `)`, not a type"),
        ("block X(a: [int) { ReLU }", "1:16 \")\": found `)`, not `]`"),
        ("model = Z(3)", "1:7 \"=\": found `=`, not a name"),
        ("model X = 3", "1:11 \"3\": found `3`, not a layer or block"),
        ("model 3Net { }", "1:7 \"3Net\": found `3Net`, not a name"),
        ("import blocks.cnn", "1:8 \"blocks\": found `blocks`, not a path in quotes"),
        ("import \"a{b}.cnn\"", "1:8 \"\\\"a{b}.cnn\\\"\": found `\"a{b}.cnn\"`, not a path in quotes"),
        ("import \"{a}\"", "1:8 \"\\\"{a}\\\"\": found `\"{a}\"`, not a path in quotes"),
        ("import \"a.cnn", "1:8 \"\\\"a.cnn\": unclosed string"),
        ("import \"a\" \"b\"", "1:12 \"\\\"b\\\"\": found `\"b\"`, not the end of the line"),
        ("class F { ReLU }", "1:1 \"class\": found `class`, not `block` or `model` or `import`"),
        ("Conv2d(3)\nLinear(4)", "1:1 \"Conv2d\": found `Conv2d`, not `block` or `model` or `import`"),
        ("{ ReLU }", "1:1 \"{\": found `{`, not `block` or `model` or `import`"),
    ];
    for (text, error) in cases {
        assert_eq!(errors(text), [error], "{text}");
        assert_eq!(errors(&format!("block A {{ }}\n{text}\nblock B {{ x y }}")).len(), 2, "{text}");
    }
}

#[test]
fn long_text_is_cut_in_errors() {
    let long = "x".repeat(200);
    let error = &body_errors(&format!("ReLU {long}"))[0];
    assert!(error.contains(&format!("found `{}…`", "x".repeat(40))), "{error}");
}
