//! `cnnc solve` against trying: a size is valid exactly where the spec can be written out at it, what is said to be unseen
//! changes no answer, and what is said to be seen changes one.

use cnnc_compiler::check::Spec;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::resolve::Request;
use cnnc_compiler::unread::unread;
use cnnc_runtime::Disk;
use cnnc_tests::{answer, check, cnnc, network_of_text, printed, specs, tensor};
use std::collections::BTreeSet;
use std::path::Path;

/// Every model that ships: its file, and its name.
fn models() -> Vec<(String, String)> {
    let names = specs(Path::new("../models")).into_iter().map(|file| file.display().to_string()).flat_map(|file| {
        let networks = check(&file).networks;
        networks.into_iter().map(move |graph| (file.clone(), graph.graph.name.to_string())).collect::<Vec<_>>()
    });
    names.collect()
}

/// The network of a spec, its sizes left open where that can be.
fn opened(file: &str, name: &str) -> Option<ShapedGraph> {
    let request = Request { open: true, model: Some(name.to_owned()), ..Request::default() };
    Spec::read(file, &Disk, &mut ()).network(&request, &mut ()).networks.pop()
}

/// Whether the spec can be written out with these sizes of its only input.
fn is_valid(file: &str, name: &str, sizes: &[usize]) -> bool {
    let request = Request { model: Some(name.to_owned()), input_shapes: vec![sizes.to_vec()], ..Request::default() };
    !Spec::read(file, &Disk, &mut ()).network(&request, &mut ()).networks.is_empty()
}

/// Sizes of the input by the values of its symbols; those that have none are 1.
fn sizes_of(graph: &ShapedGraph, values: &dyn Fn(&str) -> Option<i64>) -> Vec<usize> {
    let at = |name: &str| values(name).or(Some(1));
    graph.graph.inputs[0].shape.at(&at).expect("sizes")
}

#[test]
fn a_size_is_valid_where_the_spec_can_be_written_out_at_it() {
    let (mut networks, mut refused) = (0, 0);
    for (file, name) in models() {
        let Some(graph) = opened(&file, &name) else { continue };
        let planes: Vec<_> = graph.sizes.symbols.iter().filter(|symbol| *symbol.name != *"N").collect();
        if graph.graph.inputs.len() != 1 || planes.is_empty() {
            continue;
        }
        networks += 1;
        for symbol in &planes {
            // The others at a size that does.
            let others = |name: &str| {
                let other = graph.sizes.symbols.iter().find(|other| *other.name == *name)?;
                Some(if other.is_any() { 7 } else { other.start })
            };
            let smallest = graph.smallest(&symbol.name).expect("a smallest size");
            for size in (1..7).chain([16, 31, 32, 33, 40, 47]).chain([smallest - 1, smallest, smallest + 17]) {
                if size < 1 {
                    continue;
                }
                let at = |name: &str| if *name == *symbol.name { Some(size) } else { others(name) };
                let fits = graph.broken_at(&at).is_empty();
                refused += usize::from(!fits);
                let sizes = sizes_of(&graph, &at);
                assert_eq!(is_valid(&file, &name, &sizes), fits, "{file}, {name} at {sizes:?}");
                let next = graph.neighbours(&symbol.name, size, &at);
                for near in [next.below, next.above].into_iter().flatten().filter(|_| !fits && size > 6) {
                    let at = |name: &str| if *name == *symbol.name { Some(near) } else { others(name) };
                    let sizes = sizes_of(&graph, &at);
                    assert!(is_valid(&file, &name, &sizes), "{file}, {name} at {sizes:?}, next to {size}");
                }
            }
        }
    }
    assert!(networks > 40 && refused > 100, "{networks} networks, {refused} refused sizes");
}

/// Rows and columns of the input on which an answer of drawn weights depends, by changing one at a time.
fn seen(graph: &ShapedGraph, sizes: &[usize; 4]) -> [BTreeSet<usize>; 2] {
    let count: usize = sizes.iter().product();
    let base = |place: usize| ((place * 37 % 101) as f32 - 50.0) / 25.0;
    let answer = |changed: &dyn Fn(usize) -> bool| {
        let values = (0..count).map(|place| base(place) + if changed(place) { 3.0 } else { 0.0 });
        answer(graph, &tensor(sizes, values)).data().to_vec()
    };
    let usual = answer(&|_| false);
    let [_, _, rows, columns] = *sizes;
    let row = (0..rows).filter(|&row| answer(&|place| place / columns % rows == row) != usual).collect();
    let column = (0..columns).filter(|&column| answer(&|place| place % columns == column) != usual).collect();
    [row, column]
}

#[test]
fn what_is_unseen_changes_no_answer_and_what_is_seen_does() {
    let specs = [
        ("Conv2d(4, kernel_size=3, stride=2)", 4),
        ("Conv2d(4, kernel_size=2, stride=3, dilation=2)", 4),
        ("AvgPool2d(2, stride=2); Conv2d(3, kernel_size=3, stride=2); AvgPool2d(2)", 14),
        ("AvgPool2d(3, stride=2, ceil_mode=true)", 4),
        ("sum { Conv2d(4, kernel_size=1, stride=2); Conv2d(4, kernel_size=3, stride=2, padding=1) }", 2),
        ("Conv2d(4, kernel_size=1, stride=2)", 2),
        ("concat { { AvgPool2d(2) }; { Conv2d(3, kernel_size=2, stride=2) } }; Conv2d(2, kernel_size=2, stride=2)", 6),
        ("ZeroPad2d((-1, 0, -2, -1)); Conv2d(4, kernel_size=3)", 6),
        ("Upsample(scale_factor=2); Conv2d(4, kernel_size=3, stride=3)", 4),
        ("ConvTranspose2d(4, kernel_size=1, stride=2); Conv2d(4, kernel_size=1, stride=3)", 4),
        ("AdaptiveAvgPool2d((2, 3))", 4),
        ("Conv2d(4, kernel_size=5, stride=3); Permute((0, 1, 3, 2)); Conv2d(2, kernel_size=1, stride=2)", 12),
        ("Conv2d(4, kernel_size=1, stride=2); Flatten; Linear(3)", 2),
    ];
    let mut unseen_lines = 0;
    for (layers, least) in specs {
        for (rows, columns) in [(least, least + 1), (least + 3, least + 6), (13, 17), (20, 15)] {
            let text = format!("model Net {{ input [1, 2, {rows}, {columns}]; {layers} }}");
            let sizes = [1, 2, rows, columns];
            let graph = network_of_text(&text);
            let coverage = unread(&graph, &|_| None).expect("sizes that are known");
            let told = |axis: usize| {
                let unseen = coverage.unseen.iter().filter(|unread| unread.axis == axis);
                unseen.flat_map(|unread| unread.elements.iter().copied()).collect::<BTreeSet<usize>>()
            };
            let found = seen(&graph, &sizes);
            for (axis, (size, seen)) in [(2, (rows, &found[0])), (3, (columns, &found[1]))] {
                let told = told(axis);
                unseen_lines += told.len();
                let expected: BTreeSet<usize> = (0..size).filter(|line| !seen.contains(line)).collect();
                assert_eq!(told, expected, "axis {axis} of {text}");
            }
        }
    }
    assert!(unseen_lines > 60, "{unseen_lines}");
}

#[test]
fn vast_sizes_and_contradictions_are_answered_at_once() {
    let start = std::time::Instant::now();
    for at in ["H=9000000000000000000,W=17", "H=1000000000000,W=1000000000001"] {
        let refused = cnnc(&["solve", "../models/unet.cnn", "--at", at]);
        assert!(refused.code == 1 && refused.errors.contains("E308"), "{}", refused.errors);
    }
    let twice = cnnc(&["solve", "../models/unet.cnn", "--at", "H=32,W=32,H=48"]);
    assert!(twice.code == 1 && twice.errors.contains("`H` is given twice, as 32 and as 48"), "{}", twice.errors);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn the_command_says_it() {
    let text = printed(&["solve", "../models/unet.cnn"]);
    assert!(text.contains("H and W: any multiple of 16 from 16 up\n"), "{text}");
    let rests = printed(&["solve", "../models/yolov3.cnn"]);
    let rule = "H and W: any multiple of 32 from 32 up, and what leaves 25 to 31 by 32; the smallest is 25\n";
    assert!(rests.contains(rule), "{rests}");
    let fixed = printed(&["solve", "../models/torchvision/resnet18.cnn", "--at", "H=230,W=225"]);
    for line in [
        "the spec fixes H = 224 and W = 224; left open, it accepts:",
        "at N = 1, H = 230, W = 225: fits, [1, 1000] is `output`",
    ] {
        assert!(fixed.contains(line), "{line} in\n{fixed}");
    }
    let closed = printed(&["solve", "../models/lenet.cnn", "--model", "ModernLeNet"]);
    assert!(closed.contains("its sizes cannot be left open: "), "{closed}");
    let refused = cnnc(&["solve", "../models/unet.cnn", "--at", "H=100,W=96"]);
    assert_eq!(refused.code, 1);
    for words in ["E308", "H = 100", "next is H = 96 or 112", "any multiple of 16 from 16 up"] {
        assert!(refused.errors.contains(words), "{words} in\n{}", refused.errors);
    }
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["solve", "../models/unet.cnn", "--at", "H=32,W=48", "--format", "json"]))
            .expect("JSON");
    assert_eq!((json["at"]["sizes"]["H"].as_i64(), json["sizes"][1]["step"].as_i64()), (Some(32), Some(16)));
}
