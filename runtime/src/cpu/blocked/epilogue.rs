//! How a vector kernel ends: bias and residual added, clamped, stored. The heavy tile has its own, over many sums at once.

use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::vector::Vector;

/// The epilogue of one block of channels, as addresses.
#[derive(Clone, Copy)]
pub(crate) struct BlockEpilogue {
    /// `LANES` values; null for none.
    bias: *const f32,
    limits: [f32; 2],
}

impl BlockEpilogue {
    /// Nothing is done to results.
    pub(crate) const NONE: BlockEpilogue = BlockEpilogue { bias: std::ptr::null(), limits: KernelCall::UNLIMITED };

    /// That of a call, for block `block` of `lanes` channels.
    pub(crate) fn of(call: &KernelCall<'_>, block: usize, lanes: usize) -> Self {
        Self { bias: call.bias_at(block * lanes), limits: call.limits }
    }

    /// The same in registers.
    ///
    /// # Safety
    /// The bias of the call covers the block.
    #[inline(always)]
    pub(crate) unsafe fn load<V: Vector>(&self) -> LoadedEpilogue<V> {
        // SAFETY: the caller promises a bias that covers the block.
        let bias = if self.bias.is_null() { V::zero() } else { unsafe { V::load(self.bias) } };
        LoadedEpilogue { bias, low: V::splat(self.limits[0]), high: V::splat(self.limits[1]) }
    }
}

/// An [`BlockEpilogue`] in registers.
#[derive(Clone, Copy)]
pub(crate) struct LoadedEpilogue<V> {
    bias: V,
    low: V,
    high: V,
}

impl<V: Vector> LoadedEpilogue<V> {
    /// Stores `value · factor + bias + residual`, clamped; the residual is null for none.
    ///
    /// # Safety
    /// The addresses are valid for a vector.
    #[inline(always)]
    pub(crate) unsafe fn store(&self, value: V, factor: V, residual: *const f32, to: *mut f32) {
        let mut value = value.mul_add(factor, self.bias);
        // SAFETY: the caller promises addresses that are valid for a vector.
        unsafe {
            if !residual.is_null() {
                value = value.add(V::load(residual));
            }
            value.max(self.low).min(self.high).store(to);
        }
    }
}
