//! Arguments of layers, blocks and models, presets and settings.

mod common;
use cnnc_compiler::resolve::Request;
use common::{check, keys, model, one, request};

fn conv(arguments: &str) -> common::Outcome {
    check(&model(&format!("Conv2d({arguments})")))
}

#[test]
fn positions_and_keys() {
    let shapes = |arguments: &str| {
        let graph = common::graph(&model(&format!("Conv2d({arguments})")));
        graph.parameters[0].shape.clone()
    };
    assert_eq!(shapes("4, 3"), [4, 16, 3, 3]);
    assert_eq!(shapes("4, (3, 1), padding=(1, 0)"), [4, 16, 3, 1]);
    assert_eq!(shapes("kernel_size=3, out_channels=4, groups=4"), [4, 4, 3, 3]);
}

#[test]
fn arguments_that_a_layer_does_not_take() {
    assert_eq!(conv("4").codes(), ["E204 3:1"]);
    assert_eq!(conv("4, kernel=3").codes(), ["E203 3:11"]);
    let outcome = conv("4, kernel_size=3, strid=2");
    assert_eq!(outcome.codes(), ["E203 3:26"]);
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, "stride");
    assert_eq!(conv("4, 3, 1, 0, 1, 1, true, 8").codes(), ["E205 3:32"]);
    assert_eq!(conv("4, 3, 1, 0, 1, 1, true, \"zeros\", 8").codes(), ["E207 3:41"]);
    assert_eq!(conv("1, 6, kernel_size=5").codes(), ["E207 3:8"]);
    assert_eq!(conv("kernel_size=3, 4").codes(), ["E206 3:23"]);
    assert_eq!(conv("4, 3, groups=3").codes(), ["E206 3:14"]);
    let outcome = conv("in_channels=16, out_channels=4, kernel_size=3");
    assert_eq!(outcome.codes(), ["E203 3:8"]);
    let mend = &outcome.problems[0].fixes[0].edits[0];
    assert_eq!((outcome.files.text(mend.span), &*mend.replacement), ("in_channels=16, ", ""));
}

#[test]
fn all_bad_values_of_one_call_are_reported() {
    let outcome = conv("4.0, kernel_size=0, stride=\"a\", groups=true");
    assert_eq!(outcome.codes(), ["E205 3:8", "E205 3:25", "E205 3:35", "E205 3:47"], "{}", outcome.said());
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, "4");
    assert_eq!(conv("4, 3, stride=ReLU").codes(), ["E205 3:21"]);
}

#[test]
fn parameters_of_blocks_have_types() {
    let block = "block B(c: int, k: (int, int) = 3, s: float = 1, name: str = \"x\", xs: [int] = []) { Conv2d(c, kernel_size=k) }\n";
    let codes = |call: &str| check(&format!("{block}{}", model(call))).codes();
    assert_eq!(codes("B(4)"), Vec::<String>::new());
    assert_eq!(codes("B(4, k=(1, 3), s=2, xs=0..3)"), Vec::<String>::new());
    assert_eq!(codes("B()"), ["E204 4:1"]);
    assert_eq!(codes("B(c=4.0)"), ["E205 4:5"]);
    assert_eq!(codes("B(8 / 2)"), ["E205 4:3"]);
    assert_eq!(codes("B(4, k=(1, 2, 3))"), ["E205 4:8"]);
    assert_eq!(codes("B(4, k=1.5)"), ["E205 4:8"]);
    assert_eq!(codes("B(4, xs=[1, true])"), ["E205 4:9"]);
    assert_eq!(codes("B(4, kk=3)"), ["E203 4:6"]);
    assert_eq!(codes("B(4, c=3)"), ["E207 4:6"]);
    assert_eq!(codes("B(4, 3, 1, \"n\", [], 6)"), ["E207 4:21"]);
    let outcome = check(&format!("{block}{}", model("B(8 / 2)")));
    assert_eq!(common::line_and_column(&outcome.files, outcome.problems[0].labels[1].span), "1:1");
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, " // ");
}

#[test]
fn defaults_and_types_are_checked_where_nothing_calls() {
    assert_eq!(check("block B(c: int = \"x\") { ReLU }").codes(), ["E205 1:18"]);
    assert_eq!(check("block B(c: Int) { ReLU }").codes(), ["E202 1:12"]);
    assert_eq!(check("block B(c: int) { Conv2D(c, kernel_size=3) }").codes(), ["E201 1:19"]);
    assert_eq!(check("block B(c: int) { Conv2d(d, kernal_size=3) }").codes(), ["E202 1:26", "E203 1:29"]);
    assert_eq!(check("block B { if true { a: Relu } else { a: Tanhh } }").codes(), ["E201 1:24", "E201 1:41"]);
    assert_eq!(check("model M(c: int) { input [N, 3]; Linear(cc) }").codes(), ["E202 1:40", "E204 1:1"]);
    assert_eq!(check("block B(c: int, d: int = c * 2) { Linear(c + d) }").codes(), Vec::<String>::new());
}

#[test]
fn presets_change_defaults() {
    let text = "model Base(c: int, k: int = 1) { input [N, 3, 8, 8]; Conv2d(c, kernel_size=k) }
        model Four = Base(c=4)
        model FourThree = Four(k=3)
        model Positional = Base(5)";
    let with = |model: &str, settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        request(&one(text), &Request { model: Some(model.into()), settings, ..Request::default() })
    };
    let shape =
        |model: &str, settings: &[(&str, &str)]| with(model, settings).graphs[0].graph.parameters[0].shape.clone();
    assert_eq!(shape("Four", &[]), [4, 3, 1, 1]);
    assert_eq!(shape("FourThree", &[]), [4, 3, 3, 3]);
    assert_eq!(shape("FourThree", &[("c", "6")]), [6, 3, 3, 3]);
    assert_eq!(shape("Base", &[("c", "2 * 3"), ("k", "3")]), [6, 3, 3, 3]);
    assert_eq!(shape("Positional", &[]), [5, 3, 1, 1]);
    assert_eq!(with("Base", &[]).codes(), ["E204 1:1"]);
    assert_eq!(&*with("Four", &[]).graphs[0].graph.name, "Four");
    assert_eq!(check(text).graphs.len(), 3);
}

#[test]
fn settings_have_places_of_their_own() {
    let text = one("model M(width: int = 3) { input [N, 3]; Linear(width) }");
    let with = |name: &str, value: &str| {
        let settings = vec![(name.to_owned(), value.to_owned())];
        request(&text, &Request { settings, ..Request::default() })
    };
    let outcome = with("widht", "4");
    assert_eq!(outcome.codes(), ["E203 1:13"]);
    let label = &outcome.problems[0].labels[0];
    assert_eq!(
        (outcome.files.get(label.span.file).unwrap().name.as_str(), outcome.files.text(label.span)),
        ("--set", "widht")
    );
    assert_eq!(with("width", "4.5").codes(), ["E205 1:19"]);
    assert_eq!(with("width", "[1,").codes().len(), 1);
    assert_eq!(with("width", "3) { } model X = M(width=3").codes().len(), 1);
    assert_eq!(with("width", "").codes().len(), 1);
}

#[test]
fn what_is_wrong_with_presets() {
    assert_eq!(check("model A = B(x=1)").codes(), ["E201 1:11"]);
    assert_eq!(check("model A = B()\nmodel B = A()").codes(), ["E216 1:11", "E216 2:11"]);
    assert_eq!(check("model A = A()").codes(), ["E216 1:11"]);
    assert_eq!(check("block B { ReLU }\nmodel A = B()").codes(), ["E220 2:11"]);
    let base = "model M(c: int = 3) { input [N, 3]; Linear(c) }\n";
    assert_eq!(check(&format!("{base}model A = M(d=4)")).codes(), ["E203 2:13"]);
    assert_eq!(check(&format!("{base}model A = M(c=4.5)")).codes(), ["E205 2:15"]);
    assert_eq!(check(&format!("{base}model A = M(c=x)")).codes(), ["E202 2:15"]);
}

#[test]
fn models_that_do_not_exist() {
    let wanted = |name: &str| {
        request(&one("model Net { input [N, 2]; ReLU }"), &Request { model: Some(name.into()), ..Request::default() })
    };
    let outcome = wanted("Nett");
    assert_eq!(outcome.codes(), ["E219 -"]);
    assert!(outcome.problems[0].help[0].contains("`Net`"), "{}", outcome.said());
    assert_eq!(request(&one("block B { ReLU }"), &Request::default()).codes(), ["E219 -"]);
    assert_eq!(check("block B { ReLU }").codes(), Vec::<String>::new());
}

#[test]
fn the_last_model_is_the_default() {
    let text = "model A { input [N, 2]; Linear(1) }\nmodel B { input [N, 2]; Linear(3) }";
    let outcome = request(&one(text), &Request::default());
    assert_eq!(&*outcome.graphs[0].graph.name, "B");
    assert_eq!(keys(&outcome.graphs[0].graph), ["0.weight", "0.bias"]);
}
