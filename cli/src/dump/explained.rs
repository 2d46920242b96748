//! What `--explain` says: rewrites and what each spares a run, then what was left and why; the same at many places is said once.

use crate::numbers::{bytes, grouped};
use cnnc_compiler::passes::{Note, Saved};

/// Notes that say the same of layers of one kind.
struct Group<'n> {
    notes: Vec<&'n Note>,
    /// Without the paths in it.
    text: String,
}

/// What was done, then what was left and why.
pub fn explained(notes: &[Note]) -> String {
    let section = |title: &str, done: bool| {
        let groups = groups(notes.iter().filter(|note| note.done == done));
        match groups.is_empty() {
            true => String::new(),
            false => format!("\n{title}\n{}", groups.iter().map(line).collect::<String>()),
        }
    };
    let all = notes.iter().fold(Saved::default(), |sum, note| plus(sum, note.saved));
    let spared = spared(all);
    let total = if spared.is_empty() { spared } else { format!("\nall of it{spared}\n") };
    section("done", true) + &section("left", false) + &total
}

fn groups<'n>(notes: impl Iterator<Item = &'n Note>) -> Vec<Group<'n>> {
    let mut groups: Vec<Group<'n>> = Vec::new();
    for note in notes {
        let text = without_paths(&note.text);
        let is_alike = |group: &Group<'_>| {
            let first = group.notes[0];
            group.text == text && first.pass == note.pass && layer(&first.place) == layer(&note.place)
        };
        match groups.iter_mut().find(|group| is_alike(group)) {
            Some(group) => group.notes.push(note),
            None => groups.push(Group { notes: vec![note], text }),
        }
    }
    groups
}

/// `  32 times, ReLU: the kernel of `Conv2d` computes it … (fuse_epilogue), saves 12.8 MB; layer1.0.relu … layer4.1.relu`
fn line(group: &Group<'_>) -> String {
    let saved = spared(group.notes.iter().fold(Saved::default(), |sum, note| plus(sum, note.saved)));
    match group.notes.as_slice() {
        [note] => format!("  {}: {} ({}){saved}\n", note.place, note.text, note.pass),
        [first, .., last] => {
            let (count, kind) = (grouped(group.notes.len() as u64), layer(&first.place));
            let places = format!("{} … {}", path(&first.place), path(&last.place));
            format!("  {count} times, {kind}: {} ({}){saved}; {places}\n", group.text, first.pass)
        }
        [] => String::new(),
    }
}

/// `, saves 12.8 MB and 401,408 operations`
fn spared(saved: Saved) -> String {
    let sign = |number: i64| if number < 0 { "−" } else { "" };
    let moved = (saved.bytes != 0).then(|| format!("{}{}", sign(saved.bytes), bytes(saved.bytes.unsigned_abs())));
    let computed = (saved.operations != 0)
        .then(|| format!("{}{} operations", sign(saved.operations), grouped(saved.operations.unsigned_abs())));
    let parts: Vec<String> = moved.into_iter().chain(computed).collect();
    if parts.is_empty() { String::new() } else { format!(", saves {}", parts.join(" and ")) }
}

fn plus(one: Saved, other: Saved) -> Saved {
    Saved { bytes: one.bytes.saturating_add(other.bytes), operations: one.operations.saturating_add(other.operations) }
}

/// Of `layer1.0.relu ReLU` the layer, which may be all there is.
fn layer(place: &str) -> &str {
    place.rsplit_once(' ').map_or(place, |(_, layer)| layer)
}

fn path(place: &str) -> &str {
    place.rsplit_once(' ').map_or(place, |(path, _)| path)
}

/// A sentence in which layers in backticks go by their kind.
fn without_paths(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        1 => part.split(" + ").map(layer).collect::<Vec<_>>().join(" + "),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::explained;
    use cnnc_compiler::passes::{Note, Saved};

    #[test]
    fn the_same_at_many_places_is_said_once() {
        let note = |place: &str, by: &str, done| Note {
            pass: "fuse_epilogue",
            place: place.into(),
            done,
            text: format!("the kernel of `{by}` computes it"),
            saved: Saved { bytes: if done { 1000 } else { 0 }, operations: 0 },
        };
        let notes = [
            note("a.relu ReLU", "a.conv Conv2d", true),
            note("b.relu ReLU", "b.conv Conv2d", true),
            note("c.relu ReLU", "c.conv Linear", true),
            note("sum", "d.conv Conv2d", false),
        ];
        assert_eq!(
            explained(&notes),
            "\ndone\n  2 times, ReLU: the kernel of `Conv2d` computes it (fuse_epilogue), saves 2.0 kB; a.relu … b.relu\n  \
             c.relu ReLU: the kernel of `c.conv Linear` computes it (fuse_epilogue), saves 1.0 kB\n\nleft\n  \
             sum: the kernel of `d.conv Conv2d` computes it (fuse_epilogue)\n\nall of it, saves 3.0 kB\n"
        );
    }
}
