//! Cfgs written here and imported: sizes as Darknet has them, what is refused and why, and bytes of all kinds.

use super::{Imported, Refusal, import};
use crate::spec::Form;
use bytes::Bytes;

const PICTURE: &str = "[net]\nheight=16\nwidth=16\nchannels=4\n";

fn imported(layers: &str) -> Imported {
    let cfg = format!("{PICTURE}{layers}");
    import(cfg.as_bytes(), None, "net", Form::Flat).unwrap_or_else(|reason| panic!("{reason:?}"))
}

/// The shape of the last output.
fn shape(layers: &str) -> String {
    let graph = imported(layers).written.graph;
    let output = graph.graph.outputs.last().expect("an output");
    graph.shape(output.node).to_string()
}

/// Why a cfg is refused: of what has no word all lines.
fn refusal(cfg: &str) -> String {
    match import(cfg.as_bytes(), None, "net", Form::Flat).map(|_| ()) {
        Err(Refusal::Cfg(failure)) => failure.reason,
        Err(Refusal::Unsaid(lines)) => lines.join("\n"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sizes_are_those_of_darknet() {
    for (layer, expected) in [
        ("[convolutional]\nfilters=2\nsize=3\n", "[N, 2, 14, 14]"),
        ("[convolutional]\nfilters=2\nsize=4\npad=1\n", "[N, 2, 17, 17]"),
        ("[convolutional]\nfilters=2\nsize=3\npad=1\npadding=7\nstride=3\n", "[N, 2, 6, 6]"),
        ("[maxpool]\nsize=2\nstride=2\n", "[N, 4, 8, 8]"),
        ("[maxpool]\nsize=2\nstride=1\n", "[N, 4, 16, 16]"),
        ("[maxpool]\nsize=3\nstride=3\n", "[N, 4, 6, 6]"),
        ("[maxpool]\nsize=3\nstride=2\npadding=0\n", "[N, 4, 7, 7]"),
        ("[maxpool]\nstride=5\npadding=9\n", "[N, 4, 5, 5]"),
        ("[maxpool]\nsize=13\nstride=1\n", "[N, 4, 16, 16]"),
        ("[deconvolutional]\nfilters=2\nsize=4\nstride=2\npadding=1\n", "[N, 2, 32, 32]"),
        ("[reorg]\nstride=2\n", "[N, 16, 8, 8]"),
        ("[reorg]\nstride=2\nreverse=1\n", "[N, 1, 32, 32]"),
        ("[upsample]\nstride=2\n", "[N, 4, 32, 32]"),
        ("[avgpool]\n[softmax]\n", "[N, 4]"),
        ("[crop]\ncrop_height=9\ncrop_width=16\n", "[N, 4, 9, 16]"),
        (
            "[maxpool]\nstride=2\n[dropout]\n[route]\nlayers=-1,0\n[route]\nlayers=2\ngroups=4\ngroup_id=3\n",
            "[N, 2, 8, 8]",
        ),
    ] {
        assert_eq!(shape(layer), expected, "{layer}");
    }
}

#[test]
fn layers_are_called_by_darknets_numbers() {
    let imported = imported("[maxpool]\nstride=2\n[convolutional]\nbatch_normalize=1\n[connected]\n");
    let keys: Vec<&str> = imported.written.tensors.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys[..2], ["layer1.conv.weight", "layer1.bn.weight"]);
    assert_eq!(keys[5..], ["layer2.connected.weight", "layer2.connected.bias"]);
    assert_eq!(imported.ports.1, ["connected2"]);
}

#[test]
fn all_that_has_no_word_is_told_in_one_run() {
    let layers =
        "[rnn]\n[convolutional]\nactivation=stair\n[lstm]\n[softmax]\ntree=a\n[maxpool]\nmaxpool_depth=1\n[what]\n";
    let expected = "\
layer 0 `[rnn]`, line 5: a layer that remembers has no word
layer 1 `[convolutional]`, line 6: the activation `stair` has no word
layer 2 `[lstm]`, line 8: a layer that remembers has no word
layer 4 `[maxpool]`, line 11: `maxpool_depth=1` has no word
layer 5 `[what]`, line 13: there is no such section in Darknet";
    assert_eq!(refusal(&format!("{PICTURE}{layers}")), expected);
}

#[test]
fn what_has_no_word_is_refused_alone() {
    for (layers, reason) in [
        ("[normalization]\n", "its sums leave a channel out"),
        ("[convolutional]\nactivation=mist\n", "the activation `mist` is not known: Darknet would take `relu`"),
        ("[convolutional]\nxnor=1\n", "become signs"),
        ("[softmax]\ntree=a\n", "those of a tree"),
        ("[shortcut]\nfrom=-1,-2\n", "it adds several layers"),
        ("[region]\nnum=1\nclasses=0\ncoords=3\n[maxpool]\n", "it takes what layer 0 decodes"),
        ("[upsample]\nstride=-2\n", "a stride of -2"),
        ("[deconvolutional]\nstride=1000000000\n[deconvolutional]\nstride=1000000000\n[maxpool]\n", "past following"),
        ("[convolutional]\n[maxpool]\nstride=3\n[shortcut]\nfrom=0\n", "it adds 16 x 16 places to 6 x 6"),
    ] {
        let found = refusal(&format!("{PICTURE}{layers}"));
        assert!(found.contains(reason), "{layers}: {found}");
    }
}

#[test]
fn what_darknet_would_not_run_is_broken() {
    for (cfg, reason) in [
        ("[net]\n", "it has no layers"),
        ("[net]\n[maxpool]\n", "line 1: how large the input is has to be said"),
        ("[net]\nheight=2\nwidth=2\nchannels=2\ninputs=9\n[maxpool]\n", "line 5: `inputs` is 9"),
        ("[net]\ninputs=9\n[maxpool]\n", "line 3: it takes a picture"),
        ("[net]\ninputs=9\n[connected]\noutput=0\n", "line 4: `output` of `[connected]` is 0"),
        ("[net]\ninputs=9\n[route]\nlayers=0\n", "line 4: `layers` is 0, and this is layer 0"),
        ("[net]\ninputs=9\n[route]\n", "line 3: `[route]` has no `layers`"),
        ("[net]\ninputs=9\n[shortcut]\nfrom=-2\n", "line 4: `from` is -2"),
        ("[net]\ninputs=9\n[softmax]\ngroups=2\n", "line 3: 9 numbers are no 2 groups"),
        (
            "[net]\nheight=2\nwidth=2\nchannels=2\n[convolutional]\nsize=3\n",
            "line 6: a window of 3 does not fit into 2 x 2",
        ),
        ("[net]\nheight=2\nwidth=2\nchannels=2\n[maxpool]\nsize=3\npadding=0\n", "line 6: a window of 3 does not fit"),
        ("[net]\nheight=2\nwidth=2\nchannels=2\n[convolutional]\ngroups=3\n", "line 6: 2 channels and 1 filters"),
        ("[net]\nheight=3\nwidth=2\nchannels=4\n[reorg]\nstride=2\n", "line 6: 4 x 3 x 2 cannot be taken apart"),
        (
            "[net]\nheight=2\nwidth=2\nchannels=9\n[yolo]\nclasses=5\n",
            "line 5: `[yolo]` takes 10 channels by its keys, and gets 9",
        ),
    ] {
        let found = refusal(cfg);
        assert!(found.contains(reason), "{cfg}: {found}");
    }
}

#[test]
fn keys_that_are_not_read_are_told() {
    let notes = imported("[maxpool]\nstrid=2\n[maxpool]\nstride=2\nstride=3\nstrid=1\n").notes;
    let expected = [
        "`stride` of [maxpool] stands there twice, and the first counts: line 9",
        "`strid` of [maxpool] is no key that is known, and was not read: line 6 and 1 more",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn weights_go_to_the_layers_that_ask_for_them() {
    let cfg = "[net]\ninputs=2\n[connected]\noutput=1\nbatch_normalize=1\n";
    let numbers = [9.0_f32, 1.0, 2.0, 3.0, 4.0, 25.0];
    let header = [0_i32, 2, 0, 0, 0].into_iter().flat_map(i32::to_le_bytes);
    let file: Bytes = header.chain(numbers.into_iter().flat_map(f32::to_le_bytes)).collect::<Vec<u8>>().into();
    let imported = import(cfg.as_bytes(), Some(&file), "net", Form::Flat).unwrap();
    let tensors = imported.tensors.unwrap();
    let held: Vec<(&str, Vec<f32>)> =
        imported.written.tensors.iter().map(|(key, number)| (key.as_str(), tensors[*number].floats())).collect();
    let expected = [
        ("layer0.connected.weight", vec![1.0, 2.0]),
        ("layer0.bn.weight", vec![3.0]),
        ("layer0.bn.bias", vec![9.0]),
        ("layer0.bn.running_mean", vec![4.0]),
        ("layer0.bn.running_var", vec![25.00001]),
    ];
    assert_eq!(held, expected);
}

#[test]
fn batch_norms_divide_as_in_the_darknet_that_the_network_is_of() {
    let layer = "[convolutional]\nbatch_normalize=1\nactivation=";
    for (layers, revision, eps, variance) in [
        (format!("{layer}leaky\n"), 0, "eps=1e-12", 25.00001),
        (format!("{layer}leaky\n"), 5, "BatchNorm2d; ", 25.0),
        (format!("{layer}mish\n"), 0, "BatchNorm2d; ", 25.0),
    ] {
        let numbers = [9.0_f32, 3.0, 4.0, 25.0, 1.0, 1.0, 1.0, 1.0];
        let header = [0_i32, 2, revision, 0, 0].into_iter().flat_map(i32::to_le_bytes);
        let file: Bytes = header.chain(numbers.into_iter().flat_map(f32::to_le_bytes)).collect::<Vec<u8>>().into();
        let imported = import(format!("{PICTURE}{layers}").as_bytes(), Some(&file), "net", Form::Flat).unwrap();
        assert!(imported.written.text.contains(eps), "{}", imported.written.text);
        let tensors = imported.tensors.unwrap();
        let held = imported.written.tensors.iter().find(|(key, _)| key.ends_with("running_var")).unwrap();
        assert_eq!(tensors[held.1].floats(), [variance]);
        let told = imported.notes.iter().any(|note| note.starts_with("batch norms divide as those of AlexeyAB's"));
        assert_eq!(told, variance == 25.0);
    }
}

/// A small cfg with all kinds of layers that have weights, and a file that fits.
fn seed() -> (Vec<u8>, Vec<u8>) {
    let layers = "[convolutional]\nbatch_normalize=1\nfilters=4\ngroups=2\nsize=3\npad=1\nactivation=leaky\n\
                  [maxpool]\nsize=2\nstride=1\n\
                  [shortcut]\nfrom=-2\n[reorg]\nstride=2\n[route]\nlayers=-1,3\n[connected]\noutput=2\nactivation=relu\n[softmax]\n";
    let cfg = format!("{PICTURE}{layers}").into_bytes();
    let count = 4 * 4 + 4 * 2 * 9 + 2 + 2 * 2 * 16 * 64;
    let weights = [0_u8; 20].into_iter().chain((0..4 * count).map(|byte| byte as u8)).collect();
    (cfg, weights)
}

#[test]
fn damaged_bytes_are_read_or_refused() {
    let (cfg, mut weights) = seed();
    // A version for which the number of pictures is long.
    weights[4] = 2;
    let read = |cfg: &[u8], weights: &[u8]| {
        let file = Bytes::copy_from_slice(weights);
        let imported = import(cfg, Some(&file), "net", Form::Rolled)?;
        imported.tensors.iter().flatten().for_each(|tensor| drop(tensor.floats()));
        Ok::<_, Refusal>(())
    };
    read(&cfg, &weights).unwrap_or_else(|reason| panic!("{reason:?}"));
    let mut state = 1_u64;
    let mut below = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    for _ in 0..400 {
        let (mut cfg, mut weights) = (cfg.clone(), weights.clone());
        for _ in 0..=below(3) {
            let place = below(cfg.len());
            cfg[place] = b"0123456789-=[],\n#a\xff"[below(19)];
        }
        let place = below(20);
        weights[place] = below(256) as u8;
        if below(4) == 0 {
            cfg.truncate(below(cfg.len()));
        }
        if let Err(Refusal::Fault(reason)) = read(&cfg, &weights) {
            panic!("{reason} of\n{}", String::from_utf8_lossy(&cfg));
        }
    }
}
