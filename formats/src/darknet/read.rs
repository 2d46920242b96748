//! A cfg's sections followed from first to last: they come in, a network goes out and the tensors that it asks for, in the order
//! of the file of weights.
//!
//! A section that cannot be said is noted. Behind it kinds, keys and activations are still looked at, so that all of a cfg that
//! has no word is named in one run; what takes a value that is not known is passed over.

use super::Refusal;
use super::cfg::{Section, wrong};
use super::keys::{self, Unread};
use super::layers::{self, Kind};
use super::weights::{self, Divisor, Form, Wanted};
use crate::failure::{Failure, Result};
use crate::spec::{self, Network, Output, ValueId};
use bytes::Bytes;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::{Dim, Shape};
use std::collections::BTreeMap;

/// Why a section is not read.
pub enum Wrong {
    /// It is none that Darknet has.
    Broken(Failure),
    /// The language has no word for it.
    Unsaid(String),
    /// What it takes is not known.
    Lost,
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Wrong {
        Wrong::Broken(failure)
    }
}

impl From<String> for Wrong {
    fn from(reason: String) -> Wrong {
        Wrong::Unsaid(reason)
    }
}

impl From<&str> for Wrong {
    fn from(reason: &str) -> Wrong {
        Wrong::Unsaid(reason.into())
    }
}

/// A result that fails with a [`Wrong`].
pub type Said<T> = std::result::Result<T, Wrong>;

/// A value of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// `[N, channels, height, width]`, or `[N, numbers]`.
    pub value: ValueId,
    /// Whether numbers in a row are a picture of one place too, as those of a connected layer are.
    pub is_place: bool,
}

impl From<ValueId> for Made {
    fn from(value: ValueId) -> Made {
        Made { value, is_place: false }
    }
}

/// What a section gave.
#[derive(Clone, Copy, Debug)]
enum Given {
    Value(Made),
    /// It could not be said.
    Lost,
    /// What it makes of its input is not read; the number is its own.
    Decoded(usize),
}

/// The most that a picture has along an axis, so that sums of sizes are sizes.
const MOST: i64 = 1 << 40;

/// A cfg that is being followed.
pub struct Reader<'c> {
    /// What it becomes.
    pub network: Network,
    /// The tensors that parameters are, in the order of the file.
    pub wanted: Vec<Wanted>,
    /// Names of what goes out.
    pub outputs: Vec<String>,
    /// What people should know.
    pub notes: Vec<String>,
    /// What batch norms divide by.
    pub divisor: Divisor,
    given: Vec<Given>,
    /// The section that is being read.
    section: &'c Section,
    /// Notes that count.
    counted: BTreeMap<&'static str, usize>,
}

impl<'c> Reader<'c> {
    /// Follows all sections; `file` are the weights, where there are any.
    ///
    /// # Errors
    /// Why not, whole.
    pub fn of(sections: &'c [Section], file: Option<&Bytes>, name: &str) -> std::result::Result<Reader<'c>, Refusal> {
        let weighted = file.is_some();
        let Some((first, layers)) = sections.split_first().filter(|(_, layers)| !layers.is_empty()) else {
            return Err(Refusal::Cfg(Failure::broken("is broken: it has no layers")));
        };
        let mut reader = Reader {
            network: Network::default(),
            wanted: Vec::new(),
            outputs: Vec::new(),
            notes: Vec::new(),
            divisor: Divisor::Darknet,
            given: Vec::new(),
            section: first,
            counted: BTreeMap::new(),
        };
        reader.network.name = spec::model_name(name);
        if let Some(sign) = sign_of_alexey(layers, file) {
            reader.divisor = Divisor::AlexeyAB;
            reader
                .notes
                .push(format!("batch norms divide as those of AlexeyAB's Darknet, by sqrt(variance + 1e-5): {sign}"));
        }
        let (mut unread, mut unsaid) = (Unread::default(), Vec::new());
        let mut current = Given::Value(reader.input(first).map_err(Refusal::Cfg)?);
        unread.of(first, None);
        for section in layers {
            reader.section = section;
            reader.network.scope = vec![format!("layer{}", reader.given.len())];
            current = match reader.given(section, current, weighted) {
                Ok(given) => given,
                Err(Wrong::Lost) => Given::Lost,
                Err(Wrong::Broken(failure)) => return Err(Refusal::Cfg(failure)),
                Err(Wrong::Unsaid(reason)) => {
                    unsaid.push(format!("{}: {reason}", reader.called()));
                    Given::Lost
                }
            };
            reader.given.push(current);
            unread.of(section, Kind::of(&section.name));
        }
        if !unsaid.is_empty() {
            return Err(Refusal::Unsaid(unsaid));
        }
        reader.last_goes_out(layers, current);
        reader.notes.extend(sections.iter().flat_map(keys::repeated));
        reader.notes.extend(reader.counted.iter().map(|(what, count)| format!("{what}: {count}")));
        reader.notes.extend(unread.notes());
        Ok(reader)
    }

    /// What comes in: a picture, or numbers in a row.
    fn input(&mut self, section: &Section) -> Result<Made> {
        let size = |key: &str| section.at_least(0, key, 0);
        let sizes = [size("channels")?, size("height")?, size("width")?];
        let product = sizes.iter().fold(1_i64, |product, size| product.saturating_mul(*size));
        let inputs = section.at_least(0, "inputs", product.min(1 << 30))?;
        let sizes: &[i64] = match (product, inputs) {
            (0, 0) => {
                let what = "how large the input is has to be said: `height`, `width` and `channels`, or `inputs`";
                return Err(wrong(section.line, what));
            }
            (0, _) => &[inputs],
            _ if !section.has("inputs") || product == inputs => &sizes,
            _ => {
                let what = format!("`inputs` is {inputs}, and channels, height and width make {product}");
                return Err(wrong(section.line_of("inputs"), what));
            }
        };
        let all = std::iter::once(Dim::symbol("N")).chain(sizes.iter().map(|size| Dim::Number(*size)));
        let shape: Shape = all.collect();
        Ok(self.network.input("net", shape).into())
    }

    /// What a section gives; `before` is what the one before it gave.
    fn given(&mut self, section: &Section, before: Given, weighted: bool) -> Said<Given> {
        let kind = Kind::of(&section.name).ok_or_else(|| layers::without_word(&section.name))?;
        let mut reasons = keys::unsayable(section, kind);
        for key in ["dontload", "numload", "dontloadscales"] {
            if section.flag(key)? && weighted && kind.has_weights() {
                reasons.push(format!("`{key}` leaves weights to chance"));
            }
        }
        reasons.extend(layers::activation::unsayable(section, kind));
        if !reasons.is_empty() {
            return Err(reasons.join("; ").into());
        }
        if kind == Kind::Route {
            return layers::route(self, section).map(Given::Value);
        }
        let input = taken(before)?;
        if !kind.is_head() {
            return layers::layer(self, section, kind, input).map(Given::Value);
        }
        layers::check_head(self, section, kind, input)?;
        let name = format!("{}{}", section.name, self.given.len());
        self.goes_out(input, name);
        self.note("heads that are left out, so that the maps go out which they decode");
        Ok(Given::Decoded(self.given.len()))
    }

    /// The value of a layer by the number that the section gives, which counts back where it is negative.
    pub fn layer(&self, number: i64, key: &str) -> Said<Made> {
        let count = self.given.len();
        let own = count as i64;
        let index = if number < 0 { number.saturating_add(own) } else { number };
        let given = usize::try_from(index).ok().and_then(|index| self.given.get(index));
        given.copied().map(taken).unwrap_or_else(|| {
            let what = format!("`{key}` is {number}, and this is layer {own}: there is no such layer before it");
            Err(wrong(self.section.line_of(key), what).into())
        })
    }

    /// What the last layer gives goes out, where it is no head.
    fn last_goes_out(&mut self, layers: &[Section], last: Given) {
        let Given::Value(made) = last else { return };
        let index = layers.iter().rposition(|section| Kind::of(&section.name) != Some(Kind::Cost)).unwrap_or(0);
        let kind = layers.get(index).map_or("", |section| section.name.as_str());
        self.goes_out(made, format!("{kind}{index}"));
    }

    fn goes_out(&mut self, made: Made, name: String) {
        self.outputs.push(name.clone());
        self.network.outputs.push(Output { name, value: made.value });
    }

    /// The section as messages call it, by Darknet's own number of the layer.
    pub fn called(&self) -> String {
        format!("layer {} `[{}]`, line {}", self.given.len(), self.section.name, self.section.line)
    }

    /// Counts something that was done, in words that its number follows.
    pub fn note(&mut self, what: &'static str) {
        *self.counted.entry(what).or_default() += 1;
    }

    /// Asks for the next tensor of the file.
    pub fn want(&mut self, what: &'static str, shape: &[i64], form: Form) -> (usize, Vec<usize>) {
        let shape: Vec<usize> = shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
        self.wanted.push(Wanted { section: self.called(), what, shape: shape.clone(), form });
        (self.wanted.len() - 1, shape)
    }

    /// Adds a layer without parameters.
    pub fn add(
        &mut self,
        name: &'static str,
        arguments: Vec<(&'static str, Constant)>,
        value: ValueId,
    ) -> Said<ValueId> {
        Ok(self.network.layer(name, arguments, &[value], Vec::new())?)
    }

    /// Adds a layer with parameters, as the module `word` in the layer's own, which has Darknet's number.
    pub fn add_named(
        &mut self,
        word: &str,
        name: &'static str,
        arguments: Vec<(&'static str, Constant)>,
        value: ValueId,
        tensors: Vec<(usize, Vec<usize>)>,
    ) -> Said<ValueId> {
        let value = self.network.layer(name, arguments, &[value], tensors)?;
        let path = self.network.scope.iter().cloned().chain([word.to_owned()]).collect();
        self.network.name(value, path);
        Ok(value)
    }

    /// The sizes of a value behind its batch.
    pub fn sizes(&self, value: ValueId) -> Vec<i64> {
        self.network.shape(value).iter().skip(1).map(|size| size.number().unwrap_or(0)).collect()
    }

    /// A value as a picture: its channels, height and width.
    pub fn picture(&mut self, made: Made) -> Said<(ValueId, [i64; 3])> {
        match self.sizes(made.value).as_slice() {
            sizes if sizes.iter().any(|size| *size > MOST) => Err("it takes a picture of a size past following".into()),
            [channels, height, width] => Ok((made.value, [*channels, *height, *width])),
            [numbers] if made.is_place => {
                let sizes = [*numbers, 1, 1];
                let arguments = vec![("dim", Constant::Int(1)), ("unflattened_size", ints(&sizes))];
                Ok((self.add("Unflatten", arguments, made.value)?, sizes))
            }
            _ => Err(wrong(self.section.line, "it takes a picture, and gets numbers in a row").into()),
        }
    }

    /// A value as numbers in a row, and how many.
    pub fn row(&mut self, made: Made) -> Said<(ValueId, i64)> {
        let value = match self.sizes(made.value).len() {
            1 => made.value,
            _ => self.add("Flatten", Vec::new(), made.value)?,
        };
        Ok((value, self.sizes(value).first().copied().unwrap_or(0)))
    }
}

/// By what a network is told to be one of AlexeyAB's Darknet; `None` where it is not.
fn sign_of_alexey(layers: &[Section], file: Option<&Bytes>) -> Option<String> {
    if file.is_some_and(weights::are_alexeys) {
        return Some("it wrote the weights".into());
    }
    let norms = |section: &Section| section.says("batch_normalize", &["1"]) || section.name == "batchnorm";
    let sign = layers.iter().find(|section| keys::is_alexeys(section)).filter(|_| layers.iter().any(norms))?;
    Some(format!("`[{}]` in line {} is its own", sign.name, sign.line))
}

fn taken(given: Given) -> Said<Made> {
    match given {
        Given::Value(made) => Ok(made),
        Given::Lost => Err(Wrong::Lost),
        Given::Decoded(layer) => Err(format!("it takes what layer {layer} decodes, which is not read").into()),
    }
}

/// Whole numbers as an argument.
pub fn ints(numbers: &[i64]) -> Constant {
    Constant::Tuple(numbers.iter().copied().map(Constant::Int).collect())
}
