//! Limits of an expansion, checked before memory, time or stack is spent.
//!
//! Before a loop turns or a declaration is written out, `calls/count.rs` says how many layers that makes at the least; what its
//! counting misses is stopped by one account of work. Whatever an expansion does is paid from it: statements, turns, expressions,
//! elements of lists and bytes of texts, modules, and what is kept for later. All expansions of one spec share it, so that
//! many models cost no more than one.

use super::Reporter;
use crate::graph::TraceKind;
use crate::resolve::error::LimitError;
use cnnc_grammar::span::Span;
use std::cell::Cell;
use std::sync::Arc;

/// The most layers of a network.
const MAX_LAYERS: u64 = 1_000_000;

/// The most work of all expansions of a spec where nobody says another, in steps: a step is a statement or an expression.
const MAX_WORK: u64 = 60_000_000;

/// The work that is still done after an error, to find others: what is written out then is not used.
const WORK_AFTER_AN_ERROR: u64 = 500_000;

/// The deepest nesting of calls and braces while a model is expanded.
const MAX_DEPTH: usize = 200;

/// The longest name of an item.
pub(in crate::resolve) const MAX_NAME_BYTES: usize = 200;

/// The most bytes of all paths together.
const MAX_PATH_BYTES: usize = 512 << 20;

/// Steps that a module is worth, by the time and memory that it takes.
const MODULE: u64 = 12;

/// Steps that a turn of a loop is worth.
pub(in crate::resolve) const TURN: u64 = 3;

/// Steps that a call is worth besides its module.
const CALL: u64 = 8;

/// Steps that something is worth which is kept until the end: a contract, a kept value, an `init`.
pub(in crate::resolve) const KEPT: u64 = 8;

/// The names that are looked for among others, for "did you mean"; more than that no one reads.
const LOOKED_FOR: usize = 50;

/// What all expansions of a spec have spent.
#[derive(Debug)]
pub(super) struct Account {
    most_work: u64,
    work: Cell<u64>,
    path_bytes: Cell<usize>,
    looked_for: Cell<usize>,
    /// Whether it is reported that all work is spent.
    reported: Cell<bool>,
}

/// What one expansion has spent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Layers and joins.
    layers: u64,
    /// Calls and braces around this place.
    depth: usize,
    /// Whether a limit was passed: nothing more is expanded then.
    pub spent: bool,
    /// The work at which it ends in silence, after an error.
    ends_at: Option<u64>,
}

impl Account {
    /// With so many steps to spend.
    pub fn new(most_work: Option<u64>) -> Account {
        let most_work = most_work.unwrap_or(MAX_WORK);
        let [path_bytes, looked_for] = [Cell::default(), Cell::default()];
        Account { most_work, work: Cell::default(), path_bytes, looked_for, reported: Cell::default() }
    }

    /// Whether one more name may be looked for among others.
    pub fn look_for_one_more(&self) -> bool {
        self.looked_for.replace(self.looked_for.get().saturating_add(1)) < LOOKED_FOR
    }
}

impl Reporter<'_> {
    /// Spends work; `false` once a limit is passed.
    pub fn spend(&mut self, steps: u64, span: Span) -> bool {
        let account = &self.shared.account;
        let work = account.work.get().saturating_add(steps);
        account.work.set(work);
        if work > account.most_work {
            match account.reported.replace(true) {
                false => self.exceed(LimitError::Work { limit: account.most_work, span, of: self.outermost() }),
                true => (self.budget.spent, self.failed) = (true, true),
            }
        } else if self.budget.ends_at.is_some_and(|end| work > end) {
            self.budget.spent = true;
        }
        !self.budget.spent
    }

    /// Spends one layer or join; `false` once a limit is passed.
    pub fn spend_layer(&mut self, span: Span) -> bool {
        self.budget.layers += 1;
        if self.budget.layers > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: None, span });
        }
        self.spend(KEPT, span)
    }

    /// Spends a module with a path of so many bytes.
    pub fn spend_module(&mut self, bytes: usize, span: Span) -> bool {
        let all = &self.shared.account.path_bytes;
        all.set(all.get().saturating_add(bytes));
        if all.get() > MAX_PATH_BYTES {
            self.exceed(LimitError::Paths { span });
        }
        self.spend(MODULE, span)
    }

    /// Whether a limit was passed: nothing more is expanded then.
    pub fn is_spent(&self) -> bool {
        self.budget.spent
    }

    /// After an error little more is done.
    pub(super) fn spend_less(&mut self) {
        let end = self.shared.account.work.get().saturating_add(WORK_AFTER_AN_ERROR);
        self.budget.ends_at.get_or_insert(end);
    }

    /// Ends the expansion with an error, within a value that is only wanted if it has none too.
    fn exceed(&mut self, error: LimitError<'_>) {
        if !self.budget.spent {
            let quiet = std::mem::take(&mut self.quiet);
            self.report(error.diagnostic());
            self.quiet = quiet;
            self.budget.spent = true;
        }
    }

    /// The call or loop of the model that leads to this place.
    fn outermost(&self) -> Option<Span> {
        self.steps.first().map(|step| step.span)
    }

    /// Goes one call or one pair of braces deeper; [`Reporter::rise`] comes back.
    pub fn go_deeper(&mut self) {
        self.budget.depth += 1;
    }

    /// Comes back from [`Reporter::go_deeper`].
    pub fn rise(&mut self) {
        self.budget.depth -= 1;
    }

    /// Whether calls and braces may nest deeper here.
    pub fn may_go_deeper(&mut self, span: Span) -> bool {
        if self.budget.depth >= MAX_DEPTH {
            let itself = self.call_in_itself();
            self.exceed(LimitError::Depth { limit: MAX_DEPTH, span, itself: itself.as_deref() });
        }
        !self.budget.spent
    }

    /// The block or model whose call leads here, if it was called around this place before.
    fn call_in_itself(&self) -> Option<Arc<str>> {
        let mut calls = self.steps.iter().rev().filter_map(|step| match &step.kind {
            TraceKind::Call(name) => Some(name.clone()),
            _ => None,
        });
        let last = calls.next()?;
        calls.any(|name| name == last).then_some(last)
    }

    /// Whether a loop may take that many turns, each of which surely writes out so many layers.
    pub fn may_turn(&mut self, turns: i64, layers: u64, span: Span) -> bool {
        let turns = u64::try_from(turns).unwrap_or(0);
        let layers = layers.saturating_mul(turns);
        let work = self.shared.account.work.get().saturating_add(turns.saturating_mul(TURN));
        if self.budget.layers.saturating_add(layers) > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: Some(layers), span });
        } else if work > self.shared.account.most_work {
            self.exceed(LimitError::Turns { turns, limit: self.shared.account.most_work, span });
        }
        !self.budget.spent
    }

    /// Whether a declaration may be written out that surely makes so many layers.
    pub fn may_expand(&mut self, layers: u64, span: Span) -> bool {
        self.spend(CALL, span);
        if self.budget.layers.saturating_add(layers) > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: Some(layers), span });
        }
        !self.budget.spent
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Problems;
    use crate::resolve::{Request, Sources, check_all, load};
    use cnnc_grammar::span::Files;
    use std::time::{Duration, Instant};

    struct One(String);

    impl Sources for One {
        fn read(&self, path: &str, _: Option<&str>) -> Result<(String, String), String> {
            Ok((path.into(), self.0.clone()))
        }
    }

    fn codes(text: String) -> Vec<&'static str> {
        let (mut files, mut problems, sources) = (Files::default(), Problems::default(), One(text));
        let loaded = load("main.cnn", &sources, &mut files, &mut problems);
        let start = Instant::now();
        let request = Request { most_work: Some(3_000_000), ..Request::default() };
        check_all(&loaded, &request, &mut files, &sources, &mut problems);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?} for {}", start.elapsed(), sources.0);
        problems.into_sorted().iter().map(|problem| problem.code.name()).collect()
    }

    /// Whatever costs time or memory while a model is written out is paid for, so that its repetition ends.
    #[test]
    fn all_that_is_done_is_counted() {
        for body in [
            "B0; B0; B0; B0",
            "for i in 0..100000 { \"x{i}\": { B0; B0 } }",
            "repeat 1000 { let x = [0] * 900000 }",
            "let a = [0] * 100000\nrepeat 1000 { let same = a == a }",
            "let a = [0] * 100000\nrepeat 1000 { let least = min(a) }",
            "let a = [0] * 100000\nrepeat 1000 { C(a) }",
            "repeat 900000 { expect [N, 8] }",
            "for i in 0..900000 { keep \"x{i}\" }",
            "repeat 900000 { init ReLU: ones }",
            "Linear(8)\nrepeat 300000 { init \"*\": ones }",
            "let t = \"0123456789\"\nrepeat 900000 { let u = \"{t}{t}{t}{t}{t}{t}{t}{t}\" + t }",
            "repeat 900000 { tied t = ReLU }",
            "repeat 900000 { let x = 1 + 2 * 3 - 4 }",
        ] {
            let blocks: String =
                (0..20).map(|level| format!("block B{level} {{ B{}; B{} }}\n", level + 1, level + 1)).collect();
            let others = "block B20 { }\nblock C(xs: [float]) { }";
            let found = codes(format!("{blocks}{others}\nmodel M {{\ninput [N, 8]\n{body}\nReLU\n}}"));
            assert!(found.contains(&"E217") && !found.contains(&"E499"), "{body}: {found:?}");
        }
    }

    /// What is too long is an error before any of it is built, in every turn.
    #[test]
    fn lists_past_the_limit_are_not_built() {
        for list in ["[0] * 1000000", "[0, [0] * 1000] * 1000", "[0] * 999 * 999999"] {
            let text = format!("model M {{ input [N, 8]; repeat 900000 {{ let x = {list} }}; ReLU }}");
            assert_eq!(codes(text), ["E214"], "{list}");
        }
    }

    /// Looking for each among all would take minutes.
    #[test]
    fn parameters_may_be_many() {
        let list = |text: fn(usize) -> String| (0..50_000).map(text).collect::<Vec<String>>().join(", ");
        let body = "input [N, 8]\nReLU";
        let model = format!("model M({}) {{\n{body}\n}}", list(|number| format!("a{number}: int = 1")));
        assert_eq!(codes(model), [""; 0]);
        let open = format!("model M({}) {{\n{body}\n}}", list(|number| format!("a{number}: int")));
        assert_eq!(codes(format!("{open}\nmodel P = M({})", list(|number| format!("{number}")))), ["E217"]);
    }

    #[test]
    fn all_models_of_a_spec_share_one_account() {
        let models: String =
            (0..200).map(|number| format!("model M{number} {{ input [N, 8]; repeat 5000 {{ ReLU }} }}\n")).collect();
        assert_eq!(codes(models), ["E217"]);
    }
}
