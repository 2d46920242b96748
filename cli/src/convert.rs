//! `cnnc convert IN OUT.safetensors`: weights of any form that is read, as a safetensors file, and a report of what changed.

use crate::arguments::Convert;
use crate::console::{Console, Outcome};
use crate::numbers::{counted, grouped};
use crate::outputs::{self, Read};
use crate::weights;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Converted, convert_file};

/// Lines of one kind that are written out; of more, their number is.
const SHOWN: usize = 20;

/// Converts.
pub fn convert(arguments: &Convert, console: &mut Console<'_>) -> Outcome {
    let (from, to) = (&arguments.from, &arguments.to);
    let none = Files::default();
    let checked = outputs::check(to, [Read { role: "the weights", path: from }]);
    checked.map_err(|diagnostic| console.fail(&diagnostic, &none))?;
    if !arguments.force && to.symlink_metadata().is_ok() {
        let there = Diagnostic::without_place(Code::E601, format!("`{}` is there already", to.display()));
        return Err(console.fail(&there.help("`--force` writes over it"), &none));
    }
    let options = weights::of_file(&arguments.keys);
    let converted = console.timed("convert", || convert_file(from, to, &options));
    let converted = converted.map_err(|failure| console.show(&failure))?;
    console.tell(&converted.notes, &none);
    console.print(&format!("{}: {}", to.display(), report(&converted)))
}

/// What was written, renamed, converted and left out.
fn report(converted: &Converted) -> String {
    let megabytes = converted.bytes as f64 / 1e6;
    let mut text = format!("{}, {megabytes:.1} MB\n", counted(converted.tensors, "tensor"));
    if let Some(what) = &converted.converted {
        text += &format!("became float32: {what}\n");
    }
    let renamed = converted.renamed.iter().map(|key| format!("`{}` is `{}`", key.from, key.to));
    text += &listed("renamed", renamed);
    text += &listed("left out", converted.left_out.iter().map(|(key, what)| format!("`{key}`, {what}")));
    text += &listed("left out beside them", converted.beside.iter().map(|(key, what)| format!("`{key}`, {what}")));
    if let Some(prefix) = &converted.shared_prefix {
        text += &format!("all keys begin with `{prefix}`; `--prefix {prefix}` takes it off\n");
    }
    text
}

/// A line for each, under a head that counts them.
fn listed(head: &str, lines: impl ExactSizeIterator<Item = String>) -> String {
    let count = lines.len();
    if count == 0 {
        return String::new();
    }
    let mut text = format!("{head}: {}\n", grouped(count as u64));
    lines.take(SHOWN).for_each(|line| text += &format!("  {line}\n"));
    if count > SHOWN {
        text += &format!("  … and {} more\n", count - SHOWN);
    }
    text
}
