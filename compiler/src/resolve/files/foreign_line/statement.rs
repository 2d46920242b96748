//! Lines that say how a program is built: imports, classes, functions, loops, and a statement of this language in another form.

use super::{Told, first_word, in_words, written};

/// `Conv2d(8, 3),`
pub(super) fn comma(line: &str) -> Option<Told> {
    let item = line.strip_suffix(',')?;
    let count = |brackets: [char; 3]| item.chars().filter(|letter| brackets.contains(letter)).count();
    let is_whole = count(['(', '[', '{']) == count([')', ']', '}']);
    is_whole.then(|| written("an item ends with its line, without a comma", item.to_owned()))?
}

/// `import torch`, `from torch import nn`
pub(super) fn import(line: &str) -> Option<Told> {
    let is_python = match first_word(line) {
        ("import", rest) => !rest.trim_start().starts_with('"'),
        ("from", rest) => rest.contains(" import "),
        _ => false,
    };
    let help = "leave it out; `import \"blocks.cnn\"` is for specs of one's own".to_owned();
    let message = "layers are known without an import";
    is_python.then(|| Told { message, help, line: Some(String::new()) })
}

/// `class Net {`, `class Net(nn.Module):`
pub(super) fn class(line: &str) -> Option<Told> {
    let ("class", rest) = first_word(line) else { return None };
    let (name, rest) = first_word(rest.trim_start());
    let message = "a network is a `model`, whose layers follow each other in braces";
    match rest.trim_end().ends_with('{') {
        true => written(message, format!("model {name} {{")),
        false => in_words(message, &format!("write `model {name} {{`, the layers, and `}}` behind the last")),
    }
}

/// `def forward(self, x):`
pub(super) fn function(line: &str) -> Option<Told> {
    let (word, rest) = first_word(line);
    let (name, rest) = first_word(rest.trim_start());
    if !matches!(word, "def" | "fn" | "func" | "function") || !rest.starts_with('(') {
        return None;
    }
    match name {
        "forward" | "call" | "__init__" | "__call__" => in_words(
            "there is no constructor and no `forward`: each layer stands where it flows",
            "write the layers into the model's braces in their order; each takes what the one above gave",
        ),
        _ => in_words(
            "there are no functions",
            &format!("parts that recur are blocks: `block {name}(channels: int) {{ … }}`"),
        ),
    }
}

/// `Model M {`
pub(super) fn capital(line: &str) -> Option<Told> {
    let (word, rest) = first_word(line);
    let ours = ["model", "block", "import", "input", "repeat", "keep", "let", "expect", "output"];
    let ours = ours.into_iter().find(|ours| ours.eq_ignore_ascii_case(word) && *ours != word)?;
    let is_word =
        rest.trim_start().starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '[' | '"' | '_'));
    is_word.then(|| written("the language's own words are lower-case", format!("{ours}{rest}")))?
}

/// `model M:`, `for i in 0..2:`
pub(super) fn colon_for_brace(line: &str) -> Option<Told> {
    let (word, rest) = first_word(line);
    let head = rest.strip_suffix(':').filter(|_| {
        matches!(word, "model" | "block" | "for" | "repeat" | "if" | "else" | "sum" | "product" | "concat" | "while")
    })?;
    let help = format!("write `{word}{head} {{`, and `}}` behind what belongs to it");
    in_words("a body stands in braces, and blanks before a line mean nothing", &help)
}

/// `input (3, 32, 32)`
pub(super) fn shape_in_parentheses(line: &str) -> Option<Told> {
    let rest = line.strip_prefix("input")?.trim_start();
    let (name, rest) = first_word(rest);
    let inside = rest.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    let mut sizes: Vec<&str> = inside.split(',').map(str::trim).filter(|size| !size.is_empty()).collect();
    match sizes.first() {
        Some(&"None" | &"-1") => sizes.splice(..1, ["N"]).for_each(drop),
        _ if sizes.len() < 4 => sizes.insert(0, "N"),
        _ => {}
    }
    let name = if name.is_empty() { String::new() } else { format!("{name} ") };
    written("a shape stands in brackets, the batch first", format!("input {name}[{}]", sizes.join(", ")))
}

/// What Python needs and a spec does not.
pub(super) fn left_out(line: &str) -> Option<Told> {
    let needless =
        line.starts_with("super(") || line.starts_with('@') || line == "pass" || first_word(line).0 == "return";
    let message = "this has no meaning here: what the last item gives is what the body gives";
    needless.then(|| Told { message, help: "leave it out".into(), line: Some(String::new()) })
}

/// `layers.append(…)`, `layers += […]`
pub(super) fn appended(line: &str) -> Option<Told> {
    let (_, rest) = first_word(line);
    let is_list = [".append(", ".extend(", ".add("].iter().any(|call| rest.starts_with(call));
    if !is_list && !rest.trim_start().starts_with("+=") {
        return None;
    }
    in_words(
        "items are not gathered in a list: each stands where it flows",
        "write the layer itself; in a `for` it is written out in each turn",
    )
}

/// `while`
pub(super) fn looped(line: &str) -> Option<Told> {
    (first_word(line).0 == "while").then(|| {
        in_words("a network is written out before it runs", "loops have a count: `repeat n { }`, `for i in 0..n { }`")
    })?
}
