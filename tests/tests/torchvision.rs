//! torchvision's networks: parameter counts and keys equal to the last one, multiply-adds as published.
//!
//! The table is `reference/torchvision.json`, which a script takes from torchvision itself.

use cnnc_compiler::summary::summarize;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_tests::{network, network_for};
use serde_json::Value;

/// torchvision publishes thousandths of a billion, rounded.
const ROUNDING: f64 = 0.0005;

#[test]
fn counts_keys_and_multiply_adds() {
    let text = std::fs::read_to_string("reference/torchvision.json").expect("the table");
    let table: Value = serde_json::from_str(&text).expect("JSON");
    let networks = table.as_object().expect("an object").iter().filter(|(_, entry)| entry.is_object());
    let mut checked = 0;
    for (name, expected) in networks {
        let size = expected["size"].as_u64().and_then(|size| usize::try_from(size).ok());
        let shapes: Vec<Vec<usize>> = size.map(|size| vec![1, 3, size, size]).into_iter().collect();
        let network = network_for(&format!("../models/torchvision/{name}.cnn"), None, &shapes);
        let cost = summarize(&network, &Bindings::new(), Some(0)).totals.cost;
        assert_eq!(Some(cost.parameters), expected["params"].as_u64(), "{name}: parameters");
        let giga = cost.macs.expect("every size is known") as f64 / 1e9;
        let published = expected["gmacs"].as_f64().expect("a number");
        assert!(
            (giga - published).abs() <= ROUNDING + 1e-9,
            "{name}: {giga} billion multiply-adds, {published} published"
        );
        let keys: Vec<String> = network.graph.parameters.iter().map(|one| key(&one.path, &one.shape)).collect();
        let expected: Vec<&str> =
            expected["keys"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        for (found, expected) in keys.iter().zip(&expected) {
            assert_eq!(found, expected, "{name}: the first key that differs");
        }
        assert_eq!(keys.len(), expected.len(), "{name}: number of keys");
        checked += 1;
    }
    assert_eq!(checked, 33);
}

/// `features.0.weight 64x3x11x11`
fn key(path: &str, shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("{path} {}", sizes.join("x"))
}

#[test]
fn the_issue_s_figures() {
    let figures: [(&str, u64, f64); 10] = [
        ("resnet18", 11_689_512, 1.814),
        ("resnet50", 25_557_032, 4.089),
        ("vgg16", 138_357_544, 15.470),
        ("mobilenet_v2", 3_504_872, 0.301),
        ("googlenet", 6_624_904, 1.498),
        ("densenet121", 7_978_856, 2.834),
        ("squeezenet1_1", 1_235_496, 0.349),
        ("efficientnet_b0", 5_288_548, 0.386),
        ("mobilenet_v3_small", 2_542_856, 0.057),
        ("shufflenet_v2_x1_0", 2_278_604, 0.145),
    ];
    for (name, parameters, giga) in figures {
        let network = network(&format!("../models/torchvision/{name}.cnn"), None);
        let cost = summarize(&network, &Bindings::new(), Some(0)).totals.cost;
        assert_eq!(cost.parameters, parameters, "{name}");
        assert!((cost.macs.expect("known") as f64 / 1e9 - giga).abs() <= ROUNDING, "{name}: {:?}", cost.macs);
    }
}
