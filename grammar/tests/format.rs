//! The formatter: `parse` of what it writes is the same AST, comments included, and what it writes is in the one style.

#[path = "common/random.rs"]
mod random;

use cnnc_grammar::ast::{Ast, Expr, ExprKind, ItemKind, StatementKind};
use cnnc_grammar::span::FileId;
use cnnc_grammar::{Unreadable, format, format_text, is_same_spec, parse};
use std::fs;
use std::path::{Path, PathBuf};

/// All of an AST but where it stood: its debug form without spans, without whether a line ended or only could have, and without
/// the brackets before a comment, which may stand where a line can end alone.
fn content(ast: &Ast) -> String {
    let debug = format!("{ast:?}").replace("gap: SameLine", "gap: NextLine");
    let mut parts = debug.split("brackets_before: ");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    kept.extend(parts.map(|part| part.trim_start_matches(|letter: char| letter.is_ascii_digit())));
    let debug = kept;
    let mut parts = debug.split("Span { file: ");
    let mut content = parts.next().unwrap_or_default().to_owned();
    content.extend(parts.filter_map(|part| part.split_once('}')).map(|(_, rest)| rest));
    content
}

/// The comments of a text without an error, in order: what stands behind each `#` that is in no string.
fn comments(text: &str) -> Vec<String> {
    let comment = |line: &str| {
        let mut in_string = false;
        let start = line.char_indices().find(|(_, letter)| {
            in_string ^= *letter == '"';
            *letter == '#' && !in_string
        });
        start.map(|(start, _)| line[start..].trim_end().to_owned())
    };
    text.split(['\n', '\r']).filter_map(comment).collect()
}

/// Formats a text that reads without an error, and holds the result to all that must hold of it.
fn formatted(text: &str) -> String {
    let (ast, errors) = parse(text, FileId(0));
    assert_eq!(errors, [], "{text}");
    let written = format(&ast).unwrap_or_else(|Unreadable| panic!("unreadable without an error: {text}"));
    let (again, errors) = parse(&written, FileId(0));
    assert_eq!(errors, [], "{text}\nis written as\n{written}");
    assert_eq!(content(&again), content(&ast), "{text}\nis written as\n{written}");
    assert_eq!(format(&again).as_ref(), Ok(&written), "{text}\nis written in two ways");
    assert_eq!(comments(&written), comments(text), "{text}\nis written as\n{written}");
    let by_text = format_text(text).expect("a text without an error");
    assert_eq!(by_text.replace("\r\n", "\n"), written);
    assert!(is_same_spec(text, &by_text), "the guard refuses\n{text}\nwritten as\n{by_text}");
    assert!(!written.contains("\n\n\n") && !written.contains(" \n") && !written.contains('\r'), "{written}");
    assert!(written.is_empty() || written.ends_with('\n') && !written.ends_with("\n\n"), "{written:?}");
    written
}

/// All files under a folder with that extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let wanted = files.into_iter().filter(|path| path.extension().is_some_and(|found| found == extension));
    wanted.chain(folders.iter().flat_map(|folder| self::files(folder, extension))).collect()
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)
}

#[test]
fn a_comment_keeps_its_side_of_a_bracket() {
    let text = "model M {\n    let rows = [\n        # first, second\n        (1, 2),  # behind\n        (3, 4),\n        # last\n    ]\n}\n";
    assert_eq!(formatted(text), text);
}

#[test]
fn every_spec_is_the_same_when_it_is_formatted() {
    let mut count = 0;
    for path in ["models", "tests"].iter().flat_map(|folder| files(&root(folder), "cnn")) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if parse(&text, FileId(0)).1.is_empty() {
            formatted(&text);
            count += 1;
        } else {
            assert!(format_text(&text).is_err(), "{}", path.display());
        }
    }
    assert!(count >= 200, "only {count} specs are formatted");
}

#[test]
fn every_model_that_ships_is_in_the_style() {
    let models = files(&root("models"), "cnn");
    for path in &models {
        let text = fs::read_to_string(path).expect("a spec");
        assert!(format_text(&text).as_ref() == Ok(&text), "{}: cnnc fmt models", path.display());
    }
    assert!(models.len() >= 80, "only {} specs ship", models.len());
}

#[test]
fn every_example_of_the_documents_is_the_same_when_it_is_formatted() {
    let mut count = 0;
    let documents = files(&root("docs"), "md").into_iter().chain([root("README.md"), root("models/README.md")]);
    for path in documents {
        let text = fs::read_to_string(&path).expect("a document");
        for block in text.split("```").skip(1).step_by(2) {
            let Some((language, example)) = block.split_once('\n') else { continue };
            if let (true, Ok(written)) = (language == "cnn", format_text(example)) {
                assert_eq!(example, written, "{} shows another style", path.display());
            }
            let wrapped = format!("model Example {{\n{example}\n}}\n");
            let readable = [example, &wrapped].into_iter().find(|text| parse(text, FileId(0)).1.is_empty());
            readable.map(formatted).into_iter().for_each(|_| count += 1);
        }
    }
    assert!(count >= 40, "only {count} examples are formatted");
}

#[test]
fn random_files_are_the_same_when_they_are_formatted() {
    let mut all = 0;
    for seed in 0..1000 {
        let (text, count) = random::file(seed);
        let written = formatted(&text);
        let numbers: Vec<String> = (0..count).map(|number| format!("#{number}")).collect();
        let comments = comments(&written);
        assert_eq!(comments.len(), count, "{text}\nis written as\n{written}");
        for (comment, number) in comments.iter().zip(&numbers) {
            assert!(comment.starts_with(number.as_str()), "{text}\nis written as\n{written}");
        }
        all += count;
    }
    assert!(all > 10_000, "only {all} comments");
}

#[test]
fn there_is_one_style() {
    let text = r#"

# A file's own words.

import "x" ; import "y" # both


block A( # of what
 n: int, # how many

 # which
 m: [(int,int)] = [(1,2),(3,4)] # pairs
 ) { # here

  conv : Conv2d(n,
     kernel_size=3) # a layer
  let x=(a+b) *-c
}
"#;
    let expected = r#"# A file's own words.

import "x"
import "y"  # both

block A(  # of what
    n: int,  # how many
    # which
    m: [(int, int)] = [(1, 2), (3, 4)],  # pairs
) {  # here
    conv: Conv2d(n, kernel_size=3)  # a layer
    let x = (a + b) * -c
}
"#;
    assert_eq!(formatted(text), expected);
}

#[test]
fn lines_that_people_chose_stay_and_long_ones_are_broken() {
    let text = r#"
model M {
  Linear(120);   Sigmoid;Tanh
  repeat 2 {
    ReLU }
  repeat 2 {ReLU; Dropout(0.5)}
  if a { ReLU } else { }
  if a { ReLU } # then
  else if b { Tanh }


  else { }
  sum { a
    { b; c; d; e; f; a_long_name_of_a_layer; a_long_name_of_a_layer; a_long_name_of_a_layer; g; h }
    {} } # all
  Conv2d(n, kernel_size=3, padding=1, stride=2, dilation=1, groups=8, bias=false, padding_mode="zeros")
  f(a, g(x) + # more
       h, # behind
    # last
  )
  let rows = [(1, 3, 1, 16, 1, 0), (6, 3, 2, 24, 2, 1), (6, 5, 2, 40, 2, 3), (6, 3, 2, 80, 3, 5), (6, 5, 1)]
  for ( # a place
    i) in 0..(n-1) {}
  # the end
}
"#;
    let expected = r#"model M {
    Linear(120); Sigmoid; Tanh
    repeat 2 {
        ReLU
    }
    repeat 2 { ReLU; Dropout(0.5) }
    if a { ReLU } else {}
    if a {
        ReLU
    }  # then
    else if b {
        Tanh
    } else {}
    sum {
        a
        {
            b; c; d; e; f; a_long_name_of_a_layer; a_long_name_of_a_layer; a_long_name_of_a_layer; g
            h
        }
        {}
    }  # all
    Conv2d(
        n, kernel_size=3, padding=1, stride=2, dilation=1, groups=8, bias=false,
        padding_mode="zeros"
    )
    f(
        a,
        g(x) +  # more
            h,  # behind
        # last
    )
    let rows = [
        (1, 3, 1, 16, 1, 0),
        (6, 3, 2, 24, 2, 1),
        (6, 5, 2, 40, 2, 3),
        (6, 3, 2, 80, 3, 5),
        (6, 5, 1),
    ]
    for (  # a place
        i
    ) in 0..(n - 1) {}
    # the end
}
"#;
    assert_eq!(formatted(text), expected);
}

#[test]
fn what_is_built_gets_the_parentheses_that_it_needs() {
    let (ast, errors) =
        parse("model M { let x = ((a + b) * (-c)[0] - (d - e)) == (not f) and ((-a) ** (-b)) ** (c ** d) }", FileId(0));
    assert_eq!(errors, []);
    let mut built = ast;
    let ItemKind::Declaration(model) = &mut built.items[0].kind else { panic!("a model") };
    let StatementKind::Let { value, .. } = &mut model.body.statements[0].kind else { panic!("a value") };
    ungroup(value);
    let written = format(&built).expect("a text");
    assert_eq!(written, "model M { let x = (a + b) * (-c)[0] - (d - e) == (not f) and ((-a) ** -b) ** c ** d }\n");
}

/// Forgets the parentheses, as whoever builds an AST need not know them.
fn ungroup(expr: &mut Expr) {
    expr.grouped = false;
    match &mut expr.kind {
        ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => [left, right].map(|value| ungroup(value)),
        ExprKind::Unary(_, value) => [ungroup(value), ()],
        _ => [(), ()],
    };
}

#[test]
fn lines_end_as_the_first_one_does() {
    let formatted = |text| format_text(text).expect("a text without an error");
    assert_eq!(formatted("model M {\r\n ReLU\n}"), "model M {\r\n    ReLU\r\n}\r\n");
    assert_eq!(formatted("model M {\n ReLU\r\n}\r\n"), "model M {\n    ReLU\n}\n");
    assert_eq!(formatted("model M {\r ReLU\r}"), "model M {\n    ReLU\n}\n");
    assert_eq!((formatted("").as_str(), formatted("\r\n \t\n").as_str()), ("", ""));
}

#[test]
fn the_guard_sees_whatever_is_lost() {
    let text = "# a\nmodel M { # b\n  Conv2d(8, kernel_size=3) # a\n  Dropout(0.50); ReLU\n}\n";
    let written = format_text(text).expect("a text without an error");
    assert!(is_same_spec(text, &written));
    let changes = [
        ("# b", ""),
        ("# a", "# c"),
        ("0.50", "0.5"),
        ("ReLU", "GELU"),
        ("ReLU", ""),
        ("}", ""),
        ("8, ", ""),
        ("(0.50)", ""),
    ];
    for (lost, instead) in changes {
        let damaged = written.replacen(lost, instead, 1);
        assert!(damaged != written && !is_same_spec(text, &damaged), "{damaged}");
    }
    assert!(!is_same_spec("model M { let x = (a + b) * c }", "model M { let x = a + b * c }"));
}

#[test]
fn what_cannot_be_read_is_not_formatted() {
    for text in [
        "model M { Conv2d(3 }",
        "model M { ReLU }\n}\n",
        "model M { x = 3 }",
        "block B(a) { }",
        "[[[[",
        "model M { let x = }",
    ] {
        let (ast, errors) = parse(text, FileId(0));
        assert_eq!(format_text(text), Err(errors), "{text}");
        assert!(text.ends_with("}\n") || format(&ast) == Err(Unreadable), "{text}");
    }
}
