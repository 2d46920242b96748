//! Sizes of values, which stay symbols where they are open.

use super::Said;
use crate::onnx::read::{Call, Fact, Places, Reader, Sizes};
use cnnc_compiler::shape::Dim;

/// The sizes of the first argument.
fn sizes(reader: &Reader<'_>, call: &Call<'_>) -> Result<Vec<Dim>, String> {
    match call.input(0) {
        Some(Fact::Value(value)) => Ok(reader.network.shape(*value).to_vec()),
        Some(Fact::Tensor(tensor)) => Ok(tensor.shape().iter().map(|&size| Dim::from(size)).collect()),
        Some(Fact::Sizes(sizes) | Fact::Quotient(sizes, _)) if sizes.is_scalar => Ok(Vec::new()),
        Some(Fact::Sizes(sizes) | Fact::Quotient(sizes, _)) => Ok(vec![Dim::from(sizes.numbers.len())]),
        Some(Fact::Repeated(one, count)) => {
            let mut sizes = match &**one {
                Fact::Value(value) => reader.network.shape(*value).to_vec(),
                Fact::Tensor(tensor) => tensor.shape().iter().map(|&size| Dim::from(size)).collect(),
                _ => return Err("it has no argument".into()),
            };
            sizes.splice(..1, [count.clone()]);
            Ok(sizes)
        }
        Some(Fact::Places(_)) => Err("it measures a table of places".into()),
        Some(Fact::Unknown) | None => Err("it has no argument".into()),
    }
}

/// From set 15 on, of the axes from `start` to `end`.
pub fn shape(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let all = sizes(reader, call)?;
    let rank = all.len() as i64;
    let place = |given: i64| (if given < 0 { given + rank } else { given }).clamp(0, rank) as usize;
    let (start, end) = (place(call.int("start").unwrap_or(0)), place(call.int("end").unwrap_or(rank)));
    Ok(vec![Sizes::list(all.get(start..end.max(start)).unwrap_or_default().to_vec()).fact()])
}

pub fn size(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let all = sizes(reader, call)?;
    let count = all.iter().try_fold(Dim::Number(1), |product, size| product.times(size));
    let count = count.map_err(|_| "its elements are past counting")?;
    Ok(vec![Sizes { numbers: vec![count], is_scalar: true }.fact()])
}

/// Numbers of a range, at most.
const LONGEST: i64 = 4096;

pub fn range(_: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let number = |index: usize| call.ints(index).and_then(|numbers| numbers.first().copied());
    let (Some(start), Some(end), Some(step)) = (number(0), number(1), number(2)) else {
        let end = call.sizes(1).and_then(|sizes| sizes.numbers.into_iter().next());
        return match (number(0), end, number(2)) {
            (Some(0), Some(end), Some(1)) => Ok(vec![Fact::Places(Places::range(end, 0, 1))]),
            _ => Err("its numbers depend on open sizes".into()),
        };
    };
    let span = end.saturating_sub(start);
    let whole =
        span.checked_div(step).filter(|whole| *whole <= LONGEST).ok_or("it has more numbers than are followed")?;
    let count = (whole + i64::from(span % step != 0)).max(0);
    let at = |place: i64| Dim::Number(start.saturating_add(place.saturating_mul(step)));
    Ok(vec![Sizes::list((0..count).map(at).collect()).fact()])
}
