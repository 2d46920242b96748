//! Parts of lists, `values[start:end:step]`, by Python's rules: a negative end counts from the back, and what lies beyond the
//! list is not there.

use super::evaluate::Evaluator;
use super::value::{Items, MAX_LEAVES, Value};
use crate::resolve::error::ValueError;
use cnnc_grammar::ast::Expr;
use cnnc_grammar::span::Span;

/// The positions of a slice.
#[derive(Debug, PartialEq, Eq)]
struct Positions {
    first: i64,
    step: i64,
    count: i64,
}

impl Positions {
    /// Those of a list of `length` elements; `None` for a step of 0.
    fn new([start, end, step]: [Option<i64>; 3], length: i64) -> Option<Positions> {
        let step = step.unwrap_or(1);
        let (least, most) = match step {
            0 => return None,
            1.. => (0, length),
            ..0 => (-1, length.saturating_sub(1)),
        };
        let place = |position: i64| {
            let from_start = if position < 0 { position.saturating_add(length) } else { position };
            from_start.clamp(least, most)
        };
        let (first, last) = if step > 0 { (least, most) } else { (most, least) };
        let (first, last) = (start.map_or(first, place), end.map_or(last, place));
        let distance = if step > 0 { last.saturating_sub(first) } else { first.saturating_sub(last) };
        let count = match u64::try_from(distance) {
            Ok(distance @ 1..) => 1 + (distance - 1) / step.unsigned_abs(),
            _ => 0,
        };
        Some(Positions { first, step, count: i64::try_from(count).unwrap_or(i64::MAX) })
    }

    /// Each of them.
    fn each(&self) -> impl Iterator<Item = i64> {
        let (first, step) = (self.first, self.step);
        (0..self.count).map(move |turn| first.saturating_add(turn.saturating_mul(step)))
    }
}

impl<'a> Evaluator<'_, 'a, '_> {
    /// `value[start:end:step]`
    pub(super) fn slice(&mut self, value: &'a Expr, ends: [Option<&'a Expr>; 3], span: Span) -> Option<Value<'a>> {
        let values = self.evaluate(value);
        let [start, end, step] = ends;
        let mut known = true;
        let mut number = |end: Option<&'a Expr>, what| {
            let number = self.evaluate_int(end?, what);
            known &= number.is_some();
            number
        };
        let numbers = [
            number(start, "the start of a slice"),
            number(end, "the end of a slice"),
            number(step, "the step of a slice"),
        ];
        let values = values.filter(|_| known)?;
        let Some(length) = values.length() else {
            let (what, wanted, span) = ("what a part is taken of", "a list or a tuple", value.span);
            self.reporter.report(ValueError::NotA { what, wanted, value: values.shown(), span }.diagnostic());
            return None;
        };
        let Some(positions) = Positions::new(numbers, length) else {
            let (why, span) = ("a slice cannot go on by 0", step.map_or(span, |step| step.span));
            self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
            return None;
        };
        let part = taken(&values, &positions);
        match &part {
            Some(part) => part.spend(self.reporter, span),
            None => {
                let why = "the part is longer than any list may be";
                self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
                false
            }
        };
        part
    }
}

/// The elements at these positions; a range stays one where it can.
fn taken<'a>(values: &Value<'a>, positions: &Positions) -> Option<Value<'a>> {
    if let (Value::Range(start, _), 1) = (values, positions.step) {
        let first = start.saturating_add(positions.first);
        return Some(Value::Range(first, first.saturating_add(positions.count)));
    }
    if positions.count > MAX_LEAVES as i64 {
        return None;
    }
    let items = Items::new(positions.each().filter_map(|position| values.element(position)).collect())?;
    Some(if matches!(values, Value::Tuple(_)) { Value::Tuple(items) } else { Value::List(items) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(ends: [Option<i64>; 3], length: i64) -> Option<Vec<i64>> {
        Positions::new(ends, length).map(|positions| positions.each().collect())
    }

    #[test]
    fn positions_are_pythons() {
        // From Python's `list(range(n))[start:end:step]`.
        let all = [
            ([None, None, None], 3, vec![0, 1, 2]),
            ([Some(1), None, None], 3, vec![1, 2]),
            ([None, Some(-1), None], 3, vec![0, 1]),
            ([Some(-2), None, None], 3, vec![1, 2]),
            ([Some(5), None, None], 3, vec![]),
            ([Some(-9), Some(2), None], 3, vec![0, 1]),
            ([Some(2), Some(1), None], 3, vec![]),
            ([None, None, Some(2)], 5, vec![0, 2, 4]),
            ([None, None, Some(-1)], 3, vec![2, 1, 0]),
            ([None, None, Some(-2)], 4, vec![3, 1]),
            ([Some(1), None, Some(-1)], 3, vec![1, 0]),
            ([Some(-1), Some(0), Some(-1)], 3, vec![2, 1]),
            ([None, None, Some(i64::MIN)], 3, vec![2]),
            ([Some(i64::MIN), Some(i64::MAX), Some(i64::MAX)], 3, vec![0]),
            ([None, None, None], 0, vec![]),
            ([None, None, Some(-1)], 0, vec![]),
        ];
        for (ends, length, positions) in all {
            assert_eq!(part(ends, length), Some(positions), "{ends:?} of {length}");
        }
        assert_eq!(part([None, None, Some(0)], 3), None);
    }

    #[test]
    fn ranges_stay_ranges() {
        let part = |ends| taken(&Value::Range(5, i64::MAX), &Positions::new(ends, i64::MAX - 5)?);
        assert_eq!(part([Some(2), Some(-2), None]).unwrap().written(), format!("7..{}", i64::MAX - 2));
        assert!(part([None, None, Some(2)]).is_none());
    }
}
