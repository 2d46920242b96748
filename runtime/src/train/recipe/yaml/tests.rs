//! What YAML is read as, where its parts stand, and what is refused.

use super::*;

fn tree(text: &str) -> Node {
    parse(text, FileId(0)).unwrap_or_else(|unreadable| panic!("{unreadable:?} in {text}"))
}

fn at(text: &str, place: Span) -> &str {
    &text[place.start as usize..place.end as usize]
}

/// The values that are texts or numbers, as they stand in the source.
fn leaves(text: &str) -> Vec<&str> {
    fn walk<'t>(text: &'t str, node: &Node, found: &mut Vec<&'t str>) {
        match &node.content {
            NodeContent::List(nodes) => nodes.iter().for_each(|node| walk(text, node, found)),
            NodeContent::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                walk(text, key, found);
                walk(text, value, found);
            }),
            _ => found.push(at(text, node.place)),
        }
    }
    let mut found = Vec::new();
    walk(text, &tree(text), &mut found);
    found
}

/// Why a text is refused, and what stands there: line, column, text.
fn refused(text: &str) -> (String, usize, usize) {
    let unreadable = parse(text, FileId(0)).expect_err("no tree");
    let before = &text[..unreadable.place.start as usize];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    (unreadable.reason, before.matches('\n').count() + 1, before[line..].chars().count() + 1)
}

#[test]
fn every_node_has_its_place() {
    let text = "model: ../é.cnn # a file\nset: {a: 1, \"b c\": [2.5, 'x']}\nlist:\n  - one: yes\n  - two three\n";
    let expected = ["model", "../é.cnn", "set", "a", "1", "\"b c\"", "2.5", "'x'", "list", "one", "yes", "two three"];
    assert_eq!(leaves(text), expected);
}

#[test]
fn places_hold_behind_anchors_aliases_and_a_byte_order_mark() {
    let text = "\u{FEFF}é: &all [1, &two 2]\nb: *all\nc: {d: *two, e: 'it''s'}\nf: |\n  long\n  text\ng: last\n";
    let expected = ["é", "1", "2", "b", "1", "2", "c", "d", "*two", "e", "'it''s'", "f", "long", "g", "last"];
    assert_eq!(leaves(text), expected);
    let NodeContent::Map(pairs) = tree(text).content else { panic!("a map") };
    assert_eq!(at(text, pairs[1].1.place), "*all");
    assert_eq!(pairs[1].1.content, pairs[0].1.content);
    assert_eq!(pairs[3].1.content, NodeContent::Text("long\ntext\n".into()));
}

#[test]
fn what_is_longer_than_a_line_is_its_first_line() {
    let text = "a:\n  b: 1 # one\n  c: 2\nd: [1, 2] # two\ne:\n- x\n- y\n";
    let NodeContent::Map(pairs) = tree(text).content else { panic!("a map") };
    let places: Vec<&str> = pairs.iter().map(|(_, value)| at(text, value.place)).collect();
    assert_eq!(places, ["b: 1", "[1, 2]", "x"]);
}

#[test]
fn numbers_texts_and_nothing_are_told_apart() {
    let value = |text: &str| match tree(&format!("[{text}]")).content {
        NodeContent::List(nodes) => nodes[0].content.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(value("5e-4"), NodeContent::Float(5e-4));
    assert_eq!(value("-3"), NodeContent::Int(-3));
    assert_eq!(value("~"), NodeContent::Null);
    assert_eq!(value("'3'"), NodeContent::Text("3".into()));
    assert_eq!(value("18446744073709551615"), NodeContent::Float(18446744073709551615.0));
    assert_eq!(value("true"), NodeContent::Bool(true));
    assert_eq!(value("no"), NodeContent::Text("no".into()));
    let NodeContent::Map(pairs) = tree("a: --- 3\nb: 3, [\nc: x\n  y\n").content else { panic!("a map") };
    let texts: Vec<&NodeContent> = pairs.iter().map(|(_, value)| &value.content).collect();
    assert_eq!(
        texts,
        [&NodeContent::Text("--- 3".into()), &NodeContent::Text("3, [".into()), &NodeContent::Text("x y".into())]
    );
}

#[test]
fn what_cannot_be_read_says_where() {
    for (text, reason, line, column) in [
        ("", "the file is empty", 1, 1),
        ("# nothing\n", "the file is empty", 1, 1),
        ("a: 1\nb: [1, 2\n", "", 3, 1),
        ("a: 1\n\tb: 2\n", "", 2, 1),
        ("a: 1\nb: *c\n", "unknown anchor", 2, 4),
        ("a: 1\nb: !tag 3\n", "tag `!tag`", 2, 4),
        ("a: 1\nb: !!str 3\n", "tag `!!str`", 2, 4),
        ("a: !x\n  b: 3\n", "tag `!x`", 1, 4),
        ("a: 1\n---\nb: 2\n", "a second one begins here", 2, 1),
        ("a: 1\nb: é\u{0}\nc: 3\n", "U+0000", 2, 5),
        ("a: \u{1b}[31m\n", "U+001B", 1, 4),
        ("a: &a [1, *a]\n", "which has no end", 1, 11),
        ("a: 1\nb: @c\n", "", 2, 4),
    ] {
        let (found, at_line, at_column) = refused(text);
        assert!(found.contains(reason), "{text:?}: {found}");
        assert_eq!((at_line, at_column), (line, column), "{text:?}: {found}");
    }
    assert!(parse("a:\n\tb: 2\n", FileId(0)).expect_err("a tab").help.is_some_and(|help| help.contains("spaces")));
}

#[test]
fn what_is_too_deep_or_too_much_ends_where_it_is_too_much() {
    let (reason, line, _) = refused(&format!("a:\n  {}", "[".repeat(100_000)));
    assert_eq!((reason.as_str(), line), ("lists and mappings are nested more than 64 levels deep", 2));
    assert_eq!(refused(&"[\n".repeat(65)).1, 65);
    assert!(refused(&"- ".repeat(100_000)).0.contains("64 levels"));
    let mapping: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(refused(&mapping).0.contains("64 levels"));
    let (reason, line, _) = refused(&format!("a: 1\n{}", "- x\n".repeat(30_000)).replace("a: 1\n", ""));
    assert!(reason.contains("20001 values") && line == 20_000, "{reason} {line}");

    let long = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(500_000), "*a, ".repeat(9000));
    let (reason, line, column) = refused(&long);
    assert!(reason.contains("1500002 bytes of text"), "{reason}");
    assert_eq!((line, column), (2, 5));
    let laughs: String = (1..60).map(|level| format!("l{level}: &l{level} [*l{0}, *l{0}]\n", level - 1)).collect();
    assert!(refused(&format!("l0: &l0 x\n{laughs}")).0.contains("values"));
}

#[test]
fn keys_of_another_mapping_are_taken_in() {
    let text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, y: 5}\nd: {<<: [*b, *a], w: 6}\n";
    let NodeContent::Map(pairs) = tree(text).content else { panic!("a map") };
    let keys = |number: usize| {
        let NodeContent::Map(pairs) = &pairs[number].1.content else { panic!("a map") };
        let pair = |(key, value): &(Node, Node)| match (&key.content, &value.content) {
            (NodeContent::Text(key), NodeContent::Int(value)) => format!("{key}{value}"),
            other => panic!("{other:?}"),
        };
        pairs.iter().map(pair).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((keys(2).as_str(), keys(3).as_str()), ("y5 x1", "w6 y3 z4 x1"));
    let (reason, line, column) = refused("a: 1\nb: {<<: 3}\n");
    assert!(reason.starts_with("`<<` takes keys with values") && (line, column) == (2, 9), "{reason} {line}:{column}");
}
