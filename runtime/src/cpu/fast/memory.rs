//! Where the storages of a plan lie while it runs.

use super::lane::{Lane, Pattern};
use cnnc_compiler::plan::{Storage, View};

/// The first element of every storage during one run. Inputs are never written to.
pub struct Memory {
    /// By number.
    pub inputs: Vec<*const f32>,
    /// By number; null for those that are no longer needed, which no step reads. Only those that the plan updates are written to.
    pub parameters: Vec<*mut f32>,
    /// What `prepare` makes for itself; null in a run, which does not read it.
    pub scratch: *mut f32,
    /// The values that `prepare` made, by number. Only `prepare` writes to them, and only to those that no other plan has.
    pub prepared: Vec<*mut f32>,
    /// Values of this run; null in `prepare`.
    pub arena: *mut f32,
    /// The caller's memory for outputs, by number; those that are written there alone, the others are null.
    pub outputs: Vec<*mut f32>,
    /// For the heavy kernels to work in, a part a thread; no value of the plan.
    pub workspace: *mut f32,
}

// SAFETY: tasks that run at the same time write to distinct elements and read none that another writes; the plan was checked for
// this, and each kernel divides its result among its tasks.
unsafe impl Sync for Memory {}

/// Bytes of a float, in which memory is counted here; an element of another type begins on one.
pub const WORD_BYTES: usize = 4;

/// Where a view begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Address {
    /// The storage.
    pub storage: Storage,
    /// The float.
    pub offset: usize,
}

impl Address {
    /// Where a view begins.
    pub fn of(view: &View) -> Address {
        Address { storage: view.storage, offset: view.offset_bytes / WORD_BYTES }
    }
}

/// Lists that are kept for their memory.
#[derive(Default)]
pub struct Lists {
    /// As [`Memory::inputs`].
    pub inputs: Vec<*const f32>,
    /// As [`Memory::parameters`].
    pub parameters: Vec<*mut f32>,
    /// As [`Memory::prepared`].
    pub prepared: Vec<*mut f32>,
    /// As [`Memory::outputs`].
    pub outputs: Vec<*mut f32>,
}

impl Memory {
    /// Its lists, once nothing is run over it any more.
    pub fn into_lists(self) -> Lists {
        Lists { inputs: self.inputs, parameters: self.parameters, prepared: self.prepared, outputs: self.outputs }
    }

    /// The lane that begins `offset` elements after an address.
    ///
    /// # Safety
    /// The element must lie in its storage.
    #[inline]
    pub unsafe fn lane(&self, address: Address, offset: usize, stride: usize) -> Lane {
        let base = match address.storage {
            Storage::Input(index) => self.inputs[index].cast_mut(),
            Storage::Parameter(index) => self.parameters[index],
            Storage::Scratch => self.scratch,
            Storage::Prepared(index) => self.prepared[index],
            Storage::Arena => self.arena,
            Storage::Output(index) => self.outputs[index],
        };
        // SAFETY: the caller promises an element that lies in its storage.
        Lane { pointer: unsafe { base.add(address.offset + offset) }, pattern: Pattern::Stride(stride) }
    }

    /// The element `offset` elements after an address.
    ///
    /// # Safety
    /// The element must lie in its storage.
    #[inline]
    pub unsafe fn at(&self, address: Address, offset: usize) -> *mut f32 {
        // SAFETY: the caller promises an element that lies in its storage.
        unsafe { self.lane(address, offset, 1).pointer }
    }
}
