//! What layers share that lay the same elements out under other axes: sizes of which one may be left to be found, and where
//! each axis goes.

use super::argument_shapes::{NewShape, NewSize};
use super::receptive_field::AxisMove;
use super::{Argument, LayerField, ShapeError};
use crate::diagnostic::Code;
use crate::shape::{Dim, Relation, Requirements, Shape};

/// The sizes that a shape asks for, of a value of these `sizes`; `argument` says which argument it is.
pub fn sizes(
    argument: &'static str,
    asked: &NewShape,
    sizes: &[Dim],
    requirements: &mut Requirements,
) -> Result<Vec<Dim>, ShapeError> {
    let given: Vec<Dim> = asked.0.iter().filter_map(|size| size.0.clone()).collect();
    let open = asked.0.len() - given.len();
    if open > 1 {
        return Err(ShapeError::Other {
            code: Code::E310,
            message: format!("{argument}={} leaves {open} sizes to be found", asked.write()),
            argument: Some(argument),
            note: Some("-1 can stand for one size alone".into()),
            mend: None,
        });
    }
    for size in given.iter().filter(|size| !size.is_plain()) {
        requirements.require(size, Relation::AtLeast, &Dim::Number(1), "a size is at least 1")?;
    }
    // What stands on both sides needs no arithmetic, and no question about symbols.
    let (mut all, mut parts) = (sizes.to_vec(), given.clone());
    parts.retain(|part| match all.iter().position(|size| size == part && part.number() != Some(1)) {
        Some(place) => {
            all.remove(place);
            false
        }
        None => true,
    });
    let (whole, product) = (Shape::from(all).elements()?, Shape::from(parts).elements()?);
    if open == 0 {
        let fits = requirements.equal(&whole, &product, "a reshaped value has as many elements as before")?;
        return if fits { Ok(given) } else { Err(misfit(argument, asked, sizes)?) };
    }
    let rest = match (whole.evenly_divided(&product)?, product.number()) {
        (Some(rest), _) => rest,
        (None, Some(number)) => {
            let reason = "the size that -1 stands for is a whole number";
            if !requirements.require(&whole, Relation::MultipleOf, &product, reason)? {
                return Err(misfit(argument, asked, sizes)?);
            }
            whole.floor_divided(number)?
        }
        (None, None) => return Err(uncertain(argument, asked, [&whole, &product])),
    };
    Ok(asked.0.iter().map(|size| size.0.clone().unwrap_or_else(|| rest.clone())).collect())
}

/// The refusal of sizes whose product is another.
fn misfit(argument: &'static str, asked: &NewShape, sizes: &[Dim]) -> Result<ShapeError, ShapeError> {
    let whole = Shape::from(sizes.to_vec()).elements()?;
    let given: Shape = asked.0.iter().filter_map(|size| size.0.clone()).collect();
    let product = given.elements()?;
    let fits = |place: usize| {
        let others = asked.0.iter().enumerate().filter(|(at, _)| *at != place);
        let product = Shape::from_iter(others.filter_map(|(_, size)| size.0.clone())).elements().ok()?;
        let rest = whole.evenly_divided(&product).ok()??;
        let mut mended = asked.clone();
        *mended.0.get_mut(place)? = NewSize(Some(rest));
        Some((argument, mended.write()))
    };
    let factors = given.iter().map(Dim::to_string).collect::<Vec<_>>().join("·");
    Ok(ShapeError::Other {
        code: Code::E310,
        message: format!("{} has not the number of elements that there are, {whole}", asked.write()),
        argument: Some(argument),
        note: Some(if given.rank() > 1 { format!("{factors} = {product}") } else { format!("it asks for {product}") }),
        mend: (0..asked.0.len()).rev().find_map(fits),
    })
}

/// The refusal of a quotient that depends on symbols.
fn uncertain(argument: &'static str, asked: &NewShape, [whole, product]: [&Dim; 2]) -> ShapeError {
    ShapeError::Other {
        code: Code::E307,
        message: format!("what -1 stands for in {argument}={} is not certain", asked.write()),
        argument: Some(argument),
        note: Some(format!("({whole}) / ({product}) depends on sizes that are left open")),
        mend: None,
    }
}

/// Where each axis goes when elements stay in order: axes are followed as far as groups of them have the same number of
/// elements before and after.
pub fn field(from: &[Dim], to: &[Dim]) -> LayerField {
    let product = |sizes: Option<&[Dim]>| Shape::from(sizes.unwrap_or_default().to_vec()).elements().ok();
    let is_long = |size: &Dim| size.number() != Some(1);
    let mut moves = Vec::with_capacity(from.len());
    let (mut read, mut written) = (0, 0);
    while read < from.len() {
        let stop_of = |end: usize| {
            let own = product(from.get(read..end));
            (written..=to.len()).find(|&stop| own.is_some() && product(to.get(written..stop)) == own)
        };
        let found = (read + 1..=from.len()).find_map(|end| stop_of(end).map(|stop| (end, stop)));
        let (end, stop) = found.unwrap_or((from.len(), to.len()));
        let before = from.get(read..end).unwrap_or_default();
        let after = to.get(written..stop).unwrap_or_default();
        let target = written + after.iter().position(is_long).unwrap_or(0);
        let target = target.min(to.len().saturating_sub(1));
        let [many, spread] = [before, after].map(|sizes| sizes.iter().filter(|size| is_long(size)).count() > 1);
        moves.extend(before.iter().map(|size| match (is_long(size), spread, many) {
            (false, ..) | (_, true, _) => AxisMove::Gathered(target),
            (true, false, true) => AxisMove::Among(target),
            (true, false, false) => AxisMove::To(target),
        }));
        (read, written) = (end, stop);
    }
    LayerField::Axes(moves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::test_layer::shape;

    #[test]
    fn axes_are_followed_through_a_new_shape() {
        use AxisMove::{Among, Gathered, To};
        let field = |from: &str, to: &str| field(&shape(from), &shape(to));
        let axes = |moves: &[AxisMove]| LayerField::Axes(moves.to_vec());
        assert_eq!(field("[N, 12, H, W]", "[N, 3, 4, H, W]"), axes(&[To(0), Gathered(1), To(3), To(4)]));
        assert_eq!(field("[N, 3, 4, W]", "[N, 12, W]"), axes(&[To(0), Among(1), Among(1), To(2)]));
        assert_eq!(field("[N, 8, 1, 1]", "[N, 8]"), axes(&[To(0), To(1), Gathered(1), Gathered(1)]));
        assert_eq!(field("[N, 8]", "[N, 1, 8, 1]"), axes(&[To(0), To(2)]));
        assert_eq!(field("[N, 6, 4]", "[N, 4, 6]"), axes(&[To(0), Gathered(1), Gathered(1)]));
    }
}
