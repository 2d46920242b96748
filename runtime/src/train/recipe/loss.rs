//! The loss of a recipe: a name, or a section with `name` and options, and the weights of classes in it. Names and defaults are
//! PyTorch's and torchvision's; which losses there are depends on what is answered to a sample.

use super::options::{NOT_NEGATIVE, SHARE, is_share, named, not_negative};
use super::section::{Reader, Section, number};
use super::yaml::{Node, NodeContent};
use super::{Answer, ClassWeightsChoice, DataChoice, Weighing};
use cnnc_compiler::training::{BinaryCrossEntropy, BinaryFocal, CrossEntropy, Loss, SumOrMean};

const NAMES: [&str; 4] = ["cross_entropy", "focal", "binary_cross_entropy", "mse"];
/// The word for weights that are counted.
const BALANCED: &str = "balanced";
/// The focal loss's exponent, and the weight of ones, where a recipe does not say them: torchvision's.
const GAMMA: f64 = 2.0;
const ALPHA: f64 = 0.25;

/// Reads the loss, and the weights of its classes, which data decide.
pub fn loss(reader: &Reader, node: Option<&Node>, answer: Answer) -> (Loss, Option<ClassWeightsChoice>) {
    let usual = match answer {
        Answer::Class => Loss::cross_entropy(0.0),
        Answer::Classes => Loss::BinaryCrossEntropy(BinaryCrossEntropy::default()),
        Answer::Numbers => Loss::MeanSquaredError(SumOrMean::Mean),
    };
    let Some(node) = node else { return (usual, None) };
    let Some((name, section)) = named(reader, "loss", node, &NAMES) else { return (usual, None) };
    let has = match (name, answer) {
        (0 | 1 | 3, Answer::Class) | (1 | 2, Answer::Classes) | (3, Answer::Numbers) => None,
        (_, Answer::Class) => Some("one class"),
        (_, Answer::Classes) => Some("several classes or none"),
        (_, Answer::Numbers) => Some("numbers"),
    };
    if let Some(has) = has {
        let compares = ["one class", "classes", "several classes or none", "numbers"][name];
        let message = format!("`loss` is {}, which compares with {compares}, and these data have {has}", NAMES[name]);
        let instead = ["cross_entropy", "binary_cross_entropy", "mse"][answer as usize];
        reader.conflict(node, &message, &format!("leave it out, or write `loss: {instead}`"));
        return (usual, None);
    }
    let mut section = section;
    let read = match (name, answer) {
        (0, _) => cross_entropy(section.as_mut()),
        (1, Answer::Classes) => (binary_focal(section.as_mut()), None),
        (1, _) => focal(section.as_mut()),
        (2, _) => binary_cross_entropy(section.as_mut()),
        _ => (squared_error(section.as_mut()), None),
    };
    section.into_iter().for_each(Section::finish);
    read
}

/// Whether the loss and the data's own options go together.
pub fn check_beside(
    reader: &Reader,
    node: &Node,
    loss: &Loss,
    weights: Option<&ClassWeightsChoice>,
    data: &DataChoice,
) {
    let is_mixed = data.mix.is_some();
    match loss {
        Loss::MeanSquaredError(_) if is_mixed && data.answer() == Answer::Class => {
            let message = "`mixup` and `cutmix` under `data` mix classes, and this loss is no cross_entropy";
            reader.conflict(node, message, "leave it out, or write `loss: cross_entropy`");
        }
        Loss::BinaryCrossEntropy(BinaryCrossEntropy { focal: Some(_), .. }) if is_mixed => {
            let message =
                "`mixup` and `cutmix` under `data` mix classes, and the focal loss of several is of ones and zeros";
            reader.conflict(node, message, "leave it out, or write `loss: binary_cross_entropy`");
        }
        _ => {}
    }
    if let Some(weights) = weights.filter(|weights| weights.is_balanced() && data.balanced) {
        let message =
            format!("`{}` and `data.sampler` are both balanced, and rare classes would count twice over", weights.key);
        reader.conflict(node, &message, "leave one of them out");
    }
}

fn smoothing(section: Option<&mut Section<'_>>) -> f64 {
    section.map_or(0.0, |section| section.number("label_smoothing", 0.0, SHARE, is_share))
}

fn cross_entropy(mut section: Option<&mut Section<'_>>) -> (Loss, Option<ClassWeightsChoice>) {
    let weights = section.as_deref_mut().and_then(|section| weights(section, "weight", false));
    (Loss::cross_entropy(smoothing(section)), weights)
}

fn focal(mut section: Option<&mut Section<'_>>) -> (Loss, Option<ClassWeightsChoice>) {
    let weights = section.as_deref_mut().and_then(|section| weights(section, "alpha", false));
    let focal = Some(gamma(section.as_deref_mut()));
    (
        Loss::CrossEntropy(CrossEntropy { label_smoothing: smoothing(section), focal, ..CrossEntropy::default() }),
        weights,
    )
}

fn gamma(section: Option<&mut Section<'_>>) -> f64 {
    section.map_or(GAMMA, |section| section.number("gamma", GAMMA, NOT_NEGATIVE, not_negative))
}

fn binary_cross_entropy(mut section: Option<&mut Section<'_>>) -> (Loss, Option<ClassWeightsChoice>) {
    let weights = section.as_deref_mut().and_then(|section| weights(section, "pos_weight", true));
    let options = BinaryCrossEntropy { label_smoothing: smoothing(section), ..BinaryCrossEntropy::default() };
    (Loss::BinaryCrossEntropy(options), weights)
}

fn binary_focal(mut section: Option<&mut Section<'_>>) -> Loss {
    const WANTED: &str = "a number from 0 to 1, or -1 where ones and zeros count the same";
    let gamma = gamma(section.as_deref_mut());
    let mut alpha = ALPHA;
    if let Some(section) = section {
        alpha = section.number("alpha", ALPHA, WANTED, |alpha| is_share(alpha) || alpha == -1.0);
        if let Some(node) = section.get("label_smoothing") {
            let message = "`loss.label_smoothing` makes chances of ones and zeros, which this focal loss has none for";
            section.reader.conflict(node, message, "leave it out, or write `loss: binary_cross_entropy`");
        }
    }
    let focal = Some(BinaryFocal { gamma, alpha: Some(alpha).filter(|alpha| *alpha >= 0.0) });
    Loss::BinaryCrossEntropy(BinaryCrossEntropy { focal, ..BinaryCrossEntropy::default() })
}

fn squared_error(section: Option<&mut Section<'_>>) -> Loss {
    match section.map_or(0, |section| section.choice("reduction", &["mean", "sum"])) {
        0 => Loss::MeanSquaredError(SumOrMean::Mean),
        _ => Loss::MeanSquaredError(SumOrMean::Sum),
    }
}

/// `balanced`, a number for each class, or numbers by the classes' names; `or_one` number for all.
fn weights(section: &mut Section<'_>, key: &'static str, or_one: bool) -> Option<ClassWeightsChoice> {
    let (node, path, reader) = (section.get(key)?, section.path(key), section.reader);
    let one = if or_one { "a number, " } else { "" };
    let wanted =
        format!("{one}a number for each class, `[1, 2.5]`, numbers by their names, `{{cat: 2.5}}`, or `{BALANCED}`");
    let weight = |node: &Node| {
        let weight = number(node).filter(|&weight| weight >= 0.0 && (weight as f32).is_finite());
        if weight.is_none() {
            reader.refuse(&path, node, NOT_NEGATIVE);
        }
        weight
    };
    let weighing = match &node.content {
        NodeContent::Text(word) if word == BALANCED => Weighing::Balanced,
        NodeContent::Text(word) => {
            reader.refuse_name(&path, node, word, &[BALANCED]);
            return None;
        }
        NodeContent::List(nodes) => Weighing::Listed(nodes.iter().map(weight).collect::<Option<_>>()?),
        NodeContent::Map(pairs) => {
            let pairs = reader.keys(&format!("a class of {path}"), &format!("{path}."), pairs);
            let named = pairs.into_iter().map(|(name, key, node)| Some((name.to_owned(), weight(node)?, key.place)));
            Weighing::Named(named.collect::<Option<_>>()?)
        }
        NodeContent::Int(_) | NodeContent::Float(_) if or_one => Weighing::Same(weight(node)?),
        _ => {
            reader.refuse(&path, node, wanted);
            return None;
        }
    };
    if let Weighing::Listed(numbers) = &weighing
        && numbers.iter().all(|&number| number == 0.0)
    {
        reader.refuse(&path, node, "of classes of which at least one counts");
        return None;
    }
    Some(ClassWeightsChoice { key: path, place: node.place, weighing })
}
