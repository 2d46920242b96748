//! Limits: what no machine could hold is refused before time, memory or stack is spent.

mod common;
use common::{Outcome, check, model};
use std::time::{Duration, Instant};

/// Checks on a small stack, and quickly.
fn check_small(text: String) -> Outcome {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || check(&text)).expect("a thread");
    let outcome = thread.join().expect("no panic");
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    outcome
}

fn codes(text: String) -> Vec<String> {
    check_small(text).codes()
}

#[test]
fn loops_past_any_machine_fail_at_once() {
    assert_eq!(codes(model("repeat 1000000000 { ReLU }")), ["E217 3:8"]);
    assert_eq!(codes(model("repeat 1000000000 { }")), ["E217 3:8"]);
    assert_eq!(codes(model("for i in 0..1000000000 { let x = i }")), ["E217 3:10"]);
    assert_eq!(codes(model("repeat 1000 { repeat 1000 { repeat 1000 { ReLU } } }")), ["E217 3:8"]);
    assert_eq!(codes(model("let n = 3000\nrepeat n { for i in 0..n { a: { repeat n * n { ReLU } } } }")), ["E217 4:8"]);
    assert_eq!(codes(model("repeat 9223372036854775807 { repeat 9223372036854775807 { ReLU } }")), ["E217 3:8"]);
}

#[test]
fn calls_that_multiply_fail_at_once() {
    let mut text: String =
        (0..40).map(|level| format!("block B{level} {{ B{}; B{} }}\n", level + 1, level + 1)).collect();
    text += "block B40 { ReLU }\n";
    text += &model("B0");
    let outcome = check_small(text);
    assert_eq!(outcome.problems.len(), 1, "{}", outcome.said());
    assert_eq!(outcome.problems[0].code.name(), "E217");
    let mut text: String =
        (0..20).map(|level| format!("block B{level}(n: int) {{ repeat n {{ B{}(n) }} }}\n", level + 1)).collect();
    text += "block B20(n: int) { ReLU }\n";
    text += &model("B0(10)");
    assert_eq!(check_small(text).problems[0].code.name(), "E217");
}

#[test]
fn loops_over_nothing_end() {
    let body = "repeat 3000 { repeat 3000 { repeat 3000 { } } }";
    let outcome = check_small(model(body));
    assert_eq!(outcome.problems.len(), 1, "{}", outcome.said());
    assert_eq!(outcome.problems[0].code.name(), "E217");
}

#[test]
fn recursion_is_an_error() {
    assert_eq!(codes(format!("block B {{ B }}\n{}", model("B"))), ["E216 1:11"]);
    let two = format!("block A {{ B }}\nblock B {{ ReLU; A }}\n{}", model("A"));
    assert_eq!(codes(two), ["E216 2:17"]);
    let both = "block B(n: int) { if n > 0 { B(n - 1) } else { B(n) } }";
    assert_eq!(codes(format!("{both}\n{}", model("B(3)"))), ["E216 1:30"]);
    assert_eq!(
        codes(format!("block B(n: int) {{ if n > 0 {{ B(n - 1) }} }}\n{}", model("B(3)"))),
        Vec::<String>::new()
    );
    assert_eq!(codes(format!("block B(l: layer) {{ l }}\n{}", model("B(B(ReLU))"))), Vec::<String>::new());
    let omega = check_small(format!("block W(x: layer) {{ x(x) }}\n{}", model("W(W)")));
    assert_eq!(omega.problems[0].code.name(), "E217", "{}", omega.said());
}

#[test]
fn recursion_is_found_where_nothing_calls() {
    assert_eq!(codes("block B { B }".into()), ["E216 1:11"]);
    assert_eq!(codes("block A { B }\nblock B { sum { C; ReLU } }\nblock C { A }".into()), ["E216 3:11"]);
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let deep = format!("{}ReLU{}", "a: { ".repeat(95), " }".repeat(95));
    assert_eq!(codes(model(&deep)), Vec::<String>::new());
    let joins = format!("{}ReLU{}", "sum { Identity; ".repeat(95), " }".repeat(95));
    assert_eq!(codes(model(&joins)), Vec::<String>::new());
    let chain: String = (0..300)
        .map(|level| format!("block B{level} {{ if true {{ sum {{ {{ B{} }}; Identity }} }} }}\n", level + 1))
        .collect();
    let outcome = check_small(format!("{chain}block B300 {{ ReLU }}\n{}", model("B0")));
    assert_eq!(outcome.problems[0].code.name(), "E217", "{}", outcome.said());
    let long: String = (0..5000)
        .map(|level| format!("block B{level} {{ {}B{}{} }}\n", "a: { ".repeat(20), level + 1, " }".repeat(20)))
        .collect();
    let outcome = check_small(format!("{long}block B5000 {{ ReLU }}\n{}", model("repeat 2 { B0 }")));
    assert_eq!(outcome.problems[0].code.name(), "E217", "{}", outcome.said());
    let expression = format!("let x = {}1{}", "(1 + ".repeat(90), ")".repeat(90));
    assert_eq!(codes(model(&expression)), Vec::<String>::new());
    let sum = format!("let x = {}1", "1 + ".repeat(450));
    assert_eq!(codes(model(&sum)), Vec::<String>::new());
}

#[test]
fn values_cannot_grow_without_end() {
    let lists: String = (0..60).map(|level| format!("let a{} = a{level} + a{level}\n", level + 1)).collect();
    assert_eq!(codes(model(&format!("let a0 = [1, 2, 3]\n{lists}"))).len(), 1);
    let nested: String = (0..60).map(|level| format!("let a{} = [a{level}, a{level}]\n", level + 1)).collect();
    assert_eq!(codes(model(&format!("let a0 = 1\n{nested}let same = a60 == a60"))).len(), 1);
    let texts: String = (0..60).map(|level| format!("let a{} = \"{{a{level}}}{{a{level}}}\"\n", level + 1)).collect();
    assert_eq!(codes(model(&format!("let a0 = \"ab\"\n{texts}"))).len(), 1);
    let deep: String = (0..5000).map(|level| format!("let a{} = [a{level}]\n", level + 1)).collect();
    assert_eq!(codes(model(&format!("let a0 = 1\n{deep}"))).len(), 1);
    let layers: String = (0..5000).map(|level| format!("let a{} = B(a{level})\n", level + 1)).collect();
    assert_eq!(codes(format!("block B(l: layer) {{ l }}\n{}", model(&format!("let a0 = ReLU\n{layers}")))).len(), 1);
}

#[test]
fn ranges_are_not_written_out() {
    let text = "let r = 0..1000000000\nlet e = enumerate(r)\nConv2d(min(r) + len(e) // 100000000, kernel_size=1)\nif e[5][1] == 5 { ReLU }";
    assert_eq!(codes(model(text)), Vec::<String>::new());
}

#[test]
fn tensors_past_any_machine() {
    assert_eq!(codes("model M { input [N, 1, 4000000000, 4000000000]\nReLU }".into()), ["E309 1:11"]);
    assert_eq!(codes(model("Conv2d(1000000000000, kernel_size=3)")), ["E309 3:1"]);
    assert_eq!(codes(model("Upsample(scale_factor=100000000)")), ["E309 3:1"]);
    assert_eq!(codes(model("repeat 40 { concat { Identity; Identity } }")), ["E309 3:13"]);
    assert_eq!(codes("model M { input [N, H]; repeat 70 { concat { Identity; Identity } } }".into()), ["E309 1:37"]);
}

#[test]
fn a_hundred_thousand_layers_are_no_hardship() {
    let shaped = common::shaped(&model("repeat 20000 { Conv2d(16, kernel_size=1); ReLU }"));
    assert_eq!(shaped.graph.parameters.len(), 40_000);
}

#[test]
fn long_presets_names_and_calls() {
    let presets: String = (0..300).map(|level| format!("model P{} = P{level}()\n", level + 1)).collect();
    let outcome = check_small(format!("model P0 {{ input [N, 2]; ReLU }}\n{presets}"));
    assert!(outcome.problems.iter().all(|problem| problem.code.name() == "E217"), "{}", outcome.said());
    let arguments = "1, 1, 1, 1, 1, 1, true, \"zeros\", ".to_owned() + &"1, ".repeat(50_000);
    assert_eq!(
        codes(model(&format!("Conv2d({arguments})"))).first().map(|code| code[..4].to_owned()),
        Some("E207".into())
    );
    let names: String = (0..3000).map(|index| format!("let a{index} = b{index}\n")).collect();
    assert_eq!(codes(model(&names)).len(), 3000);
}

#[test]
fn thousands_of_presets() {
    let presets: String = (0..3000).map(|number| format!("model P{number} = M(c={number})\n")).collect();
    assert_eq!(
        codes(format!("model M(c: int = 1) {{ input [N, 8]; Linear(c + 1) }}\n{presets}")),
        Vec::<String>::new()
    );
}

#[test]
fn after_an_error_little_is_written_out() {
    for text in [
        "model A {\n x [N]\n repeat 1000 { repeat 1000 { repeat 1000 { R".to_owned(),
        model("Bad\nrepeat 1000 { repeat 1000 { repeat 19 { let x = 1 } } }"),
        model("for i in 0..900000 { from x }"),
        model("for i in 0..900000 { \"a{i}\": Bad }"),
        model("for i in 0..900000 { Linear(i.weight) }"),
    ] {
        let outcome = check_small(text.clone());
        assert!(!outcome.problems.is_empty(), "{text}");
        assert!(outcome.problems.iter().all(|problem| problem.code.name() != "E499"), "{}", outcome.said());
    }
}

#[test]
fn expressions_of_symbols_stay_small() {
    let floors = |count: usize| {
        format!("model M {{ input [N, 4, H, W]\n{}}}", "concat(dim=2) { Identity; AvgPool2d((2, 1)) }\n".repeat(count))
    };
    let outcome = check_small(floors(30));
    assert_eq!(outcome.problems.len(), 1, "{}", outcome.said());
    assert_eq!(outcome.problems[0].code.name(), "E309");
    assert!(outcome.problems[0].message.contains("too long an expression"), "{}", outcome.said());
    assert_eq!(codes(floors(5)), Vec::<String>::new());
    let numbers = floors(30).replace("H, W", "2, 2");
    assert_eq!(codes(numbers), Vec::<String>::new());
    let halves = "sum { Identity; { AvgPool2d(2); Upsample(scale_factor=2) } }\n".repeat(300);
    assert_eq!(codes(format!("model M {{ input [N, 4, H, W]\n{halves}}}")), Vec::<String>::new());
}

#[test]
fn layers_in_layers_in_layers_are_bounded() {
    let doubled: String = (0..60).map(|level| format!("let a{} = B(a{level}, a{level})\n", level + 1)).collect();
    let text = format!("block B(l: layer, m: layer) {{ l; m }}\n{}", model(&format!("let a0 = ReLU\n{doubled}")));
    assert_eq!(codes(text).len(), 1);
}

#[test]
fn names_without_end_are_not_compared() {
    let long = "a".repeat(100_000);
    assert_eq!(codes(model(&format!("let {long}b = 3\nLinear({long}c)"))), ["E202 4:8"]);
    let many: String = (0..20_000).map(|number| format!("let name_{number} = 3\n")).collect();
    let wrong: String = (0..500).map(|number| format!("Linear(nome_{number})\n")).collect();
    assert_eq!(codes(model(&format!("{many}{wrong}"))).len(), 500);
    let keys: String = (0..500).map(|number| format!("init \"x{number}\": ones\n")).collect();
    assert_eq!(
        codes(model(&format!("for i in 0..5000 {{ \"a{{i}}\": Conv2d(16, kernel_size=1) }}\n{keys}"))).len(),
        500
    );
    let patterns = "init \"*0*0*0*0*0*0*0*0*0*0*0*0*b\": ones\n".repeat(2000);
    let outcome = check_small(model(&format!("repeat 5000 {{ ReLU }}\n{patterns}")));
    assert!(outcome.problems.iter().all(|problem| matches!(problem.code.name(), "E221" | "E217")));
}

#[test]
fn a_program_is_read_up_to_a_number_of_words() {
    let words = "ReLU;".repeat(300_000);
    let block = |name: &str| format!("block {name} {{ {words} }}");
    let (a, b) = (block("A"), block("B"));
    let files =
        [("main.cnn", "import \"a.cnn\"\nimport \"b.cnn\"\nmodel M { input [N]; A }"), ("a.cnn", &a), ("b.cnn", &b)];
    let outcome = common::check_in(&common::several(&files));
    assert_eq!(outcome.codes(), ["E218 2:8"], "{}", outcome.said());
}

#[test]
fn an_item_with_a_number_as_name_and_one_at_that_position() {
    assert_eq!(codes(model("\"1\": PReLU\nPReLU")), ["E208 3:1"]);
    assert_eq!(codes(model("PReLU\n\"0\": PReLU")), ["E208 4:1"]);
    assert_eq!(codes(model("ReLU\n\"00\": Tanh\n\"3\": ReLU")), Vec::<String>::new());
    assert_eq!(
        codes(model("Conv2d(16, kernel_size=1)\ninit \"0\": zeros\ninit \"0.bias\": ones\ninit \"1\": ones")),
        ["E221 6:6"]
    );
}
