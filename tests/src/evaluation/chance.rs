//! Layers that drop by chance in training, drawn as the generator's definition says.
//!
//! Element `i` of what is thrown for takes word `i % 4` of block `i / 4` of Philox4x32-10, whose key is (seed, step) and whose
//! stream is
//! the FNV-1a hash of the layer's path, with `#2` behind it at the second use of the layer, `#3` at the third.

use super::array::{Array, number_of};
use super::number::Number;
use cnnc_compiler::kernels::random::{fnv1a, uniform};
use std::collections::HashMap;
use std::sync::Arc;

/// Draws for layers.
pub struct Chance {
    /// Seed and step.
    pub key: [u64; 2],
    /// How often each path was asked for.
    pub uses: HashMap<Arc<str>, usize>,
}

impl Chance {
    /// The stream of a layer that is met in its turn.
    pub fn stream(&mut self, path: &Arc<str>) -> u64 {
        let uses = self.uses.entry(path.clone()).or_default();
        *uses += 1;
        if *uses == 1 { fnv1a(path) } else { fnv1a(&format!("{path}#{uses}")) }
    }
}

/// A number by chance `p`, else what `keep` makes of the element; one throw for all elements that differ only along axes that
/// are thrown for `together`.
pub fn dropped(
    x: &Array,
    (p, floor, keep): (f64, Number, &dyn Fn(Number) -> Number),
    key: [u64; 2],
    stream: u64,
    together: impl Fn(usize) -> bool,
) -> Array {
    if p == 0.0 {
        return x.clone();
    }
    let thrown: Vec<usize> =
        x.shape.iter().enumerate().map(|(axis, &size)| if together(axis) { 1 } else { size }).collect();
    Array::of(&x.shape, |place| {
        let own: Vec<usize> = place.iter().zip(&thrown).map(|(&index, &size)| index.min(size - 1)).collect();
        let number = number_of(&own, &thrown) as u64;
        if uniform(number, stream, key) < p { floor } else { keep(x.at(place)) }
    })
}
