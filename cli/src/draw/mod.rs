//! Pictures: curves and confusion matrices of a training, as SVG and for the terminal; kernels, feature maps and samples as PNG.
//!
//! Numbers come in, text or pixels go out. Every SVG has its own colours for light and for dark surroundings.

pub mod axis;
pub mod confusion;
pub mod curves;
pub mod kernels;
pub mod pixels;
pub mod raster;
pub mod svg;
pub mod terminal;
