//! Random nets: specs that are well typed, run by every road and held against the evaluation.
//!
//! Comes in: a seed. Goes out: what is wrong with its net, if anything, and what the net was made of. `tests/random_nets.rs`
//! looks at a
//! fixed number of nets, `examples/random_nets.rs` at any number.

mod answers;
mod arguments;
mod body;
mod dice;
pub mod emulated;
mod join;
mod layer;
mod lesson;
mod net;
mod report;
mod shrink;
mod spec;
mod steps;

pub use net::Net;
pub use report::Report;
pub use shrink::shrunk;
pub use spec::{Spec, spec};

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What became of a seed.
pub enum Fate {
    /// The compiler refuses the spec.
    Refused(Spec),
    /// Every road agrees with the evaluation.
    Clean,
    /// What is wrong, and the net's spec.
    Wrong(Vec<String>, Spec),
}

/// Looks at the net of a seed. Where the compiler refuses its open sizes, it has none.
pub fn look(seed: u64, training: bool, report: &mut Report) -> Fate {
    let made = |open: bool| Net::new(seed, spec(seed, training, open));
    let Some(net) = made(true).or_else(|| made(false)) else { return Fate::Refused(spec(seed, training, false)) };
    report.net(&net);
    let faults = faults(&net, training, report);
    if faults.is_empty() { Fate::Clean } else { Fate::Wrong(faults, net.spec) }
}

/// Whether the net of a seed has one of these layers or joins; it is written, and not looked at.
pub fn has_any(seed: u64, training: bool, names: &[String]) -> bool {
    let text = spec(seed, training, false).text;
    names.iter().any(|name| text.contains(name.as_str()))
}

/// What is wrong with a net.
fn faults(net: &Net, training: bool, report: &mut Report) -> Vec<String> {
    report.faults.clear();
    let check = if training { steps::check } else { answers::check };
    let checked = catch_unwind(AssertUnwindSafe(|| check(net, report)));
    let mut faults = std::mem::take(&mut report.faults);
    if let Err(panic) = checked {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        faults.push(format!("a panic: {}", text.unwrap_or_default()));
    }
    faults
}

/// The smallest spec with a fault that leaving out lines of a seed's comes to.
pub fn smallest(seed: u64, training: bool, spec: &Spec) -> Spec {
    shrunk(spec, |spec| {
        let net = Net::new(seed, spec.clone());
        net.is_some_and(|net| !faults(&net, training, &mut Report::default()).is_empty())
    })
}
