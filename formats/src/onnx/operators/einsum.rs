//! `Einsum` of two values that is a product of matrices, for each of some axes that both have.

use super::{Said, ints, one};
use crate::onnx::read::{Call, Reader};
use crate::spec::ValueId;
use cnnc_grammar::ast::JoinKind;

const OTHER: &str = "it is no product of two values along one axis";

pub fn einsum(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let equation: String = call.text("equation").unwrap_or_default().chars().filter(|letter| *letter != ' ').collect();
    let sides = equation.split_once("->").and_then(|(inputs, output)| Some((inputs.split_once(',')?, output)));
    let ((left, right), output) = sides.filter(|_| call.inputs.len() == 2).ok_or(OTHER)?;
    let (left, right, output) = (letters(left)?, letters(right)?, letters(output)?);
    let among = |of: &[char], and: [(&[char], bool); 2]| -> Vec<char> {
        of.iter()
            .copied()
            .filter(|letter| and.iter().all(|(other, wanted)| other.contains(letter) == *wanted))
            .collect()
    };
    let batch = among(&output, [(&left, true), (&right, true)]);
    let summed = among(&left, [(&right, true), (&output, false)]);
    let rows = among(&output, [(&left, true), (&right, false)]);
    let columns = among(&output, [(&left, false), (&right, true)]);
    let is_product = summed.len() == 1
        && rows.len() == 1
        && columns.len() == 1
        && left.len() == batch.len() + 2
        && right.len() == batch.len() + 2;
    if !is_product {
        return Err(OTHER.into());
    }
    let a = turned(reader, call, 0, &left, &[&batch[..], &rows, &summed].concat())?;
    let b = turned(reader, call, 1, &right, &[&batch[..], &summed, &columns].concat())?;
    let product = reader.network.join(JoinKind::Matmul, Vec::new(), &[a, b])?;
    one(ordered(reader, product, &[&batch[..], &rows, &columns].concat(), &output)?)
}

/// The axes of a side, each once.
fn letters(side: &str) -> Result<Vec<char>, String> {
    let letters: Vec<char> = side.chars().collect();
    let once =
        |letter: &char| letter.is_ascii_alphabetic() && letters.iter().filter(|other| *other == letter).count() == 1;
    if letters.iter().all(once) { Ok(letters) } else { Err(OTHER.into()) }
}

/// An argument with its axes in a wanted order.
fn turned(
    reader: &mut Reader<'_>,
    call: &Call<'_>,
    index: usize,
    own: &[char],
    wanted: &[char],
) -> Result<ValueId, String> {
    let value = reader.value(call, index)?;
    if reader.network.shape(value).rank() != own.len() {
        return Err("its equation has another number of axes than its arguments".into());
    }
    ordered(reader, value, own, wanted)
}

fn ordered(reader: &mut Reader<'_>, value: ValueId, own: &[char], wanted: &[char]) -> Result<ValueId, String> {
    if own == wanted {
        return Ok(value);
    }
    let place = |letter: &char| own.iter().position(|other| other == letter).map(|place| place as i64);
    let order = wanted.iter().map(place).collect::<Option<Vec<i64>>>().ok_or(OTHER)?;
    reader.layer("Permute", vec![("dims", ints(&order))], value)
}
