//! Layers with weights, which ask for their tensors in the order of the file.
//!
//! Without a batch norm `biases` are those of the layer, with one they are those of the batch norm.

use super::activation;
use crate::darknet::cfg::{Section, wrong};
use crate::darknet::read::{Made, Reader, Said};
use crate::darknet::weights::{Divisor, Form};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;

/// A tensor by its number in the file, and its sizes.
type Tensor = (usize, Vec<usize>);

/// The tensors of a batch norm, in Darknet's order.
struct Norm {
    scales: Tensor,
    mean: Tensor,
    variance: Tensor,
}

impl Norm {
    fn wanted(reader: &mut Reader<'_>, count: i64) -> Norm {
        Norm {
            scales: reader.want("scales", &[count], Form::Plain),
            mean: reader.want("means", &[count], Form::Plain),
            variance: reader.want("variances", &[count], reader.divisor.form()),
        }
    }

    /// A value behind the batch norm `name`.
    fn applied(
        self,
        reader: &mut Reader<'_>,
        name: &'static str,
        biases: Option<Tensor>,
        value: ValueId,
    ) -> Said<ValueId> {
        let eps = reader.divisor.eps().map(|eps| ("eps", Constant::Float(eps)));
        let mut arguments: Vec<_> = eps.into_iter().collect();
        if biases.is_none() {
            arguments.push(("bias", Constant::Bool(false)));
        }
        let tensors = [Some(self.scales), biases, Some(self.mean), Some(self.variance)];
        reader.add_named("bn", name, arguments, value, tensors.into_iter().flatten().collect())
    }
}

/// A convolution, or a transposed one, with its batch norm and its activation.
pub fn convolution(reader: &mut Reader<'_>, section: &Section, input: Made, transposed: bool) -> Said<Made> {
    let (value, [channels, height, width]) = reader.picture(input)?;
    let [filters, size, stride] =
        [section.at_least(1, "filters", 1)?, section.at_least(1, "size", 1)?, section.at_least(1, "stride", 1)?];
    let given = section.at_least(0, "padding", 0)?;
    let padding = if section.flag("pad")? { size / 2 } else { given };
    let groups = if transposed { 1 } else { section.at_least(1, "groups", 1)? };
    if section.flag("binary")? || section.flag("xnor")? {
        return Err("its weights, or what it takes, become signs".into());
    }
    if channels % groups != 0 || filters % groups != 0 {
        let what = format!("{channels} channels and {filters} filters do not both make {groups} groups");
        return Err(wrong(section.line_of("groups"), what).into());
    }
    if !transposed && (size - 2 * padding).max(0) > height.min(width) {
        let what = format!("a window of {size} does not fit into {height} x {width} with a padding of {padding}");
        return Err(wrong(section.line_of("size"), what).into());
    }
    let flipped = !transposed && section.flag("flipped")?;
    if flipped && groups != 1 {
        return Err("its weights are `flipped` and in groups".into());
    }
    let normalised = section.flag("batch_normalize")?;
    let biases = reader.want("biases", &[filters], Form::Plain);
    let norm = normalised.then(|| Norm::wanted(reader, filters));
    let (rows, columns) = if transposed { (channels, filters) } else { (filters, channels / groups) };
    let form = if flipped { Form::Transposed } else { Form::Plain };
    let weights = reader.want("weights", &[rows, columns, size, size], form);
    let mut arguments = vec![("out_channels", Constant::Int(filters)), ("kernel_size", Constant::Int(size))];
    for (key, number, default) in [("stride", stride, 1), ("padding", padding, 0), ("groups", groups, 1)] {
        if number != default {
            arguments.push((key, Constant::Int(number)));
        }
    }
    if normalised {
        arguments.push(("bias", Constant::Bool(false)));
    }
    let (word, name) = if transposed { ("deconv", "ConvTranspose2d") } else { ("conv", "Conv2d") };
    let value = match norm {
        None => reader.add_named(word, name, arguments, value, vec![weights, biases])?,
        Some(norm) => {
            let value = reader.add_named(word, name, arguments, value, vec![weights])?;
            norm.applied(reader, "BatchNorm2d", Some(biases), value)?
        }
    };
    Ok(activation::applied(reader, section, activation::OF_WEIGHTED, value)?.into())
}

/// A matrix, with its batch norm and its activation.
pub fn connected(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    let (value, inputs) = reader.row(input)?;
    let outputs = section.at_least(1, "output", 1)?;
    let biases = reader.want("biases", &[outputs], Form::Plain);
    let weights = reader.want("weights", &[outputs, inputs], Form::Connected);
    let mut arguments = vec![("out_features", Constant::Int(outputs))];
    let value = if section.flag("batch_normalize")? {
        let norm = Norm::wanted(reader, outputs);
        arguments.push(("bias", Constant::Bool(false)));
        let value = reader.add_named("connected", "Linear", arguments, value, vec![weights])?;
        norm.applied(reader, "BatchNorm1d", Some(biases), value)?
    } else {
        reader.add_named("connected", "Linear", arguments, value, vec![weights, biases])?
    };
    let value = activation::applied(reader, section, activation::OF_WEIGHTED, value)?;
    Ok(Made { value, is_place: true })
}

/// A batch norm by itself. Its biases are 0 in Darknet, and in no file; AlexeyAB's has them.
pub fn batch_norm(reader: &mut Reader<'_>, input: Made) -> Said<Made> {
    let (value, [channels, ..]) = reader.picture(input)?;
    let has_biases = reader.divisor == Divisor::AlexeyAB;
    let biases = has_biases.then(|| reader.want("biases", &[channels], Form::Plain));
    let norm = Norm::wanted(reader, channels);
    Ok(norm.applied(reader, "BatchNorm2d", biases, value)?.into())
}
