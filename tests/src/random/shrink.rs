//! A spec made smaller as long as it still fails.

use super::spec::Spec;

/// The smallest spec that leaving out lines comes to and that still fails.
pub fn shrunk(spec: &Spec, fails: impl Fn(&Spec) -> bool) -> Spec {
    let mut best = spec.clone();
    loop {
        let candidates = candidates(&best.text);
        let smaller = candidates.into_iter().map(|text| Spec { text, ..best.clone() }).find(|spec| fails(spec));
        match smaller {
            Some(spec) => best = spec,
            None => return best,
        }
    }
}

/// The text without some lines: a line that stands alone; a group; a group's braces.
fn candidates(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let without = |gone: &dyn Fn(usize) -> bool| {
        let kept = lines.iter().enumerate().filter(|(number, _)| !gone(*number));
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let mut all = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let opens = line.trim_end().ends_with('{');
        if opens {
            let depth = |line: &str| line.len() - line.trim_start().len();
            let end = (number + 1..lines.len()).find(|&other| depth(lines[other]) <= depth(line));
            let Some(end) = end else { continue };
            all.push(without(&|other| (number..=end).contains(&other)));
            all.push(without(&|other| other == number || other == end));
        } else if !line.trim_start().starts_with('}') && !line.trim_start().starts_with("input") {
            all.push(without(&|other| other == number));
        }
    }
    all
}
