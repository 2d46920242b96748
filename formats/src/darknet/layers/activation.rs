//! Activations by their names in a cfg.
//!
//! Darknet takes ReLU for each name that it does not know, and says so in passing; here such a name is an error.

use super::Kind;
use crate::darknet::cfg::Section;
use crate::darknet::read::{Reader, Said};
use crate::spec::{ValueId, number};
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// What a convolution and a connected layer end in where they do not say.
pub const OF_WEIGHTED: &str = "logistic";

/// Why the activation of a section has no word.
pub fn unsayable(section: &Section, kind: Kind) -> Option<String> {
    let ends_in_one = matches!(
        kind,
        Kind::Activation | Kind::Connected | Kind::Convolutional | Kind::Deconvolutional | Kind::Shortcut
    );
    let name = section.text("activation", "linear");
    match name.as_str() {
        _ if !ends_in_one => None,
        "linear" | "relu" | "leaky" | "relie" | "logistic" | "tanh" | "elu" | "selu" | "hardtan" | "ramp" | "loggy" => {
            None
        }
        "swish" | "mish" | "relu6" => None,
        "plse" | "stair" | "lhtan" => Some(format!("the activation `{name}` has no word")),
        _ => Some(format!("the activation `{name}` is not known: Darknet would take `relu`")),
    }
}

/// A value behind the activation of a section.
pub fn applied(reader: &mut Reader<'_>, section: &Section, default: &str, value: ValueId) -> Said<ValueId> {
    let slope = |slope: f64| vec![("negative_slope", Constant::Float(slope))];
    let name = section.text("activation", default);
    match name.as_str() {
        "linear" => Ok(value),
        "relu" => reader.add("ReLU", Vec::new(), value),
        "leaky" => reader.add("LeakyReLU", slope(0.1), value),
        "relie" => reader.add("LeakyReLU", slope(0.01), value),
        "logistic" => reader.add("Sigmoid", Vec::new(), value),
        "tanh" => reader.add("Tanh", Vec::new(), value),
        "elu" => reader.add("ELU", Vec::new(), value),
        "hardtan" => reader.add("Hardtanh", Vec::new(), value),
        // Fewer digits than SELU has.
        "selu" => {
            let value = reader.add("ELU", vec![("alpha", Constant::Float(1.6732))], value)?;
            times(reader, value, 1.0507)
        }
        // x·(x > 0) + 0.1·x
        "ramp" => {
            let (positive, tenth) = (reader.add("ReLU", Vec::new(), value)?, times(reader, value, 0.1)?);
            Ok(reader.network.join(JoinKind::Sum, Vec::new(), &[positive, tenth])?)
        }
        // 2·σ(x) - 1
        "loggy" => {
            let value = reader.add("Sigmoid", Vec::new(), value)?;
            let value = times(reader, value, 2.0)?;
            plus(reader, value, -1.0)
        }
        "swish" | "mish" | "relu6" => {
            reader.note("activations of AlexeyAB's Darknet, `swish`, `mish` or `relu6`");
            let name = match name.as_str() {
                "swish" => "SiLU",
                "mish" => "Mish",
                _ => "ReLU6",
            };
            reader.add(name, Vec::new(), value)
        }
        _ => Err(format!("the activation `{name}` is not known").into()),
    }
}

/// A value times a number.
pub fn times(reader: &mut Reader<'_>, value: ValueId, factor: f32) -> Said<ValueId> {
    let factor = reader.network.numbers(vec![number(factor)], Vec::new())?;
    Ok(reader.network.join(JoinKind::Product, Vec::new(), &[value, factor])?)
}

/// A value and a number.
pub fn plus(reader: &mut Reader<'_>, value: ValueId, term: f32) -> Said<ValueId> {
    let term = reader.network.numbers(vec![number(term)], Vec::new())?;
    Ok(reader.network.join(JoinKind::Sum, Vec::new(), &[value, term])?)
}
