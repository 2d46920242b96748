//! Differences of networks: specs at random, an edit or two of each, and the difference says exactly what was done.

mod common;

use cnnc_compiler::diff::{Change, ChangeKind, Difference, Fate, compare};
use cnnc_compiler::write_kernels::Bindings;
use common::shaped;
use std::collections::BTreeSet;

/// A generator of numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// An item of the model: its label, if it has one, and the rest.
#[derive(Clone)]
struct Line {
    label: Option<String>,
    item: String,
}

const BLOCKS: &str = "block Residual(hidden: int) {
    input [N, C, H, W]
    sum {
        { conv1: Conv2d(hidden, kernel_size=3, padding=1); ReLU; conv2: Conv2d(C, kernel_size=1) }
        Identity
    }
}
";

fn text(lines: &[Line]) -> String {
    let body: Vec<String> = lines
        .iter()
        .map(|Line { label, item }| match label {
            Some(label) => format!("    {label}: {item}\n"),
            None => format!("    {item}\n"),
        })
        .collect();
    format!("{BLOCKS}model M {{\n    input [N, 16, 32, 32]\n{}}}\n", body.concat())
}

fn lines(random: &mut Random) -> Vec<Line> {
    let count = 6 + random.below(12);
    let line = |index: usize, random: &mut Random| {
        let item = match random.below(5) {
            0 => "ReLU".to_owned(),
            1 => "BatchNorm2d".to_owned(),
            2 => format!("Residual({})", 4 + random.below(8)),
            3 => {
                format!("Sequential {{ Conv2d(16, kernel_size=1); Tanh; BatchNorm2d(eps=1e-{}) }}", 3 + random.below(5))
            }
            _ => "Conv2d(16, kernel_size=3, padding=1)".to_owned(),
        };
        let label = (random.below(2) == 0 && !item.starts_with("Sequential")).then(|| format!("item{index}"));
        Line { label, item }
    };
    (0..count).map(|index| line(index, random)).collect()
}

fn difference(before: &[Line], after: &[Line]) -> Difference {
    compare(&shaped(&text(before)), &shaped(&text(after)), &Bindings::new())
}

/// What was done, by kind and path in either network, positions that moved set aside.
fn told(difference: &Difference) -> Vec<(ChangeKind, String, String)> {
    let path =
        |part: &Option<cnnc_compiler::diff::Part>| part.as_ref().map_or_else(String::new, |part| part.path.to_string());
    let told = difference.changes.iter().filter(|change| change.kind != ChangeKind::Shifted);
    told.map(|change: &Change| (change.kind, path(&change.before), path(&change.after))).collect()
}

fn path(lines: &[Line], place: usize) -> String {
    lines[place].label.clone().unwrap_or_else(|| place.to_string())
}

/// The fates of tensors but for those that are kept.
fn fates(difference: &Difference) -> BTreeSet<Fate> {
    difference.tensors.iter().map(|tensor| tensor.fate).filter(|fate| *fate != Fate::Kept).collect()
}

#[test]
fn a_network_does_not_differ_from_itself() {
    let mut random = Random(7);
    for _ in 0..40 {
        let lines = lines(&mut random);
        let difference = difference(&lines, &lines);
        assert!(difference.changes.is_empty() && difference.following.is_empty(), "{difference:?}");
        assert!(difference.tensors.iter().all(|tensor| tensor.fate == Fate::Kept));
    }
}

#[test]
fn a_new_name_is_a_rename_and_nothing_else() {
    let mut random = Random(1);
    let mut renamed = 0;
    for _ in 0..200 {
        let before = lines(&mut random);
        let place = random.below(before.len());
        if before[place].label.is_none() {
            continue;
        }
        let mut after = before.clone();
        after[place].label = Some("other".into());
        let difference = difference(&before, &after);
        let (from, to) = (path(&before, place), "other".to_owned());
        assert_eq!(told(&difference), [(ChangeKind::Renamed, from, to)], "{}", text(&before));
        assert!(difference.changes.len() == 1 && difference.following.is_empty());
        assert!(fates(&difference).is_subset(&BTreeSet::from([Fate::Renamed])));
        renamed += usize::from(fates(&difference).contains(&Fate::Renamed));
    }
    assert!(renamed > 20, "only {renamed} renames moved tensors");
}

#[test]
fn a_new_item_is_added_and_one_less_is_removed() {
    let mut random = Random(2);
    for turn in 0..200 {
        let fewer = lines(&mut random);
        let place = random.below(fewer.len() + 1);
        let label = (random.below(2) == 0).then(|| "extra".to_owned());
        // It is none of those that stand there, so that no other reading is as good.
        let mut more = fewer.clone();
        more.insert(place, Line { label, item: "GroupNorm(4)".into() });
        let spec = format!("{}{}", text(&fewer), text(&more));
        let added = difference(&fewer, &more);
        assert_eq!(told(&added), [(ChangeKind::Added, String::new(), path(&more, place))], "{turn}: {spec}");
        let removed = difference(&more, &fewer);
        assert_eq!(told(&removed), [(ChangeKind::Removed, path(&more, place), String::new())], "{turn}: {spec}");
        assert!(fates(&added).is_subset(&BTreeSet::from([Fate::New, Fate::Renamed])), "{spec}");
        let new = added.tensors.iter().filter(|tensor| tensor.fate == Fate::New).count();
        let gone = removed.tensors.iter().filter(|tensor| tensor.fate == Fate::Gone).count();
        assert_eq!((new, gone), (2, 2), "{spec}");
        // What stands behind it without a name has another position.
        let shifted = added.changes.iter().filter(|change| change.kind == ChangeKind::Shifted).count();
        assert_eq!(shifted, fewer.iter().skip(place).filter(|line| line.label.is_none()).count(), "{spec}");
    }
}

#[test]
fn another_argument_is_a_change_of_that_layer() {
    let mut random = Random(3);
    let mut changed = 0;
    for _ in 0..200 {
        let before = lines(&mut random);
        let place = random.below(before.len());
        let mut after = before.clone();
        let item = &mut after[place].item;
        let inner = match item.as_str() {
            "Conv2d(16, kernel_size=3, padding=1)" => {
                *item = "Conv2d(16, kernel_size=5, padding=2)".into();
                ""
            }
            residual if residual.starts_with("Residual") => {
                *item = "Residual(3)".into();
                ".conv1"
            }
            sequential if sequential.starts_with("Sequential") => {
                *item = sequential
                    .replace("Tanh", "Softplus(beta=2)")
                    .replace("Conv2d(16, kernel_size=1)", "Conv2d(16, kernel_size=1, bias=false)");
                ".0"
            }
            _ => continue,
        };
        changed += 1;
        let difference = difference(&before, &after);
        let path = format!("{}{inner}", path(&before, place));
        let told = told(&difference);
        assert!(told.contains(&(ChangeKind::Changed, path.clone(), path.clone())), "{told:?} {path}");
        let activation = path.replace(".0", ".1");
        let expected: &[(ChangeKind, String, String)] = match inner {
            ".0" => &[
                (ChangeKind::Removed, activation.clone(), String::new()),
                (ChangeKind::Added, String::new(), activation),
            ],
            _ => &[],
        };
        let others: Vec<_> = told.iter().filter(|(_, before, _)| *before != path).cloned().collect();
        let sort = |mut all: Vec<(ChangeKind, String, String)>| {
            all.sort();
            all
        };
        assert_eq!(sort(others), sort(expected.to_vec()), "{}", text(&after));
        let fate = if inner == ".0" { Fate::Gone } else { Fate::Reshaped };
        assert_eq!(fates(&difference), BTreeSet::from([fate]), "{}", text(&after));
    }
    assert!(changed > 60, "only {changed} arguments were changed");
}

#[test]
fn two_edits_are_two_changes() {
    let mut random = Random(4);
    for _ in 0..200 {
        let before = lines(&mut random);
        let mut after = before.clone();
        let (first, second) = (random.below(before.len() / 2), before.len() / 2 + random.below(before.len() / 2));
        after[first].item = "GroupNorm(4)".into();
        after[first].label = Some("normed".into());
        after.insert(second + 1, Line { label: Some("last".into()), item: "GroupNorm(2)".into() });
        let told = told(&difference(&before, &after));
        let from = path(&before, first);
        let replaced = [
            (ChangeKind::Removed, from, String::new()),
            (ChangeKind::Added, String::new(), "normed".to_owned()),
            (ChangeKind::Added, String::new(), "last".to_owned()),
        ];
        let (told, replaced): (BTreeSet<_>, BTreeSet<_>) = (told.into_iter().collect(), replaced.into_iter().collect());
        assert_eq!(told, replaced, "{}{}", text(&before), text(&after));
    }
}

#[test]
fn another_branch_and_another_connection_are_told() {
    let model = |body: &str| shaped(&common::model(body));
    let plain = model("    a: Conv2d(16, kernel_size=1); keep early\n    b: Conv2d(16, kernel_size=1)\n    c: ReLU");
    let joined = model(
        "    a: Conv2d(16, kernel_size=1); keep early\n    b: Conv2d(16, kernel_size=1)\n    sum { Identity; from early }\n    c: ReLU",
    );
    let difference = compare(&plain, &joined, &Bindings::new());
    // An `Identity` in a join is an item of its own.
    let told_ = told(&difference);
    assert!(told_.iter().all(|(kind, _, _)| *kind == ChangeKind::Added), "{told_:?}");
    let crossed = model(
        "    a: Conv2d(16, kernel_size=1); keep early\n    b: Conv2d(16, kernel_size=1)\n    from early\n    c: ReLU",
    );
    let difference = compare(&plain, &crossed, &Bindings::new());
    assert_eq!(told(&difference), [(ChangeKind::Rewired, "c".to_owned(), "c".to_owned())]);
    let product = model(
        "    a: Conv2d(16, kernel_size=1); keep early\n    b: Conv2d(16, kernel_size=1)\n    product { Identity; from early }\n    c: ReLU",
    );
    let difference = compare(&joined, &product, &Bindings::new());
    assert_eq!(told(&difference), [(ChangeKind::Changed, String::new(), String::new())]);
}

#[test]
fn what_is_wrapped_into_a_block_is_found_again() {
    let inner = "Conv2d(16, kernel_size=3, padding=1); BatchNorm2d; ReLU; Conv2d(8, kernel_size=1); BatchNorm2d";
    let flat = shaped(&common::model(&format!("    {inner}")));
    let wrapped = shaped(&common::model(&format!("    body: {{ {inner} }}")));
    let difference = compare(&flat, &wrapped, &Bindings::new());
    assert!(difference.tensors.iter().all(|tensor| tensor.fate == Fate::Renamed), "{:?}", difference.tensors);
}

#[test]
fn what_follows_from_a_change_is_told_beside_it() {
    let net = |channels: usize| {
        shaped(&common::model(&format!(
            "    a: Conv2d({channels}, kernel_size=3, padding=1)\n    ReLU\n    b: Conv2d(16, kernel_size=1)"
        )))
    };
    let difference = compare(&net(16), &net(24), &Bindings::new());
    assert_eq!(told(&difference), [(ChangeKind::Changed, "a".to_owned(), "a".to_owned())]);
    let following: Vec<&str> =
        difference.following.iter().filter_map(|change| change.after.as_ref()).map(|part| &*part.path).collect();
    assert_eq!(following, ["1", "b"]);
    let reshaped: Vec<String> = difference
        .tensors
        .iter()
        .filter(|tensor| tensor.fate == Fate::Reshaped)
        .filter_map(|tensor| Some(tensor.after.as_ref()?.0.to_string()))
        .collect();
    assert_eq!(reshaped, ["a.weight", "a.bias", "b.weight"]);
}
