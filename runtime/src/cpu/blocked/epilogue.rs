//! What is done to a finished sum before it is stored: residual, activation, or anything else while the row is in cache.

/// Done to outputs that are complete but still in cache: activations that are no clamp.
pub trait Finish: Sync {
    /// `row` holds pixels × LANES floats of block `block` of output channels (counted over the whole batch:
    /// image × blocks + block); it lies at `offset` in the output.
    fn finish(&self, block: usize, offset: usize, row: &mut [f32]);
}

/// `output = finish(clamp(sum + bias + residual))`. The bias is packed with the weights.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// Added to the sum, laid out as the output.
    pub residual: Option<&'a [f32]>,
    /// The activation as a clamp: `[0, ∞]` is ReLU, `[0, 6]` ReLU6, `[-∞, ∞]` none.
    pub limits: [f32; 2],
    /// Run over every finished row.
    pub finish: Option<&'a dyn Finish>,
}

impl Epilogue<'_> {
    /// The sum as it is.
    pub const NONE: Epilogue<'static> =
        Epilogue { residual: None, limits: [f32::NEG_INFINITY, f32::INFINITY], finish: None };
    /// ReLU.
    pub const RELU: Epilogue<'static> = Epilogue { residual: None, limits: [0.0, f32::INFINITY], finish: None };

    /// Calls `finish` for a row of the output.
    ///
    /// # Safety
    /// `row` is valid for `length` floats that no other thread touches meanwhile.
    pub(crate) unsafe fn run_finish(&self, block: usize, offset: usize, row: *mut f32, length: usize) {
        if let Some(finish) = self.finish {
            // SAFETY: the caller's promise.
            finish.finish(block, offset, unsafe { std::slice::from_raw_parts_mut(row, length) });
        }
    }

    /// Panics if the residual is not as long as the output.
    pub(crate) fn check(&self, output_length: usize) {
        assert!(self.residual.is_none_or(|residual| residual.len() == output_length), "residual and output are alike");
    }

    /// The residual at `offset` of the output, or null.
    pub(crate) fn residual_at(&self, offset: usize) -> *const f32 {
        self.residual.map_or(std::ptr::null(), |residual| residual[offset..].as_ptr())
    }
}
