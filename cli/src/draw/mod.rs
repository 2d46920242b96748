//! Pictures of a training: curves and confusion matrices, as SVG and for the terminal.
//!
//! Numbers come in, text goes out. Every SVG has its own colours for light and for dark surroundings.

pub mod axis;
pub mod confusion;
pub mod curves;
pub mod svg;
pub mod terminal;
