//! The open documents: what clients say of them comes in, and the texts, which stand before those on the disk, go out.

use crate::positions::{Encoding, Lines};
use cnnc_compiler::resolve::{Sources, tidied};
use lsp_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

/// One open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// As the client names it.
    pub uri: Uri,
    /// The client's number of this state.
    pub version: i32,
    /// Its text.
    pub text: String,
}

/// All open documents, by the names that the compiler has for files.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    open: BTreeMap<String, Document>,
}

impl Documents {
    /// Takes one in; gives its name.
    pub fn open(&mut self, item: TextDocumentItem) -> String {
        let name = name_of(&item.uri);
        self.open.insert(name.clone(), Document { uri: item.uri, version: item.version, text: item.text });
        name
    }

    /// Changes one; of a document that is not open nothing is known.
    pub fn change(
        &mut self,
        name: &str,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) {
        let Some(document) = self.open.get_mut(name) else { return };
        document.version = version;
        for change in changes {
            let Some(range) = change.range else {
                document.text = change.text;
                continue;
            };
            let lines = Lines::new(&document.text, encoding);
            let (start, end) = (lines.byte(&document.text, range.start), lines.byte(&document.text, range.end));
            document.text.replace_range(start..end.max(start), &change.text);
        }
    }

    /// Forgets one.
    pub fn close(&mut self, name: &str) {
        self.open.remove(name);
    }

    /// The document of that name.
    pub fn get(&self, name: &str) -> Option<&Document> {
        self.open.get(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.open.keys().map(String::as_str)
    }

    /// How the client names a file: as it opened it, else by its path.
    pub fn uri_of(&self, name: &str) -> Option<Uri> {
        self.open.get(name).map(|document| document.uri.clone()).or_else(|| file_uri(name))
    }
}

/// The open documents, and behind them the disk.
pub struct Overlay<'a> {
    /// What is open.
    pub documents: &'a Documents,
    /// What is not.
    pub disk: &'a dyn Sources,
}

impl Sources for Overlay<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let beside = importer.and_then(|importer| Path::new(importer).parent()).unwrap_or(Path::new(""));
        let name = tidied(&beside.join(path)).to_string_lossy().into_owned();
        match self.documents.get(&name) {
            Some(document) => Ok((name, document.text.clone())),
            None => self.disk.read(path, importer),
        }
    }

    fn meant(&self, path: &str, importer: &str) -> Option<String> {
        self.disk.meant(path, importer)
    }

    fn importable(&self, importer: &str) -> Vec<String> {
        self.disk.importable(importer)
    }
}

/// A file's name: its path, or for what is no file, all of its address.
pub fn name_of(uri: &Uri) -> String {
    let Some(path) = uri.as_str().strip_prefix("file://").and_then(|rest| rest.find('/').and_then(|at| rest.get(at..)))
    else {
        return uri.as_str().to_owned();
    };
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    tidied(Path::new(&*String::from_utf8_lossy(&bytes))).to_string_lossy().into_owned()
}

/// The address of a file.
fn file_uri(name: &str) -> Option<Uri> {
    if !name.starts_with('/') {
        return Uri::from_str(name).ok();
    }
    let mut text = "file://".to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => text.push(byte.into()),
            other => text += &format!("%{other:02X}"),
        }
    }
    Uri::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_types::{Position, Range};

    #[test]
    fn names_and_addresses_are_each_others_inverse() {
        for name in ["/a/b.cnn", "/with blank/ß+%.cnn", "untitled:Untitled-1"] {
            assert_eq!(name_of(&file_uri(name).expect("an address")), name);
        }
        assert_eq!(name_of(&Uri::from_str("file:///a/../b%20c.cnn").expect("an address")), "/b c.cnn");
    }

    #[test]
    fn changes_are_made_one_after_the_other() {
        let mut documents = Documents::default();
        let uri = Uri::from_str("file:///a.cnn").expect("an address");
        let name = documents.open(TextDocumentItem::new(uri, "cnn".into(), 1, "one\ntwo\n".into()));
        let change = |range: Option<[u32; 4]>, text: &str| TextDocumentContentChangeEvent {
            range: range.map(|[a, b, c, d]| Range::new(Position::new(a, b), Position::new(c, d))),
            range_length: None,
            text: text.into(),
        };
        let changes =
            vec![change(Some([0, 1, 1, 1]), "😀"), change(Some([0, 3, 0, 3]), "x"), change(Some([9, 9, 0, 0]), "!")];
        documents.change(&name, 2, changes, Encoding::Utf16);
        assert_eq!(documents.get(&name).map(|document| document.text.as_str()), Some("o😀xwo\n!"));
        documents.change(&name, 3, vec![change(None, "all new")], Encoding::Utf16);
        assert_eq!(documents.get(&name).map(|document| document.text.as_str()), Some("all new"));
    }
}
