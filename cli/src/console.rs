//! What a command writes, and how: standard output through a buffer, diagnostics in the terminal's width and colours.
//!
//! Colours only on a terminal and never with `NO_COLOR`. When the reader of standard output is gone, the command ends quietly.

use cnnc_compiler::diagnostic::{Code, Diagnostic, Problems, RenderOptions, Renderer, printable};
use cnnc_compiler::watch::{Watch, timed};
use cnnc_grammar::span::Files;
use cnnc_runtime::Error;
use std::borrow::Cow;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::time::Duration;

/// Why a command ended early.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something was at fault and has been reported.
    Reported,
    /// Nobody reads the output any more.
    ClosedPipe,
}

/// What a command gives back.
pub type Outcome<T = ()> = Result<T, Stop>;

/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;
/// Diagnostics that are shown of one run; what a broken file of megabytes gives beyond is counted only.
const MOST_SHOWN: usize = 1000;

/// Where a command writes.
pub struct Console<'a> {
    output: Box<dyn Write + 'a>,
    errors: Box<dyn Write + 'a>,
    /// Whether the output may have colours.
    pub color: bool,
    /// Whether diagnostics may have colours.
    pub color_errors: bool,
    /// Whether standard error is a terminal that a bar can be drawn on.
    pub shows_progress: bool,
    /// Whether standard output is a terminal, where lines and a bar would get into each other.
    pub writes_to_terminal: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to print the time of every stage.
    pub verbose: bool,
    /// The code of the first error.
    first_error: Option<Code>,
}

impl Console<'static> {
    /// This process's standard output and error.
    pub fn of_process() -> Console<'static> {
        let colors = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Console {
            color: colors && io::stdout().is_terminal(),
            color_errors: colors && io::stderr().is_terminal(),
            shows_progress: io::stderr().is_terminal(),
            writes_to_terminal: io::stdout().is_terminal(),
            width: terminal_width(),
            verbose: false,
            first_error: None,
            output: Box::new(BufWriter::new(io::stdout())),
            errors: Box::new(io::stderr()),
        }
    }
}

impl<'a> Console<'a> {
    /// A console without colours, for tests.
    pub fn plain(output: impl Write + 'a, errors: impl Write + 'a) -> Console<'a> {
        let (output, errors) = (Box::new(output), Box::new(errors));
        let (color, color_errors, shows_progress) = (false, false, false);
        Console {
            output,
            errors,
            color,
            color_errors,
            shows_progress,
            writes_to_terminal: false,
            width: DEFAULT_WIDTH,
            verbose: false,
            first_error: None,
        }
    }

    /// Writes text for people to standard output; what a terminal should not get is made visible.
    pub fn print(&mut self, text: &str) -> Outcome {
        let written = self.output.write_all(visible(text, self.color).as_bytes());
        self.written(written)
    }

    /// Writes data for programs to standard output, byte by byte as `write` says.
    pub fn print_data(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
        let written = write(&mut self.output);
        self.written(written)
    }

    /// Writes to standard error; what a terminal should not get is made visible, and what cannot be written is lost.
    pub fn note(&mut self, text: &str) {
        let _ = self.errors.write_all(visible(text, self.color_errors).as_bytes());
    }

    /// Writes out what is buffered, so that it is seen before the command ends.
    pub fn finish(&mut self) -> Outcome {
        let written = self.output.flush();
        self.written(written)
    }

    fn written(&mut self, result: io::Result<()>) -> Outcome {
        match result {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Stop::ClosedPipe),
            Err(error) => {
                let message = format!("cannot write the output: {error}");
                Err(self.fail(&Diagnostic::without_place(Code::E601, message), &Files::default()))
            }
        }
    }

    /// Reports diagnostics of which one is an error; gives the stop that it is.
    pub fn report(&mut self, diagnostics: &[Diagnostic], files: &Files) -> Stop {
        self.tell(diagnostics, files);
        Stop::Reported
    }

    /// Tells what is no reason to stop.
    pub fn tell(&mut self, diagnostics: &[Diagnostic], files: &Files) {
        let options = RenderOptions { color: self.color_errors, width: self.width };
        let renderer = Renderer::new(files, options);
        let first_error = || diagnostics.iter().find(|diagnostic| diagnostic.is_error()).map(|error| error.code);
        self.first_error = self.first_error.or_else(first_error);
        for diagnostic in diagnostics.iter().take(MOST_SHOWN) {
            self.note(&renderer.render(diagnostic));
        }
        if let Some(hidden @ 1..) = diagnostics.len().checked_sub(MOST_SHOWN) {
            let least = if diagnostics.len() < Problems::MOST { "" } else { "at least " };
            let what = if diagnostics.last().is_some_and(Diagnostic::is_error) { "errors" } else { "diagnostics" };
            self.note(&format!("… and {least}{hidden} more {what}\n"));
        }
    }

    /// Says, where a person reads along, how to get the text of the first error; once, at the end of a command.
    pub fn point_to_explanation(&mut self) {
        if let Some(code) = self.first_error.filter(|_| self.shows_progress) {
            self.note(&format!("for more: cnnc explain {code}\n"));
        }
    }

    /// Tells in a line what the command does, or leaves, without being asked to.
    pub fn remark(&mut self, code: Code, message: impl Into<String>) {
        self.tell(&[Diagnostic::without_place(code, message).as_note()], &Files::default());
    }

    /// Reports one diagnostic.
    pub fn fail(&mut self, diagnostic: &Diagnostic, files: &Files) -> Stop {
        self.report(std::slice::from_ref(diagnostic), files)
    }

    /// Reports all that an error says.
    pub fn show(&mut self, error: &Error) -> Stop {
        self.report(&error.diagnostics().cloned().collect::<Vec<_>>(), error.files())
    }

    /// Prints clap's answer to wrong usage, or to `--help`; gives the exit code.
    pub fn usage(&mut self, error: &clap::Error) -> u8 {
        let text = error.render();
        if error.use_stderr() {
            self.note(&if self.color_errors { text.ansi().to_string() } else { text.to_string() });
            return 2;
        }
        let text = if self.color { text.ansi().to_string() } else { text.to_string() };
        match self.print(&text).and_then(|()| self.finish()) {
            Ok(()) | Err(Stop::ClosedPipe) => 0,
            Err(Stop::Reported) => 1,
        }
    }

    /// Does one stage's work, and prints its time when asked to.
    pub fn timed<T>(&mut self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        timed(self, stage, work)
    }

    /// A text in bold, where there are colours.
    pub fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    /// A text in faint, where there are colours.
    pub fn faint(&self, text: &str) -> String {
        self.painted("2", text)
    }

    /// A text in red, where there are colours.
    pub fn red(&self, text: &str) -> String {
        self.painted("31", text)
    }

    /// A text in green, where there are colours.
    pub fn green(&self, text: &str) -> String {
        self.painted("32", text)
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.into() }
    }
}

impl Watch for Console<'_> {
    fn stage(&mut self, name: &'static str, time: Duration) {
        if self.verbose {
            self.note(&format!("{name:<10} {:>10.3} ms\n", time.as_secs_f64() * 1e3));
        }
    }
}

/// `COLUMNS` when it is set, else what the terminal says.
fn terminal_width() -> usize {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size_of(io::stderr()).or_else(terminal_size::terminal_size);
    stated.or_else(|| terminal().map(|(width, _)| width.0.into())).unwrap_or(DEFAULT_WIDTH).clamp(40, 400)
}

/// A text as a terminal gets it: escapes for control characters and for those that turn the writing round, whoever wrote them.
/// Line ends, tabs and, where there are colours, sequences that set them stay.
fn visible(text: &str, color: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let plain = |text: &str| text.split('\t').map(printable).collect::<Vec<_>>().join("\t");
    let mut parts = text.split("\u{1b}[");
    let mut shown = plain(parts.next().unwrap_or_default());
    for part in parts {
        let length = part.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
        match part[length..].strip_prefix('m').filter(|_| color) {
            Some(rest) => shown.extend(["\u{1b}[", &part[..length], "m", &plain(rest)]),
            None => shown.extend([&*printable("\u{1b}["), &plain(part)]),
        }
    }
    Cow::Owned(shown)
}

/// A panic is a fault of cnnc: people see one sentence in the form of every error, not a trace.
pub fn report_panics_as_faults() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("no message");
        let fault = Diagnostic::without_place(Code::E499, "cnnc made a mistake and had to stop")
            .note(format!("{place}: {text}"))
            .note(format!("asked for: {}", command_line()))
            .help("this is a fault of cnnc itself; please report it with the spec");
        Console::of_process().fail(&fault, &Files::default());
    }));
}

/// What this process was started with, as it would be typed.
fn command_line() -> String {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let quoted = |word: String| if word.contains([' ', '\'']) { format!("{word:?}") } else { word };
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_made_visible_and_own_colours_stay() {
        assert_eq!(visible("a\tb\nc", false), "a\tb\nc");
        assert_eq!(visible("\u{1b}[1mé\u{1b}[0m", true), "\u{1b}[1mé\u{1b}[0m");
        assert_eq!(visible("\u{1b}[1mé\u{1b}[0m", false), "\\u{1b}[1mé\\u{1b}[0m");
        assert_eq!(
            visible("\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}5A\u{202e}", true),
            "\\u{1b}[2J\\u{1b}]0;x\\u{7}\\r\\u{9b}5A\\u{202e}"
        );
    }
}
