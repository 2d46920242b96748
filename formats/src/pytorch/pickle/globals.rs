//! What the names in a pickle mean.
//!
//! The list is that of PyTorch's `weights_only` (`torch/_weights_only_unpickler.py`, 2.9 to 2.15), with the plain kinds of data
//! that people keep beside weights: they are passed over, and never made.

use crate::element::Element;

/// What a class or a function means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A dictionary that is made of pairs, or of nothing.
    Dict,
    /// A `defaultdict`: made of what its values would be.
    DefaultDict,
    /// A list or a set that is made of items.
    List,
    /// `torch.Size`: made of a tuple.
    Size,
    /// A tensor that becomes a parameter, or a buffer: its first argument.
    Wrapper,
    /// A tensor's class, which old files make a tensor of by its attributes.
    TensorClass,
    /// A tensor of storage, offset, sizes and strides; its type is the storage's.
    Rebuild,
    /// As [`Meaning::Rebuild`], with a type as its seventh argument.
    RebuildTyped,
    /// A tensor of a class of its own: a function, a class, the function's arguments, attributes.
    RebuildOfClass,
    /// A tensor whose values are not to be had, and what it is.
    Unreadable(&'static str),
    /// A type of elements.
    Type(Element),
    /// A storage's class with its elements; `None` for those that cannot be read, of so many bytes.
    Storage(Option<Element>, u64),
    /// `_codecs.encode`: a text as bytes.
    Encode,
    /// An object of a class, without attributes yet: its first argument is the class.
    Object,
    /// Plain data that is passed over.
    Inert,
    /// Of a module that no file has any business with.
    Blocked,
    /// Any other: its objects are what they are made of, and it is never called.
    Unknown,
}

/// Modules whose names PyTorch refuses even where a user asks for them.
const BLOCKED: [&str; 4] = ["os", "posix", "nt", "sys"];

/// Plain data.
const INERT: [&str; 29] = [
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.range",
    "builtins.slice",
    "builtins.object",
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "functools.partial",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy._core.numeric._frombuffer",
    "numpy.dtype",
    "numpy.ndarray",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.WindowsPath",
    "pathlib.PureWindowsPath",
    "torch.device",
    "torch.serialization._get_layout",
    "uuid.UUID",
];

impl Meaning {
    /// Of a module and a name with a dot between.
    pub fn of(path: &str) -> Meaning {
        let (module, name) = path.rsplit_once('.').unwrap_or(("", path));
        if BLOCKED.iter().any(|blocked| module.split('.').next() == Some(blocked)) {
            return Meaning::Blocked;
        }
        match path {
            "collections.OrderedDict" | "collections.Counter" | "builtins.dict" => return Meaning::Dict,
            "collections.defaultdict" => return Meaning::DefaultDict,
            "builtins.set" | "builtins.frozenset" | "builtins.list" | "builtins.tuple" => return Meaning::List,
            "torch.Size" => return Meaning::Size,
            "torch.nn.parameter.Parameter" | "torch.nn.parameter.Buffer" => return Meaning::Wrapper,
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                return Meaning::Wrapper;
            }
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => return Meaning::Rebuild,
            "torch._utils._rebuild_tensor_v3" => return Meaning::RebuildTyped,
            "torch._tensor._rebuild_from_type_v2" | "torch._tensor._rebuild_from_type" => {
                return Meaning::RebuildOfClass;
            }
            "torch._utils._rebuild_sparse_tensor" | "torch._utils._rebuild_sparse_csr_tensor" => {
                return Meaning::Unreadable("a sparse tensor");
            }
            "torch._utils._rebuild_qtensor" => return Meaning::Unreadable("a quantised tensor"),
            "torch._utils._rebuild_nested_tensor" => return Meaning::Unreadable("a nested tensor"),
            "torch._utils._rebuild_meta_tensor_no_storage" => return Meaning::Unreadable("a tensor without values"),
            "torch._utils._rebuild_wrapper_subclass" => return Meaning::Unreadable("a tensor of a class of its own"),
            "torch._utils._rebuild_device_tensor_from_numpy"
            | "torch._utils._rebuild_device_tensor_from_cpu_tensor"
            | "torch._utils._rebuild_xla_tensor" => return Meaning::Unreadable("a tensor of a device of its own"),
            "_codecs.encode" => return Meaning::Encode,
            "copyreg._reconstructor" | "copyreg.__newobj__" => return Meaning::Object,
            _ if INERT.contains(&path) => return Meaning::Inert,
            _ => {}
        }
        let element = (module == "torch").then(|| Element::of_type(name)).flatten();
        if let Some(element) = element {
            return Meaning::Type(element);
        }
        if !matches!(module, "torch" | "torch.storage" | "torch.cuda" | "torch.sparse" | "torch.cuda.sparse") {
            return Meaning::Unknown;
        }
        if let Some(element) = Element::of_storage(name) {
            return Meaning::Storage(Some(element), element.bytes());
        }
        match bytes_of_foreign(name) {
            Some(bytes) => Meaning::Storage(None, bytes),
            None if name.ends_with("Tensor") => Meaning::TensorClass,
            None => Meaning::Unknown,
        }
    }
}

/// The name that Python 3 has for what Python 2 had under another.
pub fn path(module: &str, name: &str) -> String {
    let module = match module {
        "__builtin__" => "builtins",
        "copy_reg" => "copyreg",
        "UserDict" | "UserList" | "UserString" => "collections",
        other => other,
    };
    let name = match (module, name) {
        ("builtins", "unicode") => "str",
        ("builtins", "long") => "int",
        (_, name) => name,
    };
    format!("{module}.{name}")
}

/// Bytes of an element of a storage whose values cannot be read, so that what stands behind it is found all the same.
fn bytes_of_foreign(storage: &str) -> Option<u64> {
    match storage {
        "QInt8Storage" | "QUInt8Storage" | "QUInt4x2Storage" | "QUInt2x4Storage" | "UntypedStorage" => Some(1),
        "QInt32Storage" => Some(4),
        "ComplexFloatStorage" => Some(8),
        "ComplexDoubleStorage" => Some(16),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Meaning, path};
    use crate::element::Element;

    #[test]
    fn names_mean_what_pytorch_means_by_them() {
        for (name, meaning) in [
            ("torch._utils._rebuild_tensor_v2", Meaning::Rebuild),
            ("torch.FloatStorage", Meaning::Storage(Some(Element::Float32), 4)),
            ("torch.cuda.HalfStorage", Meaning::Storage(Some(Element::Float16), 2)),
            ("torch.storage.UntypedStorage", Meaning::Storage(None, 1)),
            ("torch.FloatTensor", Meaning::TensorClass),
            ("torch.bfloat16", Meaning::Type(Element::BFloat16)),
            ("os.system", Meaning::Blocked),
            ("os.path.join", Meaning::Blocked),
            ("osmium.Map", Meaning::Unknown),
            ("builtins.eval", Meaning::Unknown),
            ("evil.FloatStorage", Meaning::Unknown),
            ("torch.load", Meaning::Unknown),
            ("torch.storage._load_from_bytes", Meaning::Unknown),
        ] {
            assert_eq!(Meaning::of(name), meaning, "{name}");
        }
        assert_eq!(path("__builtin__", "set"), "builtins.set");
    }
}
