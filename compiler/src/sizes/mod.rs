//! For which sizes of the symbols a network is valid.
//!
//! Inference leaves requirements such as `2·(H//2) == H`. This module finds, by trying sizes, which values each symbol may have,
//! and says it in words: "any multiple of 32 from 32 up". A requirement of one symbol is solved by itself; one of several, such
//! as `H == W`, is tried on a sample of what the others leave, and kept as a condition where the sample does not decide it.

mod at;

pub use at::{Besides, Neighbours, Values};

use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Graph;
use crate::shape::{Dim, Relation, Requirement, Requirements, Residue, Shape};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The largest size that is tried, unless nothing up to it fits.
const LARGEST: i64 = 4096;

/// The largest size that is tried then.
const LARGEST_AT_ALL: i64 = 1 << 17;

/// The most that is tried for a network: sizes times the weights of the expressions that they are put into. Seconds; no network
/// comes near it.
const MOST_TRIED: u64 = 200_000_000;

/// How many sizes of each symbol are tried together with those of others.
const SAMPLE: usize = 12;

/// The valid sizes of every symbol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sizes {
    /// One entry a symbol, in the order of their first use.
    pub symbols: Vec<SymbolSizes>,
    /// What must hold of several symbols together, as in "H == W".
    pub together: Vec<String>,
}

/// The valid sizes of one symbol: `start`, `start + step`, `start + 2·step`, … up to `last`, where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolSizes {
    /// Its name.
    pub name: Arc<str>,
    /// The smallest size.
    pub start: i64,
    /// The step from one to the next; at least 1.
    pub step: i64,
    /// The largest size; `None` when there is none.
    pub last: Option<i64>,
}

/// The size that examples have where it is valid: people know it from ImageNet.
const USUAL: i64 = 224;

impl Sizes {
    /// Sizes that an input of this shape may have, as `--input-shape` takes them: `1,3,224,224`. One sample, and where a symbol
    /// leaves the choice the usual size or a valid one near it.
    pub fn example(&self, shape: &Shape) -> String {
        let batch = shape.first().map(Dim::symbols).unwrap_or_default();
        let is_batch = |name: &str| batch.iter().any(|symbol| **symbol == *name);
        let size = |name: &str| Some(if is_batch(name) { self.smallest(name) } else { self.usual(name) });
        let sizes = shape.iter().map(|dim| dim.at(&size).map_or_else(|| dim.to_string(), |size| size.to_string()));
        sizes.collect::<Vec<_>>().join(",")
    }

    /// The smallest size of a symbol by its rule.
    pub(crate) fn smallest(&self, name: &str) -> i64 {
        self.symbols.iter().find(|sizes| *sizes.name == *name).map_or(1, |sizes| sizes.start)
    }

    /// The usual size of a symbol, or a valid one near it.
    pub(crate) fn usual(&self, name: &str) -> i64 {
        let Some(sizes) = self.symbols.iter().find(|sizes| *sizes.name == *name) else { return 1 };
        let most = sizes.last.unwrap_or(USUAL).min(USUAL);
        let steps = (most - sizes.start).max(0) / sizes.step.max(1);
        sizes.start + steps * sizes.step.max(1)
    }

    /// What all valid sizes of a symbol have in common.
    pub(crate) fn residue(&self, name: &str) -> Option<Residue> {
        let sizes = self.symbols.iter().find(|sizes| *sizes.name == *name)?;
        Some(Residue { rest: sizes.start.rem_euclid(sizes.step.max(1)), step: sizes.step.max(1) })
    }
}

/// The sizes of all symbols of a network, or E308 where there are none.
pub(crate) fn solve(graph: &Graph, requirements: &Requirements) -> Result<Sizes, Box<Diagnostic>> {
    let mut candidates: Vec<Candidates> = symbols_of(graph).into_iter().map(Candidates::new).collect();
    let mut joint = Vec::new();
    let mut tried = 0u64;
    for requirement in &requirements.open {
        let weight = requirement.left.weight().saturating_add(requirement.right.weight()) as u64;
        let sizes = if requirement.grows() {
            16
        } else {
            candidates.iter().map(|one| one.fitting().len() as u64).max().unwrap_or(0)
        };
        tried = tried.saturating_add(weight.saturating_mul(sizes));
        if tried > MOST_TRIED {
            return Err(Box::new(too_many(requirement)));
        }
        match requirement.symbols().as_slice() {
            [name] => match candidates.iter_mut().find(|candidates| candidates.name == *name) {
                Some(candidates) => candidates.keep(requirement)?,
                None => continue,
            },
            _ => joint.push(requirement),
        }
    }
    let together = joint_conditions(&candidates, &joint)?;
    Ok(Sizes { symbols: candidates.iter().map(Candidates::describe).collect(), together })
}

/// The symbols of a network's inputs, each once, in order.
fn symbols_of(graph: &Graph) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for dim in graph.inputs.iter().flat_map(|input| input.shape.iter()) {
        names.extend(dim.symbols());
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The sizes of one symbol that fit all requirements so far.
struct Candidates {
    name: Arc<str>,
    /// The requirements that do not grow with the size.
    others: Vec<Requirement>,
    /// The sizes that fit, ascending, behind `ruled_out` smaller ones that a growing requirement ruled out since.
    sizes: Vec<i64>,
    ruled_out: usize,
    /// Up to where sizes were tried.
    tried: i64,
}

impl Candidates {
    fn new(name: Arc<str>) -> Self {
        Candidates { name, others: Vec::new(), sizes: (1..=LARGEST).collect(), ruled_out: 0, tried: LARGEST }
    }

    /// The sizes that fit.
    fn fitting(&self) -> &[i64] {
        self.sizes.get(self.ruled_out..).unwrap_or_default()
    }

    /// Keeps the sizes that fit one more requirement. A network of many layers has many that grow with the size, and most hold
    /// already.
    fn keep(&mut self, requirement: &Requirement) -> Result<(), Box<Diagnostic>> {
        let before = (self.ruled_out, self.fitting().first().copied());
        if requirement.grows() {
            if before.1.is_some_and(|least| self.holds(requirement, least)) {
                return Ok(());
            }
            self.ruled_out += self.fitting().partition_point(|size| !self.holds(requirement, *size));
            if self.fitting().is_empty() {
                let failed = self.sizes.get(before.0..).unwrap_or_default().to_vec();
                return self.try_larger(requirement, &failed);
            }
            return Ok(());
        }
        self.others.push(requirement.clone());
        let before = std::mem::take(&mut self.sizes).split_off(self.ruled_out);
        self.sizes = before.iter().copied().filter(|size| self.holds(requirement, *size)).collect();
        self.ruled_out = 0;
        if self.sizes.is_empty() { self.try_larger(requirement, &before) } else { Ok(()) }
    }

    /// Where nothing up to the usual bound fits, larger sizes are tried once; what was ruled out up to there stays so.
    fn try_larger(&mut self, requirement: &Requirement, before: &[i64]) -> Result<(), Box<Diagnostic>> {
        if self.tried < LARGEST_AT_ALL {
            let first = before.first().copied().unwrap_or(1);
            self.tried = LARGEST_AT_ALL;
            let fits =
                |size: &i64| self.holds(requirement, *size) && self.others.iter().all(|other| self.holds(other, *size));
            self.sizes = (first..=LARGEST_AT_ALL).filter(fits).collect();
            self.ruled_out = 0;
            if !self.sizes.is_empty() {
                return Ok(());
            }
        }
        Err(Box::new(self.nothing_fits(requirement, before)))
    }

    fn holds(&self, requirement: &Requirement, size: i64) -> bool {
        requirement.holds(&|name| (name == &*self.name).then_some(size)) == Some(true)
    }

    fn nothing_fits(&self, requirement: &Requirement, before: &[i64]) -> Diagnostic {
        let name = &self.name;
        let message = format!("no size of `{name}` fits the network");
        let mut diagnostic = Diagnostic::new(Code::E308, message, requirement.span, requirement.reason)
            .note(format!("needed: {requirement}"));
        let largest = before.iter().rev().take(1);
        for size in before.iter().take(2).chain(largest).copied().collect::<std::collections::BTreeSet<i64>>() {
            let at = |symbol: &str| (symbol == &**name).then_some(size);
            if let (Some(left), Some(right)) = (requirement.left.at(&at), requirement.right.at(&at)) {
                diagnostic = diagnostic
                    .note(format!("{name} = {size}: {left} {} {right} does not hold", word(requirement.relation)));
            }
        }
        if let Some(first) = before.first().filter(|first| **first > 1) {
            diagnostic = diagnostic.note(format!("the layers before it need {name} to be at least {first}"));
        }
        diagnostic
    }

    /// The sizes in words: those of the smallest step that goes on to the end of what was tried.
    fn describe(&self) -> SymbolSizes {
        let (name, fitting) = (self.name.clone(), self.fitting());
        if let Some((start, step)) = progression(fitting, self.tried) {
            return SymbolSizes { name, start, step, last: None };
        }
        let (first, last) = (fitting.first().copied().unwrap_or(1), fitting.last().copied().unwrap_or(1));
        let step = match fitting {
            [first, second, ..] => second - first,
            _ => 1,
        };
        let regular = fitting.windows(2).all(|pair| matches!(pair, [a, b] if b - a == step));
        let last = if regular { last } else { first };
        SymbolSizes { name, start: first, step: step.max(1), last: Some(last) }
    }
}

/// The smallest step, and the smallest start, from which on every size fits up to the end; a start that is a multiple of the step
/// is preferred, since it reads best. The start lies in the lower half, so that what is claimed was seen often.
fn progression(fitting: &[i64], tried: i64) -> Option<(i64, i64)> {
    let mut fits = vec![false; usize::try_from(tried).ok()? + 1];
    for size in fitting {
        *fits.get_mut(usize::try_from(*size).ok()?)? = true;
    }
    let is_fitting = |size: i64| usize::try_from(size).ok().and_then(|size| fits.get(size)).copied().unwrap_or(false);
    let start_of = |last: i64, step: i64| {
        let first = (0..).map(|back| last - back * step).take_while(|size| is_fitting(*size)).last();
        first.filter(|start| *start <= tried / 2)
    };
    (1..=tried / 8).find_map(|step| {
        let starts = (0..step).filter_map(|back| start_of(tried - back, step));
        let start = starts.min_by_key(|start| (start % step != 0, *start))?;
        Some((start, step))
    })
}

/// Conditions of several symbols that not every choice of sizes fulfils; E308 where no choice does.
fn joint_conditions(candidates: &[Candidates], joint: &[&Requirement]) -> Result<Vec<String>, Box<Diagnostic>> {
    let mut conditions: Vec<String> = Vec::new();
    for requirement in joint {
        let symbols = requirement.symbols();
        let samples: Option<Vec<(&Arc<str>, &[i64])>> = symbols
            .iter()
            .map(|name| {
                let known = candidates.iter().find(|candidates| candidates.name == *name)?;
                let fitting = known.fitting();
                Some((name, fitting.get(..SAMPLE).unwrap_or(fitting)))
            })
            .collect();
        let Some(samples) = samples else { continue };
        let (mut some, mut all) = (false, true);
        try_all(&samples, &mut HashMap::new(), &mut |sizes| {
            let holds = requirement.holds(&|name| sizes.get(name).copied()) == Some(true);
            some |= holds;
            all &= holds;
        });
        if !some {
            return Err(Box::new(no_choice_fits(requirement, &symbols)));
        }
        let text = requirement.to_string();
        if !all && !conditions.contains(&text) {
            conditions.push(text);
        }
    }
    Ok(conditions)
}

/// Calls `visit` with every choice of one size a symbol; of more symbols than three, with those of the first three alone.
fn try_all<'n>(
    samples: &[(&'n Arc<str>, &[i64])],
    chosen: &mut HashMap<&'n str, i64>,
    visit: &mut dyn FnMut(&HashMap<&'n str, i64>),
) {
    match samples.split_first() {
        None => visit(chosen),
        Some(((name, sizes), rest)) => {
            let few = if chosen.len() >= 3 { 1 } else { sizes.len() };
            for size in sizes.iter().take(few) {
                chosen.insert(name, *size);
                try_all(rest, chosen, visit);
            }
            chosen.remove(&***name);
        }
    }
}

fn no_choice_fits(requirement: &Requirement, symbols: &[Arc<str>]) -> Diagnostic {
    let names: Vec<&str> = symbols.iter().map(|name| &**name).collect();
    let message = format!("no sizes of {} that were tried fit the network together", names.join(", "));
    Diagnostic::new(Code::E308, message, requirement.span, requirement.reason).note(format!("needed: {requirement}"))
}

fn too_many(requirement: &Requirement) -> Diagnostic {
    let message = "too much must hold of the symbols for their valid sizes to be found";
    Diagnostic::new(Code::E217, message, requirement.span, requirement.reason)
        .help("write the sizes of the input as numbers, or give them with --input-shape")
}

fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "==",
        Relation::AtLeast => ">=",
        Relation::MultipleOf => "is a multiple of",
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, word(self.relation), self.right)
    }
}

/// `H and W: any multiple of 32 from 32 up`, one part for each kind of answer; symbols of any size are left out.
impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
        for symbol in self.symbols.iter().filter(|symbol| !symbol.is_any()) {
            let text = symbol.words();
            match groups.iter_mut().find(|(_, other)| *other == text) {
                Some((names, _)) => names.push(&symbol.name),
                None => groups.push((vec![&symbol.name], text)),
            }
        }
        let groups = groups.into_iter().map(|(names, text)| match names.as_slice() {
            [all @ .., last] if !all.is_empty() => format!("{} and {last}: {text}", all.join(", ")),
            names => format!("{}: {text}", names.join(", ")),
        });
        let lines: Vec<String> = groups.chain(self.together.iter().cloned()).collect();
        f.write_str(&lines.join("; "))
    }
}

impl SymbolSizes {
    /// Whether every size is valid.
    pub fn is_any(&self) -> bool {
        (self.start, self.step, self.last) == (1, 1, None)
    }

    /// The sizes in words: "any multiple of 32 from 32 up".
    pub fn words(&self) -> String {
        let SymbolSizes { start, step, last, .. } = self;
        match (start, step, last) {
            (1, 1, None) => "any size".into(),
            (start, 1, None) => format!("any size from {start} up"),
            (start, step, None) if start % step == 0 => format!("any multiple of {step} from {start} up"),
            (start, step, None) => {
                format!("{start}, {}, {} and so on, in steps of {step}", start + step, start + 2 * step)
            }
            (start, _, Some(last)) if start == last => format!("{start} alone"),
            (start, 1, Some(last)) => format!("{start} to {last}"),
            (start, step, Some(last)) => format!("{start} to {last} in steps of {step}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Input, NodeId};
    use cnnc_grammar::span::Span;

    fn solved(ask: impl FnOnce(&Dim, &Dim, &mut Requirements)) -> Result<String, String> {
        let (height, width) = (Dim::symbol("H"), Dim::symbol("W"));
        let mut requirements = Requirements::default();
        ask(&height, &width, &mut requirements);
        let shape = Shape::from(vec![height, width]);
        let input = Input { name: "input".into(), shape, node: NodeId::default(), image: None, span: Span::default() };
        let graph = Graph { inputs: vec![input], ..Graph::default() };
        solve(&graph, &requirements).map(|sizes| sizes.to_string()).map_err(|diagnostic| diagnostic.notes.join("\n"))
    }

    #[test]
    fn what_is_tried_is_bounded() {
        let start = std::time::Instant::now();
        let text = solved(|height, _, requirements| {
            let odd = height.plus_number(1).and_then(|size| size.floor_divided(2)).unwrap();
            let whole = height.floor_divided(2).and_then(|half| half.plus(&odd)).unwrap();
            for factor in 1..20_000 {
                equal(whole.times_number(factor).unwrap(), &height.times_number(factor).unwrap(), requirements);
            }
        });
        assert!(text.is_err());
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    fn equal(left: Dim, right: &Dim, requirements: &mut Requirements) {
        assert_eq!(requirements.equal(&left, right, "they must be equal"), Ok(true));
    }

    fn multiple_of(size: &Dim, divisor: i64) -> Dim {
        size.floor_divided(divisor).unwrap().times_number(divisor).unwrap()
    }

    #[test]
    fn halving_and_doubling_needs_multiples() {
        let text = solved(|height, width, requirements| {
            for divisor in [2, 4, 8, 16] {
                equal(multiple_of(height, divisor), height, requirements);
            }
            equal(multiple_of(width, 16), width, requirements);
        });
        assert_eq!(text.unwrap(), "H and W: any multiple of 16 from 16 up");
    }

    #[test]
    fn a_window_needs_a_least_size() {
        let text = solved(|height, width, requirements| {
            let least = Dim::Number(29);
            requirements.require(height, Relation::AtLeast, &least, "it must fit").unwrap();
            requirements.require(width, Relation::AtLeast, &Dim::Number(5000), "it must fit").unwrap();
        });
        assert_eq!(text.unwrap(), "H: any size from 29 up; W: any size from 5000 up");
    }

    #[test]
    fn every_second_block_of_sizes() {
        // YOLOv3's concatenations: halving five times rounding up, then doubling once, meets halving four times.
        let halved =
            |size: &Dim, by: i64| size.plus_number(-1).unwrap().floor_divided(by).unwrap().plus_number(1).unwrap();
        let text = solved(|height, _, requirements| {
            equal(halved(height, 32).times_number(2).unwrap(), &halved(height, 16), requirements);
        });
        assert_eq!(text.unwrap(), "H: any multiple of 32 from 32 up");
    }

    #[test]
    fn a_contract_can_leave_a_few() {
        let text = solved(|height, width, requirements| {
            equal(height.floor_divided(8).unwrap(), &Dim::Number(3), requirements);
            equal(width.clone(), &Dim::Number(28), requirements);
        });
        assert_eq!(text.unwrap(), "H: 24 to 31; W: 28 alone");
    }

    #[test]
    fn symbols_together() {
        assert_eq!(solved(|height, width, requirements| equal(height.clone(), width, requirements)).unwrap(), "H == W");
        let larger = solved(|height, width, requirements| {
            equal(
                height.plus_number(1000).unwrap(),
                &width.times_number(1000).unwrap().times(width).unwrap(),
                requirements,
            );
        });
        assert!(larger.is_err());
    }

    #[test]
    fn examples_are_valid_and_usual() {
        let symbol = |name: &str, start, step, last| SymbolSizes { name: name.into(), start, step, last };
        let symbols = vec![
            symbol("N", 1, 1, None),
            symbol("H", 16, 48, None),
            symbol("W", 300, 1, None),
            symbol("L", 3, 2, Some(9)),
        ];
        let sizes = Sizes { symbols, together: Vec::new() };
        let named = |name: &str| Dim::symbol(name);
        let shape = Shape::from(vec![named("N"), Dim::Number(3), named("H"), named("W"), named("L")]);
        assert_eq!(sizes.example(&shape), "1,3,208,300,9");
    }

    #[test]
    fn nothing_fits() {
        let notes = solved(|height, _, requirements| {
            requirements.require(height, Relation::AtLeast, &Dim::Number(10), "it must fit").unwrap();
            equal(height.floor_divided(2).unwrap(), &Dim::Number(3), requirements);
        });
        assert_eq!(
            notes.unwrap_err(),
            "needed: H//2 == 3\nH = 10: 5 == 3 does not hold\nH = 11: 5 == 3 does not hold\n\
             H = 4096: 2048 == 3 does not hold\nthe layers before it need H to be at least 10"
        );
    }
}
