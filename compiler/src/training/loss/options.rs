//! Which loss a training makes smaller, and with what options. Names and formulas are PyTorch's, or those of the paper that is
//! named.

use std::sync::Arc;

/// A number for each class, each at least 0.
pub type ClassWeights = Arc<[f32]>;

/// The loss of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// `nn.CrossEntropyLoss` of scores along axis 1, against the number of a class.
    CrossEntropy(CrossEntropy),
    /// The same against the chance of each class, a tensor of the answer's shape; where images are mixed, so are their labels.
    SoftCrossEntropy(CrossEntropy),
    /// `nn.BCEWithLogitsLoss`: each class by itself, against ones and zeros or chances, a tensor of the answer's shape.
    BinaryCrossEntropy(BinaryCrossEntropy),
    /// `nn.MSELoss`: squared differences from a target of the answer's shape.
    MeanSquaredError(SumOrMean),
}

/// The negative logarithm of the label's softmax, and its mean over the batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// The share of the target, in `0..=1`, that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// What each class counts, `weight` in PyTorch. Against numbers of classes the mean is then over the weights of the labels:
    /// it is the sum divided by these weights' sum. Against chances it is over samples.
    pub weight: Option<ClassWeights>,
    /// The exponent γ, at least 0, of the focal loss (Lin et al. 2017, "Focal loss for dense object detection"): what a class
    /// adds is multiplied by `(1 − p)^γ` of its chance p, `weight` is the paper's α, and the mean is over samples.
    pub focal: Option<f64>,
}

/// The mean of `−t·ln p − (1 − t)·ln(1 − p)` over all elements, where p is the sigmoid of the score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BinaryCrossEntropy {
    /// The share of a target, in `0..=1`, that is taken from a one and half of which a zero becomes: `t·(1 − ε) + ε / 2`.
    pub label_smoothing: f64,
    /// What the ones of each class, along axis 1, count, `pos_weight` in PyTorch.
    pub pos_weight: Option<ClassWeights>,
    /// The focal loss of torchvision's `sigmoid_focal_loss`.
    pub focal: Option<BinaryFocal>,
}

/// What the focal loss does to a binary cross-entropy: each part is multiplied by the chance of being wrong to the power of γ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinaryFocal {
    /// The exponent γ, at least 0.
    pub gamma: f64,
    /// What ones count, in `0..=1`; zeros count the rest. `None` where both count 1.
    pub alpha: Option<f64>,
}

/// What is made of a loss's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumOrMean {
    /// Added up.
    Sum,
    /// Added up and divided by their number.
    Mean,
}

impl Loss {
    /// The cross-entropy, of which this share of the target is spread over all classes.
    pub fn cross_entropy(label_smoothing: f64) -> Loss {
        Loss::CrossEntropy(CrossEntropy { label_smoothing, ..CrossEntropy::default() })
    }

    /// The loss against the chance of each class, in the place of that against the number of one.
    #[must_use]
    pub fn soft(self) -> Loss {
        match self {
            Loss::CrossEntropy(options) => Loss::SoftCrossEntropy(options),
            other => other,
        }
    }

    /// The number for each class that the step is given, where the loss takes such.
    pub fn class_weights(&self) -> Option<&ClassWeights> {
        match self {
            Loss::CrossEntropy(options) | Loss::SoftCrossEntropy(options) => options.weight.as_ref(),
            Loss::BinaryCrossEntropy(options) => options.pos_weight.as_ref(),
            Loss::MeanSquaredError(_) => None,
        }
    }

    /// The same with other numbers for its classes, where it takes such.
    #[must_use]
    pub fn with_class_weights(self, weights: ClassWeights) -> Loss {
        let weight = Some(weights);
        match self {
            Loss::CrossEntropy(options) => Loss::CrossEntropy(CrossEntropy { weight, ..options }),
            Loss::SoftCrossEntropy(options) => Loss::SoftCrossEntropy(CrossEntropy { weight, ..options }),
            Loss::BinaryCrossEntropy(options) => {
                Loss::BinaryCrossEntropy(BinaryCrossEntropy { pos_weight: weight, ..options })
            }
            Loss::MeanSquaredError(made) => Loss::MeanSquaredError(made),
        }
    }

    /// What a batch's loss is the mean over: its samples, or the weights of their classes, `labels`. The mean over several
    /// batches weighs each by that, so that it is the same however samples come to batches.
    pub fn weight_of(&self, samples: usize, labels: &[usize]) -> f64 {
        match self {
            Loss::CrossEntropy(CrossEntropy { weight: Some(weight), focal: None, .. }) => {
                labels.iter().map(|&label| weight.get(label).map_or(0.0, |&weight| f64::from(weight))).sum()
            }
            _ => samples as f64,
        }
    }

    /// What the loss of a part of a batch, and its gradients, are of those of the whole; of both the samples and their labels.
    pub fn share(&self, part: (usize, &[usize]), batch: (usize, &[usize])) -> f64 {
        let whole = self.weight_of(batch.0, batch.1);
        match self {
            Loss::MeanSquaredError(SumOrMean::Sum) => 1.0,
            // A batch whose labels all count nothing teaches nothing, in parts as in one.
            _ if whole == 0.0 => 0.0,
            _ => self.weight_of(part.0, part.1) / whole,
        }
    }

    /// What the samples of a batch come to together, of its loss and what that is the mean over.
    pub fn sum_of(&self, loss: f64, weight: f64) -> f64 {
        if *self == Loss::MeanSquaredError(SumOrMean::Sum) { loss } else { loss * weight }
    }
}
