//! What this machine has.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

/// The memory that can be taken without swapping: what the system says is available, within the limits of the control group and
/// of this process. Where none is known, 16 GiB.
pub fn available_memory_bytes() -> u64 {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available_in(&text));
    [system, group_limit_bytes(), process_limit_bytes()].into_iter().flatten().min().unwrap_or(16 << 30)
}

/// The processor's name as the system has it; `unknown` where it has none.
pub fn processor() -> String {
    let lines = File::open("/proc/cpuinfo").ok().map(|file| BufReader::new(file).lines().map_while(Result::ok));
    let name = lines.and_then(|mut lines| lines.find_map(|line| name_in(&line)));
    name.unwrap_or_else(|| "unknown".into())
}

/// The value of a line `model name : …` of `/proc/cpuinfo`.
fn name_in(line: &str) -> Option<String> {
    let (key, value) = line.split_once(':')?;
    (key.trim() == "model name").then(|| value.trim().to_owned())
}

/// `MemAvailable` of `/proc/meminfo`, which is in kibibytes.
fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the control group allows; `None` when there is none or it sets no limit.
fn group_limit_bytes() -> Option<u64> {
    fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}

/// What is left of the address space that `ulimit -v` allows; `None` when it sets no limit.
fn process_limit_bytes() -> Option<u64> {
    let allowed = address_space_in(&fs::read_to_string("/proc/self/limits").ok()?)?;
    let used_pages = fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse::<u64>().ok()?;
    Some(allowed.saturating_sub(used_pages.saturating_mul(4096)))
}

/// The first figure, the one in force, of `Max address space` in `/proc/self/limits`; `None` for `unlimited`.
fn address_space_in(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{address_space_in, available_in, available_memory_bytes, name_in, processor};

    #[test]
    fn reads_the_system_s_own_figure() {
        let text = "MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   23000000 kB\n";
        assert_eq!(available_in(text), Some(23_000_000 * 1024));
        assert_eq!(available_in("MemTotal: 3 kB"), None);
        assert!(available_memory_bytes() > 0);
    }

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(name_in("model name\t: A 9 with 2 cores "), Some("A 9 with 2 cores".into()));
        assert_eq!(name_in("model\t\t: 1"), None);
        assert!(!processor().is_empty());
    }

    #[test]
    fn reads_the_limit_of_the_process() {
        let line = |soft: &str| {
            format!("Max file locks   unlimited  unlimited  locks\nMax address space  {soft}  unlimited  bytes\n")
        };
        assert_eq!(address_space_in(&line("4096000000")), Some(4_096_000_000));
        assert_eq!(address_space_in(&line("unlimited")), None);
    }
}
