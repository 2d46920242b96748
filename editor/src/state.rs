//! What the server knows between two messages: the open documents, what was found in each, and what clients were told.
//!
//! Documents are checked when somebody asks or when there is time, and at most once a change: a burst of keystrokes costs one
//! check. What a change may touch is forgotten at once, so that no answer is of an older text.

use crate::analysis::{Analysis, View};
use crate::documents::{Documents, Overlay};
use crate::positions::Encoding;
use cnnc_compiler::resolve::Sources;
use cnnc_grammar::span::Span;
use lsp_types::{ClientCapabilities, Diagnostic, Location, Uri};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The state.
pub struct State<'a> {
    /// What is open.
    pub documents: Documents,
    /// What columns count.
    pub encoding: Encoding,
    /// What the client was last told of each file that something is wrong with.
    pub told: BTreeMap<String, Vec<Diagnostic>>,
    disk: &'a dyn Sources,
    analyses: RefCell<BTreeMap<String, Rc<Analysis>>>,
}

impl<'a> State<'a> {
    /// Nothing is open.
    pub fn new(disk: &'a dyn Sources, client: &ClientCapabilities) -> State<'a> {
        let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_deref());
        State {
            documents: Documents::default(),
            encoding: Encoding::of(offered),
            told: BTreeMap::new(),
            disk,
            analyses: RefCell::default(),
        }
    }

    /// All that can be read.
    pub fn sources(&self) -> Overlay<'_> {
        Overlay { documents: &self.documents, disk: self.disk }
    }

    /// Forgets what depends on a file.
    pub fn forget(&mut self, name: &str) {
        self.analyses.get_mut().retain(|root, analysis| root != name && !analysis.depends_on(name));
    }

    /// Forgets all that was found.
    pub fn forget_all(&mut self) {
        self.analyses.get_mut().clear();
    }

    /// What is found in an open document.
    pub fn analysis(&self, name: &str) -> Option<Rc<Analysis>> {
        self.documents.get(name)?;
        if let Some(known) = self.analyses.borrow().get(name) {
            return Some(known.clone());
        }
        let analysis = Rc::new(Analysis::new(name, &self.sources(), self.encoding));
        self.analyses.borrow_mut().insert(name.to_owned(), analysis.clone());
        Some(analysis)
    }

    /// What is found in all open documents, by name.
    pub fn analyses(&self) -> Vec<Rc<Analysis>> {
        self.documents.names().filter_map(|name| self.analysis(name)).collect()
    }

    /// An open document as its own analysis sees it.
    pub fn view(&self, uri: &Uri) -> Option<View> {
        let name = crate::documents::name_of(uri);
        let analysis = self.analysis(&name)?;
        let file = analysis.file(&name)?;
        Some(View { analysis, file })
    }

    /// A file as all open documents see it, its own first.
    pub fn views(&self, uri: &Uri) -> Vec<View> {
        let name = crate::documents::name_of(uri);
        let own = self.view(uri);
        let others = self.documents.names().filter(|other| **other != *name).filter_map(|other| {
            let analysis = self.analysis(other)?;
            let file = analysis.file(&name)?;
            Some(View { analysis, file })
        });
        own.into_iter().chain(others).collect()
    }

    /// Where a span of an analysis is; nowhere where it is of no file of the client's.
    pub fn location(&self, analysis: &Analysis, span: Span) -> Option<Location> {
        let name = &analysis.checked.files.get(span.file)?.name;
        Some(Location::new(self.documents.uri_of(name)?, analysis.range(span)))
    }
}
