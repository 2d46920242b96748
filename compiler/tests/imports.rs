//! Files: imports, circles, missing and empty files.

mod common;
use common::{check, check_in, one, several};

#[test]
fn blocks_are_shared_and_files_read_once() {
    let outcome = check_in(&several(&[
        ("main.cnn", "import \"a.cnn\"\nimport \"b.cnn\"\nmodel M { input [N, 3]; A; B }"),
        ("a.cnn", "import \"b.cnn\"\nblock A { B; ReLU }"),
        ("b.cnn", "block B { Linear(2) }"),
    ]));
    assert!(outcome.problems.is_empty(), "{}", outcome.said());
    assert_eq!(common::keys(&outcome.graphs[0].graph), ["0.0.0.weight", "0.0.0.bias", "1.0.weight", "1.0.bias"]);
}

#[test]
fn circles_are_errors_with_both_places() {
    let outcome = check_in(&one("import \"main.cnn\"\nblock B { ReLU }"));
    assert_eq!(outcome.codes(), ["E218 1:8"]);
    assert!(outcome.problems[0].message.contains("imports itself"), "{}", outcome.said());
    let outcome = check_in(&several(&[
        ("main.cnn", "import \"a.cnn\"\nblock M { ReLU }"),
        ("a.cnn", "import \"b.cnn\"\nblock A { ReLU }"),
        ("b.cnn", "\nimport \"main.cnn\"\nblock B { ReLU }"),
    ]));
    assert_eq!(outcome.codes(), ["E218 2:8"]);
    assert!(
        outcome.problems[0].message.contains("main.cnn, then a.cnn, then b.cnn, then main.cnn"),
        "{}",
        outcome.said()
    );
    assert_eq!(outcome.problems[0].labels.len(), 3);
}

#[test]
fn names_are_known_where_their_file_is_imported_alone() {
    let files = |main: &'static str| {
        several(&[
            ("main.cnn", main),
            ("a.cnn", "import \"b.cnn\"\nblock A { B }"),
            ("b.cnn", "block B { Linear(2) }\nmodel Deep { input [N, 3]; B }"),
        ])
    };
    let outcome = check_in(&files("import \"a.cnn\"\nmodel M { input [N, 3]; A; B }\nmodel P = Deep"));
    assert_eq!(outcome.codes(), ["E201 2:28", "E201 3:11"], "{}", outcome.said());
    let outcome = check_in(&files("import \"a.cnn\"\nmodel M(act: layer = B) { input [N, 3]; act }"));
    assert_eq!(outcome.codes(), ["E201 2:22"], "{}", outcome.said());
    let outcome =
        check_in(&files("import \"a.cnn\"\nimport \"b.cnn\"\nmodel M { input [N, 3]; A; B }\nmodel P = Deep"));
    assert!(outcome.problems.is_empty(), "{}", outcome.said());
    let backwards = several(&[
        ("main.cnn", "import \"a.cnn\"\nblock Mine { ReLU }\nmodel M { input [N, 3]; A }"),
        ("a.cnn", "block A { Mine }"),
    ]);
    assert_eq!(check_in(&backwards).codes(), ["E201 1:11"]);
}

#[test]
fn one_name_from_two_files() {
    let outcome = check_in(&several(&[
        ("main.cnn", "import \"a.cnn\"\nimport \"b.cnn\"\nmodel M { input [N, 3]; A }"),
        ("a.cnn", "block A { ReLU }"),
        ("b.cnn", "block A { Tanh }"),
    ]));
    assert_eq!(outcome.codes(), ["E208 1:7"]);
    assert_eq!(outcome.problems[0].labels.len(), 2);
}

#[test]
fn a_missing_import_hides_unknown_names() {
    let outcome = check_in(&one("import \"gone.cnn\"\nmodel M { input [N, 3]; Gone(3); Linear(2, biass=true) }"));
    assert_eq!(outcome.codes(), ["E218 1:8", "E203 2:44"], "{}", outcome.said());
}

#[test]
fn a_missing_or_empty_file() {
    assert_eq!(check_in(&several(&[])).codes(), ["E601 -"]);
    assert_eq!(check("").codes(), ["E219 1:1"]);
    assert_eq!(check("# nothing\n").codes(), ["E219 2:1"]);
    assert_eq!(check_in(&several(&[("main.cnn", "import \"a.cnn\""), ("a.cnn", "")])).codes(), ["E219 1:1"]);
    assert!(check("import \"main2.cnn\"").codes() == ["E218 1:8"]);
}

#[test]
fn long_chains_of_imports_end() {
    let names: Vec<String> = (0..200).map(|index| format!("f{index}.cnn")).collect();
    let texts: Vec<String> =
        (0..200).map(|index| format!("import \"f{}.cnn\"\nblock B{index} {{ ReLU }}", index + 1)).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    files.push(("main.cnn", "import \"f0.cnn\"\nblock M { ReLU }"));
    assert_eq!(check_in(&several(&files)).codes(), ["E218 1:8"]);
}

#[test]
fn errors_of_all_files_and_stages_come_together() {
    let outcome = check_in(&several(&[
        (
            "main.cnn",
            "import \"a.cnn\"\nmodel M { input [N, 3, 8, 8]\nConv2d(4 kernel_size=3)\nA\nLinaer(3)\nexpect [N, 3] }\nmodel X { input [N, 2]; Linear(4); expect [N, 3] }",
        ),
        ("a.cnn", "block A { Conv2d(3, kernel_size=0) }"),
    ]));
    let codes: Vec<String> = outcome.codes().iter().map(|code| code[..4].to_owned()).collect();
    assert_eq!(codes, ["E101", "E201", "E305", "E205"], "{}", outcome.said());
}
