//! Every network of `models/`, drawn at every depth: texts stay in their boxes and apart from each other, boxes apart, and lines
//! run past boxes and end where they should.

use super::picture::{Area, Kind, Picture, View, compose, compose_a_page};
use super::*;
use cnnc_compiler::check::check;
use cnnc_compiler::resolve::Request;
use cnnc_runtime::Disk;
use std::path::PathBuf;

/// All specs in a folder and in those in it.
fn specs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { specs(&path) } else { vec![path] }).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "cnn"));
    found.sort();
    found
}

/// Every network of every model that ships.
fn for_every_network(mut visit: impl FnMut(&str, &Network<'_>)) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
    let mut seen = 0;
    for path in specs(Path::new(folder)) {
        let name = path.to_string_lossy().into_owned();
        for shaped in &check(&name, &Request::default(), &Disk, &mut ()).networks {
            visit(&format!("{name} {}", shaped.graph.name), &Network::of(shaped, &[]));
            seen += 1;
        }
    }
    assert!(seen > 70, "only {seen} networks");
}

fn deepest(body: &Body) -> usize {
    let blocks = body.items.iter().filter_map(outline::Item::block);
    blocks.map(|block| block.depth.max(deepest(&block.body))).max().unwrap_or(0)
}

fn inside(inner: Area, outer: Area) -> bool {
    let ends = |area: Area| [area.x + area.width, area.y + area.height];
    let ([right, bottom], [most_right, most_bottom]) = (ends(inner), ends(outer));
    inner.x >= outer.x && inner.y >= outer.y && right <= most_right + 0.01 && bottom <= most_bottom + 0.01
}

fn meet(a: Area, b: Area) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/// What is wrong with a picture.
fn faults(picture: &Picture) -> Vec<String> {
    let mut faults = Vec::new();
    let paper = Area { x: 0.0, y: 0.0, width: picture.size[0], height: picture.size[1] };
    let mut texts: Vec<(String, Area)> = Vec::new();
    let words = |text: &picture::Text| text.pieces.iter().map(|(_, piece)| piece.as_str()).collect::<String>();
    for one in &picture.boxes {
        if !inside(one.area, paper) {
            faults.push(format!("a box leaves the paper: {}", one.hint));
        }
        for text in &one.texts {
            if !inside(text.area(), one.area) {
                faults.push(format!("{} leaves its box", words(text)));
            }
            texts.push((words(text), text.area()));
        }
    }
    for frame in &picture.frames {
        if !inside(frame.title.area(), frame.area) {
            faults.push(format!("{} leaves its frame", words(&frame.title)));
        }
        texts.push((words(&frame.title), frame.title.area()));
        for one in picture.boxes.iter().filter(|one| meet(one.area, frame.area)) {
            if !inside(one.area, frame.area) {
                faults.push(format!("{} lies across a frame", one.hint));
            }
        }
    }
    texts.extend(picture.texts.iter().map(|label| (words(&label.text), label.text.area())));
    texts.sort_by(|(_, a), (_, b)| a.y.total_cmp(&b.y));
    for (place, (words, area)) in texts.iter().enumerate() {
        if !inside(*area, paper) {
            faults.push(format!("{words} leaves the paper"));
        }
        let near = texts[place + 1..].iter().take_while(|(_, other)| other.y < area.y + area.height);
        faults.extend(near.filter(|(_, other)| meet(*area, *other)).map(|(other, _)| format!("{words} over {other}")));
        let boxes = picture.boxes.iter().filter(|one| meet(one.area, *area) && !inside(*area, one.area));
        faults.extend(boxes.map(|one| format!("{words} over the edge of {}", one.hint)));
    }
    for (place, one) in picture.boxes.iter().enumerate() {
        let others = picture.boxes[place + 1..].iter().filter(|other| meet(one.area, other.area));
        faults.extend(others.map(|other| format!("{} over {}", one.hint, other.hint)));
    }
    let drawn: Vec<Area> = picture.boxes.iter().filter(|one| one.kind != Kind::Key).map(|one| one.area).collect();
    for edge in &picture.edges {
        for pair in edge.points.windows(2) {
            // A curve stays within the corners that it connects; boxes touch it at the ends.
            let [[x, y], [to_x, to_y]] = [pair[0], pair[1]];
            let way = Area {
                x: x.min(to_x),
                y: y.min(to_y) + 0.1,
                width: (x - to_x).abs() + 0.01,
                height: (y - to_y).abs() - 0.2,
            };
            if let Some(hit) = drawn.iter().find(|area| meet(**area, way)) {
                faults.push(format!("a line crosses the box at {hit:?}: {:?}", edge.points));
            }
        }
        // A line passes no title, and of the shapes its own alone, through the middle.
        for pair in edge.points.windows(2) {
            let ([x, y], [to_x, to_y]) = (pair[0], pair[1]);
            let way = Area { x: x.min(to_x), y: y.min(to_y), width: (x - to_x).abs(), height: (y - to_y).abs() };
            let titles = picture.frames.iter().filter(|frame| meet(frame.title.area(), way));
            faults.extend(titles.map(|frame| format!("a line crosses {}: {:?}", words(&frame.title), edge.points)));
            let labels = picture.texts.iter().filter(|label| meet(label.text.area(), way));
            let foreign = labels.filter(|label| (label.text.at[0] - x).abs() > 0.1 || (to_x - x).abs() > 0.1);
            faults.extend(foreign.map(|label| format!("a line crosses {}: {:?}", words(&label.text), edge.points)));
        }
        let [x, y] = edge.points.last().copied().unwrap_or_default();
        let touches = |area: &&Area| area.x < x && x < area.x + area.width && (area.y - y).abs() < 0.1;
        if edge.arrow && !drawn.iter().any(|area| touches(&area)) {
            faults.push(format!("a line ends at no box: {:?}", edge.points));
        }
    }
    faults
}

#[test]
fn texts_boxes_and_lines_keep_apart() {
    let mut boxes = 0;
    for_every_network(|name, Network { shaped, facts, outline }| {
        for depth in 1..=deepest(outline) + 1 {
            let picture = compose(shaped, facts, outline, View { depth }).expect("a picture");
            assert_eq!(faults(&picture), Vec::<String>::new(), "{name} at depth {depth}");
            boxes += picture.boxes.len();
        }
    });
    assert!(boxes > 10_000, "only {boxes} boxes");
}

#[test]
fn what_no_depth_is_given_for_fits_a_page_where_it_can() {
    for_every_network(|name, Network { shaped, facts, outline }| {
        let (picture, view) = compose_a_page(shaped, facts, outline).expect("a picture");
        let [width, height] = picture.size;
        assert!(
            view.depth == 1 || width <= 1450.0 && height <= 1000.0,
            "{name}: {width} by {height} at {}",
            view.depth
        );
    });
}

/// The lines of a picture say what the network's graph says: every box that takes a value has a line from the one that gives it.
#[test]
fn every_value_that_passes_is_drawn() {
    for_every_network(|name, network| {
        for depth in 1..=deepest(&network.outline) + 1 {
            let view = View { depth };
            let flat = network.flat(view);
            let taken: std::collections::HashSet<usize> = flat.lines.iter().map(|(_, _, to)| *to).collect();
            let drawn = compose(network.shaped, &network.facts, &network.outline, view).expect("a picture");
            let arrows = drawn.edges.iter().filter(|edge| edge.arrow).count();
            let ends: std::collections::HashSet<[u64; 2]> = drawn
                .edges
                .iter()
                .filter(|edge| edge.arrow)
                .filter_map(|edge| edge.points.last().map(|point| point.map(f64::to_bits)))
                .collect();
            // Lines of one value to one box from within an open block and from outside of it meet before they arrive.
            assert!(arrows <= flat.lines.len(), "{name} at {depth}: {arrows} arrows of {} lines", flat.lines.len());
            assert!(ends.len() >= taken.len(), "{name} at {depth}: {} ends at {} boxes", ends.len(), taken.len());
            assert_eq!(
                drawn.boxes.iter().filter(|one| one.kind != Kind::Key).count(),
                flat.boxes.len(),
                "{name} at {depth}"
            );
        }
    });
}
