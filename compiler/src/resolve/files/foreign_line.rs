//! Lines of Python, PyTorch and Keras, told from what cannot be read: what such a line means here, and where that is one text, the
//! edit that writes it.
//!
//! The parser knows only where reading stopped. Here the whole line is looked at, by one rule after another; the first that knows
//! it says what to write.

use crate::diagnostic::{Code, Diagnostic};
use crate::ops;
use crate::resolve::error::layer_of_function;
use cnnc_grammar::span::{Files, Span};

/// What a foreign line is.
struct Told {
    /// The sentence.
    message: &'static str,
    /// What is written here, in words where it is no text.
    help: String,
    /// The line as it is written here.
    line: Option<String>,
}

/// What a line means that reading stopped in; `None` where it is no foreign one.
pub(super) fn of(files: &Files, at: Span) -> Option<Diagnostic> {
    told(files, at, RULES)
}

/// The same of an assignment, which may also be a `let` that lacks its word.
pub(super) fn of_assignment(files: &Files, at: Span) -> Option<Diagnostic> {
    told(files, at, &[sequential, joined, python_item])
}

fn told(files: &Files, at: Span, rules: &[fn(&str) -> Option<Told>]) -> Option<Diagnostic> {
    let text = &files.get(at.file)?.text;
    let begin = text.get(..at.start as usize)?.rfind('\n').map_or(0, |end| end + 1);
    let rest = text.get(begin..)?;
    let line = rest.lines().next()?.split('#').next()?;
    let start = begin + line.len() - line.trim_start().len();
    let line = line.trim();
    let span = Span { start: start as u32, end: (start + line.len()) as u32, ..at };
    let told = rules.iter().find_map(|rule| rule(line))?;
    let diagnostic = Diagnostic::new(Code::E101, told.message, span, "cannot be read").help(told.help);
    Some(match told.line {
        Some(mended) => diagnostic.guess(span, mended),
        None => diagnostic,
    })
}

const RULES: &[fn(&str) -> Option<Told>] = &[
    comma,
    import,
    class,
    function,
    capital,
    colon_for_brace,
    shape_in_parentheses,
    left_out,
    appended,
    looped,
    formatted_name,
    sequential,
    joined,
    ternary,
    arrow,
    dotted_label,
    python_item,
    added,
];

/// A line that stands here in another form.
fn written(message: &'static str, line: String) -> Option<Told> {
    Some(Told { message, help: format!("write `{line}`"), line: Some(line) })
}

/// A line that has no one text here.
fn in_words(message: &'static str, help: &str) -> Option<Told> {
    Some(Told { message, help: help.to_owned(), line: None })
}

fn is_name(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.chars().all(is_part)
}

/// The first word, and what follows it.
fn first_word(line: &str) -> (&str, &str) {
    let end = line.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(line.len());
    line.split_at(end)
}

/// `Conv2d(8, 3),`
fn comma(line: &str) -> Option<Told> {
    let item = line.strip_suffix(',')?;
    let count = |brackets: [char; 3]| item.chars().filter(|letter| brackets.contains(letter)).count();
    let is_whole = count(['(', '[', '{']) == count([')', ']', '}']);
    is_whole.then(|| written("an item ends with its line, without a comma", item.to_owned()))?
}

/// `import torch`, `from torch import nn`
fn import(line: &str) -> Option<Told> {
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
fn class(line: &str) -> Option<Told> {
    let ("class", rest) = first_word(line) else { return None };
    let (name, rest) = first_word(rest.trim_start());
    let message = "a network is a `model`, whose layers follow each other in braces";
    match rest.trim_end().ends_with('{') {
        true => written(message, format!("model {name} {{")),
        false => in_words(message, &format!("write `model {name} {{`, the layers, and `}}` behind the last")),
    }
}

/// `def forward(self, x):`
fn function(line: &str) -> Option<Told> {
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
fn capital(line: &str) -> Option<Told> {
    let (word, rest) = first_word(line);
    let ours = ["model", "block", "import", "input", "repeat", "keep", "let", "expect", "output"];
    let ours = ours.into_iter().find(|ours| ours.eq_ignore_ascii_case(word) && *ours != word)?;
    let is_word =
        rest.trim_start().starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '[' | '"' | '_'));
    is_word.then(|| written("the language's own words are lower-case", format!("{ours}{rest}")))?
}

/// `model M:`, `for i in 0..2:`
fn colon_for_brace(line: &str) -> Option<Told> {
    let (word, rest) = first_word(line);
    let head = rest.strip_suffix(':').filter(|_| {
        matches!(word, "model" | "block" | "for" | "repeat" | "if" | "else" | "sum" | "product" | "concat" | "while")
    })?;
    let help = format!("write `{word}{head} {{`, and `}}` behind what belongs to it");
    in_words("a body stands in braces, and blanks before a line mean nothing", &help)
}

/// `input (3, 32, 32)`
fn shape_in_parentheses(line: &str) -> Option<Told> {
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
fn left_out(line: &str) -> Option<Told> {
    let needless =
        line.starts_with("super(") || line.starts_with('@') || line == "pass" || first_word(line).0 == "return";
    let message = "this has no meaning here: what the last item gives is what the body gives";
    needless.then(|| Told { message, help: "leave it out".into(), line: Some(String::new()) })
}

/// `layers.append(…)`, `layers += […]`
fn appended(line: &str) -> Option<Told> {
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
fn looped(line: &str) -> Option<Told> {
    (first_word(line).0 == "while").then(|| {
        in_words("a network is written out before it runs", "loops have a count: `repeat n { }`, `for i in 0..n { }`")
    })?
}

/// `f"conv{i}": …`
fn formatted_name(line: &str) -> Option<Told> {
    let place = line.find("f\"").filter(|place| {
        let before = line.get(..*place).unwrap_or("");
        !before.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '"')
    })?;
    let line = format!("{}{}", line.get(..place)?, line.get(place + 1..)?);
    written("every string takes values in braces, without an `f`", line)
}

/// `Sequential(ReLU, Tanh)`
fn sequential(line: &str) -> Option<Told> {
    let (label, call) = labelled(line);
    let inside =
        ["nn.Sequential(", "torch.nn.Sequential(", "Sequential("].iter().find_map(|open| call.strip_prefix(open))?;
    let inside = inside.strip_suffix(')')?;
    let items: Vec<String> =
        split(inside).into_iter().map(|item| item_of(item).unwrap_or_else(|| item.to_owned())).collect();
    written("the items of a `Sequential` stand in braces", format!("{label}Sequential {{ {} }}", items.join("; ")))
}

/// `torch.cat([a, b], dim=1)`
fn joined(line: &str) -> Option<Told> {
    let call = line.split_once('=').filter(|(name, _)| is_name(name.trim())).map_or(line, |(_, call)| call.trim());
    let calls = ["torch.cat(", "torch.concat(", "torch.concatenate("];
    let inside = calls.iter().find_map(|open| call.strip_prefix(open))?.strip_suffix(')')?;
    let parts = split(inside);
    let names = split(parts.first()?.trim_matches(['[', ']', '(', ')']));
    let dim = parts.get(1).map_or("1", |dim| dim.trim_start_matches("dim=").trim_start_matches("axis="));
    let branches: Vec<String> = names.iter().map(|name| format!("from {name}")).collect();
    let message = "values are put together by `concat`, whose branches are what was kept";
    written(message, format!("concat(dim={dim}) {{ {} }}", branches.join("; ")))
}

/// `a ? b : c`
fn ternary(line: &str) -> Option<Told> {
    let (before, rest) = line.split_once('?')?;
    let (yes, rest) = rest.split_once(':')?;
    let start = before
        .rfind(['=', '(', ',', '['])
        .filter(|at| before.get(at + 1..).is_some_and(|next| !next.starts_with('=')))
        .map_or(0, |at| at + 1);
    let condition = before.get(start..)?.trim();
    let end = rest.find([',', ')', ']', ';']).unwrap_or(rest.len());
    let (no, after) = rest.split_at(end);
    let blank = if before.get(..start)?.ends_with('=') && before.get(start..)?.starts_with(' ') { " " } else { "" };
    let line = format!("{}{blank}{} if {condition} else {}{after}", before.get(..start)?, yes.trim(), no.trim());
    written("a choice between two values is `a if c else b`", line)
}

/// `Conv2d(8, 3) -> ReLU`
fn arrow(line: &str) -> Option<Told> {
    let sign = ["->", "=>", "|>", ">>", "|"].into_iter().find(|sign| line.contains(&format!(" {sign} ")))?;
    let items: Vec<&str> = line.split(sign).map(str::trim).collect();
    written("items that follow each other are parted by `;` or stand on lines of their own", items.join("; "))
}

/// `layer1.conv: Conv2d(8)`
fn dotted_label(line: &str) -> Option<Told> {
    let (label, item) = line.split_once(": ")?;
    let mut parts = label.split('.');
    let (outer, inner, None) = (parts.next()?, parts.next()?, parts.next()) else { return None };
    let inner = if is_name(inner) { inner.to_owned() } else { format!("\"{inner}\"") };
    (is_name(outer) && !matches!(outer, "self")).then(|| {
        written(
            "a name has no dot: what stands in a group has the group's name before its own",
            format!("{outer}: {{ {inner}: {item} }}"),
        )
    })?
}

/// `x = F.relu(x)`, `self.conv1 = nn.Conv2d(1, 6, 5)`, `nn.ReLU(inplace=True)`
fn python_item(line: &str) -> Option<Told> {
    if let Some(call) = line.split_once("self.").map(|(_, call)| call).filter(|call| !call.contains('=')) {
        let (name, rest) = first_word(call);
        if rest.starts_with('(') {
            let help = format!("write the layer of `{name}` itself here: `{name}: …`");
            return in_words("a layer is not called: it stands where it flows", &help);
        }
    }
    let (label, call) = labelled(line);
    let plain = || (!label.is_empty() && ops::layer(first_word(call).0).is_some()).then(|| call.to_owned());
    let item = item_of(call).or_else(plain)?;
    written("this is PyTorch's Python: a layer stands by its name where it flows", format!("{label}{item}"))
}

/// `a + b`
fn added(line: &str) -> Option<Told> {
    let (sign, join) = [("+", "sum"), ("*", "product")].into_iter().find(|(sign, _)| line.contains(sign))?;
    let line = line.split_once('=').filter(|(name, _)| is_name(name.trim())).map_or(line, |(_, values)| values.trim());
    let names: Vec<&str> = line.split(sign).map(str::trim).collect();
    match names.as_slice() {
        [left, right] if is_name(left) && is_name(right) => written(
            "values are not named items: what was kept flows again by `from`",
            format!("{join} {{ from {left}; from {right} }}"),
        ),
        ["", _] => in_words(
            "there is no sum of items: branches are added",
            "keep the value before (`keep x`), and write `sum { {}; from x }`",
        ),
        _ => None,
    }
}

/// The label that an assignment to `self` would be, and what is assigned; a plain name for a value is dropped.
fn labelled(line: &str) -> (String, &str) {
    match line.split_once('=') {
        Some((name, call)) if !name.contains('(') && !call.starts_with('=') => {
            match name.trim().strip_prefix("self.").filter(|name| is_name(name)) {
                Some(name) => (format!("{name}: "), call.trim()),
                None if is_name(name.trim()) => (String::new(), call.trim()),
                None => (String::new(), line),
            }
        }
        _ => (String::new(), line),
    }
}

/// A call of Python as an item: `nn.Conv2d(1, 6, 5)` as `Conv2d(6, kernel_size=5)`, `F.relu(x)` as `ReLU`.
fn item_of(call: &str) -> Option<String> {
    const MODULES: &[&str] = &[
        "torch.nn.functional.",
        "torch.nn.",
        "nn.functional.",
        "nn.",
        "F.",
        "torch.",
        "tf.keras.layers.",
        "keras.layers.",
        "layers.",
    ];
    let (path, inside) = match call.split_once('(') {
        Some((path, inside)) => (path, inside.strip_suffix(')')?),
        None => (call, ""),
    };
    let method = || path.split_once('.').filter(|(value, _)| is_name(value)).map(|(_, method)| method);
    let name = MODULES.iter().find_map(|module| path.strip_prefix(module));
    let (name, is_value) = match name {
        Some(name) => (name, false),
        None => (
            method().filter(|name| matches!(*name, "view" | "reshape" | "flatten" | "relu" | "sigmoid" | "tanh"))?,
            true,
        ),
    };
    let mut arguments = split(inside);
    let Some(layer) = ops::layer(name) else {
        let layer = layer_of_function(name)?;
        if !is_value && !arguments.is_empty() {
            arguments.remove(0);
        }
        if matches!(name, "view" | "reshape") {
            arguments.clear();
        }
        return Some(with_arguments(layer, &arguments, ops::layer(layer)?));
    };
    Some(with_arguments(layer.signature.name, &without_inferred(layer.signature.name, arguments), layer))
}

/// PyTorch's arguments without what comes in.
fn without_inferred<'t>(layer: &str, mut arguments: Vec<&'t str>) -> Vec<&'t str> {
    let positions = arguments.iter().take_while(|argument| !argument.contains('=')).count();
    let least = if layer.starts_with("Conv") || layer == "Linear" { 2 } else { 1 };
    let inferred = crate::resolve::calls::inferred_position(layer);
    let inferred = inferred.filter(|position| *position < positions && positions >= least);
    if let Some(position) = inferred {
        arguments.remove(position);
    }
    arguments
}

/// A call, its numbers behind the first by name, Python's words in ours, and what is nothing here left out.
fn with_arguments(name: &str, arguments: &[&str], layer: &ops::LayerEntry) -> String {
    let written = arguments.iter().enumerate().filter(|(_, argument)| !argument.starts_with("inplace")).map(
        |(position, argument)| {
            let argument = argument.replace("True", "true").replace("False", "false");
            match layer.signature.arguments.get(position).filter(|_| !argument.contains('=') && position > 0) {
                Some(spec) => format!("{}={argument}", spec.name),
                None => argument,
            }
        },
    );
    let written = written.collect::<Vec<String>>().join(", ");
    if written.is_empty() { name.to_owned() } else { format!("{name}({written})") }
}

/// The parts of a list, parted by the commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or(""));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or(""));
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}
