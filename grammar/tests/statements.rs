//! Statements: every form, and which words are keywords where.

mod common;

use common::{body_errors, body_tree};

#[track_caller]
fn reads(statements: &str, expected: &str) {
    assert_eq!(body_tree(statements), expected, "{statements}");
}

#[test]
fn every_form_reads() {
    reads("ReLU", "use ReLU");
    reads("Conv2d(64, kernel_size=(3, 1), bias=false)", "use Conv2d(64, kernel_size=(3, 1), bias=false)");
    reads("f()", "use f()");
    reads("conv1: Conv2d(64)", "conv1: use Conv2d(64)");
    reads("\"block {i}\": ReLU", "\"block {i}\": use ReLU");
    reads("sum { Identity; ReLU }", "join sum\n  use Identity\n  use ReLU");
    reads("product { }", "join product");
    reads("concat(dim=1) { {} }", "join concat(dim=1)\n  group");
    reads("gate: product { from x }", "gate: join product\n  from x");
    reads("Sequential { ReLU }", "sequential\n  use ReLU");
    reads("net: Sequential { }", "net: sequential");
    reads("net: { ReLU }", "net: sequential\n  use ReLU");
    reads("input [N, 3, H, W]", "input [N, 3, H, W]");
    reads("input left [N, 3 * n]", "input left [N, 3 * n]");
    reads("input [N] image(crop=224, std=[0.229])", "input [N] image(crop=224, std=[0.229])");
    reads("input x [N] image", "input x [N] image");
    reads("output large", "output large");
    reads("output \"o{i}\"", "output \"o{i}\"");
    reads("expect [N, _]", "expect [N, _]");
    reads("keep x", "keep x");
    reads("keep \"skip{i + 1}\"", "keep \"skip{i + 1}\"");
    reads("from x", "from x");
    reads("from backbone.c4", "from backbone.c4");
    reads("from \"a{i}\".b.\"c d\"", "from \"a{i}\".b.\"c d\"");
    reads("init Conv2d: xavier_uniform", "init Conv2d: xavier_uniform");
    reads("init \"0.block 1\", Linear: normal(std=0.01)", "init \"0.block 1\", Linear: normal(std=0.01)");
    reads("labels [\"cat\", \"dog\"]", "labels [\"cat\", \"dog\"]");
    reads("labels \"classes.txt\"", "labels \"classes.txt\"");
    reads("let x = C // 2", "let x = C // 2");
    reads("let (a, (b, _)) = pairs[0]", "let (a, (b, _)) = pairs[0]");
    reads("tied shared = Linear(8)", "tied shared = Linear(8)");
    reads("tied shared = block_of_mine", "tied shared = block_of_mine");
    reads("layer_scale: Parameter((C, 1, 1), value=1e-6)", "layer_scale: use Parameter((C, 1, 1), value=1e-6)");
    reads("Conv2d(1, weight=[[1, -1]])", "use Conv2d(1, weight=[[1, -1]])");
    reads("Linear(4, weight=encoder.weight.T)", "use Linear(4, weight=encoder.weight.T)");
}

#[test]
fn loops_and_conditions_read() {
    reads("for i in 0..4 { ReLU }", "for i in 0..4\n  use ReLU");
    reads("for (a, b) in [(1, 2)] { }", "for (a, b) in [(1, 2)]");
    reads("for (a,) in xs { }", "for (a,) in xs");
    reads("for (a) in xs { }", "for a in xs");
    reads("repeat 2 * n { ReLU }", "repeat 2 * n\n  use ReLU");
    reads("if a { ReLU }", "if a\n  use ReLU");
    reads("if a { } else { ReLU }", "if a\nelse\n  use ReLU");
    reads(
        "if a { x } else if b { y } else if c { z } else { w }",
        "if a\n  use x\nelse if b\n  use y\nelse if c\n  use z\nelse\n  use w",
    );
    reads("if a { x }\n\n  # between\nelse if b { y }\nelse { z }", "if a\n  use x\nelse if b\n  use y\nelse\n  use z");
}

#[test]
fn statements_end_with_line_semicolon_or_brace() {
    reads("ReLU; Tanh;; GELU ;", "use ReLU\nuse Tanh\nuse GELU");
    reads("sum { a } b", "join sum\n  use a\nuse b");
    reads("{ a } { b }", "group\n  use a\ngroup\n  use b");
    reads("if x { a } b", "if x\n  use a\nuse b");
    reads("keep x # why\nReLU# c", "keep x\nuse ReLU");
}

#[test]
fn a_line_goes_on_behind_brackets_commas_and_operators() {
    reads("Conv2d(\n  64,\n\n  # a comment\n  kernel_size=3, # another\n)", "use Conv2d(64, kernel_size=3)");
    reads("Conv2d(64\n)", "use Conv2d(64)");
    reads("let x = [\n  1,\n  2,\n]", "let x = [1, 2]");
    reads("let x = (\n  1,\n)", "let x = (1,)");
    reads("let x = 1 +\n  2 * # c\n\n  3", "let x = 1 + (2 * 3)");
    reads("let x = a and\n not\n b or\n -\n 1 == 2", "let x = (a and (not b)) or ((-1) == 2)");
    reads("let x = 0..\n 4", "let x = 0..4");
    reads("let x = 1 if\n a else\n 2", "let x = 1 if a else 2");
    reads("let x = xs[\n 1\n ]", "let x = xs[1]");
    reads("init Conv2d,\n Linear: zeros", "init Conv2d, Linear: zeros");
    reads("let (a,\n b\n) = f(\n1)", "let (a, b) = f(1)");
    reads("for (\na, b) in f(1,\n2) {\n}", "for (a, b) in f(1, 2)");
}

#[test]
fn a_colon_makes_any_word_a_label() {
    let words = [
        "block",
        "model",
        "import",
        "input",
        "output",
        "from",
        "keep",
        "sum",
        "product",
        "concat",
        "Sequential",
        "init",
        "let",
        "tied",
        "labels",
        "expect",
        "assert",
        "repeat",
        "for",
        "if",
        "else",
        "in",
        "and",
        "or",
        "not",
        "true",
        "image",
    ];
    for word in words {
        reads(&format!("{word}: Conv2d(64)"), &format!("{word}: use Conv2d(64)"));
        reads(&format!("{word} : {{ ReLU }}"), &format!("{word}: sequential\n  use ReLU"));
        reads(
            &format!("keep {word}; from {word}.{word}; output {word}"),
            &format!("keep {word}\nfrom {word}.{word}\noutput {word}"),
        );
        reads(&format!("f({word}=1, x.{word})"), &format!("use f({word}=1, x.{word})"));
    }
}

#[test]
fn keywords_are_free_names_in_expressions() {
    for word in
        ["block", "input", "from", "sum", "labels", "let", "repeat", "for", "init", "keep", "image", "Sequential"]
    {
        reads(&format!("let {word} = {word} + 1"), &format!("let {word} = {word} + 1"));
        reads(&format!("Conv2d({word}, {word}={word}({word}))"), &format!("use Conv2d({word}, {word}={word}({word}))"));
    }
}

#[test]
fn words_that_only_begin_like_keywords_are_names() {
    for name in
        ["inputs", "form", "formats", "summary", "iffy", "notes", "android", "order", "into", "labels2", "truely", "_"]
    {
        reads(name, &format!("use {name}"));
        reads(&format!("let {name} = {name} + 1"), &format!("let {name} = {name} + 1"));
    }
}

#[test]
fn labels_is_a_keyword_only_before_a_list_or_a_string() {
    reads("labels", "use labels");
    reads("labels(3)", "use labels(3)");
    reads("labels: ReLU", "labels: use ReLU");
    reads("labels[\"a\"]", "labels [\"a\"]");
}

#[test]
fn assert_is_a_keyword_only_before_a_measure() {
    reads("assert", "use assert");
    reads("assert(3)", "use assert(3)");
    reads("assert: ReLU", "assert: use ReLU");
    reads("assert { ReLU }", "use assert of items\n  use ReLU");
    reads("assert params <= 5M", "assert params <= 5000000");
    reads("assert macs(H=224, W=224) < 0.6G", "assert macs(H=224, W=224) < 600000000");
    reads("assert memory == 1.5MiB", "assert memory == 1572864");
    reads("assert memory <= 0.0001k", "assert memory <= 0.1");
    reads("assert receptive_field(layer4, \"a.0\") >=\n  2 * n", "assert receptive_field(layer4, \"a.0\") >= 2 * n");
}

#[test]
fn a_budget_that_cannot_be_read_says_what_is_missing() {
    let cases = [
        ("assert params", "1:14 \"\": found the end of the line, not a comparison such as `<=`"),
        ("assert params <= 5MB", "1:18 \"5MB\": meant \"5M\""),
        ("assert params != 5", "1:15 \"!=\": found `!=`, not a comparison such as `<=`"),
        ("assert params = 5", "1:15 \"=\": found `=`, not a comparison such as `<=`"),
        ("assert params <= 5 MiB", "1:20 \"MiB\": found `MiB`, not the end of the line"),
        ("assert params <= 9999999G", "1:18 \"9999999G\": too large: 9999999G"),
    ];
    for (statement, error) in cases {
        assert_eq!(body_errors(statement), [error], "{statement}");
    }
}

#[test]
fn a_keyword_alone_wants_its_statement() {
    let cases = [
        ("keep", "1:5 \"\": found the end of the line, not a name"),
        ("from; ReLU", "1:5 \";\": found `;`, not a name"),
        ("input", "1:6 \"\": found the end of the line, not a name or a shape in brackets"),
        ("sum", "1:4 \"\": found the end of the line, not `{`"),
        ("concat(dim=1)", "1:14 \"\": found the end of the line, not `{`"),
        ("x: sum", "1:7 \"\": found the end of the line, not `{`"),
        ("x: Sequential(ReLU)", "1:14 \"(\": found `(`, not `{`"),
        ("if", "1:3 \"\": found the end of the line, not an expression"),
        ("let", "1:4 \"\": found the end of the line, not a name"),
        ("in", "1:1 \"in\": found `in`, not a statement"),
        ("x: not", "1:4 \"not\": found `not`, not a layer or block"),
    ];
    for (statement, error) in cases {
        assert_eq!(body_errors(statement), [error], "{statement}");
    }
}
