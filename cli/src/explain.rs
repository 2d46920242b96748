//! `cnnc explain CODE`: the text of a code as a terminal shows it; without a code all of them, each with its sentence.

use crate::arguments::Explain;
use crate::console::{Console, Outcome};
use cnnc_compiler::diagnostic::Code;

/// Explains a code, or lists all.
pub fn explain(arguments: &Explain, console: &mut Console<'_>) -> Outcome {
    let text = match arguments.code {
        Some(code) => explained(code, console),
        None => listed(console),
    };
    console.print(&text)
}

/// The Markdown of a code without its marks: headings stand out, and examples are indented.
fn explained(code: Code, console: &Console<'_>) -> String {
    let mut text = format!("{}\n\n", console.bold(&format!("{code}: {}", code.title())));
    let mut is_example = false;
    for line in code.explanation().lines() {
        if line.starts_with("```") {
            is_example = !is_example;
        } else if let Some(heading) = line.strip_prefix("## ").filter(|_| !is_example) {
            text += &format!("{}\n", console.bold(heading));
        } else {
            let indent = if is_example && !line.is_empty() { "    " } else { "" };
            text += &format!("{indent}{line}\n");
        }
    }
    text
}

fn listed(console: &Console<'_>) -> String {
    let (mut text, mut subject) = (String::new(), "");
    for code in Code::ALL {
        if code.subject() != subject {
            let gap = if subject.is_empty() { "" } else { "\n" };
            subject = code.subject();
            text += &format!("{gap}{}\n", console.bold(subject));
        }
        text += &format!("  {code}  {}\n", code.title());
    }
    text
}
