//! Keys that no section's meaning hangs on, and keys of AlexeyAB's Darknet that change what is computed: only these are lists.
//!
//! A key that a layer asks for is known by that. One that is in no list and that nothing asks for is told in a note.

use super::cfg::Section;
use super::layers::Kind;
use std::collections::BTreeMap;

/// Of any section: how it is trained, or what its weights do.
const OF_ALL: [&str; 9] = [
    "truth",
    "onlyforward",
    "stopbackward",
    "dontsave",
    "dontload",
    "numload",
    "dontloadscales",
    "learning_rate",
    "smooth",
];

/// Of the network: training, and how pictures are drawn for it.
const OF_NETWORK: [&str; 69] = [
    "batch",
    "subdivisions",
    "momentum",
    "decay",
    "time_steps",
    "notruth",
    "random",
    "adam",
    "B1",
    "B2",
    "eps",
    "max_crop",
    "min_crop",
    "max_ratio",
    "min_ratio",
    "center",
    "clip",
    "angle",
    "aspect",
    "saturation",
    "exposure",
    "hue",
    "policy",
    "burn_in",
    "power",
    "step",
    "scale",
    "steps",
    "scales",
    "gamma",
    "max_batches",
    "seen",
    "flip",
    "jitter",
    "mosaic",
    "mosaic_bound",
    "mixup",
    "cutmix",
    "blur",
    "gaussian_noise",
    "letter_box",
    "loss_scale",
    "ema_alpha",
    "sgdr_cycle",
    "sgdr_mult",
    "seq_scales",
    "batches_per_step",
    "dynamic_minibatch",
    "optimized_memory",
    "workspace_size_limit_MB",
    "num_sigmas_reject_badlabels",
    "equidistant_point",
    "badlabels_rejection_percentage",
    "badlabels_reject_threshold",
    "max_chart_loss",
    "label_smooth_eps",
    "resize_step",
    "attention",
    "adversarial_lr",
    "contrastive",
    "contrastive_jit_flip",
    "contrastive_color",
    "unsupervised",
    "track",
    "augment_speed",
    "sequential_subdivisions",
    "init_sequential_subdivisions",
    "cudnn_half",
    "try_fix_nan",
];

/// What is right of a section and asked for by nothing that is computed of a picture.
fn idle(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Convolutional => &["dot"],
        Kind::Cost => &["type", "scale", "ratio", "noobj", "thresh"],
        Kind::Crop => &["flip", "angle", "saturation", "exposure", "shift"],
        Kind::Softmax => &["noloss", "jitter"],
        _ => &[],
    }
}

/// Keys by which AlexeyAB's Darknet computes something else, and the value with which it does not.
fn changing(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Convolutional => &[
            ("dilation", "1"),
            ("stride_x", ""),
            ("stride_y", ""),
            ("share_index", ""),
            ("antialiasing", "0"),
            ("assisted_excitation", "0"),
            ("sway", "0"),
            ("rotate", "0"),
            ("stretch", "0"),
            ("stretch_sway", "0"),
            ("deform", "0"),
            ("coordconv", "0"),
            ("bin_output", "0"),
        ],
        Kind::MaxPool => {
            &[("stride_x", ""), ("stride_y", ""), ("maxpool_depth", "0"), ("out_channels", ""), ("antialiasing", "0")]
        }
        Kind::Shortcut => {
            &[("weights_type", "none"), ("weights_normalization", "none"), ("weights_normalizion", "none")]
        }
        Kind::Connected => &[("xnor", "0")],
        _ => &[],
    }
}

/// The keys by which a section computes what neither Darknet nor a layer here does.
pub fn unsayable(section: &Section, kind: Kind) -> Vec<String> {
    let changes = |(key, harmless): &&(&str, &str)| section.has(key) && section.text(key, "") != *harmless;
    let told = |(key, _): &(&str, &str)| format!("`{key}={}` has no word", section.text(key, ""));
    changing(kind).iter().filter(changes).map(told).collect()
}

/// Keys that were not read and should be told.
#[derive(Default)]
pub struct Unread {
    /// By section's name and key: the first line, and how many.
    found: BTreeMap<(String, String), (usize, usize)>,
}

impl Unread {
    /// Takes up what is left of a section that was read; `kind` is `None` of the network's.
    pub fn of(&mut self, section: &Section, kind: Option<Kind>) {
        if kind.is_some_and(Kind::is_head) {
            return;
        }
        let known = |key: &str| match kind {
            None => OF_NETWORK.contains(&key) || OF_ALL.contains(&key),
            Some(kind) => OF_ALL.contains(&key) || idle(kind).contains(&key),
        };
        for (key, line) in section.unused().filter(|(key, _)| !known(key)) {
            let found = self.found.entry((section.name.clone(), shortened(key))).or_insert((line, 0));
            found.1 += 1;
        }
    }

    /// What people should know.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.found.iter().map(|((section, key), (line, count))| {
            let others = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            format!("`{key}` of [{section}] is no key that is known, and was not read: line {line}{others}")
        })
    }
}

fn shortened(key: &str) -> String {
    key.chars().take(40).map(|character| if character.is_control() { '?' } else { character }).collect()
}

/// What people should know of keys that stand in a section twice.
pub fn repeated(section: &Section) -> Vec<String> {
    let told = |(key, line): &(String, usize)| {
        format!("`{key}` of [{}] stands there twice, and the first counts: line {line}", section.name)
    };
    section.repeated.iter().map(told).collect()
}

/// Whether a section has what only AlexeyAB's Darknet reads, of that which is read here.
pub fn is_alexeys(section: &Section) -> bool {
    section.says("activation", &["swish", "mish", "relu6"]) || (section.name == "route" && section.says("groups", &[]))
}
