//! How far a GPU may be off from what the doctor's grid expects, by the precision that products are taken in.

use super::program::Precision;
use crate::doctor::{LAYER, Subject};

impl Subject {
    /// What a GPU may be off: it adds in another order than the CPU, and takes products as exactly as it is told to.
    pub fn tolerance_on_gpu(&self, precision: Precision) -> f64 {
        let multiplies = |layers: &str| ["Conv", "Linear"].iter().any(|layer| layers.contains(layer));
        let takes_products = self.cases.iter().any(|(layers, _)| multiplies(layers));
        let least = match (takes_products, precision) {
            (true, Precision::Tf32 | Precision::Fp16) => 2e-3,
            (true, Precision::Bf16) => 1e-2,
            _ => LAYER,
        };
        if self.tolerance == 0.0 { 0.0 } else { self.tolerance.max(least) }
    }
}

#[cfg(test)]
mod tests {
    use crate::cuda::program::Precision;
    use crate::doctor::GRID;

    #[test]
    fn a_gpu_s_tolerance_is_wide_where_it_rounds_what_it_multiplies_and_nowhere_else() {
        let allowed = |name: &str, precision| {
            GRID.iter().find(|subject| subject.name == name).map(|subject| subject.tolerance_on_gpu(precision))
        };
        assert_eq!(allowed("conv direct", Precision::Exact), Some(1e-5));
        assert_eq!(allowed("resampling", Precision::Tf32), Some(2e-3), "one of its cases convolves");
        assert_eq!(allowed("gradients of linear layers", Precision::Bf16), Some(1e-2));
        assert_eq!(allowed("sigmoid", Precision::Bf16), Some(1e-5));
        assert_eq!(allowed("max pooling", Precision::Bf16), Some(0.0));
    }
}
