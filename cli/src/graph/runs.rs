//! Equal blocks one after another become a run: one item, whose body they are.
//!
//! Blocks are equal where they compute the same in the same shapes ([`Block::signature`]), and follow one another where all that
//! the one gives goes to the next, which takes nothing else.

use super::facts::total;
use super::outline::{Block, Body, Content, End, Flow, Item};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The body with its runs.
pub fn fold_runs(body: Body) -> Body {
    let runs = runs(&body);
    if runs.is_empty() {
        return body;
    }
    let mut first: HashMap<usize, &Range<usize>> = runs.iter().map(|run| (run.start, run)).collect();
    // Where every old item is now: its place, and the place within a run.
    let mut places: Vec<(usize, Option<usize>)> = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    let mut bodies: HashMap<usize, Body> = HashMap::new();
    let mut members = 0..0;
    for (number, item) in body.items.into_iter().enumerate() {
        if let Some(run) = first.remove(&number) {
            members = run.clone();
            bodies.insert(items.len(), Body::default());
            items.push(item.clone());
        }
        let place = items.len().saturating_sub(1);
        match bodies.get_mut(&place).filter(|_| members.contains(&number)) {
            Some(inner) => {
                places.push((place, Some(inner.items.len())));
                inner.items.push(item);
            }
            None => {
                places.push((items.len(), None));
                items.push(item);
            }
        }
    }
    let mut flows = Vec::new();
    for Flow { value, from, to } in body.flows {
        let ([from, from_inner], [to, to_inner]) = (moved(from, &places), moved(to, &places));
        if let (true, Some(inner)) = (from == to, run_at(&mut bodies, from)) {
            inner.flows.push(Flow { value, from: from_inner, to: to_inner });
            continue;
        }
        if let Some(inner) = run_at(&mut bodies, from) {
            let leaving = Flow { value, from: from_inner, to: End::Output(place(&mut inner.outputs, value)) };
            if !inner.flows.contains(&leaving) {
                inner.flows.push(leaving);
            }
        }
        if let Some(inner) = run_at(&mut bodies, to) {
            let entering = Flow { value, from: End::Input(place(&mut inner.inputs, value)), to: to_inner };
            inner.flows.push(entering);
        }
        flows.push(Flow { value, from, to });
    }
    for (place, inner) in bodies {
        if let Some(item) = items.get_mut(place) {
            *item = run(inner);
        }
    }
    Body { items, flows, inputs: body.inputs, outputs: body.outputs }
}

/// The run at an end, if there is one.
fn run_at(bodies: &mut HashMap<usize, Body>, end: End) -> Option<&mut Body> {
    if let End::Item(place) = end { bodies.get_mut(&place) } else { None }
}

/// Where an end is now: in the body, and in its run.
fn moved(end: End, places: &[(usize, Option<usize>)]) -> [End; 2] {
    match end {
        End::Item(old) => {
            let (place, inner) = places.get(old).copied().unwrap_or_default();
            [End::Item(place), End::Item(inner.unwrap_or_default())]
        }
        End::Input(_) | End::Output(_) => [end, end],
    }
}

fn place<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    list.iter().position(|known| *known == value).unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    })
}

/// The ranges of equal blocks, each of at least two.
fn runs(body: &Body) -> Vec<Range<usize>> {
    let mut given: Vec<Vec<&Flow>> = vec![Vec::new(); body.items.len()];
    let mut taken = given.clone();
    for flow in &body.flows {
        let places = [(flow.from, &mut given), (flow.to, &mut taken)];
        for (end, list) in places {
            if let End::Item(place) = end
                && let Some(list) = list.get_mut(place)
            {
                list.push(flow);
            }
        }
    }
    let signature = |place: usize| match body.items.get(place).map(|item| &item.content) {
        Some(Content::Block(block)) => Some((&block.class, block.signature)),
        _ => None,
    };
    let follows = |place: usize| {
        let between = |flow: &Flow| (flow.from, flow.to) == (End::Item(place - 1), End::Item(place));
        let is_all = |flows: &Vec<&Flow>| matches!(flows.as_slice(), [only] if between(only));
        let same = signature(place).is_some() && signature(place) == signature(place - 1);
        same && taken.get(place).is_some_and(is_all) && given.get(place - 1).is_some_and(is_all)
    };
    let mut runs: Vec<Range<usize>> = Vec::new();
    for place in 1..body.items.len() {
        match runs.last_mut().filter(|run| run.end == place) {
            _ if !follows(place) => {}
            Some(run) => run.end += 1,
            None => runs.push(place - 1..place + 1),
        }
    }
    runs
}

/// The run of these blocks.
fn run(body: Body) -> Item {
    let first = body.items.first();
    let (class, depth, signature) = first
        .and_then(Item::block)
        .map(|block| (block.class.clone(), block.depth, block.signature))
        .unwrap_or_default();
    let paths: Vec<&str> = body.items.iter().map(|item| &*item.path).collect();
    let path = range(&paths);
    let cost = total(body.items.iter().map(|item| item.cost));
    Item { path, cost, content: Content::Run(Block { class, depth, signature, body }) }
}

/// `layer3[1…35]` of `layer3.1` to `layer3.35`, `block[1…4]` of `block1` to `block4`; else the first and the last.
fn range(paths: &[&str]) -> Arc<str> {
    let [first, .., last] = paths else { return paths.first().copied().unwrap_or_default().into() };
    let numbered = |path: &str| {
        let stem = path.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number: usize = path.get(stem.len()..)?.parse().ok()?;
        Some((stem.to_owned(), number))
    };
    let all: Option<Vec<(String, usize)>> = paths.iter().map(|path| numbered(path)).collect();
    match all.as_deref() {
        Some([(stem, from), rest @ ..])
            if (1..).zip(rest).all(|(step, (other, number))| other == stem && *number == from + step) =>
        {
            let stem = stem.strip_suffix('.').unwrap_or(stem);
            format!("{stem}[{from}…{}]", from + rest.len()).into()
        }
        _ => format!("{first} … {last}").into(),
    }
}

impl Block {
    /// How many equal blocks a run's are.
    pub fn times(&self) -> usize {
        self.body.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn runs_are_called_by_their_numbers() {
        assert_eq!(&*range(&["layer3.1", "layer3.2", "layer3.3"]), "layer3[1…3]");
        assert_eq!(&*range(&["block1", "block2"]), "block[1…2]");
        assert_eq!(&*range(&["0", "1"]), "[0…1]");
        assert_eq!(&*range(&["a", "b"]), "a … b");
        assert_eq!(&*range(&["block1", "block3"]), "block1 … block3");
    }
}
