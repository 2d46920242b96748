//! What is said of every code: its examples give that error and are mended, and the pages show the texts.
//!
//! `UPDATE_DOCS=1 cargo test -p cnnc-tests --test explanations` writes `docs/errors/` anew.

use cnnc_compiler::check::Checked;
use cnnc_compiler::diagnostic::Code;
use cnnc_tests::{Ran, Text, check_in, cnnc, rendered};
use std::collections::BTreeSet;
use std::fs;

const PAGES: &str = "../docs/errors";

/// Codes that no example of a few lines gives on any machine: a file of megabytes, faults of cnnc, of a device, of the system,
/// and what a training meets only after a while.
const WITHOUT_EXAMPLE: [Code; 15] = [
    Code::E108,
    Code::E403,
    Code::E499,
    Code::E502,
    Code::E503,
    Code::E504,
    Code::E505,
    Code::E506,
    Code::E507,
    Code::E508,
    Code::E611,
    Code::E612,
    Code::E613,
    Code::E616,
    Code::E618,
];

/// The example under a heading: its language and its text.
fn example(code: Code, heading: &str) -> Option<(&'static str, &'static str)> {
    let (_, after) = code.explanation().split_once(&format!("## {heading}\n\n```"))?;
    let (language, rest) = after.split_once('\n')?;
    Some((language, rest.split_once("```")?.0))
}

fn checked(text: &str) -> Checked {
    check_in("net.cnn", &Text(text))
}

/// Runs the command of an example in the root of the checkout, as its paths are.
fn ran(console: &str) -> Ran {
    let command = console.trim().strip_prefix("$ cnnc ").unwrap_or_else(|| panic!("{console:?} is no command"));
    let mut words: Vec<String> = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(|word| word.replace("models/", "../models/"))),
            _ => words.push(part.to_owned()),
        }
    }
    cnnc(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_text_has_its_parts() {
    for &code in Code::ALL {
        let text = code.explanation();
        let paragraph = text.split("\n\n").next().unwrap_or_default();
        assert!(paragraph.len() > 60 && paragraph.ends_with(['.', '`']), "{code}: {paragraph}");
        assert!(text.contains("\n## In PyTorch\n\n"), "{code} does not say what PyTorch does");
        let is_shown = example(code, "Broken").is_some();
        assert_eq!(is_shown, !WITHOUT_EXAMPLE.contains(&code), "{code}");
        assert!(text.lines().all(|line| line.starts_with("    ") || line.chars().count() <= 100), "{code} is too wide");
    }
}

#[test]
fn every_broken_example_gives_its_code() {
    for &code in Code::ALL {
        match example(code, "Broken") {
            Some(("cnn", text)) => {
                let checked = checked(text);
                let codes: BTreeSet<Code> = checked.problems.iter().map(|problem| problem.code).collect();
                let said = rendered(&checked.problems, &checked.files);
                assert_eq!(codes, BTreeSet::from([code]), "{text}\n{said}");
            }
            Some((_, command)) => {
                let Ran { code: status, errors, .. } = ran(command);
                assert!(status == 1 && errors.contains(&format!("error[{code}]")), "{command}\n{errors}");
            }
            None => {}
        }
    }
}

#[test]
fn every_mended_example_is_right() {
    for &code in Code::ALL {
        match example(code, "Mended") {
            Some(("cnn", text)) => {
                let checked = checked(text);
                let said = rendered(&checked.problems, &checked.files);
                assert!(checked.problems.is_empty() && !checked.networks.is_empty(), "{code}:\n{text}\n{said}");
            }
            Some((_, command)) => {
                let Ran { code: status, errors, .. } = ran(command);
                assert_eq!(status, 0, "{command}\n{errors}");
            }
            None => assert!(example(code, "Broken").is_none_or(|(language, _)| language == "console"), "{code}"),
        }
    }
}

/// The page of all codes.
fn index() -> String {
    let mut page =
        "# Errors\n\nEvery error and warning has a code, which never gets another meaning. `cnnc explain E302` prints \
        what is on its page.\n[Fifteen mistakes](../errors.md) are shown beside what PyTorch says of them.\n"
            .to_owned();
    let mut subject = "";
    for code in Code::ALL {
        if code.subject() != subject {
            subject = code.subject();
            page += &format!("\n## {subject}\n\n");
        }
        page += &format!("- [{code}]({code}.md): {}\n", code.title());
    }
    page
}

#[test]
fn the_pages_are_up_to_date() {
    let pages = Code::ALL
        .iter()
        .map(|code| (format!("{code}.md"), format!("# {code}: {}\n\n{}", code.title(), code.explanation())));
    let pages: Vec<(String, String)> = pages.chain([("README.md".to_owned(), index())]).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(PAGES).expect("the folder");
        pages.iter().for_each(|(name, text)| fs::write(format!("{PAGES}/{name}"), text).expect("a page"));
    }
    for (name, text) in &pages {
        let page = fs::read_to_string(format!("{PAGES}/{name}")).unwrap_or_default();
        assert!(page == *text, "docs/errors/{name} is stale; UPDATE_DOCS=1 writes it anew");
    }
    let there = fs::read_dir(PAGES).expect("the folder").count();
    assert_eq!(there, pages.len(), "docs/errors/ holds a page of no code");
}

#[test]
fn the_command_prints_a_text_or_all_codes() {
    let Ran { code, output, errors } = cnnc(&["explain", "e302"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.starts_with("E302: a window larger than its padded input\n\n"), "{output}");
    assert!(output.contains("\nBroken\n\n    model ") && !output.contains("```"), "{output}");
    let Ran { code, output, .. } = cnnc(&["explain"]);
    assert_eq!((code, output.lines().filter(|line| line.starts_with("  E")).count()), (0, Code::ALL.len()));
    assert!(output.starts_with("Syntax\n  E101  text that cannot be read\n"), "{output}");
    let Ran { code, errors, .. } = cnnc(&["explain", "E320"]);
    assert!(code == 2 && errors.contains("did you mean E3"), "{errors}");
}
