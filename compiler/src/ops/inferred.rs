//! What PyTorch's layers take that ours infer: the channels or features that come in.

use crate::shape::{Dim, Shape};

/// What a layer infers, and where PyTorch's list has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inferred {
    /// PyTorch's name of it.
    pub name: &'static str,
    /// Its position there.
    pub position: usize,
}

impl Inferred {
    /// Its value for an input of that shape.
    pub fn of(self, input: &Shape) -> Option<i64> {
        let is_last = matches!(self.name, "in_features" | "embed_dim");
        let size = if is_last { input.last() } else { input.get(1) };
        size.and_then(Dim::number)
    }
}

/// What PyTorch's layer of that name takes and ours infers.
pub fn inferred(layer: &str) -> Option<Inferred> {
    const KINDS: &[(&str, &str, usize)] = &[
        ("Conv", "in_channels", 0),
        ("Linear", "in_features", 0),
        ("BatchNorm", "num_features", 0),
        ("InstanceNorm", "num_features", 0),
        ("LayerNorm2d", "num_channels", 0),
        ("GroupNorm", "num_channels", 1),
        ("MultiheadAttention", "embed_dim", 0),
    ];
    let kind = KINDS.iter().find(|(begin, ..)| layer.starts_with(begin));
    kind.map(|&(_, name, position)| Inferred { name, position })
}
