//! THE LIST of what can be asked: each request of the protocol with the function that answers it, and what clients are told of it
//! at first.

use crate::state::State;
use crate::{actions, completion, edits, hints, hover, lenses, names, outline, signature, tokens};
use lsp_server::{ErrorCode, Request, Response, ResponseError};
use lsp_types::request::{self as protocol, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions, CompletionOptions,
    FoldingRangeProviderCapability, HoverProviderCapability, InitializeResult, OneOf, RenameOptions,
    SemanticTokensFullOptions, SemanticTokensOptions, ServerCapabilities, ServerInfo, SignatureHelpOptions,
    TextDocumentSyncCapability, TextDocumentSyncKind, WorkDoneProgressOptions,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An answer, or why there is none.
pub type Answer<T> = Result<T, ResponseError>;

/// Why something is not done, in words for people.
pub fn refusal<T>(message: impl Into<String>) -> Answer<T> {
    Err(ResponseError { code: ErrorCode::RequestFailed as i32, message: message.into(), data: None })
}

macro_rules! requests {
    ($($request:ident => $answer:path,)*) => {
        /// The answer to a request. One that cannot be read, that is not on the list, or in which the compiler makes a mistake
        /// has an error, and the server goes on.
        pub fn answer(state: &State<'_>, request: Request) -> Response {
            match request.method.as_str() {
                $(protocol::$request::METHOD => reply::<protocol::$request>(state, request, $answer),)*
                method => {
                    let message = format!("`{method}` is not offered");
                    Response::new_err(request.id, ErrorCode::MethodNotFound as i32, message)
                }
            }
        }
    };
}

requests! {
    HoverRequest => hover::hover,
    InlayHintRequest => hints::hints,
    Completion => completion::completion,
    ResolveCompletionItem => completion::resolve,
    SignatureHelpRequest => signature::signature,
    GotoDefinition => names::definition,
    References => names::references,
    DocumentHighlightRequest => names::highlights,
    PrepareRenameRequest => names::prepare_rename,
    Rename => names::rename,
    CodeActionRequest => actions::actions,
    Formatting => edits::formatting,
    DocumentSymbolRequest => outline::symbols,
    FoldingRangeRequest => outline::foldings,
    SemanticTokensFullRequest => tokens::tokens,
    CodeLensRequest => lenses::lenses,
}

fn reply<R: protocol::Request>(
    state: &State<'_>,
    request: Request,
    answer: fn(&State<'_>, R::Params) -> Answer<R::Result>,
) -> Response {
    let parameters = match serde_json::from_value(request.params) {
        Ok(parameters) => parameters,
        Err(error) => return Response::new_err(request.id, ErrorCode::InvalidParams as i32, error.to_string()),
    };
    // Answers are computed from the state and change nothing in it that outlives a change of the text.
    match catch_unwind(AssertUnwindSafe(|| answer(state, parameters))) {
        Ok(Ok(result)) => Response::new_ok(request.id, result),
        Ok(Err(error)) => Response { id: request.id, result: None, error: Some(error) },
        Err(_) => Response::new_err(request.id, ErrorCode::InternalError as i32, "cnnc made a mistake (E499)".into()),
    }
}

/// What the client is told at first.
pub fn capabilities(state: &State<'_>) -> InitializeResult {
    let characters = |text: &str| Some(text.chars().map(String::from).collect());
    let progress = WorkDoneProgressOptions::default();
    let capabilities = ServerCapabilities {
        position_encoding: Some(state.encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::INCREMENTAL)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        inlay_hint_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions {
            resolve_provider: Some(true),
            trigger_characters: characters("(,\"./ "),
            ..CompletionOptions::default()
        }),
        signature_help_provider: Some(SignatureHelpOptions {
            trigger_characters: characters("(,="),
            retrigger_characters: characters(")"),
            work_done_progress_options: progress,
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: progress,
        })),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, CodeActionKind::SOURCE_FIX_ALL]),
            ..CodeActionOptions::default()
        })),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        semantic_tokens_provider: Some(
            SemanticTokensOptions {
                legend: tokens::legend(),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            }
            .into(),
        ),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        ..ServerCapabilities::default()
    };
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    InitializeResult { capabilities, server_info: Some(ServerInfo { name: "cnnc".into(), version }) }
}
