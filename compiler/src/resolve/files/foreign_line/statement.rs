//! Lines that say how a program is built: imports, classes, functions, loops, and a statement of this language in another form.

use super::{Told, first_word, in_words, is_name, split, written};

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

/// `model Net(depth=12) {`
pub(super) fn parameter_without_a_type(line: &str) -> Option<Told> {
    let (head, rest) = line.split_once('(')?;
    if !matches!(first_word(head).0, "model" | "block") {
        return None;
    }
    let (inside, tail) = rest.rsplit_once(')')?;
    let typed = |parameter: &&str| {
        let (name, value) = parameter.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        match is_name(name) {
            true => Some(format!("{name}: {} = {value}", type_of(value)?)),
            false => Some((*parameter).to_owned()),
        }
    };
    let parameters = split(inside);
    let is_slip =
        parameters.iter().any(|parameter| parameter.split('=').next().is_some_and(|name| is_name(name.trim())));
    let mended: Option<Vec<String>> = parameters.iter().map(typed).collect();
    match mended {
        Some(mended) if is_slip => written("a parameter says its type", format!("{head}({}){tail}", mended.join(", "))),
        _ if is_slip => in_words(
            "a parameter says its type",
            "write it behind the name, `depth: int = 12`; types are int, float, bool, str, [int], layer and tensor",
        ),
        _ => None,
    }
}

/// The type that a value as it is written has; of a list, that of its first element.
fn type_of(value: &str) -> Option<String> {
    let inside = |open: char, close: char| value.strip_prefix(open)?.strip_suffix(close);
    if let Some(elements) = inside('[', ']') {
        return Some(format!("[{}]", type_of(split(elements).first()?)?));
    }
    if let Some(parts) = inside('(', ')') {
        let parts: Option<Vec<String>> = split(parts).into_iter().map(type_of).collect();
        return Some(format!("({})", parts.filter(|parts| parts.len() > 1)?.join(", ")));
    }
    Some(match value {
        "true" | "false" => "bool".into(),
        _ if value.starts_with('"') => "str".into(),
        _ if value.parse::<i64>().is_ok() => "int".into(),
        _ if value.parse::<f64>().is_ok_and(f64::is_finite) => "float".into(),
        _ => return None,
    })
}

/// `input (3, 32, 32)`, `input: [N, 3]`
pub(super) fn shape_in_parentheses(line: &str) -> Option<Told> {
    let rest = line.strip_prefix("input")?.trim_start();
    let (name, rest) = first_word(rest);
    let rest = rest.trim_start();
    let behind_sign = rest.strip_prefix([':', '=']).map(str::trim_start);
    let shape = behind_sign.unwrap_or(rest);
    let inside = shape.strip_prefix('(').and_then(|shape| shape.strip_suffix(')'));
    let bracketed = behind_sign.and_then(|shape| shape.strip_prefix('[')?.strip_suffix(']'));
    let mut sizes: Vec<&str> = split(inside.or(bracketed)?);
    match sizes.first() {
        Some(&"None" | &"-1") => sizes.splice(..1, ["N"]).for_each(drop),
        _ if inside.is_some() && sizes.len() < 4 => sizes.insert(0, "N"),
        _ => {}
    }
    let name = if name.is_empty() { String::new() } else { format!("{name} ") };
    let message = match inside {
        Some(_) => "a shape stands in brackets, the batch first",
        None => "a shape stands behind the word `input`, without a sign between them",
    };
    written(message, format!("input {name}[{}]", sizes.join(", ")))
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
