//! What the driver hands out, as values that give it back: context, streams, events, memory, modules, graphs.
//!
//! Calls go through cudarc's thin layer, which opens the driver at run time. Whoever comes here has asked `driver.rs`
//! first whether the driver and all of its functions are there. Every value holds the context, so it outlives them;
//! giving something back makes the context the thread's own, since the last holder may be on any thread. What goes
//! wrong then cannot be told to anyone.

use super::driver::During;
use crate::Result;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;
use std::ffi::{CString, c_void};
use std::slice;
use std::sync::Arc;

/// The primary context of a device.
pub struct Context {
    device: sys::CUdevice,
    context: sys::CUcontext,
}

// SAFETY: the driver's functions may be called from any thread that the context is current on.
unsafe impl Send for Context {}
// SAFETY: the driver's functions may be called from several threads at once.
unsafe impl Sync for Context {}

impl Context {
    /// The context of the device of that number, current on this thread.
    pub fn new(ordinal: i32) -> std::result::Result<Arc<Context>, DriverError> {
        result::init()?;
        let device = result::device::get(ordinal)?;
        // SAFETY: the device is one; the context is released once, in `drop`.
        let context = unsafe { result::primary_ctx::retain(device) }?;
        let context = Arc::new(Context { device, context });
        context.make_current()?;
        Ok(context)
    }

    /// Makes it this thread's context.
    pub fn make_current(&self) -> std::result::Result<(), DriverError> {
        // SAFETY: the context is held.
        unsafe { result::ctx::set_current(self.context) }
    }

    /// A number that the device states of itself.
    pub fn attribute(&self, attribute: sys::CUdevice_attribute) -> std::result::Result<i32, DriverError> {
        // SAFETY: the device is one.
        unsafe { result::device::get_attribute(self.device, attribute) }
    }

    /// Its name.
    pub fn name(&self) -> std::result::Result<String, DriverError> {
        result::device::get_name(self.device)
    }

    /// Bytes that are free, and all of them.
    pub fn memory(&self) -> std::result::Result<(u64, u64), DriverError> {
        self.make_current()?;
        result::mem_get_info().map(|(free, total)| (free as u64, total as u64))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it was retained once.
        let _ = unsafe { result::primary_ctx::release(self.device) };
    }
}

/// Declares a handle that is given back by one call.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident($handle:ty), $back:expr) => {
        $(#[$doc])*
        pub struct $name {
            handle: $handle,
            context: Arc<Context>,
        }

        // SAFETY: the driver takes its handles from any thread that the context is current on.
        unsafe impl Send for $name {}

        impl Drop for $name {
            fn drop(&mut self) {
                let _ = self.context.make_current();
                // SAFETY: the handle is this value's own, and this is the last use of it.
                let _ = unsafe { $back(self.handle) };
            }
        }
    };
}

handle!(
    /// A queue of work: what is put in is done in order.
    Stream(sys::CUstream),
    result::stream::destroy
);
handle!(
    /// A moment in a stream.
    Event(sys::CUevent),
    result::event::destroy
);
handle!(
    /// Machine code on the device.
    Loaded(sys::CUmodule),
    result::module::unload
);
handle!(
    /// Work that was recorded and can be done again at once.
    Graph(sys::CUgraphExec),
    result::graph::exec_destroy
);

/// An entry of a module; it is there as long as the module.
#[derive(Clone, Copy)]
pub struct Function(sys::CUfunction);

// SAFETY: the driver takes its handles from any thread.
unsafe impl Send for Function {}

/// A launch whose entry and addresses are known: everything but the stream.
pub struct BoundLaunch {
    /// The entry.
    pub function: Function,
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Addresses that the entry takes, in order.
    pub addresses: Vec<u64>,
}

impl Stream {
    /// A stream that waits for no other.
    pub fn new(context: &Arc<Context>) -> Result<Stream> {
        let handle = result::stream::create(result::stream::StreamKind::NonBlocking).during("making a stream")?;
        Ok(Stream { handle, context: context.clone() })
    }

    /// Waits until all that was put in is done.
    pub fn wait(&self) -> std::result::Result<(), DriverError> {
        // SAFETY: the stream is held.
        unsafe { result::stream::synchronize(self.handle) }
    }

    /// Lets what is put in from now on wait for an event.
    pub fn wait_for(&self, event: &Event) -> std::result::Result<(), DriverError> {
        // SAFETY: both are held.
        unsafe { result::stream::wait_event(self.handle, event.handle, sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT) }
    }

    /// Puts a launch in.
    ///
    /// # Safety
    /// The addresses must be those that the entry is written for, and stay valid until it is done.
    pub unsafe fn launch(&self, launch: &BoundLaunch) -> std::result::Result<(), DriverError> {
        let mut parameters: Vec<*mut c_void> =
            launch.addresses.iter().map(|address| std::ptr::from_ref(address).cast_mut().cast()).collect();
        let ([x, y, z], [a, b, c]) = (launch.grid, launch.block);
        // SAFETY: the driver reads the parameters before the call ends; the rest is the caller's promise.
        unsafe {
            let (grid, block) = ((x, y, z), (a, b, c));
            result::launch_kernel(launch.function.0, grid, block, 0, self.handle, &mut parameters)
        }
    }

    /// Puts in a copy to the device.
    ///
    /// # Safety
    /// The memory of both sides must stay as it is until it is done.
    pub unsafe fn upload(&self, to: &Buffer, from: &[f32]) -> std::result::Result<(), DriverError> {
        // SAFETY: the caller promises memory that stays as it is; the lengths are compared.
        unsafe { result::memcpy_htod_async(to.address, &from[..from.len().min(to.elements)], self.handle) }
    }

    /// Puts in a copy from the device, of elements from an address on.
    ///
    /// # Safety
    /// As [`Stream::upload`]; so many elements must lie there.
    pub unsafe fn download(&self, to: &mut [f32], from: u64) -> std::result::Result<(), DriverError> {
        // SAFETY: the caller promises so many elements there, and memory that stays as it is.
        unsafe { result::memcpy_dtoh_async(to, from, self.handle) }
    }

    /// Puts in a copy on the device.
    ///
    /// # Safety
    /// As [`Stream::upload`].
    pub unsafe fn copy(&self, to: &Buffer, from: &Buffer) -> std::result::Result<(), DriverError> {
        let bytes = 4 * to.elements.min(from.elements);
        // SAFETY: the caller promises memory that stays as it is; no more is copied than both have.
        unsafe { result::memcpy_dtod_async(to.address, from.address, bytes, self.handle) }
    }

    /// The driver's handle, for libraries that put work in by themselves.
    pub fn raw(&self) -> sys::CUstream {
        self.handle
    }

    /// Records what `work` puts in, instead of doing it.
    pub fn record<E: From<DriverError>>(
        &self,
        work: impl FnOnce() -> std::result::Result<(), E>,
    ) -> std::result::Result<Graph, E> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: the stream is held; the graph is destroyed once it is made executable, which keeps what it needs.
        unsafe {
            result::stream::begin_capture(self.handle, mode)?;
            let worked = work();
            // A stream that records has to end, whatever went wrong.
            let ended = result::stream::end_capture(self.handle);
            let graph = worked.and(ended.map_err(E::from))?;
            let made = result::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0));
            let _ = result::graph::destroy(graph);
            let graph = Graph { handle: made?, context: self.context.clone() };
            result::graph::upload(graph.handle, self.handle)?;
            Ok(graph)
        }
    }

    /// Puts in what was recorded.
    ///
    /// # Safety
    /// All memory that the recorded work uses must be there until it is done.
    pub unsafe fn replay(&self, graph: &Graph) -> std::result::Result<(), DriverError> {
        // SAFETY: the caller promises all memory that the recorded work uses.
        unsafe { result::graph::launch(graph.handle, self.handle) }
    }
}

impl Event {
    /// An event that takes the time.
    pub fn new(context: &Arc<Context>) -> std::result::Result<Event, DriverError> {
        let handle = result::event::create(sys::CUevent_flags::CU_EVENT_DEFAULT)?;
        Ok(Event { handle, context: context.clone() })
    }

    /// Marks this moment of a stream.
    pub fn mark(&self, stream: &Stream) -> std::result::Result<(), DriverError> {
        // SAFETY: both are held.
        unsafe { result::event::record(self.handle, stream.handle) }
    }

    /// As [`Event::mark`], in work that is recorded: the moment is taken each time the work is done.
    pub fn mark_recorded(&self, stream: &Stream) -> std::result::Result<(), DriverError> {
        let flag = sys::CUevent_record_flags::CU_EVENT_RECORD_EXTERNAL as u32;
        // SAFETY: both are held.
        unsafe { sys::cuEventRecordWithFlags(self.handle, stream.handle, flag) }.result()
    }

    /// Waits until the moment has come.
    pub fn wait(&self) -> std::result::Result<(), DriverError> {
        // SAFETY: the event is held.
        unsafe { result::event::synchronize(self.handle) }
    }

    /// Seconds from one moment to a later one, both of which have come.
    pub fn seconds_to(&self, later: &Event) -> std::result::Result<f64, DriverError> {
        // SAFETY: both are held.
        unsafe { result::event::elapsed(self.handle, later.handle) }.map(|time| f64::from(time) * 1e-3)
    }
}

impl Loaded {
    /// Puts machine code on the device.
    pub fn new(context: &Arc<Context>, code: &[u8]) -> std::result::Result<Loaded, DriverError> {
        // SAFETY: the code is a whole CUBIN, which states its own length.
        let handle = unsafe { result::module::load_data(code.as_ptr().cast()) }?;
        Ok(Loaded { handle, context: context.clone() })
    }

    /// The entry of a name.
    pub fn function(&self, name: &str) -> std::result::Result<Function, DriverError> {
        let name = CString::new(name).unwrap_or_default();
        // SAFETY: the module is held.
        unsafe {
            let function = result::module::get_function(self.handle, name)?;
            // Else the driver loads it at its first launch, which a recording does not allow.
            sys::cuFuncLoad(function).result()?;
            Ok(Function(function))
        }
    }
}

/// Floats on the device.
pub struct Buffer {
    address: sys::CUdeviceptr,
    elements: usize,
    context: Arc<Context>,
}

impl Buffer {
    /// Room for so many floats, whatever is in it; at an address on 256 bytes.
    pub fn new(context: &Arc<Context>, elements: usize) -> std::result::Result<Buffer, DriverError> {
        // SAFETY: every kernel writes what it reads; the memory is given back once, in `drop`.
        let address = unsafe { result::malloc_sync(4 * elements.max(1)) }?;
        Ok(Buffer { address, elements, context: context.clone() })
    }

    /// Its first element's address.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Puts values in, and waits until they are there.
    pub fn fill(&self, values: &[f32]) -> std::result::Result<(), DriverError> {
        // SAFETY: it has room for as many.
        unsafe { result::memcpy_htod_sync(self.address, &values[..values.len().min(self.elements)]) }?;
        // The call before may end while the last of it is on its way, and streams of ours do not wait for that.
        result::ctx::synchronize()
    }

    /// Its values.
    pub fn values(&self) -> std::result::Result<Vec<f32>, DriverError> {
        let mut values = vec![0.0; self.elements];
        // SAFETY: it has as many; the copy is done when the call ends.
        unsafe { result::memcpy_dtoh_sync(&mut values, self.address) }?;
        Ok(values)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let _ = self.context.make_current();
        // SAFETY: the memory is this value's own. The driver waits for work that uses it.
        let _ = unsafe { result::free_sync(self.address) };
    }
}

/// Floats on the host that the device can read by itself.
pub struct Pinned {
    values: *mut f32,
    elements: usize,
    context: Arc<Context>,
}

// SAFETY: the memory is this value's own.
unsafe impl Send for Pinned {}

impl Pinned {
    /// Room for so many floats, noughts at first.
    pub fn new(context: &Arc<Context>, elements: usize) -> std::result::Result<Pinned, DriverError> {
        // SAFETY: the memory is as long as is asked for, and written before it is read.
        unsafe {
            let values: *mut f32 = result::malloc_host(4 * elements.max(1), 0)?.cast();
            values.write_bytes(0, elements.max(1));
            Ok(Pinned { values, elements, context: context.clone() })
        }
    }

    /// The values.
    pub fn values(&self) -> &[f32] {
        // SAFETY: so many floats lie there.
        unsafe { slice::from_raw_parts(self.values, self.elements) }
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: so many floats lie there, and this value is borrowed for writing.
        unsafe { slice::from_raw_parts_mut(self.values, self.elements) }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = self.context.make_current();
        // SAFETY: the memory is this value's own.
        let _ = unsafe { result::free_host(self.values.cast()) };
    }
}
