//! One side of a comparison: a file, a model in it, or either at a revision of git, which is read by the installed git.

use crate::arguments::Model as Arguments;
use crate::console::{Console, Outcome};
use crate::model;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::resolve::{Sources, tidied};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Disk, Model, spec_name};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// No spec is larger.
const LARGEST_BYTES: u64 = 64 << 20;

/// A spec by the name that it was given, and perhaps a model in it.
#[derive(Debug, PartialEq, Eq)]
struct Place<'t> {
    revision: Option<&'t str>,
    file: &'t str,
    model: Option<&'t str>,
}

impl<'t> Place<'t> {
    /// `net.cnn`, `net.cnn:Net`, `HEAD~1:net.cnn` or `HEAD~1:net.cnn:Net`; a file of the whole name comes first.
    fn read(text: &'t str, exists: &dyn Fn(&str) -> bool) -> Place<'t> {
        let plain = Place { revision: None, file: text, model: None };
        if exists(text) {
            return plain;
        }
        let parts = text.rsplit_once(':').filter(|(_, name)| cnnc_grammar::is_free_word(name));
        let (rest, model) = parts.map_or((text, None), |(rest, name)| (rest, Some(name)));
        match rest.split_once(':') {
            _ if model.is_some() && exists(rest) => Place { revision: None, file: rest, model },
            Some((revision, file)) if !revision.is_empty() && !file.is_empty() => {
                Place { revision: Some(revision), file, model }
            }
            // `HEAD:net`: a file of a revision, whatever its name ends with.
            None if model.is_some() && !rest.is_empty() && !rest.ends_with(".cnn") => {
                Place { revision: Some(rest), file: model.unwrap_or_default(), model: None }
            }
            None if model.is_some() => Place { revision: None, file: rest, model },
            _ => plain,
        }
    }
}

/// The network that one side names, or a report of why there is none.
pub fn load(text: &str, arguments: &Arguments, console: &mut Console<'_>) -> Outcome<Model> {
    let place = Place::read(text, &|name| Path::new(name).is_file());
    let model = place.model.map(str::to_owned).or_else(|| arguments.model.clone());
    let arguments = Arguments { model, set: arguments.set.clone(), input_shape: arguments.input_shape.clone() };
    match place.revision {
        None => {
            let name = spec_name(Path::new(place.file)).map_err(|failure| console.fail(&failure, &Files::default()))?;
            model::load_from(name, &Disk, &arguments, console)
        }
        Some(revision) if revision.starts_with('-') => {
            let message = format!("`{revision}` is no revision of git");
            Err(console.fail(&Diagnostic::without_place(Code::E601, message), &Files::default()))
        }
        Some(revision) => {
            model::load_from(&format!("{revision}:{}", place.file), &Revision { revision }, &arguments, console)
        }
    }
}

/// The files of a revision.
struct Revision<'r> {
    revision: &'r str,
}

impl Sources for Revision<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let name = match importer.and_then(|importer| importer.strip_prefix(self.revision)?.strip_prefix(':')) {
            None => path.to_owned(),
            Some(importer) => {
                let beside = Path::new(importer).parent().unwrap_or(Path::new("")).join(path);
                // Without its `./`, a path would begin at the top of the repository.
                let start = if importer.starts_with("./") { "./" } else { "" };
                format!("{}:{start}{}", self.revision, tidied(&beside).to_string_lossy())
            }
        };
        let text = blob(&name)?;
        Ok((name, text))
    }
}

/// The text that git has under a name such as `HEAD~1:models/net.cnn`: that of a file, never a listing.
fn blob(name: &str) -> Result<String, String> {
    let mut git = Command::new("git");
    git.args(["cat-file", "blob", name]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = git.spawn().map_err(|error| format!("git cannot be started: {error}"))?;
    let mut bytes = Vec::new();
    if let Some(output) = running.stdout.take() {
        output.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("git: {error}"))?;
    }
    let ended = running.wait_with_output().map_err(|error| format!("git: {error}"))?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err("it is larger than any spec".into());
    }
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        let first = said.lines().next().unwrap_or("it says no more").trim_start_matches("fatal: ");
        return Err(format!("git: {first}"));
    }
    String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn files_models_and_revisions_are_told_apart() {
        let exists = |name: &str| ["net.cnn", "a:b.cnn", "dir/net"].contains(&name);
        let read = |text| {
            let Place { revision, file, model } = Place::read(text, &exists);
            (revision, file, model)
        };
        assert_eq!(read("net.cnn"), (None, "net.cnn", None));
        assert_eq!(read("a:b.cnn"), (None, "a:b.cnn", None));
        assert_eq!(read("net.cnn:Net"), (None, "net.cnn", Some("Net")));
        assert_eq!(read("dir/net:Net"), (None, "dir/net", Some("Net")));
        assert_eq!(read("gone.cnn:Net"), (None, "gone.cnn", Some("Net")));
        assert_eq!(read("HEAD:net.cnn"), (Some("HEAD"), "net.cnn", None));
        assert_eq!(read("HEAD~2:dir/net.cnn:Net"), (Some("HEAD~2"), "dir/net.cnn", Some("Net")));
        assert_eq!(read("v1.0:net"), (Some("v1.0"), "net", None));
        assert_eq!(read("gone.cnn"), (None, "gone.cnn", None));
        assert_eq!(read(":net.cnn"), (None, ":net.cnn", None));
    }
}
