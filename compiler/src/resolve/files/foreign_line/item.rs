//! Lines that say what flows where: calls of layers and functions, assignments, operators between values.

use super::{Told, first_word, in_words, is_name, split, written};
use crate::ops;
use crate::resolve::error::layer_of_function;

/// `f"conv{i}": …`
pub(super) fn formatted_name(line: &str) -> Option<Told> {
    let place = line.find("f\"").filter(|place| {
        let before = line.get(..*place).unwrap_or("");
        !before.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '"')
    })?;
    let line = format!("{}{}", line.get(..place)?, line.get(place + 1..)?);
    written("every string takes values in braces, without an `f`", line)
}

/// `Sequential(ReLU, Tanh)`
pub(super) fn sequential(line: &str) -> Option<Told> {
    let (label, call) = labelled(line);
    let inside =
        ["nn.Sequential(", "torch.nn.Sequential(", "Sequential("].iter().find_map(|open| call.strip_prefix(open))?;
    let inside = inside.strip_suffix(')')?;
    let items: Vec<String> =
        split(inside).into_iter().map(|item| item_of(item).unwrap_or_else(|| item.to_owned())).collect();
    written("the items of a `Sequential` stand in braces", format!("{label}Sequential {{ {} }}", items.join("; ")))
}

/// `torch.cat([a, b], dim=1)`
pub(super) fn joined(line: &str) -> Option<Told> {
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
pub(super) fn ternary(line: &str) -> Option<Told> {
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
pub(super) fn arrow(line: &str) -> Option<Told> {
    let sign = ["->", "=>", "|>", ">>", "|"].into_iter().find(|sign| line.contains(&format!(" {sign} ")))?;
    let items: Vec<&str> = line.split(sign).map(str::trim).collect();
    written("items that follow each other are parted by `;` or stand on lines of their own", items.join("; "))
}

/// `layer1.conv: Conv2d(8)`
pub(super) fn dotted_label(line: &str) -> Option<Told> {
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
pub(super) fn python_item(line: &str) -> Option<Told> {
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
pub(super) fn added(line: &str) -> Option<Told> {
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
    let inferred = ops::inferred(layer).map(|inferred| inferred.position);
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
