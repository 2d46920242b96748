//! What the formatter makes of a spec is the same network: of every spec there is, and of random ones with comments and odd
//! blanks strewn in.

use cnnc_compiler::check::Checked;
use cnnc_compiler::graph::print::print_shapes;
use cnnc_grammar::{format_text, is_same_spec};
use cnnc_tests::random::spec;
use cnnc_tests::{Edited, Text, check, check_in, specs};
use std::fs;
use std::path::Path;

/// Its networks, and the codes of what is wrong with it.
fn meaning(checked: &Checked) -> (Vec<String>, Vec<&'static str>) {
    let codes = checked.problems.iter().map(|problem| problem.code.name());
    (checked.networks.iter().map(print_shapes).collect(), codes.collect())
}

#[test]
fn every_spec_means_the_same_when_it_is_formatted() {
    let paths = ["cases", "../models"].into_iter().flat_map(|folder| specs(Path::new(folder)));
    let (mut formatted, mut networks) = (0, 0);
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let path = path.to_string_lossy();
        let Ok(text) = format_text(&text) else { continue };
        let (before, after) = (meaning(&check(&path)), meaning(&check_in(&path, &Edited { path: &path, text: &text })));
        assert_eq!(before, after, "{path}");
        formatted += 1;
        networks += before.0.len();
    }
    assert!(formatted > 500 && networks > 400, "{networks} networks of {formatted} specs");
}

/// The text with comments behind and between its lines, and blanks where they may be more or fewer.
fn strewn(text: &str, seed: u64) -> String {
    let mut strewn = String::new();
    for (number, line) in text.lines().enumerate() {
        let by = |count: usize| (number + seed as usize).is_multiple_of(count);
        let line = if by(2) { line.replace(", ", ",\t  ") } else { line.replace(", ", " ,") };
        let line = if by(3) { line.trim_start() } else { &line };
        let before = if by(5) { format!("\n\n  # before {number}: {{ [ ( \"\n") } else { String::new() };
        let behind = if by(4) { format!("   # behind {number}\t") } else { " ".repeat(number % 3) };
        strewn += &format!("{before}{line}{behind}{}", if seed.is_multiple_of(3) { "\r\n" } else { "\n" });
    }
    strewn
}

#[test]
fn random_specs_mean_the_same_when_they_are_formatted() {
    let mut comments = 0;
    for seed in 0..300 {
        let plain = spec(seed, false, seed % 2 == 0).text;
        let strewn = strewn(&plain, seed);
        let written = format_text(&strewn).unwrap_or_else(|errors| panic!("{errors:?}\n{strewn}"));
        assert!(is_same_spec(&strewn, &written), "{strewn}\nis written as\n{written}");
        assert_eq!(format_text(&written).as_ref(), Ok(&written), "{strewn}");
        let of = |text: &str| meaning(&check_in("net.cnn", &Text(text)));
        assert_eq!(of(&plain), of(&written), "{written}");
        comments += written.matches("# before").count() + written.matches("# behind").count();
        assert_eq!(strewn.matches('#').count(), written.matches('#').count(), "{written}");
    }
    assert!(comments > 1000, "only {comments} comments");
}
