//! The house: no snapshot that nothing refers to, no comment that a screen cuts off, none that says nothing, no circle among the
//! rooms of the resolver, no thread that is started beside the others, no link of a page that leads nowhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All files of the workspace with that ending, build outputs left out.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && !name.starts_with('.') {
            files(&entry, ending, found);
        } else if name.ends_with(ending) {
            found.push(entry);
        }
    }
}

/// A line `key: value` of a snapshot's head.
fn head<'a>(snapshot: &'a str, key: &str) -> Option<&'a str> {
    let head = snapshot.split("---\n").nth(1)?;
    head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(|value| value.trim_matches('"'))
}

#[test]
fn every_snapshot_is_referred_to() {
    let root = Path::new("..");
    let mut snapshots = Vec::new();
    files(root, ".snap", &mut snapshots);
    assert!(snapshots.len() > 100, "only {} snapshots were found", snapshots.len());
    for path in snapshots {
        let text = fs::read_to_string(&path).expect("a snapshot");
        let source = head(&text, "source").unwrap_or_default();
        let code = fs::read_to_string(root.join(source)).unwrap_or_default();
        // `module__path__name@input.snap`, or `…name-2.snap` for a second one of a test.
        let stem = path.file_name().unwrap_or_default().to_string_lossy().replace(".snap", "");
        let name = stem.split('@').next().unwrap_or_default().rsplit("__").next().unwrap_or_default();
        let numbered = name.rsplit_once('-').filter(|(_, number)| number.chars().all(|digit| digit.is_ascii_digit()));
        let name = numbered.map_or(name, |(name, _)| name);
        let named = code.contains(&format!("fn {name}(")) || code.contains(&format!("\"{name}\""));
        assert!(named, "{}: nothing called `{name}` in {source}", path.display());
        if let Some(input) = head(&text, "input_file") {
            assert!(root.join(input).exists(), "{}: its input {input} is gone", path.display());
        }
    }
}

/// Columns that a comment's line has at most. Tables, and what a program prints, are as wide as they are.
const COLUMNS: usize = 130;

/// What stands for a description and is none.
const SAY_NOTHING: [&str; 6] = ["These.", "This.", "What.", "How.", "Where.", "In words."];

#[test]
fn comments_fit_a_screen_and_say_something() {
    let mut sources = Vec::new();
    files(Path::new(".."), ".rs", &mut sources);
    assert!(sources.len() > 400, "only {} sources were found", sources.len());
    for path in sources {
        let text = fs::read_to_string(&path).expect("a source");
        for (number, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
            let comment = comment.trim_start_matches(['/', '!']);
            let is_as_wide_as_it_is = comment.starts_with(" |") || comment.starts_with("   ");
            let place = format!("{}:{}", path.display(), number + 1);
            assert!(is_as_wide_as_it_is || line.chars().count() <= COLUMNS, "{place} is too long");
            assert!(!SAY_NOTHING.contains(&comment.trim()), "{place} says nothing");
        }
    }
}

/// What a heading is called in links: its words in lower case, a dash between them.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn links_of_pages_lead_somewhere() {
    let mut pages = Vec::new();
    files(Path::new(".."), ".md", &mut pages);
    let mut followed = 0;
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.contains([' ', '`', '"'])) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let leads_to = if path.is_empty() { page.clone() } else { page.with_file_name("").join(path) };
            assert!(leads_to.exists(), "{}: nothing is at {target}", page.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&leads_to).expect("a page");
                let mut anchors = BTreeSet::new();
                for line in text.lines().filter(|line| line.starts_with('#')) {
                    let first = anchor(line);
                    // A second heading of the same words has a number behind them.
                    let numbered = (1..).map(|number| format!("{first}-{number}"));
                    let free = std::iter::once(first.clone()).chain(numbered).find(|name| !anchors.contains(name));
                    anchors.extend(free);
                }
                assert!(anchors.contains(heading), "{}: no heading is {target}", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 100, "only {followed} links were found");
}

#[test]
fn threads_are_started_in_one_place() {
    let (mut sources, mut places) = (Vec::new(), Vec::new());
    for room in ["runtime", "formats", "compiler", "grammar", "cli", "editor"] {
        files(&Path::new("..").join(room).join("src"), ".rs", &mut sources);
    }
    for path in sources.iter().filter(|path| !path.to_string_lossy().contains("tests")) {
        let text = fs::read_to_string(path).expect("a source");
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let starts = ["thread::spawn(", "thread::scope(", "Builder::new().name("];
        if starts.iter().any(|start| product.contains(start)) {
            places.push(path);
        }
    }
    // The editor, which knows no runtime, has one of its own for the messages that arrive.
    assert_eq!(places, ["../runtime/src/threads.rs", "../editor/src/server.rs"].map(Path::new));
}

#[test]
fn rooms_of_the_resolver_use_those_before_them() {
    let root = Path::new("../compiler/src/resolve");
    let head = fs::read_to_string(root.join("mod.rs")).expect("the head");
    let room_of = |line: &str| Some(line.strip_prefix("//! ")?.split_once(". `")?.1.split_once("/`")?.0.to_owned());
    let rooms: Vec<String> = head.lines().filter_map(room_of).collect();
    let folders =
        fs::read_dir(root).expect("the rooms").filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()));
    assert_eq!(rooms.len(), folders.count(), "{rooms:?} are not the folders");
    const STATES: [&str; 6] = ["Reporter", "Evaluator", "Declarations", "Builder", "Network", "Expander"];
    let (mut homes, mut rooms_with_methods) = (BTreeSet::new(), BTreeSet::new());
    let mut uses = 0;
    for (place, room) in rooms.iter().enumerate() {
        let mut sources = Vec::new();
        files(&root.join(room), ".rs", &mut sources);
        for path in sources {
            let text = fs::read_to_string(&path).expect("a source");
            for later in &rooms[place + 1..] {
                let is_used =
                    text.contains(&format!("resolve::{later}")) || text.contains(&format!("super::{later}::"));
                assert!(!is_used, "{} uses `{later}/`, which comes after `{room}/`", path.display());
            }
            uses += rooms[..place].iter().filter(|room| text.contains(&format!("resolve::{room}::"))).count();
            for state in STATES {
                let is_its_own = text.contains(&format!("struct {state}<"));
                homes.extend(is_its_own.then(|| (state, room.clone())));
                let has_methods = text.lines().any(|line| {
                    line.starts_with("impl") && !line.contains(" for ") && line.contains(&format!(" {state}<"))
                });
                rooms_with_methods.extend(has_methods.then(|| (state, room.clone())));
            }
        }
    }
    assert_eq!(homes.len(), STATES.len(), "{homes:?}");
    assert_eq!(rooms_with_methods, homes, "a state has methods in another room");
    assert!(uses > 50, "only {uses} uses were found");
}
