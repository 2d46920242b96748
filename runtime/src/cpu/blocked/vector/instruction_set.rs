//! Which instructions to use: what the machine has, or what a test forces.

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{Portable, Vector};
use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;
use std::ffi::OsStr;
use std::sync::OnceLock;

/// The variable that names one.
const VARIABLE: &str = "CNNC_INSTRUCTIONS";

/// The instruction sets that kernels are compiled for, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstructionSet {
    /// AVX-512 with its instructions for bytes and halves of words: 16 lanes, 32 registers.
    Avx512,
    /// AVX2 and FMA: 8 lanes, 16 registers.
    Avx2,
    /// Whatever the compiler makes of plain arrays of 8.
    Portable,
}

/// A kernel: a body generic over the vector, and what it is called with.
pub(crate) trait Kernel {
    /// Pointers and sizes of a call.
    type Arguments;
    /// The body. Implementations are `#[inline(always)]`, so that they are compiled with the instructions of `V`.
    ///
    /// # Safety
    /// The machine has the instructions of `V`, and the arguments are what the kernel's own documentation asks for.
    unsafe fn run<V: Vector>(arguments: &Self::Arguments);
}

/// A kernel compiled for one instruction set.
pub(crate) type Compiled<A> = unsafe fn(&A);

impl InstructionSet {
    /// The best one that this machine has.
    pub fn detect() -> Self {
        Self::ALL.into_iter().find(|set| set.is_available()).unwrap_or(Self::Portable)
    }

    /// All, best first.
    const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The one that the environment variable `CNNC_INSTRUCTIONS` names (`avx512`, `avx2` or `portable`); the best that this
    /// machine has where the variable is not set, or empty. Asked once.
    ///
    /// # Errors
    /// E507 when it names none, or one that this machine does not have.
    pub fn chosen() -> Result<Self> {
        static CHOSEN: OnceLock<std::result::Result<InstructionSet, String>> = OnceLock::new();
        let chosen = CHOSEN.get_or_init(|| Self::named(&std::env::var_os(VARIABLE).unwrap_or_default()));
        chosen.clone().map_err(|message| {
            let mut refused = failure(Code::E507, message);
            let names: Vec<&str> = Self::available().into_iter().map(Self::name).collect();
            refused.notes.push(format!("this machine has {}", names.join(", ")));
            refused.help.push(format!("without {VARIABLE} the first of these is used"));
            refused
        })
    }

    /// The one of a name; the best for an empty one.
    fn named(name: &OsStr) -> std::result::Result<Self, String> {
        if name.is_empty() {
            return Ok(Self::detect());
        }
        match Self::ALL.into_iter().find(|set| name == set.name()) {
            Some(set) if set.is_available() => Ok(set),
            Some(set) => Err(format!("{VARIABLE} is {}, which this machine does not have", set.name())),
            None => {
                let names = Self::ALL.map(Self::name).join(", ");
                Err(format!("{VARIABLE} is {:?}, and it can be {names}", name.display().to_string()))
            }
        }
    }

    /// Whether this machine has it.
    ///
    /// # Errors
    /// E501 when it does not.
    pub fn check(self) -> Result<()> {
        if self.is_available() {
            return Ok(());
        }
        let mut refused = failure(Code::E501, format!("this machine has no {}", self.name()));
        let names: Vec<&str> = Self::available().into_iter().map(Self::name).collect();
        refused.help.push(format!("it has {}", names.join(", ")));
        Err(refused)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// All that this machine has, best first; the portable one is always last.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|set| set.is_available()).collect()
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                let has_both = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
                has_both && Self::Avx2.is_available()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// Floats in a register, and channels in a block of the layout.
    pub fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 | Self::Portable => 8,
        }
    }

    /// Registers that hold accumulators.
    pub fn accumulators(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::ACCUMULATORS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::ACCUMULATORS,
            _ => Portable::ACCUMULATORS,
        }
    }

    /// The copy of kernel `K` for this instruction set.
    ///
    /// # Panics
    /// On a machine that does not have it.
    pub(crate) fn entry<K: Kernel>(self) -> Compiled<K::Arguments> {
        assert!(self.is_available(), "this machine has no {self:?}");
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => run_avx512::<K>,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => run_avx2::<K>,
            _ => run_portable::<K>,
        }
    }
}

/// # Safety
/// The machine has AVX-512F; otherwise as [`Kernel::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn run_avx512<K: Kernel>(arguments: &K::Arguments) {
    // SAFETY: the caller promises the machine's AVX-512F and what the kernel asks for.
    unsafe { K::run::<Avx512>(arguments) }
}

/// # Safety
/// The machine has AVX2 and FMA; otherwise as [`Kernel::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<K: Kernel>(arguments: &K::Arguments) {
    // SAFETY: the caller promises the machine's AVX2 and FMA and what the kernel asks for.
    unsafe { K::run::<Avx2>(arguments) }
}

/// # Safety
/// As [`Kernel::run`].
unsafe fn run_portable<K: Kernel>(arguments: &K::Arguments) {
    // SAFETY: every machine has the portable path, and the caller promises what the kernel asks for.
    unsafe { K::run::<Portable>(arguments) }
}

#[cfg(test)]
mod tests {
    use super::InstructionSet;
    use std::ffi::OsStr;

    #[test]
    fn a_name_is_followed_or_refused() {
        let named = |name: &str| InstructionSet::named(OsStr::new(name));
        assert_eq!(named(""), Ok(InstructionSet::detect()));
        assert_eq!(named("portable"), Ok(InstructionSet::Portable));
        for name in ["avx1024", "AVX2", " avx2", "avx2,portable"] {
            let expected = format!("CNNC_INSTRUCTIONS is {name:?}, and it can be avx512, avx2, portable");
            assert_eq!(named(name), Err(expected));
        }
        for set in InstructionSet::ALL.into_iter().filter(|set| !set.is_available()) {
            let expected = format!("CNNC_INSTRUCTIONS is {}, which this machine does not have", set.name());
            assert_eq!(named(set.name()), Err(expected));
            assert!(set.check().is_err());
        }
    }
}
