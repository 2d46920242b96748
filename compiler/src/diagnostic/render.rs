//! Draws diagnostics. The only file that knows codespan.
//!
//! A [`Diagnostic`] and the source files come in, text for a terminal goes out: the header, every labelled line with its labels
//! (the first one primary), then notes, helps and the trace as `= …` lines. A label that spans lines is drawn at its first one.
//! codespan sees none of the source but the lines to be shown, already cut and escaped by `excerpt`.

use super::excerpt::{Excerpt, excerpt, printable};
use super::{Code, Diagnostic, Label, Severity};
use cnnc_grammar::span::{FileId, Files, Span};
use codespan_reporting::diagnostic as codespan;
use codespan_reporting::files::{Error, Location};
use codespan_reporting::term::{self, termcolor};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// Whether to use colours.
    pub color: bool,
    /// Columns of the terminal; source lines are cut to it, notes wrapped.
    pub width: usize,
}

/// Draws diagnostics about one set of files; it remembers where their lines begin.
pub struct Renderer<'files> {
    files: &'files Files,
    options: RenderOptions,
    line_starts: RefCell<BTreeMap<FileId, Rc<[usize]>>>,
    /// What was asked for last. Diagnostics come in order, so that the columns of a long line are counted once.
    last: Cell<Option<KnownColumn>>,
}

/// A byte of a file whose column is known.
#[derive(Clone, Copy)]
struct KnownColumn {
    file: FileId,
    byte: usize,
    /// Characters before it in its line.
    column: usize,
}

/// Steps of a trace that are shown at each end of a long one.
const TRACE_STEPS: usize = 4;

impl<'files> Renderer<'files> {
    /// A renderer for these files.
    pub fn new(files: &'files Files, options: RenderOptions) -> Self {
        Renderer { files, options, line_starts: RefCell::default(), last: Cell::default() }
    }

    /// The text of one diagnostic; it ends with an empty line, but for a note that is one line.
    pub fn render(&self, diagnostic: &Diagnostic) -> String {
        let mut snippets = Snippets::default();
        let labels = snippets.take(&diagnostic.labels, self);
        let mut drawn = codespan::Diagnostic::new(severity(diagnostic.severity));
        let is_note = diagnostic.severity == Severity::Note;
        drawn.code = (!is_note).then(|| diagnostic.code.name().to_owned());
        let drawn =
            drawn.with_message(readable(&diagnostic.message)).with_labels(labels).with_notes(self.notes(diagnostic));
        let config = term::Config::default();
        let mut buffer = if self.options.color { termcolor::Buffer::ansi() } else { termcolor::Buffer::no_color() };
        match term::emit_to_write_style(&mut buffer, &config, &snippets, &drawn) {
            Ok(()) => {
                let text = String::from_utf8_lossy(buffer.as_slice());
                let text = text.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n");
                let is_one_line = is_note && text.matches('\n').count() == 2;
                if is_one_line { text.trim_end().to_owned() + "\n" } else { text }
            }
            Err(_) => format!("error[{}]: {}\n\n", diagnostic.code, readable(&diagnostic.message)),
        }
    }

    /// Where a span begins: line and column, both from 1, the column in characters.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let text = self.files.get(span.file).map_or("", |file| file.text.as_str());
        let (line, range) = self.line(span);
        let byte = (span.start as usize).clamp(range.start, range.end);
        let known = self.last.get().filter(|last| last.file == span.file && (range.start..=byte).contains(&last.byte));
        let (from, before) = known.map_or((range.start, 0), |last| (last.byte, last.column));
        let between = text.as_bytes().get(from..byte).unwrap_or_default();
        // Bytes that go on a character are 10xxxxxx.
        let column = before + between.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        self.last.set(Some(KnownColumn { file: span.file, byte, column }));
        (line + 1, column + 1)
    }

    /// `models/lenet.cnn:9:5`
    fn place(&self, span: Span) -> String {
        let name = self.files.get(span.file).map_or("?", |file| file.name.as_str());
        let (line, column) = self.position(span);
        format!("{name}:{line}:{column}")
    }

    /// The notes, the helps and the trace, as codespan's notes.
    fn notes(&self, diagnostic: &Diagnostic) -> Vec<String> {
        let helps = diagnostic.help.iter().map(|help| format!("help: {help}"));
        let lines = diagnostic.notes.iter().cloned().chain(helps).chain(self.trace(&diagnostic.trace));
        let lines = lines.chain(self.file_of(diagnostic));
        lines.map(|line| wrapped(&readable(&line), self.options.width.saturating_sub(6))).collect()
    }

    /// The spec that is at fault where no place of it is: the first file, unless the text names it.
    fn file_of(&self, diagnostic: &Diagnostic) -> Option<String> {
        let is_of_spec = diagnostic.labels.is_empty() && diagnostic.code < Code::E501;
        let name = &self.files.get(FileId(0)).filter(|_| is_of_spec)?.name;
        let mut said = std::iter::once(&diagnostic.message).chain(&diagnostic.notes).chain(&diagnostic.help);
        (!said.any(|text| text.contains(name.as_str()))).then(|| format!("file: {name}"))
    }

    /// One line a step, innermost first; the middle of a long trace is left out.
    fn trace(&self, trace: &[Label]) -> Vec<String> {
        let step = |label: &Label| format!("{} at {}", label.text, self.place(label.span));
        if trace.len() <= 2 * TRACE_STEPS {
            return trace.iter().map(step).collect();
        }
        let hidden = trace.len() - 2 * TRACE_STEPS;
        let inner = trace.iter().take(TRACE_STEPS).map(step);
        let outer = trace.iter().skip(trace.len() - TRACE_STEPS).map(step);
        inner.chain([format!("… through {hidden} more …")]).chain(outer).collect()
    }

    /// The line that a span begins in: its number from 0, and its bytes without the line's end.
    fn line(&self, span: Span) -> (usize, Range<usize>) {
        let starts = self.starts(span.file);
        let line = starts.partition_point(|&start| start <= span.start as usize).saturating_sub(1);
        (line, self.line_range(span.file, line))
    }

    fn line_range(&self, file: FileId, line: usize) -> Range<usize> {
        let text = self.files.get(file).map_or("", |file| file.text.as_str());
        let starts = self.starts(file);
        let start = starts.get(line).copied().unwrap_or(text.len());
        let end = starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        start..start + content.len()
    }

    fn starts(&self, file: FileId) -> Rc<[usize]> {
        let text = self.files.get(file).map_or("", |file| file.text.as_str());
        let find = || std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        self.line_starts.borrow_mut().entry(file).or_insert_with(find).clone()
    }
}

fn severity(severity: Severity) -> codespan::Severity {
    match severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
        Severity::Note => codespan::Severity::Note,
    }
}

/// A text fit to print, without the middle of one that nobody would read to its end, such as a name of a hundred thousand
/// letters.
fn readable(text: &str) -> String {
    const MOST: usize = 4_000;
    let cut = |at: usize| (at..text.len()).find(|&byte| text.is_char_boundary(byte)).unwrap_or(text.len());
    if text.len() <= MOST {
        return printable(text);
    }
    let (start, end) = (cut(MOST / 2), cut(text.len() - MOST / 4));
    format!("{}…{}", printable(text.get(..start).unwrap_or_default()), printable(text.get(end..).unwrap_or_default()))
}

/// Breaks a text into lines of at most `width` columns, at blanks.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut columns = 0;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && columns + 1 + length > width.max(40) {
            lines.push('\n');
            columns = 0;
        } else if index > 0 {
            lines.push(' ');
            columns += 1;
        }
        lines.push_str(word);
        columns = word.rsplit_once('\n').map_or(columns + length, |(_, last)| last.chars().count());
    }
    lines
}

/// The lines to be shown, as source files for codespan.
#[derive(Default)]
struct Snippets {
    files: BTreeMap<FileId, Snippet>,
}

/// The lines to be shown of one file, one after another.
#[derive(Default)]
struct Snippet {
    name: String,
    text: String,
    /// Ranges in the text by line of the file.
    lines: BTreeMap<usize, Range<usize>>,
    /// Places in the file by byte of the text, where labels begin.
    places: BTreeMap<usize, (usize, usize)>,
}

impl Snippets {
    /// Takes in the lines of all labels, and one between two of them, and gives the labels in codespan's words.
    fn take(&mut self, labels: &[Label], renderer: &Renderer<'_>) -> Vec<codespan::Label<FileId>> {
        let mut by_line: BTreeMap<(FileId, usize), Vec<usize>> = BTreeMap::new();
        for (index, label) in labels.iter().enumerate() {
            if renderer.files.get(label.span.file).is_some() {
                by_line.entry((label.span.file, renderer.line(label.span).0)).or_default().push(index);
            }
        }
        let between: Vec<_> = by_line.keys().map(|&(file, line)| (file, line + 1)).collect();
        for key in between {
            if by_line.contains_key(&(key.0, key.1 + 1)) {
                by_line.entry(key).or_default();
            }
        }
        let mut drawn: Vec<Option<codespan::Label<FileId>>> = labels.iter().map(|_| None).collect();
        for ((file, line), indices) in by_line {
            let here: Vec<&Label> = indices.iter().filter_map(|&index| labels.get(index)).collect();
            let ranges = self.take_line(file, line, &here, renderer);
            for (index, range) in indices.into_iter().zip(ranges) {
                let style = if index == 0 { codespan::LabelStyle::Primary } else { codespan::LabelStyle::Secondary };
                let text = labels.get(index).map_or("", |label| label.text.as_str());
                if let Some(slot) = drawn.get_mut(index) {
                    *slot = Some(codespan::Label::new(style, file, range).with_message(readable(text)));
                }
            }
        }
        drawn.into_iter().flatten().collect()
    }

    /// Takes in one line, and gives the ranges of its labels in the snippet's text.
    fn take_line(
        &mut self,
        file: FileId,
        line: usize,
        labels: &[&Label],
        renderer: &Renderer<'_>,
    ) -> Vec<Range<usize>> {
        let Some(source) = renderer.files.get(file) else { return Vec::new() };
        let range = renderer.line_range(file, line);
        let text = source.text.get(range.clone()).unwrap_or("");
        let marks: Vec<Range<usize>> = labels.iter().map(|label| mark(text, range.start, label.span)).collect();
        let gutter = (line + 2).to_string().len() + 3;
        let Excerpt { text, marks } = excerpt(text, &marks, renderer.options.width.saturating_sub(gutter));
        let snippet = self.files.entry(file).or_default();
        snippet.name = printable(&source.name);
        let start = snippet.text.len();
        snippet.text.push_str(&text);
        snippet.lines.insert(line, start..snippet.text.len());
        snippet.text.push('\n');
        let ranges: Vec<_> = marks.into_iter().map(|mark| start + mark.start..start + mark.end).collect();
        for (label, range) in labels.iter().zip(&ranges) {
            snippet.places.entry(range.start).or_insert(renderer.position(label.span));
        }
        ranges
    }
}

/// The part of a span that lies in the line, which begins at byte `start`, without blanks at its end.
fn mark(line: &str, start: usize, span: Span) -> Range<usize> {
    let from = (span.start as usize).saturating_sub(start).min(line.len());
    let to = (span.end as usize).saturating_sub(start).clamp(from, line.len());
    from..from + line.get(from..to).map_or(to - from, |text| text.trim_end().len())
}

impl<'a> codespan_reporting::files::Files<'a> for Snippets {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, Error> {
        self.files.get(&id).map(|snippet| snippet.name.as_str()).ok_or(Error::FileMissing)
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        self.files.get(&id).map(|snippet| snippet.text.as_str()).ok_or(Error::FileMissing)
    }

    fn line_index(&'a self, id: FileId, byte: usize) -> Result<usize, Error> {
        let snippet = self.files.get(&id).ok_or(Error::FileMissing)?;
        let holds = |(_, range): &(&usize, &Range<usize>)| range.start <= byte && byte <= range.end;
        let missing = Error::IndexTooLarge { given: byte, max: snippet.text.len() };
        snippet.lines.iter().find(holds).map(|(line, _)| *line).ok_or(missing)
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<Range<usize>, Error> {
        let snippet = self.files.get(&id).ok_or(Error::FileMissing)?;
        snippet.lines.get(&line).cloned().ok_or(Error::LineTooLarge { given: line, max: snippet.lines.len() })
    }

    fn location(&'a self, id: FileId, byte: usize) -> Result<Location, Error> {
        let snippet = self.files.get(&id).ok_or(Error::FileMissing)?;
        let &(line_number, column_number) = snippet.places.get(&byte).ok_or(Error::FileMissing)?;
        Ok(Location { line_number, column_number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(files: &Files, text: &str) -> Span {
        let (file, source) = files.iter().next().expect("a file");
        let start = source.text.find(text).expect("the text") as u32;
        Span { file, start, end: start + text.len() as u32 }
    }

    fn drawn(files: &Files, diagnostic: &Diagnostic, width: usize) -> String {
        Renderer::new(files, RenderOptions { color: false, width }).render(diagnostic)
    }

    #[test]
    fn looks_as_the_design_says() {
        let mut files = Files::default();
        files.add("lenet.cnn", "model Net {\n    AvgPool2d(2, stride=2)\r\n    Conv2d(32, kernel_size=7)\r\n}\r\n");
        let whole = span(&files, "{\n    AvgPool2d");
        let diagnostic = Diagnostic::new(
            Code::E302,
            "the kernel is larger than its padded input",
            span(&files, "Conv2d(32, kernel_size=7)"),
            "needs at least 7×7",
        )
        .label(span(&files, "AvgPool2d(2, stride=2)"), "gives [N, 16, 5, 5]")
        .note("height: (5 + 2·0 − 1·(7 − 1) − 1) / 1 + 1 = −1")
        .help("padding=1 is the least that fits; padding=3 keeps 5×5");
        let traced =
            Diagnostic { trace: vec![Label { span: whole, text: "in block `Net`, called".into() }], ..diagnostic };
        insta::assert_snapshot!(drawn(&files, &traced, 100));
    }

    #[test]
    fn a_span_of_many_lines_is_drawn_at_its_first() {
        let mut files = Files::default();
        files.add("a.cnn", "sum {   \n    Identity\n}\nReLU\n");
        let diagnostic =
            Diagnostic::new(Code::E304, "branches differ", span(&files, "sum {   \n    Identity\n}"), "here")
                .label(span(&files, "}"), "ends");
        insta::assert_snapshot!(drawn(&files, &diagnostic, 100));
    }

    #[test]
    fn noise_and_places_past_the_end_are_drawn_too() {
        let mut files = Files::default();
        let file = files.add("noise\u{1b}[31m.cnn", "\u{0}\u{1b}[31m∀\tx");
        let end = Span { file, start: 900, end: 950 };
        let diagnostic = Diagnostic::new(Code::E101, "unexpected \u{1b}[31m", Span { file, start: 0, end: 2 }, "\u{7}")
            .label(end, "the end")
            .label(Span { file: FileId(7), start: 0, end: 1 }, "nowhere");
        insta::assert_snapshot!(drawn(&files, &diagnostic, 100));
    }

    #[test]
    fn a_long_trace_loses_its_middle_and_long_notes_are_wrapped() {
        let mut files = Files::default();
        files.add("deep.cnn", "Deep\n");
        let at = span(&files, "Deep");
        let mut diagnostic =
            Diagnostic::without_place(Code::E601, "cannot read weights.safetensors").note("word ".repeat(30));
        diagnostic.trace = (0..20).map(|turn| Label { span: at, text: format!("in turn {turn}") }).collect();
        insta::assert_snapshot!(drawn(&files, &diagnostic, 80));
    }

    #[test]
    fn warnings_have_a_code_and_notes_may_be_one_line() {
        let mut files = Files::default();
        files.add("a.cnn", "ReLU\n");
        let diagnostic = Diagnostic::new(Code::E201, "no", span(&files, "ReLU"), "here");
        let error = drawn(&files, &diagnostic, 80);
        let warning = drawn(&files, &diagnostic.clone().as_warning(), 80);
        assert_eq!(error.replace("error[", "warning["), warning);
        assert_eq!(drawn(&files, &diagnostic.as_note(), 80), error.replace("error[E201]", "note"));
        let note = Diagnostic::without_place(Code::E602, "drawn from seed 0").as_note();
        assert_eq!(drawn(&Files::default(), &note, 80), "note: drawn from seed 0\n");
        assert_eq!(
            drawn(&Files::default(), &note.help("load them"), 80),
            "note: drawn from seed 0\n = help: load them\n\n"
        );
    }

    #[test]
    fn colours_only_when_asked() {
        let mut files = Files::default();
        files.add("a.cnn", "ReLU\n");
        let diagnostic = Diagnostic::new(Code::E201, "no", span(&files, "ReLU"), "here");
        assert!(!drawn(&files, &diagnostic, 80).contains('\u{1b}'));
        assert!(Renderer::new(&files, RenderOptions { color: true, width: 80 }).render(&diagnostic).contains('\u{1b}'));
    }
}
