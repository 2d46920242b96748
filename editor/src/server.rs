//! The loop over messages.
//!
//! One thread does all work. What has already arrived is taken in before the next message is answered, so that a request that is
//! cancelled while another is answered is never begun, and the diagnostics are told when nothing else waits: a client is never
//! told of a text that it has left behind. Messages may come in any order: what has no place gets the protocol's own errors.

use crate::documents::name_of;
use crate::state::State;
use crate::{diagnostics, requests};
use cnnc_compiler::resolve::Sources;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    Cancel, DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument, Exit,
    Notification as _,
};
use lsp_types::request::{Initialize, Request as _, Shutdown};
use lsp_types::{CancelParams, InitializeParams, NumberOrString};
use std::collections::VecDeque;
use std::io;

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As the protocol wants it: asked to shut down, then to exit.
    Orderly,
    /// The client was gone, or asked for an exit alone.
    Abrupt,
}

/// Serves standard input and output until the client ends it.
///
/// # Errors
/// What cannot be read as messages, or not written.
pub fn serve_stdio(disk: &dyn Sources) -> io::Result<Ending> {
    let (Connection { sender, receiver }, threads) = Connection::stdio();
    // The transport holds one message until it is taken. What waits must be known, for it may be cancelled; and a client that
    // writes much before it reads must not wait for a server that waits for it.
    let (arrive, arrived) = crossbeam_channel::unbounded();
    let queue = std::thread::spawn(move || receiver.into_iter().all(|message| arrive.send(message).is_ok()));
    let ending = serve(disk, &Connection { sender, receiver: arrived });
    // Nothing in it panics, and how it ended is no matter.
    let _ = queue.join();
    threads.join()?;
    Ok(ending)
}

/// Serves one client until it ends.
pub fn serve(disk: &dyn Sources, connection: &Connection) -> Ending {
    let mut server = Server { disk, connection, waiting: VecDeque::new(), phase: Phase::Fresh };
    loop {
        let message = match server.next() {
            Some(message) => message,
            None => return Ending::Abrupt,
        };
        match message {
            Message::Request(request) => server.answer(request),
            Message::Notification(Notification { method, .. }) if method == Exit::METHOD => {
                return if matches!(server.phase, Phase::Over) { Ending::Orderly } else { Ending::Abrupt };
            }
            Message::Notification(notification) => server.take(notification),
            // Nothing is asked of clients, so nothing is answered.
            Message::Response(_) => {}
        }
    }
}

/// How far a client is.
enum Phase<'a> {
    /// Before `initialize`.
    Fresh,
    /// At work.
    Working(Box<State<'a>>),
    /// After `shutdown`.
    Over,
}

/// The server of one client.
struct Server<'a> {
    disk: &'a dyn Sources,
    connection: &'a Connection,
    waiting: VecDeque<Message>,
    phase: Phase<'a>,
}

impl Server<'_> {
    /// The next message, when all that has arrived is taken in. Before the server waits for one it tells what it has found.
    fn next(&mut self) -> Option<Message> {
        self.take_in_what_has_arrived();
        // What is taken in may be nothing to answer, such as a cancelled request that was answered before.
        while self.waiting.is_empty() {
            if let Phase::Working(state) = &mut self.phase {
                let sender = &self.connection.sender;
                // A client that is gone is noticed when nothing more comes from it.
                diagnostics::tell(state, &|message| drop(sender.send(message)));
            }
            let message = self.connection.receiver.recv().ok()?;
            self.arrive(message);
            self.take_in_what_has_arrived();
        }
        self.waiting.pop_front()
    }

    fn take_in_what_has_arrived(&mut self) {
        while let Ok(message) = self.connection.receiver.try_recv() {
            self.arrive(message);
        }
    }

    /// Puts a message behind the others; one that cancels a request that still waits takes its place.
    fn arrive(&mut self, message: Message) {
        let cancelled = match &message {
            Message::Notification(notification) if notification.method == Cancel::METHOD => cancelled(notification),
            _ => None,
        };
        let Some(cancelled) = cancelled else {
            self.waiting.push_back(message);
            return;
        };
        let is_it = |message: &Message| matches!(message, Message::Request(request) if request.id == cancelled);
        if let Some(place) = self.waiting.iter().position(is_it) {
            self.waiting.remove(place);
            self.refuse(cancelled, ErrorCode::RequestCanceled, "cancelled by the client");
        }
    }

    fn answer(&mut self, request: Request) {
        match (&mut self.phase, request.method.as_str()) {
            (Phase::Fresh, Initialize::METHOD) => self.initialize(request),
            (Phase::Fresh, _) => self.refuse(request.id, ErrorCode::ServerNotInitialized, "`initialize` comes first"),
            (Phase::Over, _) => self.refuse(request.id, ErrorCode::InvalidRequest, "the server is shut down"),
            (Phase::Working(_), Initialize::METHOD) => {
                self.refuse(request.id, ErrorCode::InvalidRequest, "the server is initialized already");
            }
            (Phase::Working(_), Shutdown::METHOD) => {
                self.phase = Phase::Over;
                self.send(Response::new_ok(request.id, ()));
            }
            (Phase::Working(state), _) => {
                let response = requests::answer(state, request);
                self.send(response);
            }
        }
    }

    fn initialize(&mut self, request: Request) {
        match serde_json::from_value::<InitializeParams>(request.params) {
            Ok(parameters) => {
                let state = State::new(self.disk, &parameters.capabilities);
                self.send(Response::new_ok(request.id, requests::capabilities(&state)));
                self.phase = Phase::Working(Box::new(state));
            }
            Err(error) => self.refuse(request.id, ErrorCode::InvalidParams, &error.to_string()),
        }
    }

    /// Follows a notification; one that cannot be read, or is of no interest, changes nothing.
    fn take(&mut self, notification: Notification) {
        let Phase::Working(state) = &mut self.phase else { return };
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let Some(parameters) = read::<DidOpenTextDocument>(notification) else { return };
                let name = state.documents.open(parameters.text_document);
                state.forget(&name);
            }
            DidChangeTextDocument::METHOD => {
                let Some(parameters) = read::<DidChangeTextDocument>(notification) else { return };
                let name = name_of(&parameters.text_document.uri);
                let (version, encoding) = (parameters.text_document.version, state.encoding);
                state.documents.change(&name, version, parameters.content_changes, encoding);
                state.forget(&name);
            }
            DidCloseTextDocument::METHOD => {
                let Some(parameters) = read::<DidCloseTextDocument>(notification) else { return };
                let name = name_of(&parameters.text_document.uri);
                state.documents.close(&name);
                state.forget(&name);
            }
            DidChangeWatchedFiles::METHOD => state.forget_all(),
            _ => {}
        }
    }

    fn refuse(&self, id: RequestId, code: ErrorCode, message: &str) {
        self.send(Response::new_err(id, code as i32, message.to_owned()));
    }

    /// A client that is gone is noticed when nothing more comes from it.
    fn send(&self, response: Response) {
        let _ = self.connection.sender.send(response.into());
    }
}

/// A notification's parameters, where they are what the protocol says.
fn read<N: lsp_types::notification::Notification>(notification: Notification) -> Option<N::Params> {
    serde_json::from_value(notification.params).ok()
}

/// Which request a notification cancels.
fn cancelled(notification: &Notification) -> Option<RequestId> {
    let parameters: CancelParams = serde_json::from_value(notification.params.clone()).ok()?;
    Some(match parameters.id {
        NumberOrString::Number(number) => number.into(),
        NumberOrString::String(text) => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    struct Nothing;

    impl Sources for Nothing {
        fn read(&self, _: &str, _: Option<&str>) -> Result<(String, String), String> {
            Err("there is no such file".into())
        }
    }

    /// All messages have arrived before the server begins, so that which of them wait is no matter of time.
    #[test]
    fn a_request_that_waits_can_be_cancelled() {
        let (server, client) = Connection::memory();
        let request = |id: i32, method: &str, params: Value| {
            client.sender.send(Request { id: id.into(), method: method.into(), params }.into()).expect("sent");
        };
        let notify = |method: &str, params: Value| {
            client.sender.send(Notification { method: method.into(), params }.into()).expect("sent");
        };
        let document = json!({ "textDocument": { "uri": "file:///a.cnn" } });
        request(1, "initialize", json!({ "capabilities": {} }));
        request(2, "textDocument/foldingRange", document.clone());
        request(3, "textDocument/foldingRange", document);
        notify("$/cancelRequest", json!({ "id": 3 }));
        notify("$/cancelRequest", json!({ "id": 99 }));
        request(4, "shutdown", Value::Null);
        notify("exit", Value::Null);
        assert_eq!(serve(&Nothing, &server), Ending::Orderly);
        drop(server);
        let answered = client.receiver.iter().filter_map(|message| match message {
            Message::Response(response) => Some((response.id.to_string(), response.error.map(|error| error.code))),
            _ => None,
        });
        let cancelled = Some(ErrorCode::RequestCanceled as i32);
        let expected = [("3", cancelled), ("1", None), ("2", None), ("4", None)];
        assert_eq!(answered.collect::<Vec<_>>(), expected.map(|(id, code)| (id.to_owned(), code)));
    }
}
