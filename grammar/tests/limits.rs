//! Limits: what is too deep or too large is an error, in time linear in the text and on a small stack.

mod common;

use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use cnnc_grammar::error::SyntaxErrorKind;
use cnnc_grammar::span::FileId;
use cnnc_grammar::{format, parse};
use common::{body_errors, body_tree, errors};

/// What the main thread of a test and of many programs has at the least.
const STACK_BYTES: usize = 2 << 20;

/// Runs on a small stack.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread starts");
    thread.join().expect("the work ends without a panic");
}

fn in_model(statements: &str) -> String {
    format!("model M {{\n{statements}\n}}\n")
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    around(open, "1", close, depth)
}

fn around(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn a_hundred_levels_read_on_a_small_stack() {
    on_a_small_stack(|| {
        let body = |text: String| (in_model(&text), 0);
        let texts = [
            body(format!("let x = {}", nested("(", ")", 99))),
            body(format!("let x = {}", nested("[", "]", 99))),
            body(format!("let x = {}", nested("1 if 1 + f(a=not -", ") else 2", 99))),
            body(format!("let x = {}", nested("a[", "]", 99))),
            body(format!("keep \"{{{}}}\"", nested("(", ")", 98))),
            body(format!("for {} in x {{ }}", around("(", "i", ")", 99))),
            body(around("if a { } else if b { } else {", "ReLU", "}", 99)),
            body(around("\"x{i}\": sum(dim=1) {", "ReLU", "}", 98)),
            body(format!("{}{}", "x: {".repeat(50), nested("f(", ")", 49) + &"}".repeat(50))),
            (format!("block A(x: {}) {{ }}", around("(", "int", ")", 99)), 0),
            (format!("block A(x {}) {{ }}", nested("(", ")", 99)), 1),
            (in_model(&around("a b {", "ReLU", "}", 99)), 99),
        ];
        for (text, count) in texts {
            let (ast, problems) = parse(&text, FileId(0));
            assert_eq!(problems.len(), count, "{text} {problems:?}");
            assert!(!ast.to_string().is_empty());
            assert_eq!(ast.clone(), ast);
            assert_eq!(format(&ast).is_ok(), count == 0, "{text}");
        }
    });
}

#[test]
fn one_level_more_is_too_deep() {
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("a[", "]")] {
        let text = format!("let x = {}", nested(open, close, 100));
        let problems = body_errors(&text);
        let column = "let x = ".len() + 99 * open.len() + open.len();
        assert_eq!(problems, [format!("1:{column} {:?}: deeper than 100", &open[open.len() - 1..])]);
    }
    assert_eq!(errors(&"model A {\n".repeat(101)), ["101:9 \"{\": deeper than 100"]);
    assert_eq!(errors(&in_model(&nested("sum { ", "}", 100))).len(), 1);
    assert_eq!(body_errors(&format!("\"{{{}}}\": ReLU", nested("(", ")", 99))).len(), 1);
}

#[test]
fn brackets_side_by_side_do_not_add_up() {
    let row = format!("let x = {}\n", nested("(", ")", 90));
    body_tree(&row.repeat(300));
    body_tree(&"{ sum { { ReLU } } }\n".repeat(300));
    assert_eq!(body_errors(&"Conv2d(64\n".repeat(300)).len(), 300);
    assert_eq!(body_errors(&"Conv2d((64; ReLU\n".repeat(300)).len(), 300);
    body_tree(&"# ((((((((( {{{{{{ \" [[[\nkeep \"((((((((((([[[\"\n".repeat(300));
}

#[test]
fn chains_without_brackets_are_bounded() {
    on_a_small_stack(|| {
        let long = 20_000;
        let too_deep = [
            (format!("let x = 1{}", " + 1".repeat(long)), 500),
            (format!("let x = 1{}", " and 1".repeat(long)), 500),
            (format!("let x = a{}", "[0]".repeat(long)), 500),
            (format!("let x = a{}", ".b".repeat(long)), 500),
            (format!("let x = {}1", "- ".repeat(long)), 100),
            (format!("let x = {}1", "not ".repeat(long)), 100),
            (format!("let x = 1{}", " * - 1".repeat(long)), 500),
            (format!("let x = {}1", "1 if a else ".repeat(long)), 100),
        ];
        for (text, limit) in too_deep {
            let problems = parse(&in_model(&text), FileId(0)).1;
            let kinds: Vec<_> = problems.iter().map(|problem| &problem.kind).collect();
            assert_eq!(kinds, [&SyntaxErrorKind::TooDeep { limit }], "{}", &text[..40]);
        }
        body_tree(&format!("if a {{ }}{}", " else if a { }".repeat(long)));
        body_tree(&format!("let x = [{}]", "1, ".repeat(long)));
        body_tree(&format!("keep \"{}\"", "{i}".repeat(long)));
        body_tree(&format!("from a{}", ".b".repeat(long)));
    });
}

#[test]
fn chains_at_the_limit_read() {
    on_a_small_stack(|| {
        let chains = [
            format!("1{}", " + 1".repeat(499)),
            format!("a{}", ".b".repeat(499)),
            format!("{}1", "- ".repeat(100)),
            format!("{}1", "1 if a else ".repeat(100)),
        ];
        for chain in chains {
            let value = common::value(&chain);
            assert_eq!(value.clone(), value);
            assert!(!value.to_string().is_empty());
        }
    });
}

#[test]
fn a_file_may_have_sixteen_mebibytes() {
    let limit = 16 << 20;
    let comment = |bytes: usize| format!("#{}", "x".repeat(bytes - 1));
    assert_eq!(parse(&comment(limit), FileId(0)).1, []);
    let (ast, problems) = parse(&comment(limit + 1), FileId(0));
    assert!(ast.items.is_empty());
    let kinds: Vec<_> = problems.iter().map(|problem| &problem.kind).collect();
    assert_eq!(kinds, [&SyntaxErrorKind::FileTooLarge { size_bytes: limit + 1, limit_bytes: limit }]);
}

/// Texts that a careless grammar reads in quadratic or exponential time, each made of `count` pieces.
fn hostile(count: usize) -> Vec<(&'static str, String)> {
    let model = |name, text: String| (name, in_model(&text));
    vec![
        model("good lines", "conv: Conv2d(64, kernel_size=3, bias=a if b else c)\n".repeat(count / 4)),
        model("bad lines", "Conv2d(64,, 3)\n".repeat(count / 4)),
        model("unclosed brackets", "Conv2d(64\n".repeat(count / 4)),
        model("closing brackets", ")\n".repeat(count)),
        model("one line of bodies", "{}".repeat(count)),
        model("bad headers", "if = { }\n\n".repeat(count / 4)),
        model("unreadable bodies", "a b {\n}\n".repeat(count / 4)),
        model("blanks in bad text", format!("a {} b", " ".repeat(count * 8))),
        model("lines in bad text", format!("a b {} c", "\n".repeat(count * 8))),
        model("comments", format!("a b {} c", "# c\n".repeat(count))),
        model("commas at line ends", "a b,\n".repeat(count)),
        model("operators at line ends", "+\n".repeat(count)),
        model("braces in a string", format!("\"{}\"", "{".repeat(count))),
        model("values in a string", format!("\"{}\": ReLU", "{i}".repeat(count / 4))),
        model("quotes", "\"".repeat(count)),
        model("a bad list", format!("let x = [{} 1 1]", "1, ".repeat(count))),
        model("a chain of comparisons", format!("let x = 1{}", " < 1".repeat(count))),
        model("conditions without else", format!("let x = 1{}", " if 1".repeat(count))),
        model("a long word", "a".repeat(count * 8)),
        model("deep unreadable bodies", format!("{}{}", "a b {".repeat(90), "}".repeat(90)).repeat(count / 400)),
        ("stray braces", "}\n".repeat(count)),
        ("stray words", "a\n".repeat(count)),
        ("bad parameters", format!("block A({}) {{ }}", "a int, ".repeat(count / 4))),
        ("unclosed parameters", format!("block A({} {{ }}", "a int, ".repeat(count / 4))),
        ("brackets in a bad parameter", format!("block A(a {}) {{ }}", "((((()))))".repeat(count / 8))),
        ("declarations", "block A { ReLU }\n".repeat(count / 4)),
        ("unclosed declarations", "block A { ReLU\n".repeat(99)),
    ]
}

/// Processor time of this thread, which other work on the machine does not stretch; clock time where the system has none.
fn processor_time() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split_whitespace().next().and_then(|time| time.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// What reading a text so many times takes, at best of three. Some systems count processor time in steps of milliseconds: what
/// is compared has to take as long as what it is compared with.
fn time(text: &str, times: u32) -> Duration {
    let run = || {
        let start = processor_time();
        (0..times).for_each(|_| drop(parse(text, FileId(0))));
        processor_time() - start
    };
    run().min(run()).min(run())
}

#[test]
fn time_is_linear_in_the_text() {
    on_a_small_stack(|| {
        let (few, many) = (hostile(600), hostile(7_200));
        for ((name, short), (_, long)) in few.iter().zip(&many) {
            let (short, long) = (time(short, 12), time(long, 1));
            let allowed = short * 4 + Duration::from_millis(50);
            assert!(long < allowed, "{name}: {short:?} for twelve texts, and {long:?} for one twelve times as long");
        }
    });
}

#[test]
fn unbounded_nesting_is_refused_at_once() {
    for open in ["(", "[", "{", "f(", "[[[[", "({[", "a: {", "\"{(", "if a {", "sum {\n"] {
        let text = in_model(&open.repeat(100_000));
        assert!(!parse(&text, FileId(0)).1.is_empty(), "{open}");
        assert!(time(&text, 1) < Duration::from_secs(1), "{open} {:?}", time(&text, 1));
    }
}
