//! Where the storages of a plan lie while it runs.

use super::lane::Lane;
use cnnc_compiler::plan::{Storage, View};

/// Elements of a cache line, at whose multiples the arena and its values begin.
const LINE: usize = 16;

/// Memory that begins at a cache line.
pub struct Buffer {
    memory: Vec<f32>,
    first: usize,
}

impl Buffer {
    /// That many zeros; the system hands the pages out when they are first touched.
    pub fn new(elements: usize) -> Buffer {
        let memory = vec![0.0; elements + LINE];
        let first = memory.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Buffer { memory, first }
    }

    /// The first element.
    pub fn pointer(&mut self) -> *mut f32 {
        self.memory[self.first..].as_mut_ptr()
    }
}

/// The first element of every storage during one run. Inputs are never written to.
pub struct Memory {
    /// By number.
    pub inputs: Vec<*const f32>,
    /// By number; null for those that are no longer needed, which no step reads. Only those that the plan updates are written to.
    pub parameters: Vec<*mut f32>,
    /// What `prepare` made.
    pub prepared: *mut f32,
    /// Values of this run.
    pub arena: *mut f32,
}

// SAFETY: tasks that run at the same time write to distinct elements and read none that another writes; the plan was checked for
// this, and each kernel divides its result among its tasks.
unsafe impl Sync for Memory {}

/// The first element of a view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The storage.
    pub storage: Storage,
    /// The element.
    pub offset: usize,
}

impl Place {
    /// Where a view begins.
    pub fn of(view: &View) -> Place {
        Place { storage: view.storage, offset: view.offset }
    }
}

impl Memory {
    /// The lane that begins `offset` elements after a place.
    ///
    /// # Safety
    /// The element must lie in its storage.
    #[inline]
    pub unsafe fn lane(&self, place: Place, offset: usize, stride: usize) -> Lane {
        let base = match place.storage {
            Storage::Input(index) => self.inputs[index].cast_mut(),
            Storage::Parameter(index) => self.parameters[index],
            Storage::Prepared => self.prepared,
            Storage::Arena => self.arena,
        };
        // SAFETY: as the caller promises.
        Lane { pointer: unsafe { base.add(place.offset + offset) }, stride }
    }
}
