//! In what the products of convolutions and matrices are taken.

/// In what the products of convolutions and matrices are taken. Everything else, and all sums of floats, are float32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// Float32 as it is.
    #[default]
    Exact,
    /// Operands rounded to 10 bits of mantissa, on tensor cores.
    Tf32,
    /// Operands rounded to half precision, on tensor cores.
    Fp16,
    /// Operands rounded to bfloat16, on tensor cores.
    Bf16,
    /// Values as bytes, of weights that say which numbers these stand for; on the processor.
    Int8,
}

impl Precision {
    /// All, the most exact first.
    pub const ALL: [Precision; 5] =
        [Precision::Exact, Precision::Tf32, Precision::Fp16, Precision::Bf16, Precision::Int8];
    /// Those of GPUs.
    pub const OF_GPUS: [Precision; 4] = [Precision::Exact, Precision::Tf32, Precision::Fp16, Precision::Bf16];

    /// Its name on the command line: `fp32`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Exact => "fp32",
            Precision::Tf32 => "tf32",
            Precision::Fp16 => "fp16",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
        }
    }
}
