//! A client of `cnnc lsp` as a process: rust-analyzer's `lsp-server` frames its messages, `lsp-types` writes them.

use lsp_server::{Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self, Notification as _};
use lsp_types::request;
use lsp_types::{
    Diagnostic, DidChangeTextDocumentParams, DidOpenTextDocumentParams, InitializeParams, InitializeResult, Position,
    PublishDiagnosticsParams, Range, TextDocumentContentChangeEvent, TextDocumentIdentifier, TextDocumentItem,
    TextDocumentPositionParams, Uri, VersionedTextDocumentIdentifier,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::str::FromStr;

/// A running server and what it has told.
pub struct Client {
    server: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: i32,
    /// Diagnostics by file as they were told last.
    pub told: BTreeMap<String, Vec<Diagnostic>>,
    /// Everything that was told, in order.
    pub all_told: Vec<PublishDiagnosticsParams>,
}

impl Client {
    /// A server that has got nothing yet.
    pub fn start() -> Client {
        let mut server = Command::new(env!("CARGO_BIN_EXE_cnnc"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().expect("its output"));
        Client { server, input, output, next: 0, told: BTreeMap::new(), all_told: Vec::new() }
    }

    /// A server that is initialized for a client with these capabilities.
    pub fn initialized(capabilities: Value) -> (Client, InitializeResult) {
        let mut client = Client::start();
        let parameters: InitializeParams =
            serde_json::from_value(json!({ "capabilities": capabilities })).expect("parameters");
        let result = client.ask::<request::Initialize>(parameters);
        client.tell::<notification::Initialized>(lsp_types::InitializedParams {});
        (client, result)
    }

    /// An initialized server with one open document.
    pub fn with(path: &str, text: &str) -> (Client, Uri) {
        let (mut client, _) = Client::initialized(json!({}));
        let uri = client.open(path, text);
        (client, uri)
    }

    /// Sends a message as it is.
    pub fn send(&mut self, message: Message) {
        message.write(self.input.as_mut().expect("an open input")).expect("the server reads");
    }

    /// The next message, which is kept if it tells diagnostics.
    pub fn receive(&mut self) -> Option<Message> {
        let message = Message::read(&mut self.output).expect("a message")?;
        if let Message::Notification(Notification { method, params }) = &message
            && method == notification::PublishDiagnostics::METHOD
        {
            let told: PublishDiagnosticsParams = serde_json::from_value(params.clone()).expect("diagnostics");
            self.told.insert(told.uri.to_string(), told.diagnostics.clone());
            self.all_told.push(told);
        }
        Some(message)
    }

    /// Sends a request and gives its number.
    pub fn request(&mut self, method: &str, params: Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.send(Request { id: id.clone(), method: method.into(), params }.into());
        id
    }

    /// The answer to a request.
    pub fn response(&mut self, id: &RequestId) -> Response {
        loop {
            match self.receive().expect("an answer") {
                Message::Response(response) if response.id == *id => return response,
                Message::Response(other) => panic!("nobody waits for {other:?}"),
                _ => {}
            }
        }
    }

    /// Asks, and gives the answer or the error's message.
    pub fn try_ask<R: request::Request>(&mut self, params: R::Params) -> Result<R::Result, String> {
        let id = self.request(R::METHOD, serde_json::to_value(params).expect("JSON"));
        let response = self.response(&id);
        match response.error {
            Some(error) => Err(error.message),
            None => Ok(serde_json::from_value(response.result.unwrap_or_default()).expect("a result")),
        }
    }

    /// Asks, and gives the answer.
    pub fn ask<R: request::Request>(&mut self, params: R::Params) -> R::Result {
        self.try_ask::<R>(params).unwrap_or_else(|error| panic!("{}: {error}", R::METHOD))
    }

    /// As [`Client::ask`], the parameters as JSON.
    pub fn ask_json<R: request::Request>(&mut self, params: Value) -> R::Result {
        self.ask::<R>(serde_json::from_value(params).expect("parameters"))
    }

    /// Sends a notification.
    pub fn tell<N: notification::Notification>(&mut self, params: N::Params) {
        self.send(Notification::new(N::METHOD.into(), params).into());
    }

    /// Opens a document at a path.
    pub fn open(&mut self, path: &str, text: &str) -> Uri {
        let uri = Uri::from_str(&format!("file://{path}")).expect("an address");
        let text_document = TextDocumentItem::new(uri.clone(), "cnn".into(), 0, text.into());
        self.tell::<notification::DidOpenTextDocument>(DidOpenTextDocumentParams { text_document });
        uri
    }

    /// Changes a part of a document, or all of it.
    pub fn change(&mut self, uri: &Uri, version: i32, range: Option<Range>, text: &str) {
        let change = TextDocumentContentChangeEvent { range, range_length: None, text: text.into() };
        let text_document = VersionedTextDocumentIdentifier::new(uri.clone(), version);
        let params = DidChangeTextDocumentParams { text_document, content_changes: vec![change] };
        self.tell::<notification::DidChangeTextDocument>(params);
    }

    /// Waits until the diagnostics of a document are as they are looked for.
    pub fn wait_for(&mut self, uri: &Uri, wanted: impl Fn(&[Diagnostic]) -> bool) {
        while !wanted(self.told.get(uri.as_str()).map(Vec::as_slice).unwrap_or_default()) {
            self.receive().expect("diagnostics");
        }
    }

    /// Ends the server as the protocol has it.
    pub fn finish(mut self) -> ExitStatus {
        self.ask::<request::Shutdown>(());
        self.exit()
    }

    /// Asks the server to exit, and waits.
    pub fn exit(&mut self) -> ExitStatus {
        self.tell::<notification::Exit>(());
        self.input = None;
        while self.receive().is_some() {}
        self.server.wait().expect("an end")
    }
}

/// A failed test leaves no process behind.
impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The position of the byte behind `inner` in the first `around` of an ASCII text.
pub fn behind(text: &str, around: &str, inner: &str) -> Position {
    let start = text.find(around).unwrap_or_else(|| panic!("no {around}"));
    position(text, start + around.find(inner).expect("a part of it") + inner.len())
}

/// The position of a byte, counted as UTF-16 by itself.
pub fn position(text: &str, byte: usize) -> Position {
    let head = &text[..byte];
    let line = head.rsplit('\n').next().unwrap_or_default();
    Position::new(head.matches('\n').count() as u32, line.encode_utf16().count() as u32)
}

/// A place in a document.
pub fn at(uri: &Uri, position: Position) -> TextDocumentPositionParams {
    TextDocumentPositionParams::new(TextDocumentIdentifier::new(uri.clone()), position)
}
