//! What each section is in the language: a section and the value before it come in, layers go out.
//!
//! Each does what Darknet's forward pass on a CPU does, to the element, or is refused with the reason.

pub mod activation;
mod pictures;
mod weighted;

use super::cfg::{Section, wrong};
use super::read::{Made, Reader, Said};
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// A section that has a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[activation]`, and `[logistic]`, which is one.
    Activation,
    /// A mean of each channel.
    AveragePool,
    /// A batch norm by itself.
    BatchNorm,
    /// A matrix.
    Connected,
    /// A convolution, its batch norm and its activation.
    Convolutional,
    /// A loss: nothing at inference.
    Cost,
    /// The middle of a picture, and its numbers from -1 to 1.
    Crop,
    /// A transposed convolution.
    Deconvolutional,
    /// YOLO's first head.
    Detection,
    /// Nothing at inference.
    Dropout,
    /// A sigmoid with a loss.
    Logistic,
    /// A pooling.
    MaxPool,
    /// YOLO's second head.
    Region,
    /// Places to channels.
    Reorg,
    /// Values of other layers.
    Route,
    /// A sum with the value of another layer.
    Shortcut,
    /// Chances.
    Softmax,
    /// Each place as a square of places.
    Upsample,
    /// YOLO's third head.
    Yolo,
}

impl Kind {
    /// The kind by a section's name; `None` where it has no word.
    pub fn of(name: &str) -> Option<Kind> {
        Some(match name {
            "activation" => Kind::Activation,
            "avg" | "avgpool" => Kind::AveragePool,
            "batchnorm" => Kind::BatchNorm,
            "conn" | "connected" => Kind::Connected,
            "conv" | "convolutional" => Kind::Convolutional,
            "cost" => Kind::Cost,
            "crop" => Kind::Crop,
            "deconv" | "deconvolutional" => Kind::Deconvolutional,
            "detection" => Kind::Detection,
            "dropout" => Kind::Dropout,
            "logistic" => Kind::Logistic,
            "max" | "maxpool" => Kind::MaxPool,
            "region" => Kind::Region,
            "reorg" => Kind::Reorg,
            "route" => Kind::Route,
            "shortcut" => Kind::Shortcut,
            "soft" | "softmax" => Kind::Softmax,
            "upsample" => Kind::Upsample,
            "yolo" => Kind::Yolo,
            _ => return None,
        })
    }

    /// Whether it decodes a map to boxes.
    pub fn is_head(self) -> bool {
        matches!(self, Kind::Detection | Kind::Region | Kind::Yolo)
    }

    /// Whether it has numbers in the file of weights.
    pub fn has_weights(self) -> bool {
        matches!(self, Kind::BatchNorm | Kind::Connected | Kind::Convolutional | Kind::Deconvolutional)
    }
}

/// Why a section has no word.
pub fn without_word(name: &str) -> String {
    match name {
        "rnn" | "gru" | "lstm" | "crnn" | "conv_lstm" | "history" => "a layer that remembers has no word".into(),
        "local" => "a convolution with other weights at each place has no word".into(),
        "lrn" | "normalization" => {
            "its sums leave a channel out that LocalResponseNorm counts, so that no layer gives the same".into()
        }
        "l2norm" => "a quotient by the norm of all channels is not read".into(),
        "iseg" | "Gaussian_yolo" | "contrastive" => "this head is not read".into(),
        "net" | "network" => "only the first section may be of the network".into(),
        _ => "there is no such section in Darknet".into(),
    }
}

/// A layer that takes the value before it.
pub fn layer(reader: &mut Reader<'_>, section: &Section, kind: Kind, input: Made) -> Said<Made> {
    match kind {
        Kind::Convolutional => weighted::convolution(reader, section, input, false),
        Kind::Deconvolutional => weighted::convolution(reader, section, input, true),
        Kind::Connected => weighted::connected(reader, section, input),
        Kind::BatchNorm => weighted::batch_norm(reader, input),
        Kind::MaxPool => pictures::max_pool(reader, section, input),
        Kind::AveragePool => pictures::average_pool(reader, input),
        Kind::Upsample => pictures::upsample(reader, section, input),
        Kind::Reorg => pictures::reorg(reader, section, input),
        Kind::Crop => pictures::crop(reader, section, input),
        Kind::Shortcut => shortcut(reader, section, input),
        Kind::Softmax => softmax(reader, section, input),
        Kind::Dropout => dropout(reader, section, input),
        Kind::Activation => {
            let value = activation::applied(reader, section, "linear", input.value)?;
            Ok(Made { value, ..input })
        }
        Kind::Logistic => Ok(Made { value: reader.add("Sigmoid", Vec::new(), input.value)?, ..input }),
        Kind::Cost => Ok(input),
        Kind::Route | Kind::Detection | Kind::Region | Kind::Yolo => Err("it is read elsewhere".into()),
    }
}

/// Holds the size of a head's map against what the head says, as Darknet does.
pub fn check_head(reader: &mut Reader<'_>, section: &Section, kind: Kind, input: Made) -> Said<()> {
    let number = |key: &str, default: i64| section.at_least(0, key, default);
    let classes = number("classes", if kind == Kind::Detection { 1 } else { 20 })?;
    let boxes = number("num", 1)?;
    let needed = match kind {
        Kind::Yolo => section.list("mask")?.map_or(boxes, |mask| mask.len() as i64).saturating_mul(classes + 5),
        Kind::Region => boxes.saturating_mul(classes + number("coords", 4)? + 1),
        _ => {
            let (side, coordinates) = (number("side", 7)?, number("coords", 1)?);
            side.saturating_mul(side).saturating_mul(boxes.saturating_mul(coordinates + 1).saturating_add(classes))
        }
    };
    let sizes = reader.sizes(input.value);
    let found = match (kind, sizes.as_slice()) {
        (Kind::Detection, sizes) => sizes.iter().fold(1, |product: i64, size| product.saturating_mul(*size)),
        (_, sizes) => sizes.first().copied().unwrap_or(0),
    };
    if needed == found {
        return Ok(());
    }
    let unit = if kind == Kind::Detection { "numbers" } else { "channels" };
    Err(wrong(section.line, format!("`[{}]` takes {needed} {unit} by its keys, and gets {found}", section.name)).into())
}

/// Values of other layers, by their channels or their numbers one after the other.
pub fn route(reader: &mut Reader<'_>, section: &Section) -> Said<Made> {
    let numbers = section.list("layers")?;
    let numbers = numbers.ok_or_else(|| wrong(section.line, "`[route]` has no `layers`"))?;
    let (groups, group) = (section.at_least(1, "groups", 1)?, section.at_least(0, "group_id", 0)?);
    let mut parts = Vec::with_capacity(numbers.len());
    for number in numbers {
        parts.push(reader.layer(number, "layers")?);
    }
    if groups > 1 {
        for part in &mut parts {
            *part = pictures::group_of(reader, section, *part, groups, group)?;
        }
        reader.note("routes that take one group of channels, as in AlexeyAB's Darknet");
    }
    if let [part] = parts.as_slice() {
        return Ok(*part);
    }
    let planes: Vec<Vec<i64>> =
        parts.iter().map(|part| reader.sizes(part.value).into_iter().skip(1).collect()).collect();
    let alike = planes.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let mut values = Vec::with_capacity(parts.len());
    for part in &parts {
        values.push(if alike { part.value } else { reader.row(*part)?.0 });
    }
    let is_place = alike && parts.iter().all(|part| part.is_place);
    Ok(Made { value: reader.network.join(JoinKind::Concat, Vec::new(), &values)?, is_place })
}

/// The value before it, and that of another layer: of its channels as many as there are, of its places each `stride`-th.
fn shortcut(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    let from = section.list("from")?.ok_or_else(|| wrong(section.line, "`[shortcut]` has no `from`"))?;
    let [from] = from.as_slice() else { return Err("it adds several layers".into()) };
    if section.real("alpha", 1.0)? != 1.0 || section.real("beta", 1.0)? != 1.0 {
        return Err("it weighs what it adds, by `alpha` or `beta`".into());
    }
    let other = reader.layer(*from, "from")?;
    let value = if reader.sizes(input.value) == reader.sizes(other.value) {
        reader.network.join(JoinKind::Sum, Vec::new(), &[input.value, other.value])?
    } else {
        let (value, sizes) = reader.picture(input)?;
        let other = pictures::fitted(reader, other, sizes)?;
        reader.network.join(JoinKind::Sum, Vec::new(), &[value, other])?
    };
    let value = activation::applied(reader, section, "linear", value)?;
    Ok(value.into())
}

/// Chances of all numbers, or of each group.
fn softmax(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    if section.has("tree") {
        return Err("its chances are those of a tree, which has no word".into());
    }
    if section.real("spatial", 0.0)? != 0.0 {
        return Err("`spatial` counts on Darknet's GPU alone".into());
    }
    let (groups, temperature) = (section.at_least(1, "groups", 1)?, section.real("temperature", 1.0)?);
    let (mut value, count) = reader.row(input)?;
    if temperature != 1.0 {
        let divisor = reader.network.numbers(vec![crate::spec::number(temperature)], Vec::new())?;
        value = reader.network.join(JoinKind::Quotient, Vec::new(), &[value, divisor])?;
    }
    if count % groups != 0 {
        return Err(wrong(section.line, format!("{count} numbers are no {groups} groups")).into());
    }
    if groups == 1 {
        return Ok(reader.add("Softmax", vec![("dim", Constant::Int(1))], value)?.into());
    }
    let sizes = super::read::ints(&[groups, count / groups]);
    value = reader.add("Unflatten", vec![("dim", Constant::Int(1)), ("unflattened_size", sizes)], value)?;
    value = reader.add("Softmax", vec![("dim", Constant::Int(2))], value)?;
    Ok(reader.add("Flatten", Vec::new(), value)?.into())
}

fn dropout(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    let chance = crate::spec::number(section.real("probability", 0.5)?);
    let value = reader.add("Dropout", vec![("p", Constant::Float(chance))], input.value)?;
    Ok(Made { value, ..input })
}
