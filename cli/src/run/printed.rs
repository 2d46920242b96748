//! What `--print` asks for: all numbers of a value, or a part of it, as PyTorch takes one.

use crate::slice::{Part, Slice};
use cnnc_runtime::Tensor;
use std::str::FromStr;

/// All of a tensor, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    /// `all`
    All,
    /// `[0, :, 3:5]`, `[1][0]`
    Part(Vec<Slice>),
}

impl FromStr for Printed {
    type Err = String;

    fn from_str(text: &str) -> Result<Printed, String> {
        let text = text.trim();
        if text == "all" {
            return Ok(Printed::All);
        }
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let inside = inside.ok_or("expected `all`, or a part such as [0, :, 3:5]")?;
        let slices = inside.split("][").map(|slice| Slice::read(slice, 0).map_err(|misfit| misfit.reason));
        slices.collect::<Result<_, _>>().map(Printed::Part)
    }
}

impl Printed {
    /// That part of a tensor.
    ///
    /// # Errors
    /// In words, where the tensor has no such part.
    pub fn of(&self, tensor: &Tensor) -> Result<Tensor, String> {
        let Printed::Part(slices) = self else { return Ok(tensor.clone()) };
        let whole = Part::whole(tensor.shape());
        let part = slices.iter().try_fold(whole, |part, slice| part.of(slice)).map_err(|misfit| misfit.reason)?;
        let values = part.places().into_iter().filter_map(|place| tensor.data().get(place).copied()).collect();
        Tensor::new(&part.shape(), values).ok_or_else(|| "the part is empty".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_value() {
        let tensor = Tensor::new(&[2, 3, 4], (0..24).map(|number| number as f32).collect()).unwrap();
        let part = |text: &str| text.parse::<Printed>().and_then(|part| part.of(&tensor));
        let values = |text: &str| part(text).expect(text).data().to_vec();
        assert_eq!(values("[0, :, 1:3]"), [1.0, 2.0, 5.0, 6.0, 9.0, 10.0]);
        assert_eq!(values("[1][2, -1]"), [23.0]);
        assert_eq!(values("all").len(), 24);
        assert!(part("0").is_err() && part("[x]").is_err() && part("[2]").is_err());
    }
}
