//! NVIDIA's cuBLASLt and cuDNN, where they are found: further methods for products.
//!
//! An [`LibraryOperation`] comes in, something that can be put into a stream goes out. Neither library is needed, so one that is
//! missing is a reason in words and no failure. cudarc opens libraries by name and panics where a function is missing; so they
//! are opened here before, by path, and every function that is used is looked up.

mod convolution;
mod find;
mod matmul;

pub use find::FoundLibrary;

use super::handles::Stream;
use super::library_operation::LibraryOperation;
use super::methods::ProductMethod;
use convolution::Convolving;
use matmul::Multiplying;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The libraries of this machine.
#[derive(Debug)]
pub struct Libraries {
    /// cuBLASLt, or why it is not used.
    pub cublaslt: Result<FoundLibrary, String>,
    /// cuDNN, or why it is not used.
    pub cudnn: Result<FoundLibrary, String>,
}

impl Libraries {
    /// Those that fit a driver of this CUDA version; they are looked for once.
    pub fn of(driver: (u32, u32)) -> &'static Libraries {
        static LIBRARIES: OnceLock<Libraries> = OnceLock::new();
        // cuDNN looks for cuBLASLt by its name, and finds the one that is open.
        LIBRARIES.get_or_init(|| Libraries { cublaslt: find::cublaslt(driver), cudnn: find::cudnn(driver) })
    }

    /// Whether the library of a method is here; methods of our own always are.
    pub fn have(&self, method: ProductMethod) -> bool {
        match method {
            ProductMethod::CublasLt => self.cublaslt.is_ok(),
            ProductMethod::Cudnn => self.cudnn.is_ok(),
            ProductMethod::Direct | ProductMethod::Tiles { .. } => true,
        }
    }
}

/// `cuBLASLt 13.0.2, cuDNN 9.10.2`, or why they are not used.
impl fmt::Display for Libraries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words =
            |found: &Result<FoundLibrary, String>| found.as_ref().map_or_else(String::clone, FoundLibrary::to_string);
        write!(f, "{}, {}", words(&self.cublaslt), words(&self.cudnn))
    }
}

/// Handles of the libraries, which are made when they are first needed: for one thread at a time.
pub struct Session {
    /// The CUDA version that the driver serves.
    driver: (u32, u32),
    matmul: Option<Arc<matmul::Handle>>,
    convolution: Option<Arc<convolution::Handle>>,
}

impl Session {
    /// With the libraries that fit a driver of this CUDA version. They are opened when they are first needed.
    pub fn new(driver: (u32, u32)) -> Session {
        Session { driver, matmul: None, convolution: None }
    }

    /// Makes an operation ready whose parameters lie at addresses that these numbers of bytes divide, with so many bytes of a
    /// workspace.
    ///
    /// # Errors
    /// Why the library does not compute it, in words.
    pub fn work(
        &mut self,
        operation: &LibraryOperation,
        divisors: [u64; 3],
        workspace: u64,
    ) -> Result<LibraryWork, String> {
        let libraries = Libraries::of(self.driver);
        let found = match operation {
            LibraryOperation::Matmul(_) => &libraries.cublaslt,
            LibraryOperation::Convolution(_) => &libraries.cudnn,
        };
        let name = &found.as_ref().map_err(String::clone)?.name;
        self.made(operation, divisors, workspace).map_err(|reason| format!("{name} does not compute it: {reason}"))
    }

    fn made(
        &mut self,
        operation: &LibraryOperation,
        divisors: [u64; 3],
        workspace: u64,
    ) -> Result<LibraryWork, String> {
        match operation {
            LibraryOperation::Matmul(matmul) => {
                let handle = kept(&mut self.matmul, matmul::handle)?;
                Multiplying::new(handle, matmul, divisors, workspace).map(Kind::Multiplying).map(LibraryWork)
            }
            LibraryOperation::Convolution(convolution) => {
                let handle = kept(&mut self.convolution, convolution::handle)?;
                Convolving::new(handle, convolution, workspace).map(Kind::Convolving).map(LibraryWork)
            }
        }
    }
}

/// The handle that is there, or a new one.
fn kept<H>(place: &mut Option<Arc<H>>, make: fn() -> Result<H, String>) -> Result<Arc<H>, String> {
    if let Some(handle) = place {
        return Ok(handle.clone());
    }
    let handle = Arc::new(make()?);
    *place = Some(handle.clone());
    Ok(handle)
}

/// An operation that is ready: its descriptions are made and its algorithm is chosen.
pub struct LibraryWork(Kind);

enum Kind {
    Multiplying(Multiplying),
    Convolving(Convolving),
}

impl LibraryWork {
    /// Puts it in. `addresses` are those of the two parameters that are read, of the one that is written, and of the workspace.
    ///
    /// # Safety
    /// So much memory as the operation and the workspace take must lie there until it is done.
    ///
    /// # Errors
    /// What the library says.
    pub unsafe fn put_in(&self, stream: &Stream, addresses: [u64; 4]) -> Result<(), String> {
        // SAFETY: the caller promises as much memory as the operation and the workspace take.
        unsafe {
            match &self.0 {
                Kind::Multiplying(work) => work.put_in(stream, addresses),
                Kind::Convolving(work) => work.put_in(stream, addresses),
            }
        }
    }
}

/// A handle of a library, that is given back.
struct Owned<H: Copy> {
    handle: H,
    back: fn(H),
}

/// A handle that a function of the library takes back.
macro_rules! owned {
    ($handle:expr, $back:path) => {
        Owned {
            handle: $handle,
            back: |handle| {
                // SAFETY: the handle is given back once, when nothing uses it any more.
                let _ = unsafe { $back(handle) };
            },
        }
    };
}
use owned;

// SAFETY: both libraries take their handles from any thread, from one at a time; whoever has work has it for himself.
unsafe impl<H: Copy> Send for Owned<H> {}
// SAFETY: a handle is used by one thread at a time: work that shares one belongs to one execution.
unsafe impl<H: Copy> Sync for Owned<H> {}

impl<H: Copy> Drop for Owned<H> {
    fn drop(&mut self) {
        (self.back)(self.handle);
    }
}
