//! Text to trees: a spec with its imports, and what is set from outside as files of its own.

mod foreign_line;
mod load;
mod settings;
mod syntax;

pub use load::load;
pub use settings::{INIT_FILE, SETTINGS_FILE};
pub(in crate::resolve) use settings::{read_init, read_settings};
pub use syntax::diagnostic as syntax_diagnostic;
