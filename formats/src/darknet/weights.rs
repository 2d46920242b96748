//! The numbers of a `.weights` file: its bytes and the tensors that the sections ask for come in, tensors go out, or what does
//! not fit.
//!
//! The file has no names and no sizes: a header, then float32 after float32 in the order of the sections. So its length alone
//! says whether it belongs to a cfg, and every byte has to be one that is asked for.

use crate::failure::{Failure, Result};
use bytes::{Buf, Bytes};

/// How numbers lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the parameter has them.
    Plain,
    /// The weights of a connected layer: row by row, in some old files column by column.
    Connected,
    /// Column by column.
    Transposed,
    /// Variances that a square root is taken of before anything is added: see [`Divisor`].
    Variance,
}

/// What batch norms divide by.
///
/// Darknet divides by `√v + 1e-6`, the language by `√(v' + eps)`. With an eps of 1e-12 both are the same for
/// `v' = v + 2e-6·√v`, as `(√v + 1e-6)² = v + 2e-6·√v + 1e-12`; these are the variances that an import writes. AlexeyAB's Darknet
/// divides by `√(v + 1e-5)`, and the variances stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// `√v + 1e-6`
    Darknet,
    /// `√(v + 1e-5)`
    AlexeyAB,
}

impl Divisor {
    /// What the layer adds to variances; `None` where that is what it adds by itself.
    pub fn eps(self) -> Option<f64> {
        (self == Divisor::Darknet).then_some(1e-12)
    }

    /// How variances lie in the file.
    pub fn form(self) -> Form {
        match self {
            Divisor::Darknet => Form::Variance,
            Divisor::AlexeyAB => Form::Plain,
        }
    }
}

/// Whether AlexeyAB's Darknet wrote a file of weights: its version is 0.2.5, where Darknet's own are 0.1.0 and 0.2.0.
pub fn are_alexeys(file: &Bytes) -> bool {
    matches!(Header::of(&mut file.clone()), Some(Ok(header)) if header.version == [0, 2, 5])
}

/// A tensor that a section asks for.
#[derive(Debug)]
pub struct Wanted {
    /// The section, as messages call it.
    pub section: String,
    /// What Darknet calls it: `biases`.
    pub what: &'static str,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// How it lies in the file.
    pub form: Form,
}

impl Wanted {
    /// How many bytes it has in the file; more than any file where that is past counting.
    fn size_bytes(&self) -> u64 {
        self.shape.iter().fold(4, |bytes: u64, size| bytes.saturating_mul(*size as u64))
    }
}

/// Numbers of the file.
#[derive(Clone, Debug)]
pub struct Tensor {
    shape: Vec<usize>,
    bytes: Bytes,
    form: Form,
}

impl Tensor {
    /// Its sizes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its numbers, row by row.
    pub fn floats(&self) -> Vec<f32> {
        let stored = self.bytes.chunks_exact(4).map(|mut bytes| bytes.get_f32_le());
        match self.form {
            Form::Plain | Form::Connected => stored.collect(),
            Form::Variance => stored.map(|variance| variance_of(f64::from(variance)) as f32).collect(),
            Form::Transposed => {
                let stored: Vec<f32> = stored.collect();
                let rows = self.shape.first().copied().unwrap_or(1).max(1);
                (0..rows).flat_map(|row| stored.iter().skip(row).step_by(rows).copied()).collect()
            }
        }
    }
}

/// What the language's batch norm takes for a variance of Darknet's.
fn variance_of(variance: f64) -> f64 {
    variance + 2e-6 * variance.sqrt()
}

/// The tensors of a file in the order in which they are wanted, and what the header says.
///
/// # Errors
/// When the header is none, or there are more or fewer bytes than the sections ask for.
pub fn tensors(file: &Bytes, wanted: &[Wanted]) -> Result<(Vec<Tensor>, String)> {
    let length = file.len();
    let mut rest = file.clone();
    let header = Header::of(&mut rest).ok_or_else(|| {
        Failure::broken(format!("is no file of Darknet's weights: it has {length} bytes, and its header alone has 16"))
    })?;
    let header = header?;
    let needed = wanted.iter().fold(0, |sum: u64, one| sum.saturating_add(one.size_bytes()));
    let mut found = Vec::with_capacity(wanted.len());
    for one in wanted {
        let size = usize::try_from(one.size_bytes()).ok().filter(|size| *size <= rest.len());
        let Some(size) = size else {
            let (fewer, left) = (needed.saturating_sub((length - header.bytes) as u64), rest.len());
            let place = format!(
                "it ends in the {} of {}: {} bytes are read there, and {left} are left",
                one.what,
                one.section,
                one.size_bytes()
            );
            return Err(Failure::broken(format!("is too short for the cfg by {fewer} bytes: {place}")).help(OTHER));
        };
        let form = match one.form {
            Form::Connected if header.transposed => Form::Transposed,
            form => form,
        };
        found.push(Tensor { shape: one.shape.clone(), bytes: rest.split_to(size), form });
    }
    if !rest.is_empty() {
        let last =
            wanted.last().map_or("no section has weights".to_owned(), |one| format!("the last is {}", one.section));
        let reason = format!("is too long for the cfg by {} bytes: {last}", rest.len());
        return Err(Failure::broken(reason).help(OTHER));
    }
    Ok((found, header.told))
}

/// A mend of weights that do not fit.
const OTHER: &str = "weights fit the cfg that they were trained with: compare `filters`, `classes` and `batch_normalize`, \
                     or take the cfg that was published with the file";

/// What the file begins with.
struct Header {
    /// How many bytes it has.
    bytes: usize,
    /// Whether weights of connected layers lie column by column.
    transposed: bool,
    /// Major, minor and revision.
    version: [i32; 3],
    /// It in words.
    told: String,
}

impl Header {
    /// Takes it off the bytes; `None` where they are too few.
    fn of(rest: &mut Bytes) -> Option<Result<Header>> {
        let before = rest.len();
        let mut number = || rest.try_get_i32_le().ok();
        let (major, minor, revision) = (number()?, number()?, number()?);
        let is_long = major.saturating_mul(10).saturating_add(minor) >= 2 && major < 1000 && minor < 1000;
        let seen = if is_long { rest.try_get_u64_le().ok()? } else { rest.try_get_i32_le().ok()?.max(0) as u64 };
        let transposed = major > 1000 || minor > 1000;
        // Before there were versions learning rate, momentum and decay stood there, floats that are large as whole numbers.
        let plausible = |number: i32| match transposed {
            true => (0.0..1000.0).contains(&f32::from_bits(number.cast_unsigned())),
            false => (0..1000).contains(&number),
        };
        if ![major, minor, revision].into_iter().all(plausible) {
            let reason = format!("is no file of Darknet's weights: its version would be {major}.{minor}.{revision}");
            return Some(Err(Failure::broken(reason)));
        }
        let version =
            if transposed { "before versions".into() } else { format!("of version {major}.{minor}.{revision}") };
        let told = format!("weights {version}, {seen} pictures seen");
        let version = [major, minor, revision];
        Some(Ok(Header { bytes: before - rest.len(), transposed, version, told }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(what: &'static str, shape: &[usize], form: Form) -> Wanted {
        Wanted { section: "layer 3 `[connected]`, line 7".into(), what, shape: shape.to_vec(), form }
    }

    fn file(header: &[i32], numbers: usize) -> Bytes {
        let numbers = (0..numbers).flat_map(|number| (number as f32).to_le_bytes());
        header.iter().flat_map(|number| number.to_le_bytes()).chain(numbers).collect::<Vec<u8>>().into()
    }

    fn reason(file: &Bytes, wanted: &[Wanted]) -> String {
        tensors(file, wanted).map(|_| ()).expect_err("weights that do not fit").reason
    }

    #[test]
    fn the_count_of_pictures_is_long_from_version_0_2_on() {
        let all = [wanted("biases", &[2], Form::Plain)];
        for (header, told) in [
            (&[0, 1, 0, 7][..], "weights of version 0.1.0, 7 pictures seen"),
            (&[0, 2, 0, 7, 0], "weights of version 0.2.0, 7 pictures seen"),
            (&[0, 2, 5, 0, 1], "weights of version 0.2.5, 4294967296 pictures seen"),
        ] {
            let (found, header) = tensors(&file(header, 2), &all).unwrap();
            assert_eq!((header.as_str(), found[0].floats()), (told, vec![0.0, 1.0]));
        }
    }

    #[test]
    fn old_files_have_connected_layers_column_by_column() {
        let all = [wanted("weights", &[2, 3], Form::Connected)];
        assert_eq!(tensors(&file(&[0, 1, 0, 0], 6), &all).unwrap().0[0].floats(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let old = [0.001_f32, 0.9, 0.0005].map(|number| number.to_bits().cast_signed());
        let (found, told) = tensors(&file(&[old[0], old[1], old[2], 7], 6), &all).unwrap();
        assert_eq!(
            (found[0].floats(), told.as_str()),
            (vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0], "weights before versions, 7 pictures seen")
        );
    }

    #[test]
    fn variances_are_those_that_give_the_same_quotient() {
        for variance in [0.0_f64, 1e-14, 1e-6, 0.3, 20.0] {
            let ours = (variance_of(variance) + Divisor::Darknet.eps().unwrap()).sqrt();
            let theirs = variance.sqrt() + 1e-6;
            assert!((ours - theirs).abs() <= 1e-12 * theirs, "{variance}: {ours} and {theirs}");
        }
    }

    #[test]
    fn every_byte_is_asked_for() {
        let all = [wanted("biases", &[2], Form::Plain), wanted("weights", &[2, 3], Form::Connected)];
        let whole = file(&[0, 2, 0, 0, 0], 8);
        assert!(tensors(&whole, &all).is_ok());
        let told = "is too short for the cfg by 3 bytes: it ends in the weights of layer 3 `[connected]`, line 7: 24 bytes are \
                    read there, and 21 are left";
        assert_eq!(reason(&whole.slice(..whole.len() - 3), &all), told);
        let told = "is too long for the cfg by 4 bytes: the last is layer 3 `[connected]`, line 7";
        assert_eq!(reason(&file(&[0, 2, 0, 0, 0], 9), &all), told);
        assert!(reason(&whole.slice(..15), &all).contains("it has 15 bytes"));
        assert!(reason(&file(&[i32::MIN, 7, 0, 0, 0], 8), &all).contains("its version would be"));
        let huge = [wanted("weights", &[usize::MAX, usize::MAX], Form::Plain)];
        assert!(reason(&whole, &huge).starts_with("is too short"));
    }

    #[test]
    fn every_cut_is_told() {
        let all = [wanted("biases", &[2], Form::Plain), wanted("variances", &[2], Form::Variance)];
        let whole = file(&[0, 2, 0, 0, 0], 4);
        assert!((0..whole.len()).all(|length| tensors(&whole.slice(..length), &all).is_err()));
    }
}
