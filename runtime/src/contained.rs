//! Work of a library on bytes that anybody may have made, whose panic becomes an error.
//!
//! A decoder that runs into a state its author thought impossible panics. That is the file's error, not the program's: the panic
//! ends where the work began, and the terminal sees nothing of it.

use crate::Result;
use crate::failure::broken_file;
use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

thread_local! {
    /// Works of this thread, one in another, whose panics are said by nobody but their caller.
    static CONTAINED: Cell<usize> = const { Cell::new(0) };
}

/// Counts a work for as long as it lives, so that an unwinding one is counted out too.
struct Counted;

impl Counted {
    fn new() -> Counted {
        CONTAINED.set(CONTAINED.get() + 1);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        CONTAINED.set(CONTAINED.get() - 1);
    }
}

/// Does the work; what it panicked with where it did. The work must leave nothing half done that others see.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    keep_contained_panics_quiet();
    let counted = Counted::new();
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    drop(counted);
    result.map_err(|payload| words(payload.as_ref()))
}

/// Reads a file by a library; where that panicked, the file is at fault: it `fails`, as "cannot be read".
pub(crate) fn decoded<T>(path: &Path, fails: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    contained(read)
        .unwrap_or_else(|panicked| Err(broken_file(path, format!("{fails}: its decoder gave up ({panicked})"))))
}

/// Puts a hook before the one that is there, once: it passes on every panic but those of contained work.
fn keep_contained_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // A thread that is ending has no such cell any more, and does no work.
            if CONTAINED.try_with(Cell::get).unwrap_or(0) == 0 {
                others(panic);
            }
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    // The first line: assertions put values on lines of their own.
    text.and_then(|text| text.lines().next()).unwrap_or("without a word").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{CONTAINED, contained};
    use std::process::Command;

    #[test]
    fn a_panic_is_an_error_in_the_words_it_had() {
        assert_eq!(contained(|| 3), Ok(3));
        assert_eq!(contained(|| -> u8 { panic!("no such state") }), Err("no such state".into()));
        assert_eq!(contained(|| -> u8 { panic!("state {}\nof two lines", 5) }), Err("state 5".into()));
        let within = contained(|| (contained(|| -> u8 { panic!("inside") }), CONTAINED.get()));
        assert_eq!(within, Ok((Err("inside".into()), 1)));
        assert_eq!(CONTAINED.get(), 0);
    }

    /// What the two tests below look at in a process of its own, whose standard error is nobody else's.
    #[test]
    fn child() {
        if std::env::var_os("CNNC_CONTAINED_CHILD").is_none() {
            return;
        }
        let quiet = std::thread::spawn(|| contained(|| -> u8 { panic!("said by nobody") }));
        assert!(quiet.join().expect("contained").is_err());
        assert!(std::thread::spawn(|| panic!("said aloud")).join().is_err());
    }

    #[test]
    fn only_contained_panics_are_kept_from_the_terminal() {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .args(["--exact", "contained::tests::child", "--nocapture"])
            .env("CNNC_CONTAINED_CHILD", "1")
            .output()
            .expect("a child");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("said aloud") && !said.contains("said by nobody"), "{said}");
    }
}
