//! The list of error codes: stable names that people, tests and documents quote.
//!
//! `E1xx` syntax, `E2xx` names, values and structure, `E3xx` shapes, `E4xx` the plan, `E5xx` devices, `E6xx` weights, data and
//! files. Adding one is one line here, and its text in `codes/`: what it means, a broken example, its mend, and PyTorch's
//! counterpart. A code is never given another meaning.

use std::fmt;

macro_rules! codes {
    ($($code:ident $title:literal)*) => {
        /// An error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $title] $code,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$code,)*];

            /// As it is printed: `E302`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)* }
            }

            /// What it stands for, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title,)* }
            }

            /// What it means, at length and as Markdown: text, and sections with a broken example, a mended one, and what
            /// PyTorch does.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$code => include_str!(concat!("codes/", stringify!($code), ".md")),)* }
            }
        }
    };
}

codes! {
    E101 "text that cannot be read"
    E102 "a bracket that is not closed, or not opened"
    E103 "a string that is not closed"
    E104 "nested too deeply"
    E105 "a number that does not fit"
    E106 "comparisons cannot be chained"
    E107 "a string inside the braces of a string"
    E108 "a file too large"
    E201 "an unknown layer, block or model"
    E202 "an unknown name"
    E203 "an unknown argument"
    E204 "a missing argument"
    E205 "an argument of the wrong type or out of range"
    E206 "arguments that do not go together"
    E207 "too many arguments, or one given twice"
    E208 "two of one name"
    E209 "a bare `{ }` or numbers outside a join"
    E210 "a join of no branch"
    E211 "a kept value that does not exist, or is kept twice"
    E212 "no current value"
    E213 "a value of the wrong type"
    E214 "arithmetic that has no result"
    E215 "a symbol where a number is needed"
    E216 "a block that calls itself"
    E217 "a network past the limit"
    E218 "an import that cannot be read, or goes in a circle"
    E219 "an empty file, or no such model"
    E220 "a name that cannot be used here"
    E221 "an initialiser that fits nothing"
    E222 "a weight that does not fit its layer"
    E223 "an input or output that is not as it must be"
    E224 "labels that cannot be used"
    E225 "arguments that can be read in two ways"
    E226 "a budget that cannot be held"
    E301 "channels that are not divisible"
    E302 "a window larger than its padded input"
    E303 "an input of the wrong number of axes"
    E304 "branches whose shapes differ"
    E305 "a shape contract that does not hold"
    E306 "an axis that does not exist"
    E307 "a size that must be a number"
    E308 "no size of a symbol fits"
    E309 "a size that does not fit"
    E310 "a shape that a layer cannot make"
    E311 "a budget that is not met"
    E401 "a tensor past this machine's memory"
    E402 "a symbol without a size"
    E403 "a network that cannot be trained so"
    E499 "a fault of the compiler itself"
    E501 "a device that is not there"
    E502 "a kernel that errs more than it may"
    E503 "a kernel that cannot be compiled for the device"
    E504 "more than the device's memory"
    E505 "a fault that the device reports"
    E506 "threads that cannot be started"
    E507 "an environment variable that cannot be followed"
    E508 "work that was cancelled"
    E601 "a file that cannot be read or written"
    E602 "weights that do not fit the model"
    E603 "a file that is not what it says it is"
    E604 "an input that does not fit the model"
    E605 "a recipe that cannot be read"
    E606 "an unknown key in a recipe"
    E607 "a value in a recipe of the wrong type or out of range"
    E608 "a key that a recipe lacks"
    E609 "keys of a recipe that do not go together"
    E610 "data that do not fit the model or each other"
    E611 "a checkpoint that a run cannot go on from"
    E612 "a training that cannot go on"
    E613 "an output folder that another run has"
    E616 "a file that holds what a spec cannot say"
    E617 "a file that is there already"
    E618 "a network that cannot be exported"
}

impl Code {
    /// The code that a text names: `E302`, `e302` or `302`.
    pub fn named(text: &str) -> Option<Code> {
        let number = text.strip_prefix(['E', 'e']).unwrap_or(text);
        Code::ALL.iter().copied().find(|code| code.name().strip_prefix('E') == Some(number))
    }

    /// What codes of its kind are about.
    pub fn subject(self) -> &'static str {
        match self.name().as_bytes().get(1) {
            Some(b'1') => "Syntax",
            Some(b'2') => "Names, values and structure",
            Some(b'3') => "Shapes",
            Some(b'4') => "The plan",
            Some(b'5') => "Devices and this machine",
            _ => "Weights, data and files",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
