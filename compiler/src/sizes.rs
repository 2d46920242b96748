//! For which sizes of the symbols a network is valid.
//!
//! Inference leaves requirements such as `2·(H//2) == H`. This module finds, by trying sizes, which values each symbol may have, and says
//! it in words: "any multiple of 32 from 32 up".

/// The valid sizes of every symbol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// One entry a symbol, in the order of their first use.
    pub symbols: Vec<SymbolSizes>,
}

/// The valid sizes of one symbol: `start`, `start + step`, `start + 2·step`, …
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolSizes {
    /// Its name.
    pub name: std::sync::Arc<str>,
    /// The smallest size.
    pub start: i64,
    /// The step from one to the next.
    pub step: i64,
}
