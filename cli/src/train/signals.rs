//! What tells a training to end: the first signal sets a flag that the loop asks after every step.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The exit code of a process that a second Ctrl-C ends.
const INTERRUPTED: i32 = 130;

/// A flag that the first signal sets. A second Ctrl-C or kill ends the process; that the terminal was closed, the system and
/// the shell may both say, so that one changes nothing when it comes again.
pub fn stop() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, INTERRUPTED, stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    if !outlives_its_terminal() {
        flag::register(SIGHUP, stop.clone())?;
    }
    Ok(stop)
}

/// Whether this process was started to ignore that its terminal is closed, as `nohup` does it; no where the system does not say.
fn outlives_its_terminal() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|signals| signals >> (SIGHUP - 1) & 1 == 1)
}
