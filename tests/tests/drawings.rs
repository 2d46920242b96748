//! Random networks are drawn in every form, also where groups are left and entered again, values skip blocks, and layers share
//! parameters. What drawings look like is measured where they are made, in `cli/src/graph/tests.rs`.

use cnnc_tests::random::spec;
use cnnc_tests::{Ran, cnnc};
use std::fs;

#[test]
fn random_networks_are_drawn_in_every_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (file, mut boxes) = (at("net.cnn"), 0);
    for seed in 0..200 {
        let text = spec(seed, false, false).text;
        fs::write(&file, &text).expect("a spec");
        for ending in ["svg", "html", "dot"] {
            let Ran { code, errors, .. } = cnnc(&["graph", &file, "--depth", "9", "-o", &at(&format!("net.{ending}"))]);
            assert_eq!(code, 0, "{ending} of\n{text}\n{errors}");
        }
        let Ran { code, output, errors } = cnnc(&["graph", &file, "--depth", "9"]);
        assert_eq!(code, 0, "{text}\n{errors}");
        // The same boxes, whether they are placed or listed.
        let drawn = fs::read_to_string(at("net.svg")).expect("a picture").matches("<g class=\"in\">").count();
        let keys = fs::read_to_string(at("net.svg")).expect("a picture").matches("rx=\"3.0\"").count();
        let listed = output.matches('●').count();
        assert_eq!(drawn - keys, listed, "{text}\n{output}");
        boxes += listed;
    }
    assert!(boxes > 1_000, "only {boxes} boxes");
}
